//! Calls that a run could not hang up, or never knew of: they are hung up later, on the same connection.

use std::time::Duration;

use calltest_ari::requests::channels::OriginateWithId;
use calltest_ari::{Settings, connect};
use calltest_core::evidence::Observation;
use calltest_runner::Control;
use fake_asterisk::{FakeAsterisk, FarEnd};

use crate::scene;
use crate::scene::{at, audio, check, dtmf, ends, passes, play, ring, wait};

/// How long it may take until a leftover channel is gone: two looks, and the pause after a look that failed.
const GONE_WITHIN: Duration = Duration::from_secs(12);

async fn nothing_stays(fake: &FakeAsterisk) {
    fake.wait_until(|view| view.channel_count() == 0, GONE_WITHIN).await.expect("leftovers are hung up");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_refuses_to_hang_up_is_hung_up_once_it_obeys() {
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("PJSIP/*@far", FarEnd::answers_after(Duration::from_millis(100)));
    let stage = scene(&fake).open(&[play("out", None)]).await;
    fake.faults().on("*", "/channels/*").after(1).refuses(503);
    check(&stage.run().await, "error", |said| said.contains("503"));
    assert_eq!(fake.open_channels().len(), 1);
    fake.faults().heal();
    nothing_stays(&fake).await;
    passes(&stage.run().await);
    stage.close().await;
    assert!(fake.open_channels().is_empty());
}

/// Only `Channel not found` says that there is no such channel: a module that is not loaded and a proxy say 404 as well.
// field attack 25
#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_not_taken_for_gone_since_its_path_is_unknown() {
    for body in [r#"{"message":"Resource not found"}"#, "404 page not found"] {
        let fake = FakeAsterisk::start().await;
        fake.set_far_end("PJSIP/*@far", FarEnd::never_answers());
        let stage = scene(&fake).open(&[ring("out", None)]).await;
        fake.faults().on("*", "/channels/*").after(1).answers(404, body);
        let run = stage.run().await;
        check(&run, "error", |said| {
            said.starts_with("channel ct-") && said.contains(" on server a is still up although we hung it up: ")
        });
        assert_eq!(fake.open_channels().len(), 1);
        fake.faults().heal();
        nothing_stays(&fake).await;
        stage.close().await;
    }
}

// field attack 25
#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_not_taken_for_lost_since_its_path_is_unknown() {
    let fake = FakeAsterisk::start().await;
    let stage = scene(&fake).open(&[audio(ends("fone1", "trunk", "trunk", "fone1"), "beep", "beep")]).await;
    fake.faults().on("GET", "/recordings/*").answers(404, r#"{"message":"Resource not found"}"#);
    check(&stage.run().await, "error", |said| said.contains("Resource not found"));
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_arrives_unreadably_does_not_stay() {
    let fake = FakeAsterisk::start().await;
    let mut test = wait(at("trunk", "", None));
    test.timeout = Duration::from_secs(1);
    let stage = scene(&fake).open(&[test]).await;
    fake.faults().events("StasisStart").times(1).truncates();
    let run = stage.start();
    stage.until_awaited(1).await;
    fake.call_in("trunk", "trunk", ("Eve", "+4930555"));
    check(&run.await.unwrap(), "error", |said| said.contains("could not be read"));
    nothing_stays(&fake).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_under_way_are_not_taken_for_leftovers() {
    let fake = FakeAsterisk::start().await;
    let mut long = dtmf(ends("fone1", "trunk", "trunk", "fone1"));
    long.delay.answer = Duration::from_secs(5);
    long.timeout = Duration::from_secs(20);
    let stage = scene(&fake).open(&[long]).await;
    let answered = stage.witness.when(|what| *what == Observation::Answered);
    let run = stage.start();
    answered.await;
    // A reason to look for leftovers, while the call is up for several looks.
    fake.faults().sends_truncated_event();
    passes(&run.await.unwrap());
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_closed_leaves_nothing_behind_that_was_suspected() {
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("PJSIP/*@far", FarEnd::answers_after(Duration::from_millis(100)));
    let stage = scene(&fake).open(&[play("out", None)]).await;
    fake.faults().on("*", "/channels/*").after(1).refuses(503);
    check(&stage.run().await, "error", |said| said.contains("503"));
    fake.faults().heal();
    stage.close().await;
    assert!(fake.open_channels().is_empty(), "{:?}", fake.open_channels());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calls_of_others_are_not_cleaned_up() {
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("PJSIP/*@far", FarEnd::never_answers());
    let settings = Settings::new("127.0.0.1", fake.port(), fake.user(), fake.password(), "others");
    let (others, _incoming) = connect(settings).await.unwrap();
    let call = OriginateWithId {
        channel_id: "1795341348.7".into(),
        endpoint: "PJSIP/1@far".into(),
        app: Some("others".into()),
        ..Default::default()
    };
    others.request(call).await.unwrap();
    let stage = scene(&fake).open(&[play("out", None)]).await;
    assert_eq!(fake.open_channels().len(), 1, "what is cleaned up at the beginning");
    stage.close().await;
    assert_eq!(fake.open_channels().len(), 1, "and at the end");
    others.close().await;
}

// field attack 1
#[tokio::test(flavor = "multi_thread")]
async fn the_late_call_of_a_run_that_has_ended_is_not_that_of_the_next() {
    let fake = FakeAsterisk::start().await;
    let stage = scene(&fake).open(&[dtmf(ends("fone1", "trunk", "trunk", "fone1"))]).await;
    fake.faults().events("StasisStart").times(1).delays(Duration::from_millis(1500));
    let control = Control::default();
    let dialled = stage.witness.when(|what| matches!(what, Observation::Dialled { .. }));
    let first = stage.start_under(0, &control);
    dialled.await;
    control.stop();
    check(&first.await.unwrap(), "cancelled", |_| true);
    passes(&stage.run().await);
    nothing_stays(&fake).await;
    stage.close().await;
}
