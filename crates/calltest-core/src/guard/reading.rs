//! What is left of a number once a telephone system and an exchange have taken off what was meant for them.

use super::place::Place;
use crate::legible;

/// A number as it may be read far from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    /// What is left of it.
    pub(super) number: String,
    /// What was taken for a way to an outside line.
    pub(super) outside_line: String,
}

/// Codes dialled before a number, by country: to hide one's own number, or to choose a carrier. `X` is any digit.
///
/// From the national numbering plans: Ofcom (44), ComReg (353), ACMA (61), OFCA (852), NANPA (1: vertical service codes
/// from a dial, and 101XXXX), MIC (81), BNetzA (49), RTR (43), BAKOM (41), ARCEP (33), AGCOM (39).
const CODES: &[(&str, &[&str])] = &[
    ("1", &["1167", "1182", "101XXXX"]),
    ("33", &["3651"]),
    ("39", &["10XX", "10XXX"]),
    ("41", &["107XX", "108XX"]),
    ("43", &["10XX"]),
    ("44", &["141", "1470"]),
    ("49", &["010XX", "0100XX"]),
    ("61", &["1831", "1832"]),
    ("64", &["0197"]),
    ("81", &["184", "186"]),
    ("353", &["141", "142"]),
    ("852", &["133"]),
];

/// Every reading of a text that is dialled: as it is, and behind what a telephone system wants before a number: a service
/// code such as `*31#`, one or two digits for an outside line (0, 8 or 9), a code for the carrier.
pub(super) fn readings(text: &str, place: &Place<'_>) -> Vec<Reading> {
    let mut readings: Vec<Reading> = Vec::new();
    let mut add = |number: &str, outside_line: &str| {
        let reading = Reading { number: number.into(), outside_line: outside_line.into() };
        if !readings.contains(&reading) {
            readings.push(reading);
        }
    };
    for number in legible::numbers(text) {
        for (line, behind_line) in outside_lines(&number) {
            add(behind_line, line);
            for behind_service in behind_service_codes(behind_line) {
                for (more, rest) in outside_lines(behind_service) {
                    add(rest, &format!("{line}{more}"));
                }
            }
            // A zero at the beginning belongs to the code, or the code is the beginning of an area code.
            if !line.contains('0') {
                codes(place).filter_map(|code| behind_code(behind_line, code)).for_each(|rest| add(rest, line));
            }
        }
    }
    readings
}

/// The number behind no, one or two digits for an outside line, with these digits.
fn outside_lines(number: &str) -> impl Iterator<Item = (&str, &str)> {
    std::iter::successors(Some(number), |rest| rest.strip_prefix(['0', '8', '9']))
        .take(3)
        .map(|rest| number.split_at(number.len() - rest.len()))
}

/// What follows a service code, or precedes what is dialled behind a number: `*31#112`, `*67911`, `*31*112`, `112*5`.
fn behind_service_codes(number: &str) -> Vec<&str> {
    let mut rests = Vec::new();
    rests.extend(number.rsplit_once('#').map(|(_, rest)| rest));
    let behind_star = number.rsplit_once('*').filter(|(code, _)| code.contains(|c: char| c.is_ascii_digit()));
    rests.extend(behind_star.map(|(_, rest)| rest));
    match number.strip_prefix(['*', '#']) {
        Some(code) => rests.extend([2, 3].into_iter().filter_map(|digits| code.get(digits..))),
        None => rests.extend(number.split_once(['*', '#']).map(|(before, _)| before)),
    }
    rests.retain(|rest| !rest.is_empty());
    rests
}

fn codes(place: &Place<'_>) -> impl Iterator<Item = &'static str> {
    CODES.iter().filter(|(country, _)| place.countries.contains(country)).flat_map(|(_, codes)| *codes).copied()
}

fn behind_code<'n>(number: &'n str, code: &str) -> Option<&'n str> {
    let (begin, rest) = number.split_at_checked(code.len())?;
    fits(begin, code).then_some(rest).filter(|rest| !rest.is_empty())
}

/// Whether digits are those of a pattern, in which `X` is any of them.
pub(super) fn fits(digits: &str, pattern: &str) -> bool {
    digits.len() == pattern.len()
        && digits.bytes().zip(pattern.bytes()).all(|(digit, wanted)| match wanted {
            b'X' => digit.is_ascii_digit(),
            wanted => digit == wanted,
        })
}
