//! The daemon as a process of its own: `calltest server`, which may be killed and started again, asked and watched.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use asterisk_lab::Server;
use rustix::process::{Pid, Signal, getpgid, kill_process};
use serde_json::Value;

use crate::http::Http;
use crate::process::Usage;

/// How long it may take to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The daemon. It is killed if it is dropped.
pub(crate) struct Daemon {
    program: PathBuf,
    configuration: PathBuf,
    settings: Vec<String>,
    log: PathBuf,
    group: Option<Pid>,
    /// Where it listens, from its first start on.
    address: OnceLock<SocketAddr>,
    child: Mutex<Option<Child>>,
}

impl Daemon {
    /// The daemon on this configuration, with all that it writes in that directory. It does not run yet.
    pub(crate) fn new(program: &Path, configuration: &Path, directory: &Path) -> Self {
        Self {
            program: program.to_owned(),
            configuration: configuration.to_owned(),
            settings: vec![format!("state_dir={}", directory.join("state").display())],
            log: directory.join("daemon.log"),
            group: None,
            address: OnceLock::new(),
            child: Mutex::new(None),
        }
    }

    /// Settings beside those of its configuration.
    pub(crate) fn settings(mut self, settings: &[&str]) -> Self {
        self.settings.extend(settings.iter().map(|setting| (*setting).to_owned()));
        self
    }

    /// In the process group of a lab's servers: whatever ends them when this program has vanished ends the daemon too.
    pub(crate) fn beside(mut self, server: &Server) -> anyhow::Result<Self> {
        let process =
            server.process_id().and_then(|id| Pid::from_raw(id.try_into().ok()?)).context("no server runs")?;
        self.group = Some(getpgid(Some(process)).context("the server has no process group")?);
        Ok(self)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> anyhow::Result<SocketAddr> {
        self.address.get().copied().context("the daemon has not been started")
    }

    /// What it has logged, over all its lives.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Starts it and waits until it listens, at the same port each time; how long that took.
    pub(crate) fn start(&self) -> anyhow::Result<Duration> {
        let log = File::options().create(true).append(true).open(&self.log).context("could not write its log")?;
        let started = Instant::now();
        let port = self.address.get().map_or(0, SocketAddr::port);
        let mut command = Command::new(&self.program);
        command.args(["server", "-c"]).arg(&self.configuration).args(["-C", &format!("server.port={port}")]);
        command.args(self.settings.iter().flat_map(|setting| ["-C", setting]));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        if let Some(group) = self.group {
            command.process_group(group.as_raw_nonzero().get());
        }
        let mut child = command.spawn().context("could not start the daemon")?;
        let said = child.stderr.take().context("its stderr is a pipe")?;
        *self.child() = Some(child);
        let (listening, listens) = mpsc::channel();
        thread::spawn(move || keep(said, log, &listening));
        match listens.recv_timeout(PATIENCE) {
            Ok(address) => drop(self.address.set(address)),
            Err(mpsc::RecvTimeoutError::Timeout) => bail!("the daemon does not listen within {} s", PATIENCE.as_secs()),
            Err(mpsc::RecvTimeoutError::Disconnected) => bail!("the daemon does not start: {}", self.last_words()),
        }
        Ok(started.elapsed())
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(&self) -> anyhow::Result<()> {
        let Some(mut child) = self.child().take() else { return Ok(()) };
        child.kill().and_then(|()| child.wait()).context("could not kill the daemon")?;
        Ok(())
    }

    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let child = self.child();
        let child = child.as_ref().context("the daemon does not run")?;
        kill_process(Pid::from_child(child), signal).context("could not signal the daemon")
    }

    /// Ends it in good order.
    pub(crate) fn end(&self) -> anyhow::Result<()> {
        self.signal(Signal::TERM)?;
        let give_up = Instant::now() + PATIENCE;
        loop {
            let status = self.child().as_mut().and_then(|child| child.try_wait().ok().flatten());
            if let Some(status) = status {
                *self.child() = None;
                ensure!(status.success(), "the daemon ended with {status} when it was told to end");
                return Ok(());
            }
            ensure!(Instant::now() < give_up, "the daemon has not ended {} s after it was told to", PATIENCE.as_secs());
            thread::sleep(LOOK_EVERY);
        }
    }

    /// How it ended, if it should run and does not.
    pub(crate) fn unexpected_end(&self) -> Option<String> {
        let status = self.child().as_mut()?.try_wait().ok().flatten()?;
        Some(format!("it ended with {status}; {}", self.last_words()))
    }

    /// Its process; `None` while it does not run.
    pub(crate) fn process_id(&self) -> Option<u32> {
        self.child().as_ref().map(Child::id)
    }

    /// What it has used so far.
    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        self.process_id().and_then(Usage::of).context("the daemon has ended")
    }

    /// The body of its answer to a request, whatever the status.
    pub(crate) fn get(&self, path: &str) -> anyhow::Result<Value> {
        let body = Http::to(self.address()?)?.ask(path)?.body;
        serde_json::from_slice(&body).with_context(|| format!("the answer to GET {path} is not JSON"))
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let end = lines.get(lines.len().saturating_sub(5)..).unwrap_or_default().join("\n");
        format!("its log ends with:\n{end}")
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        // The handle is whole at any time.
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps what the daemon says, and tells where it listens.
fn keep(said: ChildStderr, mut log: File, listening: &mpsc::Sender<SocketAddr>) {
    for line in BufReader::new(said).lines().map_while(Result::ok) {
        // The daemon must not wait for a disk that is full.
        let _ = writeln!(log, "{line}");
        let address = line.split_once("listening on http://").map(|(_, address)| address.trim_end_matches('/'));
        if let Some(address) = address.and_then(|address| address.parse().ok()) {
            // It is waited for at the start only.
            let _ = listening.send(address);
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("{error:#}");
        }
    }
}
