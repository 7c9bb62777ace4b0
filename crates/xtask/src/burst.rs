//! `cargo xtask burst`: many dtmf tests at once, each on a pair of links of its own, against one real Asterisk.
//!
//! It runs the program as a user would, on a configuration that it writes, and passes if every run of every round does and
//! no channel is left. What it prints about time and memory is information, not part of the verdict.

use anyhow::ensure;

use crate::many_calls::ManyCalls;
use crate::process::megabytes;
use crate::program::{self, Profile};

/// How big the burst is.
#[derive(Debug, clap::Args)]
pub(crate) struct Burst {
    /// How many tests run at the same time
    #[arg(long, default_value_t = 500)]
    calls: usize,
    /// How often all of them are run
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

pub(crate) fn run(burst: &Burst) -> anyhow::Result<()> {
    let program = program::build(Profile::Release)?;
    let server = ManyCalls::start()?;
    let file = server.configure(burst.calls)?;
    println!(
        "{:>6} {:>7} {:>7} {:>9} {:>12} {:>11}",
        "round", "calls", "passed", "wall s", "CPU ms/call", "peak RSS MB"
    );
    for round in 1..=burst.rounds {
        let outcome = server.record(&program, &file)?;
        let tester = outcome.usage.tester;
        for (reason, count) in &outcome.others {
            println!("{count} times {reason}");
        }
        println!(
            "{round:>6} {:>7} {:>7} {:>9.2} {:>12.2} {:>11.1}",
            burst.calls,
            outcome.passed,
            tester.wall.as_secs_f64(),
            tester.cpu.as_secs_f64() * 1000.0 / burst.calls as f64,
            megabytes(tester.peak_rss_bytes),
        );
        let passed = outcome.passed;
        ensure!(tester.status.success() && passed == burst.calls, "{passed} of {} tests passed", burst.calls);
        let left = outcome.usage.left_channels;
        ensure!(left == 0, "{left} channels were left");
    }
    Ok(())
}
