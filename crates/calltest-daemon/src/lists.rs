//! The lists of the interface: which tests are well, and which are not.
//!
//! Keys, types and meanings are those of calltest 0.7; new keys stand beside them.

use calltest_core::streak::Condition;
use serde::Serialize;
use utoipa::ToSchema;

use crate::entry::Entry;

/// The tests that are not well.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Troubled {
    /// Tests with at least `test.fail` failures in a row.
    fail: Vec<String>,
    /// Tests with at least `test.warn` failures in a row, but fewer than `test.fail`.
    warn: Vec<String>,
    /// Tests with fewer, or with none any more but one among the last runs.
    note: Vec<String>,
    /// Tests whose last run could not find out. Those with failures from before are in their list as well.
    unknown: Vec<String>,
    /// Tests in a quiet time, or silenced: they are in none of the lists above.
    muted: Vec<String>,
    n_fail: usize,
    n_warn: usize,
    n_note: usize,
    n_ok: usize,
    n_unknown: usize,
    n_muted: usize,
}

/// All tests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Lists {
    #[serde(flatten)]
    pub(crate) troubled: Troubled,
    /// Tests that have passed, with no failure since and nothing unknown.
    ok: Vec<String>,
    /// Tests that are only started by hand.
    skip: Vec<String>,
    n_skip: usize,
}

impl Lists {
    /// Sorts tests into lists, each in the order in which tests first came to an end.
    pub(crate) fn of<'e>(entries: impl Iterator<Item = &'e Entry>) -> Self {
        let mut entries: Vec<&Entry> = entries.collect();
        entries.sort_by_key(|entry| entry.record().list_order.unwrap_or(u64::MAX));
        let mut lists = Self::default();
        for entry in entries {
            let name = || entry.test().name.to_string();
            let streak = &entry.record().streak;
            let is_unknown = streak.is_unknown();
            if entry.test().schedule.is_manual {
                lists.skip.push(name());
            }
            if streak.failures() == 0 && streak.has_passed() && !is_unknown {
                lists.ok.push(name());
            }
            if entry.muting().is_muted() {
                lists.troubled.muted.push(name());
                continue;
            }
            match entry.condition() {
                Condition::Fail => lists.troubled.fail.push(name()),
                Condition::Warn => lists.troubled.warn.push(name()),
                Condition::Note => lists.troubled.note.push(name()),
                Condition::Ok | Condition::New => {}
            }
            if is_unknown {
                lists.troubled.unknown.push(name());
            }
        }
        lists.count();
        lists
    }

    fn count(&mut self) {
        let Troubled { fail, warn, note, unknown, muted, .. } = &self.troubled;
        let counts = [fail, warn, note, unknown, muted].map(Vec::len);
        let troubled = &mut self.troubled;
        [troubled.n_fail, troubled.n_warn, troubled.n_note, troubled.n_unknown, troubled.n_muted] = counts;
        troubled.n_ok = self.ok.len();
        self.n_skip = self.skip.len();
    }
}
