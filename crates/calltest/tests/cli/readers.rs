//! Readers that go away, as `head` does, and files that take no more: calls are hung up all the same, without a panic.

use std::fs::File;
use std::process::Command;
use std::time::Duration;

use crate::program::Program;
use crate::server::{CONFIG, nothing_is_left, run, server};

#[test]
fn a_run_whose_reader_leaves_hangs_up() {
    let lab = server();
    // The first result is read; the second comes a second later, and finds nobody.
    let done = run(&lab, ["good", "slow", "long"]).stdout_left_after(1).run().exits(3).complains("");
    nothing_is_left(&lab);
    assert!(done.stdout.starts_with("pass good (") && done.stdout.lines().count() == 1, "{done}");
    assert!(done.took < Duration::from_secs(10), "{done}");

    // What was found out still counts.
    run(&lab, ["good", "digits"]).stdout_left_after(1).run().exits(0).complains("");
    run(&lab, ["busy"]).stdout_left_after(0).run().exits(1).complains("");
    run(&lab, ["-vv", "good"]).stdout_left_after(0).stderr_left_after(0).run().exits(0);
    run(&lab, ["good", "nowhere"]).set("asterisk.password=wrong").stderr_left_after(0).run().exits(3);
    nothing_is_left(&lab);
}

#[test]
fn a_run_whose_results_cannot_be_written_hangs_up_and_says_so() {
    let lab = server();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let done = run(&lab, ["good", "long"]).stdout_to(full).run().exits(3);
    nothing_is_left(&lab);
    assert_eq!(done.sentence(), "could not print a result: No space left on device (os error 28)");
    assert!(done.took < Duration::from_secs(10), "{done}");
}

#[test]
fn a_log_that_cannot_be_written_changes_no_verdict() {
    let lab = server();
    let full = File::options().write(true).open("/dev/full").unwrap();
    run(&lab, ["-vvv", "good"]).stderr_to(full).run().exits(0).prints("pass good (");
}

#[test]
fn commands_that_only_print_end_quietly() {
    let commands: [&[&str]; 9] = [
        &["run", "--list"],
        &["dumpcfg"],
        &["schema"],
        &["man"],
        &["completions", "bash"],
        &["completions", "zsh"],
        &["completions", "fish"],
        &["--help"],
        &["help", "run"],
    ];
    for command in commands {
        Program::new().config(CONFIG).args(command).stdout_left_after(0).run().exits(0).complains("");
    }
    let full = File::options().write(true).open("/dev/full").unwrap();
    let done = Program::new().args(["schema"]).stdout_to(full).run().exits(3);
    assert_eq!(done.sentence(), "could not write to stdout: No space left on device (os error 28)");
}

#[test]
fn complaints_that_nobody_reads_change_no_exit_code() {
    for (args, code) in [
        (["run", "nobody"], 2),
        (["run", "--jsno"], 2),
        (["dumpcfg", "-Casterisk.prt=1"], 2),
        (["demo", "--asterisk=/nonexistent/asterisk"], 3),
    ] {
        Program::new().config(CONFIG).args(args).stderr_left_after(0).run().exits(code);
    }
}

#[test]
fn head_in_a_shell_sees_its_line_and_no_noise() {
    let program = Program::new();
    let config = program.file("calls.cfg", CONFIG);
    let output = Command::new("sh")
        .args(["-c", r#""$0" -c "$1" dumpcfg | head -n 1"#, env!("CARGO_BIN_EXE_calltest")])
        .arg(&config)
        .output()
        .unwrap();
    assert_eq!((&*output.stdout, &*output.stderr), (&b"asterisk:\n"[..], &b""[..]));
}
