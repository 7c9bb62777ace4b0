//! What `run` prints: for people, for programs, in a pipe, more of it and less.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::program::{Done, Program};
use crate::server::{CONFIG, nothing_is_left, run, server};

const ESCAPE: char = '\u{1b}';

/// The objects that were printed, one a line.
#[track_caller]
fn objects(done: &Done) -> Vec<Value> {
    done.stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {done}")))
        .collect()
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn json_is_one_object_a_line_with_stable_keys() {
    let lab = server();
    let done = run(&lab, ["--format", "json", "digits", "busy"]).run().exits(1).complains("");
    nothing_is_left(&lab);
    let objects = objects(&done);
    let of = |test: &str| objects.iter().find(|object| object["test"] == test).unwrap_or_else(|| panic!("{done}"));
    assert_eq!(objects.len(), 2);
    let (digits, busy) = (of("digits"), of("busy"));
    let always = [
        "version",
        "id",
        "test",
        "info",
        "mode",
        "src",
        "dst",
        "requested",
        "waited_ms",
        "duration_ms",
        "verdict",
        "notes",
        "measures",
        "timeline",
        "sight",
        "loop_delay_ms",
    ];
    assert_eq!(keys(digits), always.iter().copied().chain(["expected_digits"]).collect());
    assert_eq!(keys(busy), always.iter().copied().chain(["reason", "code"]).collect());
    assert_eq!((&digits["version"], &digits["verdict"], &digits["mode"]), (&1.into(), &"pass".into(), &"dtmf".into()));
    assert_eq!((&digits["src"], &digits["dst"], &busy["dst"]), (&"fone1".into(), &"trunk".into(), &Value::Null));
    let measures = ["post_dial_delay_ms", "ring_time_ms", "setup_time_ms", "talk_time_ms"];
    assert_eq!(keys(&digits["measures"]), measures.into());
    assert_eq!((&busy["verdict"], &busy["code"]), (&"fail".into(), &"rejected".into()));
    assert!(busy["reason"].as_str().unwrap().ends_with(" s with 17 user busy, expected ringing"), "{done}");
    let first = &digits["timeline"][0];
    assert_eq!(keys(first), ["at_ms", "dial_string", "fact", "server_time", "side", "text"].into());
    assert_eq!((&first["fact"], &first["dial_string"]), (&"dialled".into(), &"Local/trunk@direct".into()));
}

#[test]
fn json_has_every_test_even_if_no_server_can_be_had() {
    let done = Program::new()
        .config(CONFIG)
        .set("asterisk.host=127.0.0.1")
        .set("asterisk.port=1")
        .args(["run", "--format=json", "good", "busy"])
        .run()
        .exits(3);
    let sentence = done.sentence();
    let tests: BTreeSet<_> = objects(&done).iter().map(|object| object["test"].as_str().unwrap().to_owned()).collect();
    assert_eq!(tests, ["busy".to_owned(), "good".to_owned()].into());
    for object in objects(&done) {
        assert!(object["verdict"] == "error" && object["reason"] == sentence, "{done}");
    }
}

#[test]
fn people_get_as_much_as_they_ask_for() {
    let lab = server();
    let plain = run(&lab, ["good", "busy"]).run().exits(1).complains("");
    assert!(!plain.stdout.contains(ESCAPE) && plain.stdout.lines().count() == 3, "{plain}");
    assert!(plain.stdout.lines().last().is_some_and(|line| line.ends_with(": 1 passed, 1 failed")), "{plain}");

    let coloured = run(&lab, ["good"]).env("CLICOLOR_FORCE", "1").run().exits(0);
    assert!(coloured.stdout.contains("\u{1b}[32mpass\u{1b}["), "{coloured}");

    let quiet = run(&lab, ["-q", "good"]).run().exits(0).complains("");
    assert!(quiet.stdout.is_empty(), "{quiet}");
    let quiet = run(&lab, ["--quiet", "good", "busy"]).run().exits(1).complains("");
    assert!(quiet.stdout.starts_with("FAIL busy (") && quiet.stdout.lines().count() == 1, "{quiet}");

    let timeline = run(&lab, ["-v", "digits"]).run().exits(0).complains("");
    let steps = ["  src  dialled Local/trunk@direct\n", "  dst  call arrived from fone1, ", "  dst  answers\n"];
    let places: Vec<_> = steps.iter().map(|step| timeline.stdout.find(step)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?} {timeline}");
    let timeline = timeline.prints("  src  ringing\n");
    assert!(timeline.stdout.contains("\n    post-dial delay 0.0"), "{timeline}");

    let progress = run(&lab, ["-vv", "good"]).run().exits(0).prints("dialled Local/rings@far");
    assert!(progress.stderr.contains(" INFO ") && !progress.stderr.contains("DEBUG"), "{progress}");
    assert!(progress.stderr.contains("connected") && !progress.stderr.contains(ESCAPE), "{progress}");

    let debugging = run(&lab, ["good", "--log", "calltest_runner=debug"]).run().exits(0);
    assert!(debugging.stderr.contains("DEBUG") && !debugging.stderr.contains(" INFO "), "{debugging}");
    nothing_is_left(&lab);
}

#[test]
fn nothing_ever_shows_the_password() {
    let lab = server();
    let done = run(&lab, ["-vvv", "good", "--log", "debug", "--log", "calltest_ari=trace"]).run().exits(0);
    let password = &lab.server("a").ari().password;
    assert!(done.stderr.contains("DEBUG") && !done.stderr.contains(password.as_str()), "{done}");
    assert!(!done.stdout.contains(password.as_str()), "{done}");
}

#[test]
fn lists_are_for_scripts() {
    let config = "links: {a: {channel: Local/a@b}}\ncalls:\n  ':default:': {mode: ring, src: a}\n  one: {info: The first}\n  \
                  two: {test: {skip: yes}, info: \"Two lines\\nand\\ta tab\\n\"}\n  three: {}\n";
    let list =
        |args: &[&str]| Program::new().config(config).args(["run"]).args(args).run().exits(0).complains("").stdout;
    let all = "one\t-\tThe first\ntwo\tm\tTwo lines and a tab\nthree\t-\t-\n";
    assert_eq!(list(&["--list"]), all);
    assert_eq!(list(&["-l"]), all);
    assert_eq!(list(&["-l", "three", "two", "three"]), "three\t-\t-\ntwo\tm\tTwo lines and a tab\n");
}
