//! Many dtmf tests at once on one real Asterisk: the server, the configuration for them, and how the runs came out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use asterisk_lab::{Lab, Server};

use crate::configuration;
use crate::process::{self, Cost};

/// How long Asterisk may take to tear down what has just ended.
const SETTLE: Duration = Duration::from_secs(10);

/// A real Asterisk of its own.
pub(crate) struct ManyCalls {
    lab: Lab,
}

/// How a number of runs came out, and what they cost.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) usage: Usage,
    /// How many passed.
    pub(crate) passed: usize,
    /// How often each other verdict was given for the same reason, names of tests and figures left out.
    pub(crate) others: BTreeMap<String, usize>,
}

/// What it took to make a number of calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// What the tester has cost.
    pub(crate) tester: Cost,
    /// What Asterisk used of the CPU from just before the tester started until the last channel was gone.
    pub(crate) asterisk_cpu: Duration,
    /// How many channels had to be hung up since the tester had left them.
    pub(crate) left_channels: usize,
}

impl Outcome {
    /// No runs, so far.
    fn of(usage: Usage) -> Self {
        Self { usage, passed: 0, others: BTreeMap::new() }
    }

    fn add(&mut self, verdict: &str, reason: &str) {
        match verdict {
            "pass" => self.passed += 1,
            _ => *self.others.entry(format!("{verdict}: {}", without_particulars(reason))).or_default() += 1,
        }
    }
}

impl ManyCalls {
    /// Starts the server.
    pub(crate) fn start() -> anyhow::Result<Self> {
        Ok(Self { lab: Lab::builder(&asterisk_lab::for_tests()).server("a").start()? })
    }

    /// Where files may be put; it is gone with the lab.
    pub(crate) fn directory(&self) -> &Path {
        self.lab.directory()
    }

    /// Writes the configuration of so many tests, each on a pair of links of its own. calltest 0.7.4 reads it as well.
    pub(crate) fn configure(&self, calls: usize) -> anyhow::Result<PathBuf> {
        let file = self.directory().join(format!("{calls}.cfg"));
        let asterisk = configuration::server(self.server().ari());
        fs::write(&file, configuration(&asterisk, calls)).context("could not write the configuration")?;
        Ok(file)
    }

    /// Runs all tests of a configuration at once with our program, as a person does.
    pub(crate) fn run(&self, program: &Path, configuration: &Path) -> anyhow::Result<Outcome> {
        let usage = self.carry_out(program, configuration, "text")?;
        let mut outcome = Outcome::of(usage);
        for line in fs::read_to_string(self.results())?.lines() {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            if ["pass", "FAIL", "error", "cancelled"].contains(&word) {
                let reason = rest.split_once("): ").map_or("", |(_, reason)| reason);
                outcome.add(&word.to_lowercase(), reason);
            }
        }
        Ok(outcome)
    }

    /// The same, with all that is known of each run kept in [`ManyCalls::results`], one JSON object a line.
    pub(crate) fn record(&self, program: &Path, configuration: &Path) -> anyhow::Result<Outcome> {
        let usage = self.carry_out(program, configuration, "json")?;
        let mut outcome = Outcome::of(usage);
        for line in fs::read_to_string(self.results())?.lines() {
            let run: serde_json::Value = serde_json::from_str(line).context("a result is not JSON")?;
            let [verdict, reason] = ["verdict", "reason"].map(|key| run[key].as_str().unwrap_or_default());
            outcome.add(verdict, reason);
        }
        Ok(outcome)
    }

    fn carry_out(&self, program: &Path, configuration: &Path, format: &str) -> anyhow::Result<Usage> {
        let mut command = Command::new(program);
        command.args(["run", "--format", format, "-c"]).arg(configuration).stdout(File::create(self.results())?);
        self.watch(&mut command)
    }

    /// Runs a command that makes calls here, until it has ended and its last channel is gone.
    pub(crate) fn watch(&self, command: &mut Command) -> anyhow::Result<Usage> {
        let before = self.asterisk_cpu()?;
        let tester = process::run(command.stdin(Stdio::null()))?;
        let left_channels = self.settle()?;
        Ok(Usage { tester, asterisk_cpu: self.asterisk_cpu()?.saturating_sub(before), left_channels })
    }

    /// How many channels are up once Asterisk has had a moment to tear down what has just ended.
    fn open_channels(&self) -> anyhow::Result<usize> {
        let give_up = Instant::now() + SETTLE;
        loop {
            let open = self.server().open_channels()?;
            if open == 0 || Instant::now() >= give_up {
                return Ok(open);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until all channels are gone, and hangs up those that a tester has left. How many these were.
    fn settle(&self) -> anyhow::Result<usize> {
        let left = self.open_channels()?;
        if left > 0 {
            self.server().cli("channel request hangup all")?;
            let immortal = self.open_channels()?;
            ensure!(immortal == 0, "{immortal} channels cannot be hung up");
        }
        Ok(left)
    }

    fn asterisk_cpu(&self) -> anyhow::Result<Duration> {
        let usage = self.server().process_id().and_then(process::Usage::of);
        Ok(usage.context("Asterisk does not run any more")?.cpu)
    }

    /// What our program said of its last runs.
    pub(crate) fn results(&self) -> PathBuf {
        self.directory().join("results")
    }

    fn server(&self) -> &Server {
        self.lab.server("a")
    }
}

/// The configuration of a server, with one test for each pair of links; all links lead into the server's own dialplan.
pub(crate) fn configuration(asterisk: &str, calls: usize) -> String {
    let mut text = format!("asterisk: {asterisk}\n");
    text.push_str("links:\n  ':default:': {channel: 'Local/{number}@direct'}\n");
    // Writing to a String cannot fail.
    for call in 0..calls {
        let _ = write!(text, "  s{call:05}: {{number: s{call:05}}}\n  d{call:05}: {{number: d{call:05}}}\n");
    }
    text.push_str("calls:\n  ':default:': {mode: dtmf, timeout: 60}\n");
    for call in 0..calls {
        let _ = writeln!(text, "  c{call:05}: {{src: s{call:05}, dst: d{call:05}}}");
    }
    text
}

/// A reason in which names of links and figures are dots, so that the same reason of several tests is the same.
pub(crate) fn without_particulars(reason: &str) -> String {
    let mut plain = String::new();
    for word in reason.split(' ') {
        let is_particular = word.contains(|letter: char| letter.is_ascii_digit());
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.push_str(if is_particular { "…" } else { word });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_reason_of_two_tests_is_the_same() {
        let [first, second] = [
            "d00001: no call arrived within 5 s; s00001 saw an answer",
            "d00420: no call arrived within 7 s; s00420 saw an answer",
        ];
        assert_eq!(without_particulars(first), "… no call arrived within … s; … saw an answer");
        assert_eq!(without_particulars(first), without_particulars(second));
    }
}
