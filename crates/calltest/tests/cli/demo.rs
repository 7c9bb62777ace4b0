//! `demo`: the whole of it with nothing set up, and nothing left of it.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::program::{LOOK_EVERY, Program};

/// The demo with the tests' Asterisk, and a directory of its own for temporary files.
fn demo() -> Program {
    // Fetches it if no other test has.
    drop(asterisk_lab::for_tests());
    let cache = asterisk_lab::target_directory().join("asterisk");
    let program = Program::new().within(Duration::from_secs(60));
    let temporary = program.home().join("tmp");
    fs::create_dir(&temporary).unwrap();
    program.env("TMPDIR", temporary).args(["demo", "--cache"]).args([cache])
}

/// The processes that have this path on their command line.
fn processes_with(path: &Path) -> Vec<String> {
    let path = path.to_str().unwrap();
    let command_lines = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).replace('\0', " "))
    });
    command_lines.filter(|line| line.contains(path)).collect()
}

#[track_caller]
fn nothing_is_left_of(home: &Path) {
    let give_up = Instant::now() + Duration::from_secs(2);
    loop {
        let left = processes_with(home);
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < give_up, "{left:#?}");
        thread::sleep(LOOK_EVERY);
    }
}

#[test]
fn it_runs_the_example_and_calls_across_a_trunk() {
    let program = demo();
    let home = program.home().to_owned();
    let done = program.run().exits(0);
    nothing_is_left_of(&home);
    let tests = ["direct_answer", "line2fone_dtmf", "berlin_paris_dtmf", "paris_berlin_dtmf", "berlin_paris_call"];
    let done = tests.iter().fold(done, |done, test| done.prints(&format!("pass {test} (")));
    assert!(done.stdout.lines().last().is_some_and(|line| line.ends_with(": 8 passed")), "{done}");
    let sentences: Vec<_> = done.stderr.lines().collect();
    let version = sentences[0].strip_prefix("starting two private servers with Asterisk ");
    let version = version.and_then(|rest| rest.strip_suffix(", joined by a SIP trunk"));
    assert!(version.is_some_and(|version| version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')), "{done}");
    assert!(sentences.len() == 3 && sentences[1].starts_with("server a: http://127."), "{done}");
}

#[test]
fn an_interrupted_demo_leaves_nothing() {
    let program = demo();
    let home = program.home().to_owned();
    let mut running = program.args(["-C", "calls.:default:.delay.answer=20"]).start();
    // Mid-call: the first tests are done, others are not.
    running.wait_for_stdout("pass ");
    assert!(
        processes_with(&home).len() >= 3,
        "two servers and their watcher have the lab's directory on their command line"
    );
    running.signal(Signal::INT);
    let done = running.finish().exits(130).prints("cancelled fone2line_dtmf (").prints(" passed, ");
    nothing_is_left_of(&home);
    assert!(
        done.stderr.ends_with("\ncalltest: interrupted, hanging up; interrupt once more to end at once\n"),
        "{done}"
    );
}

#[test]
fn an_asterisk_that_is_none_is_told_in_one_sentence() {
    let done = Program::new().args(["demo", "--asterisk", "/nonexistent/asterisk"]).run().exits(3);
    let sentence =
        "no Asterisk for the demo: could not run /nonexistent/asterisk: No such file or directory (os error 2)";
    assert_eq!(done.sentence(), sentence);
    let done = Program::new().args(["demo", "--asterisk", "/bin/true"]).run().exits(3);
    let sentence = "no Asterisk for the demo: `/bin/true -V` does not name a version of Asterisk: \"\"";
    assert_eq!(done.sentence(), sentence);
    // An ordinary search path, but without the directories where programs for administrators are.
    let done = Program::new().args(["demo"]).env("HOME", "").run().exits(3);
    assert_eq!(done.sentence(), "no Asterisk for the demo: there is no cache directory; name one with --cache");
}
