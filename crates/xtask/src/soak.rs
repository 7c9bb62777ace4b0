//! `cargo xtask soak`: the daemon for as long as wanted, on two real Asterisk servers that a trunk joins, with tests in every
//! mode, while lines break and servers, connections and daemon are hurt at random.
//!
//! It knows at each moment what is broken, and holds every run against that: a line that is well has to pass, one that is
//! broken has to fail, and a fault on our side must never look like one of a line. It passes if no verdict was wrong, every
//! test came back by itself, and nothing has piled up.

mod faults;
mod follow;
mod ledger;
mod lines;
mod pulse;
mod stage;
mod summary;
mod truth;
mod watch;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use asterisk_lab::{DialplanLanguage, Lab, Server, ServerOptions, Trunk};

use faults::{Faults, Recovery};
use follow::Told;
use ledger::Ledger;
use lines::SERVERS;
use stage::Stage;
use summary::Summary;
use watch::Watch;

use crate::daemon::Daemon;
use crate::program::{Profile, build, target_directory};
use crate::proxy::Proxy;

/// How many runs are begun in a second, all tests together: what two cores with both servers on them bear with ease.
const RUNS_PER_SECOND: f64 = 15.0;
/// How often everything is looked at.
const SAMPLE_EVERY: Duration = Duration::from_secs(5);
/// For how long all has to be well at the end.
const CALM: Duration = Duration::from_secs(15);

/// How long and how hard to go at it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// For how many minutes
    #[arg(long, default_value_t = 10.0, value_parser = minutes)]
    minutes: f64,
    /// How many tests there are; the first 22 are one of each kind, the rest dtmf and ring
    #[arg(long, default_value_t = 60)]
    tests: usize,
    /// What faults are drawn from, to see a finding again; drawn itself if not given
    #[arg(long, env = "CALLTEST_SEED")]
    seed: Option<u64>,
    /// Break nothing
    #[arg(long)]
    no_faults: bool,
    /// Write what is measured to this file too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes: f64 = text.parse().map_err(|_| "expected a number of minutes".to_owned())?;
    if (0.5..=100_000.0).contains(&minutes) { Ok(minutes) } else { Err("expected half a minute or more".to_owned()) }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let program = build(Profile::Release)?;
    let seed = options.seed.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Short enough to be typed.
        now.as_millis() as u64 % 1_000_000
    });
    let stage = set_up(options, seed, &program)?;
    println!("{} tests, {} minutes, seed {seed}", stage.lines.len(), options.minutes);
    let came_out = go_on(options, &stage);
    let wrongs = stage.wrongs().len();
    if came_out.is_err() || wrongs > 0 {
        keep_logs(&stage, &target_directory().join("soak"))?;
    }
    came_out?;
    ensure!(wrongs == 0, "{wrongs} things are wrong, see above; the seed is {seed}");
    Ok(())
}

/// Both servers, and the daemon before its start.
fn set_up(options: &Options, seed: u64, program: &Path) -> anyhow::Result<Stage> {
    let server = |name| {
        ServerOptions::named(name)
            .dialplan_language(DialplanLanguage::Ael)
            .dialplan(lines::dialplan())
            .file("features.conf", lines::features())
    };
    let lab = Lab::builder(&asterisk_lab::for_tests());
    let lab = SERVERS.into_iter().fold(lab, |lab, name| lab.server(server(name)));
    let lab = lab.trunk(Trunk::between(SERVERS[0], SERVERS[1])).start()?;
    let servers: Vec<&Server> = lab.servers().iter().collect();
    let lines = lines::lines(options.tests, &servers);
    let direct: Vec<SocketAddr> =
        servers.iter().map(|server| SocketAddr::from((server.ari().host, server.ari().port))).collect();
    let proxies = match options.no_faults {
        true => Vec::new(),
        false => direct.iter().map(|server| Proxy::to(*server)).collect::<Result<_, _>>()?,
    };
    let addresses = if proxies.is_empty() { direct } else { proxies.iter().map(Proxy::address).collect() };
    let configuration = lab.directory().join("soak.cfg");
    let text = lines::configuration(&lines, lab.server(SERVERS[0]).ari(), &addresses, pause(lines.len()));
    fs::write(&configuration, text).context("could not write the configuration")?;
    let daemon = Daemon::new(program, &configuration, lab.directory()).beside(lab.server(SERVERS[0]))?;
    Ok(Stage::new(lab, daemon, lines, proxies, seed))
}

/// How many seconds a test rests between two runs.
fn pause(tests: usize) -> f64 {
    (tests as f64 / RUNS_PER_SECOND).max(2.0)
}

/// Runs the daemon and watches it, until the time is over.
fn go_on(options: &Options, stage: &Stage) -> anyhow::Result<()> {
    stage.daemon.start()?;
    let end = stage.epoch + Duration::from_secs_f64(options.minutes * 60.0);
    // Every test has run once by then.
    let warm = stage.epoch + Duration::from_secs_f64(5.0 + stage.lines.len() as f64 / 20.0);
    let told = Told::default();
    let address = stage.daemon.address()?;
    thread::scope(|scope| {
        let _end_of_all = EndOnDrop(stage);
        scope.spawn(|| stage.pulse.watch(|| stage.is_over()));
        scope.spawn(|| told.listen(address, || stage.is_over()));
        let faults = scope.spawn(|| match options.no_faults {
            true => Ok(Vec::new()),
            false => Faults::new(stage).inject_all(warm, end - CALM),
        });
        let mut ledger = Ledger::new(stage, &told, pause(stage.lines.len()));
        let mut watch = Watch::new(stage);
        watch_until(end, options, stage, &told, (&mut ledger, &mut watch))?;
        // The last fault may have lasted longer than was foreseen.
        while !faults.is_finished() {
            ledger.read_on();
            thread::sleep(Duration::from_secs(1));
        }
        let recoveries = faults.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        finish(options, stage, recoveries, (&mut ledger, &mut watch))
    })
}

/// Reads the history and looks at everything, again and again.
fn watch_until(
    end: Instant,
    options: &Options,
    stage: &Stage,
    told: &Told,
    (ledger, watch): (&mut Ledger<'_>, &mut Watch<'_>),
) -> anyhow::Result<()> {
    let print_every = Duration::from_secs_f64((options.minutes * 60.0 / 20.0).clamp(5.0, 30.0));
    let (mut next_sample, mut next_print) = (stage.epoch, stage.epoch + print_every);
    summary::print_head();
    while Instant::now() < end {
        ledger.read_on();
        if Instant::now() >= next_sample {
            watch.look(ledger, told);
            next_sample = Instant::now() + SAMPLE_EVERY;
        }
        if let Some(sample) = watch.samples.last().filter(|_| Instant::now() >= next_print) {
            summary::print_sample(sample);
            next_print += print_every;
        }
        if let Some(end) = stage.daemon.unexpected_end() {
            anyhow::bail!("the daemon has gone: {end}");
        }
        thread::sleep(Duration::from_millis(500));
    }
    watch.look(ledger, told);
    watch.samples.iter().last().iter().for_each(|sample| summary::print_sample(sample));
    Ok(())
}

/// Reads the rest of the history, ends the daemon, looks for what is left, and tells what came of it all.
fn finish(
    options: &Options,
    stage: &Stage,
    recoveries: Vec<Recovery>,
    (ledger, watch): (&mut Ledger<'_>, &mut Watch<'_>),
) -> anyhow::Result<()> {
    ledger.read_all()?;
    stage.end();
    if let Err(error) = stage.daemon.end() {
        stage.report(format!("{error:#}"));
    }
    watch.nothing_is_left()?;
    let growth = watch.growth();
    for growth in growth.iter().filter(|growth| growth.is_leak()) {
        stage.report(format!("the daemon has grown without need: {growth:?}"));
    }
    let summary = Summary { stage, ledger, watch, recoveries, growth };
    summary.print();
    options.json.as_deref().map_or(Ok(()), |path| summary.write(path))
}

/// Ends the other threads on every way out.
struct EndOnDrop<'s>(&'s Stage);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Keeps what daemon and servers logged, for a lab takes its files with it.
fn keep_logs(stage: &Stage, folder: &Path) -> anyhow::Result<()> {
    let folder = folder.join(stage.seed.to_string());
    fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    let keep = |name: String, text: String| fs::write(folder.join(name), text);
    keep("daemon.log".into(), fs::read_to_string(stage.daemon.log()).unwrap_or_default())?;
    keep("wrong.txt".into(), stage.wrongs().join("\n"))?;
    for server in stage.lab.servers() {
        keep(format!("{}.log", server.name()), server.log()?)?;
    }
    println!("the logs are kept in {}", folder.display());
    Ok(())
}
