//! Servers that are too old, or not there: only the tests that need them suffer.

use calltest_core::cause::ExpectedCause;
use fake_asterisk::FakeAsterisk;

use crate::scene::{Address, check, dtmf, ends, passes, ring};
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
    test.demands.causes = vec![ExpectedCause::Sip(486)];
    let stage = scene(&fake).open(&[test]).await;
    let info = r#"{"system": {"version": "20.5.2", "entity_id": "00:00:00:00:00:00"}}"#;
    fake.faults().on("GET", "/asterisk/info").answers(200, info);
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
