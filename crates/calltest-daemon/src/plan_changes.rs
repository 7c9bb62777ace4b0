//! How two plans differ: what a reload changed, which tests make another call, and what only a restart changes.

use std::collections::BTreeMap;
use std::time::Duration;

use calltest_core::plan::{CallTest, Plan, Retention, TestName};

/// What a reload changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Changes {
    pub(crate) added: Vec<String>,
    pub(crate) removed: Vec<String>,
    pub(crate) changed: Vec<String>,
    /// What is as before until the daemon is restarted, a sentence each.
    pub(crate) needs_restart: Vec<String>,
}

impl Changes {
    pub(crate) fn between<'p>(old: &'p Plan, new: &'p Plan) -> Self {
        let tests = |plan: &'p Plan| -> BTreeMap<&'p TestName, &'p CallTest> {
            plan.tests.iter().map(|test| (&test.name, &**test)).collect()
        };
        let (before, now) = (tests(old), tests(new));
        let is_redefined = |(name, test): &(&&TestName, &&CallTest)| {
            before.get(**name).is_some_and(|known| !is_same_definition((old, known), (new, test)))
        };
        Self {
            added: now.keys().filter(|name| !before.contains_key(**name)).map(ToString::to_string).collect(),
            removed: before.keys().filter(|name| !now.contains_key(**name)).map(ToString::to_string).collect(),
            changed: now.iter().filter(is_redefined).map(|(name, _)| name.to_string()).collect(),
            needs_restart: needs_restart(old, new),
        }
    }
}

/// What only a restart changes, in words.
fn needs_restart(old: &Plan, new: &Plan) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut differ = |key: &str, before: String, now: String| {
        if before != now {
            sentences.push(format!("{key} is {now} in the configuration, and {before} in the daemon that runs"));
        }
    };
    differ("server.host", old.listen.host.clone(), new.listen.host.clone());
    differ("server.port", old.listen.port.to_string(), new.listen.port.to_string());
    let place = |plan: &Plan| plan.state_dir.as_ref().map_or("not set".into(), |path| path.display().to_string());
    differ("state_dir", place(old), place(new));
    let kept = |plan: &Plan| match &plan.history {
        None => "off".to_owned(),
        Some(Retention { age, failure_age, runs, bytes }) => {
            let days = |age: &Duration| age.as_secs() / (24 * 60 * 60);
            let (days, failure_days, megabytes) = (days(age), days(failure_age), bytes >> 20);
            format!("{{days: {days}, failure_days: {failure_days}, runs: {runs}, megabytes: {megabytes}}}")
        }
    };
    differ("server.history", kept(old), kept(new));
    let levels = |plan: &Plan| {
        let levels = plan.log_levels.iter().map(|(target, level)| format!("{target}={level}"));
        let levels: Vec<String> = levels.collect();
        if levels.is_empty() { "not set".to_owned() } else { levels.join(",") }
    };
    differ("logging", levels(old), levels(new));
    sentences
}

/// Whether a test makes the same call under two plans: over the same links, on the same servers. If not, it is tried soon
/// after a reload.
pub(crate) fn makes_same_call((plan, test): (&Plan, &CallTest), (other_plan, other): (&Plan, &CallTest)) -> bool {
    // Until when it rests, and what is told of it, has no part in the call.
    let call = |test: &CallTest| (test.route.clone(), test.timeout, test.delay.clone(), test.requirements.clone());
    call(test) == call(other) && lie_on_the_same((plan, test), (other_plan, other))
}

/// Whether nothing at all about a test differs between two plans, be it only when it runs or what is told of it. That is
/// what a reload reports as changed.
fn is_same_definition((plan, test): (&Plan, &CallTest), (other_plan, other): (&Plan, &CallTest)) -> bool {
    test == other && lie_on_the_same((plan, test), (other_plan, other))
}

fn lie_on_the_same((plan, test): (&Plan, &CallTest), (other_plan, other): (&Plan, &CallTest)) -> bool {
    test.links().into_iter().zip(other.links()).all(|(link, other_link)| {
        plan.link(link) == other_plan.link(other_link) && plan.server_of(link) == other_plan.server_of(other_link)
    })
}
