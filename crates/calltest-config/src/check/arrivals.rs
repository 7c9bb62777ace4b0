//! Can calls that come in be told apart? A plan in which two links, or two tests on one link, could take each other's calls
//! is refused: which of them was at fault would be a matter of luck.

use std::collections::BTreeMap;

use calltest_core::caller::ExpectedCaller;
use calltest_core::number::{PhoneNumber, end_alike};
use calltest_core::plan::{CallTest, Link, LinkName, Plan, Route, ServerName};

use super::distinct::Distinct;
use crate::configuration::Configuration;
use crate::diagnostic::Finding;
use crate::quoting::quoted;
use crate::report::Report;
use crate::tree::Place;

/// What a test waits for.
struct Awaited<'p> {
    test: &'p CallTest,
    dst: &'p LinkName,
    number: Option<&'p str>,
    caller: Option<&'p str>,
    /// Whether the call is known by its channel: one that we make ourselves by a Local channel on the same server.
    is_known: bool,
}

/// Reports what could be mistaken for each other.
pub(super) fn check(plan: &Plan, configuration: Configuration<'_>, report: &mut Report<'_>) {
    let awaited: Vec<Awaited<'_>> = plan.tests.iter().filter_map(|test| Awaited::of(plan, test)).collect();
    let place = |section, name: &str| {
        let mut entries = configuration.entries(section);
        entries.find(|(key, _)| *key.text == *name).map_or(Place::BUILTIN, |(key, _)| key.place)
    };
    let mut called: BTreeMap<(&ServerName, &LinkName), BTreeMap<&LinkName, &Link>> = BTreeMap::new();
    for link in awaited.iter().map(|awaited| &**plan.link(awaited.dst)) {
        called.entry((&link.server, &link.arrives_as)).or_default().insert(&link.name, link);
    }
    let trunks = called.values().map(|links| links.values().copied().collect::<Vec<_>>());
    let trunks =
        trunks.filter(|links| !are_distinct(links.iter().map(|link| link.number.as_ref().map(PhoneNumber::as_str))));
    for (one, other) in trunks.filter_map(|links| first_pair(&links, have_like_numbers)) {
        let message = format!(
            "calls for links {} and {} cannot be told apart: both arrive as {} on server {}",
            quoted(one.name.as_str()),
            quoted(other.name.as_str()),
            quoted(one.arrives_as.as_str()),
            quoted(one.server.as_str()),
        );
        let hint = "give each a `number` that the other's does not end with, or names of their own in the dialplan";
        report.add(Finding::error(place("links", other.name.as_str()), message).hint(hint));
    }
    let mut on_shared: BTreeMap<&LinkName, Vec<&Awaited<'_>>> = BTreeMap::new();
    for awaited in awaited.iter().filter(|awaited| plan.link(awaited.dst).max_calls.get() > 1) {
        on_shared.entry(awaited.dst).or_default().push(awaited);
    }
    let on_shared = on_shared.values().filter(|tests| {
        !are_distinct(tests.iter().map(|awaited| awaited.number))
            && !are_distinct(tests.iter().map(|awaited| awaited.caller))
    });
    for (one, other) in on_shared.filter_map(|tests| first_pair(tests, |one, other| one.could_be(other))) {
        let message = format!(
            "calls for tests {} and {} cannot be told apart: both wait on link {}, which carries several at once",
            quoted(one.test.name.as_str()),
            quoted(other.test.name.as_str()),
            quoted(one.dst.as_str()),
        );
        let hint = "let them come from links with different numbers, or dial different ones, or leave `max_calls` at 1";
        report.add(Finding::error(place("calls", other.test.name.as_str()), message).hint(hint));
    }
}

/// The one number by which a caller is known.
fn caller_of(caller: Option<&ExpectedCaller>) -> Option<&str> {
    caller.and_then(ExpectedCaller::number).map(PhoneNumber::as_str)
}

/// Whether each has a number, and no two of these end alike. That is told soon, however many there are.
fn are_distinct<'p>(mut numbers: impl Iterator<Item = Option<&'p str>>) -> bool {
    let mut distinct = Distinct::default();
    numbers.all(|number| number.is_some_and(|number| distinct.insert(number)))
}

/// The first two of a group that are alike. One pair says enough about a group.
fn first_pair<'a, T>(group: &[&'a T], are_alike: impl Fn(&T, &T) -> bool) -> Option<(&'a T, &'a T)> {
    let mut pairs =
        group.iter().enumerate().flat_map(|(index, one)| group[..index].iter().map(move |other| (*other, *one)));
    pairs.find(|(one, other)| are_alike(one, other))
}

/// Whether the number of one link does not tell its calls from those of the other.
fn have_like_numbers(one: &Link, other: &Link) -> bool {
    match (&one.number, &other.number) {
        (Some(one), Some(other)) => end_alike(one.as_str(), other.as_str()),
        _ => true,
    }
}

impl<'p> Awaited<'p> {
    fn of(plan: &Plan, test: &'p CallTest) -> Option<Self> {
        Some(match &test.route {
            Route::Both { parties, .. } => {
                let is_local =
                    plan.link(&parties.src).address.as_ref().is_some_and(|address| address.dial_string().is_local());
                Self {
                    test,
                    dst: &parties.dst,
                    number: parties.number.as_deref(),
                    caller: caller_of(parties.caller.as_ref()),
                    is_known: is_local && plan.link(&parties.src).server == plan.link(&parties.dst).server,
                }
            }
            Route::In { at, .. } => Self {
                test,
                dst: &at.dst,
                number: at.number.as_deref(),
                caller: caller_of(at.caller.as_ref()),
                is_known: false,
            },
            Route::Out { .. } | Route::Watch { .. } => return None,
        })
    }

    /// Whether a call for one test could be one for the other, where both wait on one link.
    fn could_be(&self, other: &Self) -> bool {
        if self.is_known && other.is_known {
            return false;
        }
        let are_apart =
            |one: Option<&str>, other: Option<&str>| one.zip(other).is_some_and(|(one, other)| !end_alike(one, other));
        !are_apart(self.number, other.number) && !are_apart(self.caller, other.caller)
    }
}
