//! The daemon as a process of its own, what it answers over HTTP, and what it uses.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use asterisk_lab::Lab;
use rustix::process::{Pid, Signal, getpgid, kill_process};
use serde_json::Value;

/// How long it may take to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(20);
/// How often something is looked at that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The daemon, which may be killed and started again.
pub(super) struct Daemon {
    program: PathBuf,
    configuration: PathBuf,
    state: PathBuf,
    log: PathBuf,
    address: SocketAddr,
    /// The process group of the lab's servers: whatever ends them when this program has vanished ends the daemon too.
    group: Pid,
    child: Mutex<Option<Child>>,
}

impl Daemon {
    /// The daemon on this configuration, with all that it writes in the lab's folder. It does not run yet.
    pub(super) fn new(program: PathBuf, configuration: PathBuf, lab: &Lab) -> anyhow::Result<Self> {
        let server = lab.servers().first().and_then(|server| server.process_id()).context("no server runs")?;
        let server = i32::try_from(server).ok().and_then(Pid::from_raw).context("the server has no process")?;
        // A port that was free a moment ago, and is so again.
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        Ok(Self {
            program,
            configuration,
            state: lab.directory().join("calltest"),
            log: lab.directory().join("daemon.log"),
            address: address.context("there is no free port")?,
            group: getpgid(Some(server)).context("the server has no process group")?,
            child: Mutex::new(None),
        })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has logged, over all its lives.
    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    /// Starts it and waits until it answers.
    pub(super) fn start(&self) -> anyhow::Result<()> {
        let log = File::options().create(true).append(true).open(&self.log).context("could not write its log")?;
        let child = Command::new(&self.program)
            .args(["server", "-c"])
            .arg(&self.configuration)
            .args(["-C".into(), format!("state_dir={}", self.state.display())])
            .args(["-C".into(), format!("server.port={}", self.address.port())])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(self.group.as_raw_nonzero().get())
            .spawn()
            .context("could not start the daemon")?;
        *self.child() = Some(child);
        let give_up = Instant::now() + PATIENCE;
        while self.get("/healthz").is_err() {
            if let Some(end) = self.unexpected_end() {
                bail!("the daemon does not start: {end}");
            }
            ensure!(Instant::now() < give_up, "the daemon does not answer within {} s", PATIENCE.as_secs());
            thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Kills it, as a crash would.
    pub(super) fn kill(&self) -> anyhow::Result<()> {
        let Some(mut child) = self.child().take() else { return Ok(()) };
        child.kill().and_then(|()| child.wait()).context("could not kill the daemon")?;
        Ok(())
    }

    pub(super) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let child = self.child();
        let child = child.as_ref().context("the daemon does not run")?;
        kill_process(Pid::from_child(child), signal).context("could not signal the daemon")
    }

    /// Ends it in good order, and tells how it ended.
    pub(super) fn end(&self) -> anyhow::Result<()> {
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
    pub(super) fn unexpected_end(&self) -> Option<String> {
        let status = self.child().as_mut()?.try_wait().ok().flatten()?;
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let end = lines.get(lines.len().saturating_sub(5)..).unwrap_or_default().join("\n");
        Some(format!("it ended with {status}; its log ends with:\n{end}"))
    }

    /// Its process; `None` while it does not run.
    pub(super) fn process_id(&self) -> Option<u32> {
        self.child().as_ref().map(Child::id)
    }

    /// The body of its answer to a request, whatever the status.
    pub(super) fn get(&self, path: &str) -> anyhow::Result<Value> {
        let mut socket = TcpStream::connect(self.address).context("the daemon does not listen")?;
        socket.set_read_timeout(Some(ANSWER))?;
        write!(socket, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address)?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).with_context(|| format!("no answer to GET {path}"))?;
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body);
        let body = body.with_context(|| format!("no whole answer to GET {path}"))?;
        serde_json::from_str(body).with_context(|| format!("the answer to GET {path} is not JSON: {body}"))
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        // The handle is whole at any time.
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("{error:#}");
        }
    }
}
