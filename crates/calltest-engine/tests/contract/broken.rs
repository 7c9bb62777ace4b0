//! Each promise is broken once, on purpose, so that it is certain that its function would see it.

use std::time::Duration;

use calltest_core::evidence::{Observation, Side};
use calltest_engine::scripted::{Act, CommandKind, Recorded, ScriptedServer, SightScript, Sign, Story, When};
use calltest_engine::{Refused, Unready, contract};

use crate::bench::{Parts, ScriptedBench};

/// A test that breaks something, and expects the promise to say so.
macro_rules! are_seen {
    ($($promise:ident: $what:expr => $said:literal;)*) => {
        $(
            #[tokio::test(start_paused = true)]
            #[should_panic(expected = $said)]
            async fn $promise() {
                contract::$promise(&ScriptedBench::of($what).await).await;
            }
        )*
    };
}

fn through(change: impl FnOnce(Story) -> Story) -> Parts {
    let parts = Parts::default();
    Parts { through: change(parts.through), ..parts }
}

fn rings(change: impl FnOnce(Story) -> Story) -> Parts {
    let parts = Parts::default();
    Parts { rings: change(parts.rings), ..parts }
}

fn server(change: impl FnOnce(ScriptedServer) -> ScriptedServer) -> Parts {
    let parts = Parts::default();
    Parts { server: change(parts.server), ..parts }
}

fn no() -> Refused {
    Refused::No { why: "it is broken".into() }
}

/// An engine that takes commands of a call out although that has not been answered.
fn opens_early(story: Story) -> Story {
    story.without(Side::Src, Sign::Answered).when(When::Dialled).tell(Side::Src, Observation::Answered)
}

are_seen! {
    a_call_ends_at_its_limit: rings(|story| story.outlives_everything(Side::Src)) => "the end was never told of Src";
    a_call_is_told_before_it_is_rejected: through(|story| {
        story.when(When::Arrived).then(Act::reject(17, Some(486)))
    }) => "a call that nobody has rejected has ended";
    a_call_tells_what_happened_before_it_was_claimed: through(|story| {
        story.without(Side::Dst, Sign::Gone)
    }) => "the end was never told of Dst";
    a_call_that_nobody_takes_is_turned_away: through(|story| {
        story.outlives_everything(Side::Dst)
    }) => "the end was never told of Src";
    a_call_that_was_answered_by_us_is_told_at_both_ends: through(|story| {
        story.without(Side::Dst, Sign::Answered)
    }) => "the answer was never told of Dst";
    a_clean_up_leaves_nothing: server(|server| server.is_not_cleaned(no())) => "the clean-up came to Err";
    a_dropped_dialling_is_hung_up: rings(|story| story.outlives_everything(Side::Src)) => "1 still up";
    a_dropped_leg_is_hung_up: rings(|story| story.outlives_everything(Side::Src)) => "1 still up";
    a_leg_ends_once: through(|story| story.twice(Side::Dst, Sign::Gone)) => "ends told of Dst";
    a_leg_tells_things_in_their_order: through(|story| {
        story.told_later(Side::Src, Sign::Ringing, Duration::from_secs(1))
    }) => "told out of order";
    a_leg_that_is_over_says_so_after_its_end: through(|story| {
        story.without(Side::Dst, Sign::Gone).without(Side::Dst, Sign::HangupRequest)
    }) => "a leg said that it is over before its end was told";
    a_limit_is_taken: through(|story| story.refuses(Side::Dst, CommandKind::Limit, no())) => "refused Limit";
    a_permit_alone_calls_nobody: server(|server| server.permits_nothing(no())) => "a connected engine lets calls out";
    a_rejection_tells_its_cause: Parts {
        is_busy: Parts::default().is_busy.ends_without_cause(Side::Src), ..Parts::default()
    } => "a busy far end was not told as busy";
    a_server_in_sight_says_how_well: server(|server| server.is_seen(SightScript::lost())) => "gave no sign of life";
    commands_wait_until_the_leg_takes_them: through(opens_early) => "a leg that is not answered took digits";
    digits_arrive_as_they_were_sent: through(|story| story.loses_digit(Side::Dst, 5)) => "digits sent by Src";
    each_rejection_is_taken: through(|story| {
        story.refuses(Side::Dst, CommandKind::Reject, no())
    }) => "refused Reject(Busy)";
    what_happens_after_dialling_is_told: rings(|story| {
        story.without(Side::Src, Sign::Ringing)
    }) => "ringing was never told of Src";
    what_was_heard_is_fetched_after_the_end: through(|story| {
        story.forgets_what_it_heard(Side::Dst)
    }) => "a recording was begun";
    what_was_heard_is_fetched_once: through(|story| {
        story.records(Side::Src, Recorded::Missing { why: "it is broken".into() })
    }) => "a recording that was begun is there";
    nothing_is_fetched_where_nothing_was_begun: through(|story| {
        story.records(Side::Src, Recorded::Unasked)
    }) => "nobody has asked for a recording";
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "an engine that has just connected is not ready")]
async fn a_connected_engine_is_ready() {
    let bench = ScriptedBench::good().await;
    let down = Unready::Down { why: "it is broken".into() };
    bench.world().act(Act::Ready("a".into(), Err(down)));
    tokio::time::sleep(Duration::from_millis(1)).await;
    contract::a_connected_engine_is_ready(&bench).await;
}
