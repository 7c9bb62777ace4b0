//! Taking up the tests of a plan: the first one, and those that replace it.
//!
//! Tests live on by name: streak, counts and pause stay. What has changed about a test is tried soon.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;
use std::time::SystemTime;

use calltest_core::plan::{CallTest, Plan, TestName};

use super::{Action, Dispatcher, Now, Outcome};
use crate::entry::{Entry, Phase};
use crate::schedule;

impl Dispatcher {
    /// Puts the first plan's tests on the board.
    pub(super) fn take_up(&mut self, plan: &Arc<Plan>, due: &BTreeMap<TestName, SystemTime>, now: Now) {
        let mut soon = Vec::new();
        for test in &plan.tests {
            let known = self.retired.remove(&test.name);
            let mut entry = known.unwrap_or_else(|| Entry::new(Arc::clone(test), now.wall));
            entry.test = Arc::clone(test);
            if !test.schedule.is_manual {
                // A clock that was wrong then, or is now, must not keep a test from running.
                let longest = schedule::pause(&test.schedule, &entry.streak, 1.0);
                let left = due.get(&test.name).and_then(|due| due.duration_since(now.wall).ok());
                match left.filter(|left| *left <= longest) {
                    Some(left) => self.agenda.set(&test.name, Some(now.clock + left)),
                    None => soon.push(test.name.clone()),
                }
            }
            self.entries.insert(test.name.clone(), entry);
        }
        self.spread(&soon, now);
        // Nobody listens yet who could be told.
        self.look_at_mutings(now);
    }

    /// Goes over to another plan.
    pub(super) fn reload(&mut self, plan: Arc<Plan>, now: Now) -> Outcome {
        let before = mem::replace(&mut self.plan, Arc::clone(&plan));
        let names: BTreeSet<&TestName> = plan.tests.iter().map(|test| &test.name).collect();
        let mut outcome = Outcome { has_effect: true, ..self.take_away(&names) };
        let mut soon = Vec::new();
        for test in &plan.tests {
            let (mut entry, is_changed) = match self.entries.remove(&test.name) {
                Some(entry) => {
                    let is_changed = !runs_alike((&before, &entry.test), (&plan, test));
                    (entry, is_changed)
                }
                None => {
                    let known = self.retired.remove(&test.name);
                    (known.unwrap_or_else(|| Entry::new(Arc::clone(test), now.wall)), true)
                }
            };
            let has_other_looks = *entry.test != **test;
            let was_manual = entry.test.schedule.is_manual;
            entry.test = Arc::clone(test);
            if test.schedule.is_manual {
                self.agenda.set(&test.name, None);
                entry.is_held = false;
            } else if !entry.is_active() && (is_changed || was_manual) && !entry.is_held {
                soon.push(test.name.clone());
            }
            if is_changed || has_other_looks {
                outcome.actions.push(Action::Publish(test.name.clone()));
            }
            self.entries.insert(test.name.clone(), entry);
        }
        self.spread(&soon, now);
        outcome.actions.extend(self.look_at_mutings(now).actions);
        outcome
    }

    /// Takes away the tests that are not among these. A run that has begun goes on; one that still waits is called off.
    fn take_away(&mut self, names: &BTreeSet<&TestName>) -> Outcome {
        let mut outcome = Outcome::default();
        let gone: Vec<TestName> = self.entries.keys().filter(|name| !names.contains(name)).cloned().collect();
        for name in gone {
            let Some(mut entry) = self.entries.remove(&name) else { continue };
            self.agenda.set(&name, None);
            entry.is_held = false;
            if entry.phase == Phase::Waiting {
                outcome.actions.push(Action::Stop(name.clone()));
            }
            self.retired.insert(name.clone(), entry);
            outcome.actions.push(Action::Publish(name));
        }
        outcome
    }
}

/// Whether a test makes the same call under two plans: over the same links, on the same servers.
fn runs_alike((plan, test): (&Plan, &CallTest), (other_plan, other): (&Plan, &CallTest)) -> bool {
    // Until when it rests, and what is told of it, has no part in the call.
    let call = |test: &CallTest| (test.mode.clone(), test.timeout, test.delay.clone(), test.demands.clone());
    call(test) == call(other)
        && test.links().into_iter().zip(other.links()).all(|(link, other_link)| {
            plan.link(link) == other_plan.link(other_link) && plan.server_of(link) == other_plan.server_of(other_link)
        })
}
