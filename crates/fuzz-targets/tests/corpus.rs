//! Every input that is kept in `fuzz/`, found worth keeping or once a crash, goes through its target, in time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fuzz_targets::TARGETS;

/// Far more than any input takes, so that only a lost bound is noticed.
const LONG: Duration = Duration::from_secs(10);

fn folder(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(kind)
}

/// The files of a folder; none if there is no such folder, as where nothing ever crashed.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn check(target: &str) {
    let target = TARGETS.iter().find(|known| known.name == target).unwrap();
    let corpus = files(&folder("corpus").join(target.name));
    assert!(corpus.len() > 5, "the corpus of {} is missing", target.name);
    for file in corpus.into_iter().chain(files(&folder("regressions").join(target.name))) {
        let input = fs::read(&file).unwrap();
        let started = Instant::now();
        let outcome = std::panic::catch_unwind(|| (target.check)(&input));
        assert!(outcome.is_ok(), "{} does not hold for {}", target.name, file.display());
        assert!(started.elapsed() < LONG, "{} takes {:?} for {}", target.name, started.elapsed(), file.display());
    }
}

#[test]
fn requests() {
    check("api");
}

#[test]
fn configurations() {
    check("configuration");
}

#[test]
fn answers() {
    check("answers");
}

#[test]
fn events() {
    check("events");
}

#[test]
fn number_rules() {
    check("number_rules");
}

#[test]
fn recordings() {
    check("wav");
}

/// Whoever adds a target adds its program, its corpus and its test above.
#[test]
fn each_target_has_its_program_and_its_corpus() {
    let named = |kind: &str| -> Vec<String> {
        let name = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        files(&folder(kind)).into_iter().map(name).collect()
    };
    let targets: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(named("fuzz_targets"), targets);
    assert_eq!(named("corpus"), targets);
    let tests = include_str!("corpus.rs");
    assert!(targets.iter().all(|target| tests.contains(&format!("check({target:?})"))));
}
