//! What retention takes, and in which order. With the [`Store`](super::store::Store) alone, and times that are given.

use std::fs;

use calltest_core::verdict::VerdictKind::{Cancelled, Error, Fail, Pass};

use super::super::backlog::Batch;
use super::super::store::Store;
use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A file with runs of these verdicts, a minute apart.
fn store(scene: &Scene, runs: impl IntoIterator<Item = FinishedRecord>) -> Store {
    let mut store = Store::open(&scene.place.path, u32::MAX - 1).unwrap();
    assert!(store.write(&Batch::of_runs((1..).zip(runs))).unwrap().is_empty());
    store
}

/// Prunes until there is nothing more to do, and tells in how many steps.
fn prune(scene: &Scene, store: &mut Store, retention: &Retention, now: SystemTime) -> usize {
    for steps in 1..10_000 {
        if !store.prune(retention, &scene.place.recordings, now).unwrap() {
            return steps;
        }
    }
    panic!("there is no end to it");
}

fn left(scene: &Scene) -> Vec<u64> {
    let stranger = scene.stranger();
    let mut select = stranger.prepare("SELECT id FROM runs ORDER BY seq").unwrap();
    let ids = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
    ids.map(|id| u64::from_str_radix(&id.unwrap(), 16).unwrap()).collect()
}

fn of(verdicts: &[VerdictKind]) -> impl Iterator<Item = FinishedRecord> {
    (0..).zip(verdicts).map(|(number, verdict)| run("ring", number, *verdict))
}

#[test]
fn old_runs_go_and_failures_go_later() {
    let scene = Scene::new();
    let mut store = store(&scene, of(&[Fail, Pass, Error, Cancelled, Fail, Pass, Error, Cancelled]));
    let retention = Retention { age: DAY, failure_age: 10 * DAY, ..everything() };
    prune(&scene, &mut store, &retention, moment(1) + DAY);
    assert_eq!(left(&scene), [0, 1, 2, 3, 4, 5, 6, 7], "what is just as old as allowed may stay");
    prune(&scene, &mut store, &retention, moment(5) + DAY);
    assert_eq!(left(&scene), [0, 4, 5, 6, 7]);
    prune(&scene, &mut store, &retention, moment(9) + DAY);
    assert_eq!(left(&scene), [0, 4]);
    prune(&scene, &mut store, &retention, moment(1) + 10 * DAY);
    assert_eq!(left(&scene), [4]);
}

#[test]
fn of_too_many_runs_passes_go_first_and_failures_last() {
    let verdicts = [Fail, Error, Pass, Cancelled, Pass, Fail, Error, Cancelled];
    for (runs, kept) in [
        (8, &[0, 1, 2, 3, 4, 5, 6, 7][..]),
        (7, &[0, 1, 3, 4, 5, 6, 7]),
        (6, &[0, 1, 4, 5, 6, 7]),
        (5, &[0, 1, 5, 6, 7]),
        (4, &[0, 1, 5, 6]),
        (3, &[0, 5, 6]),
        (1, &[5]),
        (0, &[]),
    ] {
        let scene = Scene::new();
        let mut store = store(&scene, of(&verdicts));
        prune(&scene, &mut store, &Retention { runs, ..everything() }, moment(0));
        assert_eq!(left(&scene), kept);
    }
}

#[test]
fn a_file_that_is_too_big_shrinks_and_keeps_its_failures() {
    let scene = Scene::new();
    let noise = || (0..8_000).map(|_| char::from(rand::random_range(b' '..=b'~'))).collect::<String>();
    let runs = (0..1000).map(|number| {
        let verdict = if number % 10 == 0 { Fail } else { Pass };
        FinishedRecord { report: noise(), ..run("ring", number, verdict) }
    });
    let mut store = store(&scene, runs);
    let bytes = 4 << 20;
    let steps = prune(&scene, &mut store, &Retention { bytes, ..everything() }, moment(0));
    assert!(steps < 50, "{steps} steps: many pages are given back in each");
    let kept = left(&scene);
    assert_eq!(kept.iter().filter(|number| *number % 10 == 0).count(), 100, "all failures");
    let oldest_pass = kept.iter().copied().find(|number| number % 10 != 0).unwrap();
    assert_eq!(kept.iter().filter(|number| **number >= oldest_pass && *number % 10 != 0).count(), kept.len() - 100);
    assert!((300..700).contains(&kept.len()), "{}", kept.len());
    store.close().unwrap();
    let size = fs::metadata(&scene.place.path).unwrap().len();
    assert!(size <= bytes + (1 << 20), "what is free is given back to the disk: {size}");
    scene.is_whole();

    let mut store = Store::open(&scene.place.path, u32::MAX - 1).unwrap();
    prune(&scene, &mut store, &Retention { bytes: 0, ..everything() }, moment(0));
    assert_eq!(left(&scene), [0; 0], "a limit that cannot be kept to ends somewhere");
}

#[test]
fn recordings_go_with_their_runs_and_no_other_file_does() {
    let scene = Scene::new();
    let folder = scene.folder.path();
    let recordings = &scene.place.recordings;
    let outside = folder.join("outside");
    fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, recordings.join("link")).unwrap();
    let write = |path: PathBuf| {
        fs::write(&path, "sound").unwrap();
        path
    };
    let (gone, stays) = (write(recordings.join("0-src.wav")), write(recordings.join("1-src.wav")));
    let letter = write(folder.join("letter.txt"));
    let behind = write(outside.join("behind.wav"));
    let deleted = vec![
        gone.clone(),
        recordings.join("never-there.wav"),
        recordings.join("no-folder/x.wav"),
        letter.clone(),
        recordings.join("../letter.txt"),
        recordings.join("link/behind.wav"),
        recordings.join(".."),
        PathBuf::from("/"),
        recordings.clone(),
    ];
    let runs = [(0, deleted), (1, vec![stays.clone()])];
    let runs = runs.map(|(number, recordings)| FinishedRecord { recordings, ..run("ring", number, Pass) });
    let mut store = store(&scene, runs);
    prune(&scene, &mut store, &Retention { runs: 1, ..everything() }, moment(0));
    assert_eq!(left(&scene), [1]);
    assert!(!gone.exists(), "the recording of the run that went");
    for kept in [&stays, &letter, &behind, recordings] {
        assert!(kept.exists(), "{}", kept.display());
    }
}

/// The writer does it by itself, between the runs that it writes.
#[tokio::test]
async fn the_writer_throws_away_what_is_too_much() {
    let mut scene = Scene::new();
    scene.place.retention.runs = 250;
    let (history, _) = scene.open();
    for number in 0..1000 {
        history.commit(run("ring", number, if number < 10 { Fail } else { Pass })).await;
    }
    within(&history, "retention", |_| scene.on_disk() == 250);
    let kept = left(&scene);
    assert_eq!(kept[..10], (0..10).collect::<Vec<_>>());
    assert_eq!(kept[10..], (760..1000).collect::<Vec<_>>());
    assert_eq!(history.condition(), None);
}

#[tokio::test]
async fn silences_that_ended_long_ago_are_forgotten() {
    let scene = Scene::new();
    let (history, _) = scene.open();
    for (id, ago) in [("old", 2 * DAY), ("new", DAY / 2)] {
        let expires = SystemTime::now() - ago;
        history.save_silence(silence(id, "ring", expires));
    }
    history.close().await;
    let mut store = Store::open(&scene.place.path, u32::MAX - 1).unwrap();
    prune(&scene, &mut store, &everything(), SystemTime::now());
    drop(store);
    let ids: Vec<String> = scene.open().1.silences.into_iter().map(|silence| silence.id).collect();
    assert_eq!(ids, ["new"]);
}
