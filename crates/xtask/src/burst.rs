//! `cargo xtask burst`: many dtmf tests at once, each on a pair of links of its own, against one real Asterisk.
//!
//! It runs the program as a user would, on a configuration that it writes, and passes if every run of every round does and
//! no channel is left. What it prints about time and memory is information, not part of the verdict.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use asterisk_lab::{Ari, Lab};

use crate::usage::Usage;

/// How big the burst is.
#[derive(Debug, clap::Args)]
pub(crate) struct Burst {
    /// How many tests run at the same time
    #[arg(long, default_value_t = 500)]
    calls: usize,
    /// How often all of them are run
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

pub(crate) fn run(burst: &Burst) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "--package", "calltest"])
        .current_dir(&root)
        .status()
        .context("could not run cargo")?;
    ensure!(built.success(), "calltest does not build");
    let program = root.join("target/release/calltest");
    let lab = Lab::builder(&asterisk_lab::for_tests()).server("a").start()?;
    let server = lab.server("a");
    let file = lab.directory().join("burst.cfg");
    fs::write(&file, configuration(server.ari(), burst.calls)).context("could not write the configuration")?;
    println!(
        "{:>6} {:>7} {:>7} {:>9} {:>12} {:>11}",
        "round", "calls", "passed", "wall s", "CPU ms/call", "peak RSS MB"
    );
    for round in 1..=burst.rounds {
        let started = Instant::now();
        let mut child = Command::new(&program)
            .args(["run", "--format", "json", "-c"])
            .arg(&file)
            .stdout(Stdio::from(fs::File::create(lab.directory().join("burst.json"))?))
            .spawn()
            .context("could not start calltest")?;
        let mut usage = Usage::default();
        let status = loop {
            match child.try_wait()? {
                Some(status) => break status,
                None => {
                    usage = Usage::of(child.id()).unwrap_or(usage);
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        };
        let wall = started.elapsed();
        let results = fs::read_to_string(lab.directory().join("burst.json"))?;
        let mut passed = 0;
        for line in results.lines() {
            let run: serde_json::Value = serde_json::from_str(line).context("a result is not JSON")?;
            if run["verdict"] == "pass" {
                passed += 1;
            } else {
                println!("{}: {} {}", run["test"], run["verdict"], run["reason"]);
            }
        }
        println!(
            "{round:>6} {:>7} {passed:>7} {:>9.2} {:>12.2} {:>11.1}",
            burst.calls,
            wall.as_secs_f64(),
            usage.cpu.as_secs_f64() * 1000.0 / burst.calls as f64,
            usage.peak_rss_kb as f64 / 1024.0,
        );
        ensure!(status.success() && passed == burst.calls, "{passed} of {} tests passed", burst.calls);
        let left = settled_channels(server)?;
        ensure!(left == 0, "{left} channels are left");
    }
    Ok(())
}

/// How many channels are up once Asterisk has had a moment to tear down what has just ended.
fn settled_channels(server: &asterisk_lab::Server) -> anyhow::Result<usize> {
    let give_up = Instant::now() + Duration::from_secs(5);
    loop {
        let open = server.open_channels()?;
        if open == 0 || Instant::now() >= give_up {
            return Ok(open);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// One test for each pair of links; all links lead into the server's own dialplan.
fn configuration(ari: &Ari, calls: usize) -> String {
    let mut text = format!(
        "asterisk: {{host: \"{}\", port: {}, username: \"{}\", password: \"{}\"}}\n",
        ari.host, ari.port, ari.username, ari.password
    );
    text.push_str("links:\n  ':default:': {channel: 'Local/{number}@direct'}\n");
    // Writing to a String cannot fail.
    for call in 0..calls {
        let _ = write!(text, "  s{call:04}: {{number: s{call:04}}}\n  d{call:04}: {{number: d{call:04}}}\n");
    }
    text.push_str("calls:\n  ':default:': {mode: dtmf, timeout: 60}\n");
    for call in 0..calls {
        let _ = writeln!(text, "  c{call:04}: {{src: s{call:04}, dst: d{call:04}}}");
    }
    text
}
