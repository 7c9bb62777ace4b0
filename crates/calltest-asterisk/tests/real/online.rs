//! Mode `online`: what Asterisk knows of an endpoint, and what it cannot know.

use std::time::Duration;

use asterisk_lab::{Lab, Scenario, ServerOptions, Trunk, for_tests, sipp_for_tests};
use calltest_core::code::Code;

use crate::address;
use crate::scene::{Scene, check, online, passes, ring, until};

// field telephony 43
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_asked_is_online_until_it_is_gone() {
    let lab = Lab::builder(&for_tests())
        .server(ServerOptions::named("a"))
        .server("b")
        .trunk(Trunk::between("a", "b").links("berlin", "paris").qualify_every(Duration::from_secs(1)))
        .far_ends(&sipp_for_tests(), [("unasked", Scenario::silent().answers())])
        .start()
        .unwrap();
    let scene = Scene::new()
        .server("a", address(lab.server("a")))
        .link("berlin", "a", &lab.server("a").dial_string("berlin"), "+493012345")
        .link("unasked", "a", "PJSIP/4711@unasked", "")
        .link("typo", "a", "PJSIP/4711@berln", "")
        .link("local", "a", "Local/trunk@direct", "");
    let second = Duration::from_secs(1);
    let tests = [
        online("berlin", second),
        online("unasked", second),
        online("typo", second),
        online("local", second),
        online("berlin", Duration::from_secs(8)),
        ring("berlin", Some("+33112345678")),
    ];
    let stage = scene.open(&tests).await;
    // It takes a moment until the first answer is there.
    until(|| lab.server("a").cli("pjsip show contacts").unwrap().contains("Avail")).await;
    passes(&stage.start_nth(0).await.unwrap());
    let run = stage.start_nth(1).await.unwrap();
    assert_eq!(run.verdict.code(), Some(Code::EndpointUnqualified), "{:?}", run.verdict);
    check(&run, "error", |reason| reason.contains("never asks whether PJSIP/unasked is there"));
    let run = stage.start_nth(2).await.unwrap();
    check(&run, "error", |reason| reason.contains("the server knows no endpoint PJSIP/berln"));
    let run = stage.start_nth(3).await.unwrap();
    check(&run, "error", |reason| reason.contains("`Local/trunk@direct` names no endpoint"));

    let watching = stage.start_nth(4);
    tokio::time::sleep(second).await;
    lab.server("b").kill().unwrap();
    let run = watching.await.unwrap();
    check(&run, "fail", |reason| reason == "berlin: endpoint PJSIP/berlin is offline");
    until(|| lab.server("a").open_channels().unwrap() == 0).await;
    let run = stage.start_nth(5).await.unwrap();
    assert_eq!(run.verdict.code(), Some(Code::EndpointOffline), "{:?}", run.verdict);
    stage.close().await;
}
