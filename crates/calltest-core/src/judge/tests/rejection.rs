//! Calls that have to be rejected: when, and with which cause.

use super::*;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A call that has to be rejected within a second.
fn soon() -> Story {
    let mut story = story(Milestone::Rejection);
    story.expectation.may_be_answered = false;
    story.expectation.rejection = Some(RejectionWindow::AfterDialling { within: seconds(1) });
    story
}

/// A call that has to ring, and be rejected one or two seconds after.
fn later() -> Story {
    let mut story = soon();
    story.expectation.ringing.presence = Presence::Required;
    story.expectation.rejection = Some(RejectionWindow::AfterRinging { from: seconds(1), to: seconds(2) });
    story
}

/// A call that has to ring, and may end after that, with one of these causes.
fn may_end(causes: &[&str]) -> Story {
    let mut story = story(Milestone::Ringing).expecting(causes);
    story.expectation.may_end_early = true;
    story
}

impl Story {
    fn expecting(mut self, causes: &[&str]) -> Self {
        self.expectation.causes = causes.iter().map(|cause| ExpectedCause::parse(cause).expect("a cause")).collect();
        self
    }

    fn overdue(self, awaiting: Awaiting, within: u64) -> Self {
        self.stopped(Stop::Overdue { awaiting, within: seconds(within) })
    }

    /// The far end hangs up without a word about the cause.
    fn bye(self) -> Self {
        let end = HangupCause(0).into();
        self.src(Observation::HangupRequest { end, is_soft: false }).src(Observation::Gone { end: Some(end) })
    }
}

#[test]
fn a_rejection_that_is_late_on_a_server_that_stood_still_proves_nothing() {
    let sentence =
        "server asterisk was silent for 4.0 s during the run, so what was late, corrupted or not seen proves nothing";
    soon().after(4200).rejected(17, 486).stalled(4000).is("error", sentence);
    later().src(Observation::Ringing).after(4200).rejected(17, 486).stalled(4000).is("error", sentence);
    // What began while it stood still is told late, so the time from there on gets shorter.
    later().src(Observation::Ringing).after(500).rejected(17, 486).stalled(4000).is("error", sentence);
}

#[test]
fn a_rejection_has_to_come_in_time() {
    soon().rejected(17, 486).is("pass", "");
    soon().after(1000).rejected(17, 486).is("pass", "");
    soon().src(Observation::Ringing).src(Observation::EarlyMedia).rejected(21, 603).is("pass", "");
    soon()
        .after(1010)
        .rejected(17, 486)
        .is("fail", "foo: rejected after 1.01 s with 17 user busy (SIP 486), expected within 1 s");
}

#[test]
fn a_rejection_after_ringing_has_its_time_from_there() {
    let rings = || later().after(700).src(Observation::Ringing);
    rings().after(1000).rejected(19, 480).is("pass", "");
    rings().after(2000).rejected(19, 480).is("pass", "");
    rings()
        .after(990)
        .rejected(19, 480)
        .is("fail", "foo: rejected after 0.99 s of ringing with 19 no answer (SIP 480), expected between 1 s and 2 s");
    rings()
        .after(2010)
        .rejected(19, 480)
        .is("fail", "foo: rejected after 2.01 s of ringing with 19 no answer (SIP 480), expected between 1 s and 2 s");
}

#[test]
fn where_early_media_counts_as_ringing_the_first_of_both_does() {
    let early = |early_media_counts| {
        let mut story = later();
        story.expectation.ringing.early_media_counts = early_media_counts;
        story.src(Observation::EarlyMedia).after(500).src(Observation::Ringing).after(700).rejected(19, 480)
    };
    early(true).is("pass", "");
    early(false)
        .is("fail", "foo: rejected after 0.70 s of ringing with 19 no answer (SIP 480), expected between 1 s and 2 s");
}

#[test]
fn the_time_of_a_rejection_is_the_servers() {
    let mut case = soon().after(1500).rejected(17, 486);
    case = case.stamp(0, 1_000).stamp(1, 1900);
    case.is("pass", "");
}

#[test]
fn a_rejection_that_does_not_come_fails_and_our_own_hangup_is_none() {
    soon()
        .overdue(Awaiting::Rejection, 1)
        .is("fail", "foo: expected a rejection, saw neither ringing, answer nor rejection within 1 s");
    soon()
        .src(Observation::EarlyMedia)
        .overdue(Awaiting::Rejection, 1)
        .is("fail", "foo: expected a rejection, saw only early media within 1 s");
    soon()
        .src(Observation::Ringing)
        .deadline(Awaiting::Rejection)
        .is("fail", "foo: expected a rejection, saw only ringing within 30 s");
    let hung_up = |story: Story| story.src(Observation::Ringing).after(2500).src(Observation::HangupSent);
    hung_up(later())
        .rejected(19, 480)
        .overdue(Awaiting::Rejection, 2)
        .is("fail", "foo: expected a rejection, saw only ringing within 2 s");
    hung_up(later().expecting(&["19"]))
        .src(Observation::HangupRequest { end: HangupCause(32).into(), is_soft: true })
        .src(Observation::Gone { end: Some(HangupCause(19).into()) })
        .overdue(Awaiting::Rejection, 2)
        .is("fail", "foo: expected a rejection, saw only ringing within 2 s");
}

#[test]
fn a_rejection_that_nobody_could_have_seen_is_missed_by_none() {
    let missed = || soon().src(Observation::Ringing).overdue(Awaiting::Rejection, 1);
    missed().seen(None).is(
        "error",
        "server asterisk did not answer when the time was up (nothing heard for 4.0 s), so what was not seen proves nothing",
    );
    let mut held_up = missed();
    held_up.evidence.loop_delay = Duration::from_millis(1200);
    held_up.is(
        "error",
        "this process was held up for 1.2 s during the run, so what was late, corrupted or not seen proves nothing",
    );
    soon().rejected(17, 486).overdue(Awaiting::Rejection, 1).is(
        "error",
        "the rejection came in only after the time was up, so it cannot be told whether the network or this process was late",
    );
    soon().is("error", "the call stopped while foo waited for the rejection, and nothing that was seen explains it");
}

#[test]
fn a_call_that_does_not_ring_out_has_to_ring() {
    later()
        .overdue(Awaiting::Ringing, 30)
        .is("fail", "foo: expected ringing, saw neither ringing, answer nor rejection within 30 s");
    later()
        .rejected(17, 486)
        .leg_ended(Awaiting::Ringing)
        .is("fail", "foo: rejected after 0.10 s with 17 user busy (SIP 486), expected ringing");
    later().src(Observation::Answered).is("fail", "foo: answered 0.10 s after the call went out, expected no answer");
    soon()
        .src(Observation::Ringing)
        .src(Observation::Answered)
        .rejected(16, 200)
        .is("fail", "foo: answered 0.20 s after the call went out, expected no answer");
}

#[test]
fn a_cause_is_a_number_a_name_or_a_sip_status() {
    for cause in ["21", "call-rejected", "rejected", "SIP 603"] {
        soon().expecting(&["1", cause]).rejected(21, 603).is("pass", "");
    }
    soon()
        .expecting(&["busy", "SIP 486"])
        .rejected(21, 603)
        .is("fail", "foo: rejected after 0.10 s with 21 call rejected (SIP 603), expected 17 user busy or SIP 486");
    soon()
        .expecting(&["34"])
        .src(Observation::DialEnded { status: "CONGESTION".into() })
        .src(Observation::Gone { end: Some(HangupCause(0).into()) })
        .is("pass", "");
    soon()
        .expecting(&["1"])
        .src(Observation::Gone { end: Some(HangupCause(0).into()) })
        .is("fail", "foo: rejected after 0.10 s with no cause given, expected 1 unallocated number");
}

#[test]
fn a_rejection_at_the_wrong_time_is_told_before_its_cause() {
    soon()
        .expecting(&["19"])
        .after(2000)
        .rejected(17, 486)
        .is("fail", "foo: rejected after 2 s with 17 user busy (SIP 486), expected within 1 s");
}

#[test]
fn a_sip_status_that_nobody_told_is_an_error() {
    let busy = |causes: &[&str]| {
        let status = Observation::DialEnded { status: "BUSY".into() };
        soon().expecting(causes).src(status).src(Observation::Gone { end: Some(HangupCause(0).into()) })
    };
    busy(&["SIP 486"]).is(
        "error",
        "foo: rejected with 17 user busy, but without a SIP code, so SIP 486 cannot be checked; does the link dial by SIP?",
    );
    // One that fits needs no status.
    busy(&["SIP 486", "17"]).is("pass", "");
}

#[test]
fn a_call_that_may_end_has_to_end_with_the_right_cause() {
    let rings = |causes: &[&str]| may_end(causes).src(Observation::Ringing);
    rings(&["19"]).rejected(19, 480).leg_ended(Awaiting::Pause).is("pass", "");
    rings(&["19"]).is("pass", "");
    rings(&["19"])
        .rejected(17, 486)
        .leg_ended(Awaiting::Pause)
        .is("fail", "foo: rejected after 0.20 s with 17 user busy (SIP 486), expected 19 no answer");
    // It has not rung yet.
    may_end(&["17"])
        .rejected(17, 486)
        .leg_ended(Awaiting::Ringing)
        .is("fail", "foo: rejected after 0.10 s with 17 user busy (SIP 486), expected ringing");
    let mut early_media = rings(&["17"]);
    early_media.expectation.early_media = Presence::Required;
    early_media.expectation.may_end_early = false;
    early_media
        .rejected(17, 486)
        .leg_ended(Awaiting::EarlyMedia)
        .is("fail", "foo: rang, then rejected after 0.20 s with 17 user busy (SIP 486), expected early media");
}

#[test]
fn hanging_up_without_a_cause_is_normal_clearing_once_the_call_is_answered() {
    let answered = |causes: &[&str]| may_end(causes).src(Observation::Answered).after(300).bye();
    answered(&["normal-clearing"]).leg_ended(Awaiting::Pause).is("pass", "");
    answered(&["17"])
        .leg_ended(Awaiting::Pause)
        .is("fail", "foo: hung up 0.30 s after the answer with 16 normal clearing, expected 17 user busy");
    // No request to end a call has a status: this one does not lack it.
    answered(&["SIP 480"])
        .leg_ended(Awaiting::Pause)
        .is("fail", "foo: hung up 0.30 s after the answer with 16 normal clearing, expected SIP 480");
    story(Milestone::Answer)
        .bye()
        .leg_ended(Awaiting::Answer(Side::Src))
        .is("fail", "foo: rejected after 0.10 s with no cause given, expected an answer");
}
