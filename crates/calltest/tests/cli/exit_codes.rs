//! Exit codes: what a script or a monitoring system goes by.

use crate::program::Program;
use crate::server::{nothing_is_left, run, server};

#[test]
fn they_tell_a_broken_line_from_an_unknown_one() {
    let lab = server();
    let wrong_caller = "s): trunk: expected caller ID +4991112345, received 999, which reads as +49999\n";
    let table: [(&[&str], i32, &[&str]); 8] = [
        (&["good", "digits"], 0, &["pass good (", "pass digits (", "2 tests in ", ": 2 passed\n"]),
        (&["busy"], 1, &["FAIL busy (", "s): busy: rejected after 0", " s with 17 user busy, expected ringing\n"]),
        (&["caller"], 1, &["FAIL caller (", wrong_caller, "1 test in ", " s: 1 failed\n"]),
        (&["number"], 1, &["FAIL number (", "fone1: Local/fone2@direct came straight back to calltest"]),
        (&["good", "busy"], 1, &["pass good (", "FAIL busy (", ": 1 passed, 1 failed\n"]),
        (&["nowhere"], 3, &["error nowhere (", "knows no endpoint PJSIP/nowhere", ": 1 could not be tested\n"]),
        (&["good", "nowhere"], 3, &["pass good (", "error nowhere (", ": 1 passed, 1 could not be tested\n"]),
        (&["good", "busy", "nowhere"], 1, &[": 1 passed, 1 failed, 1 could not be tested\n"]),
    ];
    for (tests, code, parts) in table {
        let done = run(&lab, []).args(tests).run().exits(code).complains("");
        parts.iter().fold(done, |done, part| done.prints(part));
        nothing_is_left(&lab);
    }
}

#[test]
fn wrong_usage_is_2_and_says_what_is_right() {
    let config = "links: {a: {channel: Local/a@b}}\ncalls: {direct_ring: {mode: ring, src: a, test: {skip: yes}}}\n";
    let table: [(&[&str], &str); 10] = [
        (&[], "Usage: calltest [OPTIONS] <COMMAND>"),
        (&["dumpcf"], "tip: a similar subcommand exists: 'dumpcfg'"),
        (&["run", "--jsno"], "unexpected argument '--jsno' found"),
        (&["run", "--format", "yaml"], "[possible values: text, json]"),
        (&["-q", "-v", "run"], "'--quiet' cannot be used with '--verbose...'"),
        (&["run", "direct_rign"], "calltest: there is no test direct_rign\nhint: did you mean direct_ring?\n"),
        (&["run", "something"], "calltest: there is no test something\nhint: `calltest run --list` lists them\n"),
        (&["run", "--list", "something"], "calltest: there is no test something\n"),
        (
            &["run"],
            "calltest: every test is marked `skip`\nhint: name those to run; `calltest run --list` lists them\n",
        ),
        (
            &["-l", "calltest=loud", "run", "direct_ring"],
            "calltest: -l calltest=loud: expected TARGET=LEVEL, with a level of off, error, warn, info, debug or trace\n",
        ),
    ];
    for (args, part) in table {
        let done = Program::new().config(config).args(args).run().exits(2);
        assert!(done.stderr.contains(part) && done.stdout.is_empty(), "{args:?}: {part:?} is not in {done}");
    }
}
