//! The call of a run that has ended, which arrives while the next one waits: over a trunk, where no id tells whose it is.

use std::time::Duration;

use calltest_core::cause::HangupCause;
use calltest_core::event::ServerProgress;
use calltest_core::evidence::{Observation, Side};
use calltest_core::plan::CallTest;
use calltest_core::run::FinishedRun;
use calltest_engine::scripted::{Act, CommandKind, Incoming, ScriptedServer, Story, When, World};
use calltest_runner::Control;

use crate::modes::{Changed as _, answer, audio, call, dtmf, ms, wait};
use crate::stage::{SRC_NUMBER, Scene, Stage, check, passes};

/// What comes of a run that has turned away a call that may have been its own.
const PERHAPS: &str = "bar: a call from +4930100 arrived that may be this test's, or the late one of a run that ended \
                       before its own call had arrived; it was rejected";

/// A call over a trunk, which arrives so long after it was dialled, even if its caller has hung up.
fn slow(milliseconds: u64) -> Story {
    let trunk = Story::of_good_call().arrives_as_anybodys().shows_caller(SRC_NUMBER);
    trunk.arrives_after(ms(milliseconds)).outruns_its_end_by(ms(400))
}

/// A call that takes so long to arrive, and that somebody stops so long after it was dialled.
struct Stopped {
    arrives: u64,
    stopped: u64,
}

/// Runs a test whose call is late over `foo` and stops it, then another one over `oof`. Both wait on `bar`.
async fn one_after_the_other(first: CallTest, late: Stopped, next: CallTest, story: Story) -> (FinishedRun, Stage) {
    let control = Control::default();
    let handle = control.clone();
    let stops = When::Dialled;
    let late = slow(late.arrives).when(stops).after(ms(late.stopped)).then(Act::run(move || handle.stop()));
    let stage = scene(World::of(late), story).open(&[first.named("first"), next.named("next").over("oof")]).await;
    let (first, next) = (stage.run_under(0, &control), stage.start(1));
    check(&first.await, "cancelled", "cancelled before it could finish");
    (next.await.unwrap(), stage)
}

fn scene(world: World, story_of_oof: Story) -> Scene {
    Scene::in_world(world.with_story("oof", story_of_oof)).link("oof", "a", "PJSIP/{number}@far", SRC_NUMBER)
}

fn doubts(run: &FinishedRun) -> bool {
    run.evidence.facts.iter().any(|fact| matches!(&fact.what, Observation::Troubled(doubt) if doubt.is_uncertainty()))
}

/// It arrives a second after it was dialled, when its run has been stopped and the next one has its links.
#[tokio::test(start_paused = true)]
async fn the_late_call_of_a_stopped_run_is_not_the_next_ones() {
    for next in [dtmf(), call(), audio()] {
        for caller in [SRC_NUMBER, ""] {
            for arrives in [500, 1000, 2000] {
                let late = Stopped { arrives, stopped: 400 };
                let next = next.clone().caller(caller);
                let (run, stage) = one_after_the_other(dtmf().caller(caller), late, next, slow(500)).await;
                passes(&run);
                assert!(!doubts(&run), "a call that came before the next run began concerns nobody");
                stage.close().await;
            }
        }
    }
}

/// It arrives only when the next run waits: nobody knows then whose it is, and the next run's own call comes as well.
// field attack 1 | The late call of a stopped run arrives over a trunk while the next run waits | the next run passes, or `error` | stopped, out of time, connection lost, hung up by the server, a trigger’s call; one that never comes; a diversion
#[tokio::test(start_paused = true)]
async fn a_late_call_that_comes_while_the_next_run_waits_is_turned_away() {
    for next in [dtmf(), call(), audio()] {
        let late = Stopped { arrives: 4000, stopped: 400 };
        let (run, stage) = one_after_the_other(dtmf(), late, next, slow(3000)).await;
        passes(&run);
        assert!(doubts(&run), "{:#?}", run.evidence.facts);
        stage.close().await;
    }
}

/// The other way round, the next run's own call comes first. It is turned away, and whatever follows from that is no failure.
#[tokio::test(start_paused = true)]
async fn a_call_that_may_be_a_late_one_makes_no_failure_if_it_was_the_runs_own() {
    for next in [dtmf(), call(), audio()] {
        // The late one never comes, or comes soon after, or long after.
        for arrives in [1_000_000, 3600, 6000] {
            let late = Stopped { arrives, stopped: 400 };
            let (run, stage) = one_after_the_other(dtmf(), late, next.clone(), slow(1000)).await;
            check(&run, "error", PERHAPS);
            assert!(run.duration < ms(5000), "{:?}", run.duration);
            stage.close().await;
        }
    }
}

/// A network that diverts a busy call to an answering machine, or does nothing at all.
// field attack 1
#[tokio::test(start_paused = true)]
async fn nothing_that_follows_from_a_doubtful_rejection_is_a_failure() {
    let gone = || Stopped { arrives: 1_000_000, stopped: 400 };
    let silent = || slow(500).outlives_the_other(Side::Src);
    let (run, stage) = one_after_the_other(dtmf(), gone(), dtmf(), silent()).await;
    check(&run, "error", PERHAPS);
    stage.close().await;
    let machine = silent().when(When::Dialled).after(ms(700)).tell(Side::Src, Observation::Answered);
    let (run, stage) = one_after_the_other(dtmf(), gone(), dtmf(), machine).await;
    check(&run, "error", PERHAPS);
    stage.close().await;
    let other_cause = silent().when(When::Dialled).after(ms(700)).then(Act::reject(34, Some(503)));
    let (run, stage) = one_after_the_other(dtmf(), gone(), dtmf(), other_cause).await;
    check(&run, "error", PERHAPS);
    stage.close().await;
}

/// One doubt spoils one run: the next but one is sure of its call again.
#[tokio::test(start_paused = true)]
async fn a_late_call_that_never_comes_spoils_one_run_and_no_more() {
    let late = Stopped { arrives: 1_000_000, stopped: 400 };
    let (run, stage) = one_after_the_other(dtmf(), late, dtmf(), slow(500)).await;
    check(&run, "error", PERHAPS);
    for _ in 0..3 {
        let run = stage.start(1).await.unwrap();
        passes(&run);
        assert!(!doubts(&run));
    }
    stage.close().await;
}

/// Nobody waits: the late call is used up, and is no stranger's.
#[tokio::test(start_paused = true)]
async fn a_late_call_that_comes_while_nobody_waits_is_over() {
    let control = Control::default();
    let handle = control.clone();
    let late = slow(5000).when(When::Dialled).after(ms(400)).then(Act::run(move || handle.stop()));
    let stage = scene(World::of(late), slow(500)).open(&[dtmf(), dtmf().named("next").over("oof")]).await;
    check(&stage.run_under(0, &control).await, "cancelled", "cancelled before it could finish");
    tokio::time::sleep(ms(4000)).await;
    let strays = stage.witness.servers().into_iter().filter(|event| matches!(event.what, ServerProgress::Stray { .. }));
    assert_eq!(strays.count(), 0);
    let run = stage.start(1).await.unwrap();
    passes(&run);
    assert!(!doubts(&run));
    stage.close().await;
}

/// Whatever comes before a run has dialled is not its own call, even where nothing else tells.
#[tokio::test(start_paused = true)]
async fn a_call_that_comes_before_the_run_has_dialled_is_not_its_own() {
    let twin = || Act::Arrive(Incoming::on("bar").from(SRC_NUMBER));
    let story = slow(500).when(When::Listening("bar".into())).after(ms(500)).then(twin());
    for caller in [SRC_NUMBER, ""] {
        let slow_turn = ScriptedServer::named("a").permits_after(ms(1000));
        let stage =
            Scene::in_world(World::of(story.clone()).with_server(slow_turn)).open(&[dtmf().caller(caller)]).await;
        let run = stage.run().await;
        passes(&run);
        let strangers = run.evidence.facts.iter().filter(|fact| matches!(fact.what, Observation::Stranger { .. }));
        assert_eq!(strangers.count(), 1);
        stage.close().await;
    }
    // It could not have been answered for, so the run does not wait for it either.
    let alone = story.never_arrives();
    let slow_turn = ScriptedServer::named("a").permits_after(ms(1000));
    let run = Scene::in_world(World::of(alone).with_server(slow_turn)).run(&dtmf()).await;
    check(&run, "fail", "bar: no call arrived within 5 s; foo saw neither ringing, answer nor rejection");
}

/// A run that ends for another reason than that somebody stops it.
async fn next_after(first: CallTest, story: Story, next: CallTest, pause: Duration) -> (FinishedRun, FinishedRun) {
    let stage = scene(World::of(story), slow(500)).open(&[first.named("first"), next.named("next").over("oof")]).await;
    let first = stage.run().await;
    tokio::time::sleep(pause).await;
    let next = stage.start(1).await.unwrap();
    stage.close().await;
    (first, next)
}

// field attack 1
#[tokio::test(start_paused = true)]
async fn however_a_run_ends_before_its_call_has_arrived_the_call_is_expected() {
    let end = |story: Story, act| story.when(When::Dialled).after(ms(400)).then(act);
    let lost = "lost the connection to server a during the run: the story says so";
    let soft = Act::Tell(Side::Src, Observation::HangupRequest { end: HangupCause(1).into(), is_soft: true });
    let gone = Act::Tell(Side::Src, Observation::Gone { end: Some(HangupCause(16).into()) });
    let asked_to_end = end(end(slow(1_000_000), soft), gone);
    // The time was up; the connection was lost; the server itself has ended the call.
    let cases = [
        (
            dtmf().lasts(2000),
            slow(1_000_000),
            "fail",
            "bar: no call arrived within 2 s; foo saw neither ringing, answer nor rejection",
            0,
        ),
        (dtmf(), end(slow(1_000_000), Act::lose("a")), "error", lost, 1000),
        (dtmf(), asked_to_end, "fail", "foo: rejected after 0.40 s with 16 normal clearing, expected an answer", 0),
    ];
    for (test, story, verdict, reason, pause) in cases {
        let (first, next) = next_after(test, story, dtmf(), ms(pause)).await;
        check(&first, verdict, reason);
        check(&next, "error", PERHAPS);
    }
}

/// A call that was rejected, or answered by somebody else, is on its way to us no more: the next run is sure of its own.
#[tokio::test(start_paused = true)]
async fn a_call_of_which_the_network_has_disposed_is_not_expected() {
    let rejected = slow(1_000_000).when(When::Dialled).after(ms(300)).then(Act::reject(34, Some(503)));
    let (first, next) = next_after(dtmf(), rejected, dtmf(), ms(0)).await;
    let reason = "foo: rejected after 0.30 s with 34 no circuit available (SIP 503), expected an answer";
    check(&first, "fail", reason);
    passes(&next);
    assert!(!doubts(&next));
    let answered = slow(1_000_000).when(When::Dialled).after(ms(300)).tell(Side::Src, Observation::Answered);
    let (first, next) = next_after(dtmf(), answered, dtmf(), ms(0)).await;
    check(&first, "fail", "bar: no call arrived within 10 s; foo saw an answer");
    passes(&next);
    assert!(!doubts(&next));
}

/// For as long as the test gives the network, at least ten seconds and at most thirty-two.
#[tokio::test(start_paused = true)]
async fn a_late_call_is_not_expected_for_ever() {
    for (lasts, dialled_before, is_expected) in
        [(2000, 9000, true), (2000, 11_000, false), (60_000, 31_000, true), (60_000, 33_000, false)]
    {
        let control = Control::default();
        let handle = control.clone();
        let story = slow(1_000_000).when(When::Dialled).after(ms(400)).then(Act::run(move || handle.stop()));
        let tests = [dtmf().lasts(lasts), dtmf().named("next").over("oof")];
        let stage = scene(World::of(story), slow(500)).open(&tests).await;
        let begun = tokio::time::Instant::now();
        stage.run_under(0, &control).await;
        // The next call arrives half a second after it was dialled.
        tokio::time::sleep_until(begun + ms(dialled_before - 500)).await;
        let next = stage.start(1).await.unwrap();
        match is_expected {
            true => check(&next, "error", PERHAPS),
            false => passes(&next),
        }
        stage.close().await;
    }
}

/// The call that a trigger causes may be late as well.
// field attack 1
#[tokio::test(start_paused = true)]
async fn the_late_call_that_a_trigger_caused_is_not_the_next_ones() {
    let triggered = answer().triggered_by(&["true"]).lasts(2000);
    let comes = |after| {
        let listening = || When::Listening("bar".into());
        let late = Act::Arrive(Incoming::on("bar").from(SRC_NUMBER));
        Story::of_nothing().when(listening()).for_the(1).after(ms(after)).then(late)
    };
    // It comes after 3 s, when the first run still looks; or after 6 s, when the next one waits.
    for (after, verdict, reason) in [(3000, "fail", "bar: no call arrived within 10 s"), (6000, "error", PERHAPS)] {
        let stage = Scene::of(comes(after)).open(&[triggered.clone(), wait().named("next")]).await;
        let first = stage.run().await;
        assert_ne!(first.verdict.word(), "pass", "{:?}", first.verdict);
        check(&stage.start(1).await.unwrap(), verdict, reason);
        stage.close().await;
    }
    // Nobody has triggered anything, so nothing is expected.
    let stage = Scene::of(comes(6000)).open(&[answer().lasts(2000), wait().named("next")]).await;
    check(&stage.run().await, "fail", "bar: no call arrived within 2 s");
    passes(&stage.start(1).await.unwrap());
    stage.close().await;
}

/// Where numbers tell calls apart, a late one is known by its own.
#[tokio::test(start_paused = true)]
async fn a_late_call_is_known_by_the_number_that_it_dialled() {
    let late = || Stopped { arrives: 1_000_000, stopped: 400 };
    let next = || dtmf().at("bar", "22");
    let own = |dialled: &str| slow(500).arrives_on("bar").shows_dialled(dialled);
    let (run, stage) = one_after_the_other(dtmf().at("bar", "11"), late(), next(), own("4922")).await;
    passes(&run);
    assert!(!doubts(&run));
    stage.close().await;
    // One number tells nothing, nor does one of a form that is neither's.
    for dialled in ["", "somewhere"] {
        let (run, stage) = one_after_the_other(dtmf().at("bar", "11"), late(), next(), own(dialled)).await;
        check(&run, "error", PERHAPS);
        stage.close().await;
    }
}

/// Somebody else's call is not the late one, and does not use it up.
#[tokio::test(start_paused = true)]
async fn a_stranger_is_not_taken_for_the_late_call() {
    let stranger = Act::Arrive(Incoming::on("bar").from("+4966666"));
    let story = slow(1000).when(When::Dialled).after(ms(200)).then(stranger);
    let late = Stopped { arrives: 1_000_000, stopped: 400 };
    let (run, stage) = one_after_the_other(dtmf(), late, dtmf(), story).await;
    check(&run, "error", PERHAPS);
    assert!(run.evidence.facts.iter().any(|fact| matches!(fact.what, Observation::WrongCall { .. })));
    stage.close().await;
}

/// A late call does not disturb one that is up.
#[tokio::test(start_paused = true)]
async fn a_late_call_during_the_next_ones_call_is_turned_away() {
    let (one, two) = ("11", "22");
    let late = Stopped { arrives: 5000, stopped: 400 };
    let story = slow(500).arrives_on("bar").shows_dialled(two);
    let next = dtmf().at("bar", two).rings_for(4000);
    let (run, stage) = one_after_the_other(dtmf().at("bar", one), late, next, story).await;
    passes(&run);
    let commands = stage.world.commands(Side::Dst);
    let answered = commands.iter().filter(|what| CommandKind::of(what) == CommandKind::Answer);
    assert_eq!(answered.count(), 1);
    stage.close().await;
}
