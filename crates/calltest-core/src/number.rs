//! Phone numbers, and whether the caller's number that a far end showed is the one we called from.
//!
//! Two kinds are told apart by the initial `+`: international numbers (ITU-T E.164) and site-local extensions. The rules
//! for comparing them are those of the calltest 0.7 manual, section Incoming. Rewriting numbers is left to number rules.

use std::collections::BTreeSet;
use std::fmt;

use crate::number_rule::Rejected;

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
fn significant(number: &str) -> &str {
    number.trim_start_matches(['+', '0'])
}

/// Whether two spellings may be of one number: networks add and strip prefixes at the front, so the end decides.
pub fn end_alike(one: &str, other: &str) -> bool {
    match (significant(one), significant(other)) {
        ("", "") => true,
        ("", _) | (_, "") => false,
        (one, other) => one.ends_with(other) || other.ends_with(one),
    }
}

/// Numbers of which no two [end alike](end_alike). There may be many: another one is not compared with each of them.
#[derive(Debug, Clone, Default)]
pub struct Distinct {
    /// Their significant parts from the end to the beginning, but for the empty one. Where two end alike, one begins with
    /// the other here; so long as no two do, that can only be the case between neighbours.
    reversed: BTreeSet<Vec<u8>>,
    has_empty: bool,
}

impl Distinct {
    /// Takes in a number, unless it ends like one that there is already. Tells whether it was taken in.
    pub fn insert(&mut self, number: &str) -> bool {
        let reversed: Vec<u8> = significant(number).bytes().rev().collect();
        if reversed.is_empty() {
            return !std::mem::replace(&mut self.has_empty, true);
        }
        let before = self.reversed.range(..=reversed.clone()).next_back();
        let after = self.reversed.range(reversed.clone()..).next();
        let is_distinct = !before.is_some_and(|before| reversed.starts_with(before))
            && !after.is_some_and(|after| after.starts_with(&reversed));
        is_distinct && self.reversed.insert(reversed)
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

    /// Whether the incoming caller's number is the configured one.
    ///
    /// An extension only has to be the end of what is shown, since site-local numbers often arrive with a prefix; an
    /// international number has to be equal once the shown one is in international format too.
    ///
    /// # Errors
    /// Tells how they differ.
    pub fn check_caller(&self, configured: &PhoneNumber, incoming: &str) -> Result<(), CallerMismatch> {
        let incoming = incoming.trim();
        if incoming.is_empty() {
            return Err(CallerMismatch::None { expected: configured.clone() });
        }
        let read_as = match configured {
            PhoneNumber::Extension(extension) if incoming.ends_with(extension.as_str()) => return Ok(()),
            PhoneNumber::Extension(_) => None,
            PhoneNumber::E164(number) => match self.internationalise(incoming) {
                Some(shown) if shown == *number => return Ok(()),
                shown => shown,
            },
        };
        Err(CallerMismatch::Differs { expected: configured.clone(), received: incoming.into(), read_as })
    }
}

/// Like [`str::strip_prefix`], but an empty prefix marks nothing.
fn strip_some_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    text.strip_prefix(prefix).filter(|_| !prefix.is_empty())
}

/// Why a caller's number is not the one expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallerMismatch {
    /// The call showed no number at all.
    None {
        /// The configured number.
        expected: PhoneNumber,
    },
    /// The call showed another number.
    Differs {
        /// The configured number.
        expected: PhoneNumber,
        /// What was shown.
        received: String,
        /// What was shown, in international format where it was compared in that.
        read_as: Option<String>,
    },
    /// A number rule takes no such caller.
    Rejected {
        /// The configured number.
        expected: PhoneNumber,
        /// What was shown, and the rule.
        rejected: Box<Rejected>,
    },
}

impl fmt::Display for CallerMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None { expected } => write!(f, "expected caller ID {expected}, no caller ID received"),
            Self::Rejected { expected, rejected } => write!(f, "expected caller ID {expected}, but {rejected}"),
            Self::Differs { expected, received, read_as } => {
                write!(f, "expected caller ID {expected}, received {received}")?;
                match (expected, read_as) {
                    (PhoneNumber::Extension(_), _) => f.write_str(", which does not end with it"),
                    (PhoneNumber::E164(_), Some(read_as)) if read_as != received => {
                        write!(f, ", which reads as {read_as}")
                    }
                    (PhoneNumber::E164(_), Some(_)) => Ok(()),
                    (PhoneNumber::E164(_), None) => f.write_str(", which is not a number of this numbering plan"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn distinct_numbers_are_those_that_do_not_end_alike(numbers in prop::collection::vec("[+0-2]{0,4}", 0..12)) {
            let mut distinct = Distinct::default();
            let mut taken: Vec<&str> = Vec::new();
            for number in &numbers {
                let is_new = !taken.iter().any(|other| end_alike(number, other));
                prop_assert_eq!(distinct.insert(number), is_new, "{} after {:?}", number, taken);
                taken.extend(is_new.then_some(number.as_str()));
            }
        }
    }

    fn german(city: Option<&str>) -> Dialplan {
        Dialplan { country: "49".into(), city: city.map(Into::into), intl: "00".into(), natl: "0".into() }
    }

    fn american() -> Dialplan {
        Dialplan { country: "1".into(), city: Some("212".into()), intl: "011".into(), natl: "1".into() }
    }

    #[track_caller]
    fn check(plan: &Dialplan, configured: &str, fits: &[&str], differs: &[&str]) {
        let configured = PhoneNumber::parse(configured).unwrap();
        for incoming in fits {
            assert_eq!(plan.check_caller(&configured, incoming), Ok(()), "{incoming}");
        }
        for incoming in differs {
            assert!(plan.check_caller(&configured, incoming).is_err(), "{incoming}");
        }
    }

    #[test]
    fn the_manuals_rules_for_germany() {
        check(
            &german(None),
            "+49911123",
            &["+49911123", "0049911123", "0911123"],
            &["49911123", "123", "+49911124", ""],
        );
        check(&german(Some("911")), "+49911123", &["123", "0911123"], &["911123"]);
        check(&german(None), "123", &["123", "+49911123", "0123"], &["12", "1234", ""]);
    }

    #[test]
    fn the_manuals_rules_for_north_america() {
        check(&american(), "+12125550123", &["12125550123", "5550123", "2125550123", "+12125550123"], &["125550123"]);
        check(&american(), "+442071234", &["011442071234"], &["442071234"]);
    }

    #[test]
    fn an_empty_prefix_marks_nothing() {
        let plan = Dialplan { natl: String::new(), ..german(None) };
        check(&plan, "+49123", &["123", "0049123"], &["0123"]);
    }

    #[test]
    fn a_mismatch_says_how_the_number_was_read() {
        let configured = PhoneNumber::parse("+49911123").unwrap();
        let mismatch = german(None).check_caller(&configured, "0911124").unwrap_err();
        assert_eq!(mismatch.to_string(), "expected caller ID +49911123, received 0911124, which reads as +49911124");
        let mismatch = german(None).check_caller(&configured, " ").unwrap_err();
        assert_eq!(mismatch.to_string(), "expected caller ID +49911123, no caller ID received");
    }

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
