//! Why a call ended: Q.850 hangup causes and the channel technology's own codes.

use std::fmt;

/// A hangup cause as numbered by ITU-T Q.850, which Asterisk uses for every technology.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HangupCause(pub u16);

/// The causes that Q.850 names, with the numbers that Asterisk may report.
const NAMES: &[(u16, &str)] = &[
    (1, "unallocated number"),
    (2, "no route to transit network"),
    (3, "no route to destination"),
    (5, "misdialled trunk prefix"),
    (6, "channel unacceptable"),
    (7, "call awarded"),
    (8, "preemption"),
    (14, "number ported"),
    (16, "normal clearing"),
    (17, "user busy"),
    (18, "no user responding"),
    (19, "no answer"),
    (20, "subscriber absent"),
    (21, "call rejected"),
    (22, "number changed"),
    (23, "redirected to new destination"),
    (26, "answered elsewhere"),
    (27, "destination out of order"),
    (28, "invalid number format"),
    (29, "facility rejected"),
    (30, "response to status enquiry"),
    (31, "normal, unspecified"),
    (34, "no circuit available"),
    (38, "network out of order"),
    (41, "temporary failure"),
    (42, "switch congestion"),
    (43, "access information discarded"),
    (44, "requested channel not available"),
    (50, "facility not subscribed"),
    (52, "outgoing calls barred"),
    (54, "incoming calls barred"),
    (57, "bearer capability not authorised"),
    (58, "bearer capability not available"),
    (65, "bearer capability not implemented"),
    (66, "channel type not implemented"),
    (69, "facility not implemented"),
    (81, "invalid call reference"),
    (88, "incompatible destination"),
    (95, "invalid message"),
    (96, "mandatory information element missing"),
    (97, "message type not existing"),
    (98, "message not compatible with call state"),
    (99, "information element not existing"),
    (100, "invalid information element contents"),
    (101, "wrong call state"),
    (102, "recovery on timer expiry"),
    (103, "mandatory information element of wrong length"),
    (111, "protocol error"),
    (127, "interworking"),
];

impl HangupCause {
    /// Asterisk was told no cause.
    pub const NOT_TOLD: Self = Self(0);
    /// The call was ended in the ordinary way.
    pub const NORMAL_CLEARING: Self = Self(16);
    /// The called party is busy.
    pub const USER_BUSY: Self = Self(17);
    /// 26: somebody else has taken the call (Asterisk; not in Q.850).
    pub const ANSWERED_ELSEWHERE: Self = Self(26);
    /// No circuit available: congestion.
    pub const CONGESTION: Self = Self(34);

    /// Its name, where Q.850 has one.
    pub fn name(self) -> Option<&'static str> {
        NAMES.binary_search_by_key(&self.0, |(number, _)| *number).ok().map(|index| NAMES[index].1)
    }
}

impl fmt::Display for HangupCause {
    /// Number and name: `17 user busy`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} {name}", self.0),
            None => write!(f, "cause {}", self.0),
        }
    }
}

/// Why a channel was hung up: the cause, and the code of its technology where that was off-nominal (for PJSIP the final SIP
/// status, RFC 3261 §21). Asterisk reports such codes from 22.7 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hangup {
    /// The Q.850 cause.
    pub cause: HangupCause,
    /// The technology's own code.
    pub tech_cause: Option<TechCause>,
}

/// A cause that a test expects a call to end with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExpectedCause {
    /// A cause of Q.850.
    Q850(HangupCause),
    /// The final status of a SIP request, whatever cause Asterisk makes of it.
    Sip(u16),
}

/// Shorter names that people use for some causes.
const SHORT_NAMES: &[(&str, u16)] = &[
    ("busy", 17),
    ("congestion", 34),
    ("normal", 16),
    ("normal-circuit-congestion", 34),
    ("rejected", 21),
    ("unallocated", 1),
    ("unreachable", 27),
];

impl ExpectedCause {
    /// Reads `17`, `user-busy` or `SIP 486`. Blanks, hyphens and underscores are alike, and so are small and capital
    /// letters.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        if let Some(status) = text.strip_prefix("sip") {
            let status: u16 = status.trim_start_matches(['/', '-', '_', ' ']).parse().ok()?;
            return (300..700).contains(&status).then_some(Self::Sip(status));
        }
        if let Ok(number) = text.parse::<u16>() {
            return (1..=127).contains(&number).then_some(Self::Q850(HangupCause(number)));
        }
        let name = hyphenated(&text);
        let q850 = NAMES.iter().find(|(_, known)| hyphenated(known) == name).map(|(number, _)| *number);
        let short = || SHORT_NAMES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
        q850.or_else(short).map(|number| Self::Q850(HangupCause(number)))
    }

    /// Every name that [`ExpectedCause::parse`] reads, for hints.
    pub fn names() -> impl Iterator<Item = String> {
        NAMES.iter().map(|(_, name)| hyphenated(name)).chain(SHORT_NAMES.iter().map(|(name, _)| (*name).to_owned()))
    }

    /// Whether a call that ended like that ended as expected.
    pub fn fits(self, end: &Hangup) -> bool {
        match self {
            Self::Q850(cause) => end.cause == cause,
            Self::Sip(status) => end.tech_cause == Some(TechCause::Sip(status)),
        }
    }
}

impl fmt::Display for ExpectedCause {
    /// `21 call rejected`, or `SIP 488`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Q850(cause) => cause.fmt(f),
            Self::Sip(status) => write!(f, "SIP {status}"),
        }
    }
}

/// A name as one word.
fn hyphenated(name: &str) -> String {
    let words: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("-")
}

/// A code of the channel technology's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TechCause {
    /// The final status of a SIP request.
    Sip(u16),
    /// A code of another technology.
    Other(i64),
}

impl TechCause {
    /// The bare number.
    pub fn number(self) -> i64 {
        match self {
            Self::Sip(status) => status.into(),
            Self::Other(code) => code,
        }
    }
}

impl From<HangupCause> for Hangup {
    fn from(cause: HangupCause) -> Self {
        Self { cause, tech_cause: None }
    }
}

impl fmt::Display for Hangup {
    /// `17 user busy (SIP 486)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tech_cause {
            None => write!(f, "{}", self.cause),
            Some(TechCause::Sip(status)) => write!(f, "{} (SIP {status})", self.cause),
            Some(TechCause::Other(code)) => write!(f, "{} (technology's code {code})", self.cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_so_that_each_is_found() {
        assert!(NAMES.is_sorted_by_key(|(number, _)| *number));
        assert!(NAMES.iter().all(|(number, name)| HangupCause(*number).name() == Some(name)));
    }

    #[test]
    fn expected_causes_are_numbers_names_or_sip_codes() {
        let q850 = |number| Some(ExpectedCause::Q850(HangupCause(number)));
        for text in ["17", "user-busy", "User Busy", "USER_BUSY", "busy"] {
            assert_eq!(ExpectedCause::parse(text), q850(17), "{text}");
        }
        assert_eq!(ExpectedCause::parse("call-rejected"), q850(21));
        assert_eq!(ExpectedCause::parse("normal, unspecified"), q850(31));
        for text in ["SIP 488", "sip488", "SIP/488", "sip-488"] {
            assert_eq!(ExpectedCause::parse(text), Some(ExpectedCause::Sip(488)), "{text}");
        }
        for text in ["", "0", "128", "SIP", "SIP 200", "SIP 700", "engaged", "-1"] {
            assert_eq!(ExpectedCause::parse(text), None, "{text}");
        }
        for name in ExpectedCause::names() {
            assert!(ExpectedCause::parse(&name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_cause_fits_its_number_or_its_sip_code() {
        let end = Hangup { cause: HangupCause(58), tech_cause: Some(TechCause::Sip(488)) };
        assert!(ExpectedCause::Sip(488).fits(&end) && ExpectedCause::Q850(HangupCause(58)).fits(&end));
        assert!(!ExpectedCause::Sip(58).fits(&end) && !ExpectedCause::Q850(HangupCause(17)).fits(&end));
    }

    #[test]
    fn a_call_end_reads_like_a_sentence() {
        let end = Hangup { cause: HangupCause::USER_BUSY, tech_cause: Some(TechCause::Sip(486)) };
        assert_eq!(end.to_string(), "17 user busy (SIP 486)");
        assert_eq!(Hangup::from(HangupCause(77)).to_string(), "cause 77");
    }
}
