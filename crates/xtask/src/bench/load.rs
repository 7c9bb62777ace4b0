//! How long a large configuration takes to be read.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use super::statistics::{median, milliseconds};
use super::table::{Cell, Table};
use crate::many_calls::configuration;
use crate::process::{self, Cost, megabytes};
use crate::program::{self, Profile, target_directory};

/// How much to load.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// How many tests the configuration has; it has twice as many links
    #[arg(long, default_value_t = 20_000)]
    tests: usize,
    /// How often it is loaded
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

impl Options {
    /// As little as shows that it works.
    pub(super) fn small() -> Self {
        Self { tests: 200, rounds: 1 }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { tests: 20_000, rounds: 5 }
    }
}

pub(super) fn measure(options: &Options) -> anyhow::Result<Vec<Table>> {
    ensure!(options.rounds > 0, "nothing is measured in no rounds");
    let program = program::build(Profile::Release)?;
    let directory = target_directory().join("bench");
    fs::create_dir_all(&directory)?;
    let file = directory.join("load.cfg");
    let text = configuration("{username: example, password: secret}", options.tests);
    fs::write(&file, &text).context("could not write the configuration")?;
    let caption = format!(
        "A configuration of {} tests and {} links ({:.1} MB), start of the program included; medians of {} runs.",
        options.tests,
        options.tests * 2,
        megabytes(text.len() as u64),
        options.rounds
    );
    let mut table = Table::new("load", caption, &["command", "wall ms", "CPU ms", "peak RSS MB"]);
    for arguments in [&["run", "--list"][..], &["dumpcfg"]] {
        let costs: Vec<Cost> =
            (0..options.rounds).map(|_| load(&program, &file, arguments)).collect::<anyhow::Result<_>>()?;
        table.push(vec![
            arguments.join(" ").into(),
            Cell::Figure(median(costs.iter().map(|cost| milliseconds(cost.wall))), 0),
            Cell::Figure(median(costs.iter().map(|cost| milliseconds(cost.cpu))), 0),
            Cell::Figure(median(costs.iter().map(|cost| megabytes(cost.peak_rss_bytes))), 1),
        ]);
    }
    Ok(vec![table])
}

fn load(program: &Path, file: &Path, arguments: &[&str]) -> anyhow::Result<Cost> {
    let mut command = Command::new(program);
    let cost = process::run(command.args(arguments).arg("-c").arg(file).stdout(Stdio::null()))?;
    ensure!(cost.status.success(), "`calltest {}` fails on it", arguments.join(" "));
    Ok(cost)
}
