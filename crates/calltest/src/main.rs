//! The `calltest` program: command line, wiring, signals, exit codes. What a call test means and does is in the crates
//! below; this is the only place that reads the environment and ends the process.

mod call_loop;
mod cli;
mod commands;
mod configuration;
mod daemon_client;
mod directories;
mod display;
mod engines;
mod exit;
mod log_fields;
mod logging;
mod output;
mod server_events;
mod signals;

use std::process::ExitCode;

use cli::{Cli, Command};
use exit::{Exit, Stop};

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    rustls::crypto::ring::default_provider()
        .install_default()
        .expect("nothing has installed another provider before main");
    let done = match &cli.command {
        Command::Run(run) => commands::run::run(&cli, run),
        Command::Server(server) => commands::server::run(&cli, server),
        Command::Dumpcfg(dump) => commands::dumpcfg::run(&cli, dump),
        Command::Demo(demo) => commands::demo::run(&cli, demo),
        Command::Doctor(doctor) => commands::doctor::run(&cli, doctor),
        Command::AsteriskConfig(wanted) => commands::asterisk_config::run(&cli, wanted),
        Command::Number(number) => commands::number::run(&cli, number),
        Command::Schema => commands::schema::run(),
        Command::Completions(completions) => commands::completions::run(completions),
        Command::Man(man) => commands::man::run(man),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(Stop::Told(exit)) => exit.into(),
        Err(Stop::Failed(error)) => {
            output::complain(&format!("{error:#}"));
            Exit::CouldNotFindOut.into()
        }
    }
}
