//! Between the board and the history: what is kept of runs, tests and silences, and how they are recalled.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use calltest_core::evidence::Observation;
use calltest_core::plan::{CallTest, Plan, Retention};
use calltest_core::run::{FinishedRun, RunId};
use calltest_core::streak::Streak;
use calltest_report::run::Report;
use calltest_runner::RECORDINGS;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use crate::entry::{Counts, Entry, Outcome, Phase, Times};
use crate::history::{
    FinishedRecord, History, Place, Restored, RestoredTest, SavedCounts, SavedSilence, SavedTest, SavedTimes, Seq,
    Summary,
};
use crate::mute::{Scope, Silence};
use crate::wall_clock::{from_unix, unix};

/// What the history is called in the state directory.
const FILE_NAME: &str = "history.sqlite";

/// A test that is known from earlier, with the time at which it was to run next.
pub(crate) type Known = (Entry, Option<SystemTime>);

/// Where the history of a state directory is.
pub(crate) fn place(state_directory: &Path, retention: Retention) -> Place {
    Place { path: state_directory.join(FILE_NAME), recordings: state_directory.join(RECORDINGS), retention }
}

/// Opens the history, and reads what an earlier process has left.
pub(crate) async fn open(place: Option<Place>) -> (History, Restored) {
    let opened = spawn_blocking(move || History::open(place)).await;
    opened.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// The tests of this plan, and the silences, as an earlier process has left them. What was committed after a test's state
/// had been saved is taken in here.
pub(crate) fn recall(plan: &Plan, restored: Restored) -> (Vec<Known>, Vec<Arc<Silence>>) {
    let Restored { mut tests, silences } = restored;
    let known =
        plan.tests.iter().filter_map(|test| Some(recall_test(test, tests.remove(test.name.as_str())?))).collect();
    (known, silences.iter().filter_map(recall_silence).map(Arc::new).collect())
}

fn recall_test(test: &Arc<CallTest>, restored: RestoredTest) -> Known {
    let RestoredTest { state, runs } = restored;
    let mut entry = Entry::new(Arc::clone(test), state.times.started.unwrap_or_else(SystemTime::now));
    entry.streak = Streak::restored(state.failures, state.recent, state.has_passed, state.is_unknown);
    let SavedCounts { runs: count, failures, errors, waited, ran } = state.counts;
    entry.counts = Counts { runs: count, failures, errors, waited, ran };
    entry.times = Times { asked: state.times.asked, ended: state.times.ended, ..entry.times };
    entry.phase = if count > 0 { Phase::Idle } else { Phase::New };
    (entry.reason, entry.earlier_reason) = (state.reason, state.earlier_reason);
    entry.rank = state.rank;
    entry.run = state.run.as_deref().and_then(run_id);
    let mut due = state.due;
    for run in runs {
        // When it was to run again after this one, nobody has written down any more.
        due = None;
        entry.times.asked = Some(run.requested);
        entry.times.started = run.requested + run.waited;
        if let Some(outcome) = outcome(run) {
            entry.finish(outcome);
        }
    }
    (entry, due)
}

fn outcome(run: Summary) -> Option<Outcome> {
    let Summary { id, verdict, reason, waited, duration, ended, .. } = run;
    Some(Outcome { run: run_id(&id)?, verdict, reason, waited, ran: duration, ended })
}

fn run_id(text: &str) -> Option<RunId> {
    u64::from_str_radix(text, 16).ok().map(RunId)
}

/// What is kept of a run.
pub(crate) fn record(run: &FinishedRun) -> FinishedRecord {
    let recordings = run.evidence.facts.iter().filter_map(|fact| match &fact.what {
        Observation::RecordingFetched { path, .. } => Some(path.clone()),
        _ => None,
    });
    FinishedRecord {
        id: run.id.to_string(),
        test: run.test.name.to_string(),
        requested: run.requested,
        ended: run.requested + run.waited + run.duration,
        waited: run.waited,
        duration: run.duration,
        verdict: run.verdict.kind(),
        reason: run.verdict.reason(),
        report: Report::from(run).json_line().expect("every field of a report has a JSON form"),
        recordings: recordings.collect(),
    }
}

/// What is kept of a test whose latest run is the one at this place of the history.
pub(crate) fn saved(entry: &Entry, next_run: Option<SystemTime>, included: Seq) -> SavedTest {
    let Entry { streak, counts, times, .. } = entry;
    let Counts { runs, failures, errors, waited, ran } = *counts;
    SavedTest {
        failures: streak.failures(),
        recent: streak.recent().collect(),
        has_passed: streak.has_passed(),
        is_unknown: streak.is_unknown(),
        counts: SavedCounts { runs, failures, errors, waited, ran },
        times: SavedTimes { started: Some(times.started), asked: times.asked, ended: times.ended },
        run: entry.run.map(|run| run.to_string()),
        reason: entry.reason.clone(),
        earlier_reason: entry.earlier_reason.clone(),
        rank: entry.rank,
        due: next_run,
        included: Some(included),
    }
}

/// A silence as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct KeptSilence {
    tests: Vec<String>,
    links: Vec<String>,
    servers: Vec<String>,
    all: bool,
    created: f64,
    reason: String,
}

pub(crate) fn saved_silence(silence: &Silence) -> SavedSilence {
    let Scope { tests, links, servers, is_everything } = &silence.scope;
    let kept = KeptSilence {
        tests: tests.iter().map(ToString::to_string).collect(),
        links: links.iter().map(ToString::to_string).collect(),
        servers: servers.iter().map(ToString::to_string).collect(),
        all: *is_everything,
        created: unix(silence.created),
        reason: silence.reason.clone(),
    };
    let text = serde_json::to_string(&kept).expect("every field of a silence has a JSON form");
    SavedSilence { id: silence.id.clone(), text, expires: silence.until }
}

fn recall_silence(saved: &SavedSilence) -> Option<Silence> {
    let kept: KeptSilence = match serde_json::from_str(&saved.text) {
        Ok(kept) => kept,
        Err(error) => {
            tracing::error!(id = %saved.id, "a silence in the history cannot be read, and does not hold: {error}");
            return None;
        }
    };
    let scope = Scope {
        tests: kept.tests.iter().map(|name| name.as_str().into()).collect(),
        links: kept.links.iter().map(|name| name.as_str().into()).collect(),
        servers: kept.servers.iter().map(|name| name.as_str().into()).collect(),
        is_everything: kept.all,
    };
    let created = from_unix(kept.created).unwrap_or(SystemTime::UNIX_EPOCH);
    Some(Silence { id: saved.id.clone(), scope, created, until: saved.expires, reason: kept.reason })
}
