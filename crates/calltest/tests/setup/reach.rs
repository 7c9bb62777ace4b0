//! Servers that cannot be reached or do not let us in, or lack modules.

use asterisk_lab::AriUser;

use crate::examination::{INSIDE, ask, examine, nothing_is_left, server};
use crate::program::Program;

#[test]
fn nobody_listens() {
    let lab = server(|options| options);
    lab.server("a").kill().unwrap();
    let findings = examine(&lab, INSIDE).exits(1);
    assert_eq!(findings.all.len(), 1, "{findings:#?}");
    findings.says(
        ("", "reach"),
        "problem",
        &["nobody answers at 127.66.", ":8088: ", "refused", "calltest asterisk-config http.conf"],
    );
}

#[test]
fn a_wrong_password_and_a_user_who_may_only_look() {
    let lab = server(|options| options.user(AriUser { is_read_only: true, ..AriUser::new("reader", "secret") }));
    let program = || Program::new().config(INSIDE).on(lab.server("a"));
    let wrong = ask(program().set("asterisk.password=hunter2")).exits(1);
    assert!(!format!("{wrong:?}").contains("hunter2") && wrong.all.len() == 1, "{wrong:#?}");
    wrong.says(("", "credentials"), "problem", &["refuses user `example`", "calltest asterisk-config ari.conf"]);
    let reader = ask(program().set("asterisk.username=reader").set("asterisk.password=secret")).exits(1);
    reader
        .says(("", "rights"), "problem", &["user `reader` may look", "remove `read_only = yes` from [reader]"])
        .and_nothing_else(&[("", "rights")]);
    nothing_is_left(lab.server("a"));
}

#[test]
fn a_missing_module_is_named_with_what_hangs_on_it() {
    let lab = server(|options| options.without_module("res_stasis_snoop"));
    let findings = examine(&lab, INSIDE).exits(1);
    let modules: Vec<_> = findings.all.iter().filter(|found| found["check"] == "modules").collect();
    let words = |part: &str| modules.iter().any(|found| found["what"].as_str().unwrap().contains(part));
    assert!(modules.len() == 2 && words("res_stasis_snoop is not loaded: without it one direction"), "{modules:#?}");
    assert!(
        words("res_ari_channels is not loaded (it needs res_stasis_snoop): without it calls can be"),
        "{modules:#?}"
    );
    findings
        .says(("", "dialplan"), "unknown", &["could not be tried, since res_ari_channels is not loaded"])
        .says(("", "recording"), "ok", &[])
        .and_nothing_else(&[("", "modules"), ("", "dialplan")]);
}

#[test]
fn without_events_and_without_the_means_of_a_trial_nothing_is_claimed() {
    let lab = server(|options| options.without_module("res_ari_events").without_module("chan_bridge_media"));
    examine(&lab, INSIDE)
        .exits(1)
        .says(("", "modules"), "problem", &["res_ari_events is not loaded: without it we do not hear"])
        .says(("", "dialplan"), "unknown", &["since res_ari_events is not loaded"])
        .says(("", "playing"), "unknown", &["could not be tried, since chan_bridge_media is not loaded"])
        .says(("", "recording"), "unknown", &["chan_bridge_media"])
        .and_nothing_else(&[("", "modules"), ("", "dialplan"), ("", "playing"), ("", "recording")]);
}

#[test]
fn a_server_without_http_ari_is_told_from_one_without_any() {
    let lab = server(|options| options);
    let a = lab.server("a");
    a.cli("module unload res_ari_asterisk.so").unwrap();
    let findings = ask(Program::new().config(INSIDE).on(a)).exits(1);
    findings.says(("", "reach"), "ok", &[]).says(
        ("", "modules"),
        "problem",
        &["res_ari_asterisk", "module load res_ari_asterisk.so"],
    );
    nothing_is_left(a);
}
