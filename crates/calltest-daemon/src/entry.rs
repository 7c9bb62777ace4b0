//! One test on the board: what it is doing, how it fared, and when it runs next.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use calltest_core::plan::CallTest;
use calltest_core::streak::{Condition, Streak, Thresholds};
use calltest_core::verdict::Verdict;

/// What a test is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It has not run since the daemon started.
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

/// One test on the board.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) test: Arc<CallTest>,
    pub(crate) phase: Phase,
    pub(crate) streak: Streak,
    pub(crate) counts: Counts,
    pub(crate) times: Times,
    /// Why the last run did not pass.
    pub(crate) reason: Option<String>,
    /// Why the last one before that did not pass.
    pub(crate) earlier_reason: Option<String>,
    /// When the next run is due, on the daemon's own clock; never by itself if `None`.
    pub(crate) due: Option<Duration>,
    /// Its place in the order in which tests were heard of first.
    pub(crate) rank: Option<u64>,
}

impl Entry {
    pub(crate) fn new(test: Arc<CallTest>, now: SystemTime, due: Option<Duration>) -> Self {
        let times = Times { started: now, asked: None, ended: None };
        Self {
            test,
            phase: Phase::New,
            streak: Streak::default(),
            counts: Counts::default(),
            times,
            reason: None,
            earlier_reason: None,
            due,
            rank: None,
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
    pub(crate) fn ask(&mut self, now: SystemTime) {
        self.phase = Phase::Waiting;
        self.times.asked = Some(now);
        self.due = None;
    }

    /// The run holds its links.
    pub(crate) fn start(&mut self, now: SystemTime) {
        self.phase = Phase::Running;
        self.times.started = now;
    }

    /// The run is over.
    pub(crate) fn finish(&mut self, verdict: &Verdict, waited: Duration, ran: Duration, now: SystemTime) {
        self.phase = Phase::Idle;
        self.times.ended = Some(now);
        self.counts.runs += 1;
        self.counts.waited += waited;
        self.counts.ran += ran;
        match verdict {
            Verdict::Fail(_) => self.counts.failures += 1,
            Verdict::Error(_) => self.counts.errors += 1,
            Verdict::Pass | Verdict::Cancelled => {}
        }
        self.streak.record(verdict.kind());
        let reason = match verdict {
            Verdict::Cancelled => Some("Canceled".to_owned()),
            verdict => verdict.reason(),
        };
        if let Some(before) = std::mem::replace(&mut self.reason, reason) {
            self.earlier_reason = Some(before);
        }
    }
}
