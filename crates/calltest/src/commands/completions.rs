//! `calltest completions SHELL`: a completion script on stdout.

use clap::CommandFactory as _;

use crate::cli::{Cli, Completions};
use crate::exit::Exit;
use crate::output;

pub(crate) fn run(completions: &Completions) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(completions.shell, &mut Cli::command(), "calltest", &mut script);
    output::print_all(&String::from_utf8_lossy(&script))
}
