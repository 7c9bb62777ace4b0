//! When a test is muted: in a quiet time of the configuration, or while somebody has silenced it.
//!
//! In a quiet time the line is known to be off: no run starts by itself, and a failure does not count. A silence is about
//! people: runs go on and count, so that all is told again as soon as it ends. Either way nobody is told of what is wrong.

use std::sync::Arc;
use std::time::SystemTime;

use calltest_core::plan::{CallTest, Plan};
use jiff::civil;

use crate::now::Now;
use crate::silence::Silence;

/// What mutes a test at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Muting {
    /// The end of the quiet time, if it is in one.
    pub(crate) quiet_until: Option<SystemTime>,
    /// The silence that lasts longest, if there is one.
    pub(crate) silence: Option<Arc<Silence>>,
}

impl Muting {
    /// What mutes a test of this plan now.
    pub(crate) fn of(plan: &Plan, test: &CallTest, silences: &[Arc<Silence>], now: Now) -> Self {
        let silence = silences.iter().filter(|silence| silence.until > now.wall && silence.covers(plan, test));
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
