//! What may be set about a server, and what is refused before any server starts.

use std::fs;
use std::time::Duration;

use asterisk_lab::{AriUser, DialplanLanguage, DtmfMode, Lab, LabError, LoopbackAddress, ServerOptions, Trunk};

use crate::eventually::eventually;

#[test]
fn no_module_complains_about_the_configuration() {
    for language in [DialplanLanguage::Ael, DialplanLanguage::ExtensionsConf] {
        let lab = Lab::builder(&asterisk_lab::for_tests())
            .server(ServerOptions::named("a").dialplan_language(language))
            .server("b")
            .trunk(Trunk::between("a", "b"))
            .start()
            .unwrap();
        let log = lab.server("a").log().unwrap();
        let complaints: Vec<_> =
            log.lines().filter(|line| line.contains(" ERROR[") || line.contains(" WARNING[")).collect();
        assert!(complaints.is_empty(), "{language:?}: {complaints:#?}");
    }
}

#[test]
fn https_listens_where_it_was_said_beforehand() {
    let address = LoopbackAddress::lease().unwrap();
    let ip = address.ip();
    let directory = tempfile::tempdir().unwrap();
    let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| directory.path().join(name));
    let made = rcgen::generate_simple_self_signed([ip.to_string()]).unwrap();
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let lab = Lab::builder(&asterisk_lab::for_tests())
        .server(ServerOptions::named("a").address(address).https(certificate, key))
        .start()
        .unwrap();
    let a = lab.server("a");
    assert_eq!(a.ari().host, ip);
    let status = a.cli("http show status").unwrap();
    let port = a.ari().https_port.unwrap();
    assert!(status.contains(&format!("HTTPS Server Enabled and Bound to {ip}:{port}")), "{status}");
}

#[test]
fn endpoints_that_nobody_answers_are_known_to_be_unavailable() {
    let pjsip = "[dead]\ntype = endpoint\ntransport = transport-udp\naors = dead\n\
                 [dead]\ntype = aor\ncontact = sip:127.0.0.1:9\nqualify_frequency = 1\nqualify_timeout = 0.5\n\
                 [homeless]\ntype = endpoint\ntransport = transport-udp\naors = homeless\n\
                 [homeless]\ntype = aor\nmax_contacts = 1\n";
    let lab = Lab::builder(&asterisk_lab::for_tests())
        .server(ServerOptions::named("a").pjsip(pjsip))
        .server("b")
        .trunk(Trunk::between("a", "b").qualify_every(Duration::from_secs(1)))
        .start()
        .unwrap();
    let a = lab.server("a");
    let state = |name: &str| a.cli(&format!("pjsip show endpoint {name}")).unwrap();
    eventually("the contact is given up", || state("dead").contains("Unavail"));
    assert!(state("homeless").contains("Unavailable"), "{}", state("homeless"));
    eventually("the trunk's far end answers", || state("trunk").contains(" Avail "));
}

#[test]
fn more_users_and_another_app_are_where_asterisk_reads_them() {
    let reader = AriUser { is_read_only: true, ..AriUser::new("reader", "secret") };
    let lab = Lab::builder(&asterisk_lab::for_tests())
        .server(ServerOptions::named("a").user(reader).app("tester"))
        .start()
        .unwrap();
    let a = lab.server("a");
    let users = a.cli("ari show users").unwrap();
    assert!(users.lines().any(|line| line.starts_with("Yes") && line.contains("reader")), "{users}");
    assert!(a.cli("dialplan show direct").unwrap().contains("calltest"));
}

#[test]
fn a_server_may_lack_a_module_and_have_files_of_a_users_own() {
    let lab = Lab::builder(&asterisk_lab::for_tests())
        .server(
            ServerOptions::named("a")
                .without_module("res_stasis_snoop")
                .file("extensions.ael", "context mine { 1 => NoOp(); }\n")
                .file("asterisk.conf", "[options]\ntransmit_silence = yes\n"),
        )
        .start()
        .unwrap();
    let a = lab.server("a");
    // Asterisk says that one of them needs the other, and does without it.
    for module in ["res_stasis_snoop", "res_ari_channels"] {
        let status = a.cli(&format!("module show like {module}")).unwrap();
        assert!(!status.contains(" Running "), "{status}");
    }
    assert!(a.cli("dialplan show mine").unwrap().contains("NoOp()"));
    assert!(a.cli("dialplan show direct").unwrap().contains("no existence"));
    let settings = a.cli("core show settings").unwrap();
    assert!(settings.lines().any(|line| line.contains("Transmit silence") && line.ends_with("Enabled")), "{settings}");
}

#[test]
fn silence_is_sent_where_a_trunk_carries_digits_as_tones_unless_told_otherwise() {
    let installation = asterisk_lab::for_tests();
    let tones = || Trunk::between("a", "b").dtmf_mode(DtmfMode::Inband);
    let lab = Lab::builder(&installation)
        .server("a")
        .server(ServerOptions::named("b").transmits_silence(false))
        .server("c")
        .trunk(tones())
        .start()
        .unwrap();
    for (server, expected) in [("a", "Enabled"), ("b", "Disabled"), ("c", "Disabled")] {
        let settings = lab.server(server).cli("core show settings").unwrap();
        let line = settings.lines().find(|line| line.contains("Transmit silence during")).unwrap();
        assert!(line.ends_with(expected), "{server}: {line}");
    }
}

#[test]
fn what_does_not_fit_together_is_said_before_anything_starts() {
    let builder = || Lab::builder(&asterisk_lab::for_tests()).server("a").server("b");
    let error = builder().server("a").start().unwrap_err();
    assert!(matches!(error, LabError::DuplicateServer { .. }), "{error}");
    let error = builder().trunk(Trunk::between("a", "c")).start().unwrap_err();
    assert_eq!(error.to_string(), "the trunk trunk ends at server c, which this lab does not have");
    let error = builder().trunk(Trunk::between("a", "b")).trunk(Trunk::between("b", "a")).start().unwrap_err();
    assert!(matches!(error, LabError::DuplicateLink { .. }), "{error}");
    let deep = tempfile::Builder::new().prefix(&"deep".repeat(25)).tempdir().unwrap();
    let error = builder().directory(deep.path()).start().unwrap_err();
    assert!(matches!(error, LabError::PathTooLong { .. }), "{error}");
    assert_eq!(fs::read_dir(deep.path()).unwrap().count(), 0);
}
