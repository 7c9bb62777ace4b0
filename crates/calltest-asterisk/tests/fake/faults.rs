//! Faults of the tester's side: whatever happens, the verdict is `error` and not `fail`, nothing is left, and the next
//! run passes.

use std::time::Duration;

use calltest_core::evidence::Observation;
use calltest_core::plan::CallTest;
use calltest_runner::Control;
use fake_asterisk::{FakeAsterisk, FarEnd, Faults};

use crate::scene::{Stage, check, dtmf, ends, passes, play, ring};
use crate::{nothing_is_left, scene};

/// How an error begins for which the connection is gone.
const LOST: &str = "lost the connection to server a during the run: ";

fn within(mut test: CallTest, milliseconds: u64) -> CallTest {
    test.timeout = Duration::from_millis(milliseconds);
    test
}

/// A test that passes unless something breaks.
fn sound() -> CallTest {
    within(dtmf(ends("fone1", "trunk", "trunk", "fone1")), 6000)
}

/// Runs until the callee answers, breaks something there, and expects an error that begins with one of `reasons`.
async fn breaks_in_mid_call(break_it: impl Fn(&Faults), reasons: &[&str]) -> (FakeAsterisk, Stage) {
    let fake = FakeAsterisk::start().await;
    let stage = scene(&fake).open(&[sound()]).await;
    let answered = stage.witness.when(|what| *what == Observation::Answered);
    let run = stage.start();
    answered.await;
    break_it(&fake.faults());
    let run = run.await.unwrap();
    check(&run, "error", |said| reasons.iter().any(|reason| said.starts_with(reason)));
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
        let (fake, stage) = breaks_in_mid_call(cut, &[LOST]).await;
        next_run_passes(&fake, stage).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_in_mid_call_is_an_error() {
    let (fake, stage) = breaks_in_mid_call(Faults::restart, &[LOST]).await;
    next_run_passes(&fake, stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_that_is_half_open_is_an_error() {
    // REST still works, but what happens is no longer told.
    // Which of the two comes first, the deadline or the limit of silence, is a matter of a second.
    let unseen = "server a did not answer when the time was up (nothing heard for ";
    let (fake, stage) = breaks_in_mid_call(Faults::freeze_websockets, &[unseen, LOST]).await;
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
    check(&run, "error", |said| said.contains("on server a is still up although we hung it up: "));
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
    fake.faults().events("ChannelDtmfReceived").times(1).duplicates();
    let run = stage.run().await;
    check(&run, "fail", |said| said.contains(": expected digits "));
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
    check(&run, "error", |said| {
        said.starts_with("cannot tell whether PJSIP/1@far was dialled: POST /channels/") && said.contains(": no answer")
    });
    nothing_is_left(&fake).await;
    stage.close().await;
}

/// How often the server was asked to dial.
fn originates(fake: &FakeAsterisk) -> usize {
    let is_originate = |request: &&fake_asterisk::Request| {
        request.method == "POST" && request.path.strip_prefix("/channels/").is_some_and(|id| !id.contains('/'))
    };
    fake.requests().iter().filter(is_originate).count()
}

/// Its events tell of a call that was rejected before the answer to its originate was lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_originate_is_not_answered_goes_out_once_and_is_judged_by_its_events() {
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("PJSIP/*@far", FarEnd::is_busy());
    let stage = scene(&fake).open(&[ring("out", None)]).await;
    fake.faults().on("POST", "/channels/*").times(1).resets();
    check(&stage.run().await, "fail", |said| said.contains("17 user busy"));
    assert_eq!(originates(&fake), 1);
    nothing_is_left(&fake).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_which_neither_an_answer_nor_an_event_tells_is_unclear_and_goes_out_once() {
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("PJSIP/*@far", FarEnd::is_busy());
    let stage = scene(&fake).open(&[ring("out", None)]).await;
    fake.faults().on("POST", "/channels/*").times(1).resets();
    fake.faults().events("*").of_channel("ct-*").drops();
    check(&stage.run().await, "error", |said| said.starts_with("cannot tell whether PJSIP/1@far was dialled: "));
    assert_eq!(originates(&fake), 1);
    nothing_is_left(&fake).await;
    stage.close().await;
}

/// A proxy answers so that has lost patience with Asterisk.
// field reading 1
#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_which_a_proxy_knows_nothing_is_hung_up_all_the_same() {
    for status in [408, 502, 504] {
        let fake = FakeAsterisk::start().await;
        fake.set_far_end("PJSIP/*@far", FarEnd::never_answers());
        let stage = scene(&fake).open(&[ring("out", None)]).await;
        fake.faults().on("POST", "/channels/*").times(1).acts_but_refuses(status);
        check(&stage.run().await, "error", |said| said.starts_with("cannot tell whether PJSIP/1@far was dialled: "));
        nothing_is_left(&fake).await;
        stage.close().await;
    }
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
    test.requirements.answer_within = Some(Duration::from_secs(1));
    test.timeout = Duration::from_secs(20);
    let tests: Vec<CallTest> = (0..12).map(|_| test.clone()).collect();
    let stage = scene(&fake).change_link("out", |link| link.max_calls = std::num::NonZeroU32::new(20).unwrap());
    let stage = stage.open(&tests).await;
    // Four at a time: the last of twelve waits for two seconds before it goes out.
    fake.faults().on("POST", "/channels/*").delays(Duration::from_secs(1));
    let control = Control::default();
    let runs: Vec<_> = (0..12).map(|index| stage.start_under(index, &control)).collect();
    let is_originate =
        |request: &&fake_asterisk::Request| request.method == "POST" && request.path.starts_with("/channels/");
    let originates = || fake.requests().iter().filter(is_originate).count();
    // Four at once and four a second later.
    tokio::time::timeout(Duration::from_secs(10), async {
        while originates() < 8 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("eight calls go out");
    control.stop();
    let mut called_off = 0;
    for run in runs {
        let run = run.await.unwrap();
        let is_dialled = run.evidence.facts.iter().any(|fact| matches!(fact.what, Observation::Dialled { .. }));
        match run.verdict.word() {
            "cancelled" => called_off += usize::from(!is_dialled),
            _ => passes(&run),
        }
    }
    assert_eq!(called_off, 4, "the last four were called off before their turn");
    assert_eq!(originates(), 8, "calls went out after they were called off");
    nothing_is_left(&fake).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_that_is_cut_leaves_no_channel_though_nothing_runs_afterwards() {
    let (fake, stage) = breaks_in_mid_call(Faults::reset_websockets, &[LOST]).await;
    nothing_is_left(&fake).await;
    stage.close().await;
}
