//! The last look at a script that went through, and the bounds of what counts.

use super::*;

fn answered() -> Story {
    story(Milestone::Answer).src(Observation::Answered)
}

/// A pass stands whatever else happened, unless it rests on what was not seen.
#[test]
fn what_was_lost_matters_only_where_something_is_not_proven() {
    let proven = |mut story: Story| passes_whatever_was_lost(&story.expectation, &mut story.evidence);
    assert!(proven(answered()));
    assert!(!proven(story(Milestone::Answer)), "there is no answer");
    let mut silent = answered();
    silent.expectation.early_media = Presence::Forbidden;
    assert!(!proven(silent));
    let mut unanswered = story(Milestone::Ringing).src(Observation::Ringing);
    unanswered.expectation.may_be_answered = false;
    assert!(!proven(unanswered));
}

/// A script that claims to be through without its call is not believed.
#[test]
fn a_call_that_has_to_arrive_and_did_not_is_unexplained() {
    let sentence = "the call stopped while foo waited for the call to arrive, and nothing that was seen explains it";
    let mut case = answered();
    case.expectation.arrives = true;
    case.is("error", sentence);
}

#[test]
fn a_call_that_arrives_after_all_was_not_answered_elsewhere() {
    let stop = || Stop::Overdue { awaiting: Awaiting::Arrival, within: Duration::from_secs(5) };
    answered().stopped(stop()).is("fail", "bar: no call arrived within 5 s; foo saw an answer");
    answered().arrived().stopped(stop()).is(
        "error",
        "the call to arrive came in only after the time was up, so it cannot be told whether the network or this process was late",
    );
}

/// A stranger who came before is not to blame for what became of the run's own call.
#[test]
fn another_call_before_the_runs_own_is_not_the_wrong_call() {
    let wrong_call = Observation::WrongCall { caller: "99".into(), dialled: "2".into(), mismatch: None };
    let sentence = "foo: rejected after 0.30 s with 17 user busy (SIP 486), expected an answer";
    let own = story(Milestone::Answer).dst(wrong_call).arrived().rejected(17, 486);
    own.leg_ended(Awaiting::Answer(Side::Src)).is("fail", sentence);
}

/// What happens at the moment at which we hang up is our own doing.
#[test]
fn a_leg_ends_by_itself_only_before_we_hang_up() {
    let case = |hangs_up: fn(Story) -> Story| {
        let mut case = hangs_up(story(Milestone::Rejection));
        case.expectation.rejection = Some(RejectionWindow::AfterDialling { within: Duration::from_secs(1) });
        case
    };
    case(|story| story.rejected(17, 486).src(Observation::HangupSent)).is("pass", "");
    let sentence = "the call stopped while foo waited for the rejection, and nothing that was seen explains it";
    case(|story| story.src(Observation::HangupSent).rejected(17, 486)).is("error", sentence);
    case(|story| {
        let mut story = story.src(Observation::HangupSent).rejected(17, 486);
        story.evidence.facts[2].at = story.evidence.facts[1].at;
        story
    })
    .is("error", sentence);
}

/// Where a rejection is looked for and none has come, its cause is not looked at.
#[test]
fn no_cause_is_missed_where_the_call_has_not_ended() {
    let mut case = answered();
    case.expectation.causes = vec![ExpectedCause::Q850(HangupCause::USER_BUSY)];
    case.src(Observation::HangupSent).src(Observation::Gone { end: Some(HangupCause(16).into()) }).is("pass", "");
}

#[test]
fn a_cause_is_not_looked_at_where_the_far_end_may_end_the_call_and_has_not() {
    let mut case = answered();
    case.expectation.causes = vec![ExpectedCause::Q850(HangupCause::USER_BUSY)];
    case.expectation.may_end_early = true;
    case.script_ends().rejected(16, 200).is("pass", "");
}

/// Ringing that is required and was missed while something may have been lost is neither a failure nor a pass.
#[test]
fn required_ringing_that_may_have_been_lost_is_an_error() {
    let mut case = story(Milestone::Ringing)
        .src(Observation::Answered)
        .add(None, Observation::Troubled(Trouble::Unreadable { server: "asterisk".into() }));
    case.expectation.ringing.presence = Presence::Required;
    let judgement = judge(&case.expectation, &case.evidence);
    assert_eq!(judgement.verdict.word(), "error", "{:?}", judgement.verdict);
}

#[test]
fn as_much_delay_as_we_may_have_proves_something() {
    let delayed = |by| {
        let mut case = story(Milestone::Answer).deadline(Awaiting::Ringing);
        case.evidence.loop_delay = by;
        case
    };
    delayed(MAX_LOOP_DELAY).is("fail", "foo: expected ringing, saw neither ringing, answer nor rejection within 30 s");
    delayed(MAX_LOOP_DELAY + Duration::from_millis(1)).is(
        "error",
        "this process was held up for 1.0 s during the run, so what was late, corrupted or not seen proves nothing",
    );
}

#[test]
fn an_answer_is_remarked_on_only_where_ringing_was_looked_for_and_none_came() {
    let notes = |case: Story| judge(&case.expectation, &case.evidence).notes;
    let ring = |story: fn(Story) -> Story| story(super::story(Milestone::Ringing));
    assert_eq!(notes(ring(|story| story.src(Observation::Answered))), [Note::AnsweredWithoutRinging]);
    assert_eq!(notes(ring(|story| story.src(Observation::Ringing).src(Observation::Answered))), []);
    assert_eq!(notes(ring(|story| story)), []);
    assert_eq!(notes(answered()), []);
    let mut forbidden = super::story(Milestone::Ringing).src(Observation::Answered);
    forbidden.expectation.may_be_answered = false;
    assert_eq!(notes(forbidden), []);
    let stranger = Observation::Stranger { caller: "99".into() };
    assert_eq!(notes(answered().dst(stranger)), [Note::Stranger { link: "bar".into(), caller: "99".into() }]);
}

/// Anybody may call our lines, 400 times a second too; what is said of the run stays short, and counts them.
#[test]
fn of_many_other_calls_the_first_few_are_named_and_the_others_counted() {
    let notes_of = |calls: u64| {
        let strangers = (0..calls).map(|number| Observation::Stranger { caller: format!("{number:04}") });
        let case = strangers.fold(answered(), Story::dst);
        judge(&case.expectation, &case.evidence).notes
    };
    let named = |number: u64| Note::Stranger { link: "bar".into(), caller: format!("{number:04}") };
    for calls in 0..=5 {
        assert_eq!(notes_of(calls), (0..calls).map(named).collect::<Vec<_>>());
    }
    for calls in [6, 401, 20_000] {
        let notes = notes_of(calls);
        assert_eq!(notes[..5], (0..5).map(named).collect::<Vec<_>>());
        assert_eq!(notes[5..], [Note::MoreStrangers { link: "bar".into(), count: calls - 5 }]);
        assert_eq!(notes.iter().map(Note::left_out).sum::<u64>(), calls - 5);
        assert_eq!(notes[5].to_string(), format!("and {} more on bar", calls - 5));
    }
}

/// The source that ended without a cause tells less than the destination that ended with one.
#[test]
fn whichever_leg_knows_the_cause_tells_it() {
    let both = |end: Option<HangupCause>| {
        let gone = Observation::Gone { end: end.map(Into::into) };
        let request = Observation::HangupRequest { end: HangupCause(38).into(), is_soft: false };
        let case = super::story(Milestone::Answer).arrived().src(gone).dst(request);
        case.stopped(Stop::LegEnded { side: Side::Dst, awaiting: Awaiting::Pause })
    };
    let at_dst = "bar: the call was taken back 0.20 s after it arrived, with 38 network out of order";
    both(None).is("fail", at_dst);
    let at_src = "foo: rejected after 0.20 s with 16 normal clearing, expected an answer";
    both(Some(HangupCause::NORMAL_CLEARING)).is("fail", at_src);
}
