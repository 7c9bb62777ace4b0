//! The table of verdicts, spelled out.

mod beyond_the_call;
mod digits;
mod interference;
mod last_look;
mod no_route;
mod rejection;
mod requirements;
mod rules;

use super::*;
use crate::abilities::Abilities;
use crate::caller::{CallerMismatch, ExpectedCaller};
use crate::cause::{ExpectedCause, Hangup, HangupCause, TechCause};
use crate::evidence::{Sight, Stamp};
use crate::expectation::{ArrivalLimit, ExpectedDigits, ExpectedSound, RejectionWindow};
use crate::media::MediaFigures;
use crate::number::PhoneNumber;
use crate::plan::{Forwarding, Presence, Ringing};

/// A run in the making: each step adds a fact 100 ms after the one before, or after a pause.
struct Story {
    expectation: Expectation,
    evidence: Evidence,
    /// The time of the next fact.
    clock: Duration,
}

fn caller(number: &str) -> ExpectedCaller {
    ExpectedCaller::Number(PhoneNumber::parse(number).unwrap())
}

fn story(milestone: Milestone) -> Story {
    Story {
        expectation: Expectation {
            deadline: Duration::from_secs(30),
            arrives: false,
            arrive_within: ArrivalLimit::Deadline,
            caller: Some(caller("42")),
            is_single: false,
            diverted_from: Vec::new(),
            milestone,
            may_be_answered: true,
            may_end_early: false,
            ringing: Ringing { presence: Presence::Allowed, early_media_counts: false },
            early_media: Presence::Allowed,
            answer_within: None,
            rejection: None,
            causes: Vec::new(),
            forwarding: Forwarding::FORBIDDEN,
            digits: Vec::new(),
            sounds: Vec::new(),
        },
        evidence: Evidence {
            src: Some("foo".into()),
            dst: Some("bar".into()),
            facts: Vec::new(),
            script_end: ScriptEnd::Completed,
            src_server: Some("asterisk".into()),
            dst_server: None,
            abilities: Abilities::ALL,
            script_ended_at: Duration::MAX,
            sight: Vec::new(),
            loop_delay: Duration::ZERO,
        },
        clock: Duration::ZERO,
    }
    .src(Observation::Dialled { dial_string: "PJSIP/1@trunk".into() })
    .seen(Some(Duration::from_millis(2)))
}

impl Story {
    fn add(mut self, side: Option<Side>, what: Observation) -> Self {
        self.evidence.facts.push(Fact { at: self.clock, stamp: None, side, what });
        self.clock += Duration::from_millis(100);
        self
    }

    /// The next fact comes that long after the latest one.
    fn after(mut self, milliseconds: u64) -> Self {
        self.clock += Duration::from_millis(milliseconds.checked_sub(100).expect("facts are 100 ms apart"));
        self
    }

    fn src(self, what: Observation) -> Self {
        self.add(Some(Side::Src), what)
    }

    fn dst(self, what: Observation) -> Self {
        self.add(Some(Side::Dst), what)
    }

    fn arrived(mut self) -> Self {
        self.expectation.arrives = true;
        self.dst(Observation::Arrived { caller: "1".into(), dialled: "2".into() })
    }

    fn digits(mut self, to: Side, expected: &str, received: &str) -> Self {
        self.expectation.digits.push(ExpectedDigits { to, digits: expected.into(), may_repeat: false });
        received.chars().fold(self, |story, digit| {
            story.add(Some(to), Observation::DigitReceived { digit, duration: Duration::from_millis(100) })
        })
    }

    fn rejected(self, cause: u16, sip: u16) -> Self {
        let end = Hangup { cause: HangupCause(cause), tech_cause: Some(TechCause::Sip(sip)) };
        self.src(Observation::HangupRequest { end, is_soft: false })
    }

    fn seen(mut self, round_trip: Option<Duration>) -> Self {
        let longest_silence = Duration::from_millis(if round_trip.is_some() { 500 } else { 4000 });
        let silence_limit = Duration::from_secs(1);
        self.evidence.sight = vec![Sight { server: "asterisk".into(), longest_silence, silence_limit, round_trip }];
        self
    }

    /// The script ends here; what follows comes in while we hang up.
    fn script_ends(mut self) -> Self {
        self.evidence.script_ended_at = self.clock.saturating_sub(Duration::from_millis(1));
        self
    }

    /// Gives the fact at that index this time by the server's clock, in milliseconds.
    fn stamp(mut self, index: usize, milliseconds: i64) -> Self {
        self.evidence.facts[index].stamp = Some(Stamp { clock: "asterisk".into(), micros: milliseconds * 1000 });
        self
    }

    /// The server was silent for so long, but answers again.
    fn stalled(mut self, milliseconds: u64) -> Self {
        self.evidence.sight[0].longest_silence = Duration::from_millis(milliseconds);
        self
    }

    fn stopped(mut self, stop: Stop) -> Self {
        self.evidence.script_end = ScriptEnd::Stopped(stop);
        self
    }

    fn leg_ended(self, awaiting: Awaiting) -> Self {
        self.stopped(Stop::LegEnded { side: Side::Src, awaiting })
    }

    fn deadline(self, awaiting: Awaiting) -> Self {
        self.stopped(Stop::Deadline { awaiting })
    }

    #[track_caller]
    fn is(self, word: &str, reason: &str) {
        let judgement = judge(&self.expectation, &self.evidence);
        let said = judgement.verdict.reason().unwrap_or_default();
        assert_eq!((judgement.verdict.word(), said.as_str()), (word, reason));
        if let Some(code) = judgement.verdict.code() {
            assert_eq!(code.class(), judgement.verdict.kind(), "{code}");
        }
    }
}

#[test]
fn a_call_that_goes_as_expected_passes() {
    let call = story(Milestone::Answer).arrived().src(Observation::Ringing).src(Observation::Answered);
    call.digits(Side::Src, "123", "123").digits(Side::Dst, "456", "456").is("pass", "");
}

#[test]
fn a_rejection_is_a_failure_with_cause_and_time() {
    story(Milestone::Answer)
        .rejected(17, 486)
        .leg_ended(Awaiting::Answer(Side::Src))
        .is("fail", "foo: rejected after 0.10 s with 17 user busy (SIP 486), expected an answer");
    story(Milestone::Answer)
        .src(Observation::Ringing)
        .rejected(21, 603)
        .leg_ended(Awaiting::Answer(Side::Src))
        .is("fail", "foo: rang, then rejected after 0.20 s with 21 call rejected (SIP 603), expected an answer");
}

#[test]
fn a_soft_request_and_the_dial_status_say_nothing_about_the_cause() {
    let soft = Observation::HangupRequest { end: HangupCause(1).into(), is_soft: true };
    story(Milestone::Answer)
        .src(soft)
        .src(Observation::DialEnded { status: "NOANSWER".into() })
        .rejected(1, 404)
        .src(Observation::Gone { end: Some(HangupCause(16).into()) })
        .leg_ended(Awaiting::Answer(Side::Src))
        .is("fail", "foo: rejected after 0.30 s with 1 unallocated number (SIP 404), expected an answer");
    // Busy() in the dialplan gives neither a request nor a cause.
    story(Milestone::Answer)
        .src(Observation::DialEnded { status: "BUSY".into() })
        .src(Observation::Gone { end: Some(HangupCause(0).into()) })
        .leg_ended(Awaiting::Answer(Side::Src))
        .is("fail", "foo: rejected after 0.20 s with 17 user busy, expected an answer");
}

#[test]
fn hanging_up_early_is_a_failure() {
    story(Milestone::Answer)
        .arrived()
        .src(Observation::Answered)
        .digits(Side::Src, "123", "1")
        .rejected(16, 200)
        .leg_ended(Awaiting::Digits(Side::Src))
        .is(
            "fail",
            "foo: the call ended 0.20 s after the answer with 16 normal clearing (SIP 200), while waiting for digits",
        );
    story(Milestone::Ringing)
        .src(Observation::Ringing)
        .rejected(17, 486)
        .leg_ended(Awaiting::Pause)
        .is("fail", "foo: the call ended 0.20 s after it went out with 17 user busy (SIP 486)");
}

#[test]
fn a_call_that_never_gets_there_is_a_failure_only_while_we_can_see() {
    let table = [
        (Awaiting::Ringing, "foo: expected ringing, saw neither ringing, answer nor rejection within 30 s"),
        (Awaiting::Answer(Side::Src), "foo: expected an answer, saw neither ringing, answer nor rejection within 30 s"),
        (Awaiting::Arrival, "bar: no call arrived within 30 s; foo saw neither ringing, answer nor rejection"),
    ];
    for (awaiting, reason) in table {
        story(Milestone::Answer).deadline(awaiting).is("fail", reason);
        story(Milestone::Answer).deadline(awaiting).seen(None).is(
            "error",
            "server asterisk did not answer when the time was up (nothing heard for 4.0 s), so what was not seen proves nothing",
        );
        let mut late = story(Milestone::Answer).deadline(awaiting);
        late.evidence.loop_delay = Duration::from_millis(2500);
        late.is(
            "error",
            "this process was held up for 2.5 s during the run, so what was late, corrupted or not seen proves nothing",
        );
    }
}

#[test]
fn a_server_that_stood_still_is_not_believed_about_what_is_missing() {
    let sentence =
        "server asterisk was silent for 4.4 s during the run, so what was late, corrupted or not seen proves nothing";
    let digits = || {
        let stop = Stop::DigitsOverdue {
            to: Side::Src,
            overdue: Duration::from_secs(3),
            given_up_at: Duration::from_secs(60),
        };
        story(Milestone::Answer).arrived().src(Observation::Answered).digits(Side::Src, "226", "22").stopped(stop)
    };
    digits().stalled(4400).is("error", sentence);
    digits()
        .stalled(1000)
        .is("fail", "foo (src): expected digits 226, received 22 until 3 s after the last was due: last digit missing");
    let unanswered = || story(Milestone::Answer).deadline(Awaiting::Answer(Side::Src));
    unanswered().stalled(4400).is("error", sentence);
    let late = |by| {
        let mut story = story(Milestone::Answer).after(1000).src(Observation::Answered).stalled(by);
        story.expectation.answer_within = Some(Duration::from_millis(500));
        story
    };
    late(4400).is("error", sentence);
    // Nor is what we saw too late ourselves; to us, the server was silent as well then.
    let mut held_up = late(4400);
    held_up.evidence.loop_delay = Duration::from_millis(4400);
    held_up.is(
        "error",
        "this process was held up for 4.4 s during the run, so what was late, corrupted or not seen proves nothing",
    );
    late(1000).is("fail", "foo: answered after 1 s, expected within 0.50 s");
    let corrupted = || story(Milestone::Answer).arrived().src(Observation::Answered).digits(Side::Src, "226", "2226");
    corrupted().stalled(4400).is("error", sentence);
    corrupted().stalled(1000).is("fail", "foo (src): expected digits 226, received 2226: number 2 more than once");
    // What was seen was seen, and a pass is one.
    story(Milestone::Answer)
        .rejected(17, 486)
        .leg_ended(Awaiting::Answer(Side::Src))
        .stalled(4400)
        .is("fail", "foo: rejected after 0.10 s with 17 user busy (SIP 486), expected an answer");
    story(Milestone::Answer).src(Observation::Answered).stalled(4400).is("pass", "");
}

#[test]
fn what_comes_too_late_to_tell_whose_delay_it_was_is_an_error() {
    story(Milestone::Answer).arrived().digits(Side::Dst, "04427", "04427").deadline(Awaiting::Digits(Side::Dst)).is(
        "error",
        "digits came in only after the time was up, so it cannot be told whether the network or this process was late",
    );
    let overdue =
        Stop::DigitsOverdue { to: Side::Dst, overdue: Duration::from_secs(3), given_up_at: Duration::from_secs(60) };
    story(Milestone::Answer).arrived().digits(Side::Dst, "04427", "04427").stopped(overdue).is(
        "error",
        "digits came in only after the time was up, so it cannot be told whether the network or this process was late",
    );
}

#[test]
fn an_event_that_could_not_be_read_is_doubted_only_where_something_is_missing() {
    let doubt = || Observation::Troubled(Trouble::Unreadable { server: "asterisk".into() });
    let reason = "server asterisk sent events that could not be read, so what was not seen proves nothing";
    let mut missing = story(Milestone::Answer).deadline(Awaiting::Ringing);
    missing.evidence.facts.push(Fact { at: Duration::ZERO, stamp: None, side: None, what: doubt() });
    missing.is("error", reason);
    let mut wrong = story(Milestone::Answer).arrived().digits(Side::Dst, "04427", "0427");
    wrong.evidence.script_end = ScriptEnd::Stopped(Stop::DigitsWrong { to: Side::Dst });
    wrong.evidence.facts.push(Fact { at: Duration::ZERO, stamp: None, side: None, what: doubt() });
    wrong.is("error", reason);
}

#[test]
fn running_out_of_time_in_our_own_pauses_is_an_error() {
    story(Milestone::Answer)
        .deadline(Awaiting::Pause)
        .is("error", "the time (30 s) was up while foo was busy with the next step");
}

#[test]
fn progress_is_named() {
    let waiting = |what| story(Milestone::Answer).src(what).deadline(Awaiting::Answer(Side::Src));
    waiting(Observation::EarlyMedia).is("fail", "foo: expected an answer, saw only early media within 30 s");
    waiting(Observation::Ringing).is("fail", "foo: expected an answer, saw only ringing within 30 s");
}

#[test]
fn a_wrong_caller_id_is_named_before_what_followed_from_it() {
    let expected = caller("+49123");
    let mismatch = CallerMismatch::Differs { expected, received: "99".into(), read_as: Some("+4999".into()) };
    let wrong_call =
        Observation::WrongCall { caller: "99".into(), dialled: "2".into(), mismatch: Some(Box::new(mismatch)) };
    story(Milestone::Answer)
        .dst(wrong_call.clone())
        .rejected(17, 486)
        .leg_ended(Awaiting::Arrival)
        .is("fail", "bar: expected caller ID +49123, received 99, which reads as +4999");
    story(Milestone::Answer)
        .dst(wrong_call.clone())
        .src(Observation::Gone { end: None })
        .leg_ended(Awaiting::Arrival)
        .is("fail", "bar: expected caller ID +49123, received 99, which reads as +4999");
    // Once ours has come, the other was merely a stranger.
    story(Milestone::Answer).dst(wrong_call).arrived().src(Observation::Answered).is("pass", "");
}

/// We turn a wrong call away as busy. A network that says something else speaks of our own call.
// field attack 11
#[test]
fn a_strangers_wrong_number_does_not_hide_what_the_carrier_said() {
    let wrong_call = Observation::WrongCall { caller: "99".into(), dialled: "2".into(), mismatch: None };
    let rejected = |cause, sip| {
        let case = story(Milestone::Answer).dst(wrong_call.clone()).rejected(cause, sip).leg_ended(Awaiting::Arrival);
        judge(&case.expectation, &case.evidence).verdict.reason().unwrap_or_default()
    };
    for (cause, sip, said) in [
        (1, 404, "1 unallocated number (SIP 404)"),
        (3, 404, "3 no route to destination (SIP 404)"),
        (19, 480, "19 no answer (SIP 480)"),
        (21, 403, "21 call rejected (SIP 403)"),
        (34, 503, "34 no circuit available (SIP 503)"),
        (38, 500, "38 network out of order (SIP 500)"),
    ] {
        assert_eq!(rejected(cause, sip), format!("foo: rejected after 0.20 s with {said}, expected an answer"));
    }
    for (cause, sip) in [(16, 603), (17, 486), (17, 600), (31, 480), (127, 487)] {
        let said = "bar: the call that arrived had dialled 2, which is not this test's number";
        assert_eq!(rejected(cause, sip), said, "cause {cause}");
    }
}

#[test]
fn ringing_is_looked_at_as_configured() {
    story(Milestone::Ringing).src(Observation::Ringing).is("pass", "");
    story(Milestone::Ringing).src(Observation::Answered).is("pass", "");
    let mut required = story(Milestone::Ringing).src(Observation::Answered);
    required.expectation.ringing.presence = Presence::Required;
    required.is("fail", "foo: expected ringing, was answered without");
    let mut early = story(Milestone::Ringing).src(Observation::EarlyMedia);
    early.expectation.ringing.early_media_counts = true;
    early.is("pass", "");
    let mut forbidden = story(Milestone::Answer).src(Observation::Ringing).src(Observation::Answered);
    forbidden.expectation.ringing.presence = Presence::Forbidden;
    forbidden.is("fail", "foo: rang 0.10 s after the call went out, expected no ringing");
    let mut unanswered = story(Milestone::Ringing).src(Observation::Ringing).src(Observation::Answered);
    unanswered.expectation.may_be_answered = false;
    unanswered.is("fail", "foo: answered 0.20 s after the call went out, expected no answer");
}

#[test]
fn an_answer_without_ringing_is_noted() {
    let case = story(Milestone::Ringing).src(Observation::Answered);
    assert_eq!(judge(&case.expectation, &case.evidence).notes, [Note::AnsweredWithoutRinging]);
}

#[test]
fn an_offline_endpoint_and_a_dial_string_that_comes_back_are_failures() {
    story(Milestone::Answer)
        .src(Observation::EndpointOffline { endpoint: "PJSIP/trunk".into() })
        .stopped(Stop::Offline)
        .is("fail", "foo: endpoint PJSIP/trunk is offline");
    story(Milestone::Ringing)
        .dst(Observation::CameBack { link: "ring".into() })
        .stopped(Stop::CameBack)
        .is("fail", "foo: PJSIP/1@trunk came straight back to calltest: the dialplan has no such extension");
}

#[test]
fn trouble_outweighs_everything_and_being_called_off_outweighs_failures() {
    let lost = || Trouble::ConnectionLost { server: "asterisk".into(), why: "closed by the server".into() };
    story(Milestone::Answer)
        .rejected(17, 486)
        .stopped(Stop::Trouble(lost()))
        .is("error", "lost the connection to server asterisk during the run: closed by the server");
    story(Milestone::Answer)
        .src(Observation::Answered)
        .add(None, Observation::Troubled(lost()))
        .is("error", "lost the connection to server asterisk during the run: closed by the server");
    story(Milestone::Answer)
        .rejected(17, 486)
        .stopped(Stop::Cancelled)
        .is("cancelled", "cancelled before it could finish");
    story(Milestone::Answer).stopped(Stop::FailedByOperator).is("fail", "marked as failed by an operator");
}

#[test]
fn times_on_one_leg_are_the_servers() {
    let mut case = story(Milestone::Answer).rejected(17, 486).leg_ended(Awaiting::Answer(Side::Src));
    case = case.stamp(0, 1_000).stamp(1, 1310);
    case.is("fail", "foo: rejected after 0.31 s with 17 user busy (SIP 486), expected an answer");
}

#[test]
fn times_by_different_clocks_make_no_span() {
    let mut case = story(Milestone::Answer).rejected(17, 486).leg_ended(Awaiting::Answer(Side::Src));
    case = case.stamp(0, 1_000).stamp(1, 1_310);
    case.evidence.facts[1].stamp = Some(Stamp { clock: "paris".into(), micros: 9_000_000 });
    case.is("fail", "foo: rejected after 0.10 s with 17 user busy (SIP 486), expected an answer");
}

#[test]
fn what_comes_in_after_the_script_has_ended_tells_nothing_against_the_network() {
    let rejects = || {
        let mut case = story(Milestone::Ringing).arrived().src(Observation::Ringing);
        case.expectation.may_be_answered = false;
        case
    };
    rejects().src(Observation::Answered).is("fail", "foo: answered 0.30 s after the call went out, expected no answer");
    rejects().script_ends().src(Observation::Answered).is("pass", "");
    let digits = |case: Story| case.digits(Side::Src, "12", "12");
    let extra = || Observation::DigitReceived { digit: '9', duration: Duration::from_millis(100) };
    digits(story(Milestone::Ringing).src(Observation::Ringing)).script_ends().src(extra()).is("pass", "");
    digits(story(Milestone::Ringing).src(Observation::Ringing))
        .src(extra())
        .is("fail", "foo (src): expected digits 12, received 129: more than were sent");
    let mut early = story(Milestone::Answer).src(Observation::Ringing).script_ends().src(Observation::EarlyMedia);
    early.expectation.early_media = Presence::Forbidden;
    early.deadline(Awaiting::Answer(Side::Src)).is("fail", "foo: expected an answer, saw only ringing within 30 s");
}

// field reading 5
#[test]
fn what_is_told_late_of_a_leg_that_was_over_counts_all_the_same() {
    let mut case = story(Milestone::Rejection).rejected(16, 200).script_ends().src(Observation::Answered);
    case.expectation.may_be_answered = false;
    case.expectation.rejection = Some(RejectionWindow::AfterDialling { within: Duration::from_secs(1) });
    case.is("fail", "foo: answered 0.20 s after the call went out, expected no answer");
}

// field reading 5 | What is told after the script’s end | it counts if it happened before | the leg was over; the stamp tells; a clock that was put back
#[test]
fn what_happened_before_the_script_ended_counts_however_late_it_was_told() {
    let extra = |stamp: i64| {
        let case = story(Milestone::Ringing).stamp(0, 5_000).src(Observation::Ringing).stamp(1, 5_100);
        let case = case.digits(Side::Src, "12", "12").stamp(2, 5_250).script_ends().after(2_000);
        case.src(Observation::DigitReceived { digit: '9', duration: Duration::from_millis(100) }).stamp(4, stamp)
    };
    extra(5_440).is("fail", "foo (src): expected digits 12, received 129: more than were sent");
    extra(5_460).is("pass", "");
    // Its clock was put back since.
    extra(5_200).is("pass", "");
}

#[test]
fn a_server_that_is_being_stopped_is_no_failure() {
    let soft = || Observation::HangupRequest { end: HangupCause(4).into(), is_soft: true };
    let gone = || Observation::Gone { end: Some(HangupCause::NORMAL_CLEARING.into()) };
    let stopped = |link: &str| Observation::Troubled(Trouble::ServerStopped { link: link.into() });
    let up = || story(Milestone::Answer).src(Observation::Answered);
    let sentence = "foo: its Asterisk server is being stopped, and hung the call up";
    up().src(soft()).src(stopped("foo")).src(gone()).leg_ended(Awaiting::Pause).is("error", sentence);
    story(Milestone::Rejection).src(soft()).src(stopped("foo")).src(gone()).is("error", sentence);
}
