//! Keeps the facts of one run as they come in, each of its kind once where engines may say things twice, and tells the
//! observer.

use std::sync::Arc;

use calltest_core::event::{RunEvent, RunProgress};
use calltest_core::evidence::{Fact, Observation, Side, Stamp};
use calltest_core::plan::TestName;
use calltest_core::run::RunId;
use calltest_engine::Seen;
use tokio::time::Instant;

use crate::Observer;

/// How many facts a run of most modes has.
const USUAL: usize = 32;

/// Keeps the facts of one run.
pub(crate) struct Recorder {
    run: RunId,
    test: TestName,
    observer: Arc<dyn Observer>,
    start: Instant,
    facts: Vec<Fact>,
}

impl Recorder {
    /// Starts the clock of the run's evidence.
    pub(crate) fn start(run: RunId, test: TestName, observer: Arc<dyn Observer>) -> Self {
        Self { run, test, observer, start: Instant::now(), facts: Vec::with_capacity(USUAL) }
    }

    /// When the run began.
    pub(crate) fn started(&self) -> Instant {
        self.start
    }

    /// What is known so far of one side.
    pub(crate) fn facts_of(&self, side: Side) -> impl DoubleEndedIterator<Item = &Fact> {
        self.facts.iter().filter(move |fact| fact.side == Some(side))
    }

    /// How many facts are known so far.
    pub(crate) fn count(&self) -> usize {
        self.facts.len()
    }

    /// When a fact came in.
    pub(crate) fn moment(&self, fact: &Fact) -> Instant {
        self.start + fact.at
    }

    /// All that is known so far, lent to whoever has to see it whole.
    pub(crate) fn lend_facts(&mut self) -> Vec<Fact> {
        std::mem::take(&mut self.facts)
    }

    /// Takes lent facts back.
    pub(crate) fn take_back(&mut self, facts: Vec<Fact>) {
        self.facts = facts;
    }

    /// Notes something that we did, or that concerns no single leg.
    pub(crate) fn note(&mut self, side: Option<Side>, what: Observation) {
        self.keep(Fact { at: self.start.elapsed(), stamp: None, side, what });
    }

    /// Notes something that an engine saw.
    pub(crate) fn note_seen(&mut self, seen: Seen) {
        let Seen { side, at, stamp, what } = seen;
        let at = at.saturating_duration_since(self.start);
        self.keep(Fact { at, stamp, side: Some(side), what });
    }

    /// Gives the latest fact of a side the engine's own time, where it is learnt only afterwards.
    pub(crate) fn stamp_latest(&mut self, side: Side, stamp: Option<Stamp>) {
        if let Some(fact) = self.facts.iter_mut().rev().find(|fact| fact.side == Some(side)) {
            fact.stamp = fact.stamp.take().or(stamp);
        }
    }

    fn keep(&mut self, fact: Fact) {
        let is_said_twice =
            matches!(fact.what, Observation::Ringing | Observation::Answered | Observation::Gone { .. })
                || matches!(fact.what, Observation::EarlyMedia | Observation::Proceeding);
        let same = |known: &&mut Fact| {
            known.side == fact.side && std::mem::discriminant(&known.what) == std::mem::discriminant(&fact.what)
        };
        if let Some(known) = self.facts.iter_mut().find(|known| is_said_twice && same(known)) {
            // The end is told without a cause at times, and with one later.
            if let (Observation::Gone { end: end @ None }, Observation::Gone { end: Some(told) }) =
                (&mut known.what, &fact.what)
            {
                *end = Some(*told);
            }
            return;
        }
        tracing::debug!(run_id = %self.run, test = %self.test, at = ?fact.at, side = ?fact.side, "{:?}", fact.what);
        let what = RunProgress::Observed(fact.clone());
        self.observer.run_event(RunEvent { run: self.run, test: self.test.clone(), what });
        self.facts.push(fact);
    }
}
