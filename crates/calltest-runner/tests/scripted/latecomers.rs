//! Things that are told late: as the time is up, after the script has ended, or when a leg was over already.

use calltest_core::evidence::{Observation, Side};
use calltest_core::plan::CallTest;
use calltest_core::plan::Presence::{Forbidden, Required};
use calltest_engine::scripted::{Act, CommandKind, Incoming, Sign, Story, When};

use crate::modes::{Changed as _, call, dtmf, fail, ms, play, record, ring, timeout, wait};
use crate::stage::{check, passes, run};

/// What the script waited for comes just after its time was up, while the call is being ended. Then nobody can tell whose
/// delay it was.
async fn comes_late(test: CallTest, story: Story, act: Act, what: &str) {
    let begun = if test.route.src().is_some() { When::Dialled } else { When::Listening("bar".into()) };
    let limit = match (test.requirements.answer_within, test.route.mode()) {
        (Some(within), _) => within,
        (None, "timeout") => ms(30_000),
        (None, _) => test.timeout,
    };
    let run = run(&test, story.when(begun).after(limit + ms(1)).then(act)).await;
    let reason = format!(
        "{what} came in only after the time was up, so it cannot be told whether the network or this process was late"
    );
    check(&run, "error", &reason);
}

fn tell(what: Observation) -> Act {
    Act::Tell(Side::Src, what)
}

fn out() -> Story {
    Story::of_call_out().rings(ms(100))
}

#[tokio::test(start_paused = true)]
async fn what_comes_as_soon_as_the_time_is_up_is_no_failure() {
    comes_late(ring(), Story::of_call_out(), tell(Observation::Ringing), "ringing").await;
    comes_late(ring(), Story::of_call_out(), tell(Observation::Answered), "ringing").await;
    comes_late(timeout(), Story::of_call_out(), tell(Observation::Ringing), "ringing").await;
    comes_late(ring().early_media(Required), out(), tell(Observation::EarlyMedia), "early media").await;
    comes_late(play(), out(), tell(Observation::Answered), "the answer").await;
    comes_late(play().answered_within(1000), out(), tell(Observation::Answered), "the answer").await;
    let counts = ring().early_media_counts();
    comes_late(counts, Story::of_call_out(), tell(Observation::EarlyMedia), "ringing").await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_comes_or_ends_as_soon_as_the_time_is_up_is_no_failure() {
    let caller = || Story::of_call_in(Incoming::on("bar"));
    let end = "the caller to hang up or press #";
    comes_late(record(), caller(), Act::digit(Side::Dst, '#'), end).await;
    comes_late(wait(), Story::of_nothing(), Act::Arrive(Incoming::on("bar")), "the call to arrive").await;
}

/// Nobody waits for ever for a call that was answered, and that may be on its way to us still.
#[tokio::test(start_paused = true)]
async fn a_call_that_arrives_after_it_was_given_up_is_no_failure() {
    let story = Story::of_good_call().arrives_after(ms(5002)).answers(ms(500));
    let reason = "the call to arrive came in only after the time was up, so it cannot be told whether the network or \
                  this process was late";
    check(&run(&dtmf().arrives_within(5000), story).await, "error", reason);
}

#[tokio::test(start_paused = true)]
async fn digits_that_come_as_soon_as_the_time_is_up_are_no_failure() {
    // The last digit comes 1 ms after it was overdue.
    for to in [Side::Src, Side::Dst] {
        let run = run(&dtmf(), Story::of_good_call().delays_digits(to, 5, ms(3081))).await;
        let reason = "digits came in only after the time was up, so it cannot be told whether the network or this \
                      process was late";
        check(&run, "error", reason);
    }
}

/// What a script did not wait for, and what comes while we end the call ourselves, speaks against nobody.
#[tokio::test(start_paused = true)]
async fn what_comes_after_the_script_convicts_nobody() {
    let late = |story: Story, act| story.when(When::HungUp(Side::Src)).after(ms(1)).then(act);
    let rejected = When::Commanded(Side::Dst, CommandKind::Reject);
    let answered = Story::of_good_call().when(rejected).after(ms(1)).tell(Side::Src, Observation::Answered);
    passes(&run(&call(), answered).await);
    passes(&run(&dtmf(), late(Story::of_good_call(), Act::digit(Side::Src, '9'))).await);
    let quiet = || ring().early_media(Forbidden);
    passes(&run(&quiet(), late(out(), tell(Observation::EarlyMedia))).await);
    passes(&run(&quiet(), late(out(), Act::reject(17, Some(486)))).await);
    passes(&run(&play(), late(out().answers(ms(200)), Act::reject(38, None))).await);
}

/// A leg that was over does nothing new, so what is told of it afterwards had happened before.
#[tokio::test(start_paused = true)]
async fn what_is_told_late_of_a_leg_that_was_over_counts() {
    let story = Story::of_call_out().answers(ms(300)).rejects(ms(400), 17, Some(486)).told_later(
        Side::Src,
        Sign::Answered,
        ms(101),
    );
    let run = run(&fail(), story).await;
    check(&run, "fail", "foo: answered 0.30 s after the call went out, expected no answer");
}

/// Spans on one leg are by the server's clock, whenever we hear of things.
#[tokio::test(start_paused = true)]
async fn times_are_those_of_the_server() {
    let rejected = || Story::of_call_out().rings(ms(200)).rejects(ms(1190), 19, Some(480));
    let early = "foo: rejected after 0.99 s of ringing with 19 no answer (SIP 480), expected between 1 s and 10 s";
    // We hear of the rejection so late that it seems to be in time.
    check(&run(&timeout(), rejected().told_later(Side::Src, Sign::HangupRequest, ms(4))).await, "fail", early);
    check(&run(&timeout(), rejected()).await, "fail", early);
    // We hear of the ringing so late that the rejection seems to be too early.
    let story = Story::of_call_out().rings(ms(200)).rejects(ms(1300), 19, Some(480));
    passes(&run(&timeout(), story.clone().told_later(Side::Src, Sign::Ringing, ms(500))).await);
    // Without stamps there is only our own clock.
    let unstamped = story.told_later(Side::Src, Sign::Ringing, ms(500)).unstamped(Side::Src, Sign::HangupRequest);
    let by_ours = "foo: rejected after 0.60 s of ringing with 19 no answer (SIP 480), expected between 1 s and 10 s";
    check(&run(&timeout(), unstamped).await, "fail", by_ours);
}
