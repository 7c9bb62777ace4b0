//! Variables that a request sets on a channel or a bridge.

use std::collections::BTreeMap;

use serde::Serialize;

/// Variables by name, each with a value, and perhaps reported in every event of its channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct VariableSet(BTreeMap<String, Setting>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Setting {
    Plain(String),
    Reported { value: String, report_events: bool },
}

impl VariableSet {
    /// No variables.
    pub fn new() -> Self {
        VariableSet::default()
    }

    /// With `name` set to `value`. `name` may be a function, such as `TIMEOUT(absolute)`.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(name.into(), Setting::Plain(value.into()));
        self
    }

    /// With `name` set to `value` and shown as one of the `channelvars` in every event of the channel. Asterisk 22
    /// does that; older versions take the value as text.
    #[must_use]
    pub fn reported(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(name.into(), Setting::Reported { value: value.into(), report_events: true });
        self
    }
}
