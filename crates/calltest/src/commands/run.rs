//! `calltest run`: runs tests once, all at the same time as far as their links allow. Beside a daemon of the same
//! configuration, the daemon runs them.

mod handover;
mod results;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use calltest_core::plan::{CallTest, Plan};
use calltest_report::plain_text::printable;
use calltest_report::run::Report;
use calltest_report::text::Tally;
use calltest_runner::{Control, LocalLeases, Observer, Runner, Setup};
use indicatif::MultiProgress;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;

use self::results::{BatchError, Results};
use crate::call_loop::call_loop;
use crate::cli::{Cli, Run};
use crate::daemon_client::DaemonClient;
use crate::display::{Display, Style};
use crate::engines::{connector, instance};
use crate::exit::{Exit, Stop};
use crate::output::Refusal;
use crate::signals::Hangup;
use crate::{configuration, directories, logging, output, signals};

/// What becomes known within this time is printed together, while other runs go on: each time, a thread has to be woken, and
/// nobody reads faster.
const TOGETHER: Duration = Duration::from_millis(20);

pub(crate) fn run(cli: &Cli, run: &Run) -> Result<Exit, Stop> {
    let loaded = configuration::load_for(&cli.common)?;
    let plan = Arc::new(loaded.plan);
    if plan.tests.is_empty() {
        let why = format!("No tests known. Missing config file? {}", where_no_tests_are(cli, &plan));
        return Err(output::refuse(why));
    }
    if run.list && run.names.is_empty() {
        return Ok(output::print_all(&list(&plan.tests))?);
    }
    let tests = chosen(&plan, &run.names).map_err(output::refuse)?;
    if run.list {
        return Ok(output::print_all(&list(&tests))?);
    }
    let progress = MultiProgress::new();
    logging::start(cli, Some(&plan), &progress)?;
    let style = Style { format: run.format, is_quiet: cli.common.quiet, shows_timeline: cli.common.verbose > 0 };
    let display = Display::new(style, progress);
    let runtime = call_loop()?;
    let done = runtime.block_on(run_here_or_there(plan, tests, run.take_over, display));
    runtime.shutdown_background();
    Ok(done?)
}

/// Where tests were looked for in vain.
fn where_no_tests_are(cli: &Cli, plan: &Plan) -> String {
    match (&*plan.origin, &cli.common.cfg) {
        ("-", None) => format!("Looked for {}", configuration::places()),
        ("-", Some(_)) => "The built-in defaults have none".into(),
        (file, _) => format!("{file} has no `calls`"),
    }
}

/// The tests named, or all that are not left to be started by hand. There is at least one.
pub(crate) fn chosen(plan: &Plan, names: &[String]) -> Result<Vec<Arc<CallTest>>, Refusal> {
    if names.is_empty() {
        let tests: Vec<_> = plan.tests.iter().filter(|test| !test.schedule.is_manual).cloned().collect();
        if tests.is_empty() {
            let hint = "name those to run; `calltest run --list` lists them";
            return Err(Refusal::with_hint("every test is marked `skip`", hint));
        }
        return Ok(tests);
    }
    let find = |name: &String| {
        plan.test(name).cloned().ok_or_else(|| {
            let known = plan.tests.iter().map(|test| test.name.as_str());
            let hint = match calltest_config::nearest(name, known) {
                Some(known) => format!("did you mean {known}?"),
                None => "`calltest run --list` lists them".into(),
            };
            Refusal::with_hint(format!("there is no test {name}"), hint)
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

/// The tests, one a line; what a test is for stays on its line.
fn list(tests: &[Arc<CallTest>]) -> String {
    let line = |test: &Arc<CallTest>| {
        let mark = if test.schedule.is_manual { "m" } else { "-" };
        let info = test.info.trim().replace(char::is_control, " ");
        format!("{}\t{mark}\t{}\n", printable(test.name.as_str()), printable(&info))
    };
    tests.iter().map(line).collect()
}

/// Has the daemon of this configuration run the tests if there is one; else they are run here.
async fn run_here_or_there(
    plan: Arc<Plan>,
    tests: Vec<Arc<CallTest>>,
    take_over: bool,
    display: Arc<Display>,
) -> anyhow::Result<Exit> {
    if take_over {
        return run_all(plan, tests, take_over, display).await;
    }
    let daemon = DaemonClient::find(&plan, &directories::state(&plan)).await;
    let Some(daemon) = daemon.as_ref().filter(|daemon| daemon.is_like_us) else {
        return run_beside(daemon.as_ref(), Work { plan, tests, take_over, display }).await;
    };
    let interrupted = watch(&display)?;
    let started = Instant::now();
    display.begin(&tests);
    let results = handover::carry_out(daemon, &tests, &interrupted, &display).await;
    display.end();
    results.conclude(started, interrupted.is_cancelled(), &display)
}

/// Runs tests and shows how they come out.
pub(crate) async fn run_all(
    plan: Arc<Plan>,
    tests: Vec<Arc<CallTest>>,
    take_over: bool,
    display: Arc<Display>,
) -> anyhow::Result<Exit> {
    run_beside(None, Work { plan, tests, take_over, display }).await
}

/// What is to be run.
struct Work {
    plan: Arc<Plan>,
    tests: Vec<Arc<CallTest>>,
    take_over: bool,
    display: Arc<Display>,
}

/// Runs tests here. A daemon of another configuration that is known may have the app.
async fn run_beside(daemon: Option<&DaemonClient>, work: Work) -> anyhow::Result<Exit> {
    let Work { plan, tests, take_over, display } = work;
    let interrupted = watch(&display)?;
    let started = Instant::now();
    let connector = connector(instance(), take_over);
    let observer: Arc<dyn Observer> = Arc::clone(&display) as Arc<dyn Observer>;
    display.begin(&tests);
    let (leases, state_directory) = (Arc::new(LocalLeases::default()), directories::state(&plan));
    let opening = Runner::open(Setup { plan, connector, leases, observer, state_directory }, &tests);
    let Some(runner) = interrupted.run_until_cancelled(opening).await else {
        display.end();
        return Ok(Exit::Interrupted);
    };
    let runner = Arc::new(runner);
    for (_, why) in runner.servers().unavailable() {
        let advice = daemon.and_then(|daemon| daemon.advice(&why));
        display.complain(&advice.map_or(why.clone(), |advice| format!("{why}; {advice}")));
    }
    if runner.servers().are_all_unavailable() && !display.is_for_programs() {
        runner.close().await;
        display.end();
        return Ok(Exit::CouldNotFindOut);
    }
    let results = carry_out(&runner, tests, &interrupted, &display).await;
    runner.close().await;
    display.end();
    results.conclude(started, interrupted.is_cancelled(), &display)
}

/// Hears signals from now on.
fn watch(display: &Arc<Display>) -> anyhow::Result<CancellationToken> {
    let interrupted = CancellationToken::new();
    let complaining = Arc::clone(display);
    signals::watch(interrupted.clone(), Hangup::Ends, move |sentence| complaining.complain(sentence))
        .context("could not watch for signals")?;
    Ok(interrupted)
}

/// Carries out all runs at once, and returns when each of them has hung up, whatever happens to their results.
async fn carry_out(
    runner: &Arc<Runner>,
    tests: Vec<Arc<CallTest>>,
    interrupted: &CancellationToken,
    display: &Arc<Display>,
) -> Results {
    let unread = interrupted.child_token();
    let mut runs = JoinSet::new();
    for test in tests {
        let (runner, control) = (Arc::clone(runner), Control::under(&unread));
        runs.spawn(async move { runner.run(&test, &control).await });
    }
    let mut results = Results { tally: Tally::default(), error: None };
    while let Some(first) = runs.join_next().await {
        let (mut together, mut reports) = (vec![first], Vec::new());
        let now = tokio::time::Instant::now();
        while let Ok(Some(finished)) = timeout_at(now + TOGETHER, runs.join_next()).await {
            together.push(finished);
        }
        for finished in together {
            match finished {
                Ok(finished) => {
                    results.tally.add(finished.verdict.kind());
                    reports.push(display.report(&finished));
                }
                Err(error) => results.error = results.error.or(Some(BatchError::Broken(error))),
            }
        }
        if !matches!(results.error, Some(BatchError::Unprinted(_)))
            && let Err(error) = print(display, reports).await
        {
            // Calls whose results nobody gets are not worth their money.
            unread.cancel();
            results.error = Some(BatchError::Unprinted(error));
        }
    }
    results
}

/// Prints results. Whoever reads them may take his time; calls go on meanwhile.
async fn print(display: &Arc<Display>, reports: Vec<Report>) -> io::Result<()> {
    let display = Arc::clone(display);
    spawn_blocking(move || display.finished(&reports)).await?
}
