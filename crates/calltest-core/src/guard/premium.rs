//! Dear numbers: premium-rate ranges of many countries, satellites, and networks of no country.
//!
//! A single call may cost more than a day of tests, and whoever has such a number may gain from each call. What is judged
//! is a range and how long its numbers are, so that a number which merely begins alike stays free.

use super::place::Place;
use super::reading::{Reading, fits};
use crate::number::split_country_code;

/// A dear number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Premium {
    /// What it is, in words.
    pub(super) kind: &'static str,
    /// The range, as `+49 900`.
    pub(super) range: String,
}

/// Ranges that are of no country (ITU-T E.164, list of assigned country codes): the code, what it is, and how many digits a
/// whole number has.
const SHARED: &[(&str, &str, (usize, usize))] = &[
    // Inmarsat.
    ("870", "a satellite number", (12, 13)),
    // Global mobile satellite systems: Iridium, Globalstar.
    ("881", "a satellite number", (12, 13)),
    // Operators' networks over several countries; Thuraya and ships are among them.
    ("882", "a number of an international network", (12, 15)),
    ("883", "a number of an international network", (12, 15)),
    // International premium rate service (ITU-T E.169.2).
    ("979", "an international premium-rate number", (12, 12)),
];

/// The premium-rate ranges of a country.
struct Country {
    code: &'static str,
    /// What is dialled before the number within the country; nothing where that is empty.
    national_prefix: &'static str,
    ranges: &'static [Range],
}

/// Numbers that begin with these digits, `X` being any, and have so many in all, from first to last.
struct Range {
    begin: &'static str,
    digits: (usize, usize),
    /// Whether it is dialled without the national prefix.
    is_short: bool,
}

const fn range(begin: &'static str, least: usize, most: usize) -> Range {
    Range { begin, digits: (least, most), is_short: false }
}

const fn short(begin: &'static str, least: usize, most: usize) -> Range {
    Range { begin, digits: (least, most), is_short: true }
}

const fn country(code: &'static str, national_prefix: &'static str, ranges: &'static [Range]) -> Country {
    Country { code, national_prefix, ranges }
}

/// From the national numbering plans as their regulators publish them (ITU-T E.129 lists these), named behind each; lengths
/// were compared with the metadata of libphonenumber. Ranges of shared cost are missing unless they are as dear.
const COUNTRIES: &[Country] = &[
    // NANPA: area code 900; central office code 976 in any area but those of freephone, and by itself.
    country(
        "1",
        "1",
        &[
            range("900", 10, 10),
            range("2XX976", 10, 10),
            range("3XX976", 10, 10),
            range("4XX976", 10, 10),
            range("5XX976", 10, 10),
            range("6XX976", 10, 10),
            range("7XX976", 10, 10),
            range("9XX976", 10, 10),
            short("976", 7, 7),
        ],
    ),
    country("7", "8", &[range("803", 10, 10), range("809", 10, 10)]), // Mintsifry
    country("27", "0", &[range("862", 9, 9), range("90", 9, 9)]),     // ICASA
    country("30", "", &[range("901", 10, 10), range("909", 10, 10)]), // EETT
    country("31", "0", &[range("900", 7, 10), range("906", 7, 10), range("909", 7, 10)]), // ACM
    country("32", "0", &[range("90", 8, 8)]),                         // BIPT
    country("33", "0", &[range("81", 9, 9), range("82", 9, 9), range("89", 9, 9), short("118", 6, 6)]), // ARCEP
    // CNMC
    country(
        "34",
        "",
        &[range("803", 9, 9), range("806", 9, 9), range("807", 9, 9), range("905", 9, 9), short("118", 5, 5)],
    ),
    // ANACOM
    country(
        "351",
        "",
        &[
            range("601", 9, 9),
            range("607", 9, 9),
            range("608", 9, 9),
            range("646", 9, 9),
            range("648", 9, 9),
            range("760", 9, 9),
            range("761", 9, 9),
            range("762", 9, 9),
        ],
    ),
    country("352", "", &[range("900", 8, 8), range("901", 8, 8), range("905", 8, 8)]), // ILR
    country("353", "0", &[short("15", 10, 10), short("118", 5, 5)]),                   // ComReg
    country("354", "", &[range("90", 7, 7)]),                                          // Fjarskiptastofa
    country("357", "", &[range("900", 8, 8), range("909", 8, 8)]),                     // OCECPR
    country("358", "0", &[range("600", 8, 9), range("700", 8, 9), short("118", 5, 6)]), // Traficom
    country("359", "0", &[range("90", 8, 8)]),                                         // CRC
    country("36", "06", &[range("90", 8, 8), range("91", 8, 8)]),                      // NMHH
    country("370", "0", &[range("900", 8, 8), range("902", 8, 8), range("903", 8, 8), range("909", 8, 8)]), // RRT
    country("371", "", &[range("90", 8, 8)]),                                          // SPRK
    country("372", "", &[range("900", 7, 8)]),                                         // TTJA
    country("380", "0", &[range("900", 9, 10)]),                                       // NCEC
    country("381", "0", &[range("900", 6, 10), range("901", 6, 10), range("906", 6, 10), range("909", 6, 10)]), // RATEL
    // HAKOM
    country(
        "385",
        "0",
        &[range("60", 7, 8), range("61", 7, 8), range("64", 8, 8), range("65", 8, 8), range("69", 8, 8)],
    ),
    country("386", "0", &[range("89", 5, 8), range("90", 6, 8)]), // AKOS
    // AGCOM; a number keeps the zero that it has, so no prefix is dialled.
    country(
        "39",
        "",
        &[
            range("144", 9, 9),
            range("166", 9, 9),
            range("892", 6, 10),
            range("893", 6, 10),
            range("894", 6, 10),
            range("895", 6, 10),
            range("899", 9, 9),
        ],
    ),
    country("40", "0", &[range("900", 9, 9), range("903", 9, 9), range("906", 9, 9)]), // ANCOM
    country("41", "0", &[range("900", 9, 9), range("901", 9, 9), range("906", 9, 9)]), // BAKOM
    country("420", "", &[range("90", 9, 9), range("976", 9, 9)]),                      // CTU
    country("421", "0", &[range("900", 9, 9)]),                                        // RU
    country("423", "0", &[range("90", 7, 7)]),                                         // AK
    // RTR
    country(
        "43",
        "0",
        &[
            range("900", 9, 13),
            range("901", 9, 13),
            range("930", 9, 13),
            range("931", 9, 13),
            range("939", 9, 13),
            short("118", 5, 6),
        ],
    ),
    country("44", "0", &[range("9", 10, 10), range("87", 10, 10), short("118", 6, 6)]), // Ofcom
    country("45", "", &[range("90", 8, 8)]),                                            // SDFI
    country("46", "0", &[range("900", 7, 10), range("939", 7, 10), range("944", 7, 10), short("118", 6, 6)]), // PTS
    country("47", "", &[range("820", 8, 8), range("829", 8, 8)]),                       // Nkom
    country("48", "", &[range("70", 9, 9)]),                                            // UKE
    country("49", "0", &[range("900", 10, 11), range("137", 10, 10), short("118", 5, 6)]), // BNetzA
    country("52", "", &[range("900", 10, 10)]),                                         // IFT
    country("54", "0", &[range("600", 10, 10), range("609", 10, 10)]),                  // ENACOM
    country("55", "0", &[range("500", 9, 10), range("900", 9, 10)]),                    // Anatel
    country("61", "", &[range("190", 10, 10)]),                                         // ACMA
    country("64", "0", &[range("90", 8, 10)]),                                          // NAD
    country("65", "", &[range("1900", 11, 11)]),                                        // IMDA
    country("66", "", &[range("1900", 10, 10)]),                                        // NBTC
    country("81", "0", &[range("990", 9, 9)]),                                          // MIC
    country("82", "0", &[range("60", 9, 9)]),                                           // MSIT
    country("852", "", &[range("900", 11, 11)]),                                        // OFCA
    country("90", "0", &[range("900", 10, 10)]),                                        // BTK
    country("972", "", &[range("1900", 10, 10), range("1901", 10, 10), range("1902", 10, 10), range("1919", 10, 10)]), // MoC
];

/// What makes a reading of a number dear, if anything does.
pub(super) fn premium(reading: &Reading, place: &Place<'_>) -> Option<Premium> {
    let number = reading.number.as_str();
    if !number.trim_start_matches('+').bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // 0800 is no way out to 00, and an area code that begins with 09 none to a number behind it.
    if !matches!(reading.outside_line.as_str(), "" | "0" | "9" | "00" | "99") {
        return None;
    }
    let is_bare = reading.outside_line.is_empty();
    let abroad = place.international(number);
    let mut abroad = abroad.into_iter().chain((is_bare && !number.starts_with('+')).then_some((number, false)));
    abroad
        .find_map(|(digits, is_certain)| {
            // A number without `+` or prefix may be of any kind, and only one of the countries that are likely counts.
            let is_likely = |code: &str| is_certain || digits.len() < number.len() || place.at_home.contains(&code);
            shared(digits, is_certain).or_else(|| of_country(digits, is_likely))
        })
        .or_else(|| at_home(reading, place))
}

fn shared(digits: &str, is_certain: bool) -> Option<Premium> {
    let is_one = |(code, _, (least, most)): &&(&str, _, (usize, usize))| {
        digits.starts_with(code) && (is_certain || (*least..=*most).contains(&digits.len()))
    };
    SHARED.iter().find(is_one).map(|(code, kind, _)| Premium { kind, range: format!("+{code}") })
}

/// The digits of an international number.
fn of_country(digits: &str, is_likely: impl Fn(&str) -> bool) -> Option<Premium> {
    let (code, rest) = split_country_code(digits)?;
    let country = COUNTRIES.iter().find(|country| country.code == code && is_likely(code))?;
    // Some write the national prefix all the same.
    let behind_prefix = rest.strip_prefix(country.national_prefix);
    let rests = [Some(rest), behind_prefix];
    rests.into_iter().flatten().find_map(|rest| {
        let range = country.ranges.iter().find(|range| range.has(rest, false))?;
        Some(country.premium(range))
    })
}

/// As it is dialled within a country.
fn at_home(reading: &Reading, place: &Place<'_>) -> Option<Premium> {
    let likely = COUNTRIES.iter().filter(|country| place.at_home.contains(&country.code));
    likely.into_iter().find_map(|country| {
        // A zero at the beginning is part of an Italian number.
        if country.code == "39" && reading.outside_line.contains('0') {
            return None;
        }
        let range = country.ranges.iter().find(|range| country.is_dialled(range, reading, place))?;
        Some(country.premium(range))
    })
}

impl Country {
    fn premium(&self, range: &Range) -> Premium {
        Premium { kind: "a premium-rate number", range: format!("+{} {}", self.code, range.begin) }
    }

    fn is_dialled(&self, range: &Range, reading: &Reading, place: &Place<'_>) -> bool {
        let number = reading.number.as_str();
        let of_server = (self.code == place.dialplan.country).then_some(place.dialplan.natl.as_str());
        let prefixes = [Some(self.national_prefix), of_server];
        // Exchanges pay no heed to digits behind a whole number. Where nothing precedes the number, longer ones are others.
        let may_go_on = reading.outside_line.is_empty();
        let behind_prefix = prefixes.into_iter().flatten().filter(|prefix| !prefix.is_empty());
        let mut behind_prefix = behind_prefix.filter_map(|prefix| number.strip_prefix(prefix));
        let is_without = range.is_short || self.national_prefix.is_empty() || self.code == "1";
        (is_without && range.has(number, false))
            || (!range.is_short && behind_prefix.any(|rest| range.has(rest, may_go_on)))
    }
}

impl Range {
    fn has(&self, digits: &str, may_go_on: bool) -> bool {
        let (least, most) = self.digits;
        let begin = digits.get(..self.begin.len());
        begin.is_some_and(|begin| fits(begin, self.begin))
            && digits.len() >= least
            && (may_go_on || digits.len() <= most)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::reading::readings;
    use super::*;
    use crate::number::Dialplan;

    /// The range that a number is in, on a link of a server with its setting, where the configuration has numbers of these
    /// countries.
    fn found(country: &str, natl: &str, countries: &[&str], number: &str) -> Option<String> {
        let dialplan = Dialplan { country: country.into(), city: None, intl: "00".into(), natl: natl.into() };
        let told = countries.iter().map(ToString::to_string).collect();
        let none = BTreeSet::new();
        let place = Place::of(&dialplan, &told, &none);
        readings(number, &place).iter().find_map(|reading| premium(reading, &place)).map(|premium| premium.range)
    }

    #[test]
    fn a_dear_number_is_known_in_every_form() {
        let table = [
            ("09001234567", "+49 900"),
            ("0900 1 234567", "+49 900"),
            ("+499001234567", "+49 900"),
            ("+4909001234567", "+49 900"),
            ("00499001234567", "+49 900"),
            ("499001234567", "+49 900"),
            ("009001234567", "+49 900"),
            ("909001234567", "+49 900"),
            ("090012345678", "+49 900"),
            ("0900123456789", "+49 900"),
            ("*31#09001234567", "+49 900"),
            ("0101309001234567", "+49 900"),
            ("%30900-1234567", "+49 900"),
            ("01371234567", "+49 137"),
            ("11833", "+49 118"),
            ("011833", "+49 118"),
            ("+4911833", "+49 118"),
            ("+449012345678", "+44 9"),
            ("00448712345678", "+44 87"),
            ("+19005550123", "+1 900"),
            ("+12129765550", "+1 2XX976"),
            ("+33899123456", "+33 89"),
            ("+41900123456", "+41 900"),
            ("+43900123456", "+43 900"),
            ("+979123456789", "+979"),
            ("00979123456789", "+979"),
            ("+870771234567", "+870"),
            ("+881612345678", "+881"),
            ("000881612345678", "+881"),
            ("881612345678", "+881"),
            ("+8821612345678", "+882"),
            ("+883510012345678", "+883"),
            ("+8701", "+870"),
        ];
        for (number, range) in table {
            assert_eq!(found("49", "0", &["49"], number).as_deref(), Some(range), "{number}");
        }
    }

    #[test]
    fn each_country_has_its_own() {
        let table = [
            ("1", "1", "19005550123", "+1 900"),
            ("1", "1", "9005550123", "+1 900"),
            ("1", "1", "919005550123", "+1 900"),
            ("1", "1", "9761234", "+1 976"),
            ("1", "1", "12129761234", "+1 2XX976"),
            ("44", "0", "09012345678", "+44 9"),
            ("44", "0", "118500", "+44 118"),
            ("33", "0", "0899123456", "+33 89"),
            ("33", "0", "0812345678", "+33 81"),
            ("41", "0", "0901123456", "+41 901"),
            ("43", "0", "0930123456", "+43 930"),
            ("39", "", "899123456", "+39 899"),
            ("34", "", "806123456", "+34 806"),
            ("36", "06", "0690123456", "+36 90"),
            ("61", "0", "1900123456", "+61 190"),
            ("353", "0", "1512345678", "+353 15"),
        ];
        for (country, natl, number, range) in table {
            assert_eq!(found(country, natl, &[], number).as_deref(), Some(range), "{country} {number}");
        }
    }

    #[test]
    fn what_is_dear_in_one_country_may_be_ordinary_in_another() {
        // Munich and Nuremberg, with a test number in Paris and one in London.
        assert_eq!(found("49", "0", &["33", "44", "49"], "0891234567"), None);
        assert_eq!(found("49", "0", &["33", "44", "49"], "09112345678"), None);
        // Nothing in the file is German, so that the setting may be the default.
        assert_eq!(found("49", "0", &["44"], "09112345678").as_deref(), Some("+44 9"));
        // An extension behind the outside line's digit, and a number that is too short.
        assert_eq!(found("49", "0", &[], "0900123"), None);
        assert_eq!(found("49", "0", &[], "fone09001234567"), None);
    }

    #[test]
    fn the_table_is_in_order() {
        for (index, country) in COUNTRIES.iter().enumerate() {
            assert!(COUNTRIES[..index].iter().all(|before| before.code != country.code), "{} is twice", country.code);
            assert_eq!(split_country_code(country.code), Some((country.code, "")));
            for range in country.ranges {
                assert!(range.digits.0 <= range.digits.1 && range.begin.len() < range.digits.0, "{}", range.begin);
            }
        }
        assert!(COUNTRIES.len() >= 40);
    }
}
