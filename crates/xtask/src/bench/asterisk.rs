//! Our CPU beside Asterisk's for the same calls, and how many calls at once are too many, for whom.

use std::collections::BTreeMap;
use std::iter;
use std::path::Path;

use anyhow::ensure;

use super::statistics::median;
use super::table::{Cell, Table};
use crate::many_calls::{ManyCalls, Outcome};
use crate::process::megabytes;
use crate::program::{self, Profile};

/// How much to compare.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// How many tests run at the same time
    #[arg(long, value_delimiter = ',', default_values_t = [1, 50, 200, 500, 1000])]
    calls: Vec<usize>,
    /// How often each is run
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// By how many percent to go on from there, again and again, until a test does not pass; 0 to leave it at that
    #[arg(long, default_value_t = 25)]
    step: usize,
    /// Where to stop in any case
    #[arg(long, default_value_t = 10_000)]
    most: usize,
}

impl Options {
    /// As little as shows that it works.
    pub(super) fn small() -> Self {
        Self { calls: vec![1, 5], rounds: 1, step: 0, most: 5 }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { calls: vec![1, 50, 200, 500, 1000], rounds: 3, step: 25, most: 10_000 }
    }
}

pub(super) fn measure(options: &Options) -> anyhow::Result<Vec<Table>> {
    ensure!(options.rounds > 0, "nothing is measured in no rounds");
    let (program, server) = (program::build(Profile::Release)?, ManyCalls::start()?);
    let mut tables = vec![share(options, &program, &server)?];
    if options.step > 0 {
        tables.push(limit(options, &program, &server)?);
    }
    Ok(tables)
}

fn share(options: &Options, program: &Path, server: &ManyCalls) -> anyhow::Result<Table> {
    let caption = format!(
        "dtmf tests at once, our CPU and Asterisk's for the same calls; medians of {} rounds. Asterisk's is counted in ticks \
         of 10 ms.",
        options.rounds
    );
    let columns =
        ["at once", "passed %", "wall s", "CPU ms a test", "peak RSS MB", "Asterisk CPU ms a test", "our share %"];
    let mut table = Table::new("share", caption, &columns);
    for calls in &options.calls {
        let file = server.configure(*calls)?;
        let outcomes: Vec<Outcome> =
            (0..options.rounds).map(|_| server.run(program, &file)).collect::<anyhow::Result<_>>()?;
        for outcome in &outcomes {
            print_reasons(*calls, &outcome.others);
        }
        let of_each = |figure: fn(&Outcome) -> f64| median(outcomes.iter().map(figure));
        let passed: usize = outcomes.iter().map(|outcome| outcome.passed).sum();
        let cpu = of_each(|outcome| outcome.usage.tester.cpu.as_secs_f64());
        let asterisk_cpu = of_each(|outcome| outcome.usage.asterisk_cpu.as_secs_f64());
        table.push(vec![
            Cell::count(*calls),
            Cell::Figure(passed as f64 * 100.0 / (calls * options.rounds) as f64, 2),
            Cell::Figure(of_each(|outcome| outcome.usage.tester.wall.as_secs_f64()), 2),
            Cell::Figure(cpu * 1000.0 / *calls as f64, 2),
            Cell::Figure(of_each(|outcome| megabytes(outcome.usage.tester.peak_rss_bytes)), 1),
            Cell::Figure(asterisk_cpu * 1000.0 / *calls as f64, 2),
            Cell::Figure(cpu * 100.0 / asterisk_cpu, 1),
        ]);
    }
    Ok(table)
}

/// Goes on with more and more tests at once until one does not pass.
fn limit(options: &Options, program: &Path, server: &ManyCalls) -> anyhow::Result<Table> {
    let caption = "More and more dtmf tests at once, one round each, until one does not pass. CPU as a share of one core \
                   over the whole run: the side that gave out is the one that had none left.";
    let columns = ["at once", "passed", "wall s", "our CPU %", "Asterisk CPU %", "most frequent reason"];
    let mut table = Table::new("limit", caption, &columns);
    let most_so_far = options.calls.iter().copied().max().unwrap_or(0).max(1);
    let more = |calls: &usize| Some(calls + (calls * options.step).div_ceil(100));
    let steps = iter::successors(more(&most_so_far), more).take_while(|calls| *calls <= options.most);
    for calls in steps {
        let file = server.configure(calls)?;
        let outcome = server.run(program, &file)?;
        print_reasons(calls, &outcome.others);
        let wall = outcome.usage.tester.wall.as_secs_f64();
        let reason = outcome.others.iter().max_by_key(|(_, count)| **count).map(|(reason, _)| reason.as_str());
        table.push(vec![
            Cell::count(calls),
            Cell::count(outcome.passed),
            Cell::Figure(wall, 2),
            Cell::Figure(outcome.usage.tester.cpu.as_secs_f64() * 100.0 / wall, 0),
            Cell::Figure(outcome.usage.asterisk_cpu.as_secs_f64() * 100.0 / wall, 0),
            reason.unwrap_or("–").into(),
        ]);
        if outcome.passed < calls {
            break;
        }
    }
    Ok(table)
}

/// Says why tests did not pass.
fn print_reasons(calls: usize, others: &BTreeMap<String, usize>) {
    for (reason, count) in others {
        println!("of {calls} tests at once, {count} did not pass: {reason}");
    }
}
