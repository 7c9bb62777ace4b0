//! Messages of Asterisk's WebSocket: whatever comes is an event, and nothing of it is lost.

use calltest_ari::Event;
use serde_json::Value;

/// Reads a message.
///
/// # Panics
/// If something does not hold.
pub fn check(input: &[u8]) {
    // As the connection does with what is no text.
    let text = String::from_utf8_lossy(input);
    let event = Event::parse(&text);
    let sent = serde_json::from_str::<Value>(&text);
    let kept = serde_json::to_value(&event).expect("every event can be written");
    match &event {
        Event::Unknown { kind, raw } => {
            assert_eq!(raw, &text, "an unknown event is kept whole");
            let sent = sent.as_ref().ok().and_then(|sent| sent["type"].as_str());
            assert!(sent.is_none_or(|sent| sent == kind), "{sent:?} became {kind}");
        }
        Event::Unreadable { raw, error, .. } => {
            assert_eq!(raw, &text, "an unreadable event is kept whole");
            assert!(!error.is_empty(), "nothing is said of what is wrong with {text}");
        }
        known => {
            let sent = sent.as_ref().expect("what was understood is JSON");
            assert_eq!(sent["type"], known.kind(), "an event became another one");
            assert_eq!(kept["type"], known.kind(), "an event is written as another one");
        }
    }
    if matches!(event, Event::Unknown { .. } | Event::Unreadable { .. }) {
        let whole = sent.unwrap_or_else(|_| Value::from(&*text));
        assert_eq!(kept, whole, "an event that was not understood is written as it came");
    }
    // Any time will do, as long as it is one.
    let _time = event.timestamp().and_then(|timestamp| timestamp.to_system_time());
}
