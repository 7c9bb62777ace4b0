//! Whether the caller's number that a far end showed is the one we called from.
//!
//! The rules are those of the calltest 0.7 manual, section Incoming. How numbers are rewritten before is left to
//! `number_rule`.

use std::fmt;

use crate::number::{Dialplan, PhoneNumber, split_country_code};
use crate::number_rule::Rejected;
use crate::plan::{Link, Server};

/// What far ends show in place of a number that is withheld, or that they do not have (RFC 3323, RFC 3325, and what gateways
/// and Asterisk itself make of it).
const WITHHELD: [&str; 7] = ["anonymous", "restricted", "private", "unavailable", "unknown", "withheld", "asserted"];

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

/// Whether the caller on a link is the one expected, once the rules for incoming numbers were applied.
///
/// # Errors
/// Tells how they differ; the number received is the one that was shown, before the rules.
pub fn check_caller(link: &Link, server: &Server, expected: &PhoneNumber, caller: &str) -> Result<(), CallerMismatch> {
    let seen = caller_as_seen(link, server, caller)
        .map_err(|rejected| CallerMismatch::Rejected { expected: expected.clone(), rejected: Box::new(rejected) })?;
    check_number(&server.dialplan, expected, &seen).map_err(|mismatch| match mismatch {
        CallerMismatch::Differs { expected, received, read_as } if received != caller => {
            CallerMismatch::Differs { expected, received: caller.into(), read_as: read_as.or(Some(received)) }
        }
        mismatch => mismatch,
    })
}

/// Whether an incoming number, as the rules have left it, is the configured one.
///
/// An extension only has to be the end of what is shown, since site-local numbers often arrive with a prefix; an
/// international number has to be equal once the shown one is in international format too.
///
/// # Errors
/// Tells how they differ.
pub fn check_number(dialplan: &Dialplan, configured: &PhoneNumber, incoming: &str) -> Result<(), CallerMismatch> {
    let incoming = incoming.trim();
    if incoming.is_empty() {
        return Err(CallerMismatch::None { expected: configured.clone() });
    }
    if !configured.to_string().eq_ignore_ascii_case(incoming)
        && WITHHELD.iter().any(|word| incoming.eq_ignore_ascii_case(word))
    {
        return Err(CallerMismatch::Withheld { expected: configured.clone(), shown: incoming.into() });
    }
    let read_as = match configured {
        PhoneNumber::Extension(extension) if incoming.ends_with(extension.as_str()) => return Ok(()),
        PhoneNumber::Extension(_) => None,
        PhoneNumber::E164(number) => match dialplan.internationalise(incoming) {
            Some(shown) if shown == *number => return Ok(()),
            shown => shown,
        },
    };
    Err(CallerMismatch::Differs { expected: configured.clone(), received: incoming.into(), read_as })
}

/// Why a caller's number is not the one expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallerMismatch {
    /// The call showed no number at all.
    None {
        /// The configured number.
        expected: PhoneNumber,
    },
    /// The call showed a word in place of a number.
    Withheld {
        /// The configured number.
        expected: PhoneNumber,
        /// The word.
        shown: String,
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
            Self::Withheld { expected, shown } => {
                write!(f, "expected caller ID {expected}, the number is withheld: received {shown}")
            }
            Self::Rejected { expected, rejected } => write!(f, "expected caller ID {expected}, but {rejected}"),
            Self::Differs { expected, received, read_as } => {
                write!(f, "expected caller ID {expected}, received {received}")?;
                match (expected, read_as) {
                    (PhoneNumber::Extension(_), _) => f.write_str(", which does not end with it"),
                    (PhoneNumber::E164(_), Some(read_as)) if read_as != received => {
                        write!(f, ", which reads as {read_as}")?;
                        match lacks_plus(expected, received) {
                            Some(country) => write!(
                                f,
                                "; if callers come without `+` here, add `_{country}!: '+{{number}}'` to the link's `incoming`"
                            ),
                            None => Ok(()),
                        }
                    }
                    (PhoneNumber::E164(_), Some(_)) => Ok(()),
                    (PhoneNumber::E164(_), None) => f.write_str(", which is not a number of this numbering plan"),
                }
            }
        }
    }
}

/// The country code of a number that is the expected one but for the `+`, as many VoIP providers show it.
fn lacks_plus<'n>(expected: &'n PhoneNumber, received: &str) -> Option<&'n str> {
    let expected = match expected {
        PhoneNumber::E164(number) => number.strip_prefix('+')?,
        PhoneNumber::Extension(_) => return None,
    };
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
        let expected = PhoneNumber::parse("+49911123").unwrap();
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
        let extension = PhoneNumber::parse("123").unwrap();
        assert_eq!(check_caller(&link, &server, &extension, "00123"), Ok(()));
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
