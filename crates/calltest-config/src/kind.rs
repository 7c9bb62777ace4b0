//! Which texts fit a key of each kind, and what is expected where another was found.

use crate::caller_id;
use crate::headers;
use crate::http;
use crate::keys::{Kind, Section};
use crate::quoting::{one_of, quoted};
use crate::readers;
use crate::rules;
use crate::scalar::{self, BadValue};

impl Kind {
    /// Whether a text fits; kinds that are no text at all fit none.
    pub(crate) fn check(self, text: &str) -> Result<(), BadValue> {
        match self {
            Self::Text | Self::Secret | Self::Parameters | Self::Free => Ok(()),
            Self::SomeText | Self::Path | Self::Name => readers::some_text(text).map(drop),
            Self::Host => readers::host(text).map(drop),
            Self::UriPath => readers::uri_path(text).map(drop),
            Self::Word => readers::word(text).map(drop),
            Self::Digits => readers::digits(text).map(drop),
            Self::CountryCode => readers::country_code(text).map(drop),
            Self::Url => readers::url(text).map(drop),
            Self::Causes => readers::expected_cause(text).map(drop),
            Self::QuietTimes => readers::quiet_time(text).map(drop),
            Self::MediaType => http::media_type(text).map(drop),
            Self::Answer => http::expected_answer(text).map(drop),
            Self::HeaderValue => headers::check_value(text),
            Self::PhoneNumber => readers::phone_number(text).map(drop),
            Self::NumberToDial => readers::number_to_dial(text).map(drop),
            Self::CallerId => caller_id::expected_caller(text).map(drop),
            Self::DtmfDigits => readers::dtmf_digits(text).map(drop),
            Self::DialString => readers::dial_string(text).map(drop),
            Self::Flag | Self::FlagOr(_) => scalar::flag(text).map(drop),
            Self::Integer => readers::integer_of_any_sign(text).map(drop),
            Self::Count => readers::count(text).map(drop),
            Self::DigitCount => readers::digit_count(text).map(drop),
            Self::Port => readers::port(text).map(drop),
            Self::ListenPort => readers::listen_port(text).map(drop),
            Self::Seconds => readers::seconds(text).map(drop),
            Self::SomeSeconds => readers::some_seconds(text).map(drop),
            Self::Milliseconds => readers::milliseconds(text).map(drop),
            Self::OneOf(words) if words.contains(&text) => Ok(()),
            Self::OneOf(_)
            | Self::Command
            | Self::NumberRules
            | Self::Patterns
            | Self::PatternOrPatterns
            | Self::Headers
            | Self::Section(_)
            | Self::Entries(_) => Err(BadValue::Expected(self.expected())),
        }
    }

    /// What is expected where something else was found, for "expected …".
    pub(crate) fn expected(self) -> String {
        match self {
            Self::OneOf(words) => one_of(words),
            Self::Command => "a list: the program, then its arguments".into(),
            Self::Causes => "a list of causes".into(),
            Self::NumberRules => rules::RULES.into(),
            Self::Patterns => "a list of patterns".into(),
            Self::PatternOrPatterns => "a pattern, or a list of patterns".into(),
            Self::QuietTimes => "a quiet time, or a list of them".into(),
            Self::Parameters => "a text, or a map of names and texts".into(),
            Self::Headers => "a map of header names and texts".into(),
            Self::Answer => "a status, a text, or a list of these".into(),
            Self::Section(Section { shorthand: Some(key), .. }) => {
                format!("a map, or a text that is its {}", quoted(key))
            }
            Self::Section(_) => "a map of keys and values".into(),
            Self::FlagOr(_) => "yes, no, or a map of keys and values".into(),
            Self::Entries(_) => "a map of names, each with a map of keys and values".into(),
            Self::Flag => "yes or no".into(),
            Self::Seconds | Self::SomeSeconds => "a number of seconds".into(),
            Self::Integer | Self::Count | Self::DigitCount | Self::Port | Self::ListenPort | Self::Milliseconds => {
                "a whole number".into()
            }
            _ => "a text".into(),
        }
    }

    /// Whether values of this kind are never shown.
    pub(crate) fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::Headers | Self::HeaderValue)
    }

    /// Whether values of this kind are numbers, for which a leading zero means something.
    pub(crate) fn is_numeric(self) -> bool {
        matches!(
            self,
            Self::Integer
                | Self::Count
                | Self::DigitCount
                | Self::Port
                | Self::ListenPort
                | Self::Seconds
                | Self::SomeSeconds
                | Self::Milliseconds
        )
    }
}
