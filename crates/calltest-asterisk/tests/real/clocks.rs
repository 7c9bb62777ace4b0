//! A server whose clock is stepped in mid-call: no verdict comes of it, or none at all.

use std::time::Duration;

use asterisk_lab::{Lab, ServerOptions};
use calltest_core::code::Code;
use calltest_core::evidence::{Observation, Side};
use calltest_core::plan::CallTest;
use calltest_core::run::FinishedRun;

use crate::scene::{Scene, dtmf, ends, passes, timeout};
use crate::{address, nothing_is_left};

/// Rings for three seconds, then rejects.
const RINGS: &str = "[rings]\nexten => _[a-z]!,1,Ringing()\n same => n,Wait(3)\n same => n,Hangup(19)\n";

/// Runs the test on a server whose clock is put so far ahead (or behind) as soon as that is seen.
async fn stepped(test: CallTest, moment: Observation, seconds: i64) -> FinishedRun {
    let server = ServerOptions::named("a").dialplan(RINGS).clock(&asterisk_lab::faketime_for_tests());
    let lab = Lab::builder(&asterisk_lab::for_tests()).server(server).start().unwrap();
    let scene = Scene::new()
        .server("a", address(lab.server("a")))
        .link("fone1", "a", "Local/{number}@direct", "fone1")
        .link("fone2", "a", "Local/{number}@direct", "fone2")
        .link("rings", "a", "Local/x@rings", "x");
    let stage = scene.open(&[test]).await;
    let seen = stage.witness.when(move |what| *what == moment);
    let run = stage.start();
    seen.await;
    lab.server("a").set_clock(seconds).unwrap();
    let run = run.await.unwrap();
    nothing_is_left(&lab);
    stage.close().await;
    run
}

fn rings(ringtime: u64) -> CallTest {
    let mut test = timeout("rings", Duration::from_secs(ringtime));
    test.timeout = Duration::from_secs(20);
    test
}

#[track_caller]
fn is_undecided(run: &FinishedRun) {
    assert_eq!(run.verdict.code(), Some(Code::ClockStepped), "{:?}\n{:#?}", run.verdict, run.evidence);
}

// field attack 4 | A server’s clock steps in a call | the same verdict, or `error` | an hour ahead and back, ten seconds and a minute ahead; limits of rejection, answer, sound; the server’s own limit on the call
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_steps_while_it_rings_makes_a_rejection_neither_right_nor_wrong() {
    // Right by our clock, and too late by the server's; then too soon by ours, and right by the server's.
    is_undecided(&stepped(rings(2), Observation::Ringing, 60).await);
    is_undecided(&stepped(rings(5), Observation::Ringing, 10).await);
    is_undecided(&stepped(rings(2), Observation::Ringing, -3600).await);
    // Right by either.
    passes(&stepped(rings(2), Observation::Ringing, 10).await);
}

// field attack 4
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_steps_in_a_conversation_says_nothing_of_digits() {
    let test = || dtmf(ends("fone1", "fone2", "fone2", "fone1"));
    passes(&stepped(test(), Observation::Answered, -3600).await);
    // The limit that the server itself puts on the call goes by that clock, and ends it.
    let run = stepped(test(), Observation::Answered, 3600).await;
    assert_ne!(run.verdict.word(), "fail", "{:?}\n{:#?}", run.verdict, run.evidence);
    let moved = |fact: &&calltest_core::evidence::Fact| fact.side == Some(Side::Src) && fact.stamp.is_some();
    assert!(run.evidence.facts.iter().filter(moved).count() > 2, "{:#?}", run.evidence);
}
