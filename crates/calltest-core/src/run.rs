//! A run: one execution of a test, once it is over.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::evidence::Evidence;
use crate::expectation::Expectation;
use crate::measures::Measures;
use crate::plan::CallTest;
use crate::verdict::{Note, Verdict};

/// Identifies a run; drawn at random by whoever starts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

impl fmt::Display for RunId {
    /// Sixteen hexadecimal digits, so that all ids are of one length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A finished run, with all that is known about it.
#[derive(Debug, Clone)]
pub struct FinishedRun {
    /// Which run.
    pub id: RunId,
    /// Of which test.
    pub test: Arc<CallTest>,
    /// When it was asked for, by the wall clock.
    pub requested: SystemTime,
    /// How long it waited for its links.
    pub waited: Duration,
    /// How long it took from the moment it held its links until its channels were gone.
    pub duration: Duration,
    /// How it came out.
    pub verdict: Verdict,
    /// Remarks.
    pub notes: Vec<Note>,
    /// What was expected.
    pub expectation: Expectation,
    /// What was seen.
    pub evidence: Evidence,
    /// The times of the call.
    pub measures: Measures,
}
