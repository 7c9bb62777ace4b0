//! A process that is killed while it writes. Whatever `commit` has returned for is there afterwards.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use VerdictKind::{Fail, Pass};

use super::*;

/// How the process to be killed is told where to write: as another test to be run, of which there is none.
const FOLDER: &str = "write-in-";
const NAME: &str = "history::tests::killed::what_was_committed_survives_a_kill";

#[test]
fn what_was_committed_survives_a_kill() {
    let told = std::env::args().find_map(|argument| argument.strip_prefix(FOLDER).map(PathBuf::from));
    match told {
        Some(folder) => write_until_killed(folder),
        None => [10, 300, 3000].into_iter().for_each(kill_after),
    }
}

fn kill_after(runs: usize) {
    let scene = Scene::new();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, &format!("{FOLDER}{}", scene.folder.path().display()), "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut committed = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some(id) = line.strip_prefix("committed ") {
            committed.push(id.to_owned());
        }
        if committed.len() == runs {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(committed.len() >= runs, "{committed:?}");

    let (history, restored) = scene.open();
    assert_eq!(history.condition(), None);
    scene.is_whole();
    // Each run is either part of the state or left to be taken in, and none is both.
    for (name, test) in &restored.tests {
        let mut stranger = scene.stranger();
        let transaction = stranger.transaction().unwrap();
        let sql = "SELECT count(*) FROM runs JOIN tests ON tests.id = runs.test WHERE name = ?1";
        let there: i64 = transaction.query_row(sql, [name], |row| row.get(0)).unwrap();
        assert_eq!(test.state.counts.runs + test.runs.len() as u64, there.cast_unsigned(), "{name}");
    }
    let stranger = scene.stranger();
    let mut select = stranger.prepare("SELECT 1 FROM runs WHERE id = ?1").unwrap();
    let lost: Vec<&String> = committed.iter().filter(|id| !select.exists([id]).unwrap()).collect();
    assert!(lost.is_empty(), "{} of {}: {lost:?}", lost.len(), committed.len());
}

/// Four tests, each of which runs again and again.
fn write_until_killed(folder: PathBuf) {
    let place = Place { path: folder.join("history.db"), recordings: folder, retention: everything() };
    let (history, _) = History::open(Some(place));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let tests = (0..4).map(|test| {
            let history = history.clone();
            tokio::spawn(async move {
                for round in 1.. {
                    let verdict = if round % 3 == 0 { Fail } else { Pass };
                    let run = run(&format!("test {test}"), round * 4 + test, verdict);
                    let id = run.id.clone();
                    let seq = history.commit(run).await;
                    writeln!(std::io::stdout(), "committed {id}").expect("the parent reads until it kills");
                    let counts = SavedCounts { runs: round, ..SavedCounts::default() };
                    let state = SavedTest { counts, included: Some(seq), ..SavedTest::default() };
                    history.save_test(&format!("test {test}"), state);
                }
            })
        });
        for test in tests.collect::<Vec<_>>() {
            test.await.expect("it goes on until it is killed");
        }
    });
}
