//! Calls of each kind that go as they should, with what ARI has to do for them: digits, playbacks and recordings. What modes and
//! judge make of a call is told on the scripted engine.

use std::time::Duration;

use calltest_core::evidence::Observation;
use calltest_core::plan::{CallTest, OutScript, Route};
use calltest_core::run::FinishedRun;
use fake_asterisk::{FakeAsterisk, FarEnd, View};

use crate::scene::{answer, at, audio, check, dtmf, ends, passes, play, record};
use crate::{nothing_is_left, scene};

/// How long the sound `hello` plays.
const HELLO: Duration = Duration::from_millis(300);
const SHORTLY: Duration = Duration::from_millis(200);

/// Who calls in where a test waits for a call.
const CALLER: (&str, &str) = ("Eve", "+4930555");

async fn fake() -> FakeAsterisk {
    let fake = FakeAsterisk::start().await;
    fake.add_sound("hello", HELLO);
    fake
}

/// Runs a test that makes its own call, and is through with it.
async fn run(fake: &FakeAsterisk, test: &CallTest) -> FinishedRun {
    let stage = scene(fake).open(std::slice::from_ref(test)).await;
    let run = stage.run().await;
    is_left_clean(fake).await;
    stage.close().await;
    run
}

/// Runs a test that waits for a call, which comes in.
async fn run_with_call(fake: &FakeAsterisk, test: &CallTest) -> FinishedRun {
    let stage = scene(fake).open(std::slice::from_ref(test)).await;
    let running = stage.start();
    stage.until_awaited(1).await;
    fake.call_in("trunk", "trunk", CALLER);
    let run = running.await.unwrap();
    is_left_clean(fake).await;
    stage.close().await;
    run
}

/// No channel is left, and no recording.
async fn is_left_clean(fake: &FakeAsterisk) {
    nothing_is_left(fake).await;
    let recordings = fake.look(|view| view.stored_recordings().map(str::to_owned).collect::<Vec<_>>());
    assert!(recordings.is_empty(), "{recordings:?}");
}

/// How long the recordings are that were fetched, each with its name.
fn fetched(run: &FinishedRun) -> Vec<(String, Duration)> {
    let fetched = run.evidence.facts.iter().filter_map(|fact| match &fact.what {
        Observation::RecordingFetched { name, duration, .. } => Some((name.clone(), *duration)),
        _ => None,
    });
    fetched.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn dtmf_passes() {
    passes(&run(&fake().await, &dtmf(ends("fone1", "trunk", "trunk", "fone1"))).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_passes_with_a_recording_of_each_side() {
    let run = run(&fake().await, &audio(ends("fone1", "trunk", "trunk", "fone1"), "hello", "hello")).await;
    passes(&run);
    let fetched = fetched(&run);
    let names: Vec<&str> = fetched.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["at-src", "at-dst"]);
    // Both sides' sounds were played meanwhile.
    assert!(fetched.iter().all(|(_, duration)| *duration >= 2 * HELLO), "{fetched:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn play_passes_with_a_recording() {
    let fake = fake().await;
    fake.set_far_end("PJSIP/*@far", FarEnd::rings_for(SHORTLY).then_answers());
    let mut test = play("out", Some("hello"));
    let Route::Out { script: OutScript::Play { record, .. }, .. } = &mut test.route else {
        panic!("it is a test of play")
    };
    *record = Some("echo".into());
    let run = run(&fake, &test).await;
    passes(&run);
    let fetched = fetched(&run);
    assert!(matches!(&fetched[..], [(name, duration)] if name == "echo" && *duration >= HELLO), "{fetched:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn play_of_a_sound_that_is_missing_is_an_error() {
    let fake = fake().await;
    fake.set_far_end("PJSIP/*@far", FarEnd::answers_after(SHORTLY));
    let run = run(&fake, &play("out", Some("nothing"))).await;
    check(&run, "error", |reason| reason.contains("sound:nothing"));
}

/// An Asterisk that is stopped breaks off its sounds first, and goes a moment later.
// field attack 30
#[tokio::test(flavor = "multi_thread")]
async fn a_sound_that_a_server_breaks_off_while_it_is_stopped_is_not_one_that_is_missing() {
    for moment in [200, 800] {
        let fake = fake().await;
        fake.set_far_end("PJSIP/*@far", FarEnd::answers_after(SHORTLY));
        let stage = scene(&fake).open(&[play("out", Some("nothing"))]).await;
        let running = stage.start();
        let is_playing = |view: &View<'_>| view.requests().any(|request| request.path.ends_with("/play"));
        fake.wait_until(is_playing, Duration::from_secs(10)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(moment)).await;
        fake.faults().crash();
        check(&running.await.unwrap(), "error", |reason| reason.contains("lost the connection to server a"));
        stage.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_passes_with_a_recording() {
    let test = answer(at("trunk", "", None), Some("hello"), Some("heard"));
    let run = run_with_call(&fake().await, &test).await;
    passes(&run);
    let fetched = fetched(&run);
    assert!(matches!(&fetched[..], [(name, duration)] if name == "heard" && *duration >= HELLO), "{fetched:?}");
}

/// The call ends before it is clear that the sound was not cut short by that.
#[tokio::test(flavor = "multi_thread")]
async fn a_sound_that_is_missing_is_an_error_though_the_caller_is_through_soon() {
    let fake = fake().await;
    let test = record(at("trunk", "", None), Some("nothing"), None);
    let stage = scene(&fake).open(std::slice::from_ref(&test)).await;
    let answered = stage.witness.when(|what| *what == Observation::Answered);
    let running = stage.start();
    stage.until_awaited(1).await;
    let channel = fake.call_in("trunk", "trunk", CALLER);
    answered.await;
    // By then the sound has failed.
    tokio::time::sleep(test.delay.answer + SHORTLY).await;
    fake.send_digits(&channel, "#");
    check(&running.await.unwrap(), "error", |reason| reason.contains("sound:nothing"));
    is_left_clean(&fake).await;
    stage.close().await;
}
