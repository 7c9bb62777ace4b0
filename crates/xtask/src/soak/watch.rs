//! What must not pile up: channels, bridges and recordings on the servers; descriptors and memory of the daemon.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use asterisk_lab::Server;
use serde::Serialize;

use super::follow::Told;
use super::ledger::Ledger;
use super::stage::Stage;
use crate::process::{Usage, descriptors, megabytes};

/// How old a channel may get, in seconds: a call lasts 8 s at most, and Asterisk ends it 15 s later by itself.
const OLDEST_CHANNEL: u64 = 40;
/// How long what the daemon hung up at its end may take to go.
const TO_GO: Duration = Duration::from_secs(10);
/// How long a daemon needs until it uses what it uses, besides the time over which its tests begin.
const WARM_UP: Duration = Duration::from_secs(20);
/// How many samples at the end of a daemon's life are looked at: some more connections for a moment are no leak.
const LAST: usize = 4;

/// How things are at one moment.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Sample {
    /// Since the beginning.
    pub(super) seconds: f64,
    pub(super) runs: usize,
    pub(super) pass: usize,
    pub(super) fail: usize,
    pub(super) error: usize,
    pub(super) cancelled: usize,
    pub(super) wrong: usize,
    /// Tests that are under way.
    pub(super) running: usize,
    /// On each server; `None` while it does not answer.
    pub(super) channels: Vec<Option<usize>>,
    pub(super) pid: Option<u32>,
    pub(super) rss_mb: f64,
    pub(super) descriptors: usize,
    /// Of one core, since the sample before.
    pub(super) cpu_percent: f64,
}

/// Watches what piles up.
pub(super) struct Watch<'s> {
    stage: &'s Stage,
    pub(super) samples: Vec<Sample>,
    before: Option<(u32, Usage, Instant)>,
    conditions: Vec<String>,
    leaked: Vec<String>,
}

impl<'s> Watch<'s> {
    pub(super) fn new(stage: &'s Stage) -> Self {
        Self { stage, samples: Vec::new(), before: None, conditions: Vec::new(), leaked: Vec::new() }
    }

    /// Looks at everything once.
    pub(super) fn look(&mut self, ledger: &Ledger<'_>, told: &Told) {
        let channels = self.stage.lab.servers().iter().map(|server| self.channels(server)).collect();
        let channels = self.name_leaks(channels);
        let pid = self.stage.daemon.process_id();
        let usage = pid.and_then(|pid| Some((pid, Usage::of(pid)?)));
        let cpu_percent = match (self.before, usage) {
            (Some((before_pid, before, at)), Some((pid, usage))) if before_pid == pid => {
                100.0 * usage.cpu.saturating_sub(before.cpu).as_secs_f64() / at.elapsed().as_secs_f64()
            }
            _ => 0.0,
        };
        self.before = usage.map(|(pid, usage)| (pid, usage, Instant::now()));
        self.ask_for_conditions();
        self.samples.push(Sample {
            seconds: self.stage.epoch.elapsed().as_secs_f64(),
            runs: ledger.runs(),
            pass: ledger.count("pass"),
            fail: ledger.count("fail"),
            error: ledger.count("error"),
            cancelled: ledger.count("cancelled"),
            wrong: self.stage.wrongs().len(),
            running: told.running(),
            channels,
            pid: usage.map(|(pid, _)| pid),
            rss_mb: usage.map_or(0.0, |(_, usage)| megabytes(usage.rss_bytes)),
            descriptors: pid.and_then(descriptors).unwrap_or(0),
            cpu_percent,
        });
    }

    /// Every channel with its age in seconds; `None` while the server does not answer.
    fn channels(&self, server: &Server) -> Option<Vec<(String, u64)>> {
        // Name first, age third from the end.
        let channel = |line: &str| {
            let fields: Vec<&str> = line.split('!').collect();
            let age = fields.len().checked_sub(3).and_then(|index| fields.get(index)?.parse().ok())?;
            Some((line.to_owned(), age))
        };
        let list = server.cli("core show channels concise").ok()?;
        Some(list.lines().filter_map(channel).collect())
    }

    fn name_leaks(&mut self, channels: Vec<Option<Vec<(String, u64)>>>) -> Vec<Option<usize>> {
        let old = channels.iter().flatten().flatten().filter(|(_, age)| *age > OLDEST_CHANNEL);
        for (channel, age) in old {
            let name = channel.split('!').next().unwrap_or_default().to_owned();
            if !self.leaked.contains(&name) {
                self.stage.report(format!("a channel has been up for {age} s: {channel}"));
                self.leaked.push(name);
            }
        }
        channels.into_iter().map(|channels| channels.map(|channels| channels.len())).collect()
    }

    /// The daemon must not complain of itself.
    fn ask_for_conditions(&mut self) {
        let Ok(health) = self.stage.daemon.get("/healthz") else { return };
        for condition in health["conditions"].as_array().into_iter().flatten().filter_map(|text| text.as_str()) {
            if !self.conditions.iter().any(|known| known == condition) {
                self.stage.report(format!("/healthz says: {condition}"));
                self.conditions.push(condition.to_owned());
            }
        }
    }

    /// What each life of the daemon used once it was warm, and at its end; names what has grown too much.
    pub(super) fn growth(&self) -> Vec<Growth> {
        let warm_up = WARM_UP.as_secs_f64() + self.stage.lines.len() as f64 / 20.0;
        let mut pids: Vec<u32> = self.samples.iter().filter_map(|sample| sample.pid).collect();
        pids.dedup();
        let growth = pids.into_iter().filter_map(|pid| {
            let life: Vec<&Sample> = self.samples.iter().filter(|sample| sample.pid == Some(pid)).collect();
            let born = life.first()?.seconds;
            let warm: Vec<&&Sample> = life.iter().filter(|sample| sample.seconds >= born + warm_up).collect();
            let (first, last) = (warm.first()?, warm.get(warm.len().checked_sub(2 * LAST)? + LAST..)?);
            let growth = Growth {
                seconds: life.last()?.seconds - first.seconds,
                descriptors: [first.descriptors, last.iter().map(|sample| sample.descriptors).min()?],
                rss_mb: [first.rss_mb, last.iter().map(|sample| sample.rss_mb).fold(f64::INFINITY, f64::min)],
            };
            Some(growth)
        });
        growth.collect()
    }

    /// Once the daemon has ended nothing of its may be left on the servers.
    pub(super) fn nothing_is_left(&self) -> anyhow::Result<()> {
        for server in self.stage.lab.servers() {
            let give_up = Instant::now() + TO_GO;
            while server.open_channels()? > 0 && Instant::now() < give_up {
                thread::sleep(Duration::from_millis(100));
            }
            let left = server.cli("core show channels concise")?;
            if !left.trim().is_empty() {
                self.stage.report(format!("channels are left on server {}:\n{left}", server.name()));
            }
            let bridges = server.cli("bridge show all")?;
            // The first line is the head of the table.
            if bridges.lines().filter(|line| !line.trim().is_empty()).count() > 1 {
                self.stage.report(format!("bridges are left on server {}:\n{bridges}", server.name()));
            }
            let recordings = files_below(&server.directory().join("spool/recording"));
            if recordings > 0 {
                self.stage.report(format!("{recordings} recordings are left on server {}", server.name()));
            }
        }
        Ok(())
    }
}

/// What the daemon used in one of its lives: once it was warm, and at the end.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Growth {
    pub(super) seconds: f64,
    pub(super) descriptors: [usize; 2],
    pub(super) rss_mb: [f64; 2],
}

impl Growth {
    /// Whether it has grown more than what comes and goes.
    pub(super) fn is_leak(&self) -> bool {
        let [descriptors, descriptors_later] = self.descriptors;
        let [rss, rss_later] = self.rss_mb;
        descriptors_later as f64 > descriptors as f64 * 1.2 + 10.0 || rss_later > rss * 1.3 + 20.0
    }
}

fn files_below(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let count = |path: &Path| if path.is_dir() { files_below(path) } else { 1 };
    entries.flatten().map(|entry| count(&entry.path())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_growth_is_no_leak() {
        let growth = |descriptors, rss_mb| Growth { seconds: 60.0, descriptors, rss_mb };
        assert!(!growth([30, 46], [30.0, 58.0]).is_leak());
        assert!(growth([30, 47], [30.0, 30.0]).is_leak());
        assert!(growth([30, 30], [30.0, 60.0]).is_leak());
    }
}
