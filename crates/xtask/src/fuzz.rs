//! `cargo xtask fuzz`: libFuzzer on each fuzz target, from the corpus that is kept in `fuzz/corpus`.
//!
//! The programs are built as `cargo fuzz` does it, with AddressSanitizer and coverage, but by plain Cargo and on the stable
//! toolchain. A short run leaves the corpus as it is; a long one adds to it what reached further. An input that breaks
//! something is kept in `fuzz/regressions`, which the tests of `fuzz-targets` go through from then on. What the targets do is
//! left to that crate.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::program::{built, cargo, root, target_directory};

/// How long each target is fuzzed.
const SHORT: u64 = 10;
/// The same, if it is to be long.
const LONG: u64 = 15 * 60;
/// The most memory that a target may have, in MB. The sanitizer takes some of it.
const MEMORY: u32 = 2048;
/// How long one input may take, in seconds: a hundred times what the slowest does with the sanitizer.
const PATIENCE: u32 = 10;
/// How many lines are shown of how a target broke; the rest is in its log.
const SHOWN: usize = 40;
/// The longest input that is shown, in bytes.
const SHOWN_INPUT: usize = 4 << 10;
/// The longest input, in bytes. Larger ones are the subject of ordinary tests.
const LONGEST: u32 = 64 << 10;

/// What is instrumented: which branches are taken, and with what values they are decided.
const FLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Zsanitizer=address",
];

/// What to fuzz, and for how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Fuzz {
    /// The targets; all of them if none is named
    targets: Vec<String>,
    /// How many seconds each is fuzzed [default: 10, or 900 with --long]
    #[arg(long)]
    seconds: Option<u64>,
    /// Fuzz for long, then add to the corpus what reached further
    #[arg(long)]
    long: bool,
}

/// What came of fuzzing one target.
struct Outcome {
    executions: u64,
    took: Duration,
    /// Inputs that reached further than the corpus.
    found: usize,
    /// Inputs that broke something.
    crashes: Vec<PathBuf>,
    has_failed: bool,
    log: PathBuf,
}

/// Where everything is.
struct Places {
    root: PathBuf,
    /// The triple of this machine. Naming it keeps the flags away from what runs while building.
    host: String,
    /// The targets as programs, once they are built.
    programs: BTreeMap<String, PathBuf>,
}

pub(crate) fn run(fuzz: &Fuzz) -> anyhow::Result<()> {
    let mut places = Places { root: root().canonicalize()?, host: host()?, programs: BTreeMap::new() };
    let known = names_in(&places.root.join("fuzz/fuzz_targets"))?;
    let targets = if fuzz.targets.is_empty() { &known } else { &fuzz.targets };
    for target in targets {
        ensure!(known.contains(target), "there is no target {target}; there are {}", known.join(", "));
    }
    places.build()?;
    let seconds = fuzz.seconds.unwrap_or(if fuzz.long { LONG } else { SHORT });
    println!("{:<14} {:>11} {:>9} {:>11} {:>7}", "target", "executions", "a second", "new entries", "crashes");
    let mut broken = Vec::new();
    for target in targets {
        let outcome = places.fuzz(target, seconds)?;
        let each_second = outcome.executions as f64 / outcome.took.as_secs_f64();
        let (executions, found, crashes) = (outcome.executions, outcome.found, outcome.crashes.len());
        println!("{target:<14} {executions:>11} {each_second:>9.0} {found:>11} {crashes:>7}");
        if fuzz.long {
            places.keep(target)?;
        }
        if outcome.has_failed || !outcome.crashes.is_empty() {
            broken.push((target, outcome));
        }
    }
    for (target, outcome) in &broken {
        // Inputs are in it as they are.
        let log = fs::read(&outcome.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        println!("\n{target}: how it broke, from {}", outcome.log.display());
        how_it_broke(&log).for_each(|line| println!("    {line}"));
        for path in &outcome.crashes {
            let input = fs::read(path)?;
            let shown = &input[..input.len().min(SHOWN_INPUT)];
            // Where the file is gone with the machine, this is what is left to try it again.
            println!("{target}: kept {}, {} bytes, as in Rust: {}", path.display(), input.len(), shown.escape_ascii());
        }
    }
    ensure!(broken.is_empty(), "{} of {} targets broke", broken.len(), targets.len());
    Ok(())
}

/// The lines of a log from the first that tells of a fault, and of the functions that were being called only our own; its
/// last lines if none does.
fn how_it_broke(log: &str) -> impl Iterator<Item = &str> {
    let is_foreign = |line: &str| {
        line.trim_start().starts_with('#') && !["calltest", "fuzz_targets"].iter().any(|ours| line.contains(ours))
    };
    let lines: Vec<&str> = log.lines().filter(|line| !is_foreign(line)).collect();
    let is_fault = |line: &&str| line.contains("panicked at ") || line.contains("ERROR: ");
    let first = lines.iter().position(is_fault).unwrap_or(lines.len().saturating_sub(SHOWN));
    lines.into_iter().skip(first).take(SHOWN)
}

/// What this machine is called.
fn host() -> anyhow::Result<String> {
    let told = Command::new("rustc").arg("-vV").output().context("could not run rustc")?;
    let told = String::from_utf8(told.stdout).context("rustc tells no text")?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not tell what machine this is")?.to_owned())
}

/// The names of the files in a folder, without what follows the dot.
fn names_in(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("could not read {}", folder.display()))? {
        names.extend(entry?.path().file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

fn files_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("could not read {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

impl Places {
    /// Where Cargo puts what it builds, beside what is built without a sanitizer.
    fn built(&self) -> PathBuf {
        target_directory().join("fuzz")
    }

    /// What reached further than the corpus, in this run and those before.
    fn found(&self, target: &str) -> PathBuf {
        self.built().join("found").join(target)
    }

    fn build(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        let mut command = cargo("build");
        command
            .args(["--release", "--bins", "--target", &self.host])
            .arg("--manifest-path")
            .arg(self.root.join("fuzz/Cargo.toml"))
            .arg("--target-dir")
            .arg(self.built())
            .env("RUSTFLAGS", FLAGS.join(" "))
            // The sanitizer is for nightly toolchains, or for those that are told to be one.
            .env("RUSTC_BOOTSTRAP", "1");
        self.programs = built(&mut command).context("the fuzz targets do not build")?;
        println!("built in {:.0} s", started.elapsed().as_secs_f64());
        Ok(())
    }

    fn program(&self, target: &str) -> anyhow::Result<Command> {
        let program = self.programs.get(target).with_context(|| format!("cargo does not tell where {target} is"))?;
        let mut command = Command::new(program);
        // The sanitizer takes what C and Rust link twice for two definitions of one variable.
        command.env("ASAN_OPTIONS", "detect_odr_violation=0");
        command.current_dir(&self.root).args([
            format!("-rss_limit_mb={MEMORY}"),
            format!("-timeout={PATIENCE}"),
            format!("-max_len={LONGEST}"),
        ]);
        let dictionary = self.root.join("fuzz/dictionaries").join(target);
        if dictionary.exists() {
            command.arg(format!("-dict={}", dictionary.display()));
        }
        Ok(command)
    }

    fn fuzz(&self, target: &str, seconds: u64) -> anyhow::Result<Outcome> {
        let (found, regressions) = (self.found(target), self.root.join("fuzz/regressions").join(target));
        let corpus = self.root.join("fuzz/corpus").join(target);
        for folder in [&found, &regressions, &corpus] {
            fs::create_dir_all(folder)?;
        }
        let (found_before, known) = (files_in(&found)?.len(), files_in(&regressions)?);
        let log = self.built().join(format!("{target}.log"));
        let started = Instant::now();
        let status = self
            .program(target)?
            .arg(format!("-max_total_time={seconds}"))
            .arg("-print_final_stats=1")
            .arg(format!("-artifact_prefix={}/", regressions.display()))
            .args([&found, &corpus])
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log)?)
            .status()
            .context("could not start a fuzz target")?;
        let told = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        let executions = told.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
        let crashes = files_in(&regressions)?.into_iter().filter(|file| !known.contains(file)).collect();
        // A folder without files would look as if there had been some.
        let _ = fs::remove_dir(&regressions);
        Ok(Outcome {
            executions: executions.and_then(|number| number.trim().parse().ok()).unwrap_or_default(),
            took: started.elapsed(),
            found: files_in(&found)?.len().saturating_sub(found_before),
            crashes,
            has_failed: !status.success(),
            log,
        })
    }

    /// Adds to the corpus the fewest inputs that reach what none of it does.
    fn keep(&self, target: &str) -> anyhow::Result<()> {
        let corpus = self.root.join("fuzz/corpus").join(target);
        let status = self
            .program(target)?
            // By branches alone, and not by how often each is taken: a tenth of the inputs reach all of them.
            .args(["-set_cover_merge=1", "-use_counters=0"])
            .args([&corpus, &self.found(target)])
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.built().join(format!("{target}.merge.log")))?)
            .status()
            .context("could not start a fuzz target")?;
        ensure!(status.success(), "what was found could not be added to {}", corpus.display());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_shown_from_its_fault_on() {
        let log = "INFO: Seed: 1\n#2 INITED cov: 7\nthread panicked at events.rs:28:\nleft: 1\n  #0 in abort stdlib\n  \
                   #9 in fuzz_targets::events::check\nSUMMARY: libFuzzer: deadly signal";
        let shown: Vec<&str> = how_it_broke(log).collect();
        let expected = ["thread panicked at events.rs:28:", "left: 1", "  #9 in fuzz_targets::events::check"];
        assert_eq!(shown[..3], expected);
        assert_eq!(shown.len(), 4);
        assert_eq!(how_it_broke("killed\n").collect::<Vec<_>>(), ["killed"]);
    }
}
