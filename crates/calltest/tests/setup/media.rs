//! Servers that cannot play or record.

use std::fs;

use crate::examination::{INSIDE, examine, server};

#[test]
fn a_directory_that_nobody_can_write_to() {
    let lab = server(|options| options);
    let directory = lab.server("a").directory().join("spool/recording");
    // A file in its place keeps everybody out, even whoever may write anywhere.
    fs::remove_dir(&directory).unwrap();
    fs::write(&directory, "").unwrap();
    let findings = examine_and_restore(&lab, &directory);
    findings
        .exits(1)
        .says(
            ("", "recording"),
            "problem",
            &["did not come about: Asterisk could not write it", "/var/spool/asterisk/recording"],
        )
        .says(("", "playing"), "ok", &["it plays"])
        .and_nothing_else(&[("", "recording")]);
}

fn examine_and_restore(lab: &asterisk_lab::Lab, directory: &std::path::Path) -> crate::examination::Findings {
    let findings = crate::examination::ask(crate::program::Program::new().config(INSIDE).on(lab.server("a")));
    fs::remove_file(directory).unwrap();
    fs::create_dir(directory).unwrap();
    crate::examination::nothing_is_left(lab.server("a"));
    findings
}

#[test]
fn a_server_without_the_recording_module() {
    let lab = server(|options| options.without_module("res_stasis_recording"));
    let findings = examine(&lab, INSIDE).exits(1);
    let named = findings.all.iter().any(|found| {
        found["check"] == "modules" && found["what"].as_str().unwrap().starts_with("res_stasis_recording is not loaded")
    });
    assert!(named, "{findings:#?}");
    findings.says(("", "recording"), "unknown", &["res_ari_bridges is not loaded"]);
}

#[test]
fn a_server_without_wav_files() {
    let lab = server(|options| options.without_module("format_wav"));
    examine(&lab, INSIDE).exits(1).says(("", "modules"), "problem", &["format_wav is not loaded"]).says(
        ("", "recording"),
        "problem",
        &["calltest-doctor-"],
    );
}
