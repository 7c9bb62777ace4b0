//! Finished runs as plain text for people: one line a run, its timeline below where asked for, and a summary.

use std::fmt::Write as _;
use std::time::Duration;

use calltest_core::run::FinishedRun;
use calltest_core::verdict::Verdict;

use crate::fact::{side_word, words};

/// One line about a run: the test's name, and the reason where it did not pass. The verdict's word is left to the caller,
/// who may colour it.
pub fn line(run: &FinishedRun) -> String {
    let mut line = format!("{} ({})", run.test.name, tenths(run.duration));
    if let Some(reason) = run.verdict.reason() {
        // Writing to a String cannot fail.
        let _ = write!(line, ": {reason}");
    }
    for note in &run.notes {
        let _ = write!(line, " [{note}]");
    }
    line
}

/// What happened in a run, one line a fact, each indented.
pub fn timeline(run: &FinishedRun) -> String {
    let mut text = String::new();
    for fact in &run.evidence.facts {
        let side = fact.side.map_or("", side_word);
        let _ = writeln!(text, "    {:>8.3} s  {side:<3}  {}", fact.at.as_secs_f64(), words(&fact.what));
    }
    let measures = [
        ("post-dial delay", run.measures.post_dial_delay),
        ("set-up time", run.measures.setup_time),
        ("ring time", run.measures.ring_time),
        ("talk time", run.measures.talk_time),
    ];
    let known: Vec<String> = measures
        .iter()
        .filter_map(|(name, time)| time.map(|time| format!("{name} {:.3} s", time.as_secs_f64())))
        .collect();
    if !known.is_empty() {
        let _ = writeln!(text, "    {}", known.join(", "));
    }
    text
}

/// How many runs came out which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Runs that passed.
    pub passed: usize,
    /// Runs that failed.
    pub failed: usize,
    /// Runs that could not find out.
    pub errors: usize,
    /// Runs that were called off.
    pub cancelled: usize,
}

impl Tally {
    /// Counts one more run.
    pub fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Pass => self.passed += 1,
            Verdict::Fail(_) => self.failed += 1,
            Verdict::Error(_) => self.errors += 1,
            Verdict::Cancelled => self.cancelled += 1,
        }
    }

    /// The summary: how many came out which way, and how long it took. Only what there is gets named.
    pub fn summary(&self, took: Duration) -> String {
        let counts = [
            (self.passed, "passed"),
            (self.failed, "failed"),
            (self.errors, "could not be tested"),
            (self.cancelled, "cancelled"),
        ];
        let total: usize = counts.iter().map(|(count, _)| count).sum();
        let named: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        let tests = if total == 1 { "test" } else { "tests" };
        format!("{total} {tests} in {}: {}", tenths(took), named.join(", "))
    }
}

/// Seconds with one decimal: what a person wants to know of a run as a whole.
fn tenths(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
