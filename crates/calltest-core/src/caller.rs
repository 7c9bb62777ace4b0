//! Whether the caller's number that a far end showed is the one we called from.
//!
//! The rules are those of the calltest 0.7 manual, section Incoming. How numbers are rewritten before is left to
//! `number_rule`.

use std::fmt;

use crate::number::{Dialplan, PhoneNumber, shown, split_country_code};
use crate::number_rule::{Pattern, Rejected};
use crate::plan::{Link, Server};

/// What far ends show in place of a number that is withheld, or that they do not have (RFC 3323, RFC 3325, and what gateways
/// and Asterisk itself make of it).
const WITHHELD: [&str; 7] = ["anonymous", "restricted", "private", "unavailable", "unknown", "withheld", "asserted"];

/// What the callee has to see of the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpectedCaller {
    /// This number.
    Number(PhoneNumber),
    /// A number that fits this pattern, as it is shown or in international format.
    Pattern(Pattern),
    /// That the caller withholds its number (CLIR, RFC 3323).
    Withheld,
}

impl ExpectedCaller {
    /// The number, if it has to be a certain one.
    pub fn number(&self) -> Option<&PhoneNumber> {
        match self {
            Self::Number(number) => Some(number),
            Self::Pattern(_) | Self::Withheld => None,
        }
    }
}

impl fmt::Display for ExpectedCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Pattern(pattern) => f.write_str(pattern.as_str()),
            Self::Withheld => f.write_str("withheld"),
        }
    }
}

/// Whether what is shown of a caller is no number, but that there is none to be seen.
pub fn is_withheld(shown: &str) -> bool {
    let shown = shown.trim();
    shown.is_empty() || WITHHELD.iter().any(|word| shown.eq_ignore_ascii_case(word))
}

/// The number of a caller on a link, after the rules for incoming numbers. No caller ID stays no caller ID.
///
/// # Errors
/// If a rule rejects the caller, or leaves nothing of the number.
pub fn caller_as_seen(link: &Link, server: &Server, caller: &str) -> Result<String, Rejected> {
    if caller.is_empty() {
        return Ok(String::new());
    }
    link.incoming_rules(server).apply(caller).map(|mapped| mapped.number)
}

/// Whether the caller on a link is the one expected, once the rules for incoming numbers were applied. Whether a number that is
/// sent along may be shown at all is not known here: where it has to be withheld, any caller fits so far.
///
/// # Errors
/// Tells how they differ; the number received is the one that was shown, before the rules.
pub fn check_caller(
    link: &Link,
    server: &Server,
    expected: &ExpectedCaller,
    caller: &str,
) -> Result<(), CallerMismatch> {
    let seen = caller_as_seen(link, server, caller)
        .map_err(|rejected| CallerMismatch::Rejected { expected: expected.clone(), rejected: Box::new(rejected) })?;
    let checked = match expected {
        ExpectedCaller::Number(number) => check_number(&server.dialplan, number, &seen),
        ExpectedCaller::Pattern(pattern) => check_pattern(&server.dialplan, pattern, &seen),
        ExpectedCaller::Withheld => Ok(()),
    };
    checked.map_err(|mismatch| match mismatch {
        CallerMismatch::Differs { expected, received, read_as } if received != caller => {
            CallerMismatch::Differs { expected, received: caller.into(), read_as: read_as.or(Some(received)) }
        }
        mismatch => mismatch,
    })
}

/// Whether an incoming number fits a pattern, as it is or in international format.
fn check_pattern(dialplan: &Dialplan, pattern: &Pattern, incoming: &str) -> Result<(), CallerMismatch> {
    let (incoming, expected) = (incoming.trim(), ExpectedCaller::Pattern(pattern.clone()));
    if pattern.matches(incoming) {
        return Ok(());
    }
    if incoming.is_empty() {
        return Err(CallerMismatch::None { expected });
    }
    if is_withheld(incoming) {
        return Err(CallerMismatch::Withheld { expected, shown: incoming.into() });
    }
    let read_as = dialplan.internationalise(incoming);
    match &read_as {
        Some(number) if pattern.matches(number) => Ok(()),
        _ => Err(CallerMismatch::Differs { expected, received: incoming.into(), read_as }),
    }
}

/// Whether an incoming number, as the rules have left it, is the configured one.
///
/// An extension only has to be the end of what is shown, since site-local numbers often arrive with a prefix; an
/// international number has to be equal once the shown one is in international format too.
///
/// # Errors
/// Tells how they differ.
pub fn check_number(dialplan: &Dialplan, configured: &PhoneNumber, incoming: &str) -> Result<(), CallerMismatch> {
    let (incoming, expected) = (incoming.trim(), ExpectedCaller::Number(configured.clone()));
    if incoming.is_empty() {
        return Err(CallerMismatch::None { expected });
    }
    if !configured.to_string().eq_ignore_ascii_case(incoming) && is_withheld(incoming) {
        return Err(CallerMismatch::Withheld { expected, shown: incoming.into() });
    }
    let read_as = match configured {
        PhoneNumber::Extension(extension) if incoming.ends_with(extension.as_str()) => return Ok(()),
        PhoneNumber::Extension(_) => None,
        PhoneNumber::E164(number) => match dialplan.internationalise(incoming) {
            Some(shown) if shown == *number => return Ok(()),
            shown => shown,
        },
    };
    Err(CallerMismatch::Differs { expected, received: incoming.into(), read_as })
}

/// Why a caller is not shown as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallerMismatch {
    /// The call showed no number at all.
    None {
        /// What should have been shown.
        expected: ExpectedCaller,
    },
    /// The call showed a word in place of a number.
    Withheld {
        /// What should have been shown.
        expected: ExpectedCaller,
        /// The word.
        shown: String,
    },
    /// The network sent a number along that must not be shown, so that no telephone shows it (RFC 3325 §7).
    Hidden {
        /// What should have been shown.
        expected: ExpectedCaller,
        /// The number.
        received: String,
    },
    /// The call showed a number, which it should have withheld.
    Shown {
        /// The number.
        received: String,
    },
    /// The call showed another number.
    Differs {
        /// What should have been shown.
        expected: ExpectedCaller,
        /// What was shown.
        received: String,
        /// What was shown, in international format where it was compared in that.
        read_as: Option<String>,
    },
    /// A number rule takes no such caller.
    Rejected {
        /// What should have been shown.
        expected: ExpectedCaller,
        /// What was shown, and the rule.
        rejected: Box<Rejected>,
    },
}

impl fmt::Display for CallerMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None { expected } => write!(f, "expected caller ID {expected}, no caller ID received"),
            Self::Withheld { expected, shown } => {
                write!(f, "expected caller ID {expected}, the number is withheld: received {shown}")
            }
            Self::Hidden { expected, received } => write!(
                f,
                "expected caller ID {expected}, the number is withheld: {received} came along, but is not to be shown"
            ),
            Self::Shown { received } => {
                write!(f, "expected the caller ID to be withheld, received {}", shown(received))
            }
            Self::Rejected { expected, rejected } => write!(f, "expected caller ID {expected}, but {rejected}"),
            Self::Differs { expected, received, read_as } => {
                write!(f, "expected caller ID {expected}, received {received}")?;
                match (expected, read_as) {
                    (ExpectedCaller::Number(PhoneNumber::Extension(_)), _) => {
                        f.write_str(", which does not end with it")
                    }
                    (ExpectedCaller::Number(PhoneNumber::E164(number)), Some(read_as)) if read_as != received => {
                        write!(f, ", which reads as {read_as}")?;
                        match lacks_plus(number, received) {
                            Some(country) => write!(
                                f,
                                "; if callers come without `+` here, add `_{country}!: '+{{number}}'` to the link's `incoming`"
                            ),
                            None => Ok(()),
                        }
                    }
                    (_, Some(read_as)) if read_as != received => write!(f, ", which reads as {read_as}"),
                    (_, Some(_)) | (ExpectedCaller::Pattern(_) | ExpectedCaller::Withheld, None) => Ok(()),
                    (ExpectedCaller::Number(PhoneNumber::E164(_)), None) => {
                        f.write_str(", which is not a number of this numbering plan")
                    }
                }
            }
        }
    }
}

/// The country code of a number that is the expected one but for the `+`, as many VoIP providers show it.
fn lacks_plus<'n>(expected: &'n str, received: &str) -> Option<&'n str> {
    let expected = expected.strip_prefix('+')?;
    (expected == received).then(|| split_country_code(expected)).flatten().map(|(country, _)| country)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number_rule::NumberRules;
    use crate::number_rule::tests::rules;
    use crate::plan::{Asterisk, Secret, ServerKind};
    use crate::quiet::QuietTimes;

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
            assert_eq!(check_number(plan, &configured, incoming), Ok(()), "{incoming}");
        }
        for incoming in differs {
            assert!(check_number(plan, &configured, incoming).is_err(), "{incoming}");
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
        let mismatch = check_number(&german(None), &configured, "0911124").unwrap_err();
        assert_eq!(mismatch.to_string(), "expected caller ID +49911123, received 0911124, which reads as +49911124");
        let mismatch = check_number(&german(None), &configured, " ").unwrap_err();
        assert_eq!(mismatch.to_string(), "expected caller ID +49911123, no caller ID received");
    }

    // field telephony 7 | A caller whose number is withheld, shown as a word | `fail` that says so | each word, in any case; a link that is called so; an extension
    #[test]
    fn a_word_in_place_of_a_number_is_a_withheld_one() {
        let configured = PhoneNumber::parse("+49911123").unwrap();
        for word in WITHHELD.iter().map(|word| word.to_uppercase()).chain(["anonymous".into(), "Restricted".into()]) {
            let mismatch = check_number(&german(None), &configured, &word).unwrap_err();
            let sentence = format!("expected caller ID +49911123, the number is withheld: received {word}");
            assert_eq!(mismatch.to_string(), sentence);
        }
        assert_eq!(check_number(&german(None), &PhoneNumber::parse("anonymous").unwrap(), "anonymous"), Ok(()));
        let mismatch = check_number(&german(None), &PhoneNumber::parse("123").unwrap(), "anonymous").unwrap_err();
        assert!(matches!(mismatch, CallerMismatch::Withheld { .. }), "{mismatch}");
    }

    // field telephony 30 | A caller in international format without the plus sign | `fail` that names the cure | another country; another number; a number that is too short
    #[test]
    fn a_caller_without_its_plus_sign_is_told_the_cure() {
        let sentence = |plan: &Dialplan, configured: &str, incoming: &str| {
            check_number(plan, &PhoneNumber::parse(configured).unwrap(), incoming).unwrap_err().to_string()
        };
        let said = sentence(&german(Some("30")), "+494012345678", "494012345678");
        assert_eq!(
            said,
            "expected caller ID +494012345678, received 494012345678, which reads as +4930494012345678; if callers come \
             without `+` here, add `_49!: '+{number}'` to the link's `incoming`"
        );
        assert!(sentence(&german(Some("30")), "+33123456789", "33123456789").contains("`_33!: '+{number}'`"));
        for other in ["494012345679", "4940123456", "04012345679"] {
            assert!(!sentence(&german(Some("30")), "+494012345678", other).contains("incoming"), "{other}");
        }
    }

    #[test]
    fn a_caller_is_compared_after_the_rules() {
        let (link, server) = one_link(rules(&[("_0.", "{number:1}"), ("anonymous", "reject")]));
        let expected = number("+49911123");
        let check =
            |caller: &str| check_caller(&link, &server, &expected, caller).map_err(|differs| differs.to_string());
        assert_eq!(check("00911123"), Ok(()));
        assert_eq!(check("+49911123"), Ok(()));
        let sentence = "expected caller ID +49911123, received 00911124, which reads as +49911124";
        assert_eq!(check("00911124"), Err(sentence.into()));
        assert_eq!(check(""), Err("expected caller ID +49911123, no caller ID received".into()));
        let sentence = "expected caller ID +49911123, but anonymous is rejected by rule 2 under `incoming` of link trunk: `anonymous`";
        assert_eq!(check("anonymous"), Err(sentence.into()));
        let (strict, _) = one_link(rules(&[("_!", "reject")]));
        let nobody = check_caller(&strict, &server, &expected, "");
        assert_eq!(nobody, Err(CallerMismatch::None { expected: expected.clone() }));
        assert_eq!(check_caller(&link, &server, &number("123"), "00123"), Ok(()));
    }

    fn number(text: &str) -> ExpectedCaller {
        ExpectedCaller::Number(PhoneNumber::parse(text).unwrap())
    }

    // field telephony 42 | A trunk that shows another number than it is called by, or any of a block | `callerid` on the call or the link says what the callee must see | a pattern of Asterisk's; in national form; withheld; no caller ID
    #[test]
    fn a_caller_may_have_to_fit_a_pattern() {
        let (link, server) = one_link(NumberRules::default());
        let check = |pattern: &str, caller: &str| {
            let expected = ExpectedCaller::Pattern(Pattern::parse(pattern).unwrap());
            check_caller(&link, &server, &expected, caller).map_err(|differs| differs.to_string())
        };
        for caller in ["+49911123", "0911123", "0049911123"] {
            assert_eq!(check("_+49911!", caller), Ok(()), "{caller}");
        }
        assert_eq!(check("_0911XXX", "0911123"), Ok(()));
        let sentence = "expected caller ID _+49911!, received 0912123, which reads as +49912123";
        assert_eq!(check("_+49911!", "0912123"), Err(sentence.into()));
        let sentence = "expected caller ID _+49911!, the number is withheld: received anonymous";
        assert_eq!(check("_+49911!", "anonymous"), Err(sentence.into()));
        assert_eq!(check("_+49911!", ""), Err("expected caller ID _+49911!, no caller ID received".into()));
        for caller in ["", "anonymous", "+49911123"] {
            assert_eq!(check_caller(&link, &server, &ExpectedCaller::Withheld, caller), Ok(()), "{caller}");
        }
    }

    fn one_link(incoming: NumberRules) -> (Link, Server) {
        let server = Server {
            name: "pbx".into(),
            dialplan: Dialplan { country: "49".into(), city: None, intl: "00".into(), natl: "0".into() },
            outgoing: NumberRules::default(),
            incoming: NumberRules::default(),
            max_calls: None,
            quiet: QuietTimes::default(),
            kind: ServerKind::Asterisk(Asterisk {
                host: "localhost".into(),
                port: 8088,
                tls: None,
                path: String::new(),
                timeout: std::time::Duration::ZERO,
                username: "u".into(),
                password: Secret::new("p"),
                app: "calltest".into(),
                play_base: String::new(),
                record_base: String::new(),
            }),
        };
        let link = Link { incoming, ..Link::new("trunk", "pbx") };
        (link, server)
    }
}
