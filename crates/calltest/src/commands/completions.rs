//! `calltest completions SHELL`: a completion script on stdout.

use clap::CommandFactory as _;

use crate::cli::{Cli, Completions};
use crate::exit::Exit;

pub(crate) fn run(completions: &Completions) -> anyhow::Result<Exit> {
    clap_complete::generate(completions.shell, &mut Cli::command(), "calltest", &mut std::io::stdout());
    Ok(Exit::Success)
}
