//! Servers that are too old, or not there: only the tests that need them suffer.

use calltest_core::cause::ExpectedCause;
use calltest_core::event::ServerProgress;
use fake_asterisk::{FakeAsterisk, FarEnd};

use crate::scene::{Address, check, dtmf, ends, passes, play, ring, until};
use crate::{nothing_is_left, scene};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_makes_only_the_tests_that_need_it_errors() {
    let fake = FakeAsterisk::start().await;
    // A port that was free a moment ago, and is so again.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nowhere = Address { host: "127.0.0.1".into(), port, username: "x".into(), password: "x".into() };
    let tests =
        [dtmf(ends("fone1", "trunk", "trunk", "fone1")), ring("far", None), dtmf(ends("fone1", "far", "far", "fone1"))];
    let stage = scene(&fake).server("b", nowhere).link("far", "b", "PJSIP/far", "far").open(&tests).await;
    let runs = [stage.start(), stage.start_nth(1)];
    let [local, far] = runs;
    passes(&local.await.unwrap());
    let is_told = |said: &str| said.starts_with("cannot reach Asterisk at 127.0.0.1:");
    check(&far.await.unwrap(), "error", is_told);
    check(&stage.start_nth(2).await.unwrap(), "error", is_told);
    nothing_is_left(&fake).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sip_code_that_the_server_cannot_tell_is_an_error_before_any_call() {
    let fake = FakeAsterisk::start().await;
    let mut test = ring("out", None);
    test.requirements.causes = vec![ExpectedCause::Sip(486)];
    let info = r#"{"system": {"version": "20.5.2", "entity_id": "00:00:00:00:00:00"}}"#;
    fake.faults().on("GET", "/asterisk/info").answers(200, info);
    let stage = scene(&fake).open(&[test]).await;
    let sentence = "server a runs Asterisk 20.5.2, which does not report SIP codes: SIP 486 needs 22.7 or newer";
    check(&stage.run().await, "error", |said| said == sentence);
    let originates = fake
        .requests()
        .iter()
        .filter(|request| request.method == "POST" && request.path.starts_with("/channels"))
        .count();
    assert_eq!(originates, 0);
    stage.close().await;
}

/// Whoever hears of a call's end may ask for what became of it before the events' own thread goes on.
#[tokio::test(flavor = "multi_thread")]
async fn no_call_of_many_that_a_full_server_drops_is_taken_for_a_broken_line() {
    const CALLS: u32 = 500;
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("*", FarEnd::no_such_extension());
    let info = r#"{"system": {"version": "22.8.0", "entity_id": "00:00:00:00:00:00"}, "config": {"max_channels": 1}}"#;
    fake.faults().on("GET", "/asterisk/info").answers(200, info);
    let scene = scene(&fake).link("full", "a", "Local/1@far", "full");
    let scene = scene.change_link("full", |link| link.max_calls = CALLS.try_into().unwrap());
    let stage = scene.open(&[play("full", None)]).await;
    let runs: Vec<_> = (0..CALLS).map(|_| stage.start()).collect();
    for run in runs {
        check(&run.await.unwrap(), "error", |said| said.ends_with("allows (maxcalls = 1)"));
    }
    nothing_is_left(&fake).await;
    stage.close().await;
}

/// What keeps us from coming back says what to do, as at the first attempt.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_does_not_come_back_says_what_to_do() {
    let fake = FakeAsterisk::start().await;
    let stage = scene(&fake).open(&[dtmf(ends("fone1", "trunk", "trunk", "fone1"))]).await;
    passes(&stage.run().await);
    fake.faults().on("GET", "/asterisk/info").answers(200, "<!DOCTYPE html><html><title>It works</title></html>");
    fake.faults().reset_connections();
    let said = || {
        let events = stage.witness.servers.lock().unwrap();
        let why = events.iter().find_map(|event| match &event.what {
            ServerProgress::Down { why } if why.contains("; fix: ") => Some(why.clone()),
            _ => None,
        });
        why.is_some_and(|why| why.starts_with("not connected to server a: "))
    };
    until(said).await;
    stage.close().await;
}
