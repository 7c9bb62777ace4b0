//! Every mode once, in a call that goes as it should.

use std::time::Duration;

use calltest_core::evidence::Observation;
use calltest_core::plan::{CallTest, Mode};
use calltest_core::run::FinishedRun;
use fake_asterisk::{FakeAsterisk, FarEnd};

use crate::scene::{answer, at, audio, call, check, dtmf, ends, fail, passes, play, record, ring, timeout, wait};
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

/// Runs a test that waits for a call, which comes in and in which `then` happens to the channel once it is answered.
async fn run_with_call(
    fake: &FakeAsterisk,
    test: &CallTest,
    then: impl FnOnce(&FakeAsterisk, &str) + Send,
) -> FinishedRun {
    let stage = scene(fake).open(std::slice::from_ref(test)).await;
    let answered = stage.witness.when(|what| *what == Observation::Answered);
    let running = stage.start();
    stage.witness.until_waiting().await;
    let channel = fake.call_in("trunk", "trunk", CALLER);
    if !matches!(test.mode, Mode::Wait { .. }) {
        answered.await;
        tokio::time::sleep(SHORTLY).await;
        then(fake, &channel);
    }
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

fn nothing(_: &FakeAsterisk, _: &str) {}

#[tokio::test(flavor = "multi_thread")]
async fn dtmf_passes() {
    passes(&run(&fake().await, &dtmf(ends("fone1", "trunk", "trunk", "fone1"))).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn call_passes() {
    passes(&run(&fake().await, &call(ends("fone1", "trunk", "trunk", "fone1"))).await);
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
async fn ring_passes() {
    let fake = fake().await;
    fake.set_far_end("PJSIP/*@far", FarEnd::never_answers());
    passes(&run(&fake, &ring("out", None)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn play_passes_with_a_recording() {
    let fake = fake().await;
    fake.set_far_end("PJSIP/*@far", FarEnd::rings_for(SHORTLY).then_answers());
    let mut test = play("out", Some("hello"));
    let Mode::Play { record, .. } = &mut test.mode else { panic!("it is a test of play") };
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

#[tokio::test(flavor = "multi_thread")]
async fn fail_passes() {
    let fake = fake().await;
    fake.set_far_end("PJSIP/*@far", FarEnd::rejects(1, Some(404)));
    passes(&run(&fake, &fail("out", Duration::from_secs(2))).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn timeout_passes() {
    let fake = fake().await;
    fake.set_far_end("PJSIP/*@far", FarEnd::rings_for(Duration::from_millis(1200)).then_rejects(19, Some(480)));
    passes(&run(&fake, &timeout("out", Duration::from_secs(1))).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn wait_passes() {
    passes(&run_with_call(&fake().await, &wait(at("trunk", "", None)), nothing).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_free_for_the_next_test_that_waits_on_it() {
    let fake = fake().await;
    let stage = scene(&fake).open(&[wait(at("trunk", "", None))]).await;
    for runs in 1..=2 {
        let running = stage.start();
        stage.witness.until_waiting_for(runs).await;
        fake.call_in("trunk", "trunk", CALLER);
        // A run that had not left its place would fit the second call as well.
        passes(&running.await.unwrap());
    }
    nothing_is_left(&fake).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_passes_with_a_recording() {
    let test = answer(at("trunk", "", None), Some("hello"), Some("heard"));
    let run = run_with_call(&fake().await, &test, nothing).await;
    passes(&run);
    let fetched = fetched(&run);
    assert!(matches!(&fetched[..], [(name, duration)] if name == "heard" && *duration >= HELLO), "{fetched:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn record_passes_when_the_caller_presses_the_hash_key() {
    let test = record(at("trunk", "", None), None, Some("message"));
    let run = run_with_call(&fake().await, &test, |fake, channel| fake.send_digits(channel, "1#")).await;
    passes(&run);
    let fetched = fetched(&run);
    assert!(matches!(&fetched[..], [(name, duration)] if name == "message" && *duration >= SHORTLY), "{fetched:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn record_passes_when_the_caller_hangs_up() {
    let test = record(at("trunk", "", None), None, Some("message"));
    let run = run_with_call(&fake().await, &test, |fake, channel| fake.hang_up(channel, 16)).await;
    passes(&run);
    assert_eq!(fetched(&run).len(), 1);
}
