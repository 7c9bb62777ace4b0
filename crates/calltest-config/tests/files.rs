//! Configuration files with what comes of them beside each other.
//!
//! `bad/NAME.yaml` is rejected with exactly `bad/NAME.expected`. `good/NAME.yaml` loads with the notes in `NAME.notes` (none
//! without that file), and its dump is `NAME.dump`, which loads to the same plan. Lines at the top of a file that begin with
//! `#: ` hold the options of the command line, one each. `BLESS=1 cargo test -p calltest-config` writes what is expected
//! anew, to be read before it is committed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

use std::fs;
use std::path::{Path, PathBuf};

use calltest_config::{Input, Loaded, Palette, Secrets, Source, load};

const IS_BLESSING: bool = option_env!("BLESS").is_some();

fn files(directory: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(directory);
    let entries = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "yaml")).collect();
    assert!(!files.is_empty(), "{} has no files", directory.display());
    files.sort();
    files
}

fn input(path: &Path) -> Input {
    let text = fs::read_to_string(path).unwrap();
    let options: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("#: ")).collect();
    let overrides = options.iter().filter_map(|option| option.strip_prefix("-C ").map(String::from)).collect();
    let is_lenient = options.contains(&"--lenient");
    let name = path.file_name().unwrap().into();
    Input { source: Source::File { path: name, text }, overrides, is_lenient }
}

/// Compares a text with what is expected in a file beside, and gives the difference if there is one.
fn compare(path: &Path, extension: &str, actual: &str) -> Option<String> {
    let path = path.with_extension(extension);
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if expected == actual {
        return None;
    }
    if IS_BLESSING {
        fs::write(&path, actual).unwrap();
    }
    Some(format!("{}\n--- expected ---\n{expected}--- actual ---\n{actual}", path.display()))
}

#[test]
fn bad_files_are_rejected_with_what_is_expected() {
    let mut differences = Vec::new();
    for path in files("bad") {
        match load(&input(&path)) {
            Ok(_) => differences.push(format!("{} is accepted", path.display())),
            Err(rejected) => {
                assert!(rejected.diagnostics.has_errors());
                differences.extend(compare(&path, "expected", &rejected.diagnostics.render(Palette::Plain)));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn good_files_load_as_expected() {
    let mut differences = Vec::new();
    for path in files("good") {
        match load(&input(&path)) {
            Err(rejected) => differences.push(format!("{} is rejected\n{rejected}", path.display())),
            Ok(loaded) => {
                differences.extend(compare(&path, "notes", &loaded.notes.render(Palette::Plain)));
                differences.extend(compare(&path, "dump", &loaded.dump(Secrets::Shown)));
                assert_loads_to_the_same_plan(&loaded);
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn assert_loads_to_the_same_plan(loaded: &Loaded) {
    let text = loaded.dump(Secrets::Shown);
    let again = load_text(&text).unwrap_or_else(|rejected| panic!("the dump is rejected\n{rejected}\n{text}"));
    assert_eq!(again.dump(Secrets::Shown), text);
    assert_eq!(again.dump(Secrets::Redacted), loaded.dump(Secrets::Redacted));
    let (plan, again) = (&loaded.plan, &again.plan);
    assert_eq!(again.servers, plan.servers);
    assert_eq!(again.links, plan.links);
    assert_eq!(again.tests, plan.tests);
    assert_eq!(again.listen, plan.listen);
    assert_eq!(again.history, plan.history);
    assert_eq!(again.grace, plan.grace);
    assert_eq!(again.max_calls, plan.max_calls);
    assert_eq!(again.guard, plan.guard);
    assert_eq!(again.state_dir, plan.state_dir);
    assert_eq!(again.log_levels, plan.log_levels);
}

fn load_text(text: &str) -> Result<Loaded, calltest_config::Rejected> {
    let source = Source::File { path: "dump.yaml".into(), text: text.into() };
    load(&Input { source, overrides: Vec::new(), is_lenient: false })
}

#[test]
fn the_example_loads_without_a_word() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../example.cfg");
    let source = Source::read(&path).unwrap();
    let loaded = load(&Input { source, overrides: Vec::new(), is_lenient: false }).unwrap();
    assert!(loaded.notes.is_empty(), "{}", loaded.notes.render(Palette::Plain));
    assert_loads_to_the_same_plan(&loaded);
    let tests: Vec<_> = loaded.plan.tests.iter().map(|test| (test.name.as_str(), test.route.mode())).collect();
    let expected = [
        ("fone2line_dtmf", "dtmf"),
        ("line2fone_dtmf", "dtmf"),
        ("line2fone_call", "call"),
        ("direct_ring", "ring"),
        ("direct_answer", "play"),
        ("direct_answer_play", "play"),
    ];
    assert_eq!(tests, expected);
    let manual: Vec<_> =
        loaded.plan.tests.iter().filter(|test| test.schedule.is_manual).map(|test| test.name.as_str()).collect();
    assert_eq!(manual, ["direct_answer_play"]);
}
