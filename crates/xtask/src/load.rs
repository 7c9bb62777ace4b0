//! `cargo xtask load`: many dtmf tests at once, each on a pair of links of its own, against fakes of Asterisk in processes
//! of their own. It finds out what the tester itself costs, and where it ends, beyond what one real Asterisk can carry.
//!
//! It passes if every test does and no channel is left. What it prints about time and memory is information, not part of
//! the verdict.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use calltest_asterisk::{AsteriskConnector, Identity};
use calltest_config::{Input, Source};
use calltest_core::event::{RunEvent, ServerEvent};
use calltest_core::plan::Plan;
use calltest_runner::{Control, LocalLeases, Observer, Runner, Setup};
use serde::Serialize;

use crate::configuration::server_at;
use crate::fake_process::{FakeProcess, FakeReport};
use crate::many_calls::without_particulars;
use crate::process::{Usage, megabytes};
use crate::program;

/// How long each call rings.
const RING: Duration = Duration::from_millis(200);
/// How many digits go each way, each with a tone and a gap of this length.
const DIGITS: u32 = 5;
const TONE: Duration = Duration::from_millis(100);
/// What a run adds after the last digit, for what nobody sent.
const TAIL: Duration = Duration::from_millis(500);
/// How many calls a second are expected to be set up, when nothing is said about how long they are to last.
const CALLS_PER_SECOND: u64 = 500;
/// By how much a run may last longer than it has to.
const PATIENCE: Duration = Duration::from_secs(60);
/// How big the load is.
#[derive(Debug, clap::Args)]
pub(crate) struct Load {
    /// How many tests run at the same time
    #[arg(long, default_value_t = 1000)]
    calls: u32,
    /// Over how many servers they are spread
    #[arg(long, default_value_t = 1)]
    servers: u32,
    /// Seconds between the answer and the first digit of each call, so that all are up at once [default: what it takes to
    /// set them all up at 500 a second]
    #[arg(long)]
    hold: Option<u64>,
    /// Print one JSON object in place of the table
    #[arg(long)]
    json: bool,
    /// Ten calls, with this build as it is: shows that it works, the figures mean nothing
    #[arg(long, conflicts_with = "calls")]
    small: bool,
}

/// All figures of one load.
#[derive(Debug, Serialize)]
struct Figures {
    calls: u32,
    servers: u32,
    passed: u32,
    failed: u32,
    errors: u32,
    wall_s: f64,
    minimum_s: f64,
    peak_channels: usize,
    events: u64,
    requests: u64,
    cpu_ms_per_call: f64,
    cpu_us_per_event: f64,
    fake_cpu_ms_per_call: f64,
    peak_rss_mb: f64,
    rss_kb_per_call: f64,
    reaction_ms_p50: f64,
    reaction_ms_p99: f64,
    reaction_ms_max: f64,
}

pub(crate) fn run(load: &Load) -> anyhow::Result<()> {
    if load.small {
        return measure(&Load { calls: 10, ..*load });
    }
    if cfg!(debug_assertions) {
        return program::run_optimised();
    }
    measure(load)
}

fn measure(load: &Load) -> anyhow::Result<()> {
    let mut fakes = (0..load.servers).map(|_| FakeProcess::start()).collect::<anyhow::Result<Vec<_>>>()?;
    let ports: Vec<u16> = fakes.iter().map(|fake| fake.port).collect();
    let hold = Duration::from_secs(load.hold.unwrap_or(u64::from(load.calls) / CALLS_PER_SECOND));
    let plan = Arc::new(plan(load.calls, &ports, hold)?);
    let runtime = tokio::runtime::Runtime::new().context("could not start the asynchronous runtime")?;
    let outcome = runtime.block_on(run_all(plan))?;
    let reports = fakes.drain(..).map(FakeProcess::end).collect::<anyhow::Result<Vec<_>>>()?;
    let figures = Figures::of(load, hold, &outcome, &reports);
    if load.json {
        println!("{}", serde_json::to_string(&figures)?);
    } else {
        figures.print();
    }
    for (reason, count) in outcome.reasons.iter().take(10) {
        eprintln!("{count} × {reason}");
    }
    ensure!(figures.passed == load.calls, "{} of {} tests passed", figures.passed, load.calls);
    let left: usize = reports.iter().map(|report| report.channels_left).sum();
    ensure!(left == 0, "{left} channels are left");
    Ok(())
}

/// How the tests came out, and what that cost.
#[derive(Debug, Default)]
struct Outcome {
    by_verdict: BTreeMap<&'static str, u32>,
    /// How often each reason for something else than a pass was given.
    reasons: BTreeMap<String, u32>,
    wall: Duration,
    cpu: Duration,
    peak_rss_bytes: u64,
    rss_before_bytes: u64,
}

async fn run_all(plan: Arc<Plan>) -> anyhow::Result<Outcome> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("somebody else has chosen the cryptography"))?;
    let setup = Setup {
        plan: Arc::clone(&plan),
        connector: Arc::new(AsteriskConnector::new(Identity { instance: "load".into(), take_over: false })),
        leases: Arc::new(LocalLeases::default()),
        observer: Arc::new(Nobody),
        state_directory: std::env::temp_dir(),
    };
    let runner = Arc::new(Runner::open(setup, &plan.tests).await);
    if let Some((server, why)) = runner.servers().unavailable().into_iter().next() {
        anyhow::bail!("server {server}: {why}");
    }
    let before = Usage::of(std::process::id()).context("the system does not tell what this process uses")?;
    let started = Instant::now();
    let mut runs = tokio::task::JoinSet::new();
    for test in &plan.tests {
        let (runner, test) = (Arc::clone(&runner), Arc::clone(test));
        runs.spawn(async move {
            let run = runner.run(&test, &Control::default()).await;
            (run.verdict.word(), run.verdict.reason())
        });
    }
    let mut outcome = Outcome { rss_before_bytes: before.rss_bytes, ..Outcome::default() };
    while let Some(run) = runs.join_next().await {
        let (word, reason) = run.context("a run has panicked")?;
        *outcome.by_verdict.entry(word).or_default() += 1;
        if let Some(reason) = reason {
            *outcome.reasons.entry(format!("{word}: {}", without_particulars(&reason))).or_default() += 1;
        }
    }
    outcome.wall = started.elapsed();
    let after = Usage::of(std::process::id()).context("the system does not tell what this process uses")?;
    outcome.cpu = after.cpu.saturating_sub(before.cpu);
    outcome.peak_rss_bytes = after.peak_rss_bytes;
    runner.close().await;
    Ok(outcome)
}

/// Nobody is told anything.
struct Nobody;

impl Observer for Nobody {
    fn run_event(&self, _: RunEvent) {}

    fn server_event(&self, _: ServerEvent) {}
}

impl Figures {
    fn of(load: &Load, hold: Duration, outcome: &Outcome, reports: &[FakeReport]) -> Self {
        let count = |word: &str| outcome.by_verdict.get(word).copied().unwrap_or(0);
        let mut reactions: Vec<u64> = reports.iter().flat_map(|report| &report.reactions).copied().collect();
        reactions.sort_unstable();
        let share = |share: f64| {
            let last = reactions.len().saturating_sub(1);
            let place = (last as f64 * share).ceil() as usize;
            reactions.get(place).map_or(0.0, |micros| *micros as f64 / 1000.0)
        };
        let (calls, events) = (f64::from(load.calls), reports.iter().map(|report| report.events).sum::<u64>());
        let fake_cpu_ms: u64 = reports.iter().map(|report| report.cpu_ms).sum();
        Self {
            calls: load.calls,
            servers: load.servers,
            passed: count("pass"),
            failed: count("fail"),
            errors: load.calls - count("pass") - count("fail"),
            wall_s: outcome.wall.as_secs_f64(),
            minimum_s: shortest(hold).as_secs_f64(),
            peak_channels: reports.iter().map(|report| report.peak_channels).sum(),
            events,
            requests: reports.iter().map(|report| report.requests).sum(),
            cpu_ms_per_call: outcome.cpu.as_secs_f64() * 1000.0 / calls,
            cpu_us_per_event: outcome.cpu.as_secs_f64() * 1e6 / events.max(1) as f64,
            fake_cpu_ms_per_call: fake_cpu_ms as f64 / calls,
            peak_rss_mb: megabytes(outcome.peak_rss_bytes),
            rss_kb_per_call: outcome.peak_rss_bytes.saturating_sub(outcome.rss_before_bytes) as f64 / 1024.0 / calls,
            reaction_ms_p50: share(0.5),
            reaction_ms_p99: share(0.99),
            reaction_ms_max: share(1.0),
        }
    }

    fn print(&self) {
        let row = |name: &str, value: String| println!("{name:<34} {value:>12}");
        row("tests", format!("{}", self.calls));
        row("servers", format!("{}", self.servers));
        row("passed", format!("{}", self.passed));
        row("failed", format!("{}", self.failed));
        row("errors", format!("{}", self.errors));
        row("wall time, s", format!("{:.2}", self.wall_s));
        row("  of one call alone, at least, s", format!("{:.2}", self.minimum_s));
        row("channels at once, at most", format!("{}", self.peak_channels));
        row("events", format!("{}", self.events));
        row("requests", format!("{}", self.requests));
        row("CPU of the tester, ms a call", format!("{:.2}", self.cpu_ms_per_call));
        row("  µs an event", format!("{:.1}", self.cpu_us_per_event));
        row("CPU of the fakes, ms a call", format!("{:.2}", self.fake_cpu_ms_per_call));
        row("peak RSS of the tester, MB", format!("{:.1}", self.peak_rss_mb));
        row("  kB a call", format!("{:.1}", self.rss_kb_per_call));
        row("reaction, median, ms", format!("{:.2}", self.reaction_ms_p50));
        row("  99 of 100, ms", format!("{:.2}", self.reaction_ms_p99));
        row("  longest, ms", format!("{:.2}", self.reaction_ms_max));
    }
}

/// How long a call lasts that nothing holds up: it rings, waits, sends digits each way, and waits for what nobody sent.
fn shortest(hold: Duration) -> Duration {
    // A quiet of one tone's length comes before the first digit; the last one's gap is not waited for.
    let one_way = TONE + DIGITS * TONE + (DIGITS - 1) * TONE;
    RING + hold + 2 * one_way + TAIL
}

/// One test for each pair of links, in turn on each of the servers.
fn plan(calls: u32, ports: &[u16], hold: Duration) -> anyhow::Result<Plan> {
    // Writing to a String cannot fail.
    let mut text = String::from("servers:\n");
    for (number, port) in ports.iter().enumerate() {
        let server = server_at(([127, 0, 0, 1], *port).into(), "calltest", "secret");
        let _ = writeln!(text, "  fake{number}: {server}");
    }
    text += "links:\n  ':default:': {channel: 'Local/{number}@direct'}\n";
    for call in 0..calls {
        let server = format!("server: fake{}", call as usize % ports.len());
        let _ = write!(text, "  s{call}: {{{server}, number: s{call}}}\n  d{call}: {{{server}, number: d{call}}}\n");
    }
    let (ring, hold_seconds, tone) = (RING.as_secs_f64(), hold.as_secs_f64(), TONE.as_millis());
    let timeout = (shortest(hold) + hold + PATIENCE).as_secs_f64();
    let _ = write!(
        text,
        "calls:\n  ':default:':\n    mode: dtmf\n    timeout: {timeout}\n    delay: {{ring: {ring}, answer: {hold_seconds}}}\n    \
         dtmf: {{len: {DIGITS}, duration: {tone}, between: {tone}}}\n"
    );
    for call in 0..calls {
        let _ = writeln!(text, "  c{call}: {{src: s{call}, dst: d{call}}}");
    }
    let source = Source::File { path: "load.cfg".into(), text };
    let input = Input { source, overrides: Vec::new(), is_lenient: false };
    Ok(calltest_config::load(&input).context("the load's own configuration is bad")?.plan)
}
