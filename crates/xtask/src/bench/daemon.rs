//! A daemon to watch and to ask: `calltest server` in a process of its own.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::process::Usage;

/// A running daemon. It is killed if it is dropped.
pub(super) struct Daemon {
    child: Child,
    /// Where it listens.
    pub(super) address: String,
    /// How long it took until it said so.
    pub(super) started_in: Duration,
}

impl Daemon {
    /// Starts it with settings beside those of its configuration, and waits until it listens.
    pub(super) fn start(program: &Path, configuration: &Path, state: &Path, settings: &[&str]) -> anyhow::Result<Self> {
        // A port that was free a moment ago, and is so again.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let started = Instant::now();
        let mut child = Command::new(program)
            .arg("-c")
            .arg(configuration)
            .args(["-C", &format!("server.port={port}"), "-C", &format!("state_dir={}", state.display())])
            .args(settings.iter().flat_map(|setting| ["-C", setting]))
            .arg("server")
            .stderr(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .context("could not start the daemon")?;
        let mut lines = BufReader::new(child.stderr.take().context("the daemon has no stderr")?).lines();
        let mut said = String::new();
        let mut daemon = Self { child, address: format!("127.0.0.1:{port}"), started_in: Duration::ZERO };
        loop {
            let line = lines.next().transpose()?;
            let line = line.with_context(|| format!("the daemon does not start:\n{said}"))?;
            if line.contains("listening on http://") {
                break;
            }
            said = said + &line + "\n";
        }
        daemon.started_in = started.elapsed();
        // What it says from now on is of no interest, but has to be read.
        thread::spawn(move || lines.for_each(drop));
        Ok(daemon)
    }

    /// What it has used so far.
    pub(super) fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(self.child.id()).context("the daemon has ended")
    }

    /// Ends it in good order.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).context("could not end the daemon")?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the daemon ended with {status}");
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // One that has ended already does not mind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
