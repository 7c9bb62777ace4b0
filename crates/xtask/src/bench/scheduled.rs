//! The daemon with thousands of tests on its schedule, as a user runs it, on a fake that carries them all.
//!
//! Everything is seen from outside: its WebSocket tells when a test is due and when its run was asked for, the kernel what
//! the daemon costs, the fake how fast it reacts.

mod follow;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use self::follow::{Follower, Seen};

use super::statistics::quantile;
use super::table::{Cell, Table};
use crate::configuration::server_at;
use crate::daemon::Daemon;
use crate::fake_process::FakeProcess;
use crate::many_calls::configuration;
use crate::process::{Usage, megabytes};
use crate::program::{self, Profile, target_directory};

/// How many tests the daemon begins a second when it starts.
const STARTS_PER_SECOND: u64 = 20;
/// By how much longer than that it may take until all tests have run once.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether they have.
const LOOK: Duration = Duration::from_secs(1);

/// How much is on the schedule.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// How many tests there are
    #[arg(long, default_value_t = 10_000)]
    tests: usize,
    /// Seconds from the end of a test's run to its next
    #[arg(long, default_value_t = 60)]
    repeat: u64,
    /// For how many seconds to measure, once every test has run (the daemon begins 20 a second)
    #[arg(long, default_value_t = 120)]
    seconds: u64,
}

impl Options {
    /// As little as shows that it works.
    pub(super) fn small() -> Self {
        Self { tests: 20, repeat: 2, seconds: 10 }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { tests: 10_000, repeat: 60, seconds: 120 }
    }
}

pub(super) fn measure(options: &Options) -> anyhow::Result<Vec<Table>> {
    ensure!(options.tests > 0 && options.seconds > 0, "there is nothing to measure");
    let (program, fake) = (program::build(Profile::Release)?, FakeProcess::start()?);
    let directory = target_directory().join("bench/scheduled");
    if directory.exists() {
        fs::remove_dir_all(&directory).context("could not remove the files of last time")?;
    }
    fs::create_dir_all(&directory)?;
    let file = directory.join("scheduled.cfg");
    let asterisk = server_at(([127, 0, 0, 1], fake.port).into(), "calltest", "secret");
    let write = |tests: usize| fs::write(&file, configuration(&asterisk, tests));

    write(1)?;
    let rss_alone = {
        let alone = started(&program, &file, &directory.join("alone"), "calls.:default:.test={skip: yes}")?;
        let rss = alone.usage()?.rss_bytes;
        alone.end()?;
        rss
    };

    write(options.tests)?;
    let schedule = format!("calls.:default:.test={{repeat: {0}, retry: {0}}}", options.repeat);
    let daemon = started(&program, &file, &directory.join("all"), &schedule)?;
    let rss_idle = daemon.usage()?.rss_bytes;
    let follower = Follower::of(daemon.address()?)?;
    let begun = Instant::now();
    let deadline = Duration::from_secs(options.tests as u64 / STARTS_PER_SECOND) + PATIENCE;
    while follower.seen(|seen| seen.finished.len()) < options.tests {
        ensure!(begun.elapsed() < deadline, "not every test has run within {} s", deadline.as_secs());
        thread::sleep(LOOK);
    }
    println!("every test has run once, after {} s", begun.elapsed().as_secs());
    let (before, started) = (daemon.usage()?, Instant::now());
    follower.seen(Seen::forget_figures);
    thread::sleep(Duration::from_secs(options.seconds));
    let after = daemon.usage()?;
    let wall = started.elapsed();
    let seen = follower.end()?;
    daemon.end()?;
    let report = fake.end()?;
    fs::remove_dir_all(&directory).context("could not remove the files")?;
    ensure!(report.channels_left == 0, "{} channels are left", report.channels_left);

    let caption = format!(
        "{} dtmf tests, each {} s after the end of its last run, on a fake; over {} s, once each had run. History on, one \
         listener on the WebSocket. Lag is the time from when a run is due until it is asked for.",
        options.tests, options.repeat, options.seconds
    );
    let runs = seen.lags.len() as f64;
    let cpu = after.cpu.saturating_sub(before.cpu).as_secs_f64();
    let events = report.events as f64 / seen.all_runs as f64 * runs;
    let mut table = Table::new("scheduled", caption, &["what", "figure", "unit"]);
    let mut row = |what: &str, figure: f64, digits: usize, unit: &str| {
        table.push(vec![what.into(), Cell::Figure(figure, digits), unit.into()]);
    };
    row("runs", runs, 0, "");
    row("of these not passed", seen.not_passed as f64, 0, "");
    row("runs a second", runs / wall.as_secs_f64(), 1, "");
    row("channels at once, at most", report.peak_channels as f64, 0, "");
    row("scheduling lag, median", quantile(seen.lags.iter().copied(), 0.5) * 1000.0, 2, "ms");
    row("scheduling lag, 99 of 100", quantile(seen.lags.iter().copied(), 0.99) * 1000.0, 2, "ms");
    row("scheduling lag, longest", quantile(seen.lags.iter().copied(), 1.0) * 1000.0, 2, "ms");
    let reaction = |share: f64| quantile(report.reactions.iter().map(|micros| *micros as f64 / 1000.0), share);
    row("reaction, median", reaction(0.5), 2, "ms");
    row("reaction, 99 of 100", reaction(0.99), 2, "ms");
    row("reaction, longest", reaction(1.0), 2, "ms");
    row("CPU of the daemon, of one core", cpu / wall.as_secs_f64() * 100.0, 1, "%");
    row("CPU a run", cpu * 1000.0 / runs, 2, "ms");
    row("CPU an event", cpu * 1e6 / events, 1, "µs");
    memory(&mut row, options, rss_alone, rss_idle, after);
    Ok(vec![table])
}

/// A daemon with a setting of its own, and all its files in that directory.
fn started(program: &Path, configuration: &Path, directory: &Path, setting: &str) -> anyhow::Result<Daemon> {
    fs::create_dir_all(directory)?;
    let daemon = Daemon::new(program, configuration, directory).settings(&[setting]);
    daemon.start()?;
    Ok(daemon)
}

/// What the tests take while they only wait, and everything together.
fn memory(
    row: &mut impl FnMut(&str, f64, usize, &str),
    options: &Options,
    rss_alone: u64,
    rss_idle: u64,
    after: Usage,
) {
    let a_test = rss_idle.saturating_sub(rss_alone) as f64 / 1024.0 / options.tests as f64;
    row("RSS with one test, nothing running", megabytes(rss_alone), 1, "MB");
    row("RSS with all tests, nothing running", megabytes(rss_idle), 1, "MB");
    row("that is, a test", a_test, 2, "kB");
    row("RSS at the end", megabytes(after.rss_bytes), 1, "MB");
    row("peak RSS", megabytes(after.peak_rss_bytes), 1, "MB");
}
