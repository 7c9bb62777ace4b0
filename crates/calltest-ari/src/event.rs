//! Events: how a message from the WebSocket becomes one, whatever it holds.
//!
//! The structs are generated (`generated/events.rs`), which also calls the macro below that makes the enum. Nothing
//! that arrives is lost: what is not known or does not fit is kept as text.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::delivery::subjects::Subjects;

/// Declares `Event` from the generated structs: variant and content, Asterisk's name, and the field with its time.
macro_rules! events {
    ($($name:ident($content:ty) = $kind:literal [$($timestamp:ident)?],)*) => {
        /// A message from the events WebSocket.
        ///
        /// Newer versions of Asterisk have more of them.
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum Event {
            $(#[doc = concat!("`", $kind, "`")] $name($content),)*
            /// A message of a type that this crate does not know.
            Unknown {
                /// Its `type`.
                kind: String,
                /// The whole message.
                raw: String,
            },
            /// A message of a known type that does not fit that type, or one that has no type at all.
            Unreadable {
                /// Its `type`; empty if there is none.
                kind: String,
                /// The whole message.
                raw: String,
                /// What is wrong with it.
                error: String,
            },
        }

        impl Event {
            /// Understands a message. Never fails: what cannot be understood is an event too.
            pub fn parse(text: &str) -> Event {
                let kind = match crate::event::kind_of(text) {
                    Ok(kind) => kind,
                    Err(error) => return Event::unreadable("", text, &error),
                };
                match &*kind {
                    $($kind => serde_json::from_str(text)
                        .map_or_else(|error| Event::unreadable($kind, text, &error), Event::$name),)*
                    unknown => Event::Unknown { kind: unknown.to_owned(), raw: text.to_owned() },
                }
            }

            fn unreadable(kind: &str, text: &str, error: &serde_json::Error) -> Event {
                Event::Unreadable { kind: kind.to_owned(), raw: text.to_owned(), error: error.to_string() }
            }

            /// Asterisk's name of its type; empty for a message without one.
            pub fn kind(&self) -> &str {
                match self {
                    $(Event::$name(_) => $kind,)*
                    Event::Unknown { kind, .. } | Event::Unreadable { kind, .. } => kind,
                }
            }

            /// When it happened, by the server's clock.
            pub fn timestamp(&self) -> Option<&Date> {
                match self {
                    $(Event::$name(_message) => None$(.or(Some(&_message.$timestamp)))?,)*
                    Event::Unknown { .. } | Event::Unreadable { .. } => None,
                }
            }
        }

        impl Subjects for Event {
            fn for_each_subject(&self, visit: &mut dyn FnMut(&str)) {
                match self {
                    $(Event::$name(message) => message.for_each_subject(visit),)*
                    Event::Unknown { raw, .. } | Event::Unreadable { raw, .. } => crate::event::guess(raw, visit),
                }
            }
        }

        impl Serialize for Event {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Event::$name(message) => crate::event::tagged($kind, message, serializer),)*
                    Event::Unknown { raw, .. } | Event::Unreadable { raw, .. } => {
                        crate::event::as_received(raw, serializer)
                    }
                }
            }
        }
    };
}

pub(crate) use events;

/// How Asterisk begins most messages.
const KIND_FIRST: &str = r#"{"type":""#;

/// The `type` of a message. Where it comes first, the rest is not looked at: whoever reads the message does that anyway.
/// So the first one counts if there is another, which Asterisk never sends; behind other fields, two are an error.
pub(crate) fn kind_of(text: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    let first = text.strip_prefix(KIND_FIRST).and_then(|rest| rest.split_once('"'));
    if let Some((kind, _)) = first.filter(|(kind, _)| kind.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
        return Ok(Cow::Borrowed(kind));
    }
    // Serde would take an array for the fields in their order.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(serde::de::Error::custom("not a JSON object"));
    }
    #[derive(Deserialize)]
    struct Header<'a> {
        #[serde(rename = "type", borrow)]
        kind: Cow<'a, str>,
    }
    serde_json::from_str::<Header<'_>>(text).map(|header| header.kind)
}

/// What a message that was not understood may be about.
pub(crate) fn guess(raw: &str, visit: &mut dyn FnMut(&str)) {
    if let Ok(value) = serde_json::from_str::<Value>(raw) {
        value.for_each_subject(visit);
    }
}

/// A message as JSON, its type included, which its struct does not hold.
pub(crate) fn tagged<T: Serialize, S: Serializer>(kind: &str, message: &T, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Tagged<'a, T> {
        #[serde(rename = "type")]
        kind: &'a str,
        #[serde(flatten)]
        message: &'a T,
    }
    Tagged { kind, message }.serialize(serializer)
}

/// A message that was not understood, as the JSON that it is or else as a string.
pub(crate) fn as_received<S: Serializer>(raw: &str, serializer: S) -> Result<S::Ok, S::Error> {
    match serde_json::from_str::<Value>(raw) {
        Ok(value) => value.serialize(serializer),
        Err(_) => raw.serialize(serializer),
    }
}
