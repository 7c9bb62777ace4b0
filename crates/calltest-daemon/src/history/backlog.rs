//! What is not on disk yet: runs that have just finished, and states that have just changed.
//!
//! Plain data, without locks or clocks. An item is here until it is known to be on disk, and may be in both places for a
//! moment, never in neither. Runs have a bound: where it is reached, passes go first, the oldest of them first, and failures
//! last. States of tests need none, since there is one for each test, and the latest is enough.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use calltest_core::verdict::VerdictKind;
use tokio::sync::oneshot;

use super::form;
use super::pending_run::PendingRun;
use super::record::{Filter, RunSummary, Seq};
use super::saved::SavedTest;
use crate::silence::Silence;

/// How many runs are written in one transaction.
const BATCH_RUNS: usize = 500;
/// How many bytes of runs are written in one transaction, as far as there are several.
const BATCH_BYTES: usize = 4 << 20;

/// In which order verdicts are given up where not all runs can be kept. Those in one row go by age alone.
pub(super) const EVICTION_ORDER: [&[VerdictKind]; 3] =
    [&[VerdictKind::Pass, VerdictKind::Cancelled], &[VerdictKind::Error], &[VerdictKind::Fail]];

/// How much is kept in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    /// How many runs.
    pub(crate) runs: usize,
    /// How many bytes they may take.
    pub(crate) bytes: usize,
}

/// A run that waits, and who waits for it.
struct Waiting {
    run: Arc<PendingRun>,
    written: Option<oneshot::Sender<()>>,
}

/// A state with the number of its change, by which it is known whether it has changed again while it was written.
#[derive(Debug, Clone)]
struct Changed<T> {
    change: u64,
    value: T,
}

/// What is not on disk yet.
pub(crate) struct Backlog {
    bound: Bound,
    runs: VecDeque<Waiting>,
    bytes: usize,
    tests: BTreeMap<String, Changed<Arc<SavedTest>>>,
    /// Nothing as the value is a silence that is to be removed.
    silences: BTreeMap<String, Changed<Option<Arc<Silence>>>>,
    changes: u64,
    last: i64,
    /// Up to here, runs are being written.
    taken: i64,
    dropped: u64,
}

/// What is written in one transaction.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(super) runs: Vec<Arc<PendingRun>>,
    tests: Vec<(String, Changed<Arc<SavedTest>>)>,
    silences: Vec<(String, Changed<Option<Arc<Silence>>>)>,
}

/// One thing to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Item<'b> {
    Run(&'b PendingRun),
    Test(&'b str, &'b SavedTest),
    Silence(&'b Silence),
    NoSilence(&'b str),
}

impl Batch {
    /// A batch of runs alone, each with its place in the order of runs.
    #[cfg(test)]
    pub(crate) fn of_runs(runs: impl IntoIterator<Item = (i64, super::record::FinishedRecord)>) -> Self {
        let runs = runs.into_iter().map(|(seq, run)| Arc::new(PendingRun { seq, ..PendingRun::new(run) }));
        Self { runs: runs.collect(), ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.tests.is_empty() && self.silences.is_empty()
    }

    /// All that is in it; runs before the states that include them.
    pub(super) fn items(&self) -> impl Iterator<Item = Item<'_>> {
        let runs = self.runs.iter().map(|run| Item::Run(run));
        let tests = self.tests.iter().map(|(name, state)| Item::Test(name, &state.value));
        let silences = self.silences.iter().map(|(id, silence)| match &silence.value {
            Some(silence) => Item::Silence(silence),
            None => Item::NoSilence(id),
        });
        runs.chain(tests).chain(silences)
    }
}

impl fmt::Display for Item<'_> {
    /// What it is, for messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(run) => write!(f, "run {} of test {}", run.id, run.test),
            Self::Test(name, _) => write!(f, "the state of test {name}"),
            Self::Silence(silence) => write!(f, "silence {}", silence.id),
            Self::NoSilence(id) => write!(f, "the end of silence {id}"),
        }
    }
}

impl Backlog {
    /// An empty one.
    pub(crate) fn new(bound: Bound) -> Self {
        Self {
            bound,
            runs: VecDeque::new(),
            bytes: 0,
            tests: BTreeMap::new(),
            silences: BTreeMap::new(),
            changes: 0,
            last: 0,
            taken: i64::MIN,
            dropped: 0,
        }
    }

    /// From now on, runs come after this one.
    pub(crate) fn go_on_after(&mut self, seq: Seq) {
        self.last = self.last.max(seq.0);
    }

    /// Takes in a run. Its place is the time, as far as that goes forward: so it comes after all runs of earlier processes
    /// even while the file that knows them cannot be read.
    pub(crate) fn add(&mut self, mut run: PendingRun, now: SystemTime, written: Option<oneshot::Sender<()>>) -> Seq {
        self.last = form::of_time(now).max(self.last.saturating_add(1));
        run.seq = self.last;
        self.bytes += run.size();
        self.runs.push_back(Waiting { run: Arc::new(run), written });
        Seq(self.last)
    }

    /// Drops as many runs as are too many, except those that are being written; with `by_age`, whatever their verdicts.
    /// Returns how many.
    pub(crate) fn shrink(&mut self, by_age: bool) -> u64 {
        let mut dropped = 0;
        while self.runs.len() > self.bound.runs || self.bytes > self.bound.bytes {
            let Some(index) = self.next_to_evict(by_age) else { break };
            let victim = self.runs.remove(index).expect("the index was found among the runs");
            self.bytes -= victim.run.size();
            dropped += 1;
        }
        self.dropped += dropped;
        dropped
    }

    fn next_to_evict(&self, by_age: bool) -> Option<usize> {
        let first = self.runs.partition_point(|waiting| waiting.run.seq <= self.taken);
        if by_age {
            return (first < self.runs.len()).then_some(first);
        }
        let of = |verdicts: &&[VerdictKind]| {
            let mut free = self.runs.range(first..);
            free.position(|waiting| verdicts.contains(&waiting.run.verdict)).map(|index| first + index)
        };
        EVICTION_ORDER.iter().find_map(of)
    }

    /// How many runs were dropped since this was last asked.
    pub(crate) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// How many runs wait, and how many were dropped.
    pub(crate) fn figures(&self) -> (usize, u64) {
        (self.runs.len(), self.dropped)
    }

    /// The state of a test; the latest counts.
    pub(crate) fn save_test(&mut self, name: String, state: SavedTest) {
        self.changes += 1;
        self.tests.insert(name, Changed { change: self.changes, value: Arc::new(state) });
    }

    /// A silence, or that there is none any more.
    pub(crate) fn save_silence(&mut self, id: String, silence: Option<Arc<Silence>>) {
        self.changes += 1;
        self.silences.insert(id, Changed { change: self.changes, value: silence });
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.tests.is_empty() && self.silences.is_empty()
    }

    /// What is to be written next, the oldest runs first. All stays here until it [is written](Self::written).
    pub(crate) fn take(&mut self) -> Batch {
        let mut bytes = 0;
        let fitting = self.runs.iter().take(BATCH_RUNS).take_while(|waiting| {
            let fits = bytes < BATCH_BYTES;
            bytes += waiting.run.size();
            fits
        });
        let runs: Vec<Arc<PendingRun>> = fitting.map(|waiting| Arc::clone(&waiting.run)).collect();
        let is_last = runs.len() == self.runs.len();
        self.taken = runs.last().map_or(i64::MIN, |run| run.seq);
        // A state must not be on disk before the runs that it includes, or these would be lost if we were killed between.
        let is_covered = |state: &SavedTest| is_last || state.included.is_none_or(|seq| seq.0 <= self.taken);
        let tests = self.tests.iter().filter(|(_, state)| is_covered(&state.value));
        Batch {
            runs,
            tests: tests.map(|(name, state)| (name.clone(), state.clone())).collect(),
            silences: self.silences.iter().map(|(id, silence)| (id.clone(), silence.clone())).collect(),
        }
    }

    /// A batch is on disk: all that has not changed meanwhile goes, and whoever waits for it is told.
    pub(crate) fn written(&mut self, batch: &Batch) {
        while self.runs.front().is_some_and(|waiting| waiting.run.seq <= self.taken) {
            let waiting = self.runs.pop_front().expect("there is a front");
            self.bytes -= waiting.run.size();
            // Whoever waited may have given up.
            let _ = waiting.written.map(|written| written.send(()));
        }
        self.taken = i64::MIN;
        forget(&mut self.tests, &batch.tests);
        forget(&mut self.silences, &batch.silences);
    }

    /// A batch could not be written: all of it stays, but nobody is kept waiting.
    pub(crate) fn failed(&mut self) {
        self.taken = i64::MIN;
        self.runs.iter_mut().for_each(|waiting| drop(waiting.written.take()));
    }

    /// The runs of a test that somebody wants to see.
    pub(crate) fn page(&self, test: &str, filter: &Filter) -> Vec<RunSummary> {
        let runs = self.runs.iter().filter(|waiting| waiting.run.test == test);
        runs.map(|waiting| waiting.run.summary()).filter(|summary| filter.wants(summary)).collect()
    }

    /// All about a run.
    pub(crate) fn find(&self, test: &str, id: &str) -> Option<Arc<PendingRun>> {
        let found = self.runs.iter().find(|waiting| waiting.run.id == id && waiting.run.test == test);
        found.map(|waiting| Arc::clone(&waiting.run))
    }
}

fn forget<T>(waiting: &mut BTreeMap<String, Changed<T>>, written: &[(String, Changed<T>)]) {
    for (name, state) in written {
        if waiting.get(name).is_some_and(|now| now.change == state.change) {
            waiting.remove(name);
        }
    }
}

#[cfg(test)]
mod tests;
