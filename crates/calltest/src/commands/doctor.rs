//! `calltest doctor`: looks at the Asterisk set-up, and prints what is wrong with it and how to fix it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anstyle::AnsiColor;
use anyhow::Context as _;
use calltest_asterisk::{CallCounter, Identity};
use calltest_core::event::{Finding, Outcome};
use calltest_core::plan::{Link, Plan};
use calltest_core::run::RunId;
use calltest_core::verdict::Trouble;
use calltest_report::finding::{self, Tally};
use calltest_runner::Budgets;
use futures_util::future::BoxFuture;
use indicatif::MultiProgress;
use tokio_util::sync::CancellationToken;

use crate::cli::{Cli, Doctor, Format};
use crate::display::{Display, Style};
use crate::engines::instance;
use crate::exit::{Exit, Stop};
use crate::{configuration, directories, logging, output, signals};

pub(crate) fn run(cli: &Cli, doctor: &Doctor) -> Result<Exit, Stop> {
    let loaded = configuration::load_for(&cli.common)?;
    let progress = MultiProgress::new();
    logging::start(cli, Some(&loaded.plan), &progress)?;
    let style = Style { format: doctor.format, is_quiet: cli.common.quiet, shows_timeline: false };
    let runtime = tokio::runtime::Runtime::new().context("could not start the asynchronous runtime")?;
    let done = runtime.block_on(examine(&loaded.plan, style, Display::new(style, progress)));
    runtime.shutdown_background();
    Ok(done?)
}

async fn examine(plan: &Plan, style: Style, display: Arc<Display>) -> anyhow::Result<Exit> {
    let interrupted = CancellationToken::new();
    signals::watch(interrupted.clone(), signals::Hangup::Ends, move |sentence| display.complain(sentence))
        .context("could not watch for signals")?;
    let unread = interrupted.child_token();
    let identity = Identity { instance: instance(), take_over: false };
    let mut tally = Tally::default();
    let mut printed = Ok(());
    let mut tell = |finding: Finding| {
        tally.add(finding.outcome);
        if printed.is_ok() {
            printed = print(&finding, style);
            if printed.is_err() {
                unread.cancel();
            }
        }
    };
    let counter = InBudgets(Budgets::of(plan, &directories::state(plan)));
    calltest_asterisk::doctor(plan, &identity, &counter, &unread, &mut tell).await;
    if printed.is_ok() && style.format == Format::Text && !style.is_quiet && !interrupted.is_cancelled() {
        printed = output::print(&format!("{}\n", tally.summary()));
    }
    match printed {
        Err(error) if !output::is_broken_pipe(&error) => Err(error).context("could not print a finding"),
        Err(_) | Ok(()) => Ok(exit(&tally, interrupted.is_cancelled())),
    }
}

/// Counts test calls as the calls of tests are counted, each for the most that it could have taken.
struct InBudgets(Option<Arc<Budgets>>);

impl CallCounter for InBudgets {
    fn count<'c>(&'c self, link: &'c Arc<Link>, at_most: Duration) -> BoxFuture<'c, Result<(), Trouble>> {
        Box::pin(async move {
            let Some(budgets) = &self.0 else { return Ok(()) };
            budgets.begin(RunId(rand::random()), link, at_most).await.map(drop)
        })
    }
}

fn print(finding: &Finding, style: Style) -> io::Result<()> {
    let text = match style.format {
        Format::Json => finding::json_line(finding)?,
        Format::Text if style.is_quiet && finding.outcome == Outcome::Ok => return Ok(()),
        Format::Text => {
            // Padded before it is coloured, so that the lines stand in columns on any terminal.
            let word = format!("{:<7}", finding.outcome.word());
            let word = match finding.outcome {
                Outcome::Ok => output::paint(&word, AnsiColor::Green.on_default()),
                Outcome::Warning => output::paint(&word, AnsiColor::Yellow.on_default()),
                Outcome::Unknown => output::paint(&word, AnsiColor::Magenta.on_default().bold()),
                Outcome::Problem => output::paint(&word.to_uppercase(), AnsiColor::Red.on_default().bold()),
            };
            format!("{word} {}", finding::line(finding))
        }
    };
    output::print(&(text + "\n"))
}

fn exit(tally: &Tally, was_interrupted: bool) -> Exit {
    match tally {
        _ if was_interrupted => Exit::Interrupted,
        Tally { problems: 1.., .. } => Exit::TestFailed,
        Tally { unknown: 1.., .. } => Exit::CouldNotFindOut,
        _ => Exit::Success,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_outweighs_what_is_not_known_and_warnings_weigh_nothing() {
        let tally = |problems, unknown| Tally { ok: 1, warnings: 1, unknown, problems };
        assert_eq!(exit(&tally(0, 0), false), Exit::Success);
        assert_eq!(exit(&tally(0, 1), false), Exit::CouldNotFindOut);
        assert_eq!(exit(&tally(1, 1), false), Exit::TestFailed);
        assert_eq!(exit(&tally(1, 1), true), Exit::Interrupted);
    }
}
