//! Emergency numbers: which they are in a country, and whether a number is one, a prefix before it or not.
//!
//! A test call to the police costs somebody else the line. The table has what is dialled for police, ambulance, fire
//! brigade and rescue, former numbers that still get there included. What is in no table of a country that is missing is
//! guarded by the numbers of everywhere alone.

use super::place::Place;
use super::reading::Reading;
use crate::number::split_country_code;

/// These get through in most networks of the world (3GPP TS 22.101 asks mobile phones to know 112 and 911).
const EVERYWHERE: &[&str] = &["112", "911"];
/// These get through in whole parts of the world, and are nobody's number elsewhere: British and Australian numbering, and
/// every mobile phone without a SIM card (3GPP TS 22.101, clause 10.1.1).
const ELSEWHERE: &[&str] = &["999", "000"];
/// Where an emergency number is from that needs no country.
const MANY_COUNTRIES: &str = "in many countries";

/// An emergency number, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Emergency {
    pub(super) number: &'static str,
    /// In words: `country 49`.
    pub(super) of: String,
}

/// National numbers by country calling code.
const NATIONAL: &[(&str, &[&str])] = &[
    ("1", &[]),
    ("7", &["101", "102", "103", "104", "01", "02", "03", "04"]),
    ("27", &["107", "10111", "10177"]),
    ("30", &["100", "108", "166", "199"]),
    ("31", &[]),
    ("32", &["100", "101", "110"]),
    ("33", &["15", "17", "18", "114", "115", "119", "191", "196", "197"]),
    ("34", &["061", "062", "080", "085", "088", "091", "092"]),
    ("350", &["190", "199", "999"]),
    ("351", &["115", "117"]),
    ("352", &["113"]),
    ("353", &["999"]),
    ("354", &[]),
    ("355", &["125", "126", "127", "128", "129"]),
    ("356", &[]),
    ("357", &["199"]),
    ("358", &[]),
    ("359", &["150", "160", "166"]),
    ("36", &["104", "105", "107"]),
    ("370", &["101", "102", "103"]),
    ("371", &["01", "02", "03", "04", "110", "113"]),
    ("372", &["110"]),
    ("380", &["101", "102", "103", "104"]),
    ("381", &["192", "193", "194"]),
    ("382", &["122", "123", "124"]),
    ("385", &["192", "193", "194", "195"]),
    ("386", &["113"]),
    ("387", &["122", "123", "124"]),
    ("389", &["192", "193", "194"]),
    ("39", &["113", "114", "115", "117", "118", "1515", "1530"]),
    ("40", &[]),
    ("41", &["117", "118", "144", "145", "1414", "1415"]),
    ("420", &["150", "155", "156", "158"]),
    ("421", &["150", "155", "158", "159"]),
    ("423", &["117", "118", "144"]),
    ("43", &["122", "128", "133", "140", "144"]),
    ("44", &["999", "18000"]),
    ("45", &[]),
    ("46", &["90000"]),
    ("47", &["110", "113", "120"]),
    ("48", &["984", "985", "986", "997", "998", "999"]),
    ("49", &["110"]),
    ("52", &["060", "065", "066", "068", "080"]),
    ("54", &["100", "101", "106", "107"]),
    ("55", &["190", "191", "192", "193", "194", "197", "198", "199"]),
    ("60", &["999"]),
    ("61", &["000", "106"]),
    ("64", &["111"]),
    ("65", &["995", "999"]),
    ("66", &["191", "199", "1669"]),
    ("81", &["110", "118", "119"]),
    ("82", &["113", "119", "122"]),
    ("852", &["999"]),
    ("86", &["110", "119", "120", "122", "999"]),
    ("90", &["110", "155", "156", "158"]),
    ("91", &["100", "101", "102", "108"]),
    ("972", &["100", "101", "102"]),
];

/// The emergency number that a reading of a number is, if it is one: as it is, or behind `+` or the international prefix
/// and a country code, or the national prefix. A number that merely begins like one is none.
pub(super) fn emergency_number(reading: &Reading, place: &Place<'_>) -> Option<Emergency> {
    abroad(reading, place).or_else(|| behind_own_country(reading, place)).or_else(|| at_home(reading, place))
}

/// Behind `+` or an international prefix; also without the country code, as one system or another puts a `+` before
/// everything.
fn abroad(reading: &Reading, place: &Place<'_>) -> Option<Emergency> {
    place.international(&reading.number).into_iter().find_map(|(digits, is_certain)| {
        // 0800 331 12 is no call to +33 112 behind an 8.
        let is_likely =
            |country: &str| is_certain || reading.outside_line.is_empty() || place.countries.contains(&country);
        let split = split_country_code(digits).filter(|(country, _)| is_likely(country));
        let of_country = split.and_then(|(country, rest)| {
            let rests = [Some(rest), rest.strip_prefix('0')];
            rests.into_iter().flatten().find_map(|rest| in_country(rest, country).or_else(|| everywhere(rest)))
        });
        let without_country = || national(digits, place).or_else(|| elsewhere(digits));
        of_country.or_else(|| is_certain.then(without_country).flatten())
    })
}

/// Behind the country code alone, as trunks want it that take numbers without their `+`. Where that is shorter, it is rather
/// an extension.
fn behind_own_country(reading: &Reading, place: &Place<'_>) -> Option<Emergency> {
    let number = reading.number.as_str();
    let is_whole = reading.outside_line.is_empty() && number.len() >= 5;
    let mut countries = place.countries.iter().filter(|_| is_whole);
    countries.find_map(|country| {
        let rest = number.strip_prefix(*country)?;
        in_country(rest, country).or_else(|| everywhere(rest).filter(|_| rest == "112"))
    })
}

fn at_home(reading: &Reading, place: &Place<'_>) -> Option<Emergency> {
    let number = reading.number.as_str();
    // In North America it is 1, whatever else was configured.
    let is_american = place.countries.contains(&"1");
    let prefixes = [place.dialplan.natl.as_str(), if is_american { "1" } else { "" }];
    let rests = prefixes.iter().filter(|prefix| !prefix.is_empty()).filter_map(|prefix| number.strip_prefix(*prefix));
    let found = std::iter::once(number).chain(rests).find_map(|number| national(number, place));
    // 9000 is an extension wherever nobody would dial 000 behind a 9.
    let line = reading.outside_line.as_str();
    let may_be_elsewhere = line.is_empty() || (!place.is_told && line.bytes().all(|digit| digit != b'8'));
    found.or_else(|| may_be_elsewhere.then(|| elsewhere(number)).flatten())
}

fn national(number: &str, place: &Place<'_>) -> Option<Emergency> {
    everywhere(number).or_else(|| place.countries.iter().find_map(|country| in_country(number, country)))
}

fn in_country(number: &str, country: &str) -> Option<Emergency> {
    let (_, list) = NATIONAL.iter().find(|(code, _)| *code == country)?;
    let number = list.iter().copied().find(|known| *known == number)?;
    Some(Emergency { number, of: format!("country {country}") })
}

fn everywhere(number: &str) -> Option<Emergency> {
    one_of(EVERYWHERE, number)
}

fn elsewhere(number: &str) -> Option<Emergency> {
    one_of(ELSEWHERE, number)
}

fn one_of(list: &'static [&'static str], number: &str) -> Option<Emergency> {
    let number = list.iter().copied().find(|known| *known == number)?;
    Some(Emergency { number, of: MANY_COUNTRIES.into() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::reading::readings;
    use super::*;
    use crate::number::Dialplan;

    fn dialplan(country: &str, intl: &str, natl: &str) -> Dialplan {
        Dialplan { country: country.into(), city: None, intl: intl.into(), natl: natl.into() }
    }

    fn found(dialplan: &Dialplan, countries: &[&str], number: &str) -> Option<Emergency> {
        let told = countries.iter().map(ToString::to_string).collect();
        let none = BTreeSet::new();
        let place = Place::of(dialplan, &told, &none);
        readings(number, &place).iter().find_map(|reading| emergency_number(reading, &place))
    }

    #[track_caller]
    fn check(dialplan: &Dialplan, emergency: &[&str], fine: &[&str]) {
        check_among(dialplan, &[], emergency, fine);
    }

    #[track_caller]
    fn check_among(dialplan: &Dialplan, countries: &[&str], emergency: &[&str], fine: &[&str]) {
        for number in emergency {
            assert!(found(dialplan, countries, number).is_some(), "{number} is an emergency number");
        }
        for number in fine {
            assert_eq!(found(dialplan, countries, number), None, "{number} is none");
        }
    }

    #[test]
    fn germany() {
        check(
            &dialplan("49", "00", "0"),
            &[
                "112#", "*31#112", "#31#112", "*67911", "112w1", "112c", "112,1", "1.1.2", "(112)", "1/12", "8112",
                "112", "110", "911", "1-1-2", "0112", "00112", "9112", "90112", "+49112", "0049112", "000110",
                "00049110",
            ],
            &[
                "1120", "11", "1", "9112345", "+4911", "+491120", "113", "9990", "12112", "0911123", "*112", "",
                "fone112",
            ],
        );
        check(&dialplan("49", "00", "0"), &["+490112", "00490110", "0+49112", "+112", "49112"], &["8000", "4912"]);
        // Whoever gets there: 112 in London, 18 in Paris.
        check(&dialplan("49", "00", "0"), &["+44112", "0044112", "+3318", "003318", "0+61000"], &["+4418", "3318"]);
        check(
            &dialplan("49", "00", "0"),
            &["999", "000", "9999", "0999", "9000", "+999"],
            &["99", "00", "9990", "8999"],
        );
    }

    #[test]
    fn north_america() {
        check(
            &dialplan("1", "011", "1"),
            &["911", "8911", "911#", "112", "9911", "99911", "1911", "91911", "+1911", "0111911"],
            &["9110", "12125550911", "5550911", "110", "19112", "411"],
        );
    }

    #[test]
    fn elsewhere() {
        check(&dialplan("44", "00", "0"), &["999", "9999", "99999", "112", "18000", "+44999"], &["99", "9990", "110"]);
        check(&dialplan("33", "00", "0"), &["15", "17", "18", "015", "115"], &["16", "150", "1"]);
        check(&dialplan("61", "0011", "0"), &["000", "0000", "00000", "106", "+61000"], &["0", "00", "0001"]);
        check(&dialplan("34", "00", ""), &["091", "0091", "062"], &["91", "0910", "0912"]);
        check(&dialplan("999", "", ""), &["112", "911"], &["110", "9991120"]);
    }

    #[test]
    fn every_country_that_a_number_of_the_configuration_is_of_counts() {
        let german = dialplan("49", "00", "0");
        check(&german, &[], &["15", "17", "18", "106"]);
        check_among(&german, &["33", "61"], &["15", "17", "018", "106", "000", "9000", "8000", "110", "999"], &["16"]);
        // 9000 is an extension where nobody dials 000.
        check_among(&german, &["33"], &["000", "999", "+000"], &["9000", "0999", "8999"]);
    }

    #[test]
    fn the_number_meant_is_named() {
        let german = dialplan("49", "00", "0");
        let named = |number: &str| found(&german, &["33"], number).map(|found| (found.number, found.of));
        assert_eq!(named("0 0110"), Some(("110", "country 49".into())));
        assert_eq!(named("18"), Some(("18", "country 33".into())));
        assert_eq!(named("0 112"), Some(("112", "in many countries".into())));
    }

    #[test]
    fn the_table_has_each_country_once_and_digits_only() {
        for (index, (country, numbers)) in NATIONAL.iter().enumerate() {
            assert!(NATIONAL[..index].iter().all(|(before, _)| before != country), "{country} is there twice");
            for number in *numbers {
                assert!(
                    (2..=5).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit()),
                    "{number}"
                );
                assert!(!EVERYWHERE.contains(number), "{number} is everywhere");
            }
        }
        let required = ["1", "27", "52", "54", "55", "61", "64", "81", "82", "86", "91"].map(String::from);
        let european = [30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49].map(|code| code.to_string());
        for code in required.iter().chain(&european) {
            assert!(NATIONAL.iter().any(|(country, _)| country == code), "{code} is missing");
        }
    }
}
