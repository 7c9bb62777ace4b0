//! Which test is due when. What is next costs the same to find however many tests there are.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use calltest_core::plan::TestName;

/// When tests are due, on the daemon's own clock.
#[derive(Debug, Default)]
pub(crate) struct DueQueue {
    by_time: BTreeSet<(Duration, TestName)>,
    by_name: HashMap<TestName, Duration>,
}

impl DueQueue {
    /// Makes a test due then, instead of when it was before; never if `None`.
    pub(crate) fn set(&mut self, name: &TestName, due: Option<Duration>) {
        if let Some(before) = self.by_name.remove(name) {
            self.by_time.remove(&(before, name.clone()));
        }
        if let Some(due) = due {
            self.by_name.insert(name.clone(), due);
            self.by_time.insert((due, name.clone()));
        }
    }

    /// When a test is due.
    pub(crate) fn due(&self, name: &str) -> Option<Duration> {
        self.by_name.get(name).copied()
    }

    /// When the first of all tests is due.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.by_time.first().map(|(due, _)| *due)
    }

    /// Takes out what is due by now, the longest overdue first.
    pub(crate) fn take_due(&mut self, now: Duration) -> Vec<TestName> {
        let mut names = Vec::new();
        while self.next().is_some_and(|due| due <= now) {
            let Some((_, name)) = self.by_time.pop_first() else { break };
            self.by_name.remove(&name);
            names.push(name);
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_due_once_and_in_order() {
        let mut queue = DueQueue::default();
        let seconds = Duration::from_secs;
        let names: [TestName; 3] = ["a".into(), "b".into(), "c".into()];
        for (name, due) in names.iter().zip([30, 10, 20]) {
            queue.set(name, Some(seconds(due)));
        }
        queue.set(&names[1], Some(seconds(25)));
        assert_eq!((queue.next(), queue.due("b")), (Some(seconds(20)), Some(seconds(25))));
        assert_eq!(queue.take_due(seconds(25)), [names[2].clone(), names[1].clone()]);
        assert_eq!((queue.next(), queue.due("b")), (Some(seconds(30)), None));
        queue.set(&names[0], None);
        assert_eq!((queue.next(), queue.take_due(seconds(99))), (None, Vec::new()));
    }
}
