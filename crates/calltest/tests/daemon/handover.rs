//! `calltest run` beside its daemon: the daemon runs the tests, and `run` shows them as its own.

use std::path::Path;

use serde_json::{Value, json};

use crate::server::{CONFIG, channels_up, nothing_is_left, server};
use crate::{Daemon, Program};

fn run_beside<const N: usize>(lab: &asterisk_lab::Lab, state: &Path, names: [&str; N]) -> Program {
    let program = Program::new().config(CONFIG).on(lab.server("a")).set(format!("state_dir={}", state.display()));
    program.args(["run"]).args(names)
}

#[test]
fn the_daemon_runs_what_run_is_asked_for() {
    let lab = server();
    let state = tempfile::tempdir().unwrap();
    let daemon = Daemon::start_in(state.path(), Program::new().config(CONFIG).on(lab.server("a")));
    let done = run_beside(&lab, state.path(), ["good", "digits"]).run().exits(0).complains("");
    done.prints("pass good (").prints("pass digits (").prints("2 tests in ").prints(": 2 passed\n");
    let done = run_beside(&lab, state.path(), ["busy", "nowhere", "good", "-v"]).run().exits(1);
    let done = done.prints("FAIL busy (").prints("17 user busy, expected ringing").prints("error nowhere (");
    let done = done.prints(": 1 passed, 1 failed, 1 could not be tested\n");
    assert!(done.stdout.contains("src  ringing") && done.stdout.contains("post-dial delay"), "the timeline: {done}");
    let done = run_beside(&lab, state.path(), ["nowhere"]).run().exits(3);
    done.prints("error nowhere (");

    let done = run_beside(&lab, state.path(), ["good", "--format", "json"]).run().exits(0);
    let object: Value = serde_json::from_str(&done.stdout).unwrap();
    let kept = daemon.get(&format!("/test/good/runs/{}", object["id"].as_str().unwrap()));
    assert_eq!(object, kept, "it is the run that the daemon has made");
    assert_eq!(daemon.get("/test/good")["n_run"], json!(3));
    nothing_is_left(&lab);
}

#[test]
fn a_test_that_is_under_way_is_run_again_after_that() {
    let lab = server();
    let state = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::start_in(state.path(), Program::new().config(CONFIG).on(lab.server("a")));
    assert!(daemon.put("/test/slow/start"));
    daemon.wait_for("slow", "it runs", |state| state["running"] == true);
    run_beside(&lab, state.path(), ["slow"]).run().exits(0).complains("").prints(": 1 passed\n");
    assert_eq!(daemon.get("/test/slow")["n_run"], json!(2));
}

#[test]
fn an_interruption_calls_off_what_was_handed_over() {
    let lab = server();
    let state = tempfile::tempdir().unwrap();
    let daemon = Daemon::start_in(state.path(), Program::new().config(CONFIG).on(lab.server("a")));
    let mut running = run_beside(&lab, state.path(), ["long", "good"]).start();
    running.wait_for_stdout("pass good (");
    running.wait_until("the call is up", || channels_up(lab.server("a")) == 2);
    running.signal(rustix::process::Signal::INT);
    running.finish().exits(130).prints("cancelled long (");
    nothing_is_left(&lab);
    assert_eq!(daemon.get("/test/long")["exc"], json!(["Canceled"]));
}

#[test]
fn a_daemon_that_dies_is_told_and_no_verdict_is_made_up() {
    let lab = server();
    let state = tempfile::tempdir().unwrap();
    let daemon = Daemon::start_in(state.path(), Program::new().config(CONFIG).on(lab.server("a")));
    let address = daemon.address.clone();
    let mut running = run_beside(&lab, state.path(), ["long"]).start();
    running.wait_until("the call is up", || channels_up(lab.server("a")) == 2);
    daemon.kill();
    let done = running.finish().exits(3);
    let expected = format!("the daemon at http://{address}/ does not answer any more, with tests under way");
    assert_eq!(done.sentence(), expected);
}

#[test]
fn a_daemon_of_another_configuration_is_told_apart() {
    let lab = server();
    let state = tempfile::tempdir().unwrap();
    let daemon = Daemon::start_in(state.path(), Program::new().config(CONFIG).on(lab.server("a")));
    let other = run_beside(&lab, state.path(), ["good"]).set("calls.good.timeout=20").run().exits(3);
    let sentence = other.sentence();
    let advice = format!("that is the daemon at http://{}/, which has another configuration than this", daemon.address);
    assert!(sentence.contains(&advice) && sentence.contains("--take-over"), "{other}");
    assert_eq!(daemon.get("/test/good")["n_run"], json!(0));
}
