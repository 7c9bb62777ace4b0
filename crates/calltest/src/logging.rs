//! Log lines, on stderr, above the live progress where there is one. Those of the daemon wait for nobody.

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

use calltest_core::plan::Plan;
use calltest_report::plain_text::printable;
use indicatif::MultiProgress;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;
use tracing_subscriber::fmt::MakeWriter;

use crate::cli::Cli;
use crate::exit::Stop;
use crate::log_fields::OnOneLine;
use crate::output;

/// How many lines of a daemon wait for a reader who does not keep up, before further ones are lost.
const MAX_WAITING: usize = 10_000;

/// Starts logging: errors only, and more with each `-v`; the configuration's levels and then the command line's go before.
pub(crate) fn start(cli: &Cli, plan: Option<&Plan>, progress: &MultiProgress) -> Result<(), Stop> {
    let filter = filter(0, cli, plan)?;
    init(filter, AboveProgress(progress.clone()));
    Ok(())
}

/// The same for a daemon: it tells of broken lines without being asked to, and its calls do not wait for whoever should
/// take the lines, such as a terminal that is held.
pub(crate) fn start_for_daemon(cli: &Cli, plan: &Plan) -> Result<DaemonLog, Stop> {
    let filter = filter(1, cli, Some(plan))?;
    let (unwaited, guard) = Unwaited::new(io::stderr(), MAX_WAITING);
    let lines = unwaited.lines.clone();
    init(filter, unwaited);
    Ok(DaemonLog { lines, _guard: guard })
}

/// What else a daemon says on stderr, in its turn among the log lines. When this is dropped, what waits is written out, as
/// far as somebody takes it.
pub(crate) struct DaemonLog {
    lines: NonBlocking,
    _guard: WorkerGuard,
}

impl DaemonLog {
    /// Says one sentence about what the program does.
    pub(crate) fn say(&self, sentence: &str) {
        // What cannot be taken is counted, and told of later.
        let _ = self.lines.clone().write_all(format!("calltest: {}\n", printable(sentence)).as_bytes());
    }
}

fn init(filter: EnvFilter, writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) {
    tracing_subscriber::fmt()
        .fmt_fields(OnOneLine)
        .with_env_filter(filter)
        .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
        .with_writer(writer)
        .init();
}

/// What is logged, as if `-v` had been given so many times already.
fn filter(verbose: u8, cli: &Cli, plan: Option<&Plan>) -> Result<EnvFilter, Stop> {
    let base = match cli.common.verbose.saturating_add(verbose) {
        _ if cli.common.quiet => "off",
        0 => "error",
        1 => "warn",
        2 => "info",
        _ => "debug",
    };
    // What other people's crates have to say helps nobody but their developers.
    let mut directives = vec![String::from("warn"), format!("calltest={base}")];
    directives.extend(
        ["ari", "asterisk", "config", "core", "daemon", "engine", "report", "runner"]
            .map(|room| format!("calltest_{room}={base}")),
    );
    if cli.common.verbose == 0 {
        directives[0] = base.into();
        // Each certificate that it refuses is an error to it, and ours to tell of.
        directives.push("rustls_platform_verifier=off".into());
    }
    directives
        .extend(plan.into_iter().flat_map(|plan| &plan.log_levels).map(|(target, level)| format!("{target}={level}")));
    for level in &cli.log.levels {
        if level.parse::<Directive>().is_err() {
            let levels = "off, error, warn, info, debug or trace";
            let why = format!("-l {level}: expected TARGET=LEVEL, with a level of {levels}");
            return Err(output::refuse(why));
        }
        directives.push(level.replace("calltest-", "calltest_"));
    }
    Ok(EnvFilter::new(directives.join(",")))
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

/// Has a thread write the lines. Where too many wait, new ones are lost, and that is said once there is room again.
struct Unwaited {
    lines: NonBlocking,
    lost: ErrorCounter,
    /// How many had been lost when that was last said.
    told: AtomicUsize,
}

impl Unwaited {
    fn new(output: impl Write + Send + 'static, max_waiting: usize) -> (Self, WorkerGuard) {
        let (lines, guard) = NonBlockingBuilder::default().buffered_lines_limit(max_waiting).finish(output);
        let lost = lines.error_counter();
        (Self { lines, lost, told: AtomicUsize::new(0) }, guard)
    }
}

impl<'a> MakeWriter<'a> for Unwaited {
    type Writer = NonBlocking;

    fn make_writer(&'a self) -> NonBlocking {
        let mut lines = self.lines.clone();
        let lost = self.lost.dropped_lines();
        if self.told.swap(lost, Ordering::Relaxed) != lost {
            // If there is no room for it either, that is one more line lost, and said with the next.
            let _ = lines.write_all(b"calltest: log lines are missing here, since nobody took them in time\n");
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver, Sender};
    use std::time::Duration;

    use super::*;

    /// Takes a line whenever it is allowed to.
    struct Held {
        allowed: Receiver<()>,
        taken: Sender<String>,
    }

    impl Write for Held {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.allowed.recv().map_err(io::Error::other)?;
            self.taken.send(String::from_utf8_lossy(bytes).into_owned()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_who_takes_nothing_holds_up_nobody_and_is_told_what_is_missing() {
        let ((allow, allowed), (taken, lines)) = (mpsc::channel(), mpsc::channel());
        let (log, _guard) = Unwaited::new(Held { allowed, taken }, 3);
        let write = |number: usize| log.make_writer().write_all(format!("line {number}\n").as_bytes()).unwrap();
        // One may be with the reader already, three wait, and so on with what is said of those that are lost.
        (0..10).for_each(write);
        let lost = log.lost.dropped_lines();
        assert!(lost >= 6, "{lost}");
        (0..20).for_each(|_| allow.send(()).unwrap());
        // Now at most one still waits.
        let first: Vec<String> = lines.iter().take(3).collect();
        assert_eq!(first[0], "line 0\n");
        write(10);
        let next = || lines.recv_timeout(Duration::from_secs(10)).expect("line 10 comes");
        let rest: Vec<String> = std::iter::from_fn(|| Some(next()).filter(|line| line != "line 10\n")).collect();
        let missing = "calltest: log lines are missing here, since nobody took them in time\n";
        assert_eq!(rest.last().map(String::as_str), Some(missing), "{first:?} {rest:?}");
        assert_eq!(log.lost.dropped_lines(), lost, "there was room again");
    }
}
