//! Servers that fall silent and come back, and events that are lost on a connection that goes on: what is missing then
//! proves nothing.

use std::time::Duration;

use calltest_core::evidence::Observation;
use calltest_core::plan::CallTest;
use fake_asterisk::{FakeAsterisk, FarEnd, Faults};

use crate::scene::{audio, check, dtmf, ends, play};
use crate::{nothing_is_left, scene};

/// Runs a test, does something at an observation, and expects an error that says `reason`.
async fn is_an_error(test: CallTest, at: Observation, act: fn(&Faults), then: Option<Duration>, reason: &str) {
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("PJSIP/*@far", FarEnd::never_answers());
    let stage = scene(&fake).open(&[test]).await;
    let moment = stage.witness.when(move |what| *what == at);
    let run = stage.start();
    moment.await;
    act(&fake.faults());
    if let Some(time) = then {
        tokio::time::sleep(time).await;
        fake.faults().thaw();
    }
    check(&run.await.unwrap(), "error", |said| said.contains(reason));
    nothing_is_left(&fake).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn digits_of_a_server_that_stands_still_for_a_while_are_waited_for() {
    for (seconds, verdict, reason) in [(3, "pass", ""), (7, "error", "could not send silence")] {
        let mut test = dtmf(ends("fone1", "trunk", "trunk", "fone1"));
        test.timeout = Duration::from_secs(20);
        let fake = FakeAsterisk::start().await;
        let stage = scene(&fake).open(&[test]).await;
        let first_digit = stage.witness.when(|what| matches!(what, Observation::DigitReceived { .. }));
        let run = stage.start();
        first_digit.await;
        fake.faults().suspend();
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        fake.faults().thaw();
        check(&run.await.unwrap(), verdict, |said| said.contains(reason));
        nothing_is_left(&fake).await;
        stage.close().await;
    }
}

/// It still answers requests while it drops every new call.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_a_server_drops_while_it_is_being_stopped_is_not_one_that_leads_nowhere() {
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("*", FarEnd::no_such_extension());
    let stage = scene(&fake).open(&[dtmf(ends("fone1", "trunk", "trunk", "fone1"))]).await;
    let dialled = stage.witness.when(|what| matches!(what, Observation::Dialled { .. }));
    let run = stage.start();
    dialled.await;
    // The channel is gone by then, which is told only when it is clear that the server goes on.
    tokio::time::sleep(Duration::from_millis(300)).await;
    fake.faults().crash();
    check(&run.await.unwrap(), "error", |said| said.contains("server a"));
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_missing_after_a_long_silence_proves_nothing() {
    let mut test = play("out", None);
    test.timeout = Duration::from_secs(7);
    let (silence, reason) = (Some(Duration::from_secs(5)), "server a was silent for");
    is_an_error(test, Observation::Ringing, Faults::suspend, silence, reason).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_missing_after_the_channel_has_vanished_untold_proves_nothing() {
    let mut test = play("out", None);
    test.timeout = Duration::from_secs(2);
    is_an_error(test, Observation::Ringing, Faults::forget_channels, None, "no event had told of that").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_missing_after_an_event_that_cannot_be_read_proves_nothing() {
    let mut test = play("out", None);
    test.timeout = Duration::from_secs(2);
    is_an_error(test, Observation::Ringing, Faults::sends_truncated_event, None, "could not be read").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_the_server_does_not_say_has_ended_is_not_one_that_the_network_lost() {
    let fake = FakeAsterisk::start().await;
    let test = audio(ends("fone1", "trunk", "trunk", "fone1"), "beep", "beep");
    let stage = scene(&fake).open(&[test]).await;
    // It ends with its call at the latest, but the server says neither that nor where it is.
    fake.faults().events("RecordingFinished").drops();
    fake.faults().on("GET", "/recordings/stored/*/file").answers(404, r#"{"message":"Recording not found"}"#);
    check(&stage.run().await, "error", |said| said.contains("the recording at-src on fone1 failed"));
    nothing_is_left(&fake).await;
    stage.close().await;
}
