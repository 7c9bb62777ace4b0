//! Messages of Asterisk's WebSocket: whatever comes is an event, and nothing of it is lost.

use std::fmt;

use calltest_ari::Event;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// The first `type` of a message, which counts where a hostile one has two: a [`Value`] would keep the last.
struct FirstType(Option<Value>);

/// Reads a message.
///
/// # Panics
/// If something does not hold.
pub fn check(input: &[u8]) {
    // As the connection does with what is no text.
    let text = String::from_utf8_lossy(input);
    let event = Event::parse(&text);
    let sent = serde_json::from_str::<Value>(&text);
    let sent_type = serde_json::from_str::<FirstType>(&text).ok().and_then(|first| first.0);
    let kept = serde_json::to_value(&event).expect("every event can be written");
    match &event {
        Event::Unknown { kind, raw } => {
            assert_eq!(raw, &text, "an unknown event is kept whole");
            assert!(sent_type.as_ref().is_none_or(|sent| sent == kind), "{sent_type:?} became {kind}");
        }
        Event::Unreadable { raw, error, .. } => {
            assert_eq!(raw, &text, "an unreadable event is kept whole");
            assert!(!error.is_empty(), "nothing is said of what is wrong with {text}");
        }
        known => {
            let sent_type = sent_type.expect("what was understood is JSON, and has a type");
            assert_eq!(sent_type, known.kind(), "an event became another one");
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

impl<'de> Deserialize<'de> for FirstType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = FirstType;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<FirstType, A::Error> {
                let mut first = None;
                while let Some(name) = fields.next_key::<String>()? {
                    if first.is_none() && name == "type" {
                        first = Some(fields.next_value()?);
                    } else {
                        fields.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(FirstType(first))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}
