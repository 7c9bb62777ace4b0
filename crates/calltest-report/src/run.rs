//! The wire form of a finished run. It is versioned: fields may be added, but what a field means never changes within a
//! version.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use calltest_core::run::FinishedRun;
use calltest_core::verdict::{Note, VerdictKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fact::{TimelineEntry, milliseconds};
use crate::timeline::Timeline;
use crate::{json_text, timeline};

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
    /// The word for the reason, which never changes; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Remarks. Of those that repeat themselves only the first few are here.
    pub notes: Vec<String>,
    /// How many remarks are left out; absent if none are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub notes_left_out: u64,
    /// The times of the call.
    pub measures: Measures,
    /// The digits that had to arrive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected_digits: Vec<Digits>,
    /// What happened, in order. Of facts that repeat themselves only the first ones are here.
    pub timeline: Vec<TimelineEntry>,
    /// How many facts of each kind are left out; absent if none are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub timeline_left_out: BTreeMap<String, u64>,
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
        let Timeline { entries, left_out } = timeline::of(&run.evidence.facts);
        Self { timeline: entries, timeline_left_out: left_out, ..Self::without_timeline(run) }
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
            mode: run.test.route.mode().into(),
            src: evidence.src.as_ref().map(ToString::to_string),
            dst: evidence.dst.as_ref().map(ToString::to_string),
            requested: run.requested.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
            waited_ms: milliseconds(run.waited),
            duration_ms: milliseconds(run.duration),
            verdict: run.verdict.word().into(),
            reason: run.verdict.reason(),
            code: run.verdict.code().map(|code| code.word().into()),
            notes: run.notes.iter().map(ToString::to_string).collect(),
            notes_left_out: run.notes.iter().map(Note::left_out).sum(),
            measures: Measures {
                post_dial_delay_ms: run.measures.post_dial_delay.map(milliseconds),
                setup_time_ms: run.measures.setup_time.map(milliseconds),
                ring_time_ms: run.measures.ring_time.map(milliseconds),
                talk_time_ms: run.measures.talk_time.map(milliseconds),
            },
            expected_digits: digits
                .map(|expected| Digits { to: expected.to.word().into(), digits: expected.digits.clone() })
                .collect(),
            timeline: Vec::new(),
            timeline_left_out: BTreeMap::new(),
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
        json_text::line(self)
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
