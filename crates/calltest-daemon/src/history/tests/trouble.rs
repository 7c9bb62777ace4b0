//! A file that cannot be written, or must not be.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::Ordering;

use VerdictKind::{Cancelled, Error, Fail, Pass};

use super::super::backlog::Batch;
use super::super::store::Store;
use super::*;

/// What `condition` says, with the path left out.
#[track_caller]
fn sentence(scene: &Scene, history: &History) -> String {
    let sentence = history.condition().expect("there is trouble");
    let begin = format!("the history cannot be written to {}: ", scene.place.path.display());
    sentence.strip_prefix(&begin).unwrap_or_else(|| panic!("{sentence}")).to_owned()
}

/// Waits until it has been tried in vain several times more.
#[track_caller]
fn tries_again(history: &History) {
    let before = history.owned.queue.attempts();
    within(history, "another attempt", |history| history.owned.queue.attempts() >= before + 3);
}

/// Puts another file in place of the history's, all at once: one that is just being written looks like a new one.
fn replace(scene: &Scene, content: &[u8]) {
    let beside = scene.place.path.with_extension("other");
    fs::write(&beside, content).unwrap();
    fs::rename(beside, &scene.place.path).unwrap();
}

#[tokio::test]
async fn a_locked_file_keeps_nobody_waiting_and_nothing_is_lost() {
    let scene = Scene::new();
    let (history, _) = scene.open();
    history.commit(run("ring", 1, Pass)).await;
    let stranger = scene.stranger();
    stranger.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let begin = Instant::now();
    for number in 2..=100 {
        history.commit(run("ring", number, Fail)).await;
    }
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    history.save_test("ring", SavedTest { failures: 9, ..SavedTest::default() });
    let expected =
        "another process holds it locked; meanwhile 99 runs are kept in memory; end the process that holds it";
    assert_eq!(sentence(&scene, &history), expected);
    assert_eq!(all(&history, "ring").await, (1..=100).rev().collect::<Vec<_>>());
    let found = history.report("ring", &id(100)).await.unwrap().unwrap();
    assert_eq!(found, run("ring", 100, Fail).report);

    stranger.execute_batch("ROLLBACK").unwrap();
    recovers(&history);
    history.close().await;
    assert_eq!(scene.on_disk(), 100);
    assert_eq!(scene.open().1.tests["ring"].state.failures, 9);
}

/// More than goes into one transaction.
#[tokio::test]
async fn all_that_waits_is_written_at_the_end() {
    let mut scene = Scene::new();
    scene.limits.retry = Duration::from_secs(3600);
    let (history, _) = scene.open();
    let stranger = scene.stranger();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    for number in 0..1200 {
        history.commit(run("ring", number, Pass)).await;
    }
    stranger.execute_batch("ROLLBACK").unwrap();
    assert_eq!(scene.on_disk(), 0);
    history.close().await;
    assert_eq!(scene.on_disk(), 1200);
}

#[tokio::test]
async fn a_file_that_is_locked_from_the_start_is_written_later() {
    let scene = Scene::new();
    scene.open().0.close().await;
    let stranger = scene.stranger();
    stranger.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM tests; COMMIT").unwrap();
    let (history, restored) = scene.open();
    assert_eq!(restored, Restored::default());
    history.commit(run("ring", 1, Pass)).await;
    assert!(sentence(&scene, &history).starts_with("another process holds it locked; meanwhile 1 run is kept"));
    let page = history.page("ring", Filter::default()).await;
    assert_eq!(numbers(&page), [1]);
    assert_eq!(page.missing.unwrap().to_string(), "another process holds it locked");
    drop(stranger);
    recovers(&history);
    assert_eq!(scene.on_disk(), 1);
}

#[tokio::test]
async fn on_a_full_disk_runs_stay_in_memory_until_there_is_room() {
    let scene = Scene::new();
    scene.limits.pages.store(60, Ordering::Relaxed);
    let (history, _) = scene.open();
    // Nothing that could be compressed.
    let noise = || (0..20_000).map(|_| char::from(rand::random_range(b' '..=b'~'))).collect::<String>();
    for number in 0..40 {
        history.commit(FinishedRecord { report: noise(), ..run("ring", number, Pass) }).await;
    }
    let written = scene.on_disk();
    assert!((1..40).contains(&written), "{written}");
    let kept = format!("the disk is full; meanwhile {} runs are kept in memory; make room on the disk", 40 - written);
    assert_eq!(sentence(&scene, &history), kept);
    scene.is_whole();
    assert_eq!(all(&history, "ring").await.len(), 40);

    scene.limits.pages.store(u32::MAX - 1, Ordering::Relaxed);
    recovers(&history);
    assert_eq!(scene.on_disk(), 40);
    history.close().await;
    scene.is_whole();
}

/// What is kept while nothing can be written: the failures, and the latest of the others.
#[tokio::test]
async fn more_runs_than_fit_into_memory_cost_passes_first() {
    let mut scene = Scene::new();
    scene.limits.bound.runs = 4;
    scene.open().0.close().await;
    let stranger = scene.stranger();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (history, _) = scene.open();
    for (number, verdict) in (0..).zip([Fail, Pass, Error, Cancelled, Fail, Pass, Pass, Fail]) {
        history.commit(run("ring", number, verdict)).await;
    }
    assert_eq!(all(&history, "ring").await, [7, 4, 2, 0]);
    let told = sentence(&scene, &history);
    assert!(told.contains("meanwhile 4 runs are kept in memory, and 4 had to be dropped; "), "{told}");
    history.commit(run("ring", 8, Fail)).await;
    history.commit(run("ring", 9, Fail)).await;
    assert_eq!(all(&history, "ring").await, [9, 8, 7, 4], "among failures, the oldest go");
    stranger.execute_batch("ROLLBACK").unwrap();
    recovers(&history);
    assert_eq!(scene.on_disk(), 4);
}

/// A file that is something else stays as it is, however long we try.
async fn stays_as_it_is(bytes: &[u8], cause: &str) {
    let scene = Scene::new();
    fs::write(&scene.place.path, bytes).unwrap();
    let (history, restored) = scene.open();
    assert_eq!(restored, Restored::default());
    history.commit(run("ring", 1, Fail)).await;
    history.save_test("ring", SavedTest::default());
    tries_again(&history);
    let told = sentence(&scene, &history);
    assert!(told.starts_with(&format!("{cause}; meanwhile 1 run is kept in memory; ")), "{told}");
    assert_eq!(all(&history, "ring").await, [1]);
    assert_eq!(history.report("ring", &id(2)).await.unwrap_err().to_string(), cause);
    history.close().await;
    assert!(fs::read(&scene.place.path).unwrap() == bytes, "the file is another one now");
    let left: Vec<_> = fs::read_dir(scene.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "only the file and the folder of recordings: {left:?}");
}

/// The bytes of a database that was made like this.
fn database(made: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.db");
    Connection::open(&path).unwrap().execute_batch(made).unwrap();
    fs::read(path).unwrap()
}

#[tokio::test]
async fn what_is_no_history_is_not_touched() {
    let foreign = "it is not a calltest history file";
    stays_as_it_is(b"x", foreign).await;
    stays_as_it_is(&b"# My notes\n".repeat(1000), foreign).await;
    stays_as_it_is(&database("CREATE TABLE notes (text)"), foreign).await;
    stays_as_it_is(&database("CREATE TABLE notes (text); PRAGMA user_version = 3"), foreign).await;
}

#[tokio::test]
async fn a_history_of_a_newer_version_is_not_touched() {
    let newer = database("CREATE TABLE runs (more); PRAGMA application_id = 0x63747374; PRAGMA user_version = 7");
    stays_as_it_is(&newer, "a newer calltest has written it, in form 7; this one knows forms up to 2").await;
}

/// The schema of form 1, as it was released, with one run.
const FORM_1: &str = "
    CREATE TABLE tests (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, state TEXT, included INTEGER);
    CREATE TABLE silences (id TEXT PRIMARY KEY, expires INTEGER NOT NULL, text TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE runs (seq INTEGER PRIMARY KEY, id TEXT NOT NULL, test INTEGER NOT NULL, verdict INTEGER NOT NULL,
        requested INTEGER NOT NULL, ended INTEGER NOT NULL, waited INTEGER NOT NULL, duration INTEGER NOT NULL,
        reason TEXT, recordings BLOB, report BLOB);
    CREATE UNIQUE INDEX runs_by_id ON runs (id);
    CREATE INDEX runs_by_test ON runs (test);
    CREATE INDEX runs_by_test_verdict ON runs (test, verdict, requested);
    CREATE INDEX runs_by_verdict ON runs (verdict, requested);
    INSERT INTO tests VALUES (1, 'ring', NULL, NULL);
    INSERT INTO runs VALUES (1, '0000000000000001', 1, 1, 1700000060000000, 1700000072000000, 0, 12000000, 'old reason', NULL, NULL);
    PRAGMA application_id = 0x63747374;
    PRAGMA user_version = 1;";

#[tokio::test]
async fn a_history_of_an_older_version_is_converted() {
    let scene = Scene::new();
    fs::write(&scene.place.path, database(FORM_1)).unwrap();
    let (history, restored) = scene.open();
    assert_eq!(restored.tests["ring"].runs[0].reason, Some(Reason { code: None, sentence: "old reason".into() }));
    history.commit(run("ring", 2, Fail)).await;
    history.close().await;
    let (history, _) = scene.open();
    let page = history.page("ring", Filter::default()).await;
    let reasons: Vec<_> = page.runs.into_iter().map(|run| run.reason.unwrap()).collect();
    assert_eq!(reasons, [because("trunk: reason 2"), Reason { code: None, sentence: "old reason".into() }]);
}

/// The same while the newer header is only in the log.
#[tokio::test]
async fn a_newer_version_is_noticed_in_the_log_too() {
    let scene = Scene::new();
    let (history, _) = scene.open();
    history.commit(run("ring", 1, Fail)).await;
    let stranger = scene.stranger();
    stranger.execute_batch("PRAGMA user_version = 7").unwrap();
    let copy = Scene::new();
    for file in ["history.db", "history.db-wal"] {
        fs::copy(scene.folder.path().join(file), copy.folder.path().join(file)).unwrap();
    }
    let before = fs::read(&copy.place.path).unwrap();
    let (history, _) = copy.open();
    assert!(sentence(&copy, &history).starts_with("a newer calltest has written it, in form 7"));
    history.close().await;
    assert!(fs::read(&copy.place.path).unwrap() == before);
}

#[tokio::test]
async fn a_damaged_history_is_left_alone_until_somebody_repairs_it() {
    let scene = Scene::new();
    let (history, _) = scene.open();
    for number in 0..200 {
        history.commit(run("ring", number, Pass)).await;
    }
    history.close().await;
    let whole = fs::read(&scene.place.path).unwrap();
    let mut damaged = whole.clone();
    damaged[8192..].fill(0xa5);
    fs::write(&scene.place.path, &damaged).unwrap();

    let (history, _) = scene.open();
    history.commit(run("ring", 300, Fail)).await;
    tries_again(&history);
    let told = sentence(&scene, &history);
    let expected = "it is damaged; meanwhile 1 run is kept in memory; move it away and calltest starts a new one";
    assert_eq!(told, expected);
    assert!(fs::read(&scene.place.path).unwrap() == damaged, "the damaged file was changed");

    // Only half repaired: SQLite would write to it without noticing, since the page with the first runs is not needed.
    let mut half = whole.clone();
    let is_first = |page: &[u8]| page[0] == 0x0d && page.windows(16).any(|text| text == id(5).as_bytes());
    half.chunks_mut(4096).find(|page| is_first(page)).unwrap().fill(0xa5);
    replace(&scene, &half);
    tries_again(&history);
    assert_eq!(sentence(&scene, &history), expected);
    assert!(fs::read(&scene.place.path).unwrap() == half, "the damaged file was changed");

    replace(&scene, &whole);
    recovers(&history);
    assert_eq!(scene.on_disk(), 201);
}

#[tokio::test]
async fn a_file_that_is_moved_away_is_begun_anew() {
    let scene = Scene::new();
    let (history, _) = scene.open();
    history.commit(run("ring", 1, Pass)).await;
    let aside = scene.place.path.with_file_name("aside.db");
    fs::rename(&scene.place.path, &aside).unwrap();
    history.commit(run("ring", 2, Pass)).await;
    assert_eq!(history.condition(), None);
    assert_eq!(all(&history, "ring").await, [2]);
    fs::remove_file(&scene.place.path).unwrap();
    history.commit(run("ring", 3, Pass)).await;
    assert_eq!(all(&history, "ring").await, [3]);
    history.close().await;
    scene.is_whole();
    assert_eq!(scene.on_disk(), 1);
}

/// A folder that nobody can write to, be it root, and one that only root can.
#[tokio::test]
async fn a_folder_that_cannot_be_written_keeps_nothing_from_running() {
    let mut scene = Scene::new();
    scene.place.path = PathBuf::from("/proc/calltest/history.db");
    let (history, _) = scene.open();
    history.commit(run("ring", 1, Pass)).await;
    assert!(sentence(&scene, &history).contains("meanwhile 1 run is kept in memory"));
    assert_eq!(all(&history, "ring").await, [1]);

    let folder = scene.folder.path().join("closed");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).unwrap();
    let is_writable = fs::write(folder.join("probe"), "").is_ok();
    scene.place.path = folder.join("history.db");
    let (history, _) = scene.open();
    history.commit(run("ring", 1, Pass)).await;
    assert_eq!(history.condition().is_none(), is_writable, "{:?}", history.condition());
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    recovers(&history);
    assert_eq!(scene.on_disk(), 1);
}

/// Something about a run, a test or a silence that the file will not take: it alone is left out.
#[tokio::test]
async fn an_entry_that_cannot_be_written_keeps_back_no_other() {
    let scene = Scene::new();
    let (history, _) = scene.open();
    let stranger = scene.stranger();
    let refuse = |table: &str, column: &str, value: &str| {
        let sql = format!(
            "CREATE TRIGGER poison_{table} BEFORE INSERT ON {table} WHEN new.{column} = '{value}'
             BEGIN SELECT raise(ABORT, 'poison'); END"
        );
        stranger.execute_batch(&sql).unwrap();
    };
    refuse("runs", "id", &id(3));
    refuse("tests", "name", "poison");
    refuse("silences", "id", "poison");
    // All in one transaction.
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    for number in 1..=5 {
        history.commit(run("ring", number, Pass)).await;
    }
    history.commit(run("poison", 6, Pass)).await;
    for name in ["ring", "poison"] {
        history.save_test(name, SavedTest { failures: 1, ..SavedTest::default() });
        let expires = SystemTime::now();
        history.save_silence(silence(name, "ring", expires));
    }
    stranger.execute_batch("ROLLBACK").unwrap();
    recovers(&history);
    history.commit(run("ring", 7, Pass)).await;
    assert_eq!(history.condition(), None);
    assert_eq!(all(&history, "ring").await, [7, 5, 4, 2, 1]);
    history.close().await;
    let (_, restored) = scene.open();
    assert_eq!(restored.tests["ring"].state.failures, 1);
    assert_eq!((restored.tests.len(), restored.silences.len()), (1, 1));
}

#[tokio::test]
async fn of_two_runs_with_one_id_the_first_stays() {
    let scene = Scene::new();
    let (history, _) = scene.open();
    history.commit(run("ring", 1, Fail)).await;
    history.commit(run("dtmf", 1, Pass)).await;
    history.commit(run("dtmf", 2, Pass)).await;
    assert_eq!(history.condition(), None);
    assert_eq!((all(&history, "ring").await, all(&history, "dtmf").await), (vec![1], vec![2]));
}

/// Another process has written while we could not, and has used the same places.
#[test]
fn a_place_that_is_taken_costs_no_run() {
    let scene = Scene::new();
    let mut store = Store::open(&scene.place.path, u32::MAX - 1).unwrap();
    let batch = |places: &[i64], first| {
        Batch::of_runs(places.iter().zip(first..).map(|(seq, number)| (*seq, run("ring", number, Pass))))
    };
    assert!(store.write(&batch(&[5, 6], 1)).unwrap().is_empty());
    assert!(store.write(&batch(&[5, 6, 7, 20], 3)).unwrap().is_empty());
    assert_eq!((scene.on_disk(), store.last()), (6, Seq(20)));
    // And once more, as after a commit that we were told had failed.
    assert!(store.write(&batch(&[5, 6, 7, 20], 3)).unwrap().is_empty());
    assert_eq!((scene.on_disk(), store.last()), (6, Seq(20)));
}

#[tokio::test]
async fn odd_values_are_written_like_others() {
    let scene = Scene::new();
    let (history, _) = scene.open();
    let odd = FinishedRecord {
        id: "not\0hex ☎".into(),
        test: String::new(),
        requested: UNIX_EPOCH - Duration::from_secs(1),
        ended: UNIX_EPOCH + Duration::from_secs(1 << 62),
        waited: Duration::MAX,
        reason: Some(because("\0")),
        report: "x".repeat(9 << 20),
        ..run("", 1, Fail)
    };
    history.commit(odd.clone()).await;
    assert_eq!((history.condition(), scene.on_disk()), (None, 1));
    let page = history.page("", Filter::default()).await;
    assert_eq!((page.runs[0].requested, &page.runs[0].reason), (odd.requested, &odd.reason));
    assert_eq!(history.report("", &odd.id).await.unwrap(), None, "too long to be kept");
}
