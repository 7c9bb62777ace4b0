//! The state of one test as the interface shows it.
//!
//! Keys, types and meanings are those of calltest 0.7; new keys stand beside them. Times are seconds since the Unix epoch.

use std::time::{Duration, SystemTime};

use calltest_core::code::Code;
use calltest_core::verdict::Reason;
use serde::Serialize;
use serde_json::Number;
use utoipa::ToSchema;

use crate::entry::{Entry, Phase};
use crate::mute::Muting;
use crate::wall_clock::unix;

/// The state of one test.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct TestState {
    /// The word for why the last run did not pass, for programs: see the table of codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>)]
    code: Option<&'static str>,
    /// How many seconds its runs took, in all.
    #[schema(value_type = f64)]
    ct_run: Number,
    /// How many seconds they waited for their links, in all.
    #[schema(value_type = f64)]
    ct_wait: Number,
    /// Why the last run did not pass, line by line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    exc: Option<Vec<String>>,
    /// Failures in a row.
    fail_count: u32,
    /// How the last twenty runs came out that told something, oldest first, while a failure is among them: true is one.
    fail_map: Vec<bool>,
    /// Why the last one before the last did not pass, line by line.
    last_exc: Option<Vec<String>>,
    /// What mutes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    muted: Option<Muted>,
    /// Runs that could not find out.
    n_error: u64,
    /// Runs that failed.
    n_fail: u64,
    /// All runs.
    n_run: u64,
    /// Seconds to the next run after a success.
    #[schema(value_type = f64)]
    repeat_after: Number,
    /// Seconds to the next run after a failure.
    #[schema(value_type = f64)]
    retry_after: Number,
    /// The id of the run that is under way, or was the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    run: Option<String>,
    /// Whether a run is under way.
    running: bool,
    /// `new`, `waiting` (for its links), `running` or `idle`.
    #[schema(value_type = String)]
    status: &'static str,
    /// When it runs next by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    t_next: Option<f64>,
    /// When the last run got its links; before any run, when the test was taken up.
    t_start: f64,
    /// When the last run ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    t_stop: Option<f64>,
    /// When the last run was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    t_wait: Option<f64>,
    /// The limit of a run in seconds.
    #[schema(value_type = f64)]
    timeout: Number,
    /// Whether a run waits for its links.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    waiting: Option<bool>,
}

/// What mutes a test.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Muted {
    /// `quiet`: it is in a quiet time of the configuration, and does not run by itself; `silence`: somebody silenced it.
    #[schema(value_type = String)]
    by: &'static str,
    /// Until when.
    until: f64,
    /// Why, where somebody silenced it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
}

impl TestState {
    /// The state of a test that runs next at this time.
    pub(crate) fn of(entry: &Entry, next_run: Option<SystemTime>) -> Self {
        let lines = |reason: &Reason| reason.sentence.lines().map(ToOwned::to_owned).collect();
        let (test, record) = (entry.test(), entry.record());
        let status = match entry.phase() {
            Phase::New => "new",
            Phase::Waiting => "waiting",
            Phase::Running => "running",
            Phase::Idle => "idle",
        };
        Self {
            code: record.reason.as_ref().and_then(|reason| reason.code).map(Code::word),
            ct_run: seconds(record.counts.ran),
            ct_wait: seconds(record.counts.waited),
            exc: record.reason.as_ref().map(lines),
            fail_count: record.streak.failures(),
            fail_map: record.streak.recent().collect(),
            last_exc: record.earlier_reason.as_ref().map(lines),
            muted: Muted::of(entry.muting()),
            n_error: record.counts.errors,
            n_fail: record.counts.failures,
            n_run: record.counts.runs,
            repeat_after: seconds(test.schedule.repeat),
            retry_after: seconds(test.schedule.retry),
            run: record.run.map(|run| run.to_string()),
            running: entry.phase() == Phase::Running,
            status,
            t_next: next_run.map(unix),
            t_start: unix(record.times.started),
            t_stop: record.times.ended.map(unix),
            t_wait: record.times.asked.map(unix),
            timeout: seconds(test.timeout),
            waiting: (entry.phase() != Phase::New).then_some(entry.phase() == Phase::Waiting),
        }
    }
}

impl Muted {
    fn of(muting: &Muting) -> Option<Self> {
        if let Some(until) = muting.quiet_until {
            return Some(Self { by: "quiet", until: unix(until), reason: None });
        }
        let silence = muting.silence.as_ref()?;
        Some(Self { by: "silence", until: unix(silence.until), reason: Some(silence.reason.clone()) })
    }
}

/// Seconds as the configuration has them: without a fraction where there is none, else to the microsecond.
fn seconds(time: Duration) -> Number {
    match time.subsec_micros() {
        0 => time.as_secs().into(),
        _ => Number::from_f64(time.as_micros() as f64 / 1e6).expect("a duration is a finite number of seconds"),
    }
}
