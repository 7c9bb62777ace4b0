//! Digits lost, doubled, changed, added, late and held back, in each direction.

use calltest_core::evidence::{Observation, Side};
use calltest_core::run::FinishedRun;
use calltest_engine::Command;
use calltest_engine::scripted::{Sign, Story};

use crate::modes::{Changed as _, dtmf, ms};
use crate::stage::{Scene, passes, run};

/// Spoils digits on their way to each side in turn; `received` tells what arrives, given what was sent, and `remark` what is
/// said of it.
async fn spoil(spoil: impl Fn(Story, Side) -> Story, received: impl Fn(&str) -> String, remark: &str) {
    for (to, link) in [(Side::Src, "foo"), (Side::Dst, "bar")] {
        let run = run(&dtmf(), spoil(Story::of_good_call(), to)).await;
        let sent = expected(&run, to);
        let side = to.word();
        let sentence = format!("{link} ({side}): expected digits {sent}, received {}{remark}", received(&sent));
        assert_eq!((run.verdict.word(), run.verdict.reason()), ("fail", Some(sentence)));
    }
}

fn expected(run: &FinishedRun, to: Side) -> String {
    run.expectation.digits_to(to).unwrap().digits.clone()
}

#[tokio::test(start_paused = true)]
async fn a_digit_lost_at_the_end_is_missing() {
    let remark = " until 3 s after the last was due: last digit missing";
    spoil(|story, to| story.loses_digit(to, 5), |sent| sent[..4].into(), remark).await;
}

#[tokio::test(start_paused = true)]
async fn no_digit_at_all_is_missing() {
    let all = |story: Story, to| (1..=5).fold(story, |story, place| story.loses_digit(to, place));
    spoil(all, |_| "none".into(), " until 3 s after the last was due").await;
}

#[tokio::test(start_paused = true)]
async fn a_digit_lost_of_a_pair_is_named_as_that() {
    let received = |sent: &str| format!("{}{}", &sent[..2], &sent[3..]);
    spoil(|story, to| story.loses_digit(to, 3), received, ": equal digits came in as one").await;
}

#[tokio::test(start_paused = true)]
async fn a_digit_changed_is_named_with_what_it_became() {
    let received = |sent: &str| format!("{}*{}", &sent[..1], &sent[2..]);
    spoil(|story, to| story.changes_digit(to, 2, '*'), received, ": number 2 came in as *").await;
}

#[tokio::test(start_paused = true)]
async fn a_digit_doubled_is_named_once_all_are_there() {
    let received = |sent: &str| format!("{}{sent}", &sent[..1]);
    spoil(|story, to| story.doubles_digit(to, 1), received, ": first digit twice").await;
}

// field telephony 21
#[tokio::test(start_paused = true)]
async fn every_digit_twice_is_told_from_one_that_is_wrong() {
    let all = |story: Story, to| (1..=5).fold(story, |story, place| story.doubles_digit(to, place));
    let received = |sent: &str| sent.chars().flat_map(|digit| [digit, digit]).collect();
    spoil(all, received, ": every digit twice").await;
}

// field telephony 21
#[tokio::test(start_paused = true)]
async fn both_directions_are_tried_before_a_word_is_said() {
    let story = Story::of_good_call().doubles_digit(Side::Src, 5).loses_digit(Side::Dst, 5);
    let run = run(&dtmf(), story).await;
    let (to_src, to_dst) = (expected(&run, Side::Src), expected(&run, Side::Dst));
    let sentence = format!(
        "foo (src): expected digits {to_src}, received {to_src}{}: last digit twice; bar (dst): expected digits {to_dst}, \
         received {}: last digit missing",
        &to_src[4..],
        &to_dst[..4]
    );
    assert_eq!((run.verdict.word(), run.verdict.reason()), ("fail", Some(sentence)));
}

#[tokio::test(start_paused = true)]
async fn the_last_digit_doubled_is_one_too_many() {
    let received = |sent: &str| format!("{sent}{}", &sent[4..]);
    spoil(|story, to| story.doubles_digit(to, 5), received, ": last digit twice").await;
}

#[tokio::test(start_paused = true)]
async fn a_digit_too_many_is_extra() {
    spoil(|story, to| story.adds_digit(to, '#'), |sent| format!("{sent}#"), ": more than were sent").await;
}

#[tokio::test(start_paused = true)]
async fn digits_may_repeat_where_that_is_allowed() {
    for to in [Side::Src, Side::Dst] {
        for place in [1, 5] {
            passes(&run(&dtmf().digits_may_repeat(), Story::of_good_call().doubles_digit(to, place)).await);
        }
        let run = run(&dtmf().digits_may_repeat(), Story::of_good_call().changes_digit(to, 2, '*')).await;
        assert!(run.verdict.reason().unwrap().ends_with(": number 2 came in as *"), "{:?}", run.verdict);
    }
}

#[tokio::test(start_paused = true)]
async fn a_digit_that_is_held_back_until_there_is_sound_comes_through() {
    let story = Story::of_good_call().holds_digits_back(Side::Src, 5).holds_digits_back(Side::Dst, 4);
    let stage = Scene::of(story).open(&[dtmf()]).await;
    let run = stage.run().await;
    passes(&run);
    for side in [Side::Src, Side::Dst] {
        let flushes = stage.world.commands(side).iter().filter(|command| **command == Command::FlushDigits).count();
        let silences = run.evidence.of(side).filter(|fact| fact.what == Observation::SilenceSent).count();
        assert_eq!((flushes, silences), (1, 1), "{side:?}");
    }
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_flushed_while_digits_come() {
    let stage = Scene::of(Story::of_good_call()).open(&[dtmf()]).await;
    passes(&stage.run().await);
    assert!(!stage.world.given().iter().any(|given| given.command == Command::FlushDigits));
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn digits_that_come_slowly_are_waited_for() {
    // Each comes 1.5 s after the one before: the last one 6 s late.
    let slowly = |story: Story, to| (2..=5).fold(story, |story, place| story.delays_digits(to, place, ms(1500)));
    for to in [Side::Src, Side::Dst] {
        passes(&run(&dtmf().lasts(30_000), slowly(Story::of_good_call(), to)).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_digit_that_comes_long_after_it_was_due_is_missing() {
    for (to, link) in [(Side::Src, "foo"), (Side::Dst, "bar")] {
        let run = run(&dtmf().lasts(30_000), Story::of_good_call().delays_digits(to, 5, ms(4000))).await;
        let sent = expected(&run, to);
        let sentence = format!(
            "{link} ({}): expected digits {sent}, received {} until 3 s after the last was due: last digit missing",
            to.word(),
            &sent[..4]
        );
        assert_eq!((run.verdict.word(), run.verdict.reason()), ("fail", Some(sentence)));
    }
}

#[tokio::test(start_paused = true)]
async fn digits_are_awaited_no_longer_than_the_run_may_last() {
    let run = run(&dtmf().lasts(2000), Story::of_good_call().loses_digit(Side::Src, 5)).await;
    let sent = expected(&run, Side::Src);
    let sentence = format!(
        "foo (src): expected digits {sent}, received {} before the deadline (2 s): last digit missing",
        &sent[..4]
    );
    assert_eq!((run.verdict.word(), run.verdict.reason()), ("fail", Some(sentence)));
}

#[tokio::test(start_paused = true)]
async fn a_digit_of_the_network_where_none_is_expected_is_taken_as_it_comes() {
    let story = Story::of_call_out().rings(ms(100)).answers(ms(200));
    let story = story
        .when(calltest_engine::scripted::When::Happens(Side::Src, Sign::Answered))
        .after(ms(100))
        .then(calltest_engine::scripted::Act::digit(Side::Src, '5'));
    passes(&run(&crate::modes::play(), story).await);
}
