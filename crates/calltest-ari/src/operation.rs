//! What an operation of ARI is to the client, and the small pieces that the generated ones are made of.

use bytes::Bytes;
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// One request of ARI: where it goes, what it carries, what is answered.
pub trait Operation {
    /// What Asterisk answers when it has done what was asked.
    type Reply;

    /// The HTTP method.
    const METHOD: Method;

    /// Whether Asterisk dials on it. The client has only a few of these under way at a time.
    const DIALS: bool = false;

    /// Whether it creates the object that a `GET` of the same path shows, under an id that the caller chose. Then that
    /// shows whether it was carried out, if its answer was lost and the object is still there.
    const CREATES_ITS_PATH: bool = false;

    /// The path below `/ari`, percent-encoded, with a leading slash.
    fn path(&self) -> String;

    /// The query string.
    fn query(&self) -> Query {
        Query::default()
    }

    /// The JSON body, if there is one.
    fn body(&self) -> Option<Value> {
        None
    }

    /// Understands the body of a successful answer.
    fn reply(body: Bytes) -> Result<Self::Reply, serde_json::Error>;
}

/// Everything but what RFC 3986 calls unreserved is encoded, in paths and in queries: Asterisk takes `+` for a blank.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Most queries are no longer than this, in bytes.
const TYPICAL_QUERY: usize = 64;

/// By how many bytes percent-encoding makes most paths longer.
const TYPICAL_ENCODING_GROWTH: usize = 8;

/// A query string in the making, percent-encoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(String);

impl Query {
    /// The query with a parameter more; an absent option or an empty list adds nothing.
    #[must_use]
    pub fn with(mut self, name: &str, value: &impl QueryValue) -> Self {
        value.write(name, &mut self);
        self
    }

    /// The text between `?` and the end of the URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn push(&mut self, name: &str, value: &str) {
        match self.0.is_empty() {
            true => self.0.reserve(TYPICAL_QUERY),
            false => self.0.push('&'),
        }
        self.0.push_str(name);
        self.0.push('=');
        self.0.extend(utf8_percent_encode(value, ENCODED));
    }
}

/// A value that can stand in a query.
pub trait QueryValue {
    /// Adds it under `name`.
    fn write(&self, name: &str, query: &mut Query);
}

impl QueryValue for String {
    fn write(&self, name: &str, query: &mut Query) {
        query.push(name, self);
    }
}

impl QueryValue for i64 {
    fn write(&self, name: &str, query: &mut Query) {
        query.push(name, &self.to_string());
    }
}

impl QueryValue for bool {
    fn write(&self, name: &str, query: &mut Query) {
        query.push(name, if *self { "true" } else { "false" });
    }
}

impl<T: QueryValue> QueryValue for Option<T> {
    fn write(&self, name: &str, query: &mut Query) {
        if let Some(value) = self {
            value.write(name, query);
        }
    }
}

/// Several values travel in one parameter, separated by commas; of a repeated parameter Asterisk sees only the last.
impl<T: ToString> QueryValue for Vec<T> {
    fn write(&self, name: &str, query: &mut Query) {
        if !self.is_empty() {
            let values: Vec<String> = self.iter().map(ToString::to_string).collect();
            query.push(name, &values.join(","));
        }
    }
}

/// A path of these segments. A segment may hold anything, a slash included (names of recordings do).
pub(crate) fn path(segments: &[&str]) -> String {
    let length: usize = segments.iter().map(|segment| segment.len() + 1).sum();
    let mut path = String::with_capacity(length + TYPICAL_ENCODING_GROWTH);
    for segment in segments {
        path.push('/');
        path.extend(utf8_percent_encode(segment, ENCODED));
    }
    path
}

/// A body with one member.
pub(crate) fn body(name: &str, value: &impl Serialize) -> Value {
    let value = serde_json::to_value(value).expect("maps of strings are JSON");
    Value::Object([(name.to_owned(), value)].into_iter().collect())
}

pub(crate) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(body)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::VariableSet;
    use crate::requests::{applications, asterisk, channels, recordings};

    #[test]
    fn names_with_slashes_stay_one_segment() {
        let operation = recordings::GetStoredFile { recording_name: "runs/7 of ä".into() };
        assert_eq!(operation.path(), "/recordings/stored/runs%2F7%20of%20%C3%A4/file");
    }

    #[test]
    fn absent_parameters_are_left_out_and_lists_are_joined() {
        let operation = channels::Play {
            channel_id: "c1".into(),
            media: vec!["sound:a".into(), "sound:b".into()],
            skipms: Some(10),
            ..Default::default()
        };
        assert_eq!(operation.query().as_str(), "media=sound%3Aa%2Csound%3Ab&skipms=10");
        let operation = asterisk::GetInfo { only: vec![asterisk::InfoSection::System] };
        assert_eq!(operation.query().as_str(), "only=system");
    }

    #[test]
    fn a_plus_in_a_caller_id_survives() {
        let operation = channels::OriginateWithId {
            channel_id: "c1".into(),
            endpoint: "PJSIP/+49@trunk".into(),
            caller_id: Some("src <+49>".into()),
            ..Default::default()
        };
        assert_eq!(operation.query().as_str(), "endpoint=PJSIP%2F%2B49%40trunk&callerId=src%20%3C%2B49%3E");
    }

    #[test]
    fn variables_travel_in_the_body() {
        let variables = VariableSet::new().with("TIMEOUT(absolute)", "60").reported("RUN", "7");
        let operation = channels::OriginateWithId { variables: Some(variables), ..Default::default() };
        let expected = json!({"variables": {"TIMEOUT(absolute)": "60", "RUN": {"value": "7", "report_events": true}}});
        assert_eq!(operation.body(), Some(expected));
        assert_eq!(channels::OriginateWithId::default().body(), None);
    }

    #[test]
    fn an_event_filter_is_the_whole_body() {
        let filter = json!({"allowed": [{"type": "StasisStart"}]});
        let operation = applications::Filter { application_name: "app".into(), filter: Some(filter.clone()) };
        assert_eq!(operation.body(), Some(filter));
        assert_eq!(operation.path(), "/applications/app/eventFilter");
    }
}
