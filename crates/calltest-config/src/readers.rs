//! What a text says, once a key has told what it wants: a duration, a phone number, a host. One function for each.
//!
//! Flags and plain numbers are read by `scalar`. Which key wants what is left to `table`.

use std::num::NonZeroU32;
use std::time::Duration;

use calltest_core::cause::ExpectedCause;
use calltest_core::dtmf;
use calltest_core::number::{BadNumber, PhoneNumber};
use calltest_core::plan::{DialString, PostDial};
use calltest_core::quiet::QuietTime;

use crate::quoting::quoted;
use crate::scalar::{BadValue, Number, number};

/// The longest duration that can be configured: about 31 years.
pub(crate) const MAX_SECONDS: f64 = 1e9;

/// The longest tone and pause between tones, in milliseconds.
pub(crate) const MAX_MILLISECONDS: i64 = 60_000;

fn whole_number(text: &str, expected: &str) -> Result<i64, BadValue> {
    match number(text) {
        Some(Number::Integer(integer)) => Ok(integer),
        _ => Err(BadValue::expected(expected)),
    }
}

pub(crate) fn integer_of_any_sign(text: &str) -> Result<i64, BadValue> {
    whole_number(text, "a whole number")
}

/// A number of things, at least one.
pub(crate) fn count(text: &str) -> Result<NonZeroU32, BadValue> {
    let number = whole_number(text, "a whole number, at least 1")?;
    u32::try_from(number).ok().and_then(NonZeroU32::new).ok_or_else(|| BadValue::expected("a whole number, at least 1"))
}

/// How many DTMF digits: at least one, and no more than fit into one request to Asterisk.
pub(crate) fn digit_count(text: &str) -> Result<NonZeroU32, BadValue> {
    count(text).ok().filter(|count| count.get() <= 1000).ok_or_else(|| BadValue::expected("a whole number, 1 to 1000"))
}

/// A TCP port.
pub(crate) fn port(text: &str) -> Result<u16, BadValue> {
    let expected = "a TCP port, 1 to 65535";
    u16::try_from(whole_number(text, expected)?)
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| BadValue::expected(expected))
}

/// A TCP port to listen on, where 0 is any that is free.
pub(crate) fn listen_port(text: &str) -> Result<u16, BadValue> {
    let expected = "a TCP port, 1 to 65535, or 0 for any free one";
    u16::try_from(whole_number(text, expected)?).map_err(|_| BadValue::expected(expected))
}

/// A duration in seconds, fractions allowed.
pub(crate) fn seconds(text: &str) -> Result<Duration, BadValue> {
    let seconds = number(text).ok_or_else(|| BadValue::expected("a number of seconds"))?.as_f64();
    match (0.0..=MAX_SECONDS).contains(&seconds) {
        true => Ok(Duration::from_secs_f64(seconds)),
        false => Err(BadValue::expected(format!("between 0 and {MAX_SECONDS} seconds"))),
    }
}

/// A duration in seconds that is more than nothing.
pub(crate) fn some_seconds(text: &str) -> Result<Duration, BadValue> {
    match seconds(text)? {
        Duration::ZERO => Err(BadValue::expected("more than 0 seconds")),
        duration => Ok(duration),
    }
}

/// A duration in whole milliseconds.
pub(crate) fn milliseconds(text: &str) -> Result<Duration, BadValue> {
    let expected = "a whole number of milliseconds, 1 to 60000";
    match whole_number(text, expected)? {
        milliseconds @ 1..=MAX_MILLISECONDS => Ok(Duration::from_millis(milliseconds.unsigned_abs())),
        _ => Err(BadValue::expected(expected)),
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
pub(crate) fn phone_number(text: &str) -> Result<PhoneNumber, BadValue> {
    is_short_enough(text).map_err(BadValue::Wrong)?;
    let number = PhoneNumber::parse(text).map_err(|bad| {
        BadValue::Wrong(match bad {
            BadNumber::Empty => bad.to_string(),
            BadNumber::NotInternational { .. } => {
                format!("{} starts with + but is not an international number: only digits may follow", quoted(text))
            }
        })
    })?;
    if number.as_str().contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(BadValue::Wrong(format!("{} cannot be dialled: it has white space in it", quoted(text))));
    }
    Ok(number)
}

/// A phone number or the name of an extension, and what is dialled on with behind the first `,`.
pub(crate) fn number_to_dial(text: &str) -> Result<(PhoneNumber, PostDial), BadValue> {
    is_short_enough(text).map_err(BadValue::Wrong)?;
    let (number, rest) = PostDial::split(text.trim());
    let post_dial = PostDial::parse(rest).map_err(|bad| BadValue::Wrong(format!("in {}, {bad}", quoted(text))))?;
    Ok((phone_number(number)?, post_dial))
}

/// DTMF digits (ITU-T Q.23), at least one, and no more than fit into one request to Asterisk.
pub(crate) fn dtmf_digits(text: &str) -> Result<String, BadValue> {
    let digits = text.trim().to_ascii_uppercase();
    let is_fine = (1..=1000).contains(&digits.len()) && digits.chars().all(|digit| dtmf::ALL.contains(digit));
    is_fine.then_some(digits).ok_or_else(|| BadValue::expected("1 to 1000 of the digits 0 to 9, `*`, `#` and A to D"))
}

pub(crate) fn dial_string(text: &str) -> Result<DialString, BadValue> {
    is_short_enough(text).map_err(BadValue::Wrong)?;
    DialString::new(text.trim())
        .map_err(|_| BadValue::Wrong(format!("{} is not a dial string of the form TECHNOLOGY/resource", quoted(text))))
}

/// A cause with which a call may end.
pub(crate) fn expected_cause(text: &str) -> Result<ExpectedCause, BadValue> {
    let expected = "a number from 1 to 127 (ITU-T Q.850), a name such as `user-busy`, or a code such as `SIP 486`";
    ExpectedCause::parse(text).ok_or_else(|| BadValue::Expected(expected.into()))
}

/// A time at which the daemon starts nothing by itself.
pub(crate) fn quiet_time(text: &str) -> Result<QuietTime, BadValue> {
    text.parse().map_err(|bad| BadValue::Wrong(format!("{} is no quiet time: {bad}", quoted(text))))
}

pub(crate) fn text(text: &str) -> Result<String, BadValue> {
    Ok(text.into())
}

/// A text that is not empty.
pub(crate) fn some_text(text: &str) -> Result<String, BadValue> {
    match text.trim() {
        "" => Err(BadValue::expected("a text that is not empty")),
        trimmed => Ok(trimmed.into()),
    }
}

/// A host name or address, without scheme, port or path.
pub(crate) fn host(text: &str) -> Result<String, BadValue> {
    let is_host =
        !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "/@?#".contains(c));
    // One colon separates a port; several make an IPv6 address.
    if is_host && text.matches(':').count() != 1 {
        // ARI's URL is made of it, and that puts the brackets there itself.
        return Ok(text.trim_start_matches('[').trim_end_matches(']').into());
    }
    Err(BadValue::expected("a host name or an address, without scheme, port or path"))
}

/// The path of a URL (RFC 3986 §3.3) that ARI lies below, without the `/ari` itself: empty, or each segment with a slash
/// before it.
pub(crate) fn uri_path(text: &str) -> Result<String, BadValue> {
    let trimmed = text.strip_prefix('/').unwrap_or(text);
    let trimmed = trimmed.strip_suffix('/').unwrap_or(trimmed);
    if trimmed.is_empty() {
        return Ok(String::new());
    }
    // The text is not repeated: whoever pastes a URL of ARI may have pasted its password with it.
    if !trimmed.split('/').all(is_segment) {
        let expected =
            "expected a path such as `/pbx`, in characters that a URL's path may have, without `..`, `?` and `#`";
        return Err(BadValue::Wrong(expected.into()));
    }
    if ends_in_ari(text) {
        return Err(BadValue::Wrong("expected only what stands before `/ari`".into()));
    }
    Ok(format!("/{trimmed}"))
}

/// Whether a path has what calltest adds to it.
pub(crate) fn ends_in_ari(path: &str) -> bool {
    path.trim_end_matches('/').rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case("ari"))
}

/// Whether a text is one segment of a path, and none that leads elsewhere.
fn is_segment(text: &str) -> bool {
    let mut bytes = text.bytes();
    let is_digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_hexdigit());
    while let Some(byte) = bytes.next() {
        let is_fine = match byte {
            b'%' => is_digit(bytes.next()) && is_digit(bytes.next()),
            byte => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte),
        };
        if !is_fine {
            return false;
        }
    }
    // A dot may be percent-encoded, too.
    let dots = text.replace("%2e", ".").replace("%2E", ".");
    !["", ".", ".."].contains(&dots.as_str())
}

/// A word that Asterisk knows something by: a Stasis app, a user.
pub(crate) fn word(text: &str) -> Result<String, BadValue> {
    let is_word = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || ",:".contains(c));
    is_word.then(|| text.into()).ok_or_else(|| BadValue::expected("a word without blanks, commas and colons"))
}

/// Digits, or nothing.
pub(crate) fn digits(text: &str) -> Result<String, BadValue> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.into()).ok_or_else(|| BadValue::expected("digits only"))
}

pub(crate) fn country_code(text: &str) -> Result<String, BadValue> {
    let expected = || BadValue::expected("a country code such as 49, 1 to 3 digits without `+` or `00`");
    let is_code = (1..=3).contains(&text.len()) && !text.starts_with('0');
    digits(text).ok().filter(|_| is_code).ok_or_else(expected)
}

/// The URL of a trigger.
pub(crate) fn url(text: &str) -> Result<String, BadValue> {
    let text = text.trim();
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let is_url = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    is_url.then(|| text.into()).ok_or_else(|| BadValue::expected("a URL that begins with http:// or https://"))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    // field telephony 15
    #[test]
    fn paths_of_urls() {
        for text in ["pbx", "/pbx", "pbx/", "/pbx/"] {
            assert_eq!(uri_path(text), Ok("/pbx".into()), "{text}");
        }
        for text in ["", "/", "//"] {
            assert_eq!(uri_path(text), Ok(String::new()), "{text:?}");
        }
        for text in ["/a/b/", "/a-b_c.d~e", "/it's,(a);b=c&d+e:f@g!$*", "/a%20b", "/ari/x", "/sari", "/a..b/...", "123"]
        {
            assert!(uri_path(text).is_ok(), "{text}");
        }
        for text in [
            "..",
            "/a/../b",
            "/a/.",
            "/%2e%2E",
            "/.%2e/a",
            "/a//b",
            "//pbx",
            "/a?b",
            "/a#b",
            "/a b",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a\\b",
            "/ä",
            "/a\r\nX: y",
            "/a\0",
            "http://pbx/a",
            "/ari",
            "ari",
            "/pbx/ari",
            "/pbx/ari/",
            "/pbx/ARI",
            " /pbx",
        ] {
            assert!(uri_path(text).is_err(), "{text:?}");
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
