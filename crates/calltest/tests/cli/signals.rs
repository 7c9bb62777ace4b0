//! Interruptions: what is up is hung up, what is not finished is cancelled, and the second one ends the program.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::program::{Program, Running};
use crate::server::{CONFIG, channels_up, nothing_is_left, run, server};

/// Starts a test that passes, and two with long calls on the same links; returns in the midst of one of these.
#[track_caller]
fn in_mid_call(lab: &asterisk_lab::Lab) -> Running {
    let mut running = run(lab, ["good", "long", "other"]).start();
    running.wait_for_stdout("pass good (");
    running.wait_until("the call is up", || channels_up(lab.server("a")) == 2);
    running
}

#[test]
fn an_interrupted_run_hangs_up() {
    let lab = server();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut running = in_mid_call(&lab);
        let sent = Instant::now();
        running.signal(signal);
        let done = running.finish().exits(130);
        let took = sent.elapsed();
        nothing_is_left(&lab);
        assert!(took < Duration::from_secs(2), "it took {took:?} to hang up: {done}");
        assert_eq!(done.sentence(), "interrupted, hanging up; interrupt once more to end at once");
        let cancelled: Vec<_> = done.stdout.lines().filter(|line| line.starts_with("cancelled ")).collect();
        assert_eq!(cancelled.len(), 2, "{done}");
        for test in ["long (", "other ("] {
            let is_told =
                |line: &&str| line[10..].starts_with(test) && line.ends_with("): cancelled before it could finish");
            assert!(cancelled.iter().any(is_told), "{test}: {done}");
        }
        assert!(done.stdout.ends_with(": 1 passed, 2 cancelled\n"), "{done}");
    }
}

#[test]
fn the_second_interruption_ends_the_program_at_once() {
    let lab = server();
    let mut running = in_mid_call(&lab);
    // Nobody answers the request to hang up.
    lab.server("a").freeze().unwrap();
    running.signal(Signal::INT);
    running.wait_for_stderr("hanging up");
    let sent = Instant::now();
    running.signal(Signal::INT);
    let done = running.finish().exits(130);
    assert!(sent.elapsed() < Duration::from_millis(500), "{:?} {done}", sent.elapsed());
    let last = "calltest: ended at once; calls may be up until Asterisk's limit on them, or the next run\n";
    assert!(done.stderr.ends_with(last) && done.stderr.lines().count() == 2, "{done}");
}

#[test]
fn an_interruption_while_it_connects_ends_the_wait() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut running = Program::new()
        .config(CONFIG)
        .set("asterisk.host=127.0.0.1")
        .set(format!("asterisk.port={}", silent.local_addr().unwrap().port()))
        .set("asterisk.init_timeout=60")
        .args(["run", "good"])
        .start();
    let (connection, _) = silent.accept().unwrap();
    let sent = Instant::now();
    running.signal(Signal::INT);
    let done = running.finish().exits(130);
    assert!(sent.elapsed() < Duration::from_secs(1) && done.stdout.is_empty(), "{done}");
    drop(connection);
}
