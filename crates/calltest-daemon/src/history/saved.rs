//! What outlives the process besides runs: how each test fares, and which silences hold.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::form;
use super::record::{RunSummary, Seq};
use crate::silence::Silence;

/// How a test fares, as the daemon saved it last. A key that an earlier version did not write has its default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SavedTest {
    /// Failures in a row.
    pub(crate) failures: u32,
    /// The last runs that told something, oldest first; true is a failure.
    pub(crate) recent: Vec<bool>,
    /// Whether any run has passed yet.
    pub(crate) has_passed: bool,
    /// Whether the last run could not find out.
    pub(crate) is_unknown: bool,
    /// How often it ran.
    pub(crate) counts: SavedCounts,
    /// When things happened last.
    pub(crate) times: SavedTimes,
    pub(crate) run: Option<String>,
    /// Why the last run did not pass.
    pub(crate) reason: Option<String>,
    /// The code of that reason.
    pub(crate) code: Option<String>,
    /// Why the last one before that did not pass.
    pub(crate) earlier_reason: Option<String>,
    /// The code of that reason.
    pub(crate) earlier_code: Option<String>,
    /// Its place in the order in which tests were heard of first.
    pub(crate) rank: Option<u64>,
    /// When the next run is due.
    #[serde(with = "form::maybe_time")]
    pub(crate) due: Option<SystemTime>,
    /// The last run that is part of all this: what [`commit`](super::History::commit) has returned for it. It has a
    /// column of its own in the file.
    #[serde(skip)]
    pub(crate) included: Option<Seq>,
}

/// How often a test ran, and how that came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SavedCounts {
    pub(crate) runs: u64,
    pub(crate) failures: u64,
    pub(crate) errors: u64,
    /// How long runs waited for their links, in all.
    #[serde(with = "form::whole_duration")]
    pub(crate) waited: Duration,
    /// How long they took from then on, in all.
    #[serde(with = "form::whole_duration")]
    pub(crate) ran: Duration,
}

/// When things happened last, by the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SavedTimes {
    /// When the last run got its links.
    #[serde(with = "form::maybe_time")]
    pub(crate) started: Option<SystemTime>,
    /// When it was asked for.
    #[serde(with = "form::maybe_time")]
    pub(crate) asked: Option<SystemTime>,
    /// When it ended.
    #[serde(with = "form::maybe_time")]
    pub(crate) ended: Option<SystemTime>,
}

/// What an earlier process has left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Restored {
    /// Every test that was ever saved or run, by name.
    pub(crate) tests: BTreeMap<String, RestoredTest>,
    /// Silences that were not removed; some may have ended by now.
    pub(crate) silences: Vec<Silence>,
}

/// What an earlier process has left of a test.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RestoredTest {
    /// How it fared when that was saved last.
    pub(crate) state: SavedTest,
    /// The runs since then, oldest first: they are yet to be taken in.
    pub(crate) runs: Vec<RunSummary>,
}
