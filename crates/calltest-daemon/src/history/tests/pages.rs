//! Lists of runs, and single runs, from disk and from memory.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use VerdictKind::{Cancelled, Error, Fail, Pass};

use super::*;

#[tokio::test]
async fn a_run_comes_back_as_it_was() {
    let scene = Scene::new();
    let (history, _) = scene.open();
    let given = run("ring", 7, Fail);
    history.commit(given.clone()).await;
    assert_eq!(history.condition(), None);
    assert_eq!(scene.on_disk(), 1, "it is on disk as soon as it is committed");
    history.close().await;

    let (history, _) = scene.open();
    assert_eq!(history.report("ring", &id(7)).await.unwrap().as_ref(), Some(&given.report));
    let page = history.page("ring", Filter::default()).await;
    assert!(page.missing.is_none() && page.next.is_none());
    let [listed] = &*page.runs else { panic!("{page:?}") };
    assert_eq!(
        (&*listed.id, listed.requested, listed.ended, listed.waited, listed.duration, listed.verdict),
        (&*given.id, given.requested, given.ended, given.waited, given.duration, Fail)
    );
    assert_eq!(listed.reason, given.reason);
    assert_eq!(history.report("another", &id(7)).await.unwrap(), None);
    assert_eq!(history.report("ring", &id(8)).await.unwrap(), None);
    assert_eq!(all(&history, "another").await, [0; 0]);
}

#[tokio::test]
async fn a_file_and_its_folder_are_ours_alone() {
    let mut scene = Scene::new();
    scene.place.path = scene.folder.path().join("made/on/demand/history.db");
    let (history, _) = scene.open();
    history.commit(run("ring", 1, Pass)).await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&scene.place.path), 0o600);
    assert_eq!(mode(&scene.place.path.with_file_name("history.db-wal")), 0o600);
    assert_eq!(mode(scene.place.path.parent().unwrap()), 0o700);
}

/// Pages of ten through 25 runs, of which the last ten could not be written yet; then the same when they are.
#[tokio::test]
async fn pages_go_on_where_the_last_one_ended_on_disk_or_not() {
    let scene = Scene::new();
    let (history, _) = scene.open();
    for number in 0..15 {
        history.commit(run("ring", number, Pass)).await;
        history.commit(run("dtmf", 100 + number, Pass)).await;
    }
    let stranger = scene.stranger();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    for number in 15..25 {
        history.commit(run("ring", number, Pass)).await;
    }
    assert_eq!(scene.on_disk(), 30);
    let first = history.page("ring", Filter { limit: 10, ..Filter::default() }).await;
    assert_eq!(numbers(&first), (15..25).rev().collect::<Vec<_>>());
    let straddling = history.page("ring", Filter { limit: 12, ..Filter::default() }).await;
    assert_eq!(numbers(&straddling), (13..25).rev().collect::<Vec<_>>());

    stranger.execute_batch("ROLLBACK").unwrap();
    recovers(&history);
    assert_eq!(scene.on_disk(), 40);
    let next = |page: RunPage| Filter { limit: 10, before: page.next, ..Filter::default() };
    let second = history.page("ring", next(first)).await;
    assert_eq!(numbers(&second), (5..15).rev().collect::<Vec<_>>());
    let third = history.page("ring", next(second)).await;
    assert_eq!(numbers(&third), (0..5).rev().collect::<Vec<_>>());
    assert_eq!(third.next, None);
    let exact = history.page("ring", Filter { limit: 25, ..Filter::default() }).await;
    assert_eq!((exact.runs.len(), exact.next), (25, None));
}

/// Each filter against memory, where the history has no file, and against disk.
#[tokio::test]
async fn a_filter_finds_the_same_on_disk_and_in_memory() {
    let scene = Scene::new();
    let verdicts = [Pass, Fail, Error, Cancelled];
    for (history, _) in [scene.open(), History::open(None)] {
        for number in 0..12 {
            history.commit(run("ring", number, verdicts[(number % 4) as usize])).await;
        }
        let check = async |filter: Filter, expected: &[u64]| {
            let page = history.page("ring", filter.clone()).await;
            assert_eq!(numbers(&page), expected, "{filter:?}");
        };
        let of = |verdicts: &[VerdictKind]| Filter {
            verdicts: verdicts.iter().copied().collect::<BTreeSet<_>>(),
            ..Filter::default()
        };
        check(of(&[]), &[]).await;
        check(of(&[Fail]), &[9, 5, 1]).await;
        check(of(&[Fail, Cancelled]), &[11, 9, 7, 5, 3, 1]).await;
        let between = |from, to| Filter { from: Some(moment(from)), to: Some(moment(to)), ..Filter::default() };
        check(between(3, 6), &[5, 4, 3]).await;
        check(between(11, 99), &[11]).await;
        check(between(6, 3), &[]).await;
        check(Filter { verdicts: of(&[Fail]).verdicts, ..between(2, 9) }, &[5]).await;
        check(Filter { limit: 0, ..Filter::default() }, &[11]).await;
        let two = history.page("ring", Filter { limit: 2, ..of(&[Fail]) }).await;
        check(Filter { before: two.next, ..of(&[Fail]) }, &[1]).await;
        check(Filter { before: two.next, ..Filter::default() }, &[4, 3, 2, 1, 0]).await;
    }
}

#[tokio::test]
async fn a_place_in_a_list_is_a_text() {
    let (history, _) = History::open(None);
    for number in 0..3 {
        history.commit(run("ring", number, Pass)).await;
    }
    let place = history.page("ring", Filter { limit: 1, ..Filter::default() }).await.next.unwrap();
    assert_eq!(place.to_string().parse(), Ok(place));
    for text in ["", "1", "1.", "1.x", "1.2.3"] {
        let error = text.parse::<Cursor>().unwrap_err();
        assert_eq!(error.to_string(), format!("{text:?} is no place in the history"));
    }
}

#[tokio::test]
async fn without_a_file_the_latest_runs_of_all_are_kept() {
    let (history, restored) = History::open(None);
    assert_eq!(restored, Restored::default());
    history.save_test("ring", SavedTest::default());
    history.commit(run("ring", 0, Fail)).await;
    for number in 1..=2000 {
        history.commit(run("dtmf", number, Pass)).await;
    }
    assert_eq!(all(&history, "ring").await, [0; 0], "the oldest goes, whatever its verdict");
    let latest = history.page("dtmf", Filter { limit: 2, ..Filter::default() }).await;
    assert_eq!(numbers(&latest), [2000, 1999]);
    let found = history.report("dtmf", &id(1)).await.unwrap().unwrap();
    assert_eq!(found, run("dtmf", 1, Pass).report);
    assert_eq!(history.condition(), None);
    history.close().await;
}

#[test]
fn a_run_that_is_written_while_it_is_read_is_listed_once() {
    let (history, _) = History::open(None);
    for number in 0..3 {
        history.owned.queue.add(PendingRun::new(run("ring", number, Pass)));
    }
    let filter = Filter { limit: 2, ..Filter::default() };
    let in_memory = history.owned.queue.page("ring", &filter);
    let mut on_disk = in_memory[1..].to_vec();
    on_disk.reverse();
    let page = RunPage::merged(Ok(on_disk), in_memory, &filter);
    assert_eq!((numbers(&page), page.next.is_some()), (vec![2, 1], true));
}
