//! Every run that the history has, each held against what is known of its line and the servers at that time.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::Value;

use super::follow::Told;
use super::pulse::{SPOILS_ALL, SPOILS_DIGITS};
use super::stage::Stage;
use super::truth::Span;

/// How long a test may have no new run, besides the time that its pauses take.
const PATIENCE: Duration = Duration::from_secs(90);

/// By how many seconds a time may differ from itself once it has been text.
const ROUNDING: f64 = 0.001;

/// The runs so far.
pub(super) struct Ledger<'s> {
    stage: &'s Stage,
    told: &'s Told,
    /// What was told of a test, and is not found in its history yet.
    awaited: BTreeMap<String, BTreeSet<String>>,
    tests: BTreeMap<String, Known>,
    /// How many runs of each mode came out how.
    pub(super) tally: BTreeMap<(&'static str, String), usize>,
    /// How many runs that had to come out so came out how.
    pub(super) expected: BTreeMap<(String, String), usize>,
    pub(super) wrong: usize,
    /// How many were wrong because the machine was held up.
    pub(super) excused: usize,
    /// How long a test may have no new run.
    patience: Duration,
}

/// What is known of one test's runs.
struct Known {
    line: usize,
    ids: HashSet<String>,
    /// When the latest run was asked for, in Unix seconds as the history has it.
    latest: f64,
    seen: Instant,
}

impl<'s> Ledger<'s> {
    pub(super) fn new(stage: &'s Stage, told: &'s Told, pause: f64) -> Self {
        let known = |line| Known { line, ids: HashSet::new(), latest: stage.start.as_secs_f64(), seen: Instant::now() };
        let tests = stage.lines.iter().enumerate().map(|(index, line)| (line.name.clone(), known(index)));
        Self {
            stage,
            told,
            awaited: BTreeMap::new(),
            tests: tests.collect(),
            tally: BTreeMap::new(),
            expected: BTreeMap::new(),
            wrong: 0,
            excused: 0,
            patience: PATIENCE + Duration::from_secs_f64(2.0 * pause),
        }
    }

    /// Takes in the new runs of those tests of which some were told. While the daemon is away, they are left for later.
    pub(super) fn read_on(&mut self) {
        for (test, mut runs) in self.told.take() {
            // After a restart of the daemon the latest runs are told of once more.
            runs.retain(|run| self.tests.get(&test).is_none_or(|known| !known.ids.contains(run)));
            self.awaited.entry(test).or_default().extend(runs);
        }
        let tests: Vec<String> =
            self.awaited.iter().filter(|(_, runs)| !runs.is_empty()).map(|(test, _)| test.clone()).collect();
        for test in tests {
            if self.read(&test).is_err() {
                break;
            }
        }
        for (test, known) in &mut self.tests {
            if known.seen.elapsed() > self.patience {
                self.stage.report(format!("{test} has not run for {} s", known.seen.elapsed().as_secs()));
                known.seen = Instant::now();
            }
        }
    }

    /// Takes in all that the history has, and names what was told and is not there.
    pub(super) fn read_all(&mut self) -> anyhow::Result<()> {
        self.read_on();
        let tests: Vec<String> = self.tests.keys().cloned().collect();
        for test in tests {
            self.read(&test)?;
        }
        for (test, runs) in std::mem::take(&mut self.awaited) {
            for run in runs {
                self.stage.report(format!("run {run} of {test} was told of and is not in the history"));
            }
        }
        Ok(())
    }

    /// How many runs there are, and how many of them came out so.
    pub(super) fn count(&self, verdict: &str) -> usize {
        self.tally.iter().filter(|((_, word), _)| word == verdict).map(|(_, count)| count).sum()
    }

    pub(super) fn runs(&self) -> usize {
        self.tally.values().sum()
    }

    fn read(&mut self, test: &str) -> anyhow::Result<()> {
        let Some(known) = self.tests.get(test) else { return Ok(()) };
        let path = format!("/test/{test}/history?limit=1000&from={}", known.latest - ROUNDING);
        let page = self.stage.daemon.get(&path)?;
        if let Some(why) = page["incomplete"].as_str() {
            self.stage.report(format!("the history of {test} is incomplete: {why}"));
        }
        let runs = page["runs"].as_array().with_context(|| format!("{path} has answered {page}"))?;
        for run in runs.iter().rev() {
            self.take_in(test, run)?;
        }
        Ok(())
    }

    fn take_in(&mut self, test: &str, run: &Value) -> anyhow::Result<()> {
        let id = run["id"].as_str().context("a run has no id")?;
        if let Some(runs) = self.awaited.get_mut(test) {
            runs.remove(id);
        }
        let Some(known) = self.tests.get_mut(test) else { return Ok(()) };
        if !known.ids.insert(id.to_owned()) {
            return Ok(());
        }
        let number = |key: &str| run[key].as_f64().with_context(|| format!("run {id} has no {key}"));
        let requested = number("requested")?;
        known.latest = known.latest.max(requested);
        known.seen = Instant::now();
        let from = requested + number("waited_ms")? / 1000.0;
        let to = from + number("duration_ms")? / 1000.0;
        let span = Span { from: Duration::from_secs_f64(from), to: Duration::from_secs_f64(to) };
        let verdict = run["verdict"].as_str().context("a run has no verdict")?;
        let index = known.line;
        let line = &self.stage.lines[index];
        *self.tally.entry((line.mode, verdict.to_owned())).or_default() += 1;
        let allowed = self.stage.truth().allowed(index, &line.servers, span);
        *self.expected.entry((allowed.to_string(), verdict.to_owned())).or_default() += 1;
        if !allowed.has(verdict) {
            self.weigh(index, id, span, format!("expected {allowed}, got {verdict}: {}", run["reason"]));
        }
        Ok(())
    }

    /// A verdict that may not be, unless the machine was held up.
    fn weigh(&mut self, index: usize, id: &str, span: Span, what: String) {
        let line = &self.stage.lines[index];
        let report = self.stage.daemon.get(&format!("/test/{}/runs/{id}", line.name)).unwrap_or(Value::Null);
        let start = self.stage.start.as_secs_f64();
        let text = format!(
            "{} ({} on {}), run {id} from {:.3} s to {:.3} s: {what}",
            line.name,
            line.mode,
            line.servers.join(" and "),
            span.from.as_secs_f64() - start,
            span.to.as_secs_f64() - start,
        );
        let is_delicate = line.mode == "dtmf" && line.servers.len() > 1 && what.contains("expected digits");
        let limit = if is_delicate { SPOILS_DIGITS } else { SPOILS_ALL };
        // A pass is never the machine's fault.
        let is_pass = report["verdict"] == "pass";
        match self.stage.pulse.longest_delay(span).filter(|delay| *delay >= limit && !is_pass) {
            Some(delay) => {
                self.excused += 1;
                self.stage.tell(&format!("excused, for the machine was held up for {} ms: {text}", delay.as_millis()));
            }
            None => {
                self.wrong += 1;
                let around = self.stage.truth().around(index, &line.servers, span, self.stage.start);
                let around: String = around.iter().map(|what| format!("\n      {what}")).collect();
                self.stage.report(text + &around + &timeline(&report));
            }
        }
    }
}

/// What the run saw, line by line.
fn timeline(run: &Value) -> String {
    let mut text = String::new();
    for entry in run["timeline"].as_array().into_iter().flatten() {
        let at = entry["at_ms"].as_f64().unwrap_or_default() / 1000.0;
        let side = entry["side"].as_str().unwrap_or("-");
        text.push_str(&format!("\n      {at:8.3} s  {side:3}  {}", entry["text"].as_str().unwrap_or_default()));
    }
    text + &format!("\n      sight {}, loop delay {} ms", run["sight"], run["loop_delay_ms"])
}
