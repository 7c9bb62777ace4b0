//! The `calltest` program: command line, wiring, signals, exit codes. What a call test means and does is in the crates
//! below; this is the only place that reads the environment and ends the process.

mod cli;
mod commands;
mod configuration;
mod display;
mod exit;
mod logging;
mod signals;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    rustls::crypto::ring::default_provider()
        .install_default()
        .expect("nothing has installed another provider before main");
    let done = match &cli.command {
        Command::Run(run) => commands::run::run(&cli, run),
        Command::Dumpcfg(dump) => commands::dumpcfg::run(&cli, dump),
        Command::Demo(demo) => commands::demo::run(&cli, demo),
        Command::Schema => commands::schema::run(),
        Command::Completions(completions) => commands::completions::run(completions),
        Command::Man => commands::man::run(),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(error) => {
            anstream::eprintln!("calltest: {error:#}");
            exit::Exit::CouldNotFindOut.into()
        }
    }
}
