//! The board as it looks from outside: the lists of the manual's interface, and the state of one test.
//!
//! Keys, types and meanings are those of calltest 0.7; new keys stand beside them. Times are seconds since the Unix epoch.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use calltest_core::streak::Condition;
use serde::Serialize;
use serde_json::{Number, Value, json};

use crate::entry::{Entry, Phase};

/// The tests that are not well, or all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lists {
    fail: Vec<String>,
    warn: Vec<String>,
    note: Vec<String>,
    ok: Vec<String>,
    skip: Vec<String>,
    unknown: Vec<String>,
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
            match entry.condition() {
                Condition::Fail => lists.fail.push(name()),
                Condition::Warn => lists.warn.push(name()),
                Condition::Note => lists.note.push(name()),
                Condition::Ok | Condition::New => {}
            }
            if entry.streak.failures() == 0 && entry.streak.has_passed() && !is_unknown {
                lists.ok.push(name());
            }
            if is_unknown {
                lists.unknown.push(name());
            }
            if entry.test.schedule.is_manual {
                lists.skip.push(name());
            }
        }
        lists
    }

    /// What `/` answers.
    pub(crate) fn troubled(&self) -> Value {
        json!({
            "fail": self.fail, "warn": self.warn, "note": self.note, "unknown": self.unknown,
            "n_fail": self.fail.len(), "n_warn": self.warn.len(), "n_note": self.note.len(),
            "n_ok": self.ok.len(), "n_unknown": self.unknown.len(),
        })
    }

    /// What `/list` answers.
    pub(crate) fn all(&self) -> Value {
        let mut all = self.troubled();
        all["ok"] = json!(self.ok);
        all["skip"] = json!(self.skip);
        all["n_skip"] = json!(self.skip.len());
        all
    }
}

/// The state of one test, as `/test/NAME` answers it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct TestState {
    ct_run: Number,
    ct_wait: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    exc: Option<Vec<String>>,
    fail_count: u32,
    fail_map: Vec<bool>,
    last_exc: Option<Vec<String>>,
    n_error: u64,
    n_fail: u64,
    n_run: u64,
    repeat_after: Number,
    retry_after: Number,
    running: bool,
    status: &'static str,
    t_start: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    t_stop: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    t_wait: Option<f64>,
    timeout: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<bool>,
}

impl From<&Entry> for TestState {
    fn from(entry: &Entry) -> Self {
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
            n_error: entry.counts.errors,
            n_fail: entry.counts.failures,
            n_run: entry.counts.runs,
            repeat_after: seconds(entry.test.schedule.repeat),
            retry_after: seconds(entry.test.schedule.retry),
            running: entry.phase == Phase::Running,
            status,
            t_start: unix(entry.times.started),
            t_stop: entry.times.ended.map(unix),
            t_wait: entry.times.asked.map(unix),
            timeout: seconds(entry.test.timeout),
            waiting: (entry.phase != Phase::New).then_some(entry.phase == Phase::Waiting),
        }
    }
}

/// Seconds as the configuration has them: without a fraction where there is none.
fn seconds(time: Duration) -> Number {
    match time.subsec_nanos() {
        0 => time.as_secs().into(),
        _ => Number::from_f64(time.as_secs_f64()).expect("a duration is a finite number of seconds"),
    }
}

fn unix(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
