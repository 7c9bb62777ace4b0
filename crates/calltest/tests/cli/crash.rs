//! Crashes: a run that is killed cannot hang up, so the next one does; a server that dies is nobody's broken line.

use std::thread;
use std::time::{Duration, Instant};

use crate::server::{channels_up, nothing_is_left, run, server};

#[test]
fn what_a_killed_run_left_is_hung_up_by_the_next_and_nothing_else_is() {
    let lab = server();
    let a = lab.server("a");
    let mut running = run(&lab, ["long"]).start();
    running.wait_until("the call is up", || channels_up(a) == 2);
    running.signal(rustix::process::Signal::KILL);
    let killed = running.finish();
    assert!(killed.status.code().is_none() && killed.stdout.is_empty(), "{killed}");

    a.cli("channel originate Local/rings@far application Wait 60").unwrap();
    let foreign = |channels: &str| channels.lines().filter(|line| line.contains("rings@far")).count();
    let give_up = Instant::now() + Duration::from_secs(10);
    let before = loop {
        let channels = a.cli("core show channels concise").unwrap();
        if foreign(&channels) == 2 {
            break channels;
        }
        assert!(Instant::now() < give_up, "the foreign call does not come up:\n{channels}");
        thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(channels_up(a), 2, "nobody has hung up yet:\n{before}");

    let done = run(&lab, ["-v", "good", "digits"]).run().exits(0).prints(": 2 passed\n");
    assert!(done.stderr.contains("hung up 2 channels that an earlier run had left"), "{done}");
    let after = a.cli("core show channels concise").unwrap();
    assert_eq!((foreign(&after), after.lines().count()), (2, 2), "only the foreign call is left:\n{after}");
    a.cli("channel request hangup all").unwrap();
    nothing_is_left(&lab);
}

#[test]
fn a_server_that_dies_in_mid_call_is_an_error_and_not_a_failure() {
    let lab = server();
    let mut running = run(&lab, ["long", "other"]).start();
    running.wait_until("the call is up", || channels_up(lab.server("a")) == 2);
    lab.server("a").kill().unwrap();
    let killed = Instant::now();
    let done = running.finish().exits(3).complains("");
    assert!(killed.elapsed() < Duration::from_secs(5), "{:?} {done}", killed.elapsed());
    let done = done.prints("s): lost the connection to server asterisk during the run: ");
    done.prints("error long (").prints("error other (").prints(": 2 could not be tested\n");
}
