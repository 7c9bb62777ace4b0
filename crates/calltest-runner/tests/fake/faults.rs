//! Faults of the tester's side: whatever happens, the verdict is `error` and not `fail`, nothing is left, and the next
//! run passes.

use std::time::Duration;

use calltest_core::evidence::Observation;
use calltest_core::plan::CallTest;
use calltest_runner::Control;
use fake_asterisk::{FakeAsterisk, FarEnd, Faults};

use crate::scene::{Stage, call, check, dtmf, ends, passes, play, ring};
use crate::{nothing_is_left, scene};

fn within(mut test: CallTest, milliseconds: u64) -> CallTest {
    test.timeout = Duration::from_millis(milliseconds);
    test
}

/// A test that passes unless something breaks.
fn sound() -> CallTest {
    within(dtmf(ends("fone1", "trunk", "trunk", "fone1")), 6000)
}

/// Runs until the callee answers, breaks something there, and expects an error that says `reason`.
async fn breaks_in_mid_call(break_it: impl Fn(&Faults), reason: &str) -> (FakeAsterisk, Stage) {
    let fake = FakeAsterisk::start().await;
    let stage = scene(&fake).open(&[sound()]).await;
    let answered = stage.witness.when(|what| *what == Observation::Answered);
    let run = stage.start();
    answered.await;
    break_it(&fake.faults());
    let run = run.await.unwrap();
    check(&run, "error", |said| said.contains(reason));
    (fake, stage)
}

/// Heals the server, and lets the next run begin as soon as the connection is back.
async fn next_run_passes(fake: &FakeAsterisk, stage: Stage) {
    fake.faults().heal();
    let limit = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let run = stage.run().await;
        if run.verdict.word() == "pass" {
            break;
        }
        check(&run, "error", |said| said.contains("server a"));
        assert!(tokio::time::Instant::now() < limit, "the connection did not come back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    nothing_is_left(fake).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_that_is_cut_is_an_error() {
    for cut in [Faults::close_websockets, Faults::reset_websockets, Faults::reset_connections] {
        let (fake, stage) = breaks_in_mid_call(cut, "lost the connection to server a during the run").await;
        next_run_passes(&fake, stage).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_in_mid_call_is_an_error() {
    let (fake, stage) = breaks_in_mid_call(Faults::restart, "lost the connection to server a during the run").await;
    next_run_passes(&fake, stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_that_is_half_open_is_an_error() {
    // REST still works, but what happens is no longer told.
    let (fake, stage) = breaks_in_mid_call(Faults::freeze_websockets, "server a").await;
    next_run_passes(&fake, stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_frozen_at_the_deadline_is_an_error() {
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("PJSIP/*@far", FarEnd::never_answers());
    let stage = scene(&fake).open(&[within(play("out", None), 1500)]).await;
    let ringing = stage.witness.when(|what| *what == Observation::Ringing);
    let run = stage.start();
    ringing.await;
    fake.faults().freeze();
    let run = run.await.unwrap();
    check(&run, "error", |said| said.contains("server a"));
    assert!(run.evidence.sight.iter().all(|sight| sight.round_trip.is_none()), "{:?}", run.evidence.sight);
    fake.faults().thaw();
    nothing_is_left(&fake).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stood_still_and_answers_again_at_the_deadline_is_an_error() {
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("PJSIP/*@far", FarEnd::never_answers());
    let stage = scene(&fake).open(&[within(play("out", None), 3500)]).await;
    let ringing = stage.witness.when(|what| *what == Observation::Ringing);
    let run = stage.start();
    ringing.await;
    fake.faults().freeze();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    fake.faults().thaw();
    let run = run.await.unwrap();
    check(&run, "error", |said| said.starts_with("server a was silent for 2.") && said.ends_with("proves nothing"));
    assert!(run.evidence.sight.iter().all(|sight| sight.round_trip.is_some()), "{:?}", run.evidence.sight);
    nothing_is_left(&fake).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_without_the_freeze_is_a_failure() {
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("PJSIP/*@far", FarEnd::never_answers());
    let stage = scene(&fake).open(&[within(play("out", None), 1500)]).await;
    let run = stage.run().await;
    check(&run, "fail", |said| said == "out: expected an answer, saw only ringing within 1.50 s");
    nothing_is_left(&fake).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ringing_that_does_not_get_through_is_a_failure_while_the_server_is_in_sight() {
    let fake = FakeAsterisk::start().await;
    let stage = scene(&fake).open(&[within(call(ends("fone1", "trunk", "trunk", "fone1")), 1500)]).await;
    fake.faults().events("ChannelStateChange").drops();
    fake.faults().events("Dial").drops();
    let run = stage.run().await;
    check(&run, "fail", |said| said == "fone1: expected ringing, saw no sign of life within 1.50 s");
    nothing_is_left(&fake).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_come_too_late_to_count_are_an_error() {
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("PJSIP/*@far", FarEnd::answers_after(Duration::from_millis(200)));
    let stage = scene(&fake).open(&[within(play("out", None), 1000)]).await;
    fake.faults().events("*").delays(Duration::from_millis(2000));
    let run = stage.run().await;
    check(&run, "error", |said| said.contains("only after the time was up"));
    fake.faults().heal();
    nothing_is_left(&fake).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_make_no_sense_change_nothing() {
    let fake = FakeAsterisk::start().await;
    let stage = scene(&fake).open(&[sound()]).await;
    let answered = stage.witness.when(|what| *what == Observation::AnswerSent);
    let run = stage.start();
    answered.await;
    fake.faults().sends_text("{not json");
    fake.faults().sends_truncated_event();
    fake.faults().sends_unknown_event();
    passes(&run.await.unwrap());
    nothing_is_left(&fake).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_are_told_twice_change_nothing_but_digits() {
    let fake = FakeAsterisk::start().await;
    let stage = scene(&fake).open(&[sound()]).await;
    for kind in ["StasisStart", "ChannelStateChange", "Dial", "ChannelHangupRequest", "StasisEnd"] {
        fake.faults().events(kind).duplicates();
    }
    passes(&stage.run().await);
    nothing_is_left(&fake).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_channel_that_no_event_tells_is_asked_for() {
    let fake = FakeAsterisk::start().await;
    let stage = scene(&fake).open(&[sound()]).await;
    fake.faults().events("ChannelDestroyed").drops();
    fake.faults().events("StasisEnd").drops();
    passes(&stage.run().await);
    nothing_is_left(&fake).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_originate_whose_answer_is_lost_leaves_no_channel() {
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("PJSIP/*@far", FarEnd::never_answers());
    let stage = scene(&fake).open(&[ring("out", None)]).await;
    fake.faults().on("POST", "/channels/*").times(1).loses();
    let run = stage.run().await;
    check(&run, "error", |said| said.contains("Asterisk refused to dial PJSIP/1@far") || said.contains("dial"));
    nothing_is_left(&fake).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_the_server_refuses_is_an_error_with_its_own_words() {
    for command in ["ring", "answer", "dtmf"] {
        let fake = FakeAsterisk::start().await;
        let stage = scene(&fake).open(&[sound()]).await;
        fake.faults().on("POST", &format!("/channels/*/{command}")).answers(500, r#"{"message":"out of order today"}"#);
        let run = stage.run().await;
        check(&run, "error", |said| said.contains("could not") && said.contains("out of order today"));
        nothing_is_left(&fake).await;
        stage.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_its_turn_to_dial_can_be_called_off_and_loses_no_time() {
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("PJSIP/*@far", FarEnd::answers_after(Duration::from_millis(300)));
    let mut test = play("out", None);
    test.demands.answer_within = Some(Duration::from_secs(1));
    test.timeout = Duration::from_secs(20);
    let tests: Vec<CallTest> = (0..12).map(|_| test.clone()).collect();
    let stage = scene(&fake).change_link("out", |link| link.max_calls = std::num::NonZeroU32::new(20).unwrap());
    let stage = stage.open(&tests).await;
    // Four at a time: the last of twelve waits for two seconds before it goes out.
    fake.faults().on("POST", "/channels/*").delays(Duration::from_secs(1));
    let control = Control::default();
    let runs: Vec<_> = (0..12).map(|index| stage.start_under(index, &control)).collect();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    control.stop();
    let mut cancelled = 0;
    for run in runs {
        match run.await.unwrap() {
            run if run.verdict.word() == "cancelled" => cancelled += 1,
            run => passes(&run),
        }
    }
    assert!(cancelled >= 4, "{cancelled}");
    let originates = fake.requests().iter().filter(|request| request.method == "POST").count();
    assert!(originates < 12 + 8, "calls went out after they were called off: {originates}");
    nothing_is_left(&fake).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_that_is_cut_leaves_no_channel_though_nothing_runs_afterwards() {
    let (fake, stage) = breaks_in_mid_call(Faults::reset_websockets, "server a").await;
    nothing_is_left(&fake).await;
    stage.close().await;
}
