//! The board as it looks from outside: the lists of the manual's interface, and the state of one test.
//!
//! Keys, types and meanings are those of calltest 0.7; new keys stand beside them. Times are seconds since the Unix epoch.

use std::time::{Duration, SystemTime};

use calltest_core::streak::Condition;
use serde::Serialize;
use serde_json::Number;
use utoipa::ToSchema;

use crate::entry::{Entry, Phase};
use crate::mute::Muting;
use crate::wall_clock::unix;

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
    /// Sorts tests into lists, each in the order in which they were first heard of.
    pub(crate) fn of<'e>(entries: impl Iterator<Item = &'e Entry>) -> Self {
        let mut entries: Vec<&Entry> = entries.collect();
        entries.sort_by_key(|entry| entry.rank.unwrap_or(u64::MAX));
        let mut lists = Self::default();
        for entry in entries {
            let name = || entry.test.name.to_string();
            let is_unknown = entry.streak.is_unknown();
            if entry.test.schedule.is_manual {
                lists.skip.push(name());
            }
            if entry.streak.failures() == 0 && entry.streak.has_passed() && !is_unknown {
                lists.ok.push(name());
            }
            if entry.muting.is_muted() {
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

/// The state of one test.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct TestState {
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
        let lines = |reason: &String| reason.lines().map(ToOwned::to_owned).collect();
        let status = match entry.phase {
            Phase::New => "new",
            Phase::Waiting => "waiting",
            Phase::Running => "running",
            Phase::Idle => "idle",
        };
        Self {
            ct_run: seconds(entry.counts.ran),
            ct_wait: seconds(entry.counts.waited),
            exc: entry.reason.as_ref().map(lines),
            fail_count: entry.streak.failures(),
            fail_map: entry.streak.recent().collect(),
            last_exc: entry.earlier_reason.as_ref().map(lines),
            muted: Muted::of(&entry.muting),
            n_error: entry.counts.errors,
            n_fail: entry.counts.failures,
            n_run: entry.counts.runs,
            repeat_after: seconds(entry.test.schedule.repeat),
            retry_after: seconds(entry.test.schedule.retry),
            run: entry.run.map(|run| run.to_string()),
            running: entry.phase == Phase::Running,
            status,
            t_next: next_run.map(unix),
            t_start: unix(entry.times.started),
            t_stop: entry.times.ended.map(unix),
            t_wait: entry.times.asked.map(unix),
            timeout: seconds(entry.test.timeout),
            waiting: (entry.phase != Phase::New).then_some(entry.phase == Phase::Waiting),
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
