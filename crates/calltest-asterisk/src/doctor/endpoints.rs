//! Whether a server can dial what the links name: it speaks the technology, and the endpoint is there and online.

use std::collections::BTreeSet;

use calltest_ari::models::EndpointState;
use calltest_ari::requests::endpoints;
use calltest_core::event::{Check, Outcome};
use calltest_core::plan::{Address, DialString, Link};

use super::modules::Modules;
use super::{Examined, Findings, Problem};
use crate::advice::load;
use crate::endpoint_settings::EndpointSettings;
use crate::endpoint_status::qualify_key;

/// The channel drivers, each with its technology in dial strings.
const DRIVERS: [(&str, &str); 7] = [
    ("PJSIP", "chan_pjsip"),
    ("SIP", "chan_sip"),
    ("IAX2", "chan_iax2"),
    ("DAHDI", "chan_dahdi"),
    ("MOTIF", "chan_motif"),
    ("WEBSOCKET", "chan_websocket"),
    ("AUDIOSOCKET", "chan_audiosocket"),
];

/// The technologies that list every endpoint they have. Of the others, ARI knows some and says nothing of the rest.
const LISTING: [&str; 3] = ["PJSIP", "SIP", "IAX2"];

pub(super) async fn look(examined: &Examined<'_>, modules: &Modules, link: &Link, findings: &mut Findings<'_>) {
    // What a Local channel leads to is the dialplan's business.
    let dial_string = link.address.as_ref().map(Address::dial_string);
    let Some(channel) = dial_string.filter(|dial_string| !dial_string.is_local()) else { return };
    let tech = channel.technology().to_uppercase();
    let driver = DRIVERS.iter().find(|(known, _)| *known == tech).map(|(_, driver)| *driver);
    if let Some(driver) = driver.filter(|driver| !modules.has(driver)) {
        return findings.about_link(Check::Technology, link, Outcome::Problem, no_driver(channel, driver));
    }
    let dialled = endpoints_of(examined, link, channel);
    if dialled.is_empty() {
        let problem = Problem::new(
            format!("which endpoint `{channel}` dials depends on the number, and no test dials one"),
            "write a test that calls over this link, and look again",
        );
        findings.about_link(Check::Endpoint, link, Outcome::Unknown, problem);
    }
    for (tech, resource) in dialled {
        look_at(examined, link, &tech, &resource, findings).await;
    }
}

/// The endpoints that a link dials: one, unless the number is part of its name.
fn endpoints_of(examined: &Examined<'_>, link: &Link, channel: &DialString) -> BTreeSet<(String, String)> {
    let owned = |(tech, resource): (&str, &str)| (tech.to_owned(), resource.to_owned());
    if let Some(endpoint) = channel.endpoint() {
        return [owned(endpoint)].into();
    }
    let over_it = examined.plan.tests.iter().filter(|test| test.route.src() == Some(&link.name));
    let numbers = over_it.filter_map(|test| test.route.dialled());
    let dialled = numbers.filter_map(|number| DialString::new(channel.dial(Some(number))).ok());
    dialled.filter_map(|dialled| dialled.endpoint().map(owned)).collect()
}

async fn look_at(examined: &Examined<'_>, link: &Link, tech: &str, resource: &str, findings: &mut Findings<'_>) {
    let name = format!("{tech}/{resource}");
    let get = endpoints::Get { tech: tech.to_owned(), resource: resource.to_owned() };
    let (outcome, problem) = match examined.client.request(get).await {
        Ok(found) => match found.state {
            Some(EndpointState::Online) => {
                findings.ok(Check::Endpoint, Some(&link.name), format!("{name} is online"));
                if tech.eq_ignore_ascii_case("PJSIP") {
                    look_at_settings(examined, link, resource, findings).await;
                }
                return;
            }
            Some(EndpointState::Offline) => (
                Outcome::Problem,
                Problem::new(
                    format!("{name} is offline: Asterisk has no contact for it, or no answer from there"),
                    "see with `asterisk -rx \"pjsip show endpoint NAME\"` (or its like) which of the two it is; correct \
                     the contact of its aor, its registration, or the way to the far end",
                ),
            ),
            _ => (
                Outcome::Warning,
                Problem::new(
                    format!("Asterisk does not know whether {name} is there"),
                    format!("let it ask: set {}", qualify_key(tech)),
                ),
            ),
        },
        Err(error) if !error.is_not_found() => (
            Outcome::Unknown,
            Problem::new(format!("{name} could not be asked for: {error}"), "see what Asterisk's log says"),
        ),
        Err(_) if !LISTING.contains(&tech.to_uppercase().as_str()) => (
            Outcome::Unknown,
            Problem::new(
                format!("Asterisk does not tell of {name}: {tech} need not list what can be dialled"),
                "see whether a test over this link passes",
            ),
        ),
        Err(_) if is_address(tech, resource) => (
            Outcome::Unknown,
            Problem::new(
                format!("`{name}` dials an address, of which Asterisk has no list"),
                "see whether a test over this link passes, or define the far end as a peer and dial that",
            ),
        ),
        Err(_) => (Outcome::Problem, no_endpoint(examined, tech, resource).await),
    };
    findings.about_link(Check::Endpoint, link, outcome, problem);
}

/// Looks at what calls over an endpoint depend on.
async fn look_at_settings(examined: &Examined<'_>, link: &Link, resource: &str, findings: &mut Findings<'_>) {
    let settings = match examined.client.request(EndpointSettings::of(resource)).await {
        Ok(answer) => EndpointSettings::read(answer),
        Err(error) => {
            let what = format!("the settings of PJSIP/{resource} could not be asked for: {error}");
            let problem = Problem::new(what, "see what Asterisk's log says");
            return findings.about_link(Check::Endpoint, link, Outcome::Unknown, problem);
        }
    };
    if !settings.sends_always() {
        let problem = Problem::new(
            format!(
                "PJSIP/{resource} sends no RTP while nothing is said, so who waits for a sign of life ends the call"
            ),
            "set `rtp_keepalive = 1` for it in pjsip.conf: a telephone always sends",
        );
        findings.about_link(Check::Endpoint, link, Outcome::Warning, problem);
    }
    if let Some(method) = settings.foreign_redirection() {
        let until = match method {
            "uri_pjsip" => "and calltest is not told of it",
            _ => "until calltest hears of it and hangs up",
        };
        let problem = Problem::new(
            format!(
                "PJSIP/{resource} follows forwarded calls past the dialplan (redirect_method = {method}): they ring {until}"
            ),
            "set `redirect_method = user` for it in pjsip.conf: then nothing rings unless a test allows forwarding",
        );
        findings.about_link(Check::Endpoint, link, Outcome::Warning, problem);
    }
}

/// Whether what is dialled may be a host rather than a peer of the configuration. PJSIP dials no such thing without an endpoint.
fn is_address(tech: &str, resource: &str) -> bool {
    !tech.eq_ignore_ascii_case("PJSIP") && resource.contains(['.', ':'])
}

/// Says that an endpoint is not there, and which are.
async fn no_endpoint(examined: &Examined<'_>, tech: &str, resource: &str) -> Problem {
    let list = endpoints::ListByTech { tech: tech.to_owned() };
    let others = match examined.client.request(list).await {
        Ok(others) if !others.is_empty() => {
            let names: Vec<_> = others.into_iter().map(|endpoint| endpoint.resource).collect();
            format!("it has {}", names.join(", "))
        }
        _ => format!("it has none of {tech}"),
    };
    let define = match tech.to_uppercase().as_str() {
        "PJSIP" => "define it in pjsip.conf (`calltest asterisk-config pjsip.conf` prints how)",
        _ => "define it there",
    };
    Problem::new(
        format!("the server knows no endpoint {tech}/{resource}; {others}"),
        format!("correct the link's `channel`, or {define}"),
    )
}

/// Says that a technology is not spoken.
fn no_driver(channel: &DialString, driver: &str) -> Problem {
    let what = format!("the link dials `{channel}`, but {driver} is not loaded");
    let fix = match (driver, channel.endpoint()) {
        ("chan_sip", endpoint) => {
            let name = endpoint.map_or("NAME", |(_, name)| name);
            format!(
                "define {name} in pjsip.conf (`calltest asterisk-config pjsip.conf` shows how) and write \
                 `channel: PJSIP/{{number}}@{name}`: Asterisk 21 and newer have no chan_sip"
            )
        }
        _ => load(&[driver]),
    };
    Problem::new(what, fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_dial_string_is_translated() {
        let fix = |channel: &str| no_driver(&DialString::new(channel).unwrap(), "chan_sip").fix;
        assert!(fix("SIP/foo/{number}").contains("`channel: PJSIP/{number}@foo`"), "{}", fix("SIP/foo/{number}"));
        assert!(fix("SIP/{number}@bar").contains("`channel: PJSIP/{number}@bar`"));
        assert!(fix("SIP/{number}").contains("define NAME in pjsip.conf"));
    }
}
