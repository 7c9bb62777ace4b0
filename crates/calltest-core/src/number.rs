//! Phone numbers, and how a server writes them.
//!
//! Two kinds are told apart by the initial `+`: international numbers (ITU-T E.164) and site-local extensions. Rewriting
//! numbers is left to `number_rule`, comparing callers to `caller`.

mod country_code;

use std::fmt;

pub use country_code::split_country_code;

/// A phone number as configured. Extensions may contain letters: Asterisk dials names too.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PhoneNumber {
    /// International format, with its leading `+`.
    E164(String),
    /// Anything else: known only at the site itself.
    Extension(String),
}

impl PhoneNumber {
    /// Takes a number as typed; surrounding white space does not count.
    ///
    /// # Errors
    /// An empty text, a `+` without digits, or a `+` followed by anything but digits is no number.
    pub fn parse(text: &str) -> Result<Self, BadNumber> {
        let text = text.trim();
        match text.strip_prefix('+') {
            _ if text.is_empty() => Err(BadNumber::Empty),
            None => Ok(Self::Extension(text.into())),
            Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(Self::E164(text.into()))
            }
            Some(_) => Err(BadNumber::NotInternational { text: text.into() }),
        }
    }

    /// The number as it is dialled and shown.
    pub fn as_str(&self) -> &str {
        match self {
            Self::E164(number) | Self::Extension(number) => number,
        }
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is no phone number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadNumber {
    /// Nothing but white space.
    #[error("a phone number cannot be empty")]
    Empty,
    /// A `+` announces an international number, which has only digits after it.
    #[error("`{text}` starts with + but is not an international number: only digits may follow")]
    NotInternational {
        /// The text that was given.
        text: String,
    },
}

/// What is left of a number without what networks put before it.
pub fn significant(number: &str) -> &str {
    number.trim_start_matches(['+', '0'])
}

/// A number as shown, in words where there is none.
pub fn shown(number: &str) -> &str {
    if number.is_empty() { "no number" } else { number }
}

/// Whether two spellings may be of one number: networks add and strip prefixes at the front, so the end decides.
pub fn end_alike(one: &str, other: &str) -> bool {
    match (significant(one), significant(other)) {
        ("", "") => true,
        ("", _) | (_, "") => false,
        (one, other) => one.ends_with(other) || other.ends_with(one),
    }
}

/// How a server writes numbers: what it prefixes to national and international ones, and where it stands itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialplan {
    /// Country code without `+`: `49`, or `1` for the North American Numbering Plan.
    pub country: String,
    /// Area code without the national prefix, where local numbers are shown without it.
    pub city: Option<String>,
    /// What precedes the country code in international numbers (`00`).
    pub intl: String,
    /// What precedes the area code in national numbers (`0`).
    pub natl: String,
}

impl Dialplan {
    /// The country code of the North American Numbering Plan, which has rules of its own.
    const NANP: &str = "1";

    /// The incoming number in international format, or `None` where this numbering plan has no such form.
    pub fn internationalise(&self, incoming: &str) -> Option<String> {
        if incoming.starts_with('+') {
            return Some(incoming.into());
        }
        let city = self.city.as_deref().unwrap_or("");
        if self.country == Self::NANP {
            if let Some(rest) = incoming.strip_prefix("011") {
                return Some(format!("+{rest}"));
            }
            return match (incoming.starts_with('1'), incoming.len()) {
                (true, _) => Some(format!("+{incoming}")),
                (false, 7) => Some(format!("+1{city}{incoming}")),
                (false, 10) => Some(format!("+1{incoming}")),
                _ => None,
            };
        }
        if let Some(rest) = strip_some_prefix(incoming, &self.intl) {
            return Some(format!("+{rest}"));
        }
        if let Some(rest) = strip_some_prefix(incoming, &self.natl) {
            return Some(format!("+{}{rest}", self.country));
        }
        Some(format!("+{}{city}{incoming}", self.country))
    }
}

/// Like [`str::strip_prefix`], but an empty prefix marks nothing.
fn strip_some_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    text.strip_prefix(prefix).filter(|_| !prefix.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_number_end_alike() {
        for (one, other) in [("+49987654321", "0987654321"), ("123", "+49911123"), ("+49911123", "123"), ("0", "+")] {
            assert!(end_alike(one, other) && end_alike(other, one), "{one} {other}");
        }
        for (one, other) in [("123", "124"), ("", "1"), ("0", "10")] {
            assert!(!end_alike(one, other) && !end_alike(other, one), "{one} {other}");
        }
    }

    #[test]
    fn what_is_no_number() {
        assert_eq!(PhoneNumber::parse("  "), Err(BadNumber::Empty));
        for bad in ["+", "+49 911", "+fone"] {
            assert!(matches!(PhoneNumber::parse(bad), Err(BadNumber::NotInternational { .. })), "{bad}");
        }
        assert_eq!(PhoneNumber::parse(" fone1 "), Ok(PhoneNumber::Extension("fone1".into())));
    }
}
