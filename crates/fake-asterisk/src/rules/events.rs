//! What faults do to events that are on their way to a client.

use std::time::Duration;

use serde_json::Value;

use super::selection::Rules;
use crate::behaviour::matches;

/// The events that a fault could strike: patterns for the type, and for the id of what they are about.
#[derive(Debug)]
pub struct EventMatcher {
    pub(crate) kind: String,
    pub(crate) subject: String,
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
    let middle = (0..=event.len() / 2).rev().find(|place| event.is_char_boundary(*place)).unwrap_or_default();
    event[..middle].to_owned()
}

/// An event with quotes that JSON does not have.
pub(crate) fn garbled(event: &str) -> String {
    event.replace('"', "'")
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
        let foreign: Value = serde_json::from_str(&about_a_stranger(event)).unwrap();
        assert_eq!((&foreign["type"], &foreign["dialstatus"]), (&"Dial".into(), &"RINGING".into()));
        assert_ne!(foreign["peer"]["id"], "ct-1");
        let playing = r#"{"type":"PlaybackStarted","playback":{"id":"p","target_uri":"channel:ct-1"}}"#;
        assert!(!about_a_stranger(playing).contains("ct-1"));
    }
}
