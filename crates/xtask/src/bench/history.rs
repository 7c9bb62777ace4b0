//! The daemon on a history of millions of runs: how fast they go in, how long it takes to start, and to answer.
//!
//! The file is made by the daemon itself, so that its form is the true one. Filling it through the daemon would take as
//! long as the runs would, so the rows are put in from here: a change of the form that matters makes that fail.

mod fill;

use std::fs;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::statistics::{median, milliseconds, quantile, timed};
use super::table::{Cell, Table};
use crate::daemon::Daemon;
use crate::http::Http;
use crate::many_calls::ManyCalls;
use crate::process::megabytes;
use crate::program::{self, Profile, target_directory};
use fill::{Filled, fill};

/// All tests wait to be started by hand, and nothing is thrown away.
const SETTINGS: [&str; 2] = [
    "calls.:default:.test={skip: yes}",
    "server.history={days: 3650, failure_days: 3650, runs: 100000000, megabytes: 100000}",
];

/// How large the history is.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// How many runs the history has
    #[arg(long, default_value_t = 2_000_000)]
    runs: u64,
    /// Of how many tests
    #[arg(long, default_value_t = 500)]
    tests: usize,
    /// How often each question is asked
    #[arg(long, default_value_t = 200)]
    requests: usize,
}

impl Options {
    /// As little as shows that it works.
    pub(super) fn small() -> Self {
        Self { runs: 20_000, tests: 5, requests: 2 }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { runs: 2_000_000, tests: 500, requests: 200 }
    }
}

pub(super) fn measure(options: &Options) -> anyhow::Result<Vec<Table>> {
    ensure!(options.runs > 0 && options.tests > 0 && options.requests > 0, "there is nothing to ask about");
    let (program, server) = (program::build(Profile::Release)?, ManyCalls::start()?);
    let state = target_directory().join("bench/history");
    if state.exists() {
        fs::remove_dir_all(&state).context("could not remove the history of last time")?;
    }
    fs::create_dir_all(&state)?;
    // Real reports, of which the same few are used again and again.
    server.record(&program, &server.configure(16)?)?;
    let reports = fs::read_to_string(server.results())?;
    let reports: Vec<&str> = reports.lines().collect();
    let file = server.configure(options.tests)?;

    let daemon = Daemon::new(&program, &file, &state).settings(&SETTINGS);
    let empty_start = daemon.start()?;
    daemon.end()?;
    let path = state.join("state/history.sqlite");
    let filled = fill(&path, options.tests, options.runs, &reports)?;
    let size = fs::metadata(&path)?.len();
    let start = daemon.start()?;

    let caption = format!(
        "{} runs of {} tests, {:.0} MB. Rows go in by SQL, with the schema and the settings that the daemon has made.",
        options.runs,
        options.tests,
        megabytes(size)
    );
    let mut file_table = Table::new("file", caption, &["what", "figure", "unit"]);
    let mut row = |what: &str, figure: f64, digits: usize, unit: &str| {
        file_table.push(vec![what.into(), Cell::Figure(figure, digits), unit.into()]);
    };
    let Filled { batched, single } = filled;
    row("inserted, 500 in a transaction", batched, 0, "runs/s");
    row("inserted, each in its own transaction", single, 0, "runs/s");
    row("start of the daemon, empty history", milliseconds(empty_start), 0, "ms");
    row("start of the daemon", milliseconds(start), 0, "ms");
    let questions = questions(options, &daemon)?;
    row("peak RSS of the daemon after all questions", megabytes(daemon.usage()?.peak_rss_bytes), 1, "MB");
    daemon.end()?;
    fs::remove_dir_all(&state).context("could not remove the history")?;
    Ok(vec![file_table, questions])
}

/// Asks each question many times, each time of another test, over one connection.
fn questions(options: &Options, daemon: &Daemon) -> anyhow::Result<Table> {
    let caption =
        format!("How long the daemon takes to answer; {} requests each, one after the other.", options.requests);
    let mut table = Table::new("questions", caption, &["request", "p50 ms", "p99 ms", "bytes"]);
    let mut http = Http::to(daemon.address()?)?;
    let test = |number: usize| format!("/test/c{:05}", number % options.tests);
    let mut ask = |name: &str, path: &mut dyn FnMut(&mut Http, usize) -> anyhow::Result<String>| {
        let (mut times, mut sizes) = (Vec::new(), Vec::new());
        for number in 0..options.requests {
            let path = path(&mut http, number)?;
            let (took, body) = timed(|| http.get(&path))?;
            times.push(took);
            sizes.push(body.len() as f64);
        }
        let (p50, p99) = (quantile(times.iter().copied(), 0.5), quantile(times, 0.99));
        table.push(vec![name.into(), Cell::Figure(p50, 2), Cell::Figure(p99, 2), Cell::Figure(median(sizes), 0)]);
        anyhow::Ok(())
    };
    ask("`/list`", &mut |_, _| Ok("/list".into()))?;
    ask("`/test/NAME`", &mut |_, number| Ok(test(number)))?;
    ask("`/test/NAME/history`", &mut |_, number| Ok(format!("{}/history", test(number))))?;
    ask("the same, page of 1000", &mut |_, number| Ok(format!("{}/history?limit=1000", test(number))))?;
    ask("the same, failures only", &mut |_, number| Ok(format!("{}/history?verdict=fail", test(number))))?;
    ask("the same, page 31", &mut |http, number| {
        let mut path = format!("{}/history?limit=1000", test(number));
        for _ in 0..3 {
            let page = http.json(&path)?;
            let Some(next) = page["next"].as_str() else { break };
            path = format!("{}/history?limit=1000&before={next}", test(number));
        }
        Ok(path.replace("limit=1000", "limit=100"))
    })?;
    ask("`/test/NAME/runs/ID`", &mut |http, number| {
        let page: Value = http.json(&format!("{}/history?limit=1", test(number)))?;
        let id = page["runs"][0]["id"].as_str().context("the history has no run of a test")?.to_owned();
        Ok(format!("{}/runs/{id}", test(number)))
    })?;
    Ok(table)
}
