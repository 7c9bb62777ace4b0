//! Servers with which nothing is wrong.

use std::time::Duration;

use asterisk_lab::{DialplanLanguage, Lab, ServerOptions, Trunk};

use crate::examination::{INSIDE, ask, examine, nothing_is_left, wait_for_contact};
use crate::program::Program;

/// Two servers and a trunk between them, asked for its far end each second.
fn lab() -> Lab {
    let lab = Lab::builder(&asterisk_lab::for_tests())
        .server("a")
        .server(ServerOptions::named("b").dialplan_language(DialplanLanguage::ExtensionsConf))
        .trunk(Trunk::between("a", "b").links("berlin", "paris").qualify_every(Duration::from_secs(1)))
        .start()
        .unwrap();
    // Whoever is up first finds the other silent, and asks again a second later.
    lab.servers().iter().for_each(|server| wait_for_contact(server, " Avail "));
    lab
}

/// What `INSIDE` has, and the trunk.
fn config(lab: &Lab) -> String {
    let b = lab.server("b").ari();
    let trunks = "  berlin: {channel: 'PJSIP/{number}@berlin', number: '+493012345'}\n".to_owned()
        + "  paris: {server: b, channel: 'PJSIP/{number}@paris', number: '+33112345678'}\n";
    let calls = "  there: {mode: call, src: berlin, dst: paris}\n  back: {mode: dtmf, src: paris, dst: berlin}\n";
    format!(
        "{}{calls}servers: {{b: {{host: {}, port: {}, username: {}, password: {}}}}}\n",
        INSIDE.replace("calls:\n", &format!("{trunks}calls:\n")),
        b.host,
        b.port,
        b.username,
        b.password
    )
}

#[test]
fn nothing_is_found_where_nothing_is_wrong_and_a_trunk_is_proven_without_a_call_over_it() {
    let lab = lab();
    let findings = examine(&lab, &config(&lab)).exits(0);
    let findings = findings
        .says(("fone1", "dialplan"), "ok", &["Local/fone1@direct comes to app `calltest` as a call on link fone1"])
        .says(("berlin", "endpoint"), "ok", &["PJSIP/berlin is online"])
        .says(
            ("berlin", "dialplan"),
            "ok",
            &["Local/+493012345@from-berlin, where endpoint berlin delivers its calls,", "as a call on link berlin"],
        )
        .says(("paris", "dialplan"), "ok", &["as a call on link paris"]);
    for check in ["reach", "credentials", "rights", "version", "modules", "app", "playing", "recording"] {
        let of = |server: &str| findings.all.iter().any(|found| found["check"] == check && found["server"] == server);
        assert!(of("asterisk") && of("b"), "{check} of both servers: {findings:#?}");
    }
    findings.and_nothing_else(&[]);
    for server in lab.servers() {
        let invites = server.log().unwrap().lines().filter(|line| line.contains("PJSIP/")).count();
        assert_eq!(invites, 0, "a call went over the trunk: {}", server.log().unwrap());
    }
}

#[test]
fn people_get_a_line_each_and_with_q_only_what_is_wrong() {
    let lab = lab();
    let program = || Program::new().config(&config(&lab)).on(lab.server("a"));
    let all = program().args(["doctor"]).run().exits(0).complains("");
    let lines: Vec<_> = all.stdout.lines().collect();
    let (summary, findings) = lines.split_last().unwrap();
    assert!(findings.iter().all(|line| line.starts_with("ok      asterisk") || line.starts_with("ok      b")), "{all}");
    assert_eq!(*summary, format!("in order: {}, warnings: 0, not found out: 0, problems: 0", findings.len()));
    let quiet = program().args(["doctor", "-q"]).run().exits(0).complains("");
    assert_eq!(quiet.stdout, "");
    lab.servers().iter().for_each(nothing_is_left);
}

#[test]
fn a_server_that_no_link_lies_on_is_left_alone_unless_it_is_the_only_one() {
    let lab = Lab::builder(&asterisk_lab::for_tests()).server("a").start().unwrap();
    let a = lab.server("a").ari();
    let only = format!(
        "servers: {{pbx: {{host: {}, port: {}, username: {}, password: {}}}}}\n\
         links: {{foo: {{server: pbx, number: foo, channel: 'Local/{{number}}@direct'}}}}\n",
        a.host, a.port, a.username, a.password
    );
    let findings = ask(Program::new().config(&only)).exits(0);
    assert!(findings.all.iter().all(|found| found["server"] == "pbx"), "{findings:#?}");
    findings.says(("foo", "dialplan"), "ok", &["as a call on link foo"]).and_nothing_else(&[]);
    let alone = examine(&lab, "{}").exits(0);
    assert!(alone.all.iter().all(|found| found["server"] == "asterisk" && found["link"].is_null()), "{alone:#?}");
}
