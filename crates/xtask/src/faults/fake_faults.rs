//! The table of the faults of the tester's side that the fake can have: what each does, which verdicts are right, and why.

use std::time::Duration;

use fake_asterisk::{EventFault, Faults};

use super::field::ms;
use super::on_fake::Fault;
use super::stage::{Kind, Stage};
use super::trial::Right;

/// The events that may be spoilt without making the network look bad: digits are what the network transports, and one
/// that is told twice, or not at all, has been doubled or lost for all that anybody can tell.
const NO_DIGITS: [&str; 10] = [
    "StasisStart",
    "StasisEnd",
    "ChannelStateChange",
    "ChannelHangupRequest",
    "ChannelDestroyed",
    "Dial",
    "PlaybackStarted",
    "PlaybackFinished",
    "RecordingStarted",
    "RecordingFinished",
];

/// The connection is gone: an error, unless the call had nothing left to see.
fn unseen(kind: Kind, stage: Stage) -> Right {
    if stage.leaves_to_see(kind) { Right::Error } else { Right::PassOrError }
}

/// Requests get through, but nothing is told any more.
fn untold(kind: Kind, stage: Stage) -> Right {
    if stage.leaves_to_hear(kind) { Right::Error } else { Right::PassOrError }
}

/// What cannot be asked for is an error where the call still has to go out.
fn unasked(kind: Kind, stage: Stage) -> Right {
    if stage == Stage::Start && !kind.is_called() { Right::Error } else { Right::PassOrError }
}

fn harmless(_: Kind, _: Stage) -> Right {
    Right::Pass
}

fn either(_: Kind, _: Stage) -> Right {
    Right::PassOrError
}

/// Adds the same fault for every type of event but digits.
fn all_but_digits(faults: &Faults, add: impl Fn(EventFault<'_>)) {
    NO_DIGITS.iter().for_each(|kind| add(faults.events(kind)));
}

const SOON: Duration = Duration::from_secs(3);
/// After an absence of ten to twenty seconds the next attempt may be as far away as the longest pause.
pub(crate) const AFTER_LONG: Duration = Duration::from_secs(25);

/// All of them.
pub(crate) const FAULTS: &[Fault] = &[
    Fault {
        name: "websocket-closed",
        strikes: Faults::close_websockets,
        lasts: None,
        right: unseen,
        why: "events between two connections are lost for good",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "websocket-reset",
        strikes: Faults::reset_websockets,
        lasts: None,
        right: unseen,
        why: "as above",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "network-cut",
        strikes: Faults::reset_connections,
        lasts: None,
        right: unseen,
        why: "as above; requests under way are lost as well",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "away-2s",
        strikes: |faults| {
            faults.refuse_connections();
            faults.reset_connections();
        },
        lasts: Some(ms(2000)),
        right: unseen,
        why: "as above, and nothing can be hung up meanwhile",
        back_within: ms(5000),
        spares_stranger: true,
    },
    Fault {
        name: "half-open",
        strikes: Faults::freeze_websockets,
        lasts: None,
        right: untold,
        why: "requests work, but nothing is told: there is no line of sight",
        back_within: AFTER_LONG,
        spares_stranger: true,
    },
    Fault {
        name: "stopped-400ms",
        strikes: Faults::suspend,
        lasts: Some(ms(400)),
        right: harmless,
        why: "all that happened is told in the end, within every limit, and no silence is longer than a second",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "stopped-7s",
        strikes: Faults::suspend,
        lasts: Some(ms(7000)),
        right: either,
        why: "longer than a request may take, shorter than the silence that ends a connection: what was given up is done \
              late, and has to be undone",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "stopped-13s",
        strikes: Faults::suspend,
        lasts: Some(ms(13_000)),
        right: untold,
        why: "longer than the silence that ends a connection",
        back_within: AFTER_LONG,
        spares_stranger: true,
    },
    Fault {
        name: "restart",
        strikes: Faults::restart,
        lasts: None,
        right: unseen,
        why: "the server has forgotten the call",
        back_within: SOON,
        spares_stranger: false,
    },
    Fault {
        name: "crash-2s",
        strikes: Faults::crash,
        lasts: Some(ms(2000)),
        right: unseen,
        why: "as above, and nobody is there for a while",
        back_within: ms(5000),
        spares_stranger: false,
    },
    Fault {
        name: "channels-forgotten",
        strikes: Faults::forget_channels,
        lasts: None,
        // Before the call is there, nothing is forgotten.
        right: |kind, stage| if stage > Stage::Dialled { untold(kind, stage) } else { Right::PassOrError },
        why: "the channels are gone and no event has told of it, so events were lost",
        back_within: SOON,
        spares_stranger: false,
    },
    Fault {
        name: "slow-answers",
        strikes: |faults| drop(faults.on("*", "*").delays_up_to(ms(300))),
        lasts: None,
        right: harmless,
        why: "no limit of a test counts the server's own slowness",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "slow-actions",
        strikes: |faults| drop(faults.on("*", "*").acts_late(ms(250))),
        lasts: None,
        right: harmless,
        why: "as above",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "answers-in-pieces",
        strikes: |faults| drop(faults.on("*", "*").dribbles(ms(300))),
        lasts: None,
        right: harmless,
        why: "as above",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "answers-after-the-deadline",
        strikes: |faults| drop(faults.on("POST", "/channels/*").delays(ms(6500))),
        lasts: None,
        right: unasked,
        why: "what was asked for has happened, but the answer is not waited for",
        back_within: AFTER_LONG,
        spares_stranger: true,
    },
    Fault {
        name: "actions-after-the-deadline",
        strikes: |faults| drop(faults.on("POST", "/channels/*").acts_late(ms(6500))),
        lasts: None,
        right: unasked,
        why: "what was given up is done late, and has to be undone",
        back_within: AFTER_LONG,
        spares_stranger: true,
    },
    Fault {
        name: "answers-lost",
        strikes: |faults| drop(faults.on("POST", "/channels/*").loses()),
        lasts: None,
        right: unasked,
        why: "what was asked for has happened, but nobody says so",
        back_within: AFTER_LONG,
        spares_stranger: true,
    },
    Fault {
        name: "all-refused-500",
        strikes: |faults| drop(faults.on("*", "/channels/*").refuses(500)),
        lasts: None,
        right: unasked,
        why: "a server that is out of order has tested nothing",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "all-refused-503",
        strikes: |faults| drop(faults.on("*", "*").refuses(503)),
        lasts: None,
        right: unasked,
        why: "as above",
        back_within: AFTER_LONG,
        spares_stranger: true,
    },
    Fault {
        name: "answers-garbled",
        strikes: |faults| drop(faults.on("*", "*").garbles()),
        lasts: None,
        right: either,
        why: "what was asked for may have happened",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "answers-truncated",
        strikes: |faults| drop(faults.on("*", "*").truncates()),
        lasts: None,
        right: either,
        why: "as above",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "answers-broken-off",
        strikes: |faults| drop(faults.on("POST", "/channels/*").breaks_off()),
        lasts: None,
        right: either,
        why: "as above",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "connections-reset-once-each",
        strikes: |faults| drop(faults.on("*", "/channels/*").times(3).resets()),
        lasts: None,
        right: either,
        why: "what does no harm twice is asked for twice",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "events-doubled",
        strikes: |faults| all_but_digits(faults, |events| drop(events.duplicates())),
        lasts: None,
        right: harmless,
        why: "evidence is a set; only digits are counted",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "events-swapped",
        strikes: |faults| all_but_digits(faults, |events| drop(events.swaps())),
        lasts: None,
        right: harmless,
        why: "the order of events means nothing",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "events-shuffled",
        strikes: |faults| all_but_digits(faults, |events| drop(events.delays_up_to(ms(150)))),
        lasts: None,
        right: harmless,
        why: "as above",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "events-late",
        strikes: |faults| drop(faults.events("*").delays(ms(400))),
        lasts: None,
        right: harmless,
        why: "late, but within every limit",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "events-after-the-deadline",
        strikes: |faults| drop(faults.events("*").delays(ms(6000))),
        lasts: None,
        right: untold,
        why: "what came in too late was not absent",
        back_within: AFTER_LONG,
        spares_stranger: true,
    },
    Fault {
        name: "dial-events-lost",
        strikes: |faults| drop(faults.events("Dial").drops()),
        lasts: None,
        right: harmless,
        why: "state changes tell the same",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "ends-lost",
        strikes: |faults| {
            faults.events("ChannelDestroyed").drops();
            faults.events("StasisEnd").drops();
        },
        lasts: None,
        right: either,
        why: "a channel whose end is not told is asked for",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "events-truncated",
        strikes: |faults| drop(faults.events("*").truncates()),
        lasts: None,
        right: untold,
        why: "what cannot be read may have been what is missing",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "events-garbled",
        strikes: |faults| drop(faults.events("*").garbles()),
        lasts: None,
        right: untold,
        why: "as above",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "cut-instead-of-an-event",
        strikes: |faults| drop(faults.events("*").times(1).cuts()),
        lasts: None,
        right: untold,
        why: "as when the WebSocket is reset, in the midst of a burst",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "nonsense-between",
        strikes: |faults| {
            faults.sends_text("{not json");
            faults.sends_truncated_event();
            faults.sends_unknown_event();
        },
        lasts: None,
        right: harmless,
        why: "frames that make no sense take nothing from those that do",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "strangers-events",
        strikes: |faults| {
            faults.sends_foreign_events();
            // Another call on the link under test would be more than a stranger.
            let told = NO_DIGITS.iter().filter(|kind| **kind != "StasisStart");
            told.for_each(|kind| drop(faults.events(kind).repeats_for_stranger()));
            faults.events("ChannelDtmfReceived").repeats_for_stranger();
        },
        lasts: None,
        right: harmless,
        why: "other channels are none of our business",
        back_within: SOON,
        spares_stranger: true,
    },
    Fault {
        name: "app-not-registered",
        strikes: |faults| {
            faults.never_register();
            faults.reset_websockets();
        },
        lasts: Some(ms(2000)),
        right: unseen,
        why: "a WebSocket that gets no events is no connection",
        back_within: AFTER_LONG,
        spares_stranger: true,
    },
];
