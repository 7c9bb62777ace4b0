//! A stranger's call in place of ours, and our own rejection of what comes back.

use std::time::Duration;

use calltest_core::code::Code;
use calltest_core::evidence::Observation;
use calltest_core::plan::{CallTest, Route};

use crate::intruders::Intruder;
use crate::scene::{Scene, call, ends, fail, passes, ring};
use crate::{address, links_across, nothing_is_left, one_server, two_servers};

/// Telephones that ring for long, and that nobody answers.
const TELEPHONES: &str = "[telephones]\nexten => _+49555!,1,Ringing()\n same => n,Wait(12)\n same => n,Hangup(19)\n";

async fn with_a_stranger(mut test: CallTest, from: &str) -> (Option<Code>, String) {
    let lab = one_server(TELEPHONES);
    let scene = Scene::new()
        .server("a", address(lab.server("a")))
        .link("out", "a", "Local/{number}@telephones", "+4991112345")
        .link("self", "a", "", "self");
    test.delay.pre = Duration::from_secs(1);
    let stage = scene.open(&[test]).await;
    let intruder = Intruder::enter(lab.server("a")).await;
    let rings = stage.witness.when(|what| *what == Observation::Ringing);
    let run = stage.start();
    rings.await;
    intruder.call_as("stranger", from, "Local/self@direct").await;
    let run = run.await.unwrap();
    intruder.hang_up_all().await;
    nothing_is_left(&lab);
    stage.close().await;
    (run.verdict.code(), format!("{} {:?}\n{:#?}", run.verdict.word(), run.verdict.reason(), run.evidence))
}

// field attack 6 | A stranger’s call comes in place of ours, which rings or is answered elsewhere; or our call leads to a link of ours where no test waits | `error` | caller ID unchecked, forged; ringing before and after; an answer elsewhere; a rejection of ours in `fail`, `ring`, `timeout`, by the number dialled, by the caller, by neither
#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_call_in_place_of_ours_is_no_pass() {
    let test = |caller: &str| call(ends("out", "self", "+49555", caller));
    // Its caller ID is not checked, or forged.
    for (caller, from) in [("", "+4930777"), ("+4991112345", "+4991112345")] {
        let (code, story) = with_a_stranger(test(caller), from).await;
        assert_eq!(code, Some(Code::OtherCall), "{story}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_call_passes_without_a_caller_id_too() {
    let lab = two_servers();
    let test = call(ends("berlin", "paris", "+33112345678", ""));
    let stage = links_across(&lab).open(&[test]).await;
    let run = stage.run().await;
    passes(&run);
    assert!(run.duration < Duration::from_secs(3), "{:?}", run.duration);
    nothing_is_left(&lab);
    stage.close().await;
}

/// The number leads over the trunk to a link of ours at the other server, where no test waits.
// field attack 6
#[tokio::test(flavor = "multi_thread")]
async fn our_own_rejection_is_not_the_networks() {
    let lab = two_servers();
    let mut barred = fail("berlin", Duration::from_secs(5));
    let Route::Out { to, .. } = &mut barred.route else { panic!("it only calls out") };
    to.number = Some("+33112345678".into());
    // The other server has to be one of ours for that.
    let other = call(ends("paris", "berlin", "+493012345", ""));
    let tests = [barred, ring("berlin", Some("+33112345678")), other];
    let stage = links_across(&lab).open(&tests).await;
    for nth in [0, 1] {
        let run = stage.start_nth(nth).await.unwrap();
        let story = format!("{} {:?}\n{:#?}", run.verdict.word(), run.verdict.reason(), run.evidence);
        assert_eq!(run.verdict.code(), Some(Code::RejectedHere), "{story}");
    }
    nothing_is_left(&lab);
    stage.close().await;
}
