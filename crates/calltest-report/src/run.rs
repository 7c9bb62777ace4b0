//! The wire form of a finished run. It is versioned: fields may be added, but what a field means never changes within a
//! version.

use std::time::{Duration, UNIX_EPOCH};

use calltest_core::run::FinishedRun;
use calltest_core::verdict::VerdictKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fact::{Entry, side_word};

/// The version of the wire form.
pub const VERSION: u32 = 1;

/// A finished run on the wire: what `run --format json` prints, history keeps and the daemon serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// Version of this form: [`VERSION`].
    pub version: u32,
    /// The run's id, sixteen hexadecimal digits.
    pub id: String,
    /// The test's name.
    pub test: String,
    /// What the test is for.
    pub info: String,
    /// Its mode.
    pub mode: String,
    /// The link called out on.
    pub src: Option<String>,
    /// The link on which the call should arrive.
    pub dst: Option<String>,
    /// When the run was asked for, in seconds since the Unix epoch.
    pub requested: f64,
    /// How long it waited for its links.
    pub waited_ms: f64,
    /// How long it took from then on.
    pub duration_ms: f64,
    /// `pass`, `fail`, `error` or `cancelled`.
    pub verdict: String,
    /// The reason, one sentence; absent for a pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Remarks.
    pub notes: Vec<String>,
    /// The times of the call.
    pub measures: Measures,
    /// The digits that had to arrive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected_digits: Vec<Digits>,
    /// What happened, in order.
    pub timeline: Vec<Entry>,
    /// How well each server could be seen.
    pub sight: Vec<Sight>,
    /// The longest delay of the tester's own event loop meanwhile.
    pub loop_delay_ms: f64,
}

/// The times of a call, in milliseconds; absent where the call did not get that far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Measures {
    /// Originate to the first ringing or early media.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_dial_delay_ms: Option<f64>,
    /// Originate to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup_time_ms: Option<f64>,
    /// First ringing to answer or end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ring_time_ms: Option<f64>,
    /// Answer to hangup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub talk_time_ms: Option<f64>,
}

/// Digits that had to arrive at a side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Digits {
    /// Which side.
    pub to: String,
    /// The digits.
    pub digits: String,
}

/// How well a server could be seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Sight {
    /// Which server.
    pub server: String,
    /// The longest time in which nothing was heard from it.
    pub longest_silence_ms: f64,
    /// How long a message to ourselves took after the script had ended, where one was sent and came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip_ms: Option<f64>,
}

impl From<&FinishedRun> for Report {
    fn from(run: &FinishedRun) -> Self {
        Self { timeline: run.evidence.facts.iter().map(Entry::from).collect(), ..Self::without_timeline(run) }
    }
}

impl Report {
    /// All but the timeline, which is most of a report: for who shows a line a run.
    pub fn without_timeline(run: &FinishedRun) -> Self {
        let evidence = &run.evidence;
        let digits = run.expectation.digits.iter();
        let sight = evidence.sight.iter().map(|sight| Sight {
            server: sight.server.to_string(),
            longest_silence_ms: milliseconds(sight.longest_silence),
            round_trip_ms: sight.round_trip.map(milliseconds),
        });
        Self {
            version: VERSION,
            id: run.id.to_string(),
            test: run.test.name.to_string(),
            info: run.test.info.clone(),
            mode: run.test.mode.name().into(),
            src: evidence.src.as_ref().map(ToString::to_string),
            dst: evidence.dst.as_ref().map(ToString::to_string),
            requested: run.requested.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
            waited_ms: milliseconds(run.waited),
            duration_ms: milliseconds(run.duration),
            verdict: run.verdict.word().into(),
            reason: run.verdict.reason(),
            notes: run.notes.iter().map(ToString::to_string).collect(),
            measures: Measures {
                post_dial_delay_ms: run.measures.post_dial_delay.map(milliseconds),
                setup_time_ms: run.measures.setup_time.map(milliseconds),
                ring_time_ms: run.measures.ring_time.map(milliseconds),
                talk_time_ms: run.measures.talk_time.map(milliseconds),
            },
            expected_digits: digits
                .map(|expected| Digits { to: side_word(expected.to).into(), digits: expected.digits.clone() })
                .collect(),
            timeline: Vec::new(),
            sight: sight.collect(),
            loop_delay_ms: milliseconds(evidence.loop_delay),
        }
    }

    /// Which of the four verdicts it is; `None` for a word that this version does not know.
    pub fn verdict_kind(&self) -> Option<VerdictKind> {
        VerdictKind::of_word(&self.verdict)
    }

    /// One line of JSON.
    ///
    /// # Errors
    /// None that can happen: every field of the form has a JSON form. The error is passed on all the same.
    pub fn json_line(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

/// Whole microseconds, so that no digits are shown that nobody measured.
fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}
