//! One test on the board: what it is doing, and how it fared.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use calltest_core::plan::CallTest;
use calltest_core::run::RunId;
use calltest_core::streak::{Condition, Streak, Thresholds};
use calltest_core::verdict::VerdictKind;

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
    /// When the run that is under way, or was the last one, got its links; when the test was taken up, before that.
    pub(crate) started: SystemTime,
    /// When that run was asked for.
    pub(crate) asked: Option<SystemTime>,
    /// When the last run ended.
    pub(crate) ended: Option<SystemTime>,
}

/// How a run came out, as far as the board is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) run: RunId,
    pub(crate) verdict: VerdictKind,
    /// Why it did not pass.
    pub(crate) reason: Option<String>,
    pub(crate) waited: Duration,
    pub(crate) ran: Duration,
    pub(crate) ended: SystemTime,
}

/// One test on the board.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) test: Arc<CallTest>,
    pub(crate) phase: Phase,
    pub(crate) streak: Streak,
    pub(crate) counts: Counts,
    pub(crate) times: Times,
    /// The run that is asked for or under way, or was the last one.
    pub(crate) run: Option<RunId>,
    /// Why the last run did not pass.
    pub(crate) reason: Option<String>,
    /// Why the last one before that did not pass.
    pub(crate) earlier_reason: Option<String>,
    /// Its place in the order in which tests were heard of first.
    pub(crate) rank: Option<u64>,
    /// What mutes it.
    pub(crate) muting: Muting,
    /// It was due in a quiet time, and runs when that is over.
    pub(crate) is_held: bool,
    /// Whether the run under way began in a quiet time.
    pub(crate) began_in_quiet: bool,
}

impl Entry {
    pub(crate) fn new(test: Arc<CallTest>, now: SystemTime) -> Self {
        Self {
            test,
            phase: Phase::New,
            streak: Streak::default(),
            counts: Counts::default(),
            times: Times { started: now, asked: None, ended: None },
            run: None,
            reason: None,
            earlier_reason: None,
            rank: None,
            muting: Muting::default(),
            is_held: false,
            began_in_quiet: false,
        }
    }

    /// Whether a run is asked for or under way.
    pub(crate) fn is_active(&self) -> bool {
        matches!(self.phase, Phase::Waiting | Phase::Running)
    }

    pub(crate) fn condition(&self) -> Condition {
        let schedule = &self.test.schedule;
        self.streak.condition(Thresholds { warn: schedule.warn, fail: schedule.fail })
    }

    /// A run is asked for.
    pub(crate) fn ask(&mut self, run: RunId, now: SystemTime) {
        self.phase = Phase::Waiting;
        self.times.asked = Some(now);
        self.run = Some(run);
        self.is_held = false;
        self.began_in_quiet = self.muting.is_quiet();
    }

    /// The run holds its links.
    pub(crate) fn start(&mut self, now: SystemTime) {
        self.phase = Phase::Running;
        self.times.started = now;
    }

    /// The run is over.
    pub(crate) fn finish(&mut self, outcome: Outcome) {
        let Outcome { run, verdict, reason, waited, ran, ended } = outcome;
        self.phase = Phase::Idle;
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
        // In a quiet time the line is known to be off: that it fails says nothing, that it works says much.
        let is_excused = self.began_in_quiet || self.muting.is_quiet();
        let counts_as = if is_excused && verdict == VerdictKind::Fail { VerdictKind::Cancelled } else { verdict };
        self.streak.record(counts_as);
        self.began_in_quiet = false;
        let reason = if verdict == VerdictKind::Cancelled { Some("Canceled".to_owned()) } else { reason };
        if let Some(before) = std::mem::replace(&mut self.reason, reason) {
            self.earlier_reason = Some(before);
        }
    }
}
