//! Consecutive failures, and the condition that they put a test in.
//!
//! Only verdicts about the phone network count. A run that could not find out, or was called off, leaves the streak as it
//! is: it neither adds a failure nor ends a row of them.

use std::collections::VecDeque;
use std::num::NonZeroU32;

use crate::verdict::VerdictKind;

/// How many of the last runs are remembered one by one.
pub const REMEMBERED: usize = 20;

/// How a test fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// No run has told anything yet.
    New,
    /// The last run that told anything passed, and so did all that are remembered.
    Ok,
    /// Fewer failures in a row than are worth a warning, or none any more while a recent one is remembered.
    Note,
    /// Enough failures in a row for a warning.
    Warn,
    /// Enough failures in a row to call the line broken.
    Fail,
}

/// From how many failures in a row a test is in which condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// From here on a warning; never above `fail`.
    pub warn: NonZeroU32,
    /// From here on a failure.
    pub fail: NonZeroU32,
}

/// The verdicts of one test, as far as they count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Streak {
    failures: u32,
    /// The last runs that told something, oldest first; true is a failure. Empty again once none is among them.
    recent: VecDeque<bool>,
    has_passed: bool,
    is_unknown: bool,
}

impl Streak {
    /// Goes on from what is known of an earlier process.
    pub fn restored(failures: u32, recent: impl IntoIterator<Item = bool>, has_passed: bool, is_unknown: bool) -> Self {
        let mut streak = Self { failures, recent: recent.into_iter().collect(), has_passed, is_unknown };
        streak.forget();
        streak
    }

    /// Takes in how one more run came out.
    pub fn record(&mut self, verdict: VerdictKind) {
        match verdict {
            VerdictKind::Pass => {
                self.failures = 0;
                self.has_passed = true;
                self.remember(false);
            }
            VerdictKind::Fail => {
                self.failures = self.failures.saturating_add(1);
                self.remember(true);
            }
            VerdictKind::Error => self.is_unknown = true,
            VerdictKind::Cancelled => {}
        }
    }

    fn remember(&mut self, is_failure: bool) {
        self.is_unknown = false;
        self.recent.push_back(is_failure);
        self.forget();
    }

    fn forget(&mut self) {
        while self.recent.len() > REMEMBERED {
            self.recent.pop_front();
        }
        if !self.recent.contains(&true) {
            self.recent.clear();
        }
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The last runs that told something, oldest first; true is a failure. Empty where none of them is.
    pub fn recent(&self) -> impl ExactSizeIterator<Item = bool> {
        self.recent.iter().copied()
    }

    /// Whether any run has passed yet.
    pub fn has_passed(&self) -> bool {
        self.has_passed
    }

    /// Whether the last run could not find out. It stands beside the condition, which is that of before.
    pub fn is_unknown(&self) -> bool {
        self.is_unknown
    }

    /// The condition of a test with these thresholds.
    pub fn condition(&self, thresholds: Thresholds) -> Condition {
        match self.failures {
            0 if !self.recent.is_empty() => Condition::Note,
            0 if self.has_passed => Condition::Ok,
            0 => Condition::New,
            failures if failures >= thresholds.fail.get() => Condition::Fail,
            failures if failures >= thresholds.warn.get() => Condition::Warn,
            _ => Condition::Note,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A story of verdicts, `p`ass, `f`ail, `e`rror, `c`ancelled, with the condition after it.
    #[track_caller]
    fn check(story: &str, condition: Condition, failures: u32, recent: &str, is_unknown: bool) {
        let mut streak = Streak::default();
        for verdict in story.chars() {
            streak.record(match verdict {
                'p' => VerdictKind::Pass,
                'f' => VerdictKind::Fail,
                'e' => VerdictKind::Error,
                _ => VerdictKind::Cancelled,
            });
        }
        let thresholds = Thresholds { warn: NonZeroU32::new(2).unwrap(), fail: NonZeroU32::new(4).unwrap() };
        let shown: String = streak.recent().map(|is_failure| if is_failure { 'f' } else { 'p' }).collect();
        let seen = (streak.condition(thresholds), streak.failures(), &*shown, streak.is_unknown());
        assert_eq!(seen, (condition, failures, recent, is_unknown), "{story}");
        let restored = Streak::restored(streak.failures(), streak.recent(), streak.has_passed(), streak.is_unknown());
        assert_eq!(restored, streak, "{story}");
    }

    #[test]
    fn failures_in_a_row_lead_from_note_to_fail() {
        check("", Condition::New, 0, "", false);
        check("p", Condition::Ok, 0, "", false);
        check("pf", Condition::Note, 1, "f", false);
        check("pff", Condition::Warn, 2, "ff", false);
        check("ffff", Condition::Fail, 4, "ffff", false);
        check("fffff", Condition::Fail, 5, "fffff", false);
    }

    #[test]
    fn a_success_ends_the_row_but_is_remembered_with_it() {
        check("ffffp", Condition::Note, 0, "ffffp", false);
        check(&format!("f{}", "p".repeat(19)), Condition::Note, 0, &format!("f{}", "p".repeat(19)), false);
        check(&format!("f{}", "p".repeat(20)), Condition::Ok, 0, "", false);
    }

    #[test]
    fn an_error_or_a_call_that_was_called_off_changes_no_streak() {
        check("e", Condition::New, 0, "", true);
        check("pe", Condition::Ok, 0, "", true);
        check("ffe", Condition::Warn, 2, "ff", true);
        check("ffef", Condition::Warn, 3, "fff", false);
        check("ffec", Condition::Warn, 2, "ff", true);
        check("c", Condition::New, 0, "", false);
    }
}
