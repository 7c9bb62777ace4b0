//! `calltest completions SHELL`: a completion script on stdout.

use clap::CommandFactory as _;

use crate::cli::{Cli, Completions};
use crate::exit::{Exit, Stop};
use crate::output;

pub(crate) fn run(completions: &Completions) -> Result<Exit, Stop> {
    let mut script = Vec::new();
    clap_complete::generate(completions.shell, &mut Cli::command(), "calltest", &mut script);
    Ok(output::print_all(&String::from_utf8_lossy(&script))?)
}
