//! The form of requests and answers: where parameters may stand, and what bodies are made of.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

/// A request as `server` took it off the wire.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) method: Method,
    /// The path below `/ari` in its parts, each percent-decoded.
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) authorization: Option<String>,
    /// Whether it asks for a WebSocket.
    pub(crate) is_upgrade: bool,
    /// Whether a fault has postponed it, and this is the delayed re-delivery.
    pub(crate) was_postponed: bool,
}

/// An HTTP answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Option<Content>,
}

/// What an answer contains.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    /// Its media type.
    pub(crate) kind: &'static str,
    pub(crate) bytes: Vec<u8>,
}

impl Content {
    pub(crate) fn json(text: String) -> Self {
        Self { kind: "application/json", bytes: text.into_bytes() }
    }
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self { status, body: Some(Content::json(body.to_string())) }
    }

    /// Asterisk's usual form of an error.
    pub(crate) fn message(status: u16, message: &str) -> Self {
        Self::json(status, &json!({"message": message}))
    }

    /// An error of the web server's own.
    pub(crate) fn html(status: u16, title: &str, text: &str) -> Self {
        let body = format!("<html><head><title>{status} {title}</title></head><body><p>{text}</p></body></html>");
        Self { status, body: Some(Content { kind: "text/html", bytes: body.into_bytes() }) }
    }

    /// A file with sound in it.
    pub(crate) fn wave(bytes: Vec<u8>) -> Self {
        Self { status: 200, body: Some(Content { kind: "audio/wav", bytes }) }
    }

    pub(crate) fn no_content() -> Self {
        Self { status: 204, body: None }
    }

    pub(crate) fn object(status: u16, object: &impl serde::Serialize) -> Self {
        let body = serde_json::to_string(object).expect("ARI's objects have only string keys");
        Self { status, body: Some(Content::json(body)) }
    }
}

/// A request's parameters, from its query or the top level of its JSON body.
#[derive(Debug)]
pub(crate) struct Params<'a> {
    query: &'a [(String, String)],
    body: Value,
}

impl<'a> Params<'a> {
    pub(crate) fn new(query: &'a [(String, String)], body: &str) -> Self {
        Self { query, body: serde_json::from_str(body).unwrap_or(Value::Null) }
    }

    /// A parameter as text; numbers and booleans of the body are written out. Empty ones count as absent.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let from_query = self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        from_query
            .or_else(|| match self.body.get(name)? {
                Value::String(text) => Some(text.clone()),
                Value::Array(list) => Some(list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")),
                Value::Null | Value::Object(_) => None,
                other => Some(other.to_string()),
            })
            .filter(|value| !value.is_empty())
    }

    /// A parameter without which the answer is 400 with this message.
    pub(crate) fn required(&self, name: &str, message: &str) -> Result<String, Answer> {
        self.get(name).ok_or_else(|| Answer::message(400, message))
    }

    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.get(name)?.parse().ok()
    }

    pub(crate) fn milliseconds(&self, name: &str) -> Duration {
        Duration::from_millis(self.number(name).and_then(|number| u64::try_from(number).ok()).unwrap_or(0))
    }

    /// The whole JSON body.
    pub(crate) fn body(&self) -> &Value {
        &self.body
    }
}

/// An operation's result: both are answers, and `?` ends the operation with the latter.
pub(crate) type Outcome = Result<Answer, Answer>;
