//! A part of the fault matrix that is small enough for every day, and has something of each kind: `cargo xtask faults`
//! makes all of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

use std::process::Command;

/// Runs the task; what it prints is shown where it fails.
#[track_caller]
fn faults(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("faults").args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    said
}

#[test]
fn no_fault_of_the_tester_is_taken_for_one_of_the_network_nor_hides_one() {
    faults(&["--on", "fake", "--quick", "--schedules", "100", "--seed", "20261125"]);
}

#[test]
fn the_same_holds_on_a_real_server() {
    let groups = ["real/killed/dtmf", "real/network-cut-1s/answer", "real/stopped-1s/play", "killed/ring"];
    let stopped = ["stopped-3.5s/record", "stopped-13s/wait"];
    for cells in groups.into_iter().chain(stopped) {
        faults(&["--on", "real", "--quick", "--seed", "20261125", "--only", cells]);
    }
}

#[test]
fn a_name_that_no_trial_has_is_said_so() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["faults", "--on", "fake", "--only", "fake/nothing-of-that-name"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("no cell has that name"));
}
