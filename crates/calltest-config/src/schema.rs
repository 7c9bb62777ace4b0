//! The JSON Schema of the configuration (draft 2020-12), for editors that check and complete while one types.
//!
//! It goes by the table of keys. It sees what a YAML 1.2 parser makes of a file, so a phone number may be a number to it;
//! what only the whole file can tell (does a link exist?) is left to `check`.

use serde_json::{Map, Value, json};

use crate::keys::{Entries, Key, Kind, Section, Status};
use crate::readers::{MAX_MILLISECONDS, MAX_SECONDS};
use crate::rules;
use crate::scalar::{self, Number};
use crate::table;

/// The JSON Schema of the configuration file.
pub fn schema() -> Value {
    let mut schema = object(&table::TOP);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "calltest configuration".into();
    schema["patternProperties"] = json!({ format!("^{}", table::FREE_PREFIX): {} });
    schema
}

fn object(section: &Section) -> Value {
    let properties: Map<String, Value> = section.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    json!({ "type": ["object", "null"], "properties": properties, "additionalProperties": false })
}

fn property(key: &Key) -> Value {
    let mut schema = kind(key.kind);
    schema["description"] = key.doc.into();
    if let Some(default) = key.default_text(None) {
        schema["default"] = typed(key.kind, default);
    }
    if key.status != Status::Current {
        schema["deprecated"] = true.into();
    }
    schema
}

/// A text of the table as the JSON value that an editor would insert.
fn typed(kind: Kind, text: &str) -> Value {
    match (kind, scalar::number(text)) {
        (Kind::Flag | Kind::FlagOr(_), _) => scalar::flag(text).unwrap_or_default().into(),
        (kind, Some(Number::Integer(integer))) if kind.is_numeric() => integer.into(),
        (kind, Some(Number::Real(real))) if kind.is_numeric() => real.into(),
        _ => text.into(),
    }
}

fn kind(kind: Kind) -> Value {
    match kind {
        Kind::Text | Kind::Secret => text(None),
        Kind::SomeText | Kind::Path | Kind::Name => text(Some(r"\S")),
        Kind::Host => text(Some(r"^[^\s/@?#]+$")),
        Kind::UriPath => text(Some(r"^([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*$")),
        Kind::Word => text(Some(r"^[^\s,:]+$")),
        Kind::Digits => text(Some("^[0-9]*$")),
        Kind::CountryCode => text(Some("^[1-9][0-9]{0,2}$")),
        Kind::Url => text(Some("^https?://[^/]")),
        Kind::PhoneNumber => text(Some(r"^\s*(\+[0-9]+|[^+\s]\S*)\s*$")),
        Kind::NumberToDial => text(Some(r"^\s*(\+[0-9]+|[^+\s,][^\s,]*)(,[0-9*#A-Da-d,]*)?\s*$")),
        Kind::CallerId => text(Some(r"^\s*\S+\s*$")),
        Kind::DtmfDigits => text(Some("^[0-9*#A-Da-d]{1,1000}$")),
        Kind::DialString => text(Some("^[^/]+/.")),
        Kind::OneOf(words) => {
            let words = words.iter().map(|word| Value::from(*word));
            json!({ "enum": words.chain([Value::Null]).collect::<Vec<_>>() })
        }
        Kind::Flag => json!({ "anyOf": [{ "type": ["boolean", "null"] }, { "type": "string", "pattern": FLAG }] }),
        Kind::Integer => whole_number(None, None),
        Kind::Count => whole_number(Some(1), Some(u32::MAX.into())),
        Kind::DigitCount => whole_number(Some(1), Some(1000)),
        Kind::Port => whole_number(Some(1), Some(u16::MAX.into())),
        Kind::ListenPort => whole_number(Some(0), Some(u16::MAX.into())),
        Kind::Milliseconds => whole_number(Some(1), Some(MAX_MILLISECONDS)),
        Kind::Seconds => number("minimum"),
        Kind::SomeSeconds => number("exclusiveMinimum"),
        Kind::Command => json!({ "type": ["array", "null"], "items": text(None), "minItems": 1 }),
        Kind::Causes => json!({ "anyOf": [text(None), { "type": "array", "items": text(None) }] }),
        Kind::NumberRules => number_rules(),
        Kind::Patterns => json!({ "type": ["array", "null"], "items": text(Some(r"\S")) }),
        Kind::QuietTimes | Kind::PatternOrPatterns => {
            json!({ "anyOf": [text(Some(r"\S")), { "type": "array", "items": text(Some(r"\S")) }] })
        }
        Kind::Parameters => {
            json!({ "anyOf": [text(None), { "type": "object", "additionalProperties": text(None) }] })
        }
        Kind::Headers => {
            let names = json!({ "pattern": HEADER_NAME });
            let values = self::kind(Kind::HeaderValue);
            json!({ "anyOf": [
                { "type": "object", "propertyNames": names, "additionalProperties": values },
                { "type": "null" },
            ] })
        }
        Kind::HeaderValue => json!({ "type": ["string", "number", "boolean"] }),
        Kind::MediaType => text(Some(MEDIA_TYPE)),
        Kind::Answer => json!({
            "anyOf": [text(Some(r"\S")), { "type": "array", "items": text(Some(r"\S")), "minItems": 1 }]
        }),
        Kind::Section(section) => match section.shorthand.and_then(|name| section.key(name)) {
            Some(key) => json!({ "anyOf": [self::kind(key.kind), object(section)] }),
            None => object(section),
        },
        Kind::FlagOr(section) => json!({ "anyOf": [self::kind(Kind::Flag), object(section)] }),
        Kind::Entries(entries) => self::entries(entries),
        Kind::Free => json!({}),
    }
}

/// How a flag may be written where YAML 1.2 sees a text.
const FLAG: &str = "^(yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$";

/// The name of a header, a token (RFC 9110, section 5.6.2).
const HEADER_NAME: &str = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";

/// Two tokens, and perhaps parameters.
const MEDIA_TYPE: &str = r"^\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+\s*(;.*)?$";

/// How a number may be written where YAML 1.2 sees a text.
const NUMBER: &str = r"^[-+]?[0-9.][0-9A-Fa-fx_.:+-]*$";

/// What is typed without quotes may look like a number or a boolean to an editor.
fn text(pattern: Option<&str>) -> Value {
    match pattern {
        Some(pattern) => json!({ "type": ["string", "number", "boolean", "null"], "pattern": pattern }),
        None => json!({ "type": ["string", "number", "boolean", "null"] }),
    }
}

fn whole_number(least: Option<i64>, most: Option<i64>) -> Value {
    let mut schema = json!({ "type": ["integer", "string", "null"], "pattern": NUMBER });
    if let (Some(least), Some(most)) = (least, most) {
        schema["minimum"] = least.into();
        schema["maximum"] = most.into();
    }
    schema
}

fn number(lower_bound: &str) -> Value {
    json!({ "type": ["number", "string", "null"], "pattern": NUMBER, lower_bound: 0, "maximum": MAX_SECONDS })
}

/// A rule has a pattern for a key, unless it is in the long form.
fn number_rules() -> Value {
    let flag = kind(Kind::Flag);
    let long = json!({
        "type": "object",
        "properties": { "match": text(Some(r"\S")), "replace": text(None), "reject": flag },
        "required": ["match"],
        "additionalProperties": false,
    });
    let short = json!({
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "propertyNames": { "not": { "enum": rules::LONG_FORM } },
        "additionalProperties": { "type": ["string", "number"] },
    });
    json!({ "type": ["array", "null"], "items": { "anyOf": [short, long] } })
}

fn entries(entries: &Entries) -> Value {
    // No other name begins with a colon.
    let names = if entries.has_default_entry { format!("^([^:]|{}$)", Entries::DEFAULT) } else { "^[^:]".into() };
    json!({
        "type": ["object", "null"],
        "propertyNames": { "pattern": names },
        "additionalProperties": object(entries.section),
    })
}
