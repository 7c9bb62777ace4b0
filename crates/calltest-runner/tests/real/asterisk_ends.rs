//! An Asterisk that ends, is killed or comes back while a call is awaited or up: never the phone network's fault.

use std::time::Duration;

use calltest_core::evidence::Observation;
use calltest_core::plan::CallTest;

use crate::scene::{Scene, at, check, dtmf, ends, wait};
use crate::{address, example_links, one_server};

fn within(mut test: CallTest, seconds: u64) -> CallTest {
    test.timeout = Duration::from_secs(seconds);
    test
}

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

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_lost_while_a_call_is_awaited_is_an_error() {
    for comes_back in [false, true] {
        let lab = one_server("");
        let scene = Scene::new().server("a", address(lab.server("a"))).link("bar", "a", "", "bar");
        let stage = scene.open(&[within(wait(at("bar", "", None)), 4)]).await;
        let run = stage.start();
        stage.witness.until_waiting().await;
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
