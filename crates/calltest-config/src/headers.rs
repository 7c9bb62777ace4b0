//! The headers of a trigger's request (RFC 9110, section 5): which names and values may be given.
//!
//! Values are secrets. So no sentence here repeats one, nor what may have got into a name by mistake.

use crate::http::is_token_character;
use crate::quoting::quoted;
use crate::scalar::BadValue;
use crate::tree::Node;

/// How many bytes the names and values of a request may have together: many servers take no more than half of it.
pub(crate) const LONGEST: usize = 16 << 10;

/// What calltest decides itself when it sends a request: how the body is sent, and what becomes of the connection
/// (RFC 9110, sections 7.6.1, 8.6 and 10.1.1).
const OURS: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Why a header of some name cannot be given, and what to do instead.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadName {
    /// What follows the name of the map in a sentence.
    pub(crate) fault: String,
    pub(crate) hint: &'static str,
}

/// Whether a header of that name may be given.
///
/// # Errors
/// Why it may not.
pub(crate) fn check_name(name: &str) -> Result<(), BadName> {
    if let Some(wrong) = name.chars().find(|character| !is_token_character(*character)) {
        let fault = format!("has a name with {} in it", quoted(&wrong.to_string()));
        let hint = "write `NAME: VALUE`; a name has letters, digits and `-`";
        return Err(BadName { fault, hint });
    }
    let hint = match &*name.to_ascii_lowercase() {
        "content-type" => "give it as `type`, beside `headers`",
        name if OURS.contains(&name) => "remove it: calltest sets it where it is needed",
        _ => return Ok(()),
    };
    Err(BadName { fault: format!("must not have {}", quoted(name)), hint })
}

/// Whether a name may be a value, or have one in it, by a mistake in the file.
pub(crate) fn may_be_a_value(name: &str, value: &Node) -> bool {
    value.is_null() || !name.chars().all(is_token_character)
}

/// Whether a text may be the value of a header (RFC 9110, section 5.5).
///
/// # Errors
/// Why it may not.
pub(crate) fn check_value(text: &str) -> Result<(), BadValue> {
    let what = match text.chars().find(|character| character.is_control() && *character != '\t') {
        None => return Ok(()),
        Some('\n' | '\r') => "a line end",
        Some(_) => "a control character",
    };
    Err(BadValue::Wrong(format!("the value of a header cannot have {what} in it")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tokens_that_are_not_ours_to_set() {
        for name in ["Authorization", "X-Api-Key", "host", "x_y", "1!#$%&'*+-.^_`|~"] {
            assert_eq!(check_name(name), Ok(()));
        }
        for (name, fault) in [
            ("X Key", "has a name with ` ` in it"),
            ("Authorization: Bearer hunter2", "has a name with `:` in it"),
            ("X-Schlüssel", "has a name with `ü` in it"),
            ("X\r\nY", "has a name with `\\r` in it"),
            ("content-LENGTH", "must not have `content-LENGTH`"),
            ("Transfer-Encoding", "must not have `Transfer-Encoding`"),
            ("Content-Type", "must not have `Content-Type`"),
        ] {
            assert_eq!(check_name(name).unwrap_err().fault, fault);
        }
    }

    #[test]
    fn values_have_no_control_characters_but_tabs() {
        for text in ["", "Bearer abc", "a\tb", "naïve", "\u{a0}"] {
            assert_eq!(check_value(text), Ok(()));
        }
        for text in ["a\nb", "a\r\nX: b", "a\r", "a\0", "\u{1b}[2J", "\u{7f}", "\u{85}"] {
            assert!(check_value(text).is_err(), "{text:?}");
        }
    }
}
