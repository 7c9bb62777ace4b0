//! Finished runs as plain text for people: one line a run, its timeline below where asked for, and a summary. Whatever
//! strangers wrote into a run, a line stays one line.

use std::fmt::Write as _;
use std::time::Duration;

use calltest_core::verdict::VerdictKind;

use crate::plain_text::{printable, shortened};
use crate::run::Report;
use crate::timeline::words_of_left_out;

/// The most characters of a reason, or of a fact in the timeline. 1000 digits that were expected and as many that were
/// received fit.
const LONGEST: usize = 4000;
/// The kind of fact that tells a leg's Call-ID.
const SIP_CALL_ID: &str = "sip_call_id";
/// The most characters of a remark.
const LONGEST_NOTE: usize = 400;

/// One line about a run: the test's name, and the reason where it did not pass. The verdict's word is left to the caller,
/// who may colour it.
pub fn line(run: &Report) -> String {
    let mut line = format!("{} ({})", printable(&run.test), tenths(run.duration_ms / 1000.0));
    if let Some(reason) = &run.reason {
        // Writing to a String cannot fail.
        let _ = write!(line, ": {}", shortened(reason, LONGEST));
    }
    for note in &run.notes {
        let _ = write!(line, " [{}]", shortened(note, LONGEST_NOTE));
    }
    line
}

/// What happened in a run, one line a fact, each indented.
pub fn timeline(run: &Report) -> String {
    let mut text = String::new();
    for fact in &run.timeline {
        let side = printable(fact.side.as_deref().unwrap_or_default());
        let _ = writeln!(text, "    {:>8.3} s  {side:<3}  {}", fact.at_ms / 1000.0, shortened(&fact.text, LONGEST));
    }
    for (kind, count) in &run.timeline_left_out {
        let _ = writeln!(text, "    {}", printable(&words_of_left_out(kind, *count)));
    }
    let measures = [
        ("post-dial delay", run.measures.post_dial_delay_ms),
        ("set-up time", run.measures.setup_time_ms),
        ("ring time", run.measures.ring_time_ms),
        ("talk time", run.measures.talk_time_ms),
    ];
    let known: Vec<String> =
        measures.iter().filter_map(|(name, time)| time.map(|time| format!("{name} {:.3} s", time / 1000.0))).collect();
    if !known.is_empty() {
        let _ = writeln!(text, "    {}", known.join(", "));
    }
    // By these a carrier finds the call.
    let of_sip = run.timeline.iter().filter(|fact| fact.fact == SIP_CALL_ID);
    let ids: Vec<String> = of_sip
        .filter_map(|fact| Some(format!("{} {}", fact.side.as_deref()?, fact.details.get("id")?.as_str()?)))
        .collect();
    if !ids.is_empty() {
        let _ = writeln!(text, "    SIP Call-ID: {}", shortened(&ids.join(", "), LONGEST));
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
    pub fn add(&mut self, verdict: VerdictKind) {
        match verdict {
            VerdictKind::Pass => self.passed += 1,
            VerdictKind::Fail => self.failed += 1,
            VerdictKind::Error => self.errors += 1,
            VerdictKind::Cancelled => self.cancelled += 1,
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
        format!("{total} {tests} in {}: {}", tenths(took.as_secs_f64()), named.join(", "))
    }
}

/// Seconds with one decimal: what a person wants to know of a run as a whole.
fn tenths(seconds: f64) -> String {
    format!("{seconds:.1} s")
}
