//! The original program and this one, in turn, on the same Asterisk with the same tests.
//!
//! Medians of several rounds. The one that goes first changes from round to round, so that neither always finds the server
//! warm.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::ensure;

use super::environment::Original;
use super::statistics::{median, timed};
use super::table::{Cell, Table};
use crate::crowd::{Crowd, Usage};
use crate::process::megabytes;
use crate::program;

/// What a dtmf test has to wait for, whoever runs it: a second of ringing, one after the answer, ten digits of 200 ms.
const LEAST: Duration = Duration::from_secs(4);
/// For how long ours watches, after that, for digits that nobody sent.
const TAIL: Duration = Duration::from_millis(500);

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

/// What was seen of one program at one number of tests.
#[derive(Debug, Default)]
struct Seen {
    usages: Vec<Usage>,
    /// How many tests passed, of all that were run.
    passed: usize,
    run: usize,
}

/// The two programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tester {
    Original,
    Ours,
}

pub(super) fn measure(options: &Options) -> anyhow::Result<Vec<Table>> {
    ensure!(options.rounds > 0, "nothing is measured in no rounds");
    let (original, ours, crowd) = (Original::ready()?, program::build()?, Crowd::start()?);
    let caption = format!(
        "dtmf tests at once, calltest 0.7.4 on Python {} and this program in turn; medians of {} rounds. Excess is the wall \
         time beyond what such a test has to wait: {} s, and in ours {} s more, in which no digit may come.",
        original.python,
        options.rounds,
        LEAST.as_secs_f64(),
        TAIL.as_secs_f64(),
    );
    let columns = [
        "at once",
        "program",
        "passed %",
        "wall s",
        "excess s",
        "CPU s",
        "CPU ms a test",
        "peak RSS MB",
        "Asterisk CPU s",
    ];
    let mut table = Table::new("runs", caption, &columns);
    let columns = ["at once", "CPU", "peak RSS", "excess"];
    let mut ratios = Table::new("ratios", "How many times as much the original needs.", &columns);
    for calls in &options.calls {
        let file = crowd.configure(*calls)?;
        let mut seen = [Seen::default(), Seen::default()];
        for round in 0..options.rounds {
            let order =
                if round % 2 == 0 { [Tester::Original, Tester::Ours] } else { [Tester::Ours, Tester::Original] };
            for tester in order {
                let seen = &mut seen[tester as usize];
                let (usage, passed) = match tester {
                    Tester::Original => run_original(&crowd, &original, &file, *calls)?,
                    Tester::Ours => {
                        let outcome = crowd.run(&ours, &file)?;
                        (outcome.usage, outcome.passed)
                    }
                };
                seen.usages.push(usage);
                seen.passed += passed;
                seen.run += calls;
            }
        }
        let [theirs, own] = &seen;
        table.push(theirs.row(*calls, "0.7.4", LEAST));
        table.push(own.row(*calls, "this", LEAST + TAIL));
        ratios.push(vec![
            Cell::count(*calls),
            Cell::Figure(theirs.cpu() / own.cpu(), 1),
            Cell::Figure(theirs.peak_rss() / own.peak_rss(), 1),
            Cell::Figure(theirs.excess(LEAST) / own.excess(LEAST + TAIL), 1),
        ]);
    }
    Ok(vec![table, ratios, start_up(&crowd, [("0.7.4", &original.program), ("this", &ours)], options.rounds)?])
}

/// Runs all tests with the original. It ends all of them when one fails, and tells nothing of the others: then none counts
/// as passed.
fn run_original(crowd: &Crowd, original: &Original, file: &Path, calls: usize) -> anyhow::Result<(Usage, usize)> {
    let mut command = Command::new(&original.program);
    command.arg("-c").arg(file).arg("run").stdout(Stdio::null()).stderr(Stdio::null());
    let usage = crowd.watch(&mut command)?;
    let passed = if usage.tester.status.success() { calls } else { 0 };
    Ok((usage, passed))
}

impl Seen {
    fn row(&self, calls: usize, program: &str, least: Duration) -> Vec<Cell> {
        vec![
            Cell::count(calls),
            program.into(),
            Cell::Figure(self.passed as f64 * 100.0 / self.run as f64, 1),
            Cell::Figure(self.wall(), 2),
            Cell::Figure(self.excess(least), 2),
            Cell::Figure(self.cpu(), 3),
            Cell::Figure(self.cpu() * 1000.0 / calls as f64, 2),
            Cell::Figure(self.peak_rss(), 1),
            Cell::Figure(median(self.usages.iter().map(|usage| usage.asterisk_cpu.as_secs_f64())), 2),
        ]
    }

    fn wall(&self) -> f64 {
        median(self.usages.iter().map(|usage| usage.tester.wall.as_secs_f64()))
    }

    fn excess(&self, least: Duration) -> f64 {
        self.wall() - least.as_secs_f64()
    }

    fn cpu(&self) -> f64 {
        median(self.usages.iter().map(|usage| usage.tester.cpu.as_secs_f64()))
    }

    fn peak_rss(&self) -> f64 {
        median(self.usages.iter().map(|usage| megabytes(usage.tester.peak_rss_bytes)))
    }
}

/// How long each takes to start, read a configuration and list its tests.
fn start_up(crowd: &Crowd, programs: [(&str, &PathBuf); 2], rounds: usize) -> anyhow::Result<Table> {
    let caption =
        format!("Start-up: `run -l` on a configuration of so many tests, in turn; medians of {} runs.", rounds * 3);
    let mut table = Table::new("start_up", caption, &["tests", "0.7.4 ms", "this ms", "ratio"]);
    for tests in [1, 200, 1600] {
        let file = crowd.configure(tests)?;
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..rounds * 3 {
            for (times, (name, program)) in times.iter_mut().zip(programs) {
                let mut command = Command::new(program);
                command.arg("-c").arg(&file).args(["run", "-l"]).stdout(Stdio::null()).stderr(Stdio::null());
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
