//! Is what both ends saw one call? A stranger's call in place of ours proves nothing, and our own rejection is not the
//! network's.

use calltest_core::evidence::{Observation, Side};
use calltest_core::plan::CallTest;
use calltest_engine::scripted::{Act, Incoming, Story, When};

use crate::modes::{Changed as _, audio, call, dtmf, fail, ms, ring, timeout};
use crate::stage::{SRC_NUMBER, check, passes, run};

const STRANGER: &str = "+4966666";

/// Our call rings somewhere else for a long time, and this one comes in so long after it went out.
fn elsewhere(rings: u64, stranger: u64, from: &str) -> Story {
    let story = Story::of_good_call().never_arrives().rings(ms(rings));
    story.when(When::Dialled).after(ms(stranger)).then(Act::Arrive(Incoming::on("bar").from(from)))
}

fn unchecked(test: CallTest) -> CallTest {
    test.caller("")
}

fn other_call(why: &str) -> String {
    format!(
        "the call that came in on bar seems to be another one than went out on foo: {why}; see where the dialled number \
         leads, and who else calls bar"
    )
}

#[tokio::test(start_paused = true)]
async fn a_strangers_call_is_no_pass_where_ours_rings_elsewhere() {
    let before = other_call("foo rang 0.4 s before bar did, and foo rang on for 5.3 s after bar had rejected it");
    check(&run(&unchecked(call()), elsewhere(100, 500, STRANGER)).await, "error", &before);
    // Its caller ID is forged.
    check(&run(&call(), elsewhere(100, 500, SRC_NUMBER)).await, "error", &before);
    let unchecked_one = other_call("foo rang on for 5.3 s after bar had rejected it, and no caller ID is checked");
    check(&run(&unchecked(call()), elsewhere(600, 500, STRANGER)).await, "error", &unchecked_one);
}

/// A telephone system that gives a ringing tone of its own, forwards a busy call, or tells of it by a tone.
// field attack 6
#[tokio::test(start_paused = true)]
async fn networks_that_ring_early_or_forward_the_call_have_one_call_all_the_same() {
    let early =
        || Story::of_good_call().when(When::Dialled).tell(Side::Src, Observation::Ringing).arrives_after(ms(500));
    let forwarding = || Story::of_good_call().outlives_the_other(Side::Src);
    let to_machine = |story: Story| story.when(When::Dialled).after(ms(900)).tell(Side::Src, Observation::Answered);
    let by_tone = |story: Story| story.when(When::Dialled).tell(Side::Src, Observation::EarlyMedia);
    for test in [call(), unchecked(call())] {
        passes(&run(&test, early()).await);
        passes(&run(&test, by_tone(forwarding())).await);
        passes(&run(&test, by_tone(forwarding()).when(When::Dialled).tell(Side::Src, Observation::Ringing)).await);
    }
    // Who shows the right number is believed, even where nothing is seen of the rejection.
    passes(&run(&call(), forwarding()).await);
    passes(&run(&unchecked(call()), to_machine(forwarding())).await);
}

/// Someone else answers our call, and a stranger's is answered by us.
// field attack 6
#[tokio::test(start_paused = true)]
async fn an_answer_elsewhere_is_no_pass() {
    let answered = || elsewhere(50, 500, SRC_NUMBER).answers(ms(100));
    let why = other_call("foo was answered 0.6 s before bar answered, and bar stayed up when foo hung up");
    check(&run(&audio(), answered()).await, "error", &why);
    check(&run(&unchecked(audio()), answered()).await, "error", &why);
    let early = Story::of_good_call().when(When::Dialled).tell(Side::Src, Observation::Answered);
    passes(&run(&audio(), early).await);
    // Digits prove more.
    let early = || Story::of_good_call().when(When::Dialled).tell(Side::Src, Observation::Answered);
    passes(&run(&dtmf(), early().outlives_the_other(Side::Dst)).await);
}

fn rejected_here(caller: &str, dialled: &str) -> String {
    format!(
        "a call from {caller} came in on link lost for {dialled} meanwhile, and was rejected as busy since no test waits \
         there: what foo saw may be that rejection; use a number that does not lead to a link of ours, or have a test wait \
         for the call"
    )
}

/// The number leads to one of our own links, where no test waits.
#[tokio::test(start_paused = true)]
async fn our_own_rejection_is_not_the_networks() {
    let back = |caller: &str, dialled: &str| {
        let incoming = Incoming::on("lost").from(caller).to(dialled);
        Story::of_call_out().when(When::Dialled).after(ms(100)).then(Act::Arrive(incoming)).rejects(
            ms(200),
            17,
            Some(486),
        )
    };
    // By the number dialled, by the caller, and by nothing at all.
    for (caller, dialled) in [("+4966666", "+491"), (SRC_NUMBER, "4712"), ("anonymous", "1"), ("", "s")] {
        let reason = rejected_here(if caller.is_empty() { "no number" } else { caller }, dialled);
        check(&run(&fail(), back(caller, dialled)).await, "error", &reason);
        check(&run(&ring(), back(caller, dialled)).await, "error", &reason);
    }
    let rings = |story: Story| story.when(When::Dialled).tell(Side::Src, Observation::Ringing);
    check(&run(&timeout(), rings(back("", "1"))).await, "error", &rejected_here("no number", "1"));
    // A reason that is not ours is the network's, and who comes in on no link at all is nobody's call.
    let own = |link: &str, cause, sip| {
        let incoming = Incoming::on(link).from("").to("");
        Story::of_call_out().when(When::Dialled).after(ms(100)).then(Act::Arrive(incoming)).rejects(ms(200), cause, sip)
    };
    passes(&run(&fail(), own("lost", 21, Some(603))).await);
    passes(&run(&fail(), own("", 17, Some(486))).await);
    // Whoever just calls one of our links at that moment is no concern of this test's.
    passes(&run(&fail(), back("+4966666", "4712")).await);
}

/// What comes in after the rejection did not cause it, and a call that has rung is rejected by nobody.
#[tokio::test(start_paused = true)]
async fn a_call_that_comes_later_or_ends_otherwise_is_not_doubted() {
    let incoming = || Act::Arrive(Incoming::on("lost").from(SRC_NUMBER).to("1"));
    let later =
        Story::of_call_out().rejects(ms(100), 17, Some(486)).when(When::Dialled).after(ms(150)).then(incoming());
    passes(&run(&fail(), later).await);
    let rings = Story::of_call_out().rings(ms(50)).when(When::Dialled).after(ms(100)).then(incoming());
    passes(&run(&ring(), rings).await);
}
