//! A fake of Asterisk in a process of its own, so that what it costs is not counted as ours.
//!
//! It tells how fast we react: a reaction lasts from when the fake sends an event until the request that it causes is taken
//! up there, so the loops of both and the way between them are in it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, ensure};
use fake_asterisk::FakeAsterisk;
use serde::{Deserialize, Serialize};

use crate::process::Usage;

/// The events and the requests that follow them at once: how fast these come is how fast the tester reacts.
const REACTIONS: [(&str, &str, &str); 2] =
    [("StasisStart", "POST", "/channels/*/variable"), ("ChannelDtmfReceived", "POST", "/channels/*/dtmf")];

/// What one fake has to say in the end.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FakeReport {
    pub(crate) events: u64,
    pub(crate) requests: u64,
    pub(crate) peak_channels: usize,
    pub(crate) channels_left: usize,
    pub(crate) cpu_ms: u64,
    /// In microseconds.
    pub(crate) reactions: Vec<u64>,
}

/// A fake in a process of its own. It ends when its standard input does.
pub(crate) struct FakeProcess {
    child: Child,
    lines: BufReader<ChildStdout>,
    /// Where it listens, on 127.0.0.1.
    pub(crate) port: u16,
}

/// How to reach a fake, as it says itself.
#[derive(Debug, Serialize, Deserialize)]
struct Reach {
    port: u16,
}

/// `cargo xtask fake-server`: a fake in a process of its own. Says its port, and when its standard input has ended, what it saw.
pub(crate) fn serve() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().context("could not start a runtime")?;
    let fake = runtime.block_on(FakeAsterisk::start());
    for (kind, method, path) in REACTIONS {
        fake.watch_reactions(kind, method, path);
    }
    println!("{}", serde_json::to_string(&Reach { port: fake.port() })?);
    std::io::stdout().flush()?;
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    let cpu = Usage::of(std::process::id()).unwrap_or_default().cpu;
    let report = fake.look(move |view| FakeReport {
        events: view.event_count(),
        requests: view.request_count(),
        peak_channels: view.peak_channel_count(),
        channels_left: view.channel_count(),
        cpu_ms: cpu.as_millis().try_into().unwrap_or(u64::MAX),
        reactions: view.reactions().iter().map(|took| took.as_micros().try_into().unwrap_or(u64::MAX)).collect(),
    });
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

impl FakeProcess {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("could not find this program")?;
        let mut child = Command::new(program)
            .arg("fake-server")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("could not start a fake server")?;
        let mut lines = BufReader::new(child.stdout.take().context("a fake server has no standard output")?);
        let mut line = String::new();
        lines.read_line(&mut line)?;
        let Reach { port } = serde_json::from_str(&line).context("a fake server did not start")?;
        Ok(Self { child, lines, port })
    }

    /// Ends it; what it saw.
    pub(crate) fn end(mut self) -> anyhow::Result<FakeReport> {
        drop(self.child.stdin.take());
        let mut line = String::new();
        self.lines.read_line(&mut line)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "a fake server ended with {status}");
        serde_json::from_str(&line).context("a fake server did not say what it saw")
    }
}

impl Drop for FakeProcess {
    fn drop(&mut self) {
        // It has ended already, unless something went wrong.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
