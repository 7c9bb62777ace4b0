//! What each mode expects of its call.

use std::time::Duration;

use super::{ArrivalLimit, Expectation, ExpectedDigits, ExpectedSound, Milestone, RejectionWindow};
use crate::plan::{Audio, BothScript, CallTest, DigitChoice, Dtmf, InScript, OutScript, Presence, Route};
use crate::side::Side;

/// How long a call of a `timeout` test may take until it rings; its own `timeout` counts from there.
pub const TIME_TO_RING: Duration = Duration::from_secs(30);

/// How long a call may wait for its server before it goes out, where its time counts from something later.
const TIME_TO_SET_UP: Duration = Duration::from_secs(15);

/// How long a call may take to arrive where nothing has answered and the test does not say.
pub const TIME_TO_ARRIVE: Duration = Duration::from_secs(5);

impl Expectation {
    /// What a test expects. For `dtmf`, `draw` is asked for the digits of one direction, given an alphabet and how many.
    pub fn of(test: &CallTest, draw: impl FnMut(&str, usize) -> String) -> Self {
        let requirements = &test.requirements;
        let up_to = |milestone| Self {
            deadline: test.timeout,
            arrives: test.route.dst().is_some(),
            arrive_within: arrival_limit(test),
            caller: test.route.caller().cloned(),
            is_single: test.arrival.is_single,
            diverted_from: test.arrival.diverted_from.clone(),
            milestone,
            may_be_answered: true,
            may_end_early: false,
            ringing: requirements.ringing.clone(),
            early_media: requirements.early_media,
            answer_within: requirements.answer_within,
            rejection: None,
            causes: requirements.causes.clone(),
            forwarding: requirements.forwarding.clone(),
            digits: Vec::new(),
            sounds: Vec::new(),
        };
        let rejected =
            |rejection| Self { may_be_answered: false, rejection: Some(rejection), ..up_to(Milestone::Rejection) };
        let may_end_early = !requirements.causes.is_empty();
        match &test.route {
            Route::Both { script, .. } => match script {
                BothScript::Dtmf(dtmf) => Self { digits: digits(dtmf, draw), ..up_to(Milestone::Answer) },
                BothScript::Call { .. } => Self { may_be_answered: false, ..up_to(Milestone::Ringing) },
                BothScript::Audio(audio) => Self { sounds: sounds(audio), ..up_to(Milestone::Answer) },
            },
            Route::Out { script, .. } => match script {
                OutScript::Ring => Self { may_end_early, ..up_to(Milestone::Ringing) },
                OutScript::Play { .. } => Self { may_end_early, ..up_to(Milestone::Answer) },
                OutScript::Fail { within } => rejected(RejectionWindow::AfterDialling { within: *within }),
                OutScript::Timeout { ringtime } => Self {
                    deadline: test.timeout + TIME_TO_RING + TIME_TO_SET_UP,
                    ..rejected(RejectionWindow::AfterRinging { from: *ringtime, to: test.timeout })
                },
            },
            Route::In { script, .. } => match script {
                InScript::Wait { .. } | InScript::Answer { .. } | InScript::Record { .. } => up_to(Milestone::Arrival),
            },
            Route::Watch { .. } => up_to(Milestone::Online),
        }
    }
}

/// A call that is forwarded, perhaps after a long ringing, arrives late by right.
fn arrival_limit(test: &CallTest) -> ArrivalLimit {
    match test.arrival.within {
        Some(within) => ArrivalLimit::After(within),
        None if test.requirements.forwarding.presence != Presence::Forbidden => ArrivalLimit::Deadline,
        None => ArrivalLimit::AfterUnlessAnswered(TIME_TO_ARRIVE),
    }
}

/// The callee sends first, once the caller listens.
fn digits(dtmf: &Dtmf, mut draw: impl FnMut(&str, usize) -> String) -> Vec<ExpectedDigits> {
    let may_repeat = dtmf.may_repeat;
    let mut choose = || match &dtmf.digits {
        DigitChoice::Given(digits) => digits.clone(),
        DigitChoice::Drawn { alphabet, .. } => draw(alphabet, dtmf.digits.count()),
    };
    [Side::Src, Side::Dst].map(|to| ExpectedDigits { to, digits: choose(), may_repeat }).into()
}

/// As with digits, the callee's sound comes first. Only what is recorded can be judged.
fn sounds(audio: &Audio) -> Vec<ExpectedSound> {
    let to_src = audio.src_in.is_some().then_some(ExpectedSound { to: Side::Src, is_played: audio.dst_out.is_some() });
    let to_dst = audio.dst_in.is_some().then_some(ExpectedSound { to: Side::Dst, is_played: audio.src_out.is_some() });
    to_src.into_iter().chain(to_dst).collect()
}
