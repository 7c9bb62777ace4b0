//! Troubles of the tester's own: whatever breaks on our side is `error`, with the whole sentence, and never `fail`; and
//! nothing is left.

use std::sync::Arc;
use std::time::Duration;

use calltest_core::event::ServerProgress;
use calltest_core::evidence::{Observation, Side};
use calltest_core::plan::CallTest;
use calltest_core::verdict::Trouble;
use calltest_engine::scripted::{Act, CommandKind, Incoming, ScriptedServer, SightScript, Sign, Story, When, World};
use calltest_engine::{BoxFuture, Refused, Undialled, Unready};
use calltest_runner::{LeaseRequest, LeaseSet, Leases, LocalLeases};

use crate::modes::{Changed as _, audio, call, dtmf, fail, ms, play, record, ring, wait};
use crate::stage::{Scene, check, passes, run};

fn good() -> Story {
    Story::of_good_call()
}

fn no() -> Refused {
    Refused::No { why: "500 Internal Server Error: out of order today".into() }
}

fn unclear() -> Refused {
    Refused::Unclear { why: "no answer within 5 s".into() }
}

/// Runs a test on a server that is changed like this, or in such a story, and expects an error.
async fn is_error(test: CallTest, story: Story, reason: &str) {
    check(&run(&test, story).await, "error", reason);
}

async fn is_error_on(server: ScriptedServer, test: CallTest, story: Story, reason: &str) {
    let world = World::of(story).with_server(server);
    check(&Scene::in_world(world).run(&test).await, "error", reason);
}

fn a() -> ScriptedServer {
    ScriptedServer::named("a")
}

const GONE: &str = "server a is lost";
const LOST: &str = "lost the connection to server a during the run: the story says so";

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_lost_is_an_error_at_any_step() {
    let steps = [
        When::Listening("bar".into()),
        When::Dialled,
        When::Arrived,
        When::Commanded(Side::Dst, CommandKind::Limit),
        When::Commanded(Side::Dst, CommandKind::Ring),
        When::Happens(Side::Src, Sign::Ringing),
        When::Commanded(Side::Dst, CommandKind::Answer),
        When::Happens(Side::Src, Sign::Answered),
        When::Commanded(Side::Dst, CommandKind::SendDigits),
        When::Happens(Side::Src, Sign::Digit),
        When::Happens(Side::Dst, Sign::Digit),
    ];
    for at in steps {
        for after in [0, 1, 30] {
            let run = run(&dtmf(), good().when(at.clone()).after(ms(after)).then(Act::lose("a"))).await;
            // A step that begins at just that moment finds that there is no server.
            let reason = run.verdict.reason().unwrap_or_default();
            check(&run, "error", if reason == GONE { GONE } else { LOST });
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_lost_is_an_error_in_every_mode() {
    let caller = || Story::of_call_in(Incoming::on("bar"));
    let lost = |story: Story, at| story.when(at).after(ms(30)).then(Act::lose("a"));
    let plays = |side| When::Happens(side, Sign::PlaybackStarted);
    is_error(audio(), lost(good(), plays(Side::Dst)), LOST).await;
    is_error(call(), lost(good(), When::Commanded(Side::Dst, CommandKind::Ring)), LOST).await;
    is_error(ring(), lost(Story::of_call_out(), When::Dialled), LOST).await;
    is_error(play(), lost(Story::of_call_out().answers(ms(100)), plays(Side::Src)), LOST).await;
    is_error(fail(), lost(Story::of_call_out(), When::Dialled), LOST).await;
    is_error(wait(), lost(Story::of_nothing(), When::Listening("bar".into())), LOST).await;
    is_error(record(), lost(caller(), plays(Side::Dst)), LOST).await;
}

/// Once all has been seen that had to be, a loss harms nobody: nothing that was seen is undone.
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_lost_after_the_script_is_no_trouble_unless_something_is_left() {
    let stage = Scene::of(good().when(When::Happens(Side::Dst, Sign::Gone)).then(Act::lose("a"))).open(&[dtmf()]).await;
    passes(&stage.run().await);
    let down = stage.witness.servers().iter().any(|event| matches!(event.what, ServerProgress::Down { .. }));
    assert!(down, "the observer was not told of the loss");
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_loss_the_next_run_passes() {
    let stage = Scene::of(good()).open(&[dtmf()]).await;
    let first = stage.start(0);
    stage.witness.until(|what| *what == Observation::Answered).await;
    stage.world.act(Act::lose("a"));
    check(&first.await.unwrap(), "error", LOST);
    check(&stage.run().await, "error", "server a is lost");
    tokio::time::sleep(Duration::from_secs(2)).await;
    passes(&stage.run().await);
    let told: Vec<_> = stage.witness.servers().into_iter().map(|event| event.what).collect();
    assert!(matches!(told[..], [ServerProgress::Up { .. }, ServerProgress::Down { .. }, ServerProgress::Up { .. }]));
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_on_a_server_out_of_sight_proves_nothing() {
    let reason =
        "server a did not answer when the time was up (nothing heard for 4.0 s), so what was not seen proves nothing";
    let lost = || a().is_seen(SightScript::lost());
    let out = Story::of_call_out;
    is_error_on(lost(), ring(), out(), reason).await;
    is_error_on(lost(), play(), out().rings(ms(100)), reason).await;
    is_error_on(lost(), fail(), out(), reason).await;
    is_error_on(lost(), dtmf(), good().never_arrives(), reason).await;
    is_error_on(lost(), dtmf(), good().without(Side::Src, Sign::Answered), reason).await;
    is_error_on(lost(), dtmf(), good().loses_digit(Side::Src, 5), reason).await;
    is_error_on(lost(), call(), good().without(Side::Src, Sign::Ringing), reason).await;
    is_error_on(lost(), wait(), Story::of_nothing(), reason).await;
    // A server that is gone takes its calls along, which looks like a rejection, or like somebody's hanging up.
    is_error_on(lost(), fail(), out().rejects(ms(100), 17, Some(486)), reason).await;
    is_error_on(lost(), play(), out().rejects(ms(100), 17, Some(486)), reason).await;
    is_error_on(lost(), play(), out().answers(ms(100)).rejects(ms(500), 16, None), reason).await;
    // What was seen was seen.
    let world = World::of(good()).with_server(lost());
    passes(&Scene::in_world(world).run(&dtmf()).await);
    let world = World::of(out().answers(ms(100))).with_server(lost());
    let answered = Scene::in_world(world).run(&fail()).await;
    check(&answered, "fail", "foo: answered 0.10 s after the call went out, expected no answer");
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_or_late_on_a_server_that_stood_still_proves_nothing() {
    let reason = "server a was silent for 1.5 s during the run, so what was late, corrupted or not seen proves nothing";
    let silent = |by| a().is_seen(SightScript::silent_for(ms(by)));
    let out = Story::of_call_out;
    is_error_on(silent(1500), ring(), out(), reason).await;
    is_error_on(silent(1500), dtmf(), good().never_arrives(), reason).await;
    is_error_on(silent(1500), dtmf(), good().loses_digit(Side::Src, 5), reason).await;
    is_error_on(silent(1500), dtmf(), good().changes_digit(Side::Src, 5, '*'), reason).await;
    let late = || out().rings(ms(100)).answers(ms(1500));
    is_error_on(silent(1500), ring().rings_for(3000).answered_within(1000), late(), reason).await;
    // As much silence as it always may have proves something.
    let world = World::of(out()).with_server(silent(1000));
    let missing = Scene::in_world(world).run(&ring()).await;
    check(&missing, "fail", "foo: expected ringing, saw neither ringing, answer nor rejection within 10 s");
    // Nobody stands still and rejects a call.
    let world = World::of(out().rejects(ms(300), 17, Some(486))).with_server(silent(1500));
    let rejected = Scene::in_world(world).run(&ring()).await;
    check(&rejected, "fail", "foo: rejected after 0.30 s with 17 user busy (SIP 486), expected ringing");
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_while_events_may_be_lost_proves_nothing() {
    let reason = "server a sent events that could not be read, so what was not seen proves nothing";
    let doubtful = || a().is_seen(SightScript::uncertain(Trouble::Unreadable { server: "a".into() }));
    let out = Story::of_call_out;
    is_error_on(doubtful(), ring(), out(), reason).await;
    is_error_on(doubtful(), dtmf(), good().loses_digit(Side::Src, 5), reason).await;
    is_error_on(doubtful(), dtmf(), good().loses_digit(Side::Src, 2), reason).await;
    let world = World::of(good()).with_server(doubtful());
    passes(&Scene::in_world(world).run(&dtmf()).await);
}

/// The end of a leg that nobody told may not be all that was lost.
#[tokio::test(start_paused = true)]
async fn an_end_that_is_not_told_casts_doubt_on_what_is_missing() {
    let story = Story::of_call_out().rings(ms(100)).without(Side::Src, Sign::Gone);
    let reason =
        "channel 0-src was gone on server a and no event had told of that, so what was not seen proves nothing";
    is_error(play(), story, reason).await;
}

#[tokio::test(start_paused = true)]
async fn a_leg_that_stays_is_an_error() {
    let left = "is still up although we hung it up: the story has it stay";
    is_error(dtmf(), good().outlives_everything(Side::Src), &format!("channel 0-src on server a {left}")).await;
    is_error(dtmf(), good().outlives_everything(Side::Dst), &format!("channel 0-dst on server a {left}")).await;
    // Each is named.
    let run = run(&dtmf(), good().outlives_everything(Side::Src).outlives_everything(Side::Dst)).await;
    let named = run.evidence.facts.iter().filter_map(|fact| match &fact.what {
        Observation::Troubled(Trouble::ChannelLeft { channel, .. }) => Some(channel.as_str()),
        _ => None,
    });
    assert_eq!(named.collect::<Vec<_>>(), ["0-src", "0-dst"]);
}

#[tokio::test(start_paused = true)]
async fn a_command_that_is_refused_is_an_error_in_the_engines_words() {
    let commands = [
        (dtmf(), Side::Dst, CommandKind::Limit, "limit the duration of the call on bar"),
        (dtmf(), Side::Dst, CommandKind::Ring, "signal ringing on bar"),
        (dtmf(), Side::Dst, CommandKind::Answer, "answer the call on bar"),
        (dtmf(), Side::Dst, CommandKind::SendDigits, "send digits on bar"),
        (dtmf(), Side::Src, CommandKind::SendDigits, "send digits on foo"),
        (call(), Side::Dst, CommandKind::Reject, "reject the call on bar"),
        (audio(), Side::Dst, CommandKind::Say, "play a sound on bar"),
        (audio(), Side::Src, CommandKind::Say, "play a sound on foo"),
    ];
    for (test, side, kind, action) in commands {
        for (refused, why) in [(no(), no().to_string()), (unclear(), unclear().to_string())] {
            let story = good().refuses(side, kind, refused);
            is_error(test.clone(), story, &format!("could not {action}: {why}")).await;
        }
    }
    let story = good().loses_digit(Side::Src, 5).refuses(Side::Dst, CommandKind::FlushDigits, no());
    is_error(dtmf(), story, &format!("could not send silence on bar: {}", no())).await;
    for (side, name) in [(Side::Src, "at-src on foo"), (Side::Dst, "at-dst on bar")] {
        let story = good().refuses(side, CommandKind::Hear, no());
        is_error(audio(), story, &format!("the recording {name} failed: {}", no())).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_takes_too_long_is_an_error() {
    for (kind, action) in [(CommandKind::Ring, "signal ringing"), (CommandKind::Answer, "answer the call")] {
        let story = good().answers_command_after(Side::Dst, kind, ms(20_000));
        let reason = format!("could not {action} on bar: the server did not answer before the time was up");
        is_error(dtmf(), story, &reason).await;
    }
    let reason = "the time (10 s) was up while foo was busy with waiting for its turn to dial";
    is_error_on(a().permits_after(ms(20_000)), ring(), Story::of_call_out().rings(ms(100)), reason).await;
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_a_turn_is_not_the_far_ends_delay() {
    let world = World::of(Story::of_call_out().answers(ms(900))).with_server(a().permits_after(ms(3000)));
    passes(&Scene::in_world(world).run(&play().answered_within(1000)).await);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_lets_us_neither_listen_nor_dial_is_an_error() {
    let reason = format!("could not listen for calls on bar: {}", no());
    is_error_on(a().lets_nobody_listen(no()), dtmf(), good(), &reason).await;
    is_error_on(a().lets_nobody_listen(no()), wait(), Story::of_nothing(), &reason).await;
    is_error_on(a().permits_nothing(no()), dtmf(), good(), &format!("could not dial on foo: {}", no())).await;
    let refused = (Undialled::No { why: "403".into() }, "Asterisk refused to dial PJSIP/bar@far: 403");
    let lost =
        (Undialled::Unclear { why: "no answer".into() }, "cannot tell whether PJSIP/bar@far was dialled: no answer");
    for (why, reason) in [refused, lost] {
        is_error(dtmf(), good().refuses_to_dial(why.clone()), reason).await;
        is_error(dtmf(), good().refuses_to_dial(why).takes_to_dial(ms(3000)), reason).await;
    }
}

#[tokio::test(start_paused = true)]
async fn more_than_a_run_can_take_is_an_error() {
    let reason = "more events came in than the run could take; none is trusted any more";
    let flood = good().when(When::Happens(Side::Src, Sign::Answered)).then(Act::Flood(Side::Src, 5000));
    is_error(dtmf(), flood, reason).await;
    // Nor is anything trusted when that happens while the call is being ended.
    let late = good().when(When::SightAsked).then(Act::Flood(Side::Src, 5000));
    is_error(dtmf(), late, reason).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_ready_is_an_error_with_its_own_words() {
    let down = Unready::Down { why: "server a cannot be reached: connection refused".into() };
    let owned = Unready::OwnedByOther { owner: "that one".into(), why: "the app on server a is that one's".into() };
    for why in [down, owned] {
        is_error_on(a().is_unready(why.clone()), dtmf(), good(), &why.to_string()).await;
        // In mid-call, it takes no more commands of ours.
        let steps = [When::Listening("bar".into()), When::Dialled, When::Commanded(Side::Dst, CommandKind::Ring)];
        for at in steps {
            let story = good().when(at).then(Act::Ready("a".into(), Err(why.clone())));
            is_error(dtmf(), story, &why.to_string()).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_loses_its_links_is_an_error() {
    let after = ms(700);
    let stage = Scene::of(good()).leased_by(Arc::new(LosesLeases { after })).open(&[dtmf()]).await;
    let run = stage.run().await;
    check(&run, "error", "lost the lease on its links during the run");
    assert!(run.duration < ms(4000), "it got off its links after {:?}", run.duration);
    stage.close().await;
}

/// Leases that are lost so long after they were had.
struct LosesLeases {
    after: Duration,
}

struct Lost {
    after: Duration,
    held: Box<dyn LeaseSet>,
}

impl Leases for LosesLeases {
    fn acquire(&self, request: LeaseRequest) -> BoxFuture<'_, Box<dyn LeaseSet>> {
        Box::pin(async move {
            let held = LocalLeases::default().acquire(request).await;
            Box::new(Lost { after: self.after, held }) as Box<dyn LeaseSet>
        })
    }
}

impl LeaseSet for Lost {
    fn lost(&self) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(self.after))
    }

    fn release(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.held.release()
    }
}
