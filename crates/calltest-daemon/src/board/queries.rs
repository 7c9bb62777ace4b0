//! What can be asked of the board.

use std::sync::Arc;
use std::time::SystemTime;

use calltest_core::plan::TestName;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::Board;
use crate::test_state::TestState;

/// The states of all tests, and every change from then on.
pub(crate) type Following = (Vec<Arc<str>>, broadcast::Receiver<Arc<str>>);

/// How the daemon itself is.
#[derive(Debug, Clone)]
pub(crate) struct DaemonHealth {
    /// What is wrong, a sentence each.
    pub(crate) conditions: Vec<String>,
    pub(crate) started: SystemTime,
    pub(crate) plan: String,
    pub(crate) instance: String,
    /// How the last reload came out, if there was one.
    pub(crate) reload: Option<(SystemTime, Result<(), String>)>,
}

impl Board {
    pub(crate) fn state(&self, name: &str) -> Option<TestState> {
        let next_run = self.dispatcher.next_run(name, self.now());
        self.dispatcher.entry(name).map(|entry| TestState::of(entry, next_run))
    }

    pub(crate) fn follow(&self) -> Following {
        let all = self.dispatcher.entries().map(|entry| self.change(&entry.test().name)).collect();
        (all, self.changes.subscribe())
    }

    /// The message about a test that listeners get.
    pub(super) fn change(&self, name: &TestName) -> Arc<str> {
        match self.state(name.as_str()) {
            Some(state) => json!({ "action": "update", "name": name.as_str(), "state": state }),
            None => json!({ "action": "remove", "name": name.as_str(), "state": Value::Null }),
        }
        .to_string()
        .into()
    }

    pub(crate) fn health(&self) -> DaemonHealth {
        let conditions = self.conditions.iter().cloned();
        let conditions = conditions.chain(self.history.condition()).chain(self.reloading.condition());
        DaemonHealth {
            conditions: conditions.collect(),
            started: self.started,
            plan: self.plan.clone(),
            instance: self.instance.clone(),
            reload: self.reloading.last.clone(),
        }
    }
}
