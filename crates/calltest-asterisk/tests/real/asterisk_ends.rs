//! An Asterisk that ends, is killed or comes back while a call is awaited or up: never the phone network's fault.

use std::sync::Arc;
use std::time::Duration;

use asterisk_lab::{Lab, ServerOptions, Trunk};
use calltest_core::code::Code;
use calltest_core::evidence::Observation;
use calltest_core::plan::CallTest;

use crate::intruders::Intruder;
use crate::scene::{Scene, at, audio, call, check, dtmf, ends, ring, wait};
use crate::{address, example_links, links_across, one_server};

fn within(mut test: CallTest, seconds: u64) -> CallTest {
    test.timeout = Duration::from_secs(seconds);
    test
}

// field telephony 36 | `core restart now` in the midst of a call | `error` | while a sound plays; a second server
#[tokio::test(flavor = "multi_thread")]
async fn an_orderly_end_in_mid_call_is_an_error() {
    let lab = one_server("");
    let mut test = dtmf(ends("fone1", "trunk", "trunk", "fone1"));
    test.delay.answer = Duration::from_secs(5);
    let stage = example_links(&lab).open(&[test]).await;
    let answered = stage.witness.when(|what| *what == Observation::Answered);
    let run = stage.start();
    answered.await;
    lab.server("a").stop().unwrap();
    // It tells of its end, or is gone before it can.
    check(&run.await.unwrap(), "error", |said| {
        said.contains("its Asterisk server is being stopped") || said.contains("server a")
    });
    stage.close().await;
}

/// A sound takes a second to play, and the server ends in the midst of it.
// field attack 30 | The server is stopped while a sound plays | the stop is told | `core stop now` and `core restart now`; soon and late after the request
#[tokio::test(flavor = "multi_thread")]
async fn an_end_while_a_sound_plays_is_not_told_as_a_missing_sound() {
    for command in ["core stop now", "core restart now"] {
        let lab = one_server("");
        let sound = "demo-congrats";
        let stage = example_links(&lab).open(&[audio(ends("fone1", "trunk", "trunk", "fone1"), sound, sound)]).await;
        let plays = stage.witness.when(|what| matches!(what, Observation::PlaybackStarted { .. }));
        let run = stage.start();
        plays.await;
        // Its answer may be lost with the server.
        let _ = lab.server("a").cli(command);
        check(&run.await.unwrap(), "error", |said| {
            said.contains("its Asterisk server is being stopped") || said.contains("server a")
        });
        stage.close().await;
    }
}

/// A server that is to stop once its calls are over turns away ours, which its caller takes for the network's doing.
// field attack 9 | The server on which the call should arrive is about to stop (`core stop gracefully`), and turns it away | `error` | modes that answer and that reject; the same server, whose originate fails
#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_that_takes_no_calls_any_more_is_an_error() {
    let rings = ServerOptions::named("b").dialplan("[rings]\nexten => x,1,Ringing()\n same => n,Wait(60)\n");
    let builder = Lab::builder(&asterisk_lab::for_tests()).server("a").server(rings);
    let lab = Arc::new(builder.trunk(Trunk::between("a", "b").links("berlin", "paris")).start().unwrap());
    let there = || ends("berlin", "paris", "+33112345678", "");
    let stage = links_across(&lab).open(&[dtmf(there()), call(there())]).await;
    let intruder = Intruder::enter(lab.server("b")).await;
    intruder.call("held", "Local/x@rings").await;
    // It does not return before the server has stopped, or is told not to.
    let stopping = Arc::clone(&lab);
    let stopping = tokio::task::spawn_blocking(move || drop(stopping.server("b").cli("core stop gracefully")));
    let is_stopping = || lab.server("b").cli("core show uptime").is_ok_and(|said| said.contains("during shutdown"));
    let give_up = tokio::time::Instant::now() + Duration::from_secs(10);
    while !is_stopping() {
        assert!(tokio::time::Instant::now() < give_up, "it does not stop");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for nth in [0, 1] {
        let run = stage.start_nth(nth).await.unwrap();
        assert_eq!(run.verdict.code(), Some(Code::TakesNoCalls), "{:?}\n{:#?}", run.verdict, run.evidence);
    }
    lab.server("b").cli("core abort shutdown").unwrap();
    stopping.await.unwrap();
    crate::scene::passes(&stage.run().await);
    intruder.hang_up_all().await;
    crate::nothing_is_left(&lab);
    stage.close().await;
}

/// Without the module, every request about a channel is answered with 404.
// field attack 25 | A 404 of which nobody knows whether it means that the channel is gone | the channel is named, `error` | the module unloaded; recordings; two channels left
#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_cannot_be_asked_for_any_more_is_named() {
    let lab = one_server("[rings]\nexten => _[a-z]!,1,Ringing()\n same => n,Wait(60)\n");
    let scene = example_links(&lab).link("rings", "a", "Local/x@rings", "x");
    let stage = scene.open(&[ring("rings", None)]).await;
    let ringing = stage.witness.when(|what| *what == Observation::Ringing);
    let run = stage.start();
    ringing.await;
    lab.server("a").cli("module unload res_ari_channels.so").unwrap();
    check(&run.await.unwrap(), "error", |said| {
        said.starts_with("channel ct-") && said.contains("Resource not found, which does not tell whether it is gone")
    });
    assert!(lab.server("a").open_channels().unwrap() > 0);
    lab.server("a").cli("module load res_ari_channels.so").unwrap();
    // It is hung up as soon as that can be done.
    let give_up = tokio::time::Instant::now() + Duration::from_secs(15);
    while lab.server("a").open_channels().unwrap() > 0 {
        assert!(tokio::time::Instant::now() < give_up, "the call stays");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_lost_while_a_call_is_awaited_is_an_error() {
    for comes_back in [false, true] {
        let lab = one_server("");
        let scene = Scene::new().server("a", address(lab.server("a"))).link("bar", "a", "", "bar");
        let stage = scene.open(&[within(wait(at("bar", "", None)), 4)]).await;
        let run = stage.start();
        stage.until_awaited(1).await;
        lab.server("a").kill().unwrap();
        if comes_back {
            lab.server("a").restart().unwrap();
        }
        check(&run.await.unwrap(), "error", |said| said.contains("server a"));
        stage.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_the_dialplan_has_answered_already_is_taken() {
    let lab = one_server("[picks-up]\nexten => _[a-z]!,1,Answer()\n same => n,Goto(direct,${EXTEN},1)\n");
    let scene = Scene::new()
        .server("a", address(lab.server("a")))
        .link("fone1", "a", "Local/{number}@picks-up", "fone1")
        .link("trunk", "a", "Local/{number}@direct", "trunk");
    let stage = scene.open(&[dtmf(ends("fone1", "trunk", "trunk", "fone1"))]).await;
    crate::scene::passes(&stage.run().await);
    crate::nothing_is_left(&lab);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_caller_is_told_with_the_old_dialplan_too() {
    // The manual's pattern takes `h` as well.
    let old = "[old]\nexten => _.!,1,Stasis(calltest,${EXTEN},)\n same => n,Hangup()\n\
               [masked]\nexten => _[a-z]!,1,Set(CALLERID(num)=999)\n same => n,Goto(old,${EXTEN},1)\n";
    let lab = one_server(old);
    let scene = Scene::new()
        .server("a", address(lab.server("a")))
        .link("fone1", "a", "Local/{number}@masked", "fone1")
        .link("trunk", "a", "Local/{number}@old", "trunk");
    let stage = scene.open(&[dtmf(ends("fone1", "trunk", "trunk", "fone1"))]).await;
    let sentence = "trunk: expected caller ID fone1, received 999, which does not end with it";
    check(&stage.run().await, "fail", |said| said == sentence);
    crate::nothing_is_left(&lab);
    stage.close().await;
}
