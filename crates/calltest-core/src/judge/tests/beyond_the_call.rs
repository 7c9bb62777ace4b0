//! What lies beside or behind the call itself: who should have caused it, who has to end it, what was recorded of it;
//! and what kept us from finding out.

use std::path::PathBuf;

use super::*;

/// A call that somebody else makes.
fn awaited() -> Story {
    let mut story = story(Milestone::Arrival);
    story.evidence.facts.clear();
    story.evidence.src = None;
    story
}

/// An answered call, of which the caller's sound has to be heard at the destination.
fn heard() -> Story {
    let mut story = story(Milestone::Answer).src(Observation::Answered);
    story.expectation.sounds = vec![ExpectedSound { to: Side::Dst, is_played: true }];
    story
}

impl Story {
    fn plays(self, side: Side, milliseconds: u64) -> Self {
        self.add(Some(side), Observation::PlaybackStarted { media: "sound:hello".into() })
            .after(milliseconds)
            .add(Some(side), Observation::PlaybackFinished { media: "sound:hello".into() })
    }

    fn fetched(self, side: Side, milliseconds: u64) -> Self {
        let duration = Duration::from_millis(milliseconds);
        let (name, path) = ("voice".into(), PathBuf::from("/recordings/voice.wav"));
        self.add(Some(side), Observation::RecordingFetched { name, path, bytes: 44, duration })
    }
}

#[test]
fn a_call_that_does_not_come_is_told_with_what_should_have_caused_it() {
    let deadline = |story: Story| story.deadline(Awaiting::Arrival);
    deadline(awaited()).is("fail", "bar: no call arrived within 30 s");
    let started = || awaited().add(None, Observation::TriggerStarted { what: "PUT https://pbx.example/call".into() });
    let done = || started().add(None, Observation::TriggerDone { result: "pbx.example said 200".into() });
    deadline(done()).is("fail", "bar: no call arrived within 30 s; pbx.example said 200");
    deadline(story(Milestone::Answer).src(Observation::EarlyMedia))
        .is("fail", "bar: no call arrived within 30 s; foo saw only early media");
}

#[test]
fn what_goes_wrong_before_a_call_can_come_is_an_error() {
    let table = [
        (Trouble::TriggerFailed { why: "pbx.example said 503".into() }, "the trigger failed: pbx.example said 503"),
        (
            Trouble::TriggerUnfinished {
                link: "bar".into(),
                within: Duration::from_secs(30),
                what: "PUT https://pbx.example/call".into(),
            },
            "no call arrived on bar within 30 s, but the trigger had not finished either: PUT https://pbx.example/call",
        ),
        (
            Trouble::NoSipCodes {
                server: "old".into(),
                product: "Asterisk 20.5.0".into(),
                wanted: ExpectedCause::Sip(488),
            },
            "server old runs Asterisk 20.5.0, which does not report SIP codes: SIP 488 needs 22.7 or newer",
        ),
        (
            Trouble::RecordingFailed { link: "bar".into(), name: "voice".into(), why: "the disk is full".into() },
            "the recording voice on bar failed: the disk is full",
        ),
    ];
    for (trouble, reason) in table {
        awaited().stopped(Stop::Trouble(trouble.clone())).is("error", reason);
        // It counts as much when it shows only after the script was through.
        awaited().arrived().add(None, Observation::Troubled(trouble)).is("error", reason);
    }
}

#[test]
fn a_caller_has_to_end_the_call_where_the_test_says_so() {
    let answered =
        || awaited().arrived().dst(Observation::AnswerSent).dst(Observation::Answered).deadline(Awaiting::CallerToEnd);
    answered().is("fail", "bar: expected the caller to hang up or press #, neither came within 30 s");
    let request = Observation::HangupRequest { end: HangupCause(16).into(), is_soft: false };
    answered().dst(request).dst(Observation::Gone { end: None }).is(
        "error",
        "the caller to hang up or press # came in only after the time was up, so it cannot be told whether the network or this process was late",
    );
    // What we did ourselves is no such end.
    answered()
        .dst(Observation::HangupSent)
        .dst(Observation::Gone { end: None })
        .is("fail", "bar: expected the caller to hang up or press #, neither came within 30 s");
    answered().seen(None).is(
        "error",
        "server asterisk did not answer when the time was up (nothing heard for 4.0 s), so what was not seen proves nothing",
    );
}

#[test]
fn a_sound_has_to_be_recorded_in_full() {
    let played = || heard().plays(Side::Src, 2000);
    played().fetched(Side::Dst, 2000).is("pass", "");
    played().fetched(Side::Dst, 1990).is("fail", "bar: expected 2 s of sound, the recording has only 1.99 s");
    // A server that stood still while it played tells nothing by how long it took.
    played().fetched(Side::Dst, 400).stalled(2500).is(
        "error",
        "server asterisk was silent for 2.5 s during the run, so what was late, corrupted or not seen proves nothing",
    );
    played().fetched(Side::Dst, 0).is("fail", "bar: expected sound, the recording is empty");
    let why = "GET recordings/stored: 404".to_owned();
    played()
        .dst(Observation::RecordingMissing { name: "voice".into(), why })
        .is("fail", "bar: expected a recording, the server has none (GET recordings/stored: 404)");
    // What the recording side plays itself is of no matter to it.
    heard().plays(Side::Dst, 5000).plays(Side::Src, 1000).fetched(Side::Dst, 1000).is("pass", "");
}

#[test]
fn a_recording_against_which_nothing_was_played_must_not_be_empty() {
    let mut silent = heard().fetched(Side::Dst, 100);
    silent.expectation.sounds[0].is_played = false;
    silent.is("pass", "");
    let mut empty = heard().fetched(Side::Dst, 0);
    empty.expectation.sounds[0].is_played = false;
    empty.is("fail", "bar: expected sound, the recording is empty");
}

#[test]
fn a_recording_that_is_nowhere_is_an_error_and_one_of_a_call_cut_short_is_not_judged() {
    heard()
        .plays(Side::Src, 2000)
        .is("error", "the call stopped while foo waited for a recording, and nothing that was seen explains it");
    heard().fetched(Side::Dst, 0).rejected(16, 200).leg_ended(Awaiting::Playback).is(
        "fail",
        "foo: the call ended 0.20 s after the answer with 16 normal clearing (SIP 200), while waiting for a sound to end",
    );
}

/// An answer that comes before ours may be that of a telephone system in between.
#[test]
fn an_early_answer_is_another_calls_only_if_our_end_stays_up() {
    let early = |milliseconds: u64| {
        let case = story(Milestone::Answer).src(Observation::Answered).arrived().dst(Observation::AnswerSent);
        case.src(Observation::HangupSent).after(milliseconds).dst(Observation::HangupSent)
    };
    early(900).is("pass", "");
    early(1100).is(
        "error",
        "the call that came in on bar seems to be another one than went out on foo: foo was answered 0.2 s before bar answered, \
         and bar stayed up when foo hung up; see where the dialled number leads, and who else calls bar",
    );
    early(1100).digits(Side::Dst, "12", "12").is("pass", "");
}

/// Who shows the right number is believed where nothing is seen of a rejection, as in a network that forwards the call.
#[test]
fn a_far_end_that_does_not_show_a_rejection_is_doubted_only_where_nothing_else_tells() {
    let unmoved = |checks_caller: bool| {
        let case = story(Milestone::Ringing).arrived().dst(Observation::RingingSent).src(Observation::Ringing);
        let mut case = case.dst(Observation::HangupSent).after(5000).src(Observation::HangupSent);
        (case.expectation.may_be_answered, case.expectation.caller) = (false, checks_caller.then(|| caller("42")));
        case
    };
    unmoved(true).is("pass", "");
    unmoved(false).is(
        "error",
        "the call that came in on bar seems to be another one than went out on foo: foo rang on for 5.0 s after bar had rejected \
         it, and no caller ID is checked; see where the dialled number leads, and who else calls bar",
    );
}
