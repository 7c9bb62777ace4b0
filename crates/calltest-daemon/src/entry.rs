//! One test on the board: what it is doing, and how it fared.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use calltest_core::plan::CallTest;
use calltest_core::run::RunId;
use calltest_core::streak::{Condition, Streak, Thresholds};
use calltest_core::verdict::{Reason, VerdictKind};

use crate::mute::Muting;

/// What a test is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It has never run, as far as is known.
    New,
    /// A run is asked for, and waits for its links.
    Waiting,
    /// A run is under way.
    Running,
    /// It rests between two runs.
    Idle,
}

/// How often a test ran, and how that came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    pub(crate) runs: u64,
    pub(crate) failures: u64,
    pub(crate) errors: u64,
    /// How long runs waited for their links, in all.
    pub(crate) waited: Duration,
    /// How long they took from then on, in all.
    pub(crate) ran: Duration,
}

/// When things happened last, by the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    /// When the run that is under way, or was the last one, got its links; when the test was added, before that.
    pub(crate) started: SystemTime,
    /// When that run was asked for.
    pub(crate) asked: Option<SystemTime>,
    /// When the last run ended.
    pub(crate) ended: Option<SystemTime>,
}

/// How a test fared so far: what outlives the process.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) streak: Streak,
    pub(crate) counts: Counts,
    pub(crate) times: Times,
    /// The run that is asked for or under way, or was the last one.
    pub(crate) run: Option<RunId>,
    /// Why the last run did not pass.
    pub(crate) reason: Option<Reason>,
    /// Why the last one before that did not pass.
    pub(crate) earlier_reason: Option<Reason>,
    /// Its place in the order in which the board lists tests: that in which they first came to an end.
    pub(crate) list_order: Option<u64>,
}

/// A run that is over, as far as the board is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EndedRun {
    pub(crate) run: RunId,
    pub(crate) verdict: VerdictKind,
    /// Why it did not pass.
    pub(crate) reason: Option<Reason>,
    pub(crate) waited: Duration,
    pub(crate) ran: Duration,
    pub(crate) ended: SystemTime,
}

/// One test on the board. Others read it, and tell it what happened; nobody else changes it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    test: Arc<CallTest>,
    phase: Phase,
    record: Record,
    muting: Muting,
    /// It was due in a quiet time, and runs when that is over.
    is_held: bool,
    /// Whether the run under way began in a quiet time.
    began_in_quiet: bool,
}

impl Record {
    /// That of a test that has never run.
    pub(crate) fn new(now: SystemTime) -> Self {
        Self {
            streak: Streak::default(),
            counts: Counts::default(),
            times: Times { started: now, asked: None, ended: None },
            run: None,
            reason: None,
            earlier_reason: None,
            list_order: None,
        }
    }
}

/// What others read.
impl Entry {
    pub(crate) fn test(&self) -> &Arc<CallTest> {
        &self.test
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    pub(crate) fn muting(&self) -> &Muting {
        &self.muting
    }

    /// Whether a run is asked for or under way.
    pub(crate) fn is_active(&self) -> bool {
        matches!(self.phase, Phase::Waiting | Phase::Running)
    }

    /// Whether it waits for the end of a quiet time.
    pub(crate) fn is_held(&self) -> bool {
        self.is_held
    }

    pub(crate) fn condition(&self) -> Condition {
        let schedule = &self.test.schedule;
        self.record.streak.condition(Thresholds { warn: schedule.warn, fail: schedule.fail })
    }
}

/// What the plan says of it.
impl Entry {
    pub(crate) fn new(test: Arc<CallTest>, now: SystemTime) -> Self {
        Self::restored(test, Record::new(now))
    }

    /// A test that is known from earlier.
    pub(crate) fn restored(test: Arc<CallTest>, record: Record) -> Self {
        let phase = if record.counts.runs > 0 { Phase::Idle } else { Phase::New };
        Self { test, phase, record, muting: Muting::default(), is_held: false, began_in_quiet: false }
    }

    /// Another plan has it in this form.
    pub(crate) fn redefine(&mut self, test: Arc<CallTest>) {
        self.test = test;
    }

    /// Takes in what mutes it now; tells whether that is something else than before.
    pub(crate) fn mute(&mut self, muting: Muting) -> bool {
        let is_news = muting != self.muting;
        self.muting = muting;
        is_news
    }

    /// It is due, but must not run by itself now.
    pub(crate) fn hold(&mut self) {
        self.is_held = true;
    }

    /// It need not wait for the end of a quiet time any more; tells whether it did.
    pub(crate) fn release(&mut self) -> bool {
        std::mem::take(&mut self.is_held)
    }
}

/// What becomes of its runs.
impl Entry {
    /// A run is asked for.
    pub(crate) fn ask(&mut self, run: RunId, now: SystemTime) {
        self.phase = Phase::Waiting;
        self.record.times.asked = Some(now);
        self.record.run = Some(run);
        self.is_held = false;
        self.began_in_quiet = self.muting.is_quiet();
    }

    /// The run holds its links.
    pub(crate) fn start(&mut self, now: SystemTime) {
        self.phase = Phase::Running;
        self.record.times.started = now;
    }

    /// The run is over.
    pub(crate) fn finish(&mut self, ended: EndedRun) {
        // In a quiet time the line is known to be off: that it fails says nothing, that it works says much.
        let is_excused = self.began_in_quiet || self.muting.is_quiet();
        self.phase = Phase::Idle;
        self.began_in_quiet = false;
        self.record.take_in(ended, is_excused);
    }

    /// The order in which the board lists it, once it has none yet.
    pub(crate) fn list_as(&mut self, order: impl FnOnce() -> u64) {
        self.record.list_order.get_or_insert_with(order);
    }

    /// Takes in a run of an earlier process, of which the record does not know yet.
    pub(crate) fn replay(&mut self, asked: SystemTime, ended: EndedRun) {
        self.record.times.asked = Some(asked);
        self.record.times.started = asked + ended.waited;
        self.finish(ended);
    }
}

impl Record {
    fn take_in(&mut self, ended: EndedRun, is_excused: bool) {
        let EndedRun { run, verdict, reason, waited, ran, ended } = ended;
        self.run = Some(run);
        self.times.ended = Some(ended);
        self.counts.runs += 1;
        self.counts.waited += waited;
        self.counts.ran += ran;
        match verdict {
            VerdictKind::Fail => self.counts.failures += 1,
            VerdictKind::Error => self.counts.errors += 1,
            VerdictKind::Pass | VerdictKind::Cancelled => {}
        }
        let counts_as = if is_excused && verdict == VerdictKind::Fail { VerdictKind::Cancelled } else { verdict };
        self.streak.record(counts_as);
        let cancelled = || Reason { code: None, sentence: "Canceled".into() };
        let reason = if verdict == VerdictKind::Cancelled { Some(cancelled()) } else { reason };
        if let Some(before) = std::mem::replace(&mut self.reason, reason) {
            self.earlier_reason = Some(before);
        }
    }
}
