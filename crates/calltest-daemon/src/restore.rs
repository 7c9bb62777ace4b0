//! Between the board and the history: what is kept of runs and tests, and how they are restored.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use calltest_core::code::Code;
use calltest_core::evidence::Observation;
use calltest_core::plan::{CallTest, Plan, Retention};
use calltest_core::run::{FinishedRun, RunId};
use calltest_core::streak::Streak;
use calltest_core::verdict::Reason;
use calltest_report::run::Report;
use calltest_runner::RECORDINGS;
use tokio::task::spawn_blocking;

use crate::entry::{Counts, EndedRun, Entry, Record, Times};
use crate::history::{
    FinishedRecord, History, Place, Restored, RestoredTest, RunSummary, SavedCounts, SavedTest, SavedTimes, Seq,
};

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

/// The tests of this plan, as an earlier process has left them. What was committed after a test's state had been saved is
/// taken in here.
pub(crate) fn restore(plan: &Plan, mut tests: BTreeMap<String, RestoredTest>) -> Vec<Known> {
    let known = |test: &Arc<CallTest>| Some(restore_test(test, tests.remove(test.name.as_str())?));
    plan.tests.iter().filter_map(known).collect()
}

fn restore_test(test: &Arc<CallTest>, restored: RestoredTest) -> Known {
    let RestoredTest { state, runs } = restored;
    let SavedCounts { runs: count, failures, errors, waited, ran } = state.counts;
    let SavedTimes { started, asked, ended } = state.times;
    let record = Record {
        streak: Streak::restored(state.failures, state.recent, state.has_passed, state.is_unknown),
        counts: Counts { runs: count, failures, errors, waited, ran },
        times: Times { started: started.unwrap_or_else(SystemTime::now), asked, ended },
        run: state.run.as_deref().and_then(run_id),
        reason: reason(state.reason, state.code),
        earlier_reason: reason(state.earlier_reason, state.earlier_code),
        list_order: state.rank,
    };
    let mut entry = Entry::restored(Arc::clone(test), record);
    // When it was to run again after a run that the state does not include, nobody has written down any more.
    let due = state.due.filter(|_| runs.is_empty());
    for run in runs {
        let asked = run.requested;
        if let Some(ended) = ended_run(run) {
            entry.replay(asked, ended);
        }
    }
    (entry, due)
}

fn ended_run(run: RunSummary) -> Option<EndedRun> {
    let RunSummary { id, verdict, reason, waited, duration, ended, .. } = run;
    Some(EndedRun { run: run_id(&id)?, verdict, reason, waited, ran: duration, ended })
}

fn reason(sentence: Option<String>, code: Option<String>) -> Option<Reason> {
    Some(Reason { code: code.as_deref().and_then(Code::of_word), sentence: sentence? })
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
        reason: run.verdict.why(),
        report: Report::from(run).json_line().expect("every field of a report has a JSON form"),
        recordings: recordings.collect(),
    }
}

/// What is kept of a test whose latest run is the one at this place of the history.
pub(crate) fn saved(entry: &Entry, next_run: Option<SystemTime>, included: Seq) -> SavedTest {
    let Record { streak, counts, times, run, reason, earlier_reason, list_order } = entry.record();
    let Counts { runs, failures, errors, waited, ran } = *counts;
    let sentence = |reason: &Option<Reason>| reason.as_ref().map(|reason| reason.sentence.clone());
    let code = |reason: &Option<Reason>| reason.as_ref()?.code.map(|code| code.word().to_owned());
    SavedTest {
        failures: streak.failures(),
        recent: streak.recent().collect(),
        has_passed: streak.has_passed(),
        is_unknown: streak.is_unknown(),
        counts: SavedCounts { runs, failures, errors, waited, ran },
        times: SavedTimes { started: Some(times.started), asked: times.asked, ended: times.ended },
        run: run.map(|run| run.to_string()),
        reason: sentence(reason),
        code: code(reason),
        earlier_reason: sentence(earlier_reason),
        earlier_code: code(earlier_reason),
        rank: *list_order,
        due: next_run,
        included: Some(included),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use calltest_core::verdict::VerdictKind::{self, Cancelled, Fail, Pass};

    use super::*;
    use crate::dispatcher::tests::test;
    use crate::entry::Phase;

    fn moment(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// A run that was asked for then, waited for a second and took two.
    fn run(seconds: u64, verdict: VerdictKind) -> RunSummary {
        RunSummary {
            seq: Seq::of(seconds),
            id: format!("{seconds:016x}"),
            requested: moment(seconds),
            ended: moment(seconds + 3),
            waited: Duration::from_secs(1),
            duration: Duration::from_secs(2),
            verdict,
            reason: (verdict != Pass).then(|| reason(Some("no answer".into()), Some("no-answer".into())).unwrap()),
        }
    }

    #[test]
    fn runs_that_the_saved_state_does_not_include_are_counted_once() {
        let test = Arc::new(test("a", false));
        let mut entry = Entry::new(Arc::clone(&test), moment(0));
        entry.replay(moment(10), ended_run(run(10, Fail)).unwrap());
        let state = saved(&entry, Some(moment(99)), Seq::of(10));
        let restored = |runs: Vec<RunSummary>| restore_test(&test, RestoredTest { state: state.clone(), runs });

        let (same, due) = restored(Vec::new());
        let counts = |entry: &Entry| (entry.record().counts.runs, entry.record().counts.failures);
        assert_eq!((counts(&same), same.record().streak.failures(), due), ((1, 1), 1, Some(moment(99))));
        assert_eq!((same.phase(), same.record().run), (Phase::Idle, Some(RunId(10))));

        let (later, due) = restored(vec![run(20, Fail), run(30, Cancelled)]);
        let record = later.record();
        assert_eq!((counts(&later), record.streak.failures(), due), ((3, 2), 2, None), "nobody knows when it is due");
        assert_eq!((record.run, record.times.asked), (Some(RunId(30)), Some(moment(30))));
        assert_eq!((record.times.started, record.times.ended), (moment(31), Some(moment(33))));
        let said = |reason: &Option<Reason>| reason.clone().map(|reason| (reason.code, reason.sentence)).unwrap();
        assert_eq!(said(&record.reason), (None, "Canceled".into()));
        assert_eq!(said(&record.earlier_reason), (Some(Code::NoAnswer), "no answer".into()));
        assert_eq!(record.counts.ran, Duration::from_secs(6));
    }
}
