//! What comes of recordings that have to prove a sound, and of those that only are to be kept.

use calltest_core::evidence::Side;
use calltest_engine::scripted::{Recorded, Sign, Story, wav};

use crate::modes::{Changed as _, answer, audio, ms, play};
use crate::stage::{check, passes, run};

fn missing() -> Recorded {
    Recorded::Missing { why: "404 Not Found".into() }
}

fn good() -> Story {
    Story::of_good_call()
}

#[tokio::test(start_paused = true)]
async fn a_recording_that_is_missing_is_a_failure_of_its_side() {
    for (side, link) in [(Side::Src, "foo"), (Side::Dst, "bar")] {
        let run = run(&audio(), good().records(side, missing())).await;
        let reason = format!("{link}: expected a recording, the server has none (404 Not Found)");
        check(&run, "fail", &reason);
    }
}

#[tokio::test(start_paused = true)]
async fn a_recording_with_nothing_in_it_is_a_failure_of_its_side() {
    for (side, link) in [(Side::Src, "foo"), (Side::Dst, "bar")] {
        let run = run(&audio(), good().records(side, Recorded::Wav(wav(ms(0))))).await;
        check(&run, "fail", &format!("{link}: expected sound, the recording is empty"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_recording_shorter_than_what_was_played_is_a_failure_of_its_side() {
    for (side, link) in [(Side::Src, "foo"), (Side::Dst, "bar")] {
        let short = run(&audio(), good().records(side, Recorded::Wav(wav(ms(290))))).await;
        check(&short, "fail", &format!("{link}: expected 0.30 s of sound, the recording has only 0.29 s"));
        passes(&run(&audio(), good().records(side, Recorded::Wav(wav(ms(300))))).await);
    }
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_played_a_short_recording_will_do() {
    let silent = || audio().sounds(|audio| audio.dst_out = None);
    passes(&run(&silent(), good().records(Side::Src, Recorded::Wav(wav(ms(1))))).await);
    check(
        &run(&silent(), good().records(Side::Src, Recorded::Wav(wav(ms(0))))).await,
        "fail",
        "foo: expected sound, the recording is empty",
    );
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_recorded_nothing_is_judged() {
    let deaf = audio().sounds(|audio| (audio.src_in, audio.dst_in) = (None, None));
    passes(&run(&deaf, good().records(Side::Src, missing()).records(Side::Dst, missing())).await);
}

#[tokio::test(start_paused = true)]
async fn a_sound_of_which_no_length_is_known_is_not_measured() {
    // Its start was not told, so nobody can say how long it was.
    let story = good().without(Side::Dst, Sign::PlaybackStarted).records(Side::Src, Recorded::Wav(wav(ms(1))));
    passes(&run(&audio(), story).await);
}

// field reading 4 | A recording that is lost in a mode that does not judge sounds | `error` | empty, failed, no WAV file
#[tokio::test(start_paused = true)]
async fn a_recording_that_fails_is_an_error() {
    for (side, name) in [(Side::Src, "at-src on foo"), (Side::Dst, "at-dst on bar")] {
        let failed = Recorded::Failed { why: "503 Service Unavailable".into() };
        let run = run(&audio(), good().records(side, failed)).await;
        check(&run, "error", &format!("the recording {name} failed: 503 Service Unavailable"));
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_no_wav_file_are_an_error() {
    let run = run(&audio(), good().records(Side::Src, Recorded::Wav(b"<html>404</html>".to_vec().into()))).await;
    assert_eq!(run.verdict.word(), "error");
    let said = run.verdict.reason().unwrap();
    assert!(said.starts_with("the recording at-src on foo failed: it is no WAV file: "), "{said}");
}

// field reading 4
#[tokio::test(start_paused = true)]
async fn a_recording_that_proves_nothing_is_missed_all_the_same() {
    let story = Story::of_call_out().answers(ms(100)).records(Side::Src, missing());
    check(&run(&play(), story).await, "error", "the recording heard on foo failed: 404 Not Found");
    let caller = Story::of_call_in(calltest_engine::scripted::Incoming::on("bar"));
    let run = run(&answer(), caller.records(Side::Dst, missing())).await;
    check(&run, "error", "the recording heard on bar failed: 404 Not Found");
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_call_comes_before_what_its_recording_says() {
    let story = good().records(Side::Src, missing()).without(Side::Src, Sign::Answered);
    check(&run(&audio(), story).await, "fail", "foo: expected an answer, saw only ringing within 10 s");
}
