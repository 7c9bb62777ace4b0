//! Whether a server's version is new enough.

use calltest_core::cause::ExpectedCause;
use calltest_core::event::{Check, Outcome};

use super::{Complaint, Notes, Patient};

/// The oldest version that calltest is made for.
const WANTED: (u32, u32) = (18, 0);

/// The first version that tells SIP codes.
const TELLS_SIP_CODES: (u32, u32) = (22, 7);

pub(super) fn look(patient: &Patient<'_>, version: &str, notes: &mut Notes<'_>) {
    let asks_for_sip_code = patient.plan.tests.iter().find(|test| {
        let asks = test.demands.causes.iter().any(|cause| matches!(cause, ExpectedCause::Sip(_)));
        asks && test.links().first().is_some_and(|src| patient.plan.server_of(src).name == patient.server.name)
    });
    let (outcome, complaint) = match parse(version) {
        None => (
            Outcome::Unknown,
            Complaint::new(
                format!("it calls its version `{version}`, which says nothing to us"),
                "see that it is 18 or newer",
            ),
        ),
        Some(found) if found < WANTED => (
            Outcome::Problem,
            Complaint::new(
                format!("Asterisk {version} is older than 18, for which calltest is made"),
                "install a version that is still cared for",
            ),
        ),
        Some(found) if found < TELLS_SIP_CODES => match asks_for_sip_code {
            Some(test) => (
                Outcome::Problem,
                Complaint::new(
                    format!("Asterisk {version} does not tell the SIP codes that test {} expects", test.name),
                    "install 22.7 or newer, or expect causes of Q.850 instead",
                ),
            ),
            None => {
                return notes.ok(Check::Version, None, format!("{} will do; only SIP codes need 22.7", short(version)));
            }
        },
        Some(_) => return notes.ok(Check::Version, None, format!("{} is new enough", short(version))),
    };
    notes.about_server(Check::Version, outcome, complaint);
}

/// The part of a version that means something: `22.10.1` of `22.10.1+dfsg`.
fn short(version: &str) -> &str {
    let end = version.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(version.len());
    &version[..end]
}

/// Major and minor number. Certified versions (`certified/18.9-cert1`, `18.9-cert1`) count like the others.
fn parse(version: &str) -> Option<(u32, u32)> {
    let version = short(version.trim_start_matches(|letter: char| !letter.is_ascii_digit()));
    let mut numbers = version.split('.').map(|number| number.parse().ok());
    let major = numbers.next()??;
    Some((major, numbers.next().flatten().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_whatever_a_distribution_adds() {
        for (version, read) in [
            ("22.10.1+dfsg+~cs6.17.60671434-1", Some((22, 10))),
            ("18.9-cert1", Some((18, 9))),
            ("certified/20.7-cert2", Some((20, 7))),
            ("GIT-22-abc", Some((22, 0))),
            ("unknown", None),
            ("", None),
        ] {
            assert_eq!(parse(version), read, "{version}");
        }
        assert_eq!(short("22.10.1+dfsg"), "22.10.1");
    }
}
