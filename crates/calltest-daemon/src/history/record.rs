//! Runs as the history takes them in and hands them out, and which of them somebody wants to see.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use calltest_core::verdict::{Reason, VerdictKind};

use super::error::HistoryError;
use super::form;

/// How many runs a page may have, whatever is asked for.
pub(crate) const PAGE: usize = 1000;

/// The place of a run in the order in which all runs were committed. It grows with time, but has gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seq(pub(super) i64);

#[cfg(test)]
impl Seq {
    /// A place that grows with this number.
    pub(crate) fn of(number: u64) -> Self {
        Self(number.cast_signed())
    }
}

/// A run that is over, as it is handed to the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FinishedRecord {
    /// The run's id. Of two runs with the same id, the first is kept.
    pub(crate) id: String,
    pub(crate) test: String,
    /// When it was asked for.
    pub(crate) requested: SystemTime,
    /// When it was over.
    pub(crate) ended: SystemTime,
    /// How long it waited for its links.
    pub(crate) waited: Duration,
    /// How long it took from then on.
    pub(crate) duration: Duration,
    pub(crate) verdict: VerdictKind,
    /// Why it did not pass.
    pub(crate) reason: Option<Reason>,
    /// All about it, in the form on the wire.
    pub(crate) report: String,
    /// Where its recordings are; they are deleted with it.
    pub(crate) recordings: Vec<PathBuf>,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunSummary {
    /// Its place in the order of all runs.
    pub(crate) seq: Seq,
    pub(crate) id: String,
    /// When it was asked for.
    pub(crate) requested: SystemTime,
    /// When it was over.
    pub(crate) ended: SystemTime,
    /// How long it waited for its links.
    pub(crate) waited: Duration,
    /// How long it took from then on.
    pub(crate) duration: Duration,
    pub(crate) verdict: VerdictKind,
    /// Why it did not pass.
    pub(crate) reason: Option<Reason>,
}

impl RunSummary {
    /// Its place in lists of its test's runs.
    pub(crate) fn cursor(&self) -> Cursor {
        Cursor { requested: form::of_time(self.requested), seq: self.seq.0 }
    }
}

/// Which runs of a test somebody wants to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Asked for at that time or later.
    pub(crate) from: Option<SystemTime>,
    /// Asked for before that time.
    pub(crate) to: Option<SystemTime>,
    /// Which came out as one of these.
    pub(crate) verdicts: BTreeSet<VerdictKind>,
    /// Older than the last one of an earlier page.
    pub(crate) before: Option<Cursor>,
    /// How many at most; never more than [`PAGE`].
    pub(crate) limit: usize,
}

impl Default for Filter {
    fn default() -> Self {
        Self { from: None, to: None, verdicts: VerdictKind::ALL.into(), before: None, limit: 100 }
    }
}

impl Filter {
    /// How many runs the page may have; at least one, or there would be no way on.
    pub(super) fn limit(&self) -> usize {
        self.limit.clamp(1, PAGE)
    }

    /// The first moment of which runs are wanted.
    pub(super) fn earliest(&self) -> i64 {
        self.from.map_or(i64::MIN, form::of_time)
    }

    /// The place before which they have to be.
    pub(super) fn end(&self) -> Cursor {
        let last = Cursor { requested: i64::MAX, seq: i64::MAX };
        let to = self.to.map_or(last, |to| Cursor { requested: form::of_time(to), seq: i64::MIN });
        to.min(self.before.unwrap_or(last))
    }

    /// Whether a run that is still in memory is wanted.
    pub(super) fn wants(&self, summary: &RunSummary) -> bool {
        let place = summary.cursor();
        self.verdicts.contains(&summary.verdict) && place.requested >= self.earliest() && place < self.end()
    }
}

/// Some runs of a test, the newest first.
#[derive(Debug)]
pub(crate) struct RunPage {
    pub(crate) runs: Vec<RunSummary>,
    /// Where the next page goes on; nothing if this is the last.
    pub(crate) next: Option<Cursor>,
    /// Why the runs on disk are not among them.
    pub(crate) missing: Option<HistoryError>,
}

impl RunPage {
    /// A page of what was found on disk and in memory. A run that was being written meanwhile may be in both.
    pub(super) fn merged(
        on_disk: Result<Vec<RunSummary>, HistoryError>,
        in_memory: Vec<RunSummary>,
        filter: &Filter,
    ) -> Self {
        let (mut runs, missing) = match on_disk {
            Ok(runs) => (runs, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let written: BTreeSet<String> = runs.iter().map(|run| run.id.clone()).collect();
        runs.extend(in_memory.into_iter().filter(|run| !written.contains(&run.id)));
        runs.sort_by_key(|run| std::cmp::Reverse(run.cursor()));
        let has_more = runs.len() > filter.limit();
        runs.truncate(filter.limit());
        let next = runs.last().filter(|_| has_more).map(RunSummary::cursor);
        Self { runs, next, missing }
    }
}

/// A place in the list of a test's runs, which goes by the time when they were asked for. To others it is just a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cursor {
    pub(super) requested: i64,
    pub(super) seq: i64,
}

/// A text that no page has given as its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no place in the history")]
pub(crate) struct CursorError {
    text: String,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.requested, self.seq)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let parse = || {
            let (requested, seq) = text.split_once('.')?;
            Some(Self { requested: requested.parse().ok()?, seq: seq.parse().ok()? })
        };
        parse().ok_or_else(|| CursorError { text: text.to_owned() })
    }
}
