//! Every mode on a good call: it passes, and its legs are told just what the mode is for, in this order.

use std::time::Duration;

use calltest_core::evidence::{Observation, Side};
use calltest_core::plan::{CallTest, Presence, Rejection};
use calltest_core::run::FinishedRun;
use calltest_core::verdict::Note;
use calltest_engine::scripted::{Incoming, Story};
use calltest_engine::{Command, Pace, Scrutiny, Sound};

use crate::modes::{answer, audio, call, dtmf, fail, ms, play, record, ring, timeout, wait};
use crate::stage::{Scene, passes};

const PACE: Pace = Pace { tone: Duration::from_millis(100), gap: Duration::from_millis(100) };

/// Runs a test that has to pass, and returns what its legs were told: those of the source, then those of the destination.
async fn told(test: CallTest, story: Story) -> (FinishedRun, Vec<Command>, Vec<Command>) {
    let stage = Scene::of(story).open(&[test]).await;
    let run = stage.run().await;
    passes(&run);
    assert_eq!(stage.world.looks("a").len(), 1, "how often the server was asked for a sign of life");
    let (src, dst) = (stage.world.commands(Side::Src), stage.world.commands(Side::Dst));
    stage.close().await;
    (run, src, dst)
}

/// How long a run may last at most, as its legs know it.
fn limits(commands: &[Command]) -> usize {
    let is_limit = |command: &&Command| matches!(command, Command::Limit(limit) if *limit > Duration::from_secs(10));
    commands.iter().filter(is_limit).count()
}

fn hello() -> Command {
    Command::Say(Sound::Stored("hello".into()))
}

fn hear(name: &str) -> Command {
    Command::Hear { name: name.into() }
}

fn caller() -> Story {
    Story::of_call_in(Incoming::on("bar").from("+4930555"))
}

/// The sounds that were fetched, each with its name and length. A recording goes on while the server is asked for a sign of
/// life, which takes it 2 ms.
fn fetched(run: &FinishedRun) -> Vec<(&str, Duration)> {
    let fetched = run.evidence.facts.iter().filter_map(|fact| match &fact.what {
        Observation::RecordingFetched { name, duration, .. } => Some((name.as_str(), *duration)),
        _ => None,
    });
    fetched.collect()
}

/// Nobody has to be asked whether something was missed where nothing could have been.
#[tokio::test(start_paused = true)]
async fn only_what_was_not_seen_is_looked_for_closely() {
    let quiet = || {
        let mut test = play();
        test.requirements.ringing.presence = Presence::Forbidden;
        test
    };
    let answers = || Story::of_call_out().answers(ms(200));
    for (test, story, scrutiny) in [
        (dtmf(), Story::of_good_call(), Scrutiny::SignOfLife),
        (call(), Story::of_good_call(), Scrutiny::SignOfLife),
        (wait(), caller(), Scrutiny::SignOfLife),
        (fail(), Story::of_call_out().rejects(ms(500), 1, Some(404)), Scrutiny::SignOfLife),
        (quiet(), answers(), Scrutiny::Whole),
        // The recording is fetched after the look.
        (audio(), Story::of_good_call(), Scrutiny::Whole),
    ] {
        let stage = Scene::of(story).open(std::slice::from_ref(&test)).await;
        passes(&stage.run().await);
        assert_eq!(stage.world.looks("a"), [scrutiny], "{test:?}");
        stage.close().await;
    }
    let stage = Scene::of(Story::of_good_call().loses_digit(Side::Src, 2)).open(&[dtmf()]).await;
    stage.run().await;
    assert_eq!(stage.world.looks("a"), [Scrutiny::Whole]);
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn dtmf_passes() {
    let (run, src, dst) = told(dtmf(), Story::of_good_call()).await;
    let digits = |to| run.expectation.digits_to(to).unwrap().digits.clone();
    assert_eq!(limits(&dst[..1]), 1);
    let from_dst = Command::SendDigits { digits: digits(Side::Src), pace: PACE };
    assert_eq!(dst[1..], [Command::Ring, Command::Answer, from_dst]);
    assert_eq!(src, [Command::SendDigits { digits: digits(Side::Dst), pace: PACE }]);
    assert_eq!((digits(Side::Src).len(), digits(Side::Dst).len()), (5, 5));
}

#[tokio::test(start_paused = true)]
async fn call_passes() {
    let (_, src, dst) = told(call(), Story::of_good_call()).await;
    assert_eq!(limits(&dst[..1]), 1);
    assert_eq!(dst[1..], [Command::Ring, Command::Reject(Rejection::Busy)]);
    assert_eq!(src, []);
}

#[tokio::test(start_paused = true)]
async fn audio_passes_with_a_recording_of_each_side() {
    let (run, src, dst) = told(audio(), Story::of_good_call()).await;
    assert_eq!(dst[1..], [Command::Ring, Command::Answer, hear("at-dst"), hello()]);
    assert_eq!(src, [hear("at-src"), hello()]);
    // Both sounds of 0.3 s, the pause before and the one after, the sign of life of the server, and the time that a leg takes to
    // go: 5 ms, and for the other one to hear of it first, 15 ms.
    assert_eq!(fetched(&run), [("at-src", ms(1307)), ("at-dst", ms(1322))]);
}

#[tokio::test(start_paused = true)]
async fn ring_passes() {
    let (run, src, dst) = told(ring(), Story::of_call_out().rings(ms(200))).await;
    assert_eq!((src, dst), (vec![], vec![]));
    assert_eq!(run.notes, []);
}

#[tokio::test(start_paused = true)]
async fn ring_passes_with_a_remark_where_it_is_answered_at_once() {
    let (run, ..) = told(ring(), Story::of_call_out().answers(ms(200))).await;
    assert_eq!(run.notes, [Note::AnsweredWithoutRinging]);
    let (run, ..) = told(ring(), Story::of_call_out().rings(ms(100)).answers(ms(200))).await;
    assert_eq!(run.notes, []);
    // Whoever wants an answer is not surprised by it.
    let (run, ..) = told(play(), Story::of_call_out().answers(ms(200))).await;
    assert_eq!(run.notes, []);
}

#[tokio::test(start_paused = true)]
async fn play_passes_with_a_recording() {
    let (run, src, _) = told(play(), Story::of_call_out().rings(ms(200)).answers(ms(500))).await;
    assert_eq!(src, [hear("heard"), hello()]);
    assert_eq!(fetched(&run), [("heard", ms(507))]);
}

#[tokio::test(start_paused = true)]
async fn fail_passes() {
    let (_, src, _) = told(fail(), Story::of_call_out().rejects(ms(500), 1, Some(404))).await;
    assert_eq!(src, []);
}

#[tokio::test(start_paused = true)]
async fn timeout_passes() {
    let story = Story::of_call_out().rings(ms(200)).rejects(ms(1500), 19, Some(480));
    let (_, src, _) = told(timeout(), story).await;
    assert_eq!(src, []);
}

#[tokio::test(start_paused = true)]
async fn wait_passes() {
    let (_, _, dst) = told(wait(), caller()).await;
    assert_eq!(limits(&dst[..1]), 1);
    assert_eq!(dst[1..], [Command::Ring, Command::Reject(Rejection::Busy)]);
}

#[tokio::test(start_paused = true)]
async fn answer_passes_with_a_recording() {
    let (run, _, dst) = told(answer(), caller()).await;
    assert_eq!(dst[1..], [Command::Ring, Command::Answer, hear("heard"), hello()]);
    assert_eq!(fetched(&run), [("heard", ms(507))]);
}

#[tokio::test(start_paused = true)]
async fn record_passes_however_the_caller_ends_it() {
    let stories = [caller().caller_presses(ms(2000), '#'), caller().caller_hangs_up(ms(2000))];
    for story in stories {
        let (run, _, dst) = told(record(), story).await;
        assert_eq!(dst[1..], [Command::Ring, Command::Answer, hear("heard"), hello()]);
        assert!(matches!(fetched(&run)[..], [("heard", length)] if length >= ms(2000)), "{:?}", fetched(&run));
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_is_free_for_the_next_run() {
    let stage = Scene::of(caller()).open(&[wait()]).await;
    for _ in 0..3 {
        // A run that had not left its place would fit the next call as well.
        passes(&stage.run().await);
    }
    stage.close().await;
}
