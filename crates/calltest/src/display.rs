//! What a person sees of a set of runs: live progress on a terminal, one line a run when it is over, and the summary.
//!
//! Results go to stdout, everything that is merely about them to stderr. In a pipe there is no live progress, and no
//! colour unless asked for.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anstyle::AnsiColor;
use calltest_core::event::{RunEvent, RunProgress, ServerEvent};
use calltest_core::plan::CallTest;
use calltest_core::run::{FinishedRun, RunId};
use calltest_core::verdict::VerdictKind;
use calltest_report::fact;
use calltest_report::plain_text::{printable, shortened};
use calltest_report::run::Report;
use calltest_report::text::{self, Tally};
use calltest_runner::Observer;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::cli::Format;
use crate::{output, server_events};

/// How many runs under way are shown at once; more would not fit a terminal.
const MAX_LIVE: usize = 16;

/// The most characters of what a run sees last: no terminal is as wide.
const WIDEST: usize = 500;

/// What to show.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) format: Format,
    pub(crate) is_quiet: bool,
    pub(crate) shows_timeline: bool,
}

/// Shows runs to a person.
pub(crate) struct Display {
    style: Style,
    progress: MultiProgress,
    total: ProgressBar,
    live: Mutex<HashMap<RunId, ProgressBar>>,
}

impl Display {
    /// Shows runs in this style; `progress` draws only where stderr is a terminal.
    pub(crate) fn new(style: Style, progress: MultiProgress) -> Arc<Self> {
        if style.is_quiet {
            progress.set_draw_target(indicatif::ProgressDrawTarget::hidden());
        }
        let total = progress.add(ProgressBar::new(0));
        let template = "{bar:24.cyan/dim} {pos} of {len} tests done, {elapsed}";
        total.set_style(ProgressStyle::with_template(template).expect("the template is well-formed"));
        Arc::new(Self { style, progress, total, live: Mutex::default() })
    }

    /// These tests are about to run.
    pub(crate) fn begin(&self, tests: &[Arc<CallTest>]) {
        self.total.set_length(tests.len().try_into().unwrap_or(u64::MAX));
        if !self.progress.is_hidden() {
            self.total.enable_steady_tick(Duration::from_millis(250));
        }
    }

    /// Says what is wrong beside the tests.
    pub(crate) fn complain(&self, sentence: &str) {
        self.progress.suspend(|| output::complain(sentence));
    }

    /// What will be shown of a run that is over.
    pub(crate) fn report(&self, run: &FinishedRun) -> Report {
        match self.style {
            Style { format: Format::Text, shows_timeline: false, .. } => Report::without_timeline(run),
            _ => Report::from(run),
        }
    }

    /// Runs are over: a line of each, or an object.
    pub(crate) fn finished(&self, runs: &[Report]) -> io::Result<()> {
        self.total.inc(runs.len().try_into().unwrap_or(u64::MAX));
        let mut text = String::new();
        for run in runs {
            match self.style.format {
                Format::Json => text += &(run.json_line()? + "\n"),
                Format::Text if self.style.is_quiet && run.verdict_kind() == Some(VerdictKind::Pass) => {}
                Format::Text => text += &self.lines(run),
            }
        }
        if text.is_empty() {
            return Ok(());
        }
        self.progress.suspend(|| output::print(&text))
    }

    /// Whether it is for a program: one that has to be given every run, even where one sentence would tell a person more.
    pub(crate) fn is_for_programs(&self) -> bool {
        self.style.format == Format::Json
    }

    /// Nothing is under way any more.
    pub(crate) fn end(&self) {
        self.total.finish_and_clear();
    }

    /// How all the runs came out.
    pub(crate) fn summary(&self, tally: &Tally, took: Duration) -> io::Result<()> {
        if self.style.format == Format::Json || self.style.is_quiet {
            return Ok(());
        }
        output::print(&format!("{}\n", tally.summary(took)))
    }

    fn lines(&self, run: &Report) -> String {
        let word = match run.verdict_kind() {
            Some(VerdictKind::Pass) => output::paint("pass", AnsiColor::Green.on_default()),
            Some(VerdictKind::Fail) => output::paint("FAIL", AnsiColor::Red.on_default().bold()),
            Some(VerdictKind::Error) => output::paint("error", AnsiColor::Magenta.on_default().bold()),
            Some(VerdictKind::Cancelled) => output::paint("cancelled", AnsiColor::Yellow.on_default()),
            None => printable(&run.verdict).into_owned(),
        };
        let mut lines = format!("{word} {}\n", text::line(run));
        if self.style.shows_timeline {
            lines.push_str(&text::timeline(run));
        }
        lines
    }

    fn live(&self) -> MutexGuard<'_, HashMap<RunId, ProgressBar>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Display {
    fn run_event(&self, event: RunEvent) {
        let mut live = self.live();
        match event.what {
            RunProgress::Started if live.len() < MAX_LIVE && !self.progress.is_hidden() => {
                let line = self.progress.insert_before(&self.total, ProgressBar::new_spinner());
                let template = "{spinner:.cyan} {prefix} {wide_msg:.dim}";
                line.set_style(ProgressStyle::with_template(template).expect("the template is well-formed"));
                line.set_prefix(printable(event.test.as_str()).into_owned());
                line.enable_steady_tick(Duration::from_millis(120));
                live.insert(event.run, line);
            }
            RunProgress::Observed(observed) => {
                if let Some(line) = live.get(&event.run) {
                    line.set_message(shortened(&fact::words(&observed.what), WIDEST).into_owned());
                }
            }
            RunProgress::Finished(_) => {
                if let Some(line) = live.remove(&event.run) {
                    line.finish_and_clear();
                }
            }
            RunProgress::Waiting | RunProgress::Started => {}
        }
    }

    fn server_event(&self, event: ServerEvent) {
        // Every run that suffers from trouble says so itself, and so does the program if it cannot even begin.
        server_events::log(event, false);
    }
}
