//! How the program helps with setting Asterisk up: a server that has what `asterisk-config` prints works, and the doctor
//! finds each thing that is wrong with one that has not, without leaving anything behind.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

#[path = "../cli/program.rs"]
#[expect(dead_code, reason = "the tests of the command line need more of it")]
mod program;

mod asterisk_config;
mod dialplan;
mod endpoints;
mod examination;
mod healthy;
mod media;
mod owners;
mod reach;
mod ways;
