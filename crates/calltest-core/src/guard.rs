//! The guard against costly mistakes: which numbers may be dialled over which link, and how many calls may go out.
//!
//! Destinations are checked with the configuration, on every form that a number takes on its way out; budgets when a call
//! is about to be dialled. Top level and link both have to permit. Where the calls are written down is left to the runner.

mod emergency;
mod ledger;

use std::fmt;
use std::num::NonZeroU32;

use emergency::emergency_number;
pub use ledger::{Exhausted, Ledger, Length, PastCall, Usage};

use crate::number::Dialplan;
use crate::number_rule::Pattern;
use crate::plan::{Link, LinkName, Plan, Server};

/// What may be dialled, and how often: for all links, or for one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guard {
    /// Only these destinations, if given.
    pub allow: Option<Vec<Pattern>>,
    /// None of these destinations.
    pub deny: Vec<Pattern>,
    /// How many calls may go out.
    pub budget: Budget,
}

/// Limits on calls, each of them none if it is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Budget {
    /// Calls that go out within an hour.
    pub calls_per_hour: Option<NonZeroU32>,
    /// Calls that go out within a day.
    pub calls_per_day: Option<NonZeroU32>,
    /// Minutes of calls within an hour.
    pub minutes_per_hour: Option<NonZeroU32>,
    /// Minutes of calls within a day.
    pub minutes_per_day: Option<NonZeroU32>,
}

impl Budget {
    /// Whether nothing is limited.
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }
}

impl Plan {
    /// Whether calls have to be counted at all.
    pub fn has_budgets(&self) -> bool {
        let mut budgets = self.links.values().map(|link| &link.guard.budget).chain([&self.guard.budget]);
        budgets.any(|budget| !budget.is_unlimited())
    }
}

/// Whose guard it is. It is shown after its key: `guard.deny of link trunk`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GuardOwner {
    /// That of the whole configuration.
    TopLevel,
    /// A link's own.
    Link(LinkName),
}

impl fmt::Display for GuardOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TopLevel => f.write_str("at top level"),
            Self::Link(link) => write!(f, "of link {link}"),
        }
    }
}

/// The guards that a number passes on its way out over a link.
#[derive(Debug, Clone, Copy)]
pub struct Guards<'p> {
    /// That of the whole configuration.
    pub overall: &'p Guard,
    /// The link.
    pub link: &'p LinkName,
    /// The link's own.
    pub of_link: &'p Guard,
    /// Whether the link leads outside, where somebody may answer an emergency call.
    pub leads_outside: bool,
    /// How numbers look at the link's server.
    pub dialplan: &'p Dialplan,
}

impl<'p> Guards<'p> {
    /// The guards on the way out over this link.
    pub fn of(plan: &'p Plan, link: &'p Link, server: &'p Server) -> Self {
        Self {
            overall: &plan.guard,
            link: &link.name,
            of_link: &link.guard,
            leads_outside: link.leads_outside,
            dialplan: &server.dialplan,
        }
    }

    /// Whether a number may be dialled, given in every form that it takes on the way. Where nothing is dialled, nothing is
    /// forbidden.
    ///
    /// # Errors
    /// Names the rule that forbids it.
    pub fn permit(&self, forms: &[String]) -> Result<(), Forbidden> {
        if forms.is_empty() {
            return Ok(());
        }
        self.permit_emergency(forms)?;
        let guards = [(GuardOwner::TopLevel, self.overall), (GuardOwner::Link(self.link.clone()), self.of_link)];
        for (owner, guard) in &guards {
            for number in forms {
                if let Some(pattern) = guard.deny.iter().find(|pattern| pattern.matches(number)) {
                    let (owner, number, pattern) = (owner.clone(), number.clone(), pattern.clone());
                    return Err(Forbidden::Denied { owner, number, pattern });
                }
            }
        }
        for (owner, guard) in guards {
            let Some(allow) = &guard.allow else { continue };
            if !allow.iter().any(|pattern| forms.iter().any(|number| pattern.matches(number))) {
                return Err(Forbidden::NotAllowed { owner, numbers: forms.to_vec() });
            }
        }
        Ok(())
    }

    /// An emergency number is dialled only by whoever wrote that very number down.
    fn permit_emergency(&self, forms: &[String]) -> Result<(), Forbidden> {
        if !self.leads_outside {
            return Ok(());
        }
        let emergency = forms.iter().find_map(|number| Some((number, emergency_number(number, self.dialplan)?)));
        let Some((number, emergency)) = emergency else { return Ok(()) };
        let mut literals = [self.overall, self.of_link]
            .into_iter()
            .flat_map(|guard| guard.allow.iter().flatten())
            .filter(|p| p.is_literal());
        if literals.any(|literal| forms.iter().any(|number| literal.matches(number))) {
            return Ok(());
        }
        let (link, number) = (self.link.clone(), number.clone());
        Err(Forbidden::Emergency { link, number, emergency, country: self.dialplan.country.clone() })
    }
}

/// Why a number may not be dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forbidden {
    /// A `deny` list has it.
    Denied {
        /// Whose list.
        owner: GuardOwner,
        /// The number in the form that the list has.
        number: String,
        /// The pattern that fits.
        pattern: Pattern,
    },
    /// An `allow` list does not have it.
    NotAllowed {
        /// Whose list.
        owner: GuardOwner,
        /// The number in every form.
        numbers: Vec<String>,
    },
    /// It gets through to an emergency service.
    Emergency {
        /// The link, which leads outside.
        link: LinkName,
        /// The number in the form that does.
        number: String,
        /// The emergency number that it comes down to.
        emergency: &'static str,
        /// Whose table that is from.
        country: String,
    },
}

impl Forbidden {
    /// The rule's name, as `guard.deny of link trunk: _0900!`.
    pub fn rule(&self) -> String {
        match self {
            Self::Denied { owner, pattern, .. } => format!("guard.deny {owner}: {pattern}"),
            Self::NotAllowed { owner, .. } => format!("guard.allow {owner}"),
            Self::Emergency { country, emergency, .. } => {
                format!("guard: emergency number {emergency} (country {country})")
            }
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Denied { .. } => "dial another number, or take the pattern off the list".into(),
            Self::NotAllowed { owner, numbers } => {
                let last = numbers.last().map_or("", String::as_str);
                format!("dial another number, or add it to guard.allow {owner}, as in `{last}`")
            }
            Self::Emergency { link, number, .. } => format!(
                "if link {link} only reaches internal extensions, say `outside: no` under its guard; otherwise only \
                 `{number}` itself in guard.allow, not a pattern, lets it out"
            ),
        }
    }
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied { number, .. } => write!(f, "{number} fits {}", self.rule()),
            Self::NotAllowed { numbers, .. } => write!(f, "{} fits nothing in {}", numbers.join(" or "), self.rule()),
            Self::Emergency { link, number, emergency, country } => {
                write!(f, "{number} is emergency number {emergency} (country {country}), and link {link} leads outside")
            }
        }
    }
}

impl std::error::Error for Forbidden {}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(list: &[&str]) -> Vec<Pattern> {
        list.iter().map(|text| Pattern::parse(text).unwrap()).collect()
    }

    fn guard(allow: Option<&[&str]>, deny: &[&str]) -> Guard {
        Guard { allow: allow.map(patterns), deny: patterns(deny), budget: Budget::default() }
    }

    fn permit(overall: &Guard, of_link: &Guard, leads_outside: bool, forms: &[&str]) -> Result<(), Forbidden> {
        let dialplan = Dialplan { country: "49".into(), city: None, intl: "00".into(), natl: "0".into() };
        let forms: Vec<String> = forms.iter().map(ToString::to_string).collect();
        Guards { overall, link: &"trunk".into(), of_link, leads_outside, dialplan: &dialplan }.permit(&forms)
    }

    #[track_caller]
    fn check(overall: &Guard, of_link: &Guard, forms: &[&str], rule: Option<&str>) {
        let forbidden = permit(overall, of_link, true, forms).err();
        assert_eq!(forbidden.as_ref().map(Forbidden::rule).as_deref(), rule, "{forms:?}");
    }

    #[test]
    fn either_form_of_a_number_can_be_denied() {
        let (none, deny) = (Guard::default(), guard(None, &["_0900!", "_+49900!"]));
        check(&none, &deny, &["0900123"], Some("guard.deny of link trunk: _0900!"));
        check(&none, &deny, &["+49900123", "0900123"], Some("guard.deny of link trunk: _+49900!"));
        check(&none, &deny, &["+499001", "1"], Some("guard.deny of link trunk: _+49900!"));
        check(&none, &deny, &["1", "0900"], Some("guard.deny of link trunk: _0900!"));
        check(&none, &deny, &["0911123", "+49911123"], None);
        check(&deny, &none, &["0900123"], Some("guard.deny at top level: _0900!"));
        check(&deny, &none, &[], None);
    }

    #[test]
    fn an_allow_list_wants_one_form_in_it() {
        let (none, allow) = (Guard::default(), guard(Some(&["_+49!", "_X!"]), &[]));
        check(&none, &allow, &["+49911123"], None);
        check(&none, &allow, &["+44207", "0044207"], None);
        check(&none, &allow, &["+44207"], Some("guard.allow of link trunk"));
        check(&none, &allow, &["fone1"], Some("guard.allow of link trunk"));
        check(&none, &guard(Some(&[]), &[]), &["1"], Some("guard.allow of link trunk"));
    }

    #[test]
    fn top_level_and_link_both_have_to_permit() {
        let (germany, extensions) = (guard(Some(&["_+49!"]), &[]), guard(Some(&["_+!", "_X!"]), &["_+49900!"]));
        check(&germany, &extensions, &["+49911123"], None);
        check(&germany, &extensions, &["123"], Some("guard.allow at top level"));
        check(&extensions, &germany, &["123"], Some("guard.allow of link trunk"));
        check(&germany, &extensions, &["+49900"], Some("guard.deny of link trunk: _+49900!"));
    }

    #[test]
    fn emergency_numbers_are_forbidden_outside() {
        let none = Guard::default();
        let rule = Some("guard: emergency number 112 (country 49)");
        for number in ["112", "0112", "+49112"] {
            check(&none, &none, &[number], rule);
            assert_eq!(permit(&none, &none, false, &[number]), Ok(()));
        }
        check(&none, &none, &["5", "0112"], rule);
        check(&none, &none, &["1120"], None);
    }

    #[test]
    fn only_the_very_number_allows_an_emergency_call() {
        let none = Guard::default();
        let rule = Some("guard: emergency number 112 (country 49)");
        check(&none, &guard(Some(&["_X!"]), &[]), &["112"], rule);
        check(&none, &guard(Some(&["_112"]), &[]), &["112"], rule);
        check(&none, &guard(Some(&["110"]), &[]), &["112"], rule);
        check(&none, &guard(Some(&["112"]), &[]), &["112"], None);
        check(&guard(Some(&["112"]), &[]), &none, &["112"], None);
        check(&none, &guard(Some(&["112"]), &[]), &["112", "0112"], None);
        check(&none, &guard(Some(&["112"]), &[]), &["0112"], rule);
        // It is no more than an exception to this one rule.
        check(&guard(Some(&["_+49!"]), &[]), &guard(Some(&["112"]), &[]), &["112"], Some("guard.allow at top level"));
        check(&guard(None, &["112"]), &guard(Some(&["112"]), &[]), &["112"], Some("guard.deny at top level: 112"));
    }

    #[test]
    fn a_refusal_says_why_and_what_to_do() {
        let none = Guard::default();
        let told = |of_link: &Guard, forms: &[&str]| {
            let forbidden = permit(&none, of_link, true, forms).unwrap_err();
            (forbidden.to_string(), forbidden.hint())
        };
        let (sentence, hint) = told(&guard(None, &["_0900!"]), &["0900123"]);
        assert_eq!(sentence, "0900123 fits guard.deny of link trunk: _0900!");
        assert_eq!(hint, "dial another number, or take the pattern off the list");
        let (sentence, hint) = told(&guard(Some(&["_+49!"]), &[]), &["+44207", "0044207"]);
        assert_eq!(sentence, "+44207 or 0044207 fits nothing in guard.allow of link trunk");
        assert_eq!(hint, "dial another number, or add it to guard.allow of link trunk, as in `0044207`");
        let (sentence, hint) = told(&none, &["0112"]);
        assert_eq!(sentence, "0112 is emergency number 112 (country 49), and link trunk leads outside");
        assert!(hint.starts_with("if link trunk only reaches internal extensions") && hint.contains("`0112` itself"));
    }
}
