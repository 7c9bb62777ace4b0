//! What must not exist in this tree: arrows between crates that the architecture does not name, files without a word about
//! what they are for, and names that say nothing.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

mod sources;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Which of our crates each crate may use, as in ARCHITECTURE.md. Tests may use lab and fake besides.
const ARROWS: &[(&str, &[&str])] = &[
    ("calltest-core", &[]),
    ("calltest-config", &["calltest-core"]),
    ("calltest-ari", &[]),
    ("calltest-engine", &["calltest-core"]),
    ("calltest-asterisk", &["calltest-core", "calltest-engine", "calltest-ari"]),
    ("calltest-trigger", &["calltest-core"]),
    ("calltest-runner", &["calltest-core", "calltest-engine", "calltest-trigger"]),
    ("calltest-report", &["calltest-core"]),
    ("calltest-daemon", &["calltest-core", "calltest-runner", "calltest-report"]),
    (
        "calltest",
        &[
            "calltest-core",
            "calltest-config",
            "calltest-engine",
            "calltest-asterisk",
            "calltest-runner",
            "calltest-report",
            "calltest-daemon",
            "asterisk-lab",
            "asterisk-setup",
        ],
    ),
    ("asterisk-setup", &[]),
    ("asterisk-lab", &["asterisk-setup"]),
    ("fake-asterisk", &[]),
    (
        "fuzz-targets",
        &[
            "calltest-core",
            "calltest-config",
            "calltest-ari",
            "calltest-asterisk",
            "calltest-runner",
            "calltest-daemon",
        ],
    ),
];

/// The crates that only tests may use, besides their place above.
const FOR_TESTS: &[&str] = &["asterisk-lab", "fake-asterisk"];

/// Arrows of tests alone: what carries calls is tried together with what makes them.
const ARROWS_OF_TESTS: &[(&str, &str)] = &[("calltest-asterisk", "calltest-runner")];

/// The crates, and folders besides, whose files may know ARI.
const KNOW_ARI: &[&str] = &[
    "crates/calltest-ari",
    "crates/calltest-asterisk",
    "crates/fuzz-targets",
    "crates/xtask",
    "fuzz",
    // Names of loggers that a configuration or a command line may set.
    "crates/calltest-config/src/check/logging.rs",
    "crates/calltest/src/cli.rs",
    "crates/calltest/tests/cli/output.rs",
];

/// The crate that may use any other.
const FREE: &str = "xtask";

/// Names of files and folders that say nothing about what is in them.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "manager", "imp", "misc"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn rust_files() -> Vec<PathBuf> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(&root().join("crates"), &mut files);
    walk(&root().join("fuzz/fuzz_targets"), &mut files);
    assert!(files.len() > 50, "the walk has missed the sources");
    files
}

#[test]
fn only_the_arrows_of_the_architecture_exist() {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap();
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let members: Vec<_> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        if name == FREE {
            continue;
        }
        let Some(may_use) = allowed.get(name) else {
            wrong.push(format!("{name} is not in the table of arrows"));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| members.contains(&dependency.name)) {
            let is_for_tests = dependency.kind == DependencyKind::Development && FOR_TESTS.contains(&&*dependency.name);
            let arrow = (name, &*dependency.name);
            let is_of_tests = dependency.kind == DependencyKind::Development && ARROWS_OF_TESTS.contains(&arrow);
            if !may_use.contains(&&*dependency.name) && !is_for_tests && !is_of_tests {
                wrong.push(format!("{name} -> {} ({:?})", dependency.name, dependency.kind));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for (name, _) in ARROWS {
        assert!(members.iter().any(|member| member == name), "{name} is in the table, but not in the workspace");
    }
}

#[test]
fn only_the_engine_on_asterisk_knows_ari() {
    let knows = |path: &PathBuf| {
        let place = path.strip_prefix(root()).unwrap();
        let word = concat!("calltest", "_ari");
        !KNOW_ARI.iter().any(|known| place.starts_with(known)) && fs::read_to_string(path).unwrap().contains(word)
    };
    let knowing: Vec<_> = rust_files().into_iter().filter(knows).collect();
    assert!(knowing.is_empty(), "what is Asterisk's stays behind the seam, but is known in {knowing:#?}");
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<_> =
        rust_files().into_iter().filter(|path| !fs::read_to_string(path).unwrap().starts_with("//! ")).collect();
    assert!(silent.is_empty(), "files without a `//!` at their top: {silent:#?}");
}

#[test]
fn names_say_something() {
    let empty: Vec<_> = rust_files()
        .into_iter()
        .filter(|path| {
            let path = path.strip_prefix(root()).unwrap();
            path.iter().any(|part| EMPTY_NAMES.contains(&part.to_str().unwrap().trim_end_matches(".rs")))
        })
        .collect();
    assert!(empty.is_empty(), "{empty:#?}");
}

#[test]
fn the_core_touches_nothing() {
    let forbidden = [
        "std::fs",
        "std::net",
        "std::env",
        "std::io",
        "std::process",
        "std::thread",
        "tokio",
        "Instant::now",
        "SystemTime::now",
        "rand::random",
        "println!",
    ];
    let touching: Vec<_> = rust_files()
        .into_iter()
        .filter(|path| path.strip_prefix(root()).unwrap().starts_with("crates/calltest-core/src"))
        .flat_map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            let code = code.join("\n");
            let found = forbidden.into_iter().filter(move |word| code.contains(word));
            found.map(|word| format!("{}: {word}", path.display())).collect::<Vec<_>>()
        })
        .collect();
    assert!(touching.is_empty(), "the core is handed times and random values, and does no I/O: {touching:#?}");
}

/// The files of the runner that may look at the wall clock: when a run was asked for, what the guard counts, how old
/// recordings are.
const WALL_CLOCK: &[&str] = &["runner.rs", "guard.rs", "archive.rs"];

#[test]
fn verdicts_know_no_wall_clock() {
    let runner = root().join("crates/calltest-runner/src");
    let looking: Vec<_> = rust_files()
        .into_iter()
        .filter_map(|path| Some(path.strip_prefix(&runner).ok()?.to_owned()))
        .filter(|place| !WALL_CLOCK.iter().any(|known| place == Path::new(known)))
        .filter(|place| {
            let text = fs::read_to_string(runner.join(place)).unwrap();
            let code = sources::code(&text);
            ["SystemTime::now", "jiff::", "Zoned::now", "Timestamp::now"].iter().any(|clock| code.contains(clock))
        })
        .collect();
    assert!(looking.is_empty(), "a clock that jumps must not change a verdict: {looking:?}");
}

#[test]
fn only_the_core_judges() {
    let judges = |path: &PathBuf| {
        let place = path.strip_prefix(root()).unwrap();
        // Matching any failure is no judgement.
        let text = fs::read_to_string(path).unwrap().replace(concat!("Verdict::", "Fail(_)"), "");
        // Tests may make up a verdict, to see what becomes of it.
        let code = sources::code(&text);
        // Under a shorter name it would not be found.
        let renames = ["use calltest_core::verdict::Verdict::", "Verdict::{", "Verdict as "]
            .iter()
            .any(|use_| code.contains(use_));
        let is_test = place.iter().any(|part| part == "tests" || part == "tests.rs");
        !place.starts_with("crates/calltest-core")
            && !is_test
            && (renames || code.contains(concat!("Verdict::", "Fail(")))
    };
    let judging: Vec<_> = rust_files().into_iter().filter(judges).collect();
    assert!(judging.is_empty(), "verdicts are made in the core alone, but also in {judging:#?}");
}

#[test]
fn nothing_is_left_to_be_done_later() {
    let marks = [concat!("to", "do!("), concat!("unimple", "mented!("), concat!("FIX", "ME"), concat!("XX", "X ")];
    let left: Vec<_> = rust_files()
        .into_iter()
        .filter(|path| {
            let text = fs::read_to_string(path).unwrap();
            marks.iter().any(|mark| text.contains(mark))
        })
        .collect();
    assert!(left.is_empty(), "{left:#?}");
}
