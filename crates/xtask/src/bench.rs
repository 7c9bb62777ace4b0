//! `cargo xtask bench`: what calltest costs, beside the original program and beside Asterisk itself.
//!
//! Nothing here is a test: figures depend on the machine and on what else it does. They are printed as tables for
//! `docs/performance.md`, and as JSON for whoever compares them.

mod asterisk;
mod builds;
mod contenders;
mod environment;
mod history;
mod load;
mod machine;
mod original;
mod scheduled;
mod statistics;
mod table;

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use machine::Machine;
use table::Table;

use crate::program::{self, Profile};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    subject: Subject,
    /// Write the figures to this file, as JSON
    #[arg(long, global = true, value_name = "FILE")]
    json: Option<PathBuf>,
    /// With this build as it is, and of `all` next to nothing: shows that it works, the figures mean nothing
    #[arg(long, global = true)]
    small: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Subject {
    /// Run the same tests with calltest 0.7.4 from PyPI and with this one, in turn
    Original(original::Options),
    /// Compare our CPU with Asterisk's for the same calls, and find out how many calls at once are too many
    Asterisk(asterisk::Options),
    /// Compare this program with another build of it, on the same tests in turn
    Builds(builds::Options),
    /// Load a large configuration
    Load(load::Options),
    /// Ask the daemon about a history of millions of runs
    History(history::Options),
    /// Run thousands of tests on the daemon's schedule
    Scheduled(scheduled::Options),
    /// All of these, with their defaults
    All,
}

pub(crate) fn run(bench: &Bench) -> anyhow::Result<()> {
    if cfg!(debug_assertions) && !bench.small {
        return program::run_optimised();
    }
    let machine = Machine::this()?;
    println!("{machine}\n");
    let measured = match &bench.subject {
        Subject::Original(options) => vec![("original", original::measure(options)?)],
        Subject::Asterisk(options) => vec![("asterisk", asterisk::measure(options)?)],
        Subject::Builds(options) => vec![("builds", builds::measure(options)?)],
        Subject::Load(options) => vec![("load", load::measure(options)?)],
        Subject::History(options) => vec![("history", history::measure(options)?)],
        Subject::Scheduled(options) => vec![("scheduled", scheduled::measure(options)?)],
        Subject::All if bench.small => vec![
            ("load", load::measure(&load::Options::small())?),
            ("history", history::measure(&history::Options::small())?),
            ("asterisk", asterisk::measure(&asterisk::Options::small())?),
            ("builds", builds::measure(&builds::Options::small(program::build(Profile::Release)?))?),
            ("scheduled", scheduled::measure(&scheduled::Options::small())?),
        ],
        Subject::All => vec![
            ("load", load::measure(&load::Options::default())?),
            ("history", history::measure(&history::Options::default())?),
            ("asterisk", asterisk::measure(&asterisk::Options::default())?),
            ("scheduled", scheduled::measure(&scheduled::Options::default())?),
            // Last, since it needs the network and an old Python, and must not keep back the others.
            ("original", original::measure(&original::Options::default())?),
        ],
    };
    for table in measured.iter().flat_map(|(_, tables)| tables) {
        println!("{table}");
    }
    if let Some(file) = &bench.json {
        let text = serde_json::to_string_pretty(&document(&machine, &measured))?;
        fs::write(file, text + "\n").with_context(|| format!("could not write {}", file.display()))?;
    }
    Ok(())
}

/// Everything that was measured: by subject and table, a list of rows, each with its columns by name.
fn document(machine: &Machine, measured: &[(&'static str, Vec<Table>)]) -> Value {
    let subjects = measured.iter().map(|(subject, tables)| {
        let tables: Map<String, Value> =
            tables.iter().map(|table| (table.name.to_owned(), table.rows_by_column())).collect();
        ((*subject).to_owned(), tables.into())
    });
    let subjects: Map<String, Value> = subjects.collect();
    json!({ "version": 1, "machine": machine.as_json(), "measured": subjects })
}
