//! The history as its users see it: what goes in comes out, after restarts, troubles and kills too.

mod killed;
mod pages;
mod restart;
mod thrown_away;
mod trouble;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use calltest_core::code::Code;
use calltest_core::plan::Retention;
use calltest_core::verdict::{Reason, VerdictKind};
use rusqlite::Connection;
use tempfile::TempDir;

use super::writer::Limits;
use super::*;

/// A folder for a history, and what is expected of it.
struct Scene {
    folder: TempDir,
    place: Place,
    limits: Limits,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Place {
            path: folder.path().join("history.db"),
            recordings: folder.path().join("recordings"),
            retention: everything(),
        };
        std::fs::create_dir(&place.recordings).unwrap();
        let limits = Limits { retry: Duration::from_millis(30), ..Limits::default() };
        Self { folder, place, limits }
    }

    fn open(&self) -> (History, Restored) {
        History::open_with(self.place.clone(), self.limits.clone())
    }

    /// Somebody else who has opened the file.
    fn stranger(&self) -> Connection {
        Connection::open(&self.place.path).unwrap()
    }

    /// How many runs are in the file.
    fn on_disk(&self) -> i64 {
        self.stranger().query_row("SELECT count(*) FROM runs", [], |row| row.get(0)).unwrap()
    }

    fn is_whole(&self) {
        let answer: String = self.stranger().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(answer, "ok");
    }
}

/// Retention that throws nothing away.
fn everything() -> Retention {
    let age = Duration::from_secs(200 * 365 * 24 * 60 * 60);
    Retention { age, failure_age: age, runs: u64::MAX, bytes: u64::MAX }
}

/// When the run of that number was asked for.
fn moment(number: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000 + 60 * number)
}

fn id(number: u64) -> String {
    format!("{number:016x}")
}

fn run(test: &str, number: u64, verdict: VerdictKind) -> FinishedRecord {
    FinishedRecord {
        id: id(number),
        test: test.to_owned(),
        requested: moment(number),
        ended: moment(number) + Duration::from_secs(12),
        waited: Duration::from_millis(250),
        duration: Duration::from_micros(11_750_001),
        verdict,
        reason: (verdict != VerdictKind::Pass).then(|| because(&format!("trunk: reason {number}"))),
        report: format!(r#"{{"version":1,"id":"{}","test":"{test}"}}"#, id(number)),
        recordings: Vec::new(),
    }
}

fn because(sentence: &str) -> Reason {
    Reason { code: Some(Code::NoAnswer), sentence: sentence.into() }
}

fn silence(id: &str, test: &str, until: SystemTime) -> Arc<Silence> {
    Arc::new(Silence {
        id: id.into(),
        tests: vec![test.into()],
        links: Vec::new(),
        servers: Vec::new(),
        all: false,
        created: moment(1),
        until,
        reason: "works on the line".into(),
    })
}

fn numbers(page: &RunPage) -> Vec<u64> {
    page.runs.iter().map(|run| u64::from_str_radix(&run.id, 16).unwrap()).collect()
}

async fn all(history: &History, test: &str) -> Vec<u64> {
    let page = history.page(test, Filter { limit: PAGE, ..Filter::default() }).await;
    numbers(&page)
}

#[track_caller]
fn within(history: &History, what: &str, is_so: impl Fn(&History) -> bool) {
    let begin = Instant::now();
    while !is_so(history) {
        assert!(begin.elapsed() < Duration::from_secs(10), "{what} does not come about: {:?}", history.condition());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[track_caller]
fn recovers(history: &History) {
    within(history, "recovery", |history| history.condition().is_none());
}
