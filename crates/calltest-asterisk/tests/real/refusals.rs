//! Calls that do not go out, or are rejected, for reasons of our own.

use std::sync::Arc;

use asterisk_lab::{Lab, Scenario, ServerOptions, Trunk, for_tests, sipp_for_tests};
use calltest_core::cause::ExpectedCause;
use calltest_core::code::Code;
use calltest_core::plan::CallTest;

use crate::intruders::Intruder;
use crate::scene::{Scene, check, fail, passes, play, ring, until};
use crate::{address, nothing_is_left, one_server};

// field telephony 16 | The trunk asks for a login (401, 407), and our server has none | `error` that names the cure | a test that expects 401; mode `fail`; 403
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_missing_is_our_own() {
    let rejecting = |status| Scenario::silent().tries().rejects(status);
    let far_ends = [("www", rejecting(401)), ("proxy", rejecting(407)), ("forbids", rejecting(403))];
    let lab = Lab::builder(&for_tests())
        .server(ServerOptions::named("a"))
        .far_ends(&sipp_for_tests(), far_ends)
        .start()
        .unwrap();
    let links = ["www", "proxy", "forbids"];
    let scene = links.iter().fold(Scene::new().server("a", address(lab.server("a"))), |scene, name| {
        scene.link(name, "a", &format!("PJSIP/4711@{name}"), "")
    });
    let within = std::time::Duration::from_secs(5);
    let expecting = |mut test: CallTest, cause: &str| {
        test.requirements.causes = vec![ExpectedCause::parse(cause).unwrap()];
        test
    };
    let tests = [
        play("www", None),
        ring("proxy", None),
        fail("www", within),
        expecting(fail("www", within), "SIP 401"),
        fail("forbids", within),
    ];
    let stage = scene.open(&tests).await;
    for nth in 0..3 {
        let run = stage.start_nth(nth).await.unwrap();
        assert_eq!(run.verdict.code(), Some(Code::LoginWanted), "{nth}: {:?}", run.verdict);
        check(&run, "error", |reason| reason.contains("`outbound_auth`"));
    }
    passes(&stage.start_nth(3).await.unwrap());
    passes(&stage.start_nth(4).await.unwrap());
    nothing_is_left(&lab);
    stage.close().await;
}

// field telephony 35 | The server is about to be restarted (`core restart gracefully`) | `error` that says so | an endpoint that it knows, and one that it does not
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_about_to_stop_says_so_in_our_words() {
    let lab = Arc::new(one_server("[hold]\nexten => 1,1,Answer()\n same => n,Wait(60)\n"));
    let server = lab.server("a");
    let scene = Scene::new().server("a", address(server)).link("typo", "a", "PJSIP/4711@nobody", "").link(
        "local",
        "a",
        "Local/1@hold",
        "",
    );
    let stage = scene.open(&[play("typo", None), play("local", None)]).await;
    let intruder = Intruder::enter(server).await;
    intruder.call("held", "Local/1@hold").await;
    // It does not return before the server has stopped, or is told not to.
    let stopping = Arc::clone(&lab);
    let stopping = tokio::task::spawn_blocking(move || drop(stopping.server("a").cli("core stop gracefully")));
    until(|| server.cli("core show uptime").is_ok_and(|said| said.contains("during shutdown"))).await;
    for nth in 0..2 {
        let run = stage.start_nth(nth).await.unwrap();
        check(&run, "error", |reason| reason.contains("it makes no channel at all: it is about to be stopped"));
    }
    server.cli("core abort shutdown").unwrap();
    stopping.await.unwrap();
    let run = stage.start_nth(0).await.unwrap();
    check(&run, "error", |reason| reason.contains("the server knows no endpoint PJSIP/nobody"));
    passes(&stage.start_nth(1).await.unwrap());
    intruder.hang_up_all().await;
    nothing_is_left(&lab);
    stage.close().await;
}

// field telephony 35
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_in_maintenance_is_named_as_that() {
    let second = std::time::Duration::from_secs(1);
    let trunk = Trunk::between("a", "b").links("berlin", "paris").qualify_every(second);
    let lab = Lab::builder(&for_tests()).server("a").server("b").trunk(trunk).start().unwrap();
    let server = lab.server("a");
    let scene =
        Scene::new().server("a", address(server)).link("berlin", "a", &server.dial_string("berlin"), "+493012345");
    let stage = scene.open(&[ring("berlin", Some("+33112345678"))]).await;
    until(|| server.cli("pjsip show contacts").unwrap().contains("Avail")).await;
    server.cli("module load res_pjsip_maintenance.so").unwrap();
    server.cli("pjsip set maintenance on berlin").unwrap();
    let run = stage.run().await;
    check(&run, "error", |reason| reason.contains("PJSIP/berlin") && reason.contains("maintenance"));
    nothing_is_left(&lab);
    stage.close().await;
}
