//! Links whose endpoints are not there, not online, or of a technology that is not spoken.

use std::time::Duration;

use asterisk_lab::{Lab, ServerOptions, Trunk};

use crate::examination::{examine, server, wait_for_contact};

/// An endpoint without a contact, one whose far end is silent, and one that nobody asks.
const ENDPOINTS: &str = "\
[homeless]
type = endpoint
transport = transport-udp
context = from-homeless
aors = homeless
[homeless]
type = aor
max_contacts = 1
[unasked]
type = endpoint
transport = transport-udp
context = from-unasked
rtp_keepalive = 1
aors = unasked
[unasked]
type = aor
contact = sip:127.0.0.1:9
";

#[test]
fn unknown_and_offline_endpoints_and_old_dial_strings_are_named() {
    let lab = server(|options| options.pjsip(ENDPOINTS));
    let config = "\
links:
  gone: {channel: 'PJSIP/{number}@gnoe'}
  homeless: {channel: 'PJSIP/{number}@homeless'}
  unasked: {channel: 'PJSIP/{number}@unasked'}
  old: {channel: 'SIP/foo/{number}'}
  phones: {channel: 'PJSIP/{number}'}
  idle: {channel: 'PJSIP/{number}'}
  echo: {channel: 'WebSocket/INCOMING/c(ulaw)'}
calls:
  ring: {mode: ring, src: phones, number: unasked}
  nobody: {mode: ring, src: phones, number: nobody}
";
    let findings = examine(&lab, config).exits(1);
    let phones = |outcome: &str, words: &str| {
        findings.all.iter().any(|found| {
            found["link"] == "phones" && found["outcome"] == outcome && found["what"].as_str().unwrap().contains(words)
        })
    };
    assert!(phones("ok", "PJSIP/unasked is online") && phones("problem", "no endpoint PJSIP/nobody"), "{findings:#?}");
    findings
        .says(("gone", "endpoint"), "problem", &["knows no endpoint PJSIP/gnoe; it has homeless, unasked", "`channel`"])
        .says(("homeless", "endpoint"), "problem", &["PJSIP/homeless is offline", "no contact"])
        .says(("unasked", "endpoint"), "ok", &["PJSIP/unasked is online"])
        .says(("old", "technology"), "problem", &["`SIP/foo/{number}`, but chan_sip", "`channel: PJSIP/{number}@foo`"])
        .says(("idle", "endpoint"), "unknown", &["depends on the number"])
        .says(("echo", "endpoint"), "unknown", &["does not tell of WebSocket/INCOMING"]);
}

/// Endpoints as many have them: none of them sends while nothing is said, and two follow a forwarded call by themselves.
#[test]
fn endpoints_that_fall_silent_or_follow_forwarded_calls_are_named() {
    let endpoint = |name: &str, setting: &str| {
        format!(
            "[{name}]\ntype = endpoint\ntransport = transport-udp\ncontext = from-{name}\naors = {name}\n{setting}\n\
             [{name}]\ntype = aor\ncontact = sip:127.0.0.1:9\n"
        )
    };
    let endpoints = endpoint("plain", "") + &endpoint("core", "rtp_keepalive = 1\nredirect_method = uri_core");
    let endpoints = endpoints + &endpoint("deep", "rtp_keepalive = 1\nredirect_method = uri_pjsip");
    let lab = server(|options| options.pjsip(endpoints));
    let config = "links:\n  plain: {channel: 'PJSIP/{number}@plain'}\n  core: {channel: 'PJSIP/{number}@core'}\n  \
                  deep: {channel: 'PJSIP/{number}@deep'}\n";
    let findings = examine(&lab, config);
    let warns = |link: &str, words: &str| {
        let of_link = findings.all.iter().filter(|found| found["link"] == link && found["outcome"] == "warning");
        of_link.map(|found| found["what"].as_str().unwrap()).any(|what| what.contains(words))
    };
    assert!(warns("plain", "PJSIP/plain sends no RTP while nothing is said"), "{findings:#?}");
    assert!(!warns("plain", "redirect_method") && !warns("core", "RTP"), "{findings:#?}");
    assert!(warns("core", "(redirect_method = uri_core): they ring until calltest hears of it"), "{findings:#?}");
    assert!(warns("deep", "(redirect_method = uri_pjsip): they ring and calltest is not told of it"), "{findings:#?}");
}

#[test]
fn a_far_end_that_went_silent_is_offline() {
    let lab = Lab::builder(&asterisk_lab::for_tests())
        .server("a")
        .server(ServerOptions::named("b"))
        .trunk(Trunk::between("a", "b").named("carrier").qualify_every(Duration::from_secs(1)))
        .start()
        .unwrap();
    lab.server("b").kill().unwrap();
    wait_for_contact(lab.server("a"), " Unavail ");
    let config = "links: {carrier: {channel: 'PJSIP/{number}@carrier', number: '+4912345'}}\n";
    examine(&lab, config)
        .exits(1)
        .says(("carrier", "endpoint"), "problem", &["PJSIP/carrier is offline", "no answer from there"])
        .says(("carrier", "dialplan"), "ok", &[])
        .and_nothing_else(&[("carrier", "endpoint")]);
}
