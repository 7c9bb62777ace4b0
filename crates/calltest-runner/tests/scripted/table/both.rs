//! Tests of calls whose two ends are ours: `dtmf`, `call` and `audio`.

use calltest_core::evidence::{Observation, Side};
use calltest_core::plan::Presence::{Allowed, Forbidden, Required};
use calltest_core::plan::Rejection;
use calltest_engine::Undialled;
use calltest_engine::scripted::{Act, CommandKind, Sign, Story, When};

use super::{Row, hold, row};
use crate::modes::{Changed as _, audio, call, dtmf, ms};

fn good() -> Story {
    Story::of_good_call()
}

/// What all three have in common, told of `dtmf`.
fn arrivals() -> Vec<Row> {
    vec![
        row("it goes as it should", dtmf(), good(), "pass", ""),
        row(
            "another caller",
            dtmf(),
            good().shows_caller("+4940999"),
            "fail",
            "bar: expected caller ID +4930100, received +4940999",
        ),
        row(
            "another caller in national form",
            dtmf(),
            good().shows_caller("040999"),
            "fail",
            "bar: expected caller ID +4930100, received 040999, which reads as +4940999",
        ),
        row("the right caller in national form", dtmf(), good().shows_caller("030100"), "pass", ""),
        row(
            "no caller",
            dtmf(),
            good().shows_caller(""),
            "fail",
            "bar: expected caller ID +4930100, no caller ID received",
        ),
        row("another caller where nobody looks", dtmf().caller(""), good().shows_caller("040999"), "pass", ""),
        row("nobody knows whose call it is", dtmf(), good().arrives_as_anybodys(), "pass", ""),
        row("nobody shares the link, so the number does not matter", dtmf(), good().shows_dialled("9"), "pass", ""),
        row(
            "it never arrives",
            dtmf(),
            good().never_arrives(),
            "fail",
            "bar: no call arrived within 5 s; foo saw neither ringing, answer nor rejection",
        ),
        row(
            "it never arrives, though it rings",
            dtmf(),
            good().never_arrives().rings(ms(100)),
            "fail",
            "bar: no call arrived within 5 s; foo saw only ringing",
        ),
        row(
            "somebody else answers",
            dtmf(),
            good().never_arrives().rings(ms(100)).answers(ms(500)),
            "fail",
            "bar: no call arrived within 10 s; foo saw an answer",
        ),
        row(
            "somebody else answers and hangs up",
            dtmf(),
            good().never_arrives().answers(ms(500)).rejects(ms(900), 16, None),
            "fail",
            "foo: the call ended 0.40 s after the answer with 16 normal clearing, while waiting for the call to arrive",
        ),
        row(
            "it is rejected on its way",
            dtmf(),
            good().never_arrives().rejects(ms(500), 27, Some(503)),
            "fail",
            "foo: rejected after 0.50 s with 27 destination out of order (SIP 503), expected an answer",
        ),
        row(
            "it arrives after the time is up",
            dtmf().arrives_within(20_000),
            good().arrives_after(ms(10_001)),
            "error",
            "the call to arrive came in only after the time was up, so it cannot be told whether the network or this process was late",
        ),
        row(
            "it arrives where we do not wait",
            dtmf(),
            good().arrives_on("elsewhere"),
            "fail",
            "foo: PJSIP/bar@far came straight back to calltest: the dialplan has no such extension",
        ),
        row(
            "the endpoint is offline",
            dtmf(),
            good().refuses_to_dial(Undialled::Offline { endpoint: "PJSIP/far".into() }),
            "fail",
            "foo: endpoint PJSIP/far is offline",
        ),
    ]
}

fn of_a_call_that_is_answered() -> Vec<Row> {
    let hangs_up = |when, cause| good().when(when).then(Act::reject(cause, None));
    vec![
        row(
            "the answer gets lost",
            dtmf(),
            good().without(Side::Src, Sign::Answered),
            "fail",
            "foo: expected an answer, saw only ringing within 10 s",
        ),
        row(
            "the answer comes too late",
            dtmf().answered_within(1000),
            good().later(Side::Src, Sign::Answered, ms(1500)),
            "fail",
            "foo: expected an answer, saw only ringing within 1 s",
        ),
        row("the answer comes in time", dtmf().answered_within(1000), good(), "pass", ""),
        row(
            "our own end is not told that it is answered",
            dtmf(),
            good().without(Side::Dst, Sign::Answered),
            "error",
            "the time (10 s) was up while foo was busy with the answer",
        ),
        row(
            "ringing required, and lost",
            dtmf().ringing(Required),
            good().without(Side::Src, Sign::Ringing),
            "fail",
            "foo: expected ringing, was answered without",
        ),
        row("ringing lost where nobody looks", dtmf(), good().without(Side::Src, Sign::Ringing), "pass", ""),
        row(
            "ringing forbidden",
            dtmf().ringing(Forbidden),
            good(),
            "fail",
            "foo: rang 0.06 s after the call went out, expected no ringing",
        ),
        row(
            "early media forbidden, and the network makes some",
            dtmf().early_media(Forbidden),
            good().sends_early_media(ms(100)),
            "fail",
            "foo: early media 0.10 s after the call went out, expected none",
        ),
        row(
            "early media required, and there is none",
            dtmf().early_media(Required),
            good(),
            "fail",
            "foo: expected early media, was answered without",
        ),
        row(
            "hung up while it rings",
            dtmf(),
            good().when(When::Happens(Side::Src, Sign::Ringing)).after(ms(100)).then(Act::reject(34, Some(503))),
            "fail",
            "foo: rang, then rejected after 0.16 s with 34 no circuit available (SIP 503), expected an answer",
        ),
        row(
            "hung up before the digits",
            dtmf(),
            hangs_up(When::Happens(Side::Src, Sign::Answered), 38),
            "fail",
            "foo: the call ended 0 s after the answer with 38 network out of order",
        ),
        row(
            "hung up amid the digits",
            dtmf(),
            good().when(When::Happens(Side::Src, Sign::Digit)).for_the(2).then(Act::reject(16, None)),
            "fail",
            "foo: the call ended 0.52 s after the answer with 16 normal clearing, while waiting for digits",
        ),
        row(
            "hung up at our own end, and only that is told of it",
            dtmf(),
            good()
                .outlives_everything(Side::Src)
                .when(When::Happens(Side::Dst, Sign::Digit))
                .for_the(2)
                .then(Act::End(Side::Dst, calltest_core::cause::HangupCause(16).into())),
            "error",
            "channel 0-src on server a is still up although we hung it up: the story has it stay",
        ),
        row(
            "hung up at our own end first",
            dtmf(),
            good()
                .when(When::Happens(Side::Dst, Sign::Digit))
                .for_the(2)
                .then(Act::End(Side::Dst, calltest_core::cause::HangupCause(16).into())),
            "fail",
            "foo: the call ended 1.46 s after the answer with 16 normal clearing, while waiting for digits",
        ),
        row(
            "the far end hangs up just as we command",
            dtmf(),
            good()
                .when(When::Commanded(Side::Dst, CommandKind::Ring))
                .then(Act::reject(34, Some(503)))
                .without(Side::Src, Sign::Ringing),
            "fail",
            "foo: rejected after 0.04 s with 34 no circuit available (SIP 503), expected an answer",
        ),
        row(
            "everything is told twice",
            dtmf(),
            {
                let all = [Sign::Ringing, Sign::Answered, Sign::HangupRequest, Sign::Gone];
                let signs = all.into_iter().flat_map(|sign| [(Side::Src, sign), (Side::Dst, sign)]);
                signs.fold(good(), |story, (side, sign)| story.twice(side, sign))
            },
            "pass",
            "",
        ),
        row(
            "the end is told without a cause",
            dtmf(),
            good().ends_without_cause(Side::Src).ends_without_cause(Side::Dst),
            "pass",
            "",
        ),
        row(
            "a leg whose end is never told, with nothing missing",
            dtmf(),
            good().without(Side::Dst, Sign::Gone),
            "pass",
            "",
        ),
    ]
}

fn calls() -> Vec<Row> {
    let rejected = |with: Rejection, causes: &[&str]| call().rejected_with(with).causes(causes);
    vec![
        row("it rings", call(), good(), "pass", ""),
        row(
            "the ringing gets lost",
            call(),
            good().without(Side::Src, Sign::Ringing),
            "fail",
            "foo: expected ringing, saw neither ringing, answer nor rejection within 10 s",
        ),
        row(
            "the ringing becomes early media",
            call(),
            good().instead(Side::Src, Sign::Ringing, Observation::EarlyMedia),
            "fail",
            "foo: expected ringing, saw only early media within 10 s; `early_media_is_ringing: yes` takes that for ringing",
        ),
        row(
            "the ringing becomes early media, which counts",
            call().early_media_counts(),
            good().instead(Side::Src, Sign::Ringing, Observation::EarlyMedia),
            "pass",
            "",
        ),
        row(
            "early media required, there is none",
            call().early_media(Required),
            good(),
            "fail",
            "foo: expected early media, saw only ringing within 10 s",
        ),
        row(
            "early media required, the network makes some",
            call().early_media(Required),
            good().sends_early_media(ms(500)),
            "pass",
            "",
        ),
        row(
            "early media forbidden, the network makes some",
            call().early_media(Forbidden),
            good().sends_early_media(ms(100)),
            "fail",
            "foo: early media 0.10 s after the call went out, expected none",
        ),
        row(
            "somebody answers after the ringing",
            call().rings_for(1000),
            good().answers(ms(500)),
            "fail",
            "foo: answered 0.50 s after the call went out, expected no answer",
        ),
        row(
            "somebody answers in place of the ringing",
            call().ringing(Allowed),
            good().without(Side::Src, Sign::Ringing).answers(ms(100)),
            "fail",
            "foo: answered 0.10 s after the call went out, expected no answer",
        ),
        row(
            "the network rejects it before we do",
            call().rings_for(1000),
            good().rejects(ms(500), 41, Some(500)),
            "fail",
            "foo: the call ended 0.50 s after it went out with 41 temporary failure (SIP 500)",
        ),
        row("busy, as the caller has to see it", rejected(Rejection::Busy, &["SIP 486"]), good(), "pass", ""),
        row("congestion, as the caller has to see it", rejected(Rejection::Congestion, &["34"]), good(), "pass", ""),
        row("no answer, as the caller has to see it", rejected(Rejection::NoAnswer, &["SIP 480"]), good(), "pass", ""),
        row("rejected, as the caller has to see it", rejected(Rejection::Rejected, &["21"]), good(), "pass", ""),
        row("unallocated, as the caller has to see it", rejected(Rejection::Unallocated, &["1"]), good(), "pass", ""),
        row("declined, as the caller has to see it", rejected(Rejection::Normal, &["SIP 603"]), good(), "pass", ""),
        row(
            "another cause than the caller has to see",
            rejected(Rejection::Congestion, &["busy"]),
            good(),
            "fail",
            "foo: rejected after 0.26 s with 34 no circuit available (SIP 503), expected 17 user busy",
        ),
        row(
            "the rejection never reaches the caller, who has to see it",
            rejected(Rejection::Busy, &["busy"]),
            good().outlives_the_other(Side::Src),
            "fail",
            "foo: expected a rejection, saw only ringing within 10 s",
        ),
        row(
            "somebody answers after the rejection, which the caller has to see",
            rejected(Rejection::Busy, &["busy"]),
            good().outlives_the_other(Side::Src).answers(ms(800)),
            "fail",
            "foo: answered 0.80 s after the call went out, expected no answer",
        ),
    ]
}

fn audios() -> Vec<Row> {
    vec![
        row("it goes as it should", audio(), good(), "pass", ""),
        row(
            "the answer gets lost",
            audio(),
            good().without(Side::Src, Sign::Answered),
            "fail",
            "foo: expected an answer, saw only ringing within 10 s",
        ),
        row(
            "hung up while the callee plays",
            audio(),
            good().when(When::Happens(Side::Dst, Sign::PlaybackStarted)).after(ms(100)).then(Act::reject(16, None)),
            "fail",
            "foo: the call ended 0.31 s after the answer with 16 normal clearing, while waiting for a sound to end",
        ),
        row(
            "answered too late",
            audio().answered_within(1000),
            good().later(Side::Src, Sign::Answered, ms(2000)),
            "fail",
            "foo: expected an answer, saw only ringing within 1 s",
        ),
    ]
}

/// All of these.
pub(super) fn rows() -> Vec<Row> {
    [arrivals(), of_a_call_that_is_answered(), calls(), audios()].into_iter().flatten().collect()
}

#[tokio::test(start_paused = true)]
async fn of_arrivals() {
    hold(arrivals()).await;
}

#[tokio::test(start_paused = true)]
async fn of_dtmf() {
    hold(of_a_call_that_is_answered()).await;
}

#[tokio::test(start_paused = true)]
async fn of_call() {
    hold(calls()).await;
}

#[tokio::test(start_paused = true)]
async fn of_audio() {
    hold(audios()).await;
}
