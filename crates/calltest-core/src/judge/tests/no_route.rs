//! Calls that lead nowhere in our own dialplan.

use super::*;

// field attack 29 | `Local/nosuch@nowhere` | `error` | the mode `fail`; `local/` in small letters; a server without room
#[test]
fn a_local_channel_that_leads_nowhere_is_told_from_a_rejection() {
    let local = |milestone| {
        let mut case = story(milestone);
        case.evidence.facts[0].what = Observation::Dialled { dial_string: "Local/x@nowhere".into() };
        case
    };
    let gone = || Observation::Gone { end: Some(HangupCause::NOT_TOLD.into()) };
    let sentence = "foo: Local/x@nowhere leads nowhere: the dialplan has no such extension or context";
    local(Milestone::Rejection).src(gone()).is("error", sentence);
    local(Milestone::Ringing).src(gone()).leg_ended(Awaiting::Ringing).is("error", sentence);
    // Whatever was seen before came from an extension that exists.
    let busy = Observation::DialEnded { status: "BUSY".into() };
    local(Milestone::Rejection).src(busy).src(gone()).is("pass", "");
    local(Milestone::Ringing)
        .src(Observation::EarlyMedia)
        .src(gone())
        .leg_ended(Awaiting::Ringing)
        .is("fail", "foo: rejected after 0.20 s with no cause given, expected ringing");
}

// field attack 29
#[test]
fn the_technology_of_a_local_channel_may_be_written_in_small_letters() {
    let mut case = story(Milestone::Rejection);
    case.evidence.facts[0].what = Observation::Dialled { dial_string: "local/x@nowhere".into() };
    let gone = Observation::Gone { end: Some(HangupCause::NOT_TOLD.into()) };
    let sentence = "foo: local/x@nowhere leads nowhere: the dialplan has no such extension or context";
    case.src(gone).is("error", sentence);
}
