//! Somebody changes which events the server tells the app of. What is missing then proves nothing, and the next run sees
//! everything again.

use std::time::Duration;

use calltest_core::evidence::Observation;
use calltest_core::plan::CallTest;
use fake_asterisk::{FakeAsterisk, FarEnd};

use crate::meddler::Meddler;
use crate::scene::{check, dtmf, ends, passes, play, until};
use crate::{address, nothing_is_left, scene};

/// What ends a sentence about a change.
const UNDONE: &str = "; calltest has undone that, so what was not seen proves nothing";

fn digits() -> CallTest {
    dtmf(ends("fone1", "trunk", "trunk", "fone1"))
}

#[tokio::test(flavor = "multi_thread")]
async fn digits_that_a_foreign_filter_keeps_back_are_not_the_networks_fault() {
    let fake = FakeAsterisk::start().await;
    let stage = scene(&fake).open(&[digits()]).await;
    let arrived = stage.witness.when(|what| matches!(what, Observation::Arrived { .. }));
    let run = stage.start();
    arrived.await;
    Meddler::at(&address(&fake)).disallow("ChannelDtmfReceived").await;
    let sentence = format!(
        "server a: somebody changed the event filter of app calltest (it keeps back ChannelDtmfReceived){UNDONE}"
    );
    check(&run.await.unwrap(), "error", |said| said == sentence);
    passes(&stage.run().await);
    nothing_is_left(&fake).await;
    stage.close().await;
}

/// The server keeps the list of what it must not send over connections, and until it is given another.
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_filter_does_not_outlive_a_connection() {
    let fake = FakeAsterisk::start().await;
    let stage = scene(&fake).open(&[digits()]).await;
    Meddler::at(&address(&fake)).disallow("ChannelDtmfReceived").await;
    stage.close().await;
    let stage = scene(&fake).open(&[digits()]).await;
    passes(&stage.run().await);
    stage.close().await;
}

/// The message that we send to ourselves is kept back as well, and would never come again.
#[tokio::test(flavor = "multi_thread")]
async fn signs_that_a_foreign_filter_keeps_back_are_not_the_networks_fault() {
    for meddle in [("only", "StasisStart"), ("not", "ChannelUserevent")] {
        let fake = FakeAsterisk::start().await;
        fake.set_far_end("PJSIP/*@far", FarEnd::rings_for(Duration::from_millis(300)).then_answers());
        let mut test = play("out", None);
        test.timeout = Duration::from_secs(2);
        let stage = scene(&fake).open(&[test]).await;
        let dialled = stage.witness.when(|what| matches!(what, Observation::Dialled { .. }));
        let run = stage.start();
        dialled.await;
        let meddler = Meddler::at(&address(&fake));
        let verdict = match meddle {
            ("only", kind) => {
                meddler.allow_only(kind).await;
                "error"
            }
            (_, kind) => {
                meddler.disallow(kind).await;
                // All that was waited for has come.
                "pass"
            }
        };
        let is_told = |said: &str| said.starts_with("server a: somebody changed the event filter of app calltest (it");
        check(&run.await.unwrap(), verdict, |said| verdict == "pass" || (is_told(said) && said.ends_with(UNDONE)));
        passes(&stage.run().await);
        nothing_is_left(&fake).await;
        stage.close().await;
    }
}

/// It was under way when the filter was foreign, and asks when another run has set it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_asks_after_the_filter_is_set_again_does_not_believe_it_either() {
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("PJSIP/*@far", FarEnd::never_answers());
    let mut late = play("out", None);
    late.timeout = Duration::from_secs(3);
    let mut early = late.clone();
    early.timeout = Duration::from_secs(1);
    let scene = scene(&fake).change_link("out", |link| link.max_calls = std::num::NonZeroU32::new(2).unwrap());
    let stage = scene.open(&[late, early]).await;
    let runs = [stage.start_nth(0), stage.start_nth(1)];
    until(|| fake.open_channels().len() == 2).await;
    Meddler::at(&address(&fake)).disallow("ChannelStateChange").await;
    for run in runs {
        check(&run.await.unwrap(), "error", |said| said.contains("keeps back ChannelStateChange"));
    }
    nothing_is_left(&fake).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn digits_of_a_channel_that_somebody_unsubscribed_are_not_the_networks_fault() {
    let fake = FakeAsterisk::start().await;
    let stage = scene(&fake).open(&[digits()]).await;
    let answered = stage.witness.when(|what| *what == Observation::AnswerSent);
    let run = stage.start();
    answered.await;
    let meddler = Meddler::at(&address(&fake));
    let id = fake.open_channels().into_iter().find(|channel| channel.id.ends_with(";2")).unwrap().id;
    meddler.unsubscribe(&format!("channel:{id}")).await;
    let sentence = format!("server a: somebody ended the subscription of app calltest to channel {id}{UNDONE}");
    check(&run.await.unwrap(), "error", |said| said == sentence);
    passes(&stage.run().await);
    nothing_is_left(&fake).await;
    stage.close().await;
}

/// Without its module there is no filter that anybody could set.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_knows_no_applications_is_believed() {
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("PJSIP/*@far", FarEnd::never_answers());
    fake.faults().on("*", "/applications/*").answers(404, r#"{"message":"Resource not found"}"#);
    let mut test = play("out", None);
    test.timeout = Duration::from_millis(500);
    let stage = scene(&fake).open(&[test]).await;
    check(&stage.run().await, "fail", |said| said.starts_with("out: expected an answer, saw only ringing"));
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_say_what_it_tells_is_not_believed() {
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("PJSIP/*@far", FarEnd::never_answers());
    let mut test = play("out", None);
    test.timeout = Duration::from_millis(500);
    let stage = scene(&fake).open(&[test]).await;
    fake.faults().on("GET", "/applications/*").refuses(503);
    let sentence = "server a: it could not be asked what it tells app calltest: GET /applications/calltest: 503 ";
    check(&stage.run().await, "error", |said| said.starts_with(sentence));
    stage.close().await;
}
