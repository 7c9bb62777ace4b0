//! What HTTP (RFC 9110) has rules for in the request of a trigger: tokens, media types, and the status of an answer.
//!
//! Headers as a whole are left to `headers`.

use calltest_core::plan::ExpectedStatus;

use crate::readers::is_short_enough;
use crate::scalar::BadValue;

/// Whether a character may be part of a token (RFC 9110, section 5.6.2).
pub(crate) fn is_token_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character)
}

/// A media type, with parameters or without (RFC 9110, section 8.3.1).
pub(crate) fn media_type(text: &str) -> Result<String, BadValue> {
    is_short_enough(text).map_err(BadValue::Wrong)?;
    let text = text.trim();
    let expected = || BadValue::expected("a media type such as `application/json` or `text/plain; charset=utf-8`");
    let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
    let is_token = |text: &str| !text.is_empty() && text.chars().all(is_token_character);
    let is_essence = |(kind, subtype): (&str, &str)| is_token(kind) && is_token(subtype);
    essence.trim_end_matches(BLANKS).split_once('/').filter(|parts| is_essence(*parts)).ok_or_else(expected)?;
    are_parameters(parameters).then(|| text.into()).ok_or_else(expected)
}

const BLANKS: [char; 2] = [' ', '\t'];

/// Whether a text is what may follow the first `;` of a media type (RFC 9110, section 5.6.6).
fn are_parameters(text: &str) -> bool {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(BLANKS);
        let name = token_length(rest);
        if name > 0 {
            let value = rest[name..].strip_prefix('=').unwrap_or_default();
            let length = if value.starts_with('"') { quoted_length(value) } else { token_length(value) };
            if length == 0 {
                return false;
            }
            rest = value[length..].trim_start_matches(BLANKS);
        }
        match rest.strip_prefix(';') {
            Some(next) => rest = next,
            None => return rest.is_empty(),
        }
    }
}

/// The length of the token with which a text begins, in bytes; 0 if it begins with none.
fn token_length(text: &str) -> usize {
    text.find(|character| !is_token_character(character)).unwrap_or(text.len())
}

/// The length of the quoted string (RFC 9110, section 5.6.4) with which a text begins, in bytes; 0 if it has no end.
fn quoted_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '"' if !is_escaped => return at + 1,
            '\t' | ' '..='~' => is_escaped = character == '\\' && !is_escaped,
            _ => return 0,
        }
    }
    0
}

/// One thing that an answer has to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    Status(ExpectedStatus),
    /// A text in the body.
    Text(String),
}

/// A status or a class of them; any other text has to stand in the body.
pub(crate) fn expected_answer(text: &str) -> Result<Expected, BadValue> {
    is_short_enough(text).map_err(BadValue::Wrong)?;
    let is_digit_or_x = |character: char| character.is_ascii_digit() || matches!(character, 'x' | 'X');
    let is_like_a_status =
        text.len() == 3 && text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(is_digit_or_x);
    match ExpectedStatus::parse(text) {
        Some(status) => Ok(Expected::Status(status)),
        None if is_like_a_status => Err(BadValue::expected("a status from 200 to 599, or a class from `2xx` to `5xx`")),
        None if text.trim().is_empty() => Err(BadValue::expected("a status, or a text that is not empty")),
        None => Ok(Expected::Text(text.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_those_of_the_standard() {
        for text in [
            "application/json",
            "application/vnd.api+json",
            "text/plain; charset=utf-8",
            r#"TEXT/Plain ;charset="utf \" 8";a=b"#,
            "text/plain;",
            "text/plain; ; a=b",
        ] {
            assert_eq!(media_type(text), Ok(text.into()));
        }
        for text in [
            "",
            "json",
            "/json",
            "application/",
            "application/json/x",
            "application /json",
            "text/plain; charset",
            "text/plain; charset=",
            "text/plain; charset = utf-8",
            "text/plain; charset=utf-8 x",
            "text/plain; a=\"b",
            "text/plain; a=\"b\"c",
            "text/plain; a=\"b\r\nX: y\"",
            "text/plain\r\nX: y",
            "text/plain; a=é",
            "text/{number}",
        ] {
            assert!(media_type(text).is_err(), "{text}");
        }
        assert!(media_type(&format!("text/{}", "x".repeat(1000))).is_err());
    }

    #[test]
    fn an_answer_has_to_have_a_status_or_a_text() {
        assert_eq!(expected_answer("202"), Ok(Expected::Status(ExpectedStatus::Code(202))));
        assert_eq!(expected_answer("3XX"), Ok(Expected::Status(ExpectedStatus::Class(3))));
        for text in ["queued", " ok", "2000", "x2x", "20", r#"{"state": 200}"#] {
            assert_eq!(expected_answer(text), Ok(Expected::Text(text.into())));
        }
        for text in ["", " ", "100", "199", "600", "1xx", "6xx", "20x", "000"] {
            assert!(expected_answer(text).is_err(), "{text}");
        }
        assert!(expected_answer(&"x".repeat(1000)).is_ok() && expected_answer(&"x".repeat(1001)).is_err());
    }
}
