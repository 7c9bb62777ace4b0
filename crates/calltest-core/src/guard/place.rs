//! Where the lines of a link may be, as far as the configuration tells: it decides whose numbers are guarded.

use std::collections::BTreeSet;

use crate::number::{Dialplan, split_country_code};

/// What precedes the country code where it is not `00`.
const INTERNATIONAL: &[(&str, &str)] = &[
    ("1", "011"),
    ("61", "0011"),
    ("65", "001"),
    ("66", "001"),
    ("7", "810"),
    ("81", "010"),
    ("82", "001"),
    ("82", "002"),
    ("852", "001"),
];

/// Where the lines of a link may be.
#[derive(Debug, Clone)]
pub(super) struct Place<'p> {
    /// How numbers look at the link's server.
    pub(super) dialplan: &'p Dialplan,
    /// The server's country, and those of all international numbers in the configuration.
    pub(super) countries: Vec<&'p str>,
    /// The countries in whose national form a number may be read. A number such as 089123456 is ordinary in one country and
    /// dear in another, so these are only the likely ones.
    pub(super) at_home: Vec<&'p str>,
    /// Whether any number in the configuration tells a country, rather than the setting alone, which has a default.
    pub(super) is_told: bool,
}

impl<'p> Place<'p> {
    /// Tells it from how numbers look at the link's server, and from the countries of the configuration's international
    /// numbers: all of them, and that of the link's own.
    pub(super) fn of(dialplan: &'p Dialplan, all: &'p BTreeSet<String>, own: &'p BTreeSet<String>) -> Self {
        let of_server = dialplan.country.as_str();
        let of_link = own.iter().map(String::as_str);
        let of_all = all.iter().map(String::as_str);
        let countries = distinct([of_server].into_iter().chain(of_link.clone()).chain(of_all.clone()));
        // If the numbers speak of other countries than the setting, they may be right.
        let is_doubtful = !all.contains(of_server) && own.is_empty();
        let in_doubt = of_all.filter(|_| is_doubtful);
        let at_home = distinct([of_server].into_iter().chain(of_link).chain(in_doubt));
        let is_told = !all.is_empty() || !own.is_empty();
        Self { dialplan, countries, at_home, is_told }
    }

    /// What follows `+` or an international prefix, as far as it begins with a country code; the flag tells whether it was a
    /// `+`, which nothing else can be.
    pub(super) fn international<'n>(&self, number: &'n str) -> Vec<(&'n str, bool)> {
        let digits = number.trim_start_matches('+');
        if digits.len() < number.len() {
            return vec![(digits, true)];
        }
        let of_countries =
            INTERNATIONAL.iter().filter(|(country, _)| self.countries.contains(country)).map(|(_, prefix)| *prefix);
        let prefixes = distinct([self.dialplan.intl.as_str(), "00"].into_iter().chain(of_countries));
        let rest = |prefix: &&str| number.strip_prefix(*prefix).filter(|_| !prefix.is_empty());
        let followed = prefixes.iter().filter_map(rest);
        followed.filter(|rest| split_country_code(rest).is_some()).map(|rest| (rest, false)).collect()
    }
}

fn distinct<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    let mut distinct = Vec::new();
    for text in texts {
        if !distinct.contains(&text) {
            distinct.push(text);
        }
    }
    distinct
}
