//! The countries that a configuration speaks of: those of its international numbers. They tell the guard whose emergency
//! numbers and dear numbers to look for, where nobody has said in which country a server is.

use std::collections::{BTreeSet, HashMap};

use calltest_core::number::{PhoneNumber, split_country_code};
use calltest_core::number_rule::{Action, Direction, NumberRule};
use calltest_core::plan::{Link, LinkName, Plan};

use super::guard;
use crate::configuration::Configuration;
use crate::diagnostic::Finding;
use crate::quoting::quoted;
use crate::readers;
use crate::report::Report;
use crate::table;
use crate::view::View;

/// The countries of all international numbers: those of links, tests and number rules.
pub(super) fn of_all(configuration: Configuration<'_>, report: &Report<'_>) -> BTreeSet<String> {
    let views = |section: &'static str, keys| {
        let default = configuration.default_entry(section);
        configuration.entries(section).map(move |(_, node)| View::new(keys, Some(node), default))
    };
    let (links, calls) = (|| views("links", &table::LINK), views("calls", &table::CALL));
    let servers = configuration.entries("servers").map(|(_, node)| View::new(&table::SERVER, Some(node), None));
    let servers = servers.chain([configuration.top().section("asterisk")]);
    let mut countries = BTreeSet::new();
    // Those of links are of the same form, without anything behind a comma.
    for view in links().chain(calls) {
        let number = view.read_optional("number", readers::number_to_dial, report).ok().flatten();
        countries.extend(number.and_then(|number| of_number(&number.value.0)));
    }
    for view in links().chain(servers) {
        for direction in [Direction::Outgoing, Direction::Incoming] {
            let rules = guard::number_rules(&view, direction, report);
            countries.extend(rules.iter().flat_map(|rules| &rules.0).flat_map(of_rule));
        }
    }
    countries
}

/// The country of a number, if it says so.
pub(super) fn of_number(number: &PhoneNumber) -> Option<String> {
    of_international(number.as_str())
}

/// The countries of a rule's pattern and of what it makes of a number.
fn of_rule(rule: &NumberRule) -> impl Iterator<Item = String> {
    let pattern = rule.pattern.as_str();
    let replacement = match &rule.action {
        Action::Replace(replacement) => replacement.as_str(),
        Action::Reject => "",
    };
    let pattern = of_international(pattern.strip_prefix('_').unwrap_or(pattern));
    // What is only kept from being dialled says nothing about where the lines are.
    let pattern = pattern.filter(|_| matches!(rule.action, Action::Replace(_)));
    pattern.into_iter().chain(of_international(replacement))
}

/// The country that a text begins with which begins like an international number.
fn of_international(text: &str) -> Option<String> {
    let digits: String =
        text.strip_prefix('+')?.chars().filter(|c| !matches!(c, '-' | ' ')).take_while(char::is_ascii_digit).collect();
    split_country_code(&digits).map(|(country, _)| country.to_owned())
}

/// Says once that the country of a link is not known.
pub(super) fn note_unknown(plan: &Plan, configuration: Configuration<'_>, report: &mut Report<'_>) {
    let is_written = |view: &View<'_>| view.section("dialplan").node("country").is_some();
    let servers = configuration.entries("servers").map(|(_, node)| View::new(&table::SERVER, Some(node), None));
    let mut servers = servers.chain([configuration.top().section("asterisk")]);
    if !plan.guard.countries.is_empty() || servers.any(|server| is_written(&server)) {
        return;
    }
    let mut dialled_over: HashMap<&LinkName, bool> = HashMap::new();
    for test in &plan.tests {
        if let Some(src) = test.route.src() {
            *dialled_over.entry(src).or_default() |= test.route.dialled().is_some_and(is_number);
        }
    }
    let entries = configuration.entries("links").map(|(name, _)| name);
    let mut unknown = entries.filter(|name| {
        let link = plan.links.get(&*name.text);
        link.is_some_and(|link| link.leads_outside && dials_numbers(link, dialled_over.get(&link.name).copied()))
    });
    let Some(first) = unknown.next() else { return };
    let others = match unknown.count() {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    let message = format!(
        "nothing tells the country of {}{others}: that country's own emergency and premium-rate numbers are not refused",
        quoted(&first.text)
    );
    let hint = "give its server the country (`dialplan: {country: 44}`), or say `outside: no` under the guard of a link \
                that only reaches internal extensions";
    report.add(Finding::warning(first.place, message).hint(hint));
}

/// Whether a call over a link may reach a telephone number. Where all tests dial names, as into a server's own dialplan,
/// none does; `is_number_dialled` says whether one of its tests dials a number, if it has any.
fn dials_numbers(link: &Link, is_number_dialled: Option<bool>) -> bool {
    let Some(address) = &link.address else { return false };
    match address.needs_number() {
        true => is_number_dialled.unwrap_or(true),
        false => address.numbers(None).iter().any(|number| is_number(number)),
    }
}

fn is_number(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit()) && !text.contains(char::is_alphabetic)
}
