//! Emergency numbers: which they are in a country, and whether a number is one, a prefix before it or not.
//!
//! A test call to the police costs somebody else the line. The table has what is dialled for police, ambulance, fire
//! brigade and rescue, former numbers that still get there included; a country that is missing has those of everywhere.

use crate::number::Dialplan;

/// These get through in most networks of the world (GSM 02.30 asks mobile phones to know them).
const EVERYWHERE: &[&str] = &["112", "911"];

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

/// The emergency number that a number gets through to, if it does: as it is, or behind what a telephone system wants
/// before it: a service code such as `*31#`, one or two digits for an outside line (0, 8 or 9), `+` or the international prefix and the country code, the
/// national prefix. A number that merely begins like one is none.
pub(super) fn emergency_number(number: &str, dialplan: &Dialplan) -> Option<&'static str> {
    let number = dialled_part(number);
    let national = NATIONAL.iter().find(|(country, _)| *country == dialplan.country).map_or(&[][..], |(_, list)| *list);
    let find = |bare: &str| EVERYWHERE.iter().chain(national).copied().find(|known| *known == bare);
    // In North America it is 1, whatever else was configured.
    let natl = if dialplan.country == "1" { "1" } else { &dialplan.natl };
    let services = without_service_code(&number);
    services
        .into_iter()
        .flat_map(without_outside_line)
        .flat_map(|rest| without_country(rest, dialplan))
        .flat_map(|rest| or_without(rest, natl))
        .find_map(find)
}

/// What of a text is dialled at once: without what people put between digits, and up to a pause or whatever else a channel
/// driver takes for itself (`112w1`, `112c`); `#` at the end says that the number is complete.
fn dialled_part(text: &str) -> String {
    let spoken: String = text.chars().filter(|c| !matches!(c, '-' | ' ' | '.' | '(' | ')' | '/')).collect();
    let begins = spoken.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
    let ends = spoken[begins..].find(|c: char| c.is_alphabetic() || c == ',').map_or(spoken.len(), |at| begins + at);
    spoken[..ends].trim_end_matches('#').to_owned()
}

/// The number, and what follows a service code before it, as for hiding one's own number: `*31#112`, `*67911`.
fn without_service_code(number: &str) -> Vec<&str> {
    let mut forms = vec![number];
    forms.extend(number.rsplit_once('#').map(|(_, rest)| rest));
    if let Some(code) = number.strip_prefix(['*', '#']) {
        forms.extend([2, 3].into_iter().filter_map(|digits| code.get(digits..)));
    }
    forms
}

fn without_outside_line(number: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(number), |rest: &&str| rest.strip_prefix(['0', '8', '9'])).take(3)
}

fn without_country<'n>(number: &'n str, dialplan: &Dialplan) -> Vec<&'n str> {
    let mut forms = vec![number];
    for international in ["+", &dialplan.intl] {
        let rest = number.strip_prefix(international).filter(|_| !international.is_empty());
        forms.extend(rest.and_then(|rest| rest.strip_prefix(&*dialplan.country)));
    }
    forms.extend(number.strip_prefix('+'));
    forms
}

/// A text, and where an optional prefix is at its beginning, the text without it.
fn or_without<'n>(number: &'n str, prefix: &str) -> Vec<&'n str> {
    let mut forms = vec![number];
    forms.extend(number.strip_prefix(prefix).filter(|_| !prefix.is_empty()));
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialplan(country: &str, intl: &str, natl: &str) -> Dialplan {
        Dialplan { country: country.into(), city: None, intl: intl.into(), natl: natl.into() }
    }

    #[track_caller]
    fn check(dialplan: &Dialplan, emergency: &[&str], fine: &[&str]) {
        for number in emergency {
            assert!(emergency_number(number, dialplan).is_some(), "{number} is an emergency number");
        }
        for number in fine {
            assert_eq!(emergency_number(number, dialplan), None, "{number} is none");
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
                "1120", "11", "1", "9112345", "+4911", "+491120", "113", "999", "12112", "0911123", "*112", "",
                "fone112",
            ],
        );
        check(&dialplan("49", "00", "0"), &["+490112", "00490110", "0+49112", "+112"], &["+44112", "0044112"]);
    }

    #[test]
    fn north_america() {
        check(
            &dialplan("1", "011", "1"),
            &["911", "8911", "911#", "112", "9911", "99911", "1911", "91911", "+1911", "0111911"],
            &["9110", "12125550911", "5550911", "999", "110", "19112", "411"],
        );
    }

    #[test]
    fn elsewhere() {
        check(&dialplan("44", "00", "0"), &["999", "9999", "99999", "112", "18000", "+44999"], &["99", "9990", "110"]);
        check(&dialplan("33", "00", "0"), &["15", "17", "18", "015", "115"], &["16", "150", "1"]);
        check(&dialplan("61", "0011", "0"), &["000", "0000", "00000", "106", "+61000"], &["0", "00", "0001"]);
        check(&dialplan("34", "00", ""), &["091", "0091", "062"], &["91", "0910", "0912"]);
        check(&dialplan("999", "", ""), &["112", "911"], &["110", "999112"]);
    }

    #[test]
    fn the_number_meant_is_named() {
        assert_eq!(emergency_number("0 0110", &dialplan("49", "00", "0")), Some("110"));
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
