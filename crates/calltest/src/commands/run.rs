//! `calltest run`: runs tests once, all at the same time as far as their links allow.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use calltest_core::plan::{CallTest, Plan};
use calltest_report::text::Tally;
use calltest_runner::{Control, Identity, LocalLeases, Observer, Runner};
use indicatif::MultiProgress;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cli::{Cli, Format, Run};
use crate::display::{Display, Style};
use crate::exit::Exit;
use crate::{configuration, logging, signals};

pub(crate) fn run(cli: &Cli, run: &Run) -> anyhow::Result<Exit> {
    let loaded = match configuration::load_for(&cli.common) {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let plan = Arc::new(loaded.plan);
    if plan.tests.is_empty() {
        anstream::eprintln!("calltest: No tests known. Missing config file? Looked for {}", places(cli));
        return Ok(Exit::Usage);
    }
    let tests = match chosen(&plan, &run.names) {
        Ok(tests) => tests,
        Err(unknown) => {
            anstream::eprintln!("calltest: {unknown}");
            return Ok(Exit::Usage);
        }
    };
    if run.list {
        list(if run.names.is_empty() { &plan.tests } else { &tests });
        return Ok(Exit::Success);
    }
    let progress = MultiProgress::new();
    if let Err(exit) = logging::start(cli, Some(&plan), &progress) {
        return Ok(exit);
    }
    let style = Style { format: run.format, is_quiet: cli.common.quiet, shows_timeline: cli.common.verbose > 0 };
    let display = Display::new(style, progress);
    let runtime = tokio::runtime::Runtime::new().context("could not start the asynchronous runtime")?;
    runtime.block_on(run_all(plan, tests, run.take_over, display))
}

fn places(cli: &Cli) -> String {
    match &cli.common.cfg {
        Some(path) => path.display().to_string(),
        None => configuration::places(),
    }
}

/// The tests named, or all that are not left to be started by hand.
fn chosen(plan: &Plan, names: &[String]) -> Result<Vec<Arc<CallTest>>, String> {
    if names.is_empty() {
        return Ok(plan.tests.iter().filter(|test| !test.schedule.is_manual).cloned().collect());
    }
    let find = |name: &String| {
        plan.test(name).cloned().ok_or_else(|| {
            let known = plan.tests.iter().map(|test| test.name.as_str());
            let close =
                known.map(|known| (strsim::jaro_winkler(known, name), known)).max_by(|a, b| a.0.total_cmp(&b.0));
            match close {
                Some((likeness, known)) if likeness > 0.8 => {
                    format!("there is no test {name}\nhint: did you mean {known}?")
                }
                _ => format!("there is no test {name}\nhint: `calltest run --list` lists them"),
            }
        })
    };
    let mut tests: Vec<Arc<CallTest>> = Vec::new();
    for name in names {
        let test = find(name)?;
        if !tests.iter().any(|known| known.name == test.name) {
            tests.push(test);
        }
    }
    Ok(tests)
}

fn list(tests: &[Arc<CallTest>]) {
    for test in tests {
        let mark = if test.schedule.is_manual { "m" } else { "-" };
        println!("{}\t{mark}\t{}", test.name, test.info);
    }
}

/// Runs tests and shows how they come out.
pub(crate) async fn run_all(
    plan: Arc<Plan>,
    tests: Vec<Arc<CallTest>>,
    take_over: bool,
    display: Arc<Display>,
) -> anyhow::Result<Exit> {
    let interrupted = CancellationToken::new();
    signals::watch(interrupted.clone()).context("could not watch for signals")?;
    let started = Instant::now();
    let identity = Identity { instance: instance(), take_over };
    let observer: Arc<dyn Observer> = Arc::clone(&display) as Arc<dyn Observer>;
    display.begin(&tests);
    let opening = Runner::open(plan, &tests, &identity, Arc::new(LocalLeases::default()), observer);
    let Some(runner) = interrupted.run_until_cancelled(opening).await else {
        return Ok(Exit::Interrupted);
    };
    let runner = Arc::new(runner);
    for (_, why) in runner.servers().unavailable() {
        display.complain(why);
    }
    if runner.servers().are_all_unavailable() {
        runner.close().await;
        return Ok(Exit::CouldNotFindOut);
    }
    let mut runs = JoinSet::new();
    for test in tests {
        let (runner, control) = (Arc::clone(&runner), Control::under(&interrupted));
        runs.spawn(async move { runner.run(&test, &control).await });
    }
    let mut tally = Tally::default();
    while let Some(finished) = runs.join_next().await {
        let finished = finished.context("a run ended without a verdict")?;
        tally.add(&finished.verdict);
        display.finished(&finished).context("could not print a result")?;
    }
    runner.close().await;
    display.summary(&tally, started.elapsed()).context("could not print the summary")?;
    Ok(Exit::of(&tally, interrupted.is_cancelled()))
}

/// How this process names itself to others that want the same app.
fn instance() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().replace(char::is_whitespace, "_");
    format!("calltest@{host}:{}:{:08x}", std::process::id(), rand::random::<u32>())
}

/// Whether an error is a reader that has gone away, as `head` does.
pub(crate) fn is_broken_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

impl Format {
    /// Whether it is for people.
    pub(crate) fn is_text(self) -> bool {
        self == Self::Text
    }
}
