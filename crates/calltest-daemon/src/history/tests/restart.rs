//! What an earlier process has left.

use VerdictKind::{Error, Fail, Pass};

use super::*;

fn state(runs: u64, included: Option<Seq>) -> SavedTest {
    SavedTest {
        failures: 3,
        recent: vec![false, true],
        has_passed: true,
        is_unknown: true,
        counts: SavedCounts {
            runs,
            failures: 4,
            errors: 1,
            waited: Duration::from_millis(1500),
            ran: Duration::from_secs(90),
        },
        times: SavedTimes { started: Some(moment(1)), asked: Some(moment(0)), ended: None },
        reason: Some("trunk: no answer".into()),
        code: Some("no-answer".into()),
        run: Some("00000000000000aa".into()),
        earlier_reason: Some("trunk: busy".into()),
        earlier_code: Some("rejected".into()),
        rank: Some(5),
        due: Some(moment(99)),
        included,
    }
}

#[tokio::test]
async fn runs_that_the_saved_state_does_not_include_are_left_to_be_taken_in() {
    let scene = Scene::new();
    let (history, restored) = scene.open();
    assert_eq!(restored, Restored::default());
    history.commit(run("ring", 1, Pass)).await;
    let second = history.commit(run("ring", 2, Fail)).await;
    history.save_test("ring", state(1, None));
    history.save_test("ring", state(2, Some(second)));
    let third = history.commit(run("ring", 3, Error)).await;
    history.commit(run("ring", 4, Pass)).await;
    history.commit(run("never saved", 5, Fail)).await;
    history.save_test("never run", state(0, None));
    history.close().await;

    let (history, restored) = scene.open();
    let names: Vec<&str> = restored.tests.keys().map(String::as_str).collect();
    assert_eq!(names, ["never run", "never saved", "ring"]);
    let ring = &restored.tests["ring"];
    assert_eq!(ring.state, state(2, Some(second)));
    let runs: Vec<(&str, VerdictKind)> = ring.runs.iter().map(|run| (&*run.id, run.verdict)).collect();
    assert_eq!(runs, [(&*id(3), Error), (&*id(4), Pass)]);
    assert_eq!((ring.runs[0].seq, ring.runs[0].duration), (third, run("ring", 3, Error).duration));
    assert_eq!(restored.tests["never run"].state, state(0, None));
    assert_eq!(restored.tests["never saved"].state, SavedTest::default());
    assert_eq!(restored.tests["never saved"].runs.len(), 1);

    // What comes now, comes after all that.
    let fifth = history.commit(run("ring", 6, Pass)).await;
    assert!(fifth > ring.runs[1].seq);
    history.save_test("ring", state(5, Some(fifth)));
    history.close().await;
    let (_, restored) = scene.open();
    assert_eq!(restored.tests["ring"].runs, []);
}

#[tokio::test]
async fn runs_after_a_clock_was_set_back_still_come_last() {
    let scene = Scene::new();
    let (history, _) = scene.open();
    let seq = history.commit(run("ring", 1, Pass)).await;
    history.save_test("ring", state(1, Some(seq)));
    history.close().await;
    // As if they had been written far in the future.
    let future = i64::MAX / 2;
    scene.stranger().execute("UPDATE tests SET included = ?1", [future]).unwrap();
    scene.stranger().execute("UPDATE runs SET seq = ?1", [future]).unwrap();

    let (history, _) = scene.open();
    let seq = history.commit(run("ring", 2, Fail)).await;
    assert_eq!(seq, Seq(future + 1));
    history.close().await;
    let (_, restored) = scene.open();
    assert_eq!(restored.tests["ring"].runs.len(), 1);
}

#[tokio::test]
async fn a_state_that_makes_no_sense_is_made_up_from_the_runs() {
    let scene = Scene::new();
    let (history, _) = scene.open();
    let seq = history.commit(run("ring", 1, Fail)).await;
    history.save_test("ring", state(1, Some(seq)));
    history.close().await;
    scene.stranger().execute("UPDATE tests SET state = '{'", []).unwrap();
    let (_, restored) = scene.open();
    let ring = &restored.tests["ring"];
    assert_eq!((&ring.state, ring.runs.len()), (&SavedTest::default(), 1));
}

#[tokio::test]
async fn silences_are_kept_until_they_are_removed() {
    let scene = Scene::new();
    let (history, _) = scene.open();
    let later = SystemTime::now() + Duration::from_secs(3600);
    // As the file has it: in whole microseconds.
    let until = form::time(form::of_time(later));
    for (id, test) in [("a", "digits"), ("a", "ring"), ("b", "ring"), ("c", "ring")] {
        history.save_silence(silence(id, test, until));
    }
    history.remove_silence("b");
    history.close().await;
    let (history, restored) = scene.open();
    let kept = |silences: Vec<Silence>| silences.into_iter().map(Arc::new).collect::<Vec<_>>();
    assert_eq!(kept(restored.silences), [silence("a", "ring", until), silence("c", "ring", until)]);
    history.remove_silence("a");
    history.close().await;
    scene.stranger().execute("INSERT INTO silences VALUES ('d', ?1, '{}')", [form::of_time(later)]).unwrap();
    assert_eq!(kept(scene.open().1.silences), [silence("c", "ring", until)], "what cannot be read does not hold");
}

/// Nobody calls `close`, but all that was handed over is written all the same.
#[tokio::test]
async fn a_history_that_is_let_go_of_writes_what_it_has() {
    let scene = Scene::new();
    let (history, _) = scene.open();
    let clone = history.clone();
    history.save_test("ring", state(1, None));
    drop(history);
    clone.commit(run("ring", 1, Pass)).await;
    let queue = Arc::downgrade(&clone.owned.queue);
    drop(clone);
    let (history, _) = scene.open();
    within(&history, "the end of the thread", |_| queue.upgrade().is_none());
    within(&history, "the state", |_| {
        let saved = scene.stranger().query_row("SELECT count(state) FROM tests", [], |row| row.get::<_, i64>(0));
        saved.unwrap() == 1
    });
}
