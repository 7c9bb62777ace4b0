//! How the call arrives: when, how often, what it shows of its caller, and what was dialled on with to get there.

use calltest_core::caller::ExpectedCaller;
use calltest_core::code::Code;
use calltest_core::evidence::{Observation, Side};
use calltest_core::number_rule::Pattern;
use calltest_core::plan::CallTest;
use calltest_core::verdict::Note;
use calltest_engine::scripted::{Act, CommandKind, Incoming, Story, When, Whose};
use calltest_engine::{Command, Refused};

use crate::modes::{Changed as _, answer, call, dtmf, ms, play};
use crate::stage::{DST, SRC_NUMBER, Scene, check, passes, run};

// field telephony 2 | An announcement answers, and the call arrives behind it | pass within `timeout` | a limit of its own, kept and not; nothing answers; it never arrives
#[tokio::test(start_paused = true)]
async fn behind_something_that_answers_the_call_may_take_its_time() {
    let announced = |milliseconds| Story::of_good_call().answers(ms(100)).arrives_after(ms(milliseconds));
    passes(&run(&dtmf().lasts(25_000), announced(8000)).await);
    passes(&run(&dtmf().lasts(25_000).arrives_within(9000), announced(8000)).await);
    let late = run(&dtmf().lasts(25_000).arrives_within(7000), announced(8000)).await;
    check(&late, "fail", "bar: no call arrived within 7 s; foo saw an answer");
    let never = run(&dtmf().lasts(12_000), Story::of_good_call().answers(ms(100)).never_arrives()).await;
    check(&never, "fail", "bar: no call arrived within 12 s; foo saw an answer");
}

// field telephony 2
#[tokio::test(start_paused = true)]
async fn where_nothing_answers_the_call_has_to_arrive_soon() {
    let slow = |milliseconds| Story::of_good_call().arrives_after(ms(milliseconds));
    passes(&run(&call(), slow(4500)).await);
    let late = run(&call(), slow(6000)).await;
    check(&late, "fail", "bar: no call arrived within 5 s; foo saw neither ringing, answer nor rejection");
    passes(&run(&call().arrives_within(8000), slow(6000)).await);
    let rings = run(&call().arrives_within(2000), slow(3000).rings(ms(100))).await;
    check(&rings, "fail", "bar: no call arrived within 2 s; foo saw only ringing");
}

/// The call once more, so long after it has arrived.
fn again(story: Story, milliseconds: u64, caller: &str) -> Story {
    let branch = Incoming::on(DST).from(caller).of(Whose::Unknown);
    story.when(When::Arrived).after(ms(milliseconds)).then(Act::Arrive(branch))
}

// field telephony 8 | The call is delivered twice, by a fork or a ring group | pass with a note; `fail` with `duplicates: forbidden` | three times; after the answer; two callers of one number; another caller; a withheld number
#[tokio::test(start_paused = true)]
async fn branches_of_one_call_are_told_from_calls_of_others() {
    let forked = |milliseconds| again(Story::of_good_call().arrives_as_anybodys(), milliseconds, SRC_NUMBER);
    for milliseconds in [10, 100, 500] {
        let run = run(&dtmf(), forked(milliseconds)).await;
        passes(&run);
        assert_eq!(run.notes, [Note::Duplicates { link: DST.into(), count: 1 }], "{milliseconds}");
    }
    let thrice = run(&call(), again(forked(10), 20, SRC_NUMBER)).await;
    passes(&thrice);
    assert_eq!(thrice.notes, [Note::Duplicates { link: DST.into(), count: 2 }]);

    let single = |test: CallTest| test.changed(|test| test.arrival.is_single = true);
    let twice = run(&single(dtmf()), forked(10)).await;
    check(&twice, "fail", "bar: the call was delivered once more, expected it to arrive but once");
    assert_eq!(twice.verdict.code(), Some(Code::DeliveredTwice));
    passes(&run(&single(dtmf()), Story::of_good_call()).await);

    // Another caller is a stranger, as ever.
    let stranger = run(&dtmf(), again(Story::of_good_call().arrives_as_anybodys(), 10, "+4940")).await;
    passes(&stranger);
    assert!(matches!(stranger.notes[..], [Note::Stranger { .. }]), "{:?}", stranger.notes);

    // Who calls is not checked: what looks alike is a branch, and what does not may be the right call.
    let anybody = run(&dtmf().caller(""), forked(10)).await;
    passes(&anybody);
    let other = run(&dtmf().caller(""), again(Story::of_good_call().arrives_as_anybodys(), 10, "+4940")).await;
    assert_eq!(other.verdict.code(), Some(Code::TwoCallsFit), "{:?}", other.verdict);

    // Nobody can tell one withheld number from another.
    let nobodys = Story::of_good_call().arrives_as_anybodys().shows_caller("anonymous");
    let withheld = run(&dtmf().sees(Some(ExpectedCaller::Withheld)), again(nobodys, 10, "anonymous")).await;
    assert_eq!(withheld.verdict.code(), Some(Code::TwoCallsFit), "{:?}", withheld.verdict);
}

// field telephony 6 | A number that comes along and is not to be shown (CLIR) | no number check passes; `callerid: anonymous` does | a word in place of it; none at all; a number that is shown; nobody knows
#[tokio::test(start_paused = true)]
async fn a_withheld_number_passes_no_check_but_that_it_is_withheld() {
    let hidden = || Story::of_good_call().identifies(Ok(vec![Observation::NumberWithheld]));
    let checked = run(&dtmf(), hidden()).await;
    let sentence = format!(
        "bar: expected caller ID {SRC_NUMBER}, the number is withheld: {SRC_NUMBER} came along, but is not to be shown"
    );
    check(&checked, "fail", &sentence);
    assert_eq!(checked.verdict.code(), Some(Code::CallerIdWithheld));
    passes(&run(&dtmf().caller(""), hidden()).await);

    let withheld = || dtmf().sees(Some(ExpectedCaller::Withheld));
    passes(&run(&withheld(), hidden()).await);
    passes(&run(&withheld(), Story::of_good_call().shows_caller("anonymous")).await);
    passes(&run(&withheld(), Story::of_good_call().shows_caller("")).await);
    let shown = run(&withheld(), Story::of_good_call()).await;
    check(&shown, "fail", &format!("bar: expected the caller ID to be withheld, received {SRC_NUMBER}"));
    assert_eq!(shown.verdict.code(), Some(Code::CallerIdShown));

    let unknown = Story::of_good_call().identifies(Err(Refused::No { why: "no".into() }));
    check(&run(&dtmf(), unknown).await, "error", "could not learn who calls on bar: no");
}

// field telephony 42
#[tokio::test(start_paused = true)]
async fn what_the_callee_has_to_see_need_not_be_the_number_of_the_source() {
    let pattern = |text| Some(ExpectedCaller::Pattern(Pattern::parse(text).unwrap()));
    passes(&run(&dtmf().sees(pattern("_+4930!")), Story::of_good_call()).await);
    let other = run(&dtmf().sees(pattern("_+4940!")), Story::of_good_call()).await;
    check(&other, "fail", &format!("bar: expected caller ID _+4940!, received {SRC_NUMBER}"));
}

// field telephony 44 | An arriving call that was diverted, or was not | a fact; `diverted_from` asks for it | from another number; of any reason; not diverted
#[tokio::test(start_paused = true)]
async fn a_diversion_can_be_asked_for() {
    let diverted = |from: &str| {
        let what = Observation::Diverted { from: from.into(), reason: "cfb".into() };
        Story::of_good_call().identifies(Ok(vec![what]))
    };
    let from =
        |pattern: &str| call().changed(|test| test.arrival.diverted_from = vec![Pattern::parse(pattern).unwrap()]);
    passes(&run(&from("_+4940!"), diverted("+49401")).await);
    passes(&run(&call(), diverted("+49401")).await);
    let other = run(&from("_+4940!"), diverted("+49301")).await;
    check(&other, "fail", "bar: expected a call diverted from _+4940!, it was diverted from +49301");
    let none = run(&from("_+4940!"), Story::of_good_call()).await;
    check(&none, "fail", "bar: expected a call diverted from _+4940!, it says nothing of a diversion");
    assert_eq!(none.verdict.code(), Some(Code::NotDiverted));
}

// field telephony 45 | An attendant answers, and wants digits before it connects | `number: NUMBER,,12#` gets behind it | pauses alone; a rejection meanwhile; a call that needs none; mode `play`
#[tokio::test(start_paused = true)]
async fn an_attendant_gets_its_digits() {
    let sent = |stage: &crate::stage::Stage| -> Vec<String> {
        let commands = stage.world.commands(Side::Src).into_iter();
        let digits = commands.filter_map(|command| match command {
            Command::SendDigits { digits, .. } => Some(digits),
            _ => None,
        });
        digits.collect()
    };
    // It connects once it has the last of them.
    let attendant = || {
        let story = Story::of_good_call().never_arrives().answers(ms(100));
        let digits = When::Commanded(Side::Src, CommandKind::SendDigits);
        let connected = Incoming::on(DST).from(SRC_NUMBER).of(Whose::TheRuns);
        story.when(digits).for_the(2).after(ms(50)).then(Act::Arrive(connected))
    };
    let stage = Scene::of(attendant()).open(&[call().dials_on(",,12,3#")]).await;
    let run_of_call = stage.run().await;
    assert_eq!(sent(&stage), ["12", "3#"]);
    assert!(run_of_call.evidence.arrived().is_some(), "{:?}", run_of_call.verdict);
    stage.close().await;

    let stage = Scene::of(Story::of_good_call()).open(&[dtmf().dials_on(",,12")]).await;
    passes(&stage.run().await);
    assert!(!sent(&stage).contains(&"12".to_owned()), "the call arrived before anything had answered");
    stage.close().await;

    let stage = Scene::of(Story::of_call_out().answers(ms(100))).open(&[play().dials_on(",5,*")]).await;
    passes(&stage.run().await);
    assert_eq!(sent(&stage), ["5", "*"]);
    stage.close().await;

    let hangs_up = Story::of_call_out().answers(ms(100)).rejects(ms(700), 16, None);
    let run = run(&play().dials_on(",,,1"), hangs_up).await;
    assert_eq!(run.verdict.code(), Some(Code::HungUpEarly), "{:?}", run.verdict);
}

// field telephony 9 | Early media and no ringing, with `early_media_is_ringing` | a note; a rejection within `delay.ring` fails | ringing as well; mode `call`
#[tokio::test(start_paused = true)]
async fn early_media_stands_for_ringing_only_with_a_note() {
    let ring = || crate::modes::ring().early_media_counts().rings_for(5000);
    let heard = run(&ring(), Story::of_call_out().sends_early_media(ms(100))).await;
    passes(&heard);
    assert_eq!(heard.notes, [Note::RingingByEarlyMedia]);
    let rejected = run(&ring(), Story::of_call_out().sends_early_media(ms(100)).rejects(ms(4000), 1, Some(404))).await;
    assert_eq!(rejected.verdict.word(), "fail", "{:?}", rejected.verdict);
    let rang = run(&ring(), Story::of_call_out().sends_early_media(ms(100)).rings(ms(200))).await;
    passes(&rang);
    assert_eq!(rang.notes, []);
    passes(&run(&answer(), Story::of_call_in(Incoming::on(DST))).await);
}
