//! The guard against costly mistakes: which numbers may be dialled over which link, and how many calls may go out.
//!
//! Destinations are checked with the configuration, on every form that a number takes on its way out; budgets when a call
//! is about to be dialled. Top level and link both have to permit. Where the calls are written down is left to the runner.

mod call_budget;
mod emergency;
mod place;
mod premium;
mod reading;

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU32;

pub use call_budget::{CallBudget, Exhausted, Length, PastCall, Usage};
use emergency::emergency_number;
use place::Place;
use premium::premium;
use reading::readings;

use crate::legible;
use crate::name::LinkName;
use crate::number::Dialplan;
use crate::number_rule::Pattern;

/// What may be dialled, and how often: for all links, or for one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guard {
    /// Only these destinations, if given.
    pub allow: Option<Vec<Pattern>>,
    /// None of these destinations.
    pub deny: Vec<Pattern>,
    /// How many calls may go out.
    pub budget: Budget,
    /// The countries of the international numbers in the configuration: of all of them, or of the link's own number.
    pub countries: BTreeSet<String>,
}

/// A number on its way out, in the forms that are judged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forms {
    /// As it was given, if one was.
    pub given: Option<String>,
    /// As it is in between, and what else a far end may look at. What forbids a number is looked for here, too.
    pub between: Vec<String>,
    /// As it is dialled in the end. Only this can be allowed.
    pub dialled: Vec<String>,
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

impl Guards<'_> {
    /// Whether a number may be dialled. Where nothing is dialled, nothing is forbidden.
    ///
    /// # Errors
    /// Names the rule that forbids it.
    pub fn permit(&self, forms: &Forms) -> Result<(), Forbidden> {
        if forms.all().next().is_none() {
            return Ok(());
        }
        if self.leads_outside && !self.is_named(forms) {
            self.permit_outside(forms)?;
        }
        let guards = [(GuardOwner::TopLevel, self.overall), (GuardOwner::Link(self.link.clone()), self.of_link)];
        for (owner, guard) in &guards {
            // A number that is written in another way is the same number.
            let legible = forms.all().flat_map(|form| legible::numbers(form));
            for number in forms.all().map(String::clone).chain(legible) {
                if let Some(pattern) = guard.deny.iter().find(|pattern| pattern.matches(&number)) {
                    let (owner, pattern) = (owner.clone(), pattern.clone());
                    return Err(Forbidden::Denied { owner, number, pattern });
                }
            }
        }
        for (owner, guard) in guards {
            let Some(allow) = &guard.allow else { continue };
            let dialled = forms.dialled.iter().map(|dialled| self.spellings(dialled, forms.given.as_deref()));
            let mut dialled = dialled.filter(|same| !allow.iter().any(|p| same.iter().any(|form| p.matches(form))));
            if let Some(numbers) = dialled.next() {
                return Err(Forbidden::NotAllowed { owner, numbers });
            }
        }
        Ok(())
    }

    /// Emergency numbers and dear ones are dialled only by whoever wrote that very number down.
    fn permit_outside(&self, forms: &Forms) -> Result<(), Forbidden> {
        let place = Place::of(self.dialplan, &self.overall.countries, &self.of_link.countries);
        let link = || self.link.clone();
        let dialled = || forms.dialled.join(" and ");
        for form in forms.all() {
            let readings = readings(form, &place);
            if let Some(emergency) = readings.iter().find_map(|reading| emergency_number(reading, &place)) {
                let (number, dialled) = (form.clone(), dialled());
                let (emergency, of) = (emergency.number, emergency.of);
                return Err(Forbidden::Emergency { link: link(), number, dialled, emergency, of });
            }
            if let Some(premium) = readings.iter().find_map(|reading| premium(reading, &place)) {
                let (number, dialled) = (form.clone(), dialled());
                let (kind, range) = (premium.kind, premium.range);
                return Err(Forbidden::Premium { link: link(), number, dialled, kind, range });
            }
        }
        Ok(())
    }

    /// Whether an `allow` list has the very number that is dialled.
    fn is_named(&self, forms: &Forms) -> bool {
        let lists = [self.overall, self.of_link].into_iter().flat_map(|guard| guard.allow.iter().flatten());
        let literals: Vec<&Pattern> = lists.filter(|pattern| pattern.is_literal()).collect();
        !forms.dialled.is_empty()
            && forms.dialled.iter().all(|dialled| literals.iter().any(|literal| literal.matches(dialled)))
    }

    /// The number that is dialled, in the forms in which an `allow` list may have it: as it is; in international form, if
    /// it says so by its prefix; else as it was given, if what is dialled is no more than the end of that.
    fn spellings(&self, dialled: &str, given: Option<&str>) -> Vec<String> {
        let mut same = vec![dialled.to_owned()];
        let Dialplan { country, intl, natl, .. } = self.dialplan;
        let has_prefix = |prefix: &str| !prefix.is_empty() && dialled.starts_with(prefix);
        if has_prefix(intl) || has_prefix(natl) || country == "1" {
            same.extend(self.dialplan.internationalise(dialled));
        } else {
            let is_local = !dialled.is_empty() && dialled.bytes().all(|byte| byte.is_ascii_digit());
            let given = given.filter(|given| is_local && given.starts_with('+') && given.ends_with(dialled));
            same.extend(given.map(String::from));
        }
        same.dedup();
        same
    }
}

impl Forms {
    /// All forms, each once.
    fn all(&self) -> impl Iterator<Item = &String> {
        let all: Vec<&String> = self.given.iter().chain(&self.between).chain(&self.dialled).collect();
        let is_first = {
            let all = all.clone();
            move |at: usize| !all[..at].contains(&all[at])
        };
        all.into_iter().enumerate().filter(move |(at, _)| is_first(*at)).map(|(_, form)| form)
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
        /// The number that is dialled, first as it is, then in the other forms in which it could be on the list.
        numbers: Vec<String>,
    },
    /// It gets through to an emergency service.
    Emergency {
        /// The link, which leads outside.
        link: LinkName,
        /// The number in the form that does.
        number: String,
        /// What is dialled in the end, which is what has to be allowed.
        dialled: String,
        /// The emergency number that it comes down to.
        emergency: &'static str,
        /// Whose number that is, in words.
        of: String,
    },
    /// It is dear.
    Premium {
        /// The link, which leads outside.
        link: LinkName,
        /// The number in the form that is dear.
        number: String,
        /// What is dialled in the end, which is what has to be allowed.
        dialled: String,
        /// What it is, in words.
        kind: &'static str,
        /// The range that it is in.
        range: String,
    },
}

impl Forbidden {
    /// The rule's name, as `guard.deny of link trunk: _0900!`.
    pub fn rule(&self) -> String {
        match self {
            Self::Denied { owner, pattern, .. } => format!("guard.deny {owner}: {pattern}"),
            Self::NotAllowed { owner, .. } => format!("guard.allow {owner}"),
            Self::Emergency { of, emergency, .. } => format!("guard: emergency number {emergency} ({of})"),
            Self::Premium { kind, range, .. } => format!("guard: {kind} ({range})"),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Denied { .. } => "dial another number, or take the pattern off the list".into(),
            Self::NotAllowed { owner, numbers } => {
                let dialled = numbers.first().map_or("", String::as_str);
                format!("dial another number, or add it to guard.allow {owner}, as in `{dialled}`")
            }
            Self::Emergency { link, dialled, .. } | Self::Premium { link, dialled, .. } => format!(
                "if link {link} only reaches internal extensions, say `outside: no` under its guard; otherwise only \
                 `{dialled}` itself in guard.allow, not a pattern, lets it out"
            ),
        }
    }
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied { number, .. } => write!(f, "{number} fits {}", self.rule()),
            Self::NotAllowed { numbers, .. } => write!(f, "{} fits nothing in {}", numbers.join(" or "), self.rule()),
            Self::Emergency { link, number, emergency, of, .. } => {
                write!(f, "{number} is emergency number {emergency} ({of}), and link {link} leads outside")
            }
            Self::Premium { link, number, kind, range, .. } => {
                write!(f, "{number} is {kind} ({range}), and link {link} leads outside")
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
        Guard { allow: allow.map(patterns), deny: patterns(deny), ..Guard::default() }
    }

    fn permit(overall: &Guard, of_link: &Guard, leads_outside: bool, forms: &[&str]) -> Result<(), Forbidden> {
        let dialplan = Dialplan { country: "49".into(), city: None, intl: "00".into(), natl: "0".into() };
        let form = |form: Option<&&str>| form.map(ToString::to_string);
        let forms = Forms {
            given: form(forms.first()),
            between: Vec::new(),
            dialled: form(forms.last()).into_iter().collect(),
        };
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
        let rule = Some("guard: emergency number 112 (in many countries)");
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
        let rule = Some("guard: emergency number 112 (in many countries)");
        check(&none, &guard(Some(&["_X!"]), &[]), &["112"], rule);
        check(&none, &guard(Some(&["_112"]), &[]), &["112"], rule);
        check(&none, &guard(Some(&["110"]), &[]), &["112"], rule);
        check(&none, &guard(Some(&["112"]), &[]), &["112"], None);
        check(&guard(Some(&["112"]), &[]), &none, &["112"], None);
        // It is what is dialled that has to be allowed.
        check(&none, &guard(Some(&["112"]), &[]), &["112", "0112"], rule);
        check(&none, &guard(Some(&["0112"]), &[]), &["112", "0112"], None);
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
        assert_eq!(sentence, "0044207 or +44207 fits nothing in guard.allow of link trunk");
        assert_eq!(hint, "dial another number, or add it to guard.allow of link trunk, as in `0044207`");
        let (sentence, hint) = told(&none, &["0112"]);
        assert_eq!(sentence, "0112 is emergency number 112 (in many countries), and link trunk leads outside");
        assert!(hint.starts_with("if link trunk only reaches internal extensions") && hint.contains("`0112` itself"));
    }
}
