//! Number rules: what becomes of a number on its way out over a link, and of a caller's number on its way in.
//!
//! They do what the old program left to macros in Asterisk's dialplan. A link's list is consulted before its server's, and
//! the first rule that fits is the only one that applies; the order is that of the file, unlike in Asterisk, which looks
//! for the narrowest pattern. Comparing the outcome with what was expected is left to `caller`.

mod pattern;
mod replacement;

use std::fmt;

pub use pattern::{BadPattern, Pattern};
pub use replacement::{BadReplacement, Replacement};

use crate::name::{LinkName, ServerName};

/// One rule: what happens to the numbers that fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberRule {
    /// Which numbers it is about.
    pub pattern: Pattern,
    /// What happens to them.
    pub action: Action,
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The number becomes another.
    Replace(Replacement),
    /// The number is not to be dialled, or no such caller to be taken.
    Reject,
}

/// Rules in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NumberRules(pub Vec<NumberRule>);

impl NumberRules {
    /// The rule that applies to a number, with its position from 1.
    pub fn find(&self, number: &str) -> Option<(usize, &NumberRule)> {
        (1..).zip(&self.0).find(|(_, rule)| rule.pattern.matches(number))
    }
}

/// Which way a number goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It is dialled.
    Outgoing,
    /// It is the number of a caller.
    Incoming,
}

impl Direction {
    /// The YAML key of its rules.
    pub fn key(self) -> &'static str {
        match self {
            Self::Outgoing => "outgoing",
            Self::Incoming => "incoming",
        }
    }
}

/// The two lists that a number passes, the link's first.
#[derive(Debug, Clone, Copy)]
pub struct RuleLists<'p> {
    /// Which way the numbers go.
    pub direction: Direction,
    /// The link with its rules.
    pub link: (&'p LinkName, &'p NumberRules),
    /// The server that it lies on with its rules.
    pub server: (&'p ServerName, &'p NumberRules),
}

impl RuleLists<'_> {
    /// Applies the first rule that fits; without one, the number stays as it is.
    ///
    /// # Errors
    /// If the rule rejects the number, or leaves nothing of it.
    pub fn apply(&self, number: &str) -> Result<Mapped, Rejected> {
        let of_link = self.link.1.find(number).map(|found| (Owner::Link(self.link.0.clone()), found));
        let of_either = || {
            of_link.or_else(|| self.server.1.find(number).map(|found| (Owner::Server(self.server.0.clone()), found)))
        };
        let Some((owner, (index, rule))) = of_either() else {
            return Ok(Mapped { number: number.into(), rule: None });
        };
        let place = RulePlace { direction: self.direction, owner, index, pattern: rule.pattern.to_string() };
        let why = match &rule.action {
            Action::Reject => RejectReason::Rejects,
            Action::Replace(replacement) => match replacement.apply(number) {
                empty if empty.is_empty() => RejectReason::LeavesNothing,
                replaced => return Ok(Mapped { number: replaced, rule: Some(place) }),
            },
        };
        Err(Rejected { number: number.into(), rule: place, why })
    }
}

/// Where a rule stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulePlace {
    /// Under which key.
    pub direction: Direction,
    /// Whose it is.
    pub owner: Owner,
    /// Its position in that list, from 1.
    pub index: usize,
    /// Its pattern as it was written.
    pub pattern: String,
}

/// Whose rules they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A link's.
    Link(LinkName),
    /// A server's.
    Server(ServerName),
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(link) => write!(f, "link {link}"),
            Self::Server(server) => write!(f, "server {server}"),
        }
    }
}

impl fmt::Display for RulePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { direction, owner, index, pattern } = self;
        write!(f, "rule {index} under `{}` of {owner}: `{pattern}`", direction.key())
    }
}

/// What became of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// The number now.
    pub number: String,
    /// The rule that applied, if one did.
    pub rule: Option<RulePlace>,
}

/// Why a number goes no further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The number before the rule.
    pub number: String,
    /// The rule.
    pub rule: RulePlace,
    /// What the rule does.
    pub why: RejectReason,
}

/// What a rule does to a number that goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectReason {
    /// It says so.
    Rejects,
    /// Its replacement asks for characters that the number does not have.
    LeavesNothing,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, rule, why } = self;
        match why {
            RejectReason::Rejects => write!(f, "{number} is rejected by {rule}"),
            RejectReason::LeavesNothing => write!(f, "nothing is left of {number} after {rule}"),
        }
    }
}

impl std::error::Error for Rejected {}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Rules of these patterns, each with its replacement or `reject`.
    pub(crate) fn rules(list: &[(&str, &str)]) -> NumberRules {
        let rule = |(pattern, action): &(&str, &str)| NumberRule {
            pattern: Pattern::parse(pattern).unwrap(),
            action: match *action {
                "reject" => Action::Reject,
                text => Action::Replace(Replacement::parse(text).unwrap()),
            },
        };
        NumberRules(list.iter().map(rule).collect())
    }

    fn apply(of_link: &[(&str, &str)], of_server: &[(&str, &str)], number: &str) -> Result<Mapped, Rejected> {
        let (of_link, of_server) = (rules(of_link), rules(of_server));
        let (link, server) = (LinkName::from("trunk"), ServerName::from("pbx"));
        let direction = Direction::Outgoing;
        RuleLists { direction, link: (&link, &of_link), server: (&server, &of_server) }.apply(number)
    }

    /// Each number with what becomes of it; `reject` where the macro ends in Congestion().
    #[track_caller]
    fn check(list: &[(&str, &str)], numbers: &[(&str, &str)]) {
        for (number, expected) in numbers {
            let outcome = apply(list, &[], number);
            let outcome = outcome.as_ref().map_or("reject", |mapped| &*mapped.number);
            assert_eq!(outcome, *expected, "{number}");
        }
    }

    #[test]
    fn the_manuals_macro_that_drops_the_plus() {
        check(&[("_+!", "{number:1}")], &[("+49911123", "49911123"), ("123", "123"), ("fone1", "fone1")]);
    }

    #[test]
    fn the_manuals_macro_for_local_format() {
        let german =
            [("_X!", "{number}"), ("_+49123!", "{number:6}"), ("_+49!", "0{number:3}"), ("_+!", "00{number:1}")];
        let numbers = [("123", "123"), ("+49123456", "456"), ("+49911123", "0911123"), ("+442071234", "00442071234")];
        check(&german, &numbers);
        let blocking = [german[0], german[1], german[2], ("_+!", "reject")];
        check(&blocking, &[("123", "123"), ("+49123456", "456"), ("+49911123", "0911123"), ("+442071234", "reject")]);
        let first_and_last = [("_X!", "{number}"), ("_+!", "00{number:1}")];
        check(&first_and_last, &[("123", "123"), ("+49123456", "0049123456")]);
    }

    #[test]
    fn the_manuals_macro_for_north_america() {
        let rules = [("_N!", "1888{number}"), ("_[01]!", "{number}"), ("_+1!", "{number:1}"), ("_+!", "011{number:1}")];
        let numbers = [
            ("5550123", "18885550123"),
            ("0", "0"),
            ("12125550123", "12125550123"),
            ("+12125550123", "12125550123"),
            ("+442071234", "011442071234"),
        ];
        check(&rules, &numbers);
        let blocking = [rules[0], rules[1], rules[2], ("_+!", "reject")];
        check(&blocking, &[("5550123", "18885550123"), ("+12125550123", "12125550123"), ("+442071234", "reject")]);
    }

    #[test]
    fn the_manuals_macro_for_a_leading_trunk_digit() {
        let zero = [("_0.", "{number:1}")];
        check(&zero, &[("00911123", "0911123"), ("0", "0"), ("0049911123", "049911123"), ("+49911", "+49911")]);
        let nine = [("_9.", "{number:1}")];
        check(&nine, &[("912125550123", "12125550123"), ("9", "9"), ("2125550123", "2125550123")]);
    }

    #[test]
    fn the_first_rule_that_fits_is_the_only_one() {
        let mapped = apply(&[("_1!", "2{number:1}"), ("_2!", "3{number:1}")], &[("_2!", "4")], "12").unwrap();
        assert_eq!(mapped.number, "22");
        let rule = mapped.rule.unwrap();
        assert_eq!((rule.index, rule.owner), (1, Owner::Link("trunk".into())));
        // In Asterisk the narrower pattern would win wherever it stands.
        check(&[("_+!", "00{number:1}"), ("_+49!", "0{number:3}")], &[("+49911", "0049911")]);
    }

    #[test]
    fn the_servers_rules_come_after_the_links() {
        let (of_link, of_server) = ([("_1!", "{number}")], [("_1!", "reject"), ("_2!", "9{number}")]);
        assert_eq!(apply(&of_link, &of_server, "12").unwrap().number, "12");
        let mapped = apply(&of_link, &of_server, "2").unwrap();
        assert_eq!(mapped.number, "92");
        assert_eq!(mapped.rule.unwrap().to_string(), "rule 2 under `outgoing` of server pbx: `_2!`");
        assert_eq!(apply(&of_link, &of_server, "3").unwrap(), Mapped { number: "3".into(), rule: None });
    }

    #[test]
    fn a_rejection_names_the_rule() {
        let rejected = apply(&[("_X!", "{number}"), ("_+!", "reject")], &[], "+33").unwrap_err();
        assert_eq!(rejected.to_string(), "+33 is rejected by rule 2 under `outgoing` of link trunk: `_+!`");
        let rejected = apply(&[("_X!", "{number:3}")], &[], "123").unwrap_err();
        assert_eq!(rejected.to_string(), "nothing is left of 123 after rule 1 under `outgoing` of link trunk: `_X!`");
    }
}
