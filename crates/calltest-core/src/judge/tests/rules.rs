//! Each question of the judge has a case that comes out differently without it, and each spoiler one that it spoils.

use super::*;
use crate::number_rule::Pattern;

fn without(question: &str, case: &Story) -> Verdict {
    let rules: Vec<Rule> = RULES
        .iter()
        .filter(|rule| rule.question != question)
        .map(|rule| Rule { question: rule.question, ask: rule.ask })
        .collect();
    Case { expectation: &case.expectation, evidence: &case.evidence }.verdict(&rules)
}

fn answered() -> Story {
    story(Milestone::Answer).src(Observation::Answered)
}

fn rejected(within: Duration) -> Story {
    rejected_with(within, 17, 486)
}

fn rejected_with(within: Duration, cause: u16, status: u16) -> Story {
    let mut case = story(Milestone::Rejection);
    case.expectation.may_be_answered = false;
    case.expectation.rejection = Some(RejectionWindow::AfterDialling { within });
    case.after(1000).rejected(cause, status)
}

fn changed(mut case: Story, change: impl FnOnce(&mut Story)) -> Story {
    change(&mut case);
    case
}

fn sound(mut case: Story, recorded: Observation) -> Story {
    case.expectation.sounds = vec![ExpectedSound { to: Side::Src, is_played: true }];
    case.dst(Observation::PlaybackStarted { media: "a".into() })
        .after(2000)
        .dst(Observation::PlaybackFinished { media: "a".into() })
        .src(recorded)
}

fn fetched(duration: Duration) -> Observation {
    Observation::RecordingFetched { name: "r".into(), path: "r.wav".into(), bytes: 44, duration }
}

/// A case for the question that has this word in it.
fn cases() -> Vec<(&'static str, Story)> {
    let second = Duration::from_secs(1);
    let missing = || Observation::RecordingMissing { name: "r".into(), why: "404".into() };
    let wrong_call = Observation::WrongCall { caller: "9".into(), dialled: "2".into(), mismatch: None };
    let nowhere = Observation::Dialled { dial_string: "Local/x@nowhere".into() };
    vec![
        ("keep us from finding out", answered().add(None, Observation::Troubled(Trouble::LeaseLost))),
        ("called off", answered().stopped(Stop::Cancelled)),
        (
            "do something to our channels",
            changed(story(Milestone::Ringing).arrived().src(Observation::Ringing).dst(Observation::Answered), |case| {
                case.expectation.may_be_answered = false;
            }),
        ),
        (
            "lead nowhere",
            changed(story(Milestone::Rejection), |case| case.evidence.facts[0].what = nowhere)
                .src(Observation::Gone { end: None }),
        ),
        (
            "clock step",
            changed(answered().stamp(0, 0).stamp(1, 9000), |case| case.expectation.answer_within = Some(second)),
        ),
        (
            "offline",
            story(Milestone::Answer)
                .src(Observation::EndpointOffline { endpoint: "PJSIP/a".into() })
                .stopped(Stop::Offline),
        ),
        (
            "back to us",
            story(Milestone::Answer).dst(Observation::CameBack { link: "a".into() }).stopped(Stop::CameBack),
        ),
        ("must not go", answered().src(Observation::Forwarded { to: "+4930".into(), is_dialled: false })),
        ("not forwarded", changed(answered(), |case| case.expectation.forwarding.presence = Presence::Required)),
        ("no packet came in", answered().src(fetched(second)).src(Observation::MediaCounted(MediaFigures::default()))),
        (
            "reject ourselves",
            changed(story(Milestone::Rejection), |case| case.expectation.may_be_answered = false)
                .add(None, Observation::TurnedAway { link: "lost".into(), caller: "1".into(), dialled: "1".into() })
                .rejected(17, 486),
        ),
        ("changed or added", answered().digits(Side::Src, "123", "124")),
        (
            "in place of ours",
            story(Milestone::Answer).dst(wrong_call).rejected(17, 486).leg_ended(Awaiting::Answer(Side::Src)),
        ),
        ("want a login", rejected_with(second, 21, 401)),
        ("withheld, or shown", answered().arrived().dst(Observation::NumberWithheld)),
        (
            "delivered more than once",
            changed(answered().arrived(), |case| case.expectation.is_single = true)
                .dst(Observation::Duplicate { caller: "1".into(), dialled: "2".into() }),
        ),
        (
            "not diverted on its way",
            changed(answered().arrived().dst(Observation::RingingSent), |case| {
                case.expectation.diverted_from = vec![Pattern::parse("_+49!").unwrap()];
            }),
        ),
        (
            "ringing where there must be none",
            changed(answered().src(Observation::Ringing), |case| {
                case.expectation.ringing.presence = Presence::Forbidden;
            }),
        ),
        (
            "early media where there must be none",
            changed(answered().src(Observation::EarlyMedia), |case| {
                case.expectation.early_media = Presence::Forbidden;
            }),
        ),
        ("an answer where there must be none", changed(answered(), |case| case.expectation.may_be_answered = false)),
        (
            "answered too late",
            changed(story(Milestone::Answer).after(1500).src(Observation::Answered), |case| {
                case.expectation.answer_within = Some(second);
            }),
        ),
        ("before its time", answered().rejected(16, 200).leg_ended(Awaiting::Pause)),
        ("skipped", changed(answered(), |case| case.expectation.ringing.presence = Presence::Required)),
        ("another time", rejected(Duration::from_millis(10))),
        ("a sound lost", sound(answered(), fetched(second))),
        ("for which the script waited", story(Milestone::Answer).deadline(Awaiting::Answer(Side::Src))),
        (
            "drop out of sight",
            changed(story(Milestone::Ringing).src(Observation::Ringing).rejected(17, 486).seen(None), |case| {
                case.expectation.may_end_early = true;
            })
            .leg_ended(Awaiting::Pause),
        ),
        (
            "the cause of the end",
            changed(rejected(second), |case| {
                case.expectation.causes = vec![ExpectedCause::parse("21").unwrap()];
            }),
        ),
        (
            "cannot be shown",
            changed(answered(), |case| {
                case.expectation.early_media = Presence::Required;
                case.evidence.abilities.early_media = false;
            }),
        ),
        ("a recording lost", answered().src(missing())),
        (
            "not have seen",
            changed(answered().seen(None), |case| case.expectation.ringing.presence = Presence::Forbidden),
        ),
        ("as far as it should", story(Milestone::Answer)),
        ("not arrive", changed(answered(), |case| case.expectation.arrives = true)),
        (
            "not heard",
            changed(answered(), |case| {
                case.expectation.sounds = vec![ExpectedSound { to: Side::Src, is_played: false }];
            }),
        ),
        ("digits missing", answered().digits(Side::Src, "123", "12")),
        (
            "another one than went out",
            changed(story(Milestone::Ringing), |case| case.expectation.may_be_answered = false)
                .src(Observation::Ringing)
                .arrived()
                .dst(Observation::RingingSent)
                .dst(Observation::HangupSent)
                .after(5000)
                .src(Observation::HangupSent),
        ),
    ]
}

#[test]
fn no_question_can_be_left_out() {
    let cases = cases();
    for rule in RULES {
        let (_, case) = cases
            .iter()
            .find(|(words, _)| rule.question.contains(words))
            .unwrap_or_else(|| panic!("no case for {:?}", rule.question));
        let with = judge(&case.expectation, &case.evidence).verdict;
        assert_ne!(with, without(rule.question, case), "{}", rule.question);
    }
    assert_eq!(cases.len(), RULES.len());
}

/// The two servers of a call from one of ours to another, of which one stood still.
fn stalled(mut case: Story, server: &str) -> Story {
    let sight = |name: &str| Sight {
        server: name.into(),
        longest_silence: Duration::from_millis(if name == server { 4000 } else { 500 }),
        silence_limit: Duration::from_secs(1),
        round_trip: Some(Duration::from_millis(2)),
    };
    case.evidence.sight = vec![sight("a"), sight("b")];
    (case.evidence.src_server, case.evidence.dst_server) = (Some("a".into()), Some("b".into()));
    case
}

// field reading 3 | A far end gives up since our other end stands still | `error` | either server, both; a span that gets shorter
#[test]
fn a_fault_counts_unless_a_server_that_may_have_made_it_stood_still() {
    let leg_ended = |case: Story| case.leg_ended(Awaiting::Answer(Side::Src));
    let rejected_call = || leg_ended(story(Milestone::Answer).rejected(34, 503));
    let unwanted = || {
        changed(story(Milestone::Ringing).src(Observation::Ringing).src(Observation::Answered), |case| {
            case.expectation.may_be_answered = false;
        })
    };
    let too_soon = || {
        let mut case = story(Milestone::Rejection);
        let (from, to) = (Duration::from_secs(10), Duration::from_secs(20));
        case.expectation.rejection = Some(RejectionWindow::AfterRinging { from, to });
        case.src(Observation::Ringing).after(9000).rejected(17, 486)
    };
    let early_end = || answered().rejected(16, 200).leg_ended(Awaiting::Pause);
    let wrong_digits = || answered().digits(Side::Src, "123", "124");
    // The word with a server of the source that stood still, and with one of the destination.
    let table: [(&str, &dyn Fn() -> Story, &str, &str); 5] = [
        ("the far end gives up a call that our other end does not answer", &rejected_call, "fail", "error"),
        ("voicemail takes it", &unwanted, "fail", "error"),
        ("a time gets shorter as well", &too_soon, "error", "error"),
        ("a far end hangs up on who is silent", &early_end, "error", "error"),
        ("digits are corrupted", &wrong_digits, "error", "error"),
    ];
    for (why, case, by_src, by_dst) in table {
        for (server, word) in [("a", by_src), ("b", by_dst), ("neither", "fail")] {
            let case = stalled(case(), server);
            assert_eq!(judge(&case.expectation, &case.evidence).verdict.word(), word, "{why}: {server}");
        }
    }
}

// field reading 3
#[test]
fn a_rejection_without_ringing_proves_nothing_if_events_were_lost() {
    let lost = || Observation::Troubled(Trouble::Unreadable { server: "asterisk".into() });
    let rejected = |milestone| story(milestone).add(None, lost()).rejected(17, 486);
    let reason = "server asterisk sent events that could not be read, so what was not seen proves nothing";
    rejected(Milestone::Ringing).leg_ended(Awaiting::Ringing).is("error", reason);
    rejected(Milestone::Answer)
        .leg_ended(Awaiting::Answer(Side::Src))
        .is("fail", "foo: rejected after 0.20 s with 17 user busy (SIP 486), expected an answer");
}

/// A rejection before its time is no end that only has another cause.
#[test]
fn a_rejection_that_is_spoilt_is_not_judged_by_its_cause() {
    let lost = Observation::Troubled(Trouble::Unreadable { server: "asterisk".into() });
    let mut case = story(Milestone::Ringing).add(None, lost).rejected(17, 486).leg_ended(Awaiting::Ringing);
    case.expectation.causes = vec![ExpectedCause::parse("16").unwrap()];
    assert_eq!(judge(&case.expectation, &case.evidence).verdict.word(), "error");
}

#[test]
fn what_is_spoilt_does_not_hide_what_is_not() {
    // The answer may be late since the server stood still; that the phone rang though it must not is seen.
    let mut case =
        story(Milestone::Answer).src(Observation::Ringing).after(2000).src(Observation::Answered).stalled(4000);
    case.expectation.answer_within = Some(Duration::from_secs(1));
    assert_eq!(judge(&case.expectation, &case.evidence).verdict.word(), "error");
    case.expectation.ringing.presence = Presence::Forbidden;
    case.is("fail", "foo: rang 0.10 s after the call went out, expected no ringing");
}

// field reading 2 | `ring` with `early_media: required` and `causes`, and no early media | `fail` | `play`; an end in time and out of it
#[test]
fn early_media_that_is_required_is_missed_where_the_call_may_end() {
    let mut case =
        story(Milestone::Ringing).src(Observation::Ringing).rejected(17, 486).leg_ended(Awaiting::EarlyMedia);
    case.expectation.may_end_early = true;
    case.expectation.causes = vec![ExpectedCause::Q850(HangupCause::USER_BUSY)];
    case.expectation.early_media = Presence::Required;
    case.is("fail", "foo: rang, then rejected after 0.20 s with 17 user busy (SIP 486), expected early media");
}

// field attack 10 | One end is dropped alone, with a cause of its own | link, time and cause of that end | the other end ends later by the network, or by us
#[test]
fn the_reason_is_that_of_the_leg_that_ended_first() {
    let dst_end = Hangup { cause: HangupCause(41), tech_cause: None };
    let up = || story(Milestone::Answer).arrived().dst(Observation::AnswerSent).src(Observation::Answered);
    let dropped = || up().dst(Observation::Answered).dst(Observation::HangupRequest { end: dst_end, is_soft: false });
    // The other leg ends later, by the network.
    let mut case = dropped().after(600).rejected(16, 200);
    case.evidence.script_end =
        ScriptEnd::Stopped(Stop::LegEnded { side: Side::Dst, awaiting: Awaiting::Digits(Side::Dst) });
    case.is("fail", "bar: the call ended 0.10 s after the answer with 41 temporary failure, while waiting for digits");
    // It ends since we hang it up.
    let mut case = dropped().src(Observation::HangupSent).rejected(16, 200);
    case.evidence.script_end =
        ScriptEnd::Stopped(Stop::LegEnded { side: Side::Dst, awaiting: Awaiting::Digits(Side::Dst) });
    case.is("fail", "bar: the call ended 0.10 s after the answer with 41 temporary failure, while waiting for digits");
}
