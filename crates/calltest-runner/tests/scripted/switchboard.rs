//! Whose call is it? Calls of strangers before, during and after one's own, two that fit, trunks that links share, and
//! floods.

use calltest_core::event::ServerProgress;
use calltest_core::evidence::{Observation, Side};
use calltest_core::run::RunId;
use calltest_core::verdict::Note;
use calltest_engine::scripted::{Act, CommandKind, Incoming, Sign, Story, When, Whose, World};

use crate::modes::{Changed as _, answer, audio, call, dtmf, ms, record, ring, wait};
use crate::stage::{Scene, check, passes, run};

const STRANGER: &str = "+4966666";

fn good() -> Story {
    Story::of_good_call()
}

/// A stranger on the link of the call.
fn stranger() -> Act {
    Act::Arrive(Incoming::on("bar").from(STRANGER))
}

fn rings() -> When {
    When::Commanded(Side::Dst, CommandKind::Ring)
}

#[tokio::test(start_paused = true)]
async fn a_stranger_before_ones_own_call_is_turned_away() {
    let run = run(&dtmf(), good().when(When::Dialled).after(ms(10)).then(stranger())).await;
    passes(&run);
    assert!(
        run.evidence
            .facts
            .iter()
            .any(|fact| matches!(&fact.what, Observation::WrongCall { caller, .. } if caller == STRANGER))
    );
}

/// What becomes of one's own call later is not the stranger's doing.
#[tokio::test(start_paused = true)]
async fn a_stranger_before_ones_own_call_is_not_blamed_for_its_end() {
    let story = good().when(When::Dialled).after(ms(10)).then(stranger());
    let story = story.when(rings()).after(ms(100)).then(Act::reject(34, Some(503)));
    let reason = "foo: rang, then rejected after 0.14 s with 34 no circuit available (SIP 503), expected an answer";
    check(&run(&dtmf(), story).await, "fail", reason);
}

/// A wrong number rings our line while the carrier rejects the call.
// field attack 11 | A wrong number rings our line while the carrier rejects our call | the carrier’s cause | 16, 17, 31, 127 and no cause, which may be our own rejection; `dtmf`, `call`, `audio`
#[tokio::test(start_paused = true)]
async fn a_stranger_does_not_hide_what_the_carrier_said() {
    let story = || good().never_arrives().when(When::Dialled).after(ms(10)).then(stranger());
    for test in [dtmf(), call(), audio()] {
        let expected = if test.route.mode() == "call" { "ringing" } else { "an answer" };
        let rejected = story().rejects(ms(200), 34, Some(503));
        let reason = format!("foo: rejected after 0.20 s with 34 no circuit available (SIP 503), expected {expected}");
        check(&run(&test, rejected).await, "fail", &reason);
        // Busy is what we told the stranger, who may have been the run's own call with another caller ID.
        let busy = run(&test, story().rejects(ms(200), 17, Some(486))).await;
        check(&busy, "fail", "bar: expected caller ID +4930100, received +4966666");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stranger_during_ones_own_call_is_turned_away_and_remarked_on() {
    let run = run(&dtmf(), good().when(rings()).then(stranger())).await;
    passes(&run);
    assert_eq!(run.notes, [Note::Stranger { link: "bar".into(), caller: STRANGER.into() }]);
}

#[tokio::test(start_paused = true)]
async fn a_stranger_after_ones_own_call_is_nobodys() {
    let stage = Scene::of(good()).open(&[dtmf()]).await;
    passes(&stage.run().await);
    stage.world.act(stranger());
    tokio::time::sleep(ms(100)).await;
    let strays: Vec<_> = stage.witness.servers().into_iter().map(|event| event.what).skip(1).collect();
    let stray = ServerProgress::Stray { link: "bar".into(), caller: STRANGER.into(), dialled: "bar".into() };
    assert_eq!(strays, [stray]);
    stage.close().await;
}

/// What may be just the tail of a call that is over is not worth a report.
#[tokio::test(start_paused = true)]
async fn the_tail_of_a_call_is_turned_away_without_a_word() {
    let stage = Scene::of(good()).open(&[dtmf()]).await;
    stage.world.act(Act::Arrive(Incoming::on("bar").from(STRANGER).that_may_be_a_tail()));
    stage.world.act(Act::Arrive(Incoming::on("bar").of(Whose::Of(RunId(7)))));
    tokio::time::sleep(ms(100)).await;
    assert_eq!(stage.witness.servers().len(), 1, "{:?}", stage.witness.servers());
    assert_eq!(stage.world.calls_up(), [""; 0]);
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_may_be_a_tail_is_taken_where_it_fits() {
    let caller = Incoming::on("bar").from("+4930555").that_may_be_a_tail();
    passes(&run(&wait(), Story::of_call_in(caller)).await);
}

/// Nobody knows which of two calls is the run's, if both may be.
#[tokio::test(start_paused = true)]
async fn two_calls_that_fit_are_an_error() {
    let reason = "two calls that both fit arrived on bar; give the test a caller ID or number that tells them apart";
    let twin = Act::Arrive(Incoming::on("bar").from("+4930777"));
    let two = good().arrives_as_anybodys().when(rings()).then(twin.clone());
    check(&run(&dtmf().caller(""), two).await, "error", reason);
    let any = wait().rings_for(1000);
    let two = Story::of_call_in(Incoming::on("bar")).when(rings()).then(twin.clone());
    check(&run(&any, two).await, "error", reason);
}

/// Whoever calls once the run's own call is certain is a stranger, and spoils nothing.
#[tokio::test(start_paused = true)]
async fn a_call_that_fits_but_comes_after_the_answer_is_a_stranger() {
    let twin = || Act::Arrive(Incoming::on("bar").from("+4930777"));
    let answered = || When::Commanded(Side::Dst, CommandKind::Answer);
    let caller = || Story::of_call_in(Incoming::on("bar").from("+4930555"));
    // Whoever calls first is as good as any, where nobody of ours has caused the call.
    let after = |story: Story| story.when(answered()).after(ms(50)).then(twin());
    let cases = [
        (answer(), after(caller())),
        (record(), after(caller().caller_hangs_up(ms(2000)))),
        // Both ends are ours, and our answer has come out at the other one.
        (dtmf().caller(""), after(good().arrives_as_anybodys())),
        (audio().caller(""), after(good().arrives_as_anybodys())),
        (dtmf(), after(good().arrives_as_anybodys())),
    ];
    for (test, story) in cases {
        let run = run(&test, story).await;
        passes(&run);
        assert_eq!(run.notes, [Note::Stranger { link: "bar".into(), caller: "+4930777".into() }]);
    }
    let reason = "two calls that both fit arrived on bar; give the test a caller ID or number that tells them apart";
    // Before the answer, or while it is on its way to our other end, either may be the run's own.
    let early = caller().when(rings()).then(twin());
    check(&run(&answer(), early).await, "error", reason);
    let between = good().arrives_as_anybodys().when(answered()).after(ms(5)).then(twin());
    check(&run(&dtmf().caller(""), between).await, "error", reason);
    // A trigger causes one call, and that may be the second.
    let triggered = answer().triggered_by(&["sleep", "1000"]);
    check(&run(&triggered, after(caller())).await, "error", reason);
}

/// Where the engine knows which is the run's own, another one may look like it as much as it will.
#[tokio::test(start_paused = true)]
async fn a_twin_of_a_call_that_is_known_is_a_stranger() {
    let twin = Act::Arrive(Incoming::on("bar").from("+4930100"));
    passes(&run(&dtmf(), good().when(rings()).then(twin.clone())).await);
    // It came first, and was taken for the run's own.
    let first = good().when(When::Dialled).after(ms(10)).then(twin);
    let reason = "two calls that both fit arrived on bar; give the test a caller ID or number that tells them apart";
    check(&run(&dtmf(), first).await, "error", reason);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_comes_back_where_the_run_does_not_wait_is_a_failure() {
    let back = Act::Arrive(Incoming::on("elsewhere").of(Whose::TheRuns));
    let story = Story::of_call_out().when(When::Dialled).after(ms(50)).then(back);
    let reason = "foo: PJSIP/1@far came straight back to calltest: the dialplan has no such extension";
    check(&run(&ring(), story).await, "fail", reason);
}

/// Its own call with a caller that it must not show is the run's own all the same.
#[tokio::test(start_paused = true)]
async fn ones_own_call_with_another_caller_is_wrong_and_not_awaited_any_longer() {
    let run = run(&call(), good().shows_caller("+4940999")).await;
    check(&run, "fail", "bar: expected caller ID +4930100, received +4940999");
    assert!(run.duration < ms(5000), "{:?}", run.duration);
}

/// Two links whose calls arrive under one name, each told by its number.
fn shared_trunk(world: World) -> Scene {
    let scene = Scene::in_world(world)
        .link("one", "a", "", "4711")
        .link("two", "a", "", "4722")
        .link("out-one", "a", "PJSIP/{number}@far", "+4930101")
        .link("out-two", "a", "PJSIP/{number}@far", "+4930102");
    let arrive = |link: &mut calltest_core::plan::Link| link.arrives_as = "trunk".into();
    scene.change_link("one", arrive).change_link("two", arrive)
}

#[tokio::test(start_paused = true)]
async fn on_a_shared_trunk_the_dialled_number_tells_whose_call_it_is() {
    let story = || good().arrives_on("trunk").arrives_as_anybodys();
    for (shown_to_one, shown_to_two) in [("4711", "4722"), ("+49304711", "+49304722")] {
        let world = World::of(story())
            .with_story("out-one", story().shows_dialled(shown_to_one))
            .with_story("out-two", story().shows_dialled(shown_to_two));
        let one = dtmf().named("one").over("out-one").at("one", "4711").caller("");
        let two = dtmf().named("two").over("out-two").at("two", "4722").caller("");
        let stage = shared_trunk(world).open(&[one, two]).await;
        let (one, two) = (stage.start(0), stage.start(1));
        passes(&one.await.unwrap());
        passes(&two.await.unwrap());
        stage.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn on_a_shared_trunk_a_call_for_another_number_is_not_ones_own() {
    let story = good().arrives_on("trunk").arrives_as_anybodys().shows_dialled("4733");
    let one = dtmf().over("out-one").at("one", "4711").caller("");
    let run = shared_trunk(World::of(story)).run(&one).await;
    check(&run, "fail", "one: the call that arrived had dialled 4733, which is not this test's number");
}

#[tokio::test(start_paused = true)]
async fn on_a_shared_trunk_the_caller_alone_does_not_tell_whose_call_it_is() {
    let story = good().arrives_on("trunk").arrives_as_anybodys().shows_dialled("4733");
    let one = dtmf().over("out-one").at("one", "4711").caller("+4930101");
    let run = shared_trunk(World::of(story)).run(&one).await;
    check(&run, "fail", "one: the call that arrived had dialled 4733, which is not this test's number");
}

/// On a link that two runs wait on, a number in another form tells nothing where the caller's does.
#[tokio::test(start_paused = true)]
async fn the_caller_tells_whose_call_it_is_where_the_number_does_not() {
    let story = || good().arrives_on("bar").arrives_as_anybodys().shows_dialled("somewhere");
    let world = World::of(story());
    let scene = Scene::in_world(world)
        .link("out-one", "a", "PJSIP/{number}@far", "+4930101")
        .link("out-two", "a", "PJSIP/{number}@far", "+4930102")
        .change_link("bar", |link| link.max_calls = std::num::NonZeroU32::new(2).unwrap());
    let one = dtmf().named("one").over("out-one").at("bar", "1").caller("+4930101");
    let two = dtmf().named("two").over("out-two").at("bar", "2").caller("+4930102");
    let stage = scene.open(&[one, two]).await;
    let (one, two) = (stage.start(0), stage.start(1));
    passes(&one.await.unwrap());
    passes(&two.await.unwrap());
    stage.close().await;
}

/// On a link that two runs wait on without a caller, the number dialled has to tell.
#[tokio::test(start_paused = true)]
async fn the_number_tells_whose_call_it_is_where_two_wait() {
    let scene = Scene::of(good().arrives_on("bar").arrives_as_anybodys())
        .link("out-one", "a", "PJSIP/{number}@far", "+4930101")
        .link("out-two", "a", "PJSIP/{number}@far", "+4930102")
        .change_link("bar", |link| link.max_calls = std::num::NonZeroU32::new(2).unwrap());
    let one = dtmf().named("one").over("out-one").at("bar", "1").caller("");
    let two = dtmf().named("two").over("out-two").at("bar", "2").caller("");
    let stage = scene.open(&[one, two]).await;
    let (one, two) = (stage.start(0), stage.start(1));
    passes(&one.await.unwrap());
    passes(&two.await.unwrap());
    stage.close().await;
}

/// A flood before the run's own call and during it: all at the same moment, or one a millisecond.
// field attack 5 | Forty strangers call in the moment in which our own call comes in | our call is ours | a flood while the run is busy elsewhere; a thousand of them; strays at each stage of each mode (matrix)
#[tokio::test(start_paused = true)]
async fn a_flood_of_strangers_keeps_no_run_from_its_own_call() {
    for pace in [0, 1] {
        let listening = || When::Listening("bar".into());
        let floods = (0..500).fold(good(), |story, nth| {
            let story = story.when(listening()).after(ms(20 + nth * pace)).then(stranger());
            story.when(rings()).after(ms(nth * pace)).then(stranger())
        });
        let stage = Scene::of(floods.arrives_after(ms(300))).open(&[dtmf().rings_for(1000)]).await;
        let run = stage.run().await;
        passes(&run);
        let count =
            |is_it: fn(&Observation) -> bool| run.evidence.facts.iter().filter(|fact| is_it(&fact.what)).count();
        assert_eq!(count(|what| matches!(what, Observation::WrongCall { .. })), 16, "one a {pace} ms");
        assert_eq!(count(|what| matches!(what, Observation::Stranger { .. })), 16, "one a {pace} ms");
        let counted = run.evidence.facts.iter().filter_map(|fact| match fact.what {
            Observation::MoreCalls { count } => Some(count),
            _ => None,
        });
        assert_eq!(counted.collect::<Vec<_>>(), [1000 - 32], "one a {pace} ms");
        assert_eq!(run.notes.last(), Some(&Note::MoreStrangers { link: "bar".into(), count: 1000 - 32 + 16 - 5 }));
        stage.close().await;
    }
}

/// The run's own call comes in among forty strangers, in one moment, while the run is busy with something else.
// field attack 5
#[tokio::test(start_paused = true)]
async fn a_run_that_is_busy_elsewhere_misses_nothing() {
    let among_strangers =
        |story: Story| (0..40).fold(story, |story, _| story.when(When::Dialled).after(ms(40)).then(stranger()));
    // It waits for the answer to its wish to dial.
    passes(&run(&dtmf(), among_strangers(good().takes_to_dial(ms(500)))).await);
    passes(&run(&dtmf(), among_strangers(good().arrives_as_anybodys().takes_to_dial(ms(500)))).await);
    // It waits for the answer to a command.
    let slow = good().answers_command_after(Side::Dst, CommandKind::Ring, ms(500));
    let flood = (0..40).fold(slow, |story, _| story.when(rings()).after(ms(100)).then(stranger()));
    passes(&run(&dtmf(), flood).await);
}

/// A caller who gives up before anybody has looked is told like any other.
#[tokio::test(start_paused = true)]
async fn a_caller_who_gives_up_at_once_is_seen_to() {
    let story = Story::of_call_in(Incoming::on("bar"))
        .when(When::Listening("bar".into()))
        .after(ms(40))
        .then(Act::End(Side::Dst, calltest_core::cause::HangupCause(16).into()));
    let reason = "bar: the caller gave the call up 0 s after it arrived, with 16 normal clearing";
    check(&run(&wait(), story).await, "fail", reason);
    let silent = Story::of_call_in(Incoming::on("bar")).without(Side::Dst, Sign::Gone);
    passes(&run(&wait(), silent).await);
}
