//! The program as its users meet it: started as a process with a command line and a configuration, judged by what it
//! prints, how it exits, and what it leaves behind on a real Asterisk.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

mod program;
mod server;

mod command_line;
mod configuration;
mod crash;
mod demo;
mod documents;
mod example;
mod exit_codes;
mod foreign_text;
mod output;
mod owners;
mod readers;
mod refusals;
mod schema;
mod signals;
mod triggers;
