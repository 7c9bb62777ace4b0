//! Faults at random: lines that break and are mended, and faults of servers, connections and daemon, one after the other.
//!
//! All of it is drawn from one seed. When something happens also depends on how soon what was hurt is well again.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use asterisk_lab::Server;
use rustix::process::Signal;
use serde_json::Value;

use super::lines::{SERVERS, WELL};
use super::stage::Stage;
use super::truth::Injection;
use crate::draw::Draw;

/// How many seconds a line stays broken: long enough for whole runs.
const BROKEN_FOR: std::ops::Range<f64> = 15.0..30.0;
/// How many seconds pass between these.
const CALM: std::ops::Range<f64> = 8.0..18.0;
/// For how long all servers have to be ready before what was hurt counts as well again.
const STEADY: Duration = Duration::from_secs(3);
/// How long the daemon may take to reach its servers again.
const RECONNECT: Duration = Duration::from_secs(45);
/// How long tests may take to be back, besides a second for each twenty of them.
const BACK: Duration = Duration::from_secs(45);
/// How often something is looked at that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long it took until all was back after a injection.
#[derive(Debug, Clone)]
pub(super) struct Recovery {
    pub(super) what: String,
    /// From the moment at which nothing stood in the way any more until every server was ready.
    pub(super) ready: Duration,
    /// The same until no test was unknown any more.
    pub(super) back: Duration,
}

/// Injects faults.
pub(super) struct Faults<'s> {
    stage: &'s Stage,
    draw: Draw,
    /// Lines that are broken, and when they are mended.
    broken: Vec<(usize, Instant)>,
    /// What is still to come before each kind has its turn again.
    remaining: Vec<Injection>,
    recoveries: Vec<Recovery>,
}

impl<'s> Faults<'s> {
    pub(super) fn new(stage: &'s Stage) -> Self {
        let draw = Draw::seeded(stage.seed);
        Self { stage, draw, broken: Vec::new(), remaining: Vec::new(), recoveries: Vec::new() }
    }

    /// Injects them from one time to the other, and mends all lines then.
    pub(super) fn inject_all(mut self, from: Instant, to: Instant) -> anyhow::Result<Vec<Recovery>> {
        // With three lines broken of each twenty, most of them are well.
        let between_lines = 0.5 * (BROKEN_FOR.start + BROKEN_FOR.end) / (0.15 * self.stage.lines.len() as f64).max(1.0);
        let mut next_line = from;
        let mut next_injection = from + self.draw.seconds(2.0..5.0);
        while Instant::now() < to && !self.stage.is_over() {
            let now = Instant::now();
            for line in self.due(now) {
                self.mend(line)?;
            }
            if now >= next_line {
                self.break_one(now)?;
                next_line = now + self.draw.seconds(0.5 * between_lines..1.5 * between_lines);
            }
            // What was hurt near the end has to be well again by then.
            if now >= next_injection && now + Duration::from_secs(10) < to {
                self.inject()?;
                next_injection = Instant::now() + self.draw.seconds(CALM);
            }
            thread::sleep(LOOK_EVERY);
        }
        for (line, _) in std::mem::take(&mut self.broken) {
            self.mend(line)?;
        }
        Ok(self.recoveries)
    }

    fn due(&mut self, now: Instant) -> Vec<usize> {
        let (due, rest) = self.broken.iter().copied().partition(|(_, until)| *until <= now);
        self.broken = rest;
        let due: Vec<(usize, Instant)> = due;
        due.into_iter().map(|(line, _)| line).collect()
    }

    fn break_one(&mut self, now: Instant) -> anyhow::Result<()> {
        let line = self.draw.below(self.stage.lines.len());
        let until = now + self.draw.seconds(BROKEN_FOR);
        let kind = *self.draw.one_of(self.stage.lines[line].faults);
        if self.broken.iter().any(|(broken, _)| *broken == line) {
            return Ok(());
        }
        self.broken.push((line, until));
        self.stage.truth().note_breaking(line, kind);
        self.switch(line, kind)?;
        self.stage.truth().note_broken(line);
        Ok(())
    }

    fn mend(&self, line: usize) -> anyhow::Result<()> {
        self.stage.truth().note_mending(line);
        self.switch(line, WELL)?;
        self.stage.truth().note_mended(line);
        Ok(())
    }

    fn switch(&self, line: usize, to: &str) -> anyhow::Result<()> {
        let line = &self.stage.lines[line];
        self.stage.lab.server(line.switch).cli(&format!("dialplan set global {} {to}", line.variable))?;
        Ok(())
    }

    /// One of them, and the wait until all is well again.
    fn inject(&mut self) -> anyhow::Result<()> {
        if self.remaining.is_empty() {
            self.remaining = Injection::ALL.to_vec();
            self.draw.shuffle(&mut self.remaining);
        }
        let Some(injection) = self.remaining.pop() else { return Ok(()) };
        let name = *self.draw.one_of(&SERVERS);
        let pause = self.draw.seconds(match injection {
            // Less than a second spoils digits on a trunk, and nobody can tell it from a moment of quiet.
            Injection::ServerFrozen | Injection::DaemonFrozen => 1.2..8.0,
            _ => 0.5..5.0,
        });
        let server = self.stage.lab.server(name);
        let place = match injection {
            Injection::DaemonKilled | Injection::DaemonFrozen | Injection::DaemonReloads => None,
            _ => Some(name),
        };
        let what = place.map_or(injection.words().to_owned(), |name| format!("{} ({name})", injection.words()));
        self.stage.tell(&format!("{what}, for {:.1} s", pause.as_secs_f64()));
        if injection == Injection::DaemonReloads {
            self.stage.truth().note_injected(injection, None);
            self.stage.daemon.signal(Signal::HUP)?;
            thread::sleep(Duration::from_secs(2));
            self.stage.truth().note_healed();
            let reload = self.stage.daemon.get("/healthz")?["reload"].clone();
            if reload["success"] != true {
                self.stage.report(format!("a reload of the same configuration came out as {reload}"));
            }
            return Ok(());
        }
        self.stage.truth().note_injected(injection, place);
        match injection {
            Injection::ServerKilled => self.kill(server, name, pause)?,
            Injection::ServerFrozen => {
                server.freeze()?;
                thread::sleep(pause);
                server.thaw()?;
            }
            Injection::ConnectionCut => {
                let index = SERVERS.iter().position(|server| *server == name).unwrap_or(0);
                self.stage.proxies[index].way().cut();
            }
            Injection::DaemonKilled => {
                self.stage.daemon.kill()?;
                thread::sleep(pause);
                self.stage.daemon.start()?;
            }
            Injection::DaemonFrozen => {
                self.stage.daemon.signal(Signal::STOP)?;
                thread::sleep(pause);
                self.stage.daemon.signal(Signal::CONT)?;
            }
            Injection::DaemonReloads => {}
        }
        self.recover(what)
    }

    /// A server's variables end with it: its lines are well when it is there again.
    fn kill(&mut self, server: &Server, name: &str, pause: Duration) -> anyhow::Result<()> {
        let (lost, rest): (Vec<_>, Vec<_>) =
            self.broken.iter().copied().partition(|(line, _)| self.stage.lines[*line].switch == name);
        self.broken = rest;
        for (line, _) in &lost {
            self.stage.truth().note_mending(*line);
        }
        server.kill()?;
        // Some runs have to find out.
        thread::sleep(pause + Duration::from_secs(1));
        self.check_told_once(name)?;
        server.restart()?;
        for (line, _) in &lost {
            self.stage.truth().note_mended(*line);
        }
        Ok(())
    }

    /// A server that is gone is one condition, whatever the number of its tests.
    fn check_told_once(&self, server: &str) -> anyhow::Result<()> {
        let readiness = self.stage.daemon.get("/readyz")?;
        let reasons = readiness["reasons"].as_array().map(Vec::as_slice).unwrap_or_default();
        if reasons.len() != 1 {
            self.stage.report(format!("with server {server} gone, /readyz has not one reason, but {reasons:?}"));
        }
        Ok(())
    }

    /// Waits until the daemon has had its servers for a while, and no test is unknown any more.
    fn recover(&mut self, what: String) -> anyhow::Result<()> {
        let begun = Instant::now();
        let limit = BACK + Duration::from_secs(1) * u32::try_from(self.stage.lines.len() / 20).unwrap_or(u32::MAX);
        let (mut ready_since, mut back_since) = (None, None);
        let mut is_steady = false;
        let mut last = Vec::new();
        loop {
            let now = Instant::now();
            let readiness = self.stage.daemon.get("/readyz").unwrap_or(Value::Null);
            ready_since =
                ready_since.filter(|_| readiness["ready"] == true).or((readiness["ready"] == true).then_some(now));
            let unknown = self.stage.daemon.get("/").map(|lists| lists["unknown"].clone()).unwrap_or(Value::Null);
            let is_back = unknown.as_array().is_some_and(Vec::is_empty);
            last = if is_back { last } else { self.described(&unknown) };
            back_since = back_since.filter(|_| is_back).or(is_back.then_some(now));
            if !is_steady && ready_since.is_some_and(|since| now - since >= STEADY) {
                is_steady = true;
                self.stage.truth().note_healed();
            }
            if let (true, Some(_)) = (is_steady, back_since) {
                break;
            }
            if let Some(end) = self.stage.daemon.unexpected_end() {
                bail!("the daemon has gone after: {what}: {end}");
            }
            ensure!(
                is_steady || now - begun < RECONNECT,
                "the daemon is not ready again after: {what}: {}",
                readiness["reasons"]
            );
            if now - begun > limit || self.stage.is_over() {
                self.stage.report(format!("after {what}, these are still unknown: {unknown}"));
                break;
            }
            thread::sleep(LOOK_EVERY);
        }
        let after = |since: Option<Instant>| since.map_or(begun.elapsed(), |since| since - begun);
        let (ready, back) = (after(ready_since), after(back_since));
        let last = if last.is_empty() { String::new() } else { format!(", the last of them {}", last.join(", ")) };
        self.stage.tell(&format!(
            "well again: servers ready after {:.1} s, all tests back after {:.1} s{last}",
            ready.as_secs_f64(),
            back.as_secs_f64()
        ));
        self.recoveries.push(Recovery { what, ready, back });
        Ok(())
    }

    /// Some of these tests, each with what is wrong with its line now.
    fn described(&self, tests: &Value) -> Vec<String> {
        let names = tests.as_array().into_iter().flatten().filter_map(Value::as_str).take(3);
        let described = names.map(|name| {
            let is_broken = self.broken.iter().any(|(line, _)| self.stage.lines[*line].name == name);
            format!("{name} ({})", if is_broken { "broken" } else { WELL })
        });
        described.collect()
    }
}
