//! What somebody does to our channels at our own server.

use super::*;

fn up() -> Story {
    story(Milestone::Answer)
        .arrived()
        .dst(Observation::AnswerSent)
        .src(Observation::Answered)
        .dst(Observation::Answered)
}

fn asked(cause: u16, is_soft: bool) -> Observation {
    Observation::HangupRequest { end: HangupCause(cause).into(), is_soft }
}

fn gone(cause: u16) -> Observation {
    Observation::Gone { end: Some(HangupCause(cause).into()) }
}

#[test]
fn who_hangs_a_channel_up_from_inside_the_server_is_not_the_network() {
    let says = |link: &str| {
        format!(
            "{link}: somebody or something at our own server hung it up, which is not the network's doing; look for who uses \
             its command line, ARI or AMI"
        )
    };
    let stopped = |case: Story| case.leg_ended(Awaiting::Pause);
    stopped(up().src(asked(32, true)).src(gone(16))).is("error", &says("foo"));
    stopped(up().dst(asked(32, true)).dst(Observation::Gone { end: None })).is("error", &says("bar"));
    // Of two servers, the other one may be heard first.
    stopped(up().dst(asked(16, false)).dst(Observation::Gone { end: None }).src(asked(32, true)).src(gone(16)))
        .is("error", &says("foo"));
    // Before an answer, too, where it looks like a rejection.
    story(Milestone::Answer)
        .src(Observation::Ringing)
        .src(asked(32, true))
        .src(gone(16))
        .leg_ended(Awaiting::Answer(Side::Src))
        .is("error", &says("foo"));
    // Our own request is soft as well.
    let ended = "foo: the call ended 0.20 s after the answer with 16 normal clearing";
    stopped(up().src(asked(16, false)).src(gone(16)).src(Observation::HangupSent).dst(asked(32, true)))
        .is("fail", ended);
}

#[test]
fn a_call_that_is_up_and_ends_without_a_request_was_not_hung_up_by_the_far_end() {
    let says = |link: &str| {
        format!(
            "{link}: somebody or something at our own server took it out of our hands, or ended it by a limit, which is not \
             the network's doing; look for who uses its command line, ARI or AMI"
        )
    };
    let stopped = |case: Story| case.leg_ended(Awaiting::Pause);
    stopped(up().dst(Observation::Gone { end: None })).is("error", &says("bar"));
    stopped(up().src(gone(0)).dst(asked(16, false))).is("error", &says("foo"));
    // It may be told a moment after the end.
    up().dst(Observation::Gone { end: None })
        .dst(asked(16, false))
        .stopped(Stop::LegEnded { side: Side::Dst, awaiting: Awaiting::Pause })
        .is("fail", "bar: the call ended 0.10 s after the answer with 16 normal clearing");
    // What we end ourselves needs none.
    up().src(Observation::HangupSent).src(gone(16)).dst(Observation::Gone { end: None }).is("pass", "");
}

// field attack 4
#[test]
fn a_clock_that_steps_changes_no_verdict() {
    // In time by ours, and late by the server's.
    let answered = |server: i64| {
        let mut case =
            story(Milestone::Answer).after(500).src(Observation::Answered).stamp(0, 1000).stamp(1, 1000 + server);
        case.expectation.answer_within = Some(Duration::from_secs(3));
        case
    };
    let stepped = |server: &str, ours: &str| {
        format!(
            "server asterisk's clock stepped during the run: what took {server} s by it took {ours} s by ours, so it cannot be \
             told whether the call was in time; have that clock slewed, not stepped"
        )
    };
    answered(500).is("pass", "");
    answered(1400).is("pass", "");
    answered(20_500).is("error", &stepped("20.5", "0.5"));
    // Backwards it is in time by both.
    answered(-3_600_000).is("pass", "");
    let rejected = |server: i64, from: u64| {
        let mut case = story(Milestone::Rejection);
        let (from, to) = (Duration::from_secs(from), Duration::from_secs(40));
        case.expectation.rejection = Some(RejectionWindow::AfterRinging { from, to });
        let case = case.src(Observation::Ringing).after(12_000).rejected(17, 486);
        case.stamp(1, 0).stamp(2, server)
    };
    rejected(12_000, 5).is("pass", "");
    rejected(72_000, 5).is("error", &stepped("72.0", "12.0"));
    rejected(37_000, 30).is("error", &stepped("37.0", "12.0"));
    // Too soon by both; what is told is ours.
    rejected(20_000, 30)
        .is("fail", "foo: rejected after 12 s of ringing with 17 user busy (SIP 486), expected between 30 s and 40 s");
}

/// A server that waits by a clock that was put back does nothing for an hour.
#[test]
fn a_clock_that_steps_explains_what_is_missing() {
    let rings = |gone: i64| {
        let mut case = story(Milestone::Rejection).src(Observation::Proceeding).stamp(1, 5_100);
        case = case.src(Observation::Ringing).stamp(2, 5_200).after(20_000);
        case.expectation.may_be_answered = false;
        case.evidence.script_end =
            ScriptEnd::Stopped(Stop::Overdue { awaiting: Awaiting::Rejection, within: Duration::from_secs(20) });
        let hung_up = Observation::HangupRequest { end: HangupCause(32).into(), is_soft: true };
        let case = case.src(Observation::HangupSent).src(hung_up).stamp(4, gone);
        case.src(Observation::Gone { end: None }).stamp(5, gone + 100)
    };
    rings(25_300).is("fail", "foo: expected a rejection, saw only ringing within 20 s");
    let stepped = "server asterisk's clock stepped during the run: what took 0.0 s by it took 20.3 s by ours, so it cannot be \
                   told whether the call was in time; have that clock slewed, not stepped";
    rings(25_300 - 3_600_000).is("error", stepped);
    let ahead = "server asterisk's clock stepped during the run: what took 3620.3 s by it took 20.3 s by ours, so it cannot be \
                 told whether the call was in time; have that clock slewed, not stepped";
    rings(25_300 + 3_600_000).is("error", ahead);
}
