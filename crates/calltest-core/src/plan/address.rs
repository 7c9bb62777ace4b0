//! How a link is dialled.
//!
//! Each kind of server has its own form of address. A new kind is a new variant of [`Address`], and each method below has to
//! say what it means for that variant. Above all [`Address::numbers`] and [`Address::texts`]: the guard sees nothing of an address
//! but what these tell.

use std::fmt;

use crate::dial_string::DialString;

/// How a link is dialled, in the form that its server understands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// What an Asterisk is given to originate a call.
    Asterisk(DialString),
}

impl Address {
    /// Whether it has a place for the dialled number.
    pub fn needs_number(&self) -> bool {
        match self {
            Self::Asterisk(dial_string) => dial_string.needs_number(),
        }
    }

    /// The text that is dialled, with the number in its place.
    pub fn dial(&self, number: Option<&str>) -> String {
        match self {
            Self::Asterisk(dial_string) => dial_string.dial(number),
        }
    }

    /// Every number that a far end could read in what is dialled. A number that is not among them is not guarded.
    pub fn numbers(&self, number: Option<&str>) -> Vec<String> {
        match self {
            Self::Asterisk(dial_string) => dial_string.destination(number).into_iter().collect(),
        }
    }

    /// What is dialled behind the endpoint, in as many words as a far end could see it: with everything that it may be wrapped
    /// in. The guard looks for forbidden numbers in there.
    pub fn texts(&self, number: Option<&str>) -> Vec<String> {
        match self {
            Self::Asterisk(dial_string) => dial_string.targets(number),
        }
    }

    /// The dial string, for what only an Asterisk does.
    pub fn dial_string(&self) -> &DialString {
        match self {
            Self::Asterisk(dial_string) => dial_string,
        }
    }
}

impl fmt::Display for Address {
    /// As it is written in the configuration.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asterisk(dial_string) => dial_string.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_asterisk_is_its_dial_string() {
        let address = |text: &str| Address::Asterisk(DialString::new(text).unwrap());
        let trunk = address("PJSIP/0{number}@trunk");
        assert!(trunk.needs_number());
        assert_eq!(trunk.to_string(), "PJSIP/0{number}@trunk");
        assert_eq!(trunk.dial(Some("7")), "PJSIP/07@trunk");
        assert_eq!(trunk.numbers(Some("7")), ["07"]);
        assert_eq!(address("PJSIP/112@trunk").numbers(None), ["112"]);
        assert!(address("PJSIP/alice").numbers(None).is_empty());
    }
}
