//! Servers that cannot play or record.

use std::fs;

use crate::examination::{INSIDE, ask, examine, nothing_is_left, server};
use crate::program::Program;

#[test]
fn a_directory_that_nobody_can_write_to() {
    let lab = server(|options| options);
    let a = lab.server("a");
    let directory = a.directory().join("spool/recording");
    // A file in its place keeps everybody out, even whoever may write anywhere.
    fs::remove_dir(&directory).unwrap();
    fs::write(&directory, "").unwrap();
    // Where the name has a directory in it, Asterisk fails sooner.
    for (base, words) in [("", "did not come about: Asterisk could not write it"), ("sub/", "was refused")] {
        let program = Program::new().config(INSIDE).on(a).set(format!("asterisk.audio.record='{base}'"));
        ask(program)
            .exits(1)
            .says(("", "recording"), "problem", &[words, base, "/var/spool/asterisk/recording"])
            .says(("", "playing"), "ok", &["it plays"])
            .and_nothing_else(&[("", "recording")]);
    }
    fs::remove_file(&directory).unwrap();
    fs::create_dir(&directory).unwrap();
    nothing_is_left(a);
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
