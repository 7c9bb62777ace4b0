//! Log lines, on stderr, above the live progress where there is one.

use std::io::{self, Write};

use calltest_core::plan::Plan;
use indicatif::MultiProgress;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;
use tracing_subscriber::fmt::MakeWriter;

use crate::cli::Cli;
use crate::exit::Exit;
use crate::output;

/// Starts logging: errors only, and more with each `-v`; the configuration's levels and then the command line's go before.
pub(crate) fn start(cli: &Cli, plan: Option<&Plan>, progress: &MultiProgress) -> Result<(), Exit> {
    start_from(0, cli, plan, progress)
}

/// The same, as if `-v` had been given so many times already.
pub(crate) fn start_from(verbose: u8, cli: &Cli, plan: Option<&Plan>, progress: &MultiProgress) -> Result<(), Exit> {
    let base = match cli.common.verbose.saturating_add(verbose) {
        _ if cli.common.quiet => "off",
        0 => "error",
        1 => "warn",
        2 => "info",
        _ => "debug",
    };
    // What other people's crates have to say helps nobody but their developers.
    let mut directives = vec![String::from("warn"), format!("calltest={base}")];
    directives
        .extend(["config", "core", "ari", "runner", "report", "daemon"].map(|room| format!("calltest_{room}={base}")));
    if cli.common.verbose == 0 {
        directives[0] = base.into();
    }
    directives
        .extend(plan.into_iter().flat_map(|plan| &plan.log_levels).map(|(target, level)| format!("{target}={level}")));
    for level in &cli.log.levels {
        if level.parse::<Directive>().is_err() {
            let levels = "off, error, warn, info, debug or trace";
            output::complain(&format!("-l {level}: expected TARGET=LEVEL, with a level of {levels}"));
            return Err(Exit::Usage);
        }
        directives.push(level.replace("calltest-", "calltest_"));
    }
    let filter = EnvFilter::new(directives.join(","));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
        .with_writer(AboveProgress(progress.clone()))
        .init();
    Ok(())
}

/// Writes to stderr while the live progress stands aside.
struct AboveProgress(MultiProgress);

impl<'a> MakeWriter<'a> for AboveProgress {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line { progress: &self.0, text: Vec::new() }
    }
}

/// One log line, written in one piece when it is complete.
struct Line<'a> {
    progress: &'a MultiProgress,
    text: Vec<u8>,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let text = std::mem::take(&mut self.text);
        self.progress.suspend(|| io::stderr().write_all(&text))
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        // There is nobody left to tell when stderr is closed.
        let _ = self.flush();
    }
}
