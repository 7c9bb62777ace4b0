//! Tests of which both ends are ours.

use std::time::Duration;

use asterisk_lab::{DialplanLanguage, Lab, ServerOptions};
use calltest_core::evidence::Observation;

use crate::scene::{call, check, dtmf, ends, passes};
use crate::{example_links, links_across, nothing_is_left, one_server, two_servers};

#[tokio::test(flavor = "multi_thread")]
async fn dtmf_and_call_pass_in_one_server() {
    let lab = one_server("");
    for test in [dtmf(ends("fone1", "trunk", "trunk", "fone1")), call(ends("trunk", "fone1", "fone1", "trunk"))] {
        let stage = example_links(&lab).open(&[test]).await;
        let run = stage.run().await;
        passes(&run);
        assert!(run.measures.post_dial_delay.is_some(), "{:?}", run.evidence);
        nothing_is_left(&lab);
        stage.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dialplan_may_be_extensions_conf() {
    let options = ServerOptions::named("a").dialplan_language(DialplanLanguage::ExtensionsConf);
    let lab = Lab::builder(&asterisk_lab::for_tests()).server(options).start().unwrap();
    let stage = example_links(&lab).open(&[dtmf(ends("fone1", "trunk", "trunk", "fone1"))]).await;
    passes(&stage.run().await);
    nothing_is_left(&lab);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dtmf_passes_across_a_trunk_both_ways() {
    let lab = two_servers();
    let scene = || links_across(&lab);
    for test in [
        dtmf(ends("berlin", "paris", "+33112345678", "+493012345")),
        dtmf(ends("paris", "berlin", "+493012345", "+33112345678")),
    ] {
        let stage = scene().open(&[test]).await;
        let run = stage.run().await;
        passes(&run);
        assert_eq!(run.evidence.sight.len(), 2, "both servers were involved");
        nothing_is_left(&lab);
        stage.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_caller_id_fails() {
    let lab = one_server(
        "[masked]\nexten => _[a-z]!,1,Set(CALLERID(num)=999)\n same => n,Goto(direct,${EXTEN},1)\nexten => h,1,NoOp()\n",
    );
    let scene = example_links(&lab).link("masked", "a", "Local/{number}@masked", "+4991112345");
    let stage = scene.open(&[dtmf(ends("masked", "trunk", "trunk", "+4991112345"))]).await;
    let run = stage.run().await;
    check(&run, "fail", |reason| {
        reason == "trunk: expected caller ID +4991112345, received 999, which reads as +49999"
    });
    assert!(run.duration < Duration::from_secs(5), "the rejection ends the run at once, not the deadline");
    nothing_is_left(&lab);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_does_not_arrive_fails() {
    // It rings somewhere else, for ever.
    let lab = one_server("[elsewhere]\nexten => _[a-z]!,1,Ringing()\n same => n,Wait(60)\n");
    let scene = example_links(&lab).link("lost", "a", "Local/{number}@elsewhere", "lost");
    let mut test = dtmf(ends("lost", "trunk", "trunk", "lost"));
    test.timeout = Duration::from_secs(2);
    let stage = scene.open(&[test]).await;
    let run = stage.run().await;
    check(&run, "fail", |reason| reason == "trunk: no call arrived within 2 s; lost saw only ringing");
    assert!(run.evidence.sight[0].round_trip.is_some(), "absence was proven");
    nothing_is_left(&lab);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_answered_by_somebody_else_never_arrives() {
    let lab = one_server("[elsewhere]\nexten => _[a-z]!,1,Answer()\n same => n,Wait(60)\n");
    let scene = example_links(&lab).link("lost", "a", "Local/{number}@elsewhere", "lost");
    let mut test = dtmf(ends("lost", "trunk", "trunk", "lost"));
    test.timeout = Duration::from_secs(6);
    let stage = scene.open(&[test]).await;
    let run = stage.run().await;
    check(&run, "fail", |reason| reason == "trunk: no call arrived within 6 s; lost saw an answer");
    nothing_is_left(&lab);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_somebody_hangs_up_at_our_own_server_is_an_error() {
    let lab = one_server("");
    let stage = example_links(&lab).open(&[dtmf(ends("fone1", "trunk", "trunk", "fone1"))]).await;
    let answered = stage.witness.when(|what| *what == Observation::Answered);
    let run = stage.start();
    answered.await;
    lab.server("a").cli("channel request hangup all").unwrap();
    let run = run.await.unwrap();
    check(&run, "error", |reason| {
        reason.contains(": somebody or something at our own server hung it up, which is not the network's doing")
    });
    nothing_is_left(&lab);
    stage.close().await;
}
