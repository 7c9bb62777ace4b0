//! Programs that carry out the same tests on the same Asterisk, in turn.
//!
//! A machine's speed varies by a third from hour to hour, so programs can be compared only within one run. Which goes first
//! changes from round to round, so that none always finds the server warm.

use std::path::Path;

use anyhow::ensure;

use super::environment::Original;
use super::statistics::median;
use super::table::{Cell, Table};
use crate::many_calls::{ManyCalls, Usage};
use crate::process::megabytes;

#[derive(Clone, Copy)]
pub(super) enum Program<'p> {
    Build(&'static str, &'p Path),
    /// Calltest 0.7.4.
    Original(&'p Original),
}

/// What a program cost at one number of tests.
#[derive(Default)]
struct Cost {
    usages: Vec<Usage>,
    passed: usize,
}

/// Medians of some rounds for each number of tests at once, and how many times as much as the first program each needs. A
/// program that is given a limit takes part up to so many tests.
pub(super) fn compare(
    server: &ManyCalls,
    programs: &[(Program<'_>, usize)],
    calls: &[usize],
    rounds: usize,
) -> anyhow::Result<Table> {
    ensure!(rounds > 0, "nothing is measured in no rounds");
    let caption =
        format!("dtmf tests at once, in turn on one Asterisk; medians of {rounds} rounds. The first of each is 1.");
    let columns = [
        "at once",
        "program",
        "passed %",
        "wall s",
        "CPU ms a test",
        "peak RSS MB",
        "Asterisk CPU ms a test",
        "CPU, first = 1",
        "RSS, first = 1",
    ];
    let mut table = Table::new("runs", caption, &columns);
    for calls in calls {
        let file = server.configure(*calls)?;
        let mut costs: Vec<(Program<'_>, Cost)> =
            programs.iter().filter(|(_, most)| calls <= most).map(|(program, _)| (*program, Cost::default())).collect();
        for round in 0..rounds {
            for turn in 0..costs.len() {
                let index = (round + turn) % costs.len();
                let (program, cost) = &mut costs[index];
                cost.add(*program, server, &file, *calls)?;
            }
        }
        let (cpu, rss) = (costs[0].1.cpu(), costs[0].1.peak_rss());
        for (program, cost) in &costs {
            table.push(vec![
                Cell::count(*calls),
                program.name().into(),
                Cell::Figure(cost.passed as f64 * 100.0 / (calls * rounds) as f64, 2),
                Cell::Figure(cost.median(|usage| usage.tester.wall.as_secs_f64()), 2),
                Cell::Figure(cost.cpu() * 1000.0 / *calls as f64, 3),
                Cell::Figure(cost.peak_rss(), 2),
                Cell::Figure(cost.median(|usage| usage.asterisk_cpu.as_secs_f64()) * 1000.0 / *calls as f64, 2),
                Cell::Figure(cost.cpu() / cpu, 3),
                Cell::Figure(cost.peak_rss() / rss, 3),
            ]);
        }
    }
    Ok(table)
}

impl Program<'_> {
    fn name(self) -> &'static str {
        match self {
            Self::Build(name, _) => name,
            Self::Original(_) => "0.7.4",
        }
    }
}

impl Cost {
    fn add(
        &mut self,
        program: Program<'_>,
        server: &ManyCalls,
        configuration: &Path,
        calls: usize,
    ) -> anyhow::Result<()> {
        let (usage, passed) = match program {
            Program::Original(original) => original.run(server, configuration, calls)?,
            Program::Build(name, program) => {
                let outcome = server.run(program, configuration)?;
                for (reason, count) in &outcome.others {
                    println!("{name}: of {calls} tests at once, {count} did not pass: {reason}");
                }
                (outcome.usage, outcome.passed)
            }
        };
        self.usages.push(usage);
        self.passed += passed;
        Ok(())
    }

    fn median(&self, of: impl Fn(&Usage) -> f64) -> f64 {
        median(self.usages.iter().map(of))
    }

    fn cpu(&self) -> f64 {
        self.median(|usage| usage.tester.cpu.as_secs_f64())
    }

    fn peak_rss(&self) -> f64 {
        self.median(|usage| megabytes(usage.tester.peak_rss_bytes))
    }
}
