//! The tables: how things are as the soak goes on, and what came of it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use anyhow::Context as _;
use serde_json::json;

use super::faults::Recovery;
use super::ledger::Ledger;
use super::stage::Stage;
use super::watch::{Growth, Sample, Watch};

const VERDICTS: [&str; 4] = ["pass", "fail", "error", "cancelled"];

/// The head of the table of samples.
pub(super) fn print_head() {
    println!(
        "{:>6} {:>6} {:>6} {:>6} {:>6} {:>9} {:>6} {:>8} {:>10} {:>10} {:>7} {:>5} {:>6}",
        "time s",
        "runs",
        "pass",
        "fail",
        "error",
        "cancelled",
        "wrong",
        "running",
        "channels a",
        "channels b",
        "RSS MB",
        "fds",
        "CPU %"
    );
}

/// One line of it.
pub(super) fn print_sample(sample: &Sample) {
    let channels = |index: usize| match sample.channels.get(index) {
        Some(Some(count)) => count.to_string(),
        _ => "-".to_owned(),
    };
    println!(
        "{:>6.0} {:>6} {:>6} {:>6} {:>6} {:>9} {:>6} {:>8} {:>10} {:>10} {:>7.1} {:>5} {:>6.1}",
        sample.seconds,
        sample.runs,
        sample.pass,
        sample.fail,
        sample.error,
        sample.cancelled,
        sample.wrong,
        sample.running,
        channels(0),
        channels(1),
        sample.rss_mb,
        sample.descriptors,
        sample.cpu_percent
    );
}

/// What came of it all.
pub(super) struct Summary<'s> {
    pub(super) stage: &'s Stage,
    pub(super) ledger: &'s Ledger<'s>,
    pub(super) watch: &'s Watch<'s>,
    pub(super) recoveries: Vec<Recovery>,
    pub(super) growth: Vec<Growth>,
}

impl Summary<'_> {
    pub(super) fn print(&self) {
        print_verdicts("mode", &by_verdict(&self.ledger.tally));
        print_verdicts("has to be", &by_verdict(&self.ledger.expected));
        println!();
        for (fault, count) in self.stage.truth().counts() {
            println!("{count:>4} × {fault}");
        }
        if !self.recoveries.is_empty() {
            println!("\n{:>8} {:>8}  after", "ready s", "back s");
        }
        for Recovery { what, ready, back } in &self.recoveries {
            println!("{:>8.1} {:>8.1}  {what}", ready.as_secs_f64(), back.as_secs_f64());
        }
        if !self.growth.is_empty() {
            println!("\nthe daemon, warm and at the end of a life:");
        }
        for Growth { seconds, descriptors, rss_mb } in &self.growth {
            println!(
                "{seconds:>6.0} s: {} to {} descriptors, {:.1} to {:.1} MB",
                descriptors[0], descriptors[1], rss_mb[0], rss_mb[1]
            );
        }
        let wrongs = self.stage.wrongs();
        println!(
            "\n{} runs, {} of them with a wrong verdict, {} excused; {} things wrong in all (seed {})",
            self.ledger.runs(),
            self.ledger.wrong,
            self.ledger.excused,
            wrongs.len(),
            self.stage.seed
        );
    }

    /// The same for programs.
    pub(super) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let recoveries = self.recoveries.iter().map(|Recovery { what, ready, back }| {
            json!({ "after": what, "ready_seconds": ready.as_secs_f64(), "back_seconds": back.as_secs_f64() })
        });
        let whole = json!({
            "seed": self.stage.seed,
            "tests": self.stage.lines.len(),
            "modes": named(by_verdict(&self.ledger.tally)),
            "expected": named(by_verdict(&self.ledger.expected)),
            "faults": self.stage.truth().counts(),
            "recoveries": recoveries.collect::<Vec<_>>(),
            "wrong": self.stage.wrongs(),
            "excused": self.ledger.excused,
            "growth": self.growth,
            "samples": self.watch.samples,
        });
        let file = File::create(path).with_context(|| format!("could not write {}", path.display()))?;
        serde_json::to_writer_pretty(file, &whole).with_context(|| format!("could not write {}", path.display()))
    }
}

/// How many came out how, by what they have in common.
type ByVerdict<'k> = BTreeMap<&'k str, [usize; VERDICTS.len()]>;

fn by_verdict<K: AsRef<str>>(tally: &BTreeMap<(K, String), usize>) -> ByVerdict<'_> {
    let mut groups = ByVerdict::new();
    for ((group, verdict), count) in tally {
        let counts = groups.entry(group.as_ref()).or_default();
        if let Some(index) = VERDICTS.iter().position(|known| known == verdict) {
            counts[index] += count;
        }
    }
    groups
}

fn named(groups: ByVerdict<'_>) -> BTreeMap<&str, BTreeMap<&'static str, usize>> {
    groups.into_iter().map(|(group, counts)| (group, VERDICTS.into_iter().zip(counts).collect())).collect()
}

fn print_verdicts(head: &str, groups: &ByVerdict<'_>) {
    print!("\n{head:<22}");
    VERDICTS.iter().for_each(|verdict| print!(" {verdict:>9}"));
    println!();
    for (group, counts) in groups {
        print!("{group:<22}");
        counts.iter().for_each(|count| print!(" {count:>9}"));
        println!();
    }
}
