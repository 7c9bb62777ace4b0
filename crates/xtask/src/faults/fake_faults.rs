//! The table of the faults of the tester's side that the fake can have: what each does, which verdicts are right, and why.

use std::time::Duration;

use fake_asterisk::{ClockStep, EventFault, Faults};

use super::allowed::{Allowed, either, harmless, unasked, unseen, untold};
use super::fault::Fault;
use super::stage::Stage;
use crate::network::ms;

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

/// Adds the same fault for every type of event but digits.
fn all_but_digits(faults: &Faults, add: impl Fn(EventFault<'_>)) {
    NO_DIGITS.iter().for_each(|kind| add(faults.events(kind)));
}

const HOUR: Duration = Duration::from_secs(3600);

/// After an absence of ten to twenty seconds the next attempt may be as far away as the longest pause.
const AFTER_LONG: u64 = 25;

pub(crate) const FAULTS: &[Fault<Faults>] = &[
    Fault::new(
        "websocket-closed",
        Faults::close_websockets,
        unseen,
        "events between two connections are lost for good",
    ),
    Fault::new("websocket-ended", Faults::end_websockets, unseen, "as above, without a close frame"),
    Fault::new("websocket-reset", Faults::reset_websockets, unseen, "as above"),
    Fault::new("network-cut", Faults::reset_connections, unseen, "as above; requests under way are lost as well"),
    Fault::new(
        "away-2s",
        |faults: &Faults| {
            faults.refuse_connections();
            faults.reset_connections();
        },
        unseen,
        "as above, and nothing can be hung up meanwhile",
    )
    .lasts(ms(2000))
    .back_within(5),
    Fault::new(
        "half-open",
        Faults::freeze_websockets,
        untold,
        "requests work, but nothing is told: there is no line of sight",
    )
    .unnoticed_within(AFTER_LONG),
    Fault::new(
        "stopped-400ms",
        Faults::suspend,
        harmless,
        "all that happened is told in the end, within every limit, and no silence is longer than a second",
    )
    .lasts(ms(400)),
    Fault::new(
        "stopped-7s",
        Faults::suspend,
        either,
        "longer than a request may take, shorter than the silence that ends a connection: what was given up is done \
              late, and has to be undone",
    )
    .lasts(ms(7000)),
    Fault::new("stopped-13s", Faults::suspend, untold, "longer than the silence that ends a connection")
        .lasts(ms(13_000))
        .unnoticed_within(AFTER_LONG),
    Fault::new("restart", Faults::restart, unseen, "the server has forgotten the call").ends_every_call(),
    Fault::new("crash-2s", Faults::crash, unseen, "as above, and nobody is there for a while")
        .lasts(ms(2000))
        .back_within(5)
        .ends_every_call(),
    Fault::new(
        "channels-forgotten",
        Faults::forget_channels,
        // Before the call is there, nothing is forgotten.
        |kind, stage| if stage > Stage::Dialled { untold(kind, stage) } else { Allowed::PassOrError },
        "the channels are gone and no event has told of it, so events were lost",
    )
    .ends_every_call(),
    Fault::new(
        "slow-answers",
        |faults: &Faults| drop(faults.on("*", "*").delays_up_to(ms(300))),
        harmless,
        "no limit of a test counts the server's own slowness",
    ),
    Fault::new("slow-actions", |faults| drop(faults.on("*", "*").acts_late(ms(250))), harmless, "as above"),
    Fault::new("answers-in-pieces", |faults| drop(faults.on("*", "*").dribbles(ms(300))), harmless, "as above"),
    Fault::new(
        "answers-after-the-deadline",
        |faults: &Faults| drop(faults.on("POST", "/channels/*").delays(ms(6500))),
        unasked,
        "what was asked for has happened, but the answer is not waited for",
    )
    .unnoticed_within(AFTER_LONG),
    Fault::new(
        "actions-after-the-deadline",
        |faults: &Faults| drop(faults.on("POST", "/channels/*").acts_late(ms(6500))),
        unasked,
        "what was given up is done late, and has to be undone",
    )
    .unnoticed_within(AFTER_LONG),
    Fault::new(
        "answers-lost",
        |faults: &Faults| drop(faults.on("POST", "/channels/*").loses()),
        unasked,
        "what was asked for has happened, but nobody says so",
    )
    .unnoticed_within(AFTER_LONG),
    Fault::new(
        "all-refused-500",
        |faults: &Faults| drop(faults.on("*", "/channels/*").refuses(500)),
        unasked,
        "a server that is out of order has tested nothing",
    ),
    Fault::new("all-refused-503", |faults: &Faults| drop(faults.on("*", "*").refuses(503)), unasked, "as above")
        .unnoticed_within(AFTER_LONG),
    Fault::new(
        "answers-garbled",
        |faults: &Faults| drop(faults.on("*", "*").garbles()),
        either,
        "what was asked for may have happened",
    ),
    Fault::new("answers-truncated", |faults| drop(faults.on("*", "*").truncates()), either, "as above"),
    Fault::new("answers-broken-off", |faults| drop(faults.on("POST", "/channels/*").breaks_off()), either, "as above"),
    Fault::new(
        "connections-reset-once-each",
        |faults: &Faults| drop(faults.on("*", "/channels/*").times(3).resets()),
        either,
        "what does no harm twice is asked for twice",
    ),
    Fault::new(
        "events-doubled",
        |faults: &Faults| all_but_digits(faults, |events| drop(events.duplicates())),
        harmless,
        "evidence is a set; only digits are counted",
    ),
    Fault::new(
        "events-swapped",
        |faults: &Faults| all_but_digits(faults, |events| drop(events.swaps())),
        harmless,
        "the order of events means nothing",
    ),
    Fault::new(
        "events-shuffled",
        |faults: &Faults| all_but_digits(faults, |events| drop(events.delays_up_to(ms(150)))),
        harmless,
        "as above",
    ),
    Fault::new(
        "events-late",
        |faults: &Faults| drop(faults.events("*").delays(ms(400))),
        harmless,
        "late, but within every limit",
    ),
    Fault::new(
        "events-after-the-deadline",
        |faults: &Faults| drop(faults.events("*").delays(ms(6000))),
        untold,
        "what came in too late was not absent",
    )
    .unnoticed_within(AFTER_LONG),
    Fault::new(
        "dial-events-lost",
        |faults: &Faults| drop(faults.events("Dial").drops()),
        harmless,
        "state changes tell the same",
    ),
    Fault::new(
        "ends-lost",
        |faults: &Faults| {
            faults.events("ChannelDestroyed").drops();
            faults.events("StasisEnd").drops();
        },
        either,
        "a channel whose end is not told is asked for",
    ),
    Fault::new(
        "events-truncated",
        |faults: &Faults| drop(faults.events("*").truncates()),
        untold,
        "what cannot be read may have been what is missing",
    ),
    Fault::new("events-garbled", |faults| drop(faults.events("*").garbles()), untold, "as above"),
    Fault::new(
        "cut-instead-of-an-event",
        |faults: &Faults| drop(faults.events("*").times(1).cuts()),
        untold,
        "as when the WebSocket is reset, in the midst of a burst",
    ),
    Fault::new(
        "nonsense-between",
        |faults: &Faults| {
            faults.sends_text("{not json");
            faults.sends_truncated_event();
            faults.sends_unknown_event();
        },
        harmless,
        "frames that make no sense take nothing from those that do",
    ),
    Fault::new(
        "strangers-events",
        |faults: &Faults| {
            faults.sends_foreign_events();
            // Another call on the link under test would be more than a stranger.
            let told = NO_DIGITS.iter().filter(|kind| **kind != "StasisStart");
            told.for_each(|kind| drop(faults.events(kind).repeats_for_stranger()));
            faults.events("ChannelDtmfReceived").repeats_for_stranger();
        },
        harmless,
        "other channels are none of our business",
    ),
    Fault::new(
        "clock-an-hour-ahead",
        |faults: &Faults| faults.step_clock(ClockStep::Forward(HOUR)),
        either,
        "what two clocks tell in two ways speaks against nobody",
    ),
    Fault::new("clock-an-hour-back", |faults: &Faults| faults.step_clock(ClockStep::Back(HOUR)), either, "as above"),
    Fault::new(
        "strangers-in-one-turn",
        |faults: &Faults| faults.strangers_call("trunk", 40),
        either,
        "however many call, the test's own call is its own, where it can be told apart",
    ),
    Fault::new(
        "app-not-registered",
        |faults: &Faults| {
            faults.never_register();
            faults.reset_websockets();
        },
        unseen,
        "a WebSocket that gets no events is no connection",
    )
    .lasts(ms(2000))
    .unnoticed_within(AFTER_LONG),
];

/// Ends a fault that is over by itself. Rules for requests and events last until all is healed: what they hold back must not
/// be overtaken.
pub(crate) fn end(faults: &Faults) {
    faults.thaw();
    faults.accept_connections();
    faults.register();
}
