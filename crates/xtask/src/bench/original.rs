//! The original program and this one, on the same tests, and how long each takes to start.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::ensure;

use super::contenders::{Program, compare};
use super::environment::Original;
use super::statistics::{median, timed};
use super::table::{Cell, Table};
use crate::many_calls::ManyCalls;
use crate::program::{self, Profile};

/// How much to compare.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// How many tests run at the same time
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 50, 100, 200])]
    calls: Vec<usize>,
    /// How often each is run with each program
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { calls: vec![1, 10, 50, 100, 200], rounds: 3 }
    }
}

pub(super) fn measure(options: &Options) -> anyhow::Result<Vec<Table>> {
    let (original, ours, server) = (Original::ready()?, program::build(Profile::Release)?, ManyCalls::start()?);
    let programs = [(Program::Build("this", &ours), usize::MAX), (Program::Original(&original), usize::MAX)];
    Ok(vec![
        compare(&server, &programs, &options.calls, options.rounds)?,
        start_up(&server, &original, &ours, options.rounds)?,
    ])
}

/// How long each takes to start, read a configuration and list its tests.
fn start_up(server: &ManyCalls, original: &Original, ours: &Path, rounds: usize) -> anyhow::Result<Table> {
    let caption =
        format!("Start-up: `run -l` on a configuration of so many tests, in turn; medians of {} runs.", rounds * 3);
    let mut table = Table::new("start_up", caption, &["tests", "0.7.4 ms", "this ms", "ratio"]);
    for tests in [1, 200, 1600] {
        let file = server.configure(tests)?;
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..rounds * 3 {
            let mut our_command = Command::new(ours);
            our_command.arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
            let commands = [("0.7.4", original.command(server.directory(), &file)), ("this", our_command)];
            for (times, (name, mut command)) in times.iter_mut().zip(commands) {
                command.args(["run", "-l"]);
                let (took, status) = timed(|| Ok(command.status()?))?;
                ensure!(status.success(), "calltest ({name}) does not list its tests");
                times.push(took);
            }
        }
        let [theirs, own] = times.map(median);
        table.push(vec![
            Cell::count(tests),
            Cell::Figure(theirs, 1),
            Cell::Figure(own, 1),
            Cell::Figure(theirs / own, 1),
        ]);
    }
    Ok(table)
}
