//! What a text says, once a key has told what it wants: a flag, a number, a duration, a phone number.
//!
//! Flags and numbers read as PyYAML (YAML 1.1) reads them, because that is what existing files were written for. Which key
//! wants what is left to `table`.

use std::num::NonZeroU32;
use std::time::Duration;

use calltest_core::cause::ExpectedCause;
use calltest_core::number::{BadNumber, PhoneNumber};
use calltest_core::plan::DialString;
use calltest_core::quiet::QuietTime;

use crate::diagnostic::quoted;

/// The longest duration that can be configured: about 31 years.
pub(crate) const MAX_SECONDS: f64 = 1e9;

/// The longest tone and pause between tones, in milliseconds.
pub(crate) const MAX_MILLISECONDS: i64 = 60_000;

/// Why a text does not fit its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// It is something else altogether; this is what was expected, for "expected …".
    Expected(String),
    /// It is of the right kind, but wrong: a sentence about it.
    Wrong(String),
}

impl Misfit {
    fn expected(what: impl Into<String>) -> Self {
        Self::Expected(what.into())
    }
}

/// How PyYAML spells "nothing" when it is not quoted.
pub(crate) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// A boolean of YAML 1.1, without the one-letter forms that PyYAML does not know either.
pub(crate) fn flag(text: &str) -> Result<bool, Misfit> {
    const TRUE: [&str; 3] = ["yes", "true", "on"];
    const FALSE: [&str; 3] = ["no", "false", "off"];
    let is_one_of = |words: [&str; 3]| words.iter().any(|word| is_word(text, word));
    match (is_one_of(TRUE), is_one_of(FALSE)) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => Err(Misfit::expected("yes or no")),
    }
}

/// Whether a text is that word in lower case, with a capital letter, or in capitals.
fn is_word(text: &str, word: &str) -> bool {
    let is_capitalised = || text.chars().next().is_some_and(|c| c.is_ascii_uppercase()) && text[1..] == word[1..];
    text.eq_ignore_ascii_case(word) && (text == word || text == word.to_ascii_uppercase() || is_capitalised())
}

/// A number of YAML 1.1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Integer(i64),
    Real(f64),
}

impl Number {
    pub(crate) fn as_f64(self) -> f64 {
        match self {
            // What matters here is far below 2^53.
            Self::Integer(integer) => integer as f64,
            Self::Real(real) => real,
        }
    }
}

/// Reads a number as PyYAML does: `30`, `1_000`, `.5`, `0x1f`, octal `010`, sexagesimal `1:30`; besides, `1e3`.
pub(crate) fn number(text: &str) -> Option<Number> {
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (if text.starts_with('-') { -1 } else { 1 }, digits),
        None => (1, text),
    };
    let plain = digits.replace('_', "");
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if matches!(digits, ".inf" | ".Inf" | ".INF") {
        return Some(Number::Real(f64::INFINITY * f64::from(sign)));
    }
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Number::Real(f64::NAN));
    }
    if let Some(integer) = integer(&plain) {
        return integer.checked_mul(i64::from(sign)).map(Number::Integer);
    }
    let real = if plain.contains(':') { sexagesimal(&plain)? } else { decimal(&plain)? };
    let real = real * f64::from(sign);
    let is_whole = real.fract() == 0.0 && real.abs() < 2f64.powi(53) && !plain.contains('.');
    Some(if is_whole { Number::Integer(real as i64) } else { Number::Real(real) })
}

fn integer(digits: &str) -> Option<i64> {
    let in_base =
        |digits: &str, base| i64::from_str_radix(digits, base).ok().filter(|_| !digits.starts_with(['-', '+']));
    if let Some(binary) = digits.strip_prefix("0b") {
        return in_base(binary, 2);
    }
    if let Some(hexadecimal) = digits.strip_prefix("0x") {
        return in_base(hexadecimal, 16);
    }
    match digits.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => in_base(octal, 8),
        _ => in_base(digits, 10),
    }
}

/// `1:30` is a minute and a half.
fn sexagesimal(digits: &str) -> Option<f64> {
    let mut value = 0.0;
    for (index, part) in digits.split(':').enumerate() {
        let is_plain =
            part.starts_with(|c: char| c.is_ascii_digit()) && part.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let part: f64 = part.parse().ok().filter(|part| is_plain && (index == 0 || *part < 60.0))?;
        value = value * 60.0 + part;
    }
    Some(value)
}

fn decimal(digits: &str) -> Option<f64> {
    let is_decimal =
        digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    // A leading zero promises octal digits, and there is an 8 or a 9.
    let is_bad_octal = digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_decimal && !is_bad_octal)
}

/// What PyYAML makes of an integer with a leading zero, where that is not what it looks like.
pub(crate) fn octal_surprise(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('0').filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))?;
    let octal = integer(text)?;
    (digits.parse::<i64>() != Ok(octal) && !digits.is_empty()).then_some(octal)
}

fn whole_number(text: &str, expected: &str) -> Result<i64, Misfit> {
    match number(text) {
        Some(Number::Integer(integer)) => Ok(integer),
        _ => Err(Misfit::expected(expected)),
    }
}

/// An integer of any sign.
pub(crate) fn integer_of_any_sign(text: &str) -> Result<i64, Misfit> {
    whole_number(text, "a whole number")
}

/// A number of things, at least one.
pub(crate) fn count(text: &str) -> Result<NonZeroU32, Misfit> {
    let number = whole_number(text, "a whole number, at least 1")?;
    u32::try_from(number).ok().and_then(NonZeroU32::new).ok_or_else(|| Misfit::expected("a whole number, at least 1"))
}

/// How many DTMF digits: at least one, and no more than fit into one request to Asterisk.
pub(crate) fn digit_count(text: &str) -> Result<NonZeroU32, Misfit> {
    count(text).ok().filter(|count| count.get() <= 1000).ok_or_else(|| Misfit::expected("a whole number, 1 to 1000"))
}

/// A TCP port.
pub(crate) fn port(text: &str) -> Result<u16, Misfit> {
    let expected = "a TCP port, 1 to 65535";
    u16::try_from(whole_number(text, expected)?).ok().filter(|port| *port > 0).ok_or_else(|| Misfit::expected(expected))
}

/// A TCP port to listen on, where 0 is any that is free.
pub(crate) fn listen_port(text: &str) -> Result<u16, Misfit> {
    let expected = "a TCP port, 1 to 65535, or 0 for any free one";
    u16::try_from(whole_number(text, expected)?).map_err(|_| Misfit::expected(expected))
}

/// A duration in seconds, fractions allowed.
pub(crate) fn seconds(text: &str) -> Result<Duration, Misfit> {
    let seconds = number(text).ok_or_else(|| Misfit::expected("a number of seconds"))?.as_f64();
    match (0.0..=MAX_SECONDS).contains(&seconds) {
        true => Ok(Duration::from_secs_f64(seconds)),
        false => Err(Misfit::expected(format!("between 0 and {MAX_SECONDS} seconds"))),
    }
}

/// A duration in seconds that is more than nothing.
pub(crate) fn some_seconds(text: &str) -> Result<Duration, Misfit> {
    match seconds(text)? {
        Duration::ZERO => Err(Misfit::expected("more than 0 seconds")),
        duration => Ok(duration),
    }
}

/// A duration in whole milliseconds.
pub(crate) fn milliseconds(text: &str) -> Result<Duration, Misfit> {
    let expected = "a whole number of milliseconds, 1 to 60000";
    match whole_number(text, expected)? {
        milliseconds @ 1..=MAX_MILLISECONDS => Ok(Duration::from_millis(milliseconds.unsigned_abs())),
        _ => Err(Misfit::expected(expected)),
    }
}

/// How long a number, and what numbers are put into, may be: far longer than Asterisk takes, and short enough for what comes
/// of one in another.
const LONGEST: usize = 1000;

/// Refuses what is too long for a number, a pattern, or what numbers are put into.
///
/// # Errors
/// A sentence that says so.
pub(crate) fn is_short_enough(text: &str) -> Result<(), String> {
    if text.len() <= LONGEST {
        return Ok(());
    }
    Err(format!("{} is too long: it has {} bytes, and {LONGEST} is the most", quoted(text), text.len()))
}

/// A phone number, or the name of an extension.
pub(crate) fn phone_number(text: &str) -> Result<PhoneNumber, Misfit> {
    is_short_enough(text).map_err(Misfit::Wrong)?;
    let number = PhoneNumber::parse(text).map_err(|bad| {
        Misfit::Wrong(match bad {
            BadNumber::Empty => bad.to_string(),
            BadNumber::NotInternational { .. } => {
                format!("{} starts with + but is not an international number: only digits may follow", quoted(text))
            }
        })
    })?;
    if number.as_str().contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Misfit::Wrong(format!("{} cannot be dialled: it has white space in it", quoted(text))));
    }
    Ok(number)
}

/// A dial string.
pub(crate) fn dial_string(text: &str) -> Result<DialString, Misfit> {
    is_short_enough(text).map_err(Misfit::Wrong)?;
    DialString::new(text.trim())
        .map_err(|_| Misfit::Wrong(format!("{} is not a dial string of the form TECHNOLOGY/resource", quoted(text))))
}

/// A cause with which a call may end.
pub(crate) fn expected_cause(text: &str) -> Result<ExpectedCause, Misfit> {
    let expected = "a number from 1 to 127 (ITU-T Q.850), a name such as `user-busy`, or a code such as `SIP 486`";
    ExpectedCause::parse(text).ok_or_else(|| Misfit::Expected(expected.into()))
}

/// A time at which the daemon starts nothing by itself.
pub(crate) fn quiet_time(text: &str) -> Result<QuietTime, Misfit> {
    text.parse().map_err(|bad| Misfit::Wrong(format!("{} is no quiet time: {bad}", quoted(text))))
}

/// Any text.
pub(crate) fn text(text: &str) -> Result<String, Misfit> {
    Ok(text.into())
}

/// A text that is not empty.
pub(crate) fn some_text(text: &str) -> Result<String, Misfit> {
    match text.trim() {
        "" => Err(Misfit::expected("a text that is not empty")),
        trimmed => Ok(trimmed.into()),
    }
}

/// A host name or address, without scheme, port or path.
pub(crate) fn host(text: &str) -> Result<String, Misfit> {
    let is_host =
        !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "/@?#".contains(c));
    // One colon separates a port; several make an IPv6 address.
    if is_host && text.matches(':').count() != 1 {
        // ARI's URL is made of it, and that puts the brackets there itself.
        return Ok(text.trim_start_matches('[').trim_end_matches(']').into());
    }
    Err(Misfit::expected("a host name or an address, without scheme, port or path"))
}

/// A word that Asterisk knows something by: a Stasis app, a user.
pub(crate) fn word(text: &str) -> Result<String, Misfit> {
    let is_word = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || ",:".contains(c));
    is_word.then(|| text.into()).ok_or_else(|| Misfit::expected("a word without blanks, commas and colons"))
}

/// Digits, or nothing.
pub(crate) fn digits(text: &str) -> Result<String, Misfit> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.into()).ok_or_else(|| Misfit::expected("digits only"))
}

/// A country code.
pub(crate) fn country_code(text: &str) -> Result<String, Misfit> {
    let expected = || Misfit::expected("a country code such as 49, 1 to 3 digits without `+` or `00`");
    let is_code = (1..=3).contains(&text.len()) && !text.starts_with('0');
    digits(text).ok().filter(|_| is_code).ok_or_else(expected)
}

/// The URL of a trigger.
pub(crate) fn url(text: &str) -> Result<String, Misfit> {
    let text = text.trim();
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let is_url = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    is_url.then(|| text.into()).ok_or_else(|| Misfit::expected("a URL that begins with http:// or https://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_those_of_pyyaml() {
        for text in ["yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"] {
            assert_eq!(flag(text), Ok(true), "{text}");
        }
        for text in ["no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"] {
            assert_eq!(flag(text), Ok(false), "{text}");
        }
        for text in ["y", "n", "yEs", "1", "0", "", "ja", "öff"] {
            assert!(flag(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_those_of_pyyaml() {
        let table = [
            ("0", 0.0),
            ("30", 30.0),
            ("-3", -3.0),
            ("+3", 3.0),
            ("1_000", 1000.0),
            ("010", 8.0),
            ("0x1F", 31.0),
            ("0b101", 5.0),
            ("1:30", 90.0),
            ("1:00:00", 3600.0),
            (".5", 0.5),
            ("1.", 1.0),
            ("0.25", 0.25),
            ("1.5e+2", 150.0),
            ("1e3", 1000.0),
            ("1:30.5", 90.5),
        ];
        for (text, value) in table {
            assert_eq!(number(text).map(Number::as_f64), Some(value), "{text}");
        }
        for text in [
            "", "-", "+", ".", "x", "1x", "08", "0o17", "1:60", "1:", ":30", "12:30:", "e3", "1_e", "--1", "0x", "inf",
            "nan",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
        assert_eq!(number("-.inf").map(Number::as_f64), Some(f64::NEG_INFINITY));
        assert_eq!(number("99999999999999999999").map(Number::as_f64), Some(1e20));
    }

    #[test]
    fn a_leading_zero_means_octal() {
        let table =
            [("010", Some(8)), ("07", None), ("0", None), ("00", None), ("10", None), ("0x10", None), ("08", None)];
        for (text, surprise) in table {
            assert_eq!(octal_surprise(text), surprise, "{text}");
        }
    }

    #[test]
    fn durations_are_finite_and_not_negative() {
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1500)));
        assert_eq!(seconds("1e9"), Ok(Duration::from_secs(1_000_000_000)));
        for text in ["-1", ".inf", "-.inf", ".nan", "1e10", "soon", "", "10s"] {
            assert!(seconds(text).is_err(), "{text}");
        }
        assert!(some_seconds("0").is_err() && some_seconds("0.1").is_ok());
        assert!(milliseconds("0").is_err() && milliseconds("1.5").is_err() && milliseconds("60001").is_err());
    }

    #[test]
    fn hosts_and_words() {
        for text in ["localhost", "pbx.example.org", "192.0.2.1", "::1", "[::1]", "2001:db8::1"] {
            assert!(host(text).is_ok(), "{text}");
        }
        for text in ["", "http://pbx", "pbx:8088", "pbx/ari", "a b", "user@pbx"] {
            assert!(host(text).is_err(), "{text}");
        }
        assert_eq!(host("[::1]"), Ok("::1".into()));
        for text in ["", "a b", "a,b", "a:b"] {
            assert!(word(text).is_err(), "{text}");
        }
    }

    #[test]
    fn urls_country_codes_and_phone_numbers() {
        for text in ["http://example.org", "https://u:p@example.org/call?to={number}"] {
            assert!(url(text).is_ok(), "{text}");
        }
        for text in ["", "example.org", "ftp://example.org", "http://", "http:///x", "http://a b"] {
            assert!(url(text).is_err(), "{text}");
        }
        for text in ["", "+49", "0049", "49a", "1234"] {
            assert!(country_code(text).is_err(), "{text}");
        }
        assert_eq!(phone_number("0123"), Ok(PhoneNumber::Extension("0123".into())));
        for text in ["", " ", "+49 911", "0911 123", "+x"] {
            assert!(phone_number(text).is_err(), "{text}");
        }
    }
}
