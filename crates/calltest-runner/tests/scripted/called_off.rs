//! Runs that somebody calls off: at each step they end at once, as asked, and leave nothing.

use calltest_core::evidence::{Observation, Side};
use calltest_core::plan::CallTest;
use calltest_core::run::FinishedRun;
use calltest_engine::scripted::{Act, CommandKind, ScriptedServer, Sign, Story, When, World};
use calltest_runner::Control;

use crate::modes::{audio, call, dtmf, ms, play, record, wait};
use crate::stage::{Scene, check};

/// The steps of a call at which it is called off.
fn steps() -> Vec<When> {
    vec![
        When::Listening("bar".into()),
        When::Dialled,
        When::Arrived,
        When::Commanded(Side::Dst, CommandKind::Ring),
        When::Happens(Side::Src, Sign::Ringing),
        When::Commanded(Side::Dst, CommandKind::Answer),
        When::Happens(Side::Src, Sign::Answered),
        When::Commanded(Side::Dst, CommandKind::SendDigits),
        When::Happens(Side::Src, Sign::Digit),
        When::Happens(Side::Dst, Sign::Digit),
    ]
}

async fn called_off(test: CallTest, story: Story, at: When, how: fn(&Control)) -> FinishedRun {
    let control = Control::default();
    let handle = control.clone();
    let story = story.when(at).after(ms(5)).then(Act::run(move || how(&handle)));
    let stage = Scene::of(story).open(&[test]).await;
    let run = stage.run_under(0, &control).await;
    stage.close().await;
    run
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_stopped_is_cancelled_at_any_step() {
    for at in steps() {
        let run = called_off(dtmf(), Story::of_good_call(), at.clone(), Control::stop).await;
        check(&run, "cancelled", "cancelled before it could finish");
        assert!(run.duration < ms(5000), "stopped at {at:?}, and took {:?}", run.duration);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_an_operator_fails_is_a_failure_at_any_step() {
    for at in steps() {
        let run = called_off(dtmf(), Story::of_good_call(), at, Control::fail).await;
        check(&run, "fail", "marked as failed by an operator");
    }
}

#[tokio::test(start_paused = true)]
async fn every_mode_can_be_called_off() {
    let answered = Story::of_call_out().answers(ms(100));
    let begins = || When::Happens(Side::Dst, Sign::PlaybackStarted);
    let cases = [
        (audio(), Story::of_good_call(), begins()),
        (call(), Story::of_good_call(), When::Happens(Side::Src, Sign::Ringing)),
        (play(), answered, When::Happens(Side::Src, Sign::PlaybackStarted)),
        (wait(), Story::of_nothing(), When::Listening("bar".into())),
        (record(), Story::of_call_in(calltest_engine::scripted::Incoming::on("bar")), begins()),
    ];
    for (test, story, at) in cases {
        let run = called_off(test, story, at, Control::stop).await;
        check(&run, "cancelled", "cancelled before it could finish");
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_word_counts() {
    let both = |control: &Control| {
        control.fail();
        control.stop();
    };
    let run = called_off(dtmf(), Story::of_good_call(), When::Dialled, both).await;
    check(&run, "fail", "marked as failed by an operator");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_waits_for_its_turn_or_for_a_slow_engine_can_be_called_off() {
    let slow = ScriptedServer::named("a").permits_after(ms(9_000));
    let slow_turn = World::of(Story::of_good_call()).with_server(slow);
    let ring = (Side::Dst, CommandKind::Ring);
    let slow_answer = World::of(Story::of_good_call().answers_command_after(ring.0, ring.1, ms(9_000)));
    for world in [slow_turn, slow_answer] {
        let stage = Scene::in_world(world).open(&[dtmf()]).await;
        let control = Control::default();
        let stop = async {
            tokio::time::sleep(ms(500)).await;
            control.stop();
        };
        let (run, ()) = tokio::join!(stage.run_under(0, &control), stop);
        check(&run, "cancelled", "cancelled before it could finish");
        assert!(run.duration < ms(5000), "{:?}", run.duration);
        stage.close().await;
    }
}

/// A run that waits for its links has not begun.
#[tokio::test(start_paused = true)]
async fn a_run_that_waits_for_its_links_can_be_called_off() {
    let stage = Scene::of(Story::of_good_call()).open(&[dtmf(), dtmf()]).await;
    let first = stage.start(0);
    stage.witness.until(|what| matches!(what, Observation::Dialled { .. })).await;
    let control = Control::default();
    control.stop();
    let run = stage.run_under(1, &control).await;
    check(&run, "cancelled", "cancelled before it could finish");
    assert_eq!((run.evidence.facts.len(), run.evidence.sight.len()), (0, 0));
    crate::stage::passes(&first.await.unwrap());
    stage.close().await;
}
