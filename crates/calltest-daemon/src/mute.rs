//! When a test is muted: in a quiet time of the configuration, or while somebody has silenced it.
//!
//! In a quiet time the line is known to be off: no run starts by itself, and a failure does not count. A silence is about
//! people: runs go on and count, so that all is told again as soon as it ends. Either way nobody is told of what is wrong.

use std::sync::Arc;
use std::time::SystemTime;

use calltest_core::plan::{CallTest, LinkName, Plan, ServerName, TestName};
use jiff::civil;

use crate::dispatcher::Now;

/// What a silence is about: everything that it names, and what lies on it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Scope {
    pub(crate) tests: Vec<TestName>,
    /// All tests over these links.
    pub(crate) links: Vec<LinkName>,
    /// All tests on these servers.
    pub(crate) servers: Vec<ServerName>,
    /// Simply all tests.
    pub(crate) is_everything: bool,
}

/// Somebody does not want to hear of some tests for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Silence {
    pub(crate) id: String,
    pub(crate) scope: Scope,
    pub(crate) created: SystemTime,
    pub(crate) until: SystemTime,
    /// Why, in the operator's words.
    pub(crate) reason: String,
}

/// What mutes a test at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Muting {
    /// The end of the quiet time, if it is in one.
    pub(crate) quiet_until: Option<SystemTime>,
    /// The silence that lasts longest, if there is one.
    pub(crate) silence: Option<Arc<Silence>>,
}

impl Scope {
    /// Refuses names that the plan does not have: they are most likely mistyped.
    pub(crate) fn check(&self, plan: &Plan) -> Result<(), String> {
        let is_test = |name: &TestName| plan.test(name.as_str()).is_some();
        if let Some(name) = self.tests.iter().find(|name| !is_test(name)) {
            return Err(format!("there is no test {name}"));
        }
        if let Some(name) = self.links.iter().find(|name| !plan.links.contains_key(*name)) {
            return Err(format!("there is no link {name}"));
        }
        match self.servers.iter().find(|name| !plan.servers.contains_key(*name)) {
            Some(name) => Err(format!("there is no server {name}")),
            None => Ok(()),
        }
    }

    fn covers(&self, plan: &Plan, test: &CallTest) -> bool {
        self.is_everything
            || self.tests.contains(&test.name)
            || test.links().into_iter().any(|link| {
                // A silence may name what a reload has taken away.
                self.links.contains(link) || self.servers.contains(&plan.server_of(link).name)
            })
    }
}

impl Muting {
    /// What mutes a test of this plan now.
    pub(crate) fn of(plan: &Plan, test: &CallTest, silences: &[Arc<Silence>], now: Now) -> Self {
        let silence = silences.iter().filter(|silence| silence.until > now.wall && silence.scope.covers(plan, test));
        Self {
            quiet_until: quiet_until(plan, test, now.local).map(|end| now.at(end)),
            silence: silence.max_by_key(|silence| silence.until).cloned(),
        }
    }

    /// Whether no run starts by itself.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet_until.is_some()
    }

    /// Whether nobody is told what is wrong.
    pub(crate) fn is_muted(&self) -> bool {
        self.is_quiet() || self.silence.is_some()
    }
}

/// Whether a plan has any quiet time at all.
pub(crate) fn has_quiet_times(plan: &Plan) -> bool {
    plan.tests.iter().any(|test| !test.quiet.0.is_empty())
        || plan.links.values().any(|link| !link.quiet.0.is_empty())
        || plan.servers.values().any(|server| !server.quiet.0.is_empty())
}

/// The end of the quiet time that a test is in at this local time: its own, its links', or its servers'.
fn quiet_until(plan: &Plan, test: &CallTest, local: civil::DateTime) -> Option<civil::DateTime> {
    let of_links = test.links().into_iter().flat_map(|link| {
        [plan.link(link).quiet.covers(local), plan.server_of(link).quiet.covers(local)].into_iter().flatten()
    });
    of_links.chain(test.quiet.covers(local)).max()
}
