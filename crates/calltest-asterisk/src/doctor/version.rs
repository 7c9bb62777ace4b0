//! Whether a server's version is new enough.

use calltest_core::cause::ExpectedCause;
use calltest_core::event::{Check, Outcome};

use super::{Examined, Findings, Problem};
use crate::version::{Version, short};

pub(super) fn look(examined: &Examined<'_>, version: &str, findings: &mut Findings<'_>) {
    let asks_for_sip_code = examined.plan.tests.iter().find(|test| {
        let asks = test.requirements.causes.iter().any(|cause| matches!(cause, ExpectedCause::Sip(_)));
        asks && test.links().first().is_some_and(|src| examined.plan.server_of(src).name == examined.server.name)
    });
    let (outcome, problem) = match Version::parse(version) {
        None => (
            Outcome::Unknown,
            Problem::new(
                format!("it calls its version `{version}`, which says nothing to us"),
                "see that it is 18 or newer",
            ),
        ),
        Some(found) if found.is_too_old() => (
            Outcome::Problem,
            Problem::new(
                format!("Asterisk {version} is older than 18, for which calltest is made"),
                "install a version that is still cared for",
            ),
        ),
        Some(found) if !found.tells_sip_codes() => match asks_for_sip_code {
            Some(test) => (
                Outcome::Problem,
                Problem::new(
                    format!("Asterisk {version} does not tell the SIP codes that test {} expects", test.name),
                    "install 22.7 or newer, or expect causes of Q.850 instead",
                ),
            ),
            None => {
                return findings.ok(
                    Check::Version,
                    None,
                    format!("{} will do; only SIP codes need 22.7", short(version)),
                );
            }
        },
        Some(_) => return findings.ok(Check::Version, None, format!("{} is new enough", short(version))),
    };
    findings.about_server(Check::Version, outcome, problem);
}
