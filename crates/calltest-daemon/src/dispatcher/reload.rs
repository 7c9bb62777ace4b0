//! Adding the tests of a plan: the first one, and those that replace it.
//!
//! Tests live on by name: streak, counts and pause stay. What has changed about a test is tried soon.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;
use std::time::SystemTime;

use calltest_core::plan::{Plan, TestName};

use super::{Action, Decision, Dispatcher};
use crate::entry::{Entry, Phase};
use crate::now::Now;
use crate::plan_changes::makes_same_call;
use crate::schedule;

impl Dispatcher {
    /// Puts the first plan's tests on the board.
    pub(super) fn add_tests(&mut self, plan: &Arc<Plan>, due: &BTreeMap<TestName, SystemTime>, now: Now) {
        let mut soon = Vec::new();
        for test in &plan.tests {
            let known = self.retired.remove(&test.name);
            let mut entry = known.unwrap_or_else(|| Entry::new(Arc::clone(test), now.wall));
            entry.redefine(Arc::clone(test));
            if !test.schedule.is_manual {
                // A clock that was wrong then, or is now, must not keep a test from running.
                let longest = schedule::pause(&test.schedule, &entry.record().streak, 1.0);
                let left = due.get(&test.name).and_then(|due| due.duration_since(now.wall).ok());
                match left.filter(|left| *left <= longest) {
                    Some(left) => self.due_queue.set(&test.name, Some(now.clock + left)),
                    None => soon.push(test.name.clone()),
                }
            }
            self.entries.insert(test.name.clone(), entry);
        }
        self.spread(&soon, now);
        // Nobody listens yet who could be told.
        self.update_mutes(now);
    }

    /// Goes over to another plan.
    pub(super) fn reload(&mut self, plan: Arc<Plan>, now: Now) -> Decision {
        let before = mem::replace(&mut self.plan, Arc::clone(&plan));
        let names: BTreeSet<&TestName> = plan.tests.iter().map(|test| &test.name).collect();
        let mut decision = Decision { has_effect: true, ..self.retire_tests(&names) };
        let mut soon = Vec::new();
        for test in &plan.tests {
            let (mut entry, is_changed) = match self.entries.remove(&test.name) {
                Some(entry) => {
                    let is_changed = !makes_same_call((&before, entry.test()), (&plan, test));
                    (entry, is_changed)
                }
                None => {
                    let known = self.retired.remove(&test.name);
                    (known.unwrap_or_else(|| Entry::new(Arc::clone(test), now.wall)), true)
                }
            };
            let display_changed = **entry.test() != **test;
            let was_manual = entry.test().schedule.is_manual;
            entry.redefine(Arc::clone(test));
            if test.schedule.is_manual {
                self.due_queue.set(&test.name, None);
                entry.release();
            } else if !entry.is_active() && (is_changed || was_manual) && !entry.is_held() {
                soon.push(test.name.clone());
            }
            if is_changed || display_changed {
                decision.actions.push(Action::Publish(test.name.clone()));
            }
            self.entries.insert(test.name.clone(), entry);
        }
        self.spread(&soon, now);
        decision.actions.extend(self.update_mutes(now).actions);
        decision
    }

    /// Retires the tests that are not among these. A run that has begun goes on; one that still waits is called off.
    fn retire_tests(&mut self, names: &BTreeSet<&TestName>) -> Decision {
        let mut decision = Decision::default();
        let gone: Vec<TestName> = self.entries.keys().filter(|name| !names.contains(name)).cloned().collect();
        for name in gone {
            let Some(mut entry) = self.entries.remove(&name) else { continue };
            self.due_queue.set(&name, None);
            entry.release();
            if entry.phase() == Phase::Waiting {
                decision.actions.push(Action::Stop(name.clone()));
            }
            self.retired.insert(name.clone(), entry);
            decision.actions.push(Action::Publish(name));
        }
        decision
    }
}
