//! Tests that wait for a call: `wait`, `answer` and `record`.

use calltest_core::cause::HangupCause;
use calltest_core::evidence::{Observation, Side};
use calltest_core::plan::Rejection;
use calltest_engine::scripted::{Act, CommandKind, Incoming, Moment, Recorded, Sign, Story, When};

use super::{Row, hold, row};
use crate::modes::{Changed as _, answer, ms, record, wait};

/// Somebody calls.
fn calls() -> Story {
    Story::of_call_in(Incoming::on("bar").from("+4930555"))
}

fn ring() -> When {
    When::Commanded(Side::Dst, CommandKind::Ring)
}

/// So long after it has begun to ring.
fn rung(milliseconds: u64) -> Moment {
    calls().when(ring()).after(ms(milliseconds))
}

/// It rings for a while, then it is gone.
fn vanishes() -> Story {
    rung(500).then(Act::End(Side::Dst, HangupCause(16).into())).ends_without_cause(Side::Dst)
}

fn no_cause() -> Observation {
    Observation::HangupRequest { end: HangupCause::NOT_TOLD.into(), is_soft: false }
}

fn waits() -> Vec<Row> {
    vec![
        row("somebody calls", wait(), calls(), "pass", ""),
        row(
            "somebody calls, and is told of congestion",
            wait().rejected_with(Rejection::Congestion),
            calls(),
            "pass",
            "",
        ),
        row("nobody calls", wait(), Story::of_nothing(), "fail", "bar: no call arrived within 10 s"),
        row("the right caller", wait().caller("+4930555"), calls(), "pass", ""),
        row("the right end of the caller's number", wait().caller("555"), calls(), "pass", ""),
        row(
            "another caller",
            wait().caller("+4930556"),
            calls(),
            "fail",
            "bar: expected caller ID +4930556, received +4930555",
        ),
        row(
            "another end of the caller's number",
            wait().caller("556"),
            calls(),
            "fail",
            "bar: expected caller ID 556, received +4930555, which does not end with it",
        ),
        row(
            "a caller of no number",
            wait().caller("556"),
            Story::of_call_in(Incoming::on("bar")),
            "fail",
            "bar: expected caller ID 556, no caller ID received",
        ),
        row(
            "the caller gives up while it rings",
            wait().rings_for(3000),
            calls()
                .when(When::Commanded(Side::Dst, CommandKind::Ring))
                .after(ms(500))
                .then(calltest_engine::scripted::Act::End(Side::Dst, calltest_core::cause::HangupCause(16).into())),
            "fail",
            "bar: the caller gave the call up 0.50 s after it arrived, with 16 normal clearing",
        ),
        row(
            "somebody else takes the call",
            wait().rings_for(3000),
            calls()
                .when(When::Commanded(Side::Dst, CommandKind::Ring))
                .after(ms(500))
                .then(calltest_engine::scripted::Act::End(Side::Dst, calltest_core::cause::HangupCause(26).into())),
            "fail",
            "bar: the call was answered elsewhere, 0.50 s after it arrived",
        ),
        row(
            "the caller gives up, and no cause is told",
            wait().rings_for(3000),
            rung(490)
                .tell(Side::Dst, no_cause())
                .when(ring())
                .after(ms(500))
                .tell(Side::Dst, Observation::Gone { end: None }),
            "fail",
            "bar: the caller gave the call up 0.49 s after it arrived, with 16 normal clearing",
        ),
        row(
            "it is gone, and nobody has asked for that",
            wait().rings_for(3000),
            vanishes(),
            "error",
            "bar: somebody or something at our own server took it out of our hands, or ended it by a limit, which is not the \
             network's doing; look for who uses its command line, ARI or AMI",
        ),
        row(
            "a trigger that is still at work when the time is up",
            wait().triggered_by(&["sleep", "1000"]),
            Story::of_nothing(),
            "error",
            "no call arrived on bar within 10 s, but the trigger had not finished either: `sleep`",
        ),
        row(
            "a wrong number calls while the trigger is still at work",
            wait().caller("+4930556").triggered_by(&["sleep", "1000"]),
            calls(),
            "fail",
            "bar: expected caller ID +4930556, received +4930555",
        ),
        row(
            "a trigger that cannot be started",
            wait().triggered_by(&["/nowhere/at/all"]),
            Story::of_nothing(),
            "error",
            "the trigger failed: could not run `/nowhere/at/all`: No such file or directory (os error 2)",
        ),
    ]
}

fn answers() -> Vec<Row> {
    vec![
        row("somebody calls", answer(), calls(), "pass", ""),
        row("nobody calls", answer(), Story::of_nothing(), "fail", "bar: no call arrived within 10 s"),
        row(
            "the caller hangs up while the sound plays",
            answer(),
            calls().caller_hangs_up(ms(400)),
            "fail",
            "bar: the call ended 0.40 s after the answer with 16 normal clearing, while waiting for a sound to end",
        ),
        row(
            "it is not told that we have answered",
            answer(),
            calls().without(Side::Dst, Sign::Answered),
            "error",
            "the time (10 s) was up while bar was busy with the answer",
        ),
        row(
            "the recording fails",
            answer(),
            calls().records(Side::Dst, Recorded::Failed { why: "disk full".into() }),
            "error",
            "the recording heard on bar failed: disk full",
        ),
    ]
}

fn records() -> Vec<Row> {
    vec![
        row("the caller hangs up", record(), calls().caller_hangs_up(ms(2000)), "pass", ""),
        row("the caller presses the key", record(), calls().caller_presses(ms(2000), '#'), "pass", ""),
        row("the caller hangs up before the sound", record(), calls().caller_hangs_up(ms(100)), "pass", ""),
        row("the caller hangs up as the sound begins", record(), calls().caller_hangs_up(ms(200)), "pass", ""),
        row(
            "the caller presses another key",
            record(),
            calls().caller_presses(ms(2000), '1'),
            "fail",
            "bar: expected the caller to hang up or press #, neither came within 10 s",
        ),
        row(
            "the caller stays",
            record(),
            calls(),
            "fail",
            "bar: expected the caller to hang up or press #, neither came within 10 s",
        ),
        row("nobody calls", record(), Story::of_nothing(), "fail", "bar: no call arrived within 10 s"),
    ]
}

/// All of these.
pub(super) fn rows() -> Vec<Row> {
    [waits(), answers(), records()].into_iter().flatten().collect()
}

// field telephony 14 | The caller gives up, or somebody else answers, while our end rings (CANCEL) | `fail` with a sentence of its own | before ringing; our own call taken back; a Reason with 200
#[tokio::test(start_paused = true)]
async fn of_wait() {
    hold(waits()).await;
}

#[tokio::test(start_paused = true)]
async fn of_answer() {
    hold(answers()).await;
}

#[tokio::test(start_paused = true)]
async fn of_record() {
    hold(records()).await;
}
