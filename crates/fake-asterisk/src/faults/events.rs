//! Faults in the delivery of events.

use std::time::Duration;

use serde_json::Value;

use super::selection::{Rules, Selection};
use super::{Fault, Faults};
use crate::behaviour::matches;

/// A fault in the delivery of events, begun with [`Faults::events`]. It takes effect when its ending is named.
#[derive(Debug)]
#[must_use = "a fault takes effect when `drops`, `duplicates`, `delays` or another ending is called"]
pub struct EventFault<'a> {
    faults: &'a Faults,
    matcher: EventMatcher,
    selection: Selection,
}

/// The events that a fault could strike: patterns for the type, and for the id of what they are about.
#[derive(Debug)]
pub(crate) struct EventMatcher {
    kind: String,
    subject: String,
}

impl<'a> EventFault<'a> {
    pub(super) fn new(faults: &'a Faults, kind: &str) -> Self {
        let matcher = EventMatcher { kind: kind.to_owned(), subject: "*".to_owned() };
        Self { faults, matcher, selection: Selection::default() }
    }

    /// Only for events about a channel (or a playback or recording of one) with this id, in which `*` stands for any
    /// characters.
    pub fn of_channel(mut self, id: &str) -> Self {
        id.clone_into(&mut self.matcher.subject);
        self
    }

    /// Only for the next `times` events that match.
    pub fn times(mut self, times: usize) -> Self {
        self.selection.remaining = Some(times);
        self
    }

    /// Only after that many events that match were delivered as usual.
    pub fn after(mut self, passes: usize) -> Self {
        self.selection.passes = passes;
        self
    }

    /// Strikes each event that matches only with this likelihood, from 0 to 1. See [`Faults::seed`].
    pub fn sometimes(mut self, likelihood: f64) -> Self {
        self.selection.likelihood = Some(likelihood);
        self
    }

    /// The events are lost.
    pub fn drops(self) -> Fault {
        self.add(EventAction::Drop)
    }

    /// Each event comes twice.
    pub fn duplicates(self) -> Fault {
        self.add(EventAction::Duplicate)
    }

    /// Each event comes `time` late; events of other types are not held up by it, so the order changes.
    pub fn delays(self, time: Duration) -> Fault {
        self.add(EventAction::Delay(time))
    }

    /// As [`delays`](Self::delays), by a time of its own for each, from zero up to `longest`: their order is left to
    /// chance.
    pub fn delays_up_to(self, longest: Duration) -> Fault {
        self.add(EventAction::DelayUpTo(longest))
    }

    /// Each event comes only after the next one that its application gets. If none follows within half a second, it
    /// comes then.
    pub fn swaps(self) -> Fault {
        self.add(EventAction::Swap)
    }

    /// Only the first half of each event comes, as a whole text frame.
    pub fn truncates(self) -> Fault {
        self.add(EventAction::Truncate)
    }

    /// Each event comes as a frame that is no JSON.
    pub fn garbles(self) -> Fault {
        self.add(EventAction::Garble)
    }

    /// Each event comes with a type that Asterisk does not have.
    pub fn turns_unknown(self) -> Fault {
        self.add(EventAction::TurnUnknown)
    }

    /// Each event is followed by one like it about a channel that the client has nothing to do with.
    pub fn repeats_for_stranger(self) -> Fault {
        self.add(EventAction::RepeatForStranger)
    }

    /// The WebSocket breaks with a TCP reset in place of the event.
    pub fn cuts(self) -> Fault {
        self.add(EventAction::Cut)
    }

    fn add(self, action: EventAction) -> Fault {
        let Self { faults, matcher, selection } = self;
        faults.add(move |state| {
            let draw = state.fault_draws.draw();
            let number = draw.0;
            state.apps.rules.add(draw, matcher, selection, action);
            number
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventAction {
    Drop,
    Duplicate,
    Delay(Duration),
    DelayUpTo(Duration),
    Swap,
    Truncate,
    Garble,
    TurnUnknown,
    RepeatForStranger,
    Cut,
}

/// The event faults in force.
pub(crate) type EventRules = Rules<EventMatcher, EventAction>;

impl EventRules {
    /// Finds what is to be done to an event, and counts it.
    pub(crate) fn treat(&mut self, kind: &str, subject: &str) -> Option<EventAction> {
        let is_match = |matcher: &EventMatcher| matches(&matcher.kind, kind) && matches(&matcher.subject, subject);
        self.strike(is_match).map(|(action, chance)| match action {
            EventAction::DelayUpTo(longest) => EventAction::Delay(chance.time_up_to(longest)),
            other => other,
        })
    }
}

/// The first half of an event.
pub(crate) fn truncated(event: &str) -> String {
    event[..event.floor_char_boundary(event.len() / 2)].to_owned()
}

/// An event with quotes that JSON does not have.
pub(crate) fn garbled(event: &str) -> String {
    event.replace('"', "'")
}

/// An event with a type that no version of Asterisk has.
pub(crate) fn of_unknown_type(event: &str, kind: &str) -> String {
    event.replacen(&format!(r#""type":"{kind}""#), &format!(r#""type":"{kind}OfTomorrow""#), 1)
}

/// The same event about a channel that nobody knows.
pub(crate) fn about_a_stranger(event: &str) -> String {
    const STRANGER: &str = "1000000000.1";
    let mut event: Value = serde_json::from_str(event).expect("the fake's own events are JSON");
    for key in ["channel", "peer"] {
        if let Some(channel) = event.get_mut(key) {
            channel["id"] = STRANGER.into();
            channel["name"] = "PJSIP/stranger-00000001".into();
        }
    }
    for key in ["playback", "recording"] {
        if let Some(medium) = event.get_mut(key) {
            medium["target_uri"] = format!("channel:{STRANGER}").into();
            medium[if key == "playback" { "id" } else { "name" }] = "a-strangers".into();
        }
    }
    event.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_spoilt_in_their_form_and_nothing_else() {
        let event = r#"{"type":"Dial","peer":{"id":"ct-1","name":"x"},"dialstatus":"RINGING"}"#;
        assert!(serde_json::from_str::<Value>(&truncated(event)).is_err_and(|error| error.is_eof()));
        assert!(serde_json::from_str::<Value>(&garbled(event)).is_err_and(|error| error.is_syntax()));
        let unknown: Value = serde_json::from_str(&of_unknown_type(event, "Dial")).unwrap();
        assert_eq!((&unknown["type"], &unknown["peer"]["id"]), (&"DialOfTomorrow".into(), &"ct-1".into()));
        let foreign: Value = serde_json::from_str(&about_a_stranger(event)).unwrap();
        assert_eq!((&foreign["type"], &foreign["dialstatus"]), (&"Dial".into(), &"RINGING".into()));
        assert_ne!(foreign["peer"]["id"], "ct-1");
        let playing = r#"{"type":"PlaybackStarted","playback":{"id":"p","target_uri":"channel:ct-1"}}"#;
        assert!(!about_a_stranger(playing).contains("ct-1"));
    }
}
