//! `cargo xtask faults`: the fault matrix. Something breaks at each stage of each mode, and each time calltest has to tell
//! the tester's own faults from the network's, leave no call up, and be fit for the next run.
//!
//! It fails if any cell is not as it should be. What each fault ought to come to stands beside the fault, with the reason.

mod allowed;
mod broken;
mod cell;
mod document;
mod fake_faults;
mod fault;
mod killed;
mod on_fake;
mod on_real;
mod plan;
mod program;
mod random;
mod real_bed;
mod stage;
mod stopped;
mod surroundings;
mod test_bed;
mod trial;
mod witness;

use std::num::NonZeroUsize;
use std::time::Instant;

use anyhow::{Context as _, ensure};

use self::cell::{Cell, run_all};
use self::document::Section;
use self::real_bed::Pool;
use self::stage::Kind;
use crate::program::{Profile, build};

/// What is tried.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// On which servers
    #[arg(long, value_enum, default_value_t = On::Both)]
    on: On,
    /// How many schedules of faults are drawn at random
    #[arg(long, default_value_t = 1000)]
    schedules: u32,
    /// What the schedules are drawn from; the same seed gives the same [default: random, and printed]
    #[arg(long, env = "CALLTEST_SEED")]
    seed: Option<u64>,
    /// Only these modes
    #[arg(long, value_enum, value_delimiter = ',')]
    modes: Vec<Kind>,
    /// Only the cells whose names begin with this, as they are printed where something is wrong
    #[arg(long)]
    only: Option<String>,
    /// Only one stage for each fault and mode
    #[arg(long)]
    quick: bool,
    /// Of each part only every so manieth cell, from the first one on
    #[arg(long, value_name = "COUNT", default_value = "1")]
    one_in: NonZeroUsize,
    /// How many trials run at once on fakes
    #[arg(long, default_value_t = 48)]
    at_once: usize,
    /// How many trials run at once on real servers, each of which is one
    #[arg(long, default_value_t = 12)]
    real_at_once: usize,
    /// Put the tables into docs/reliability.md
    #[arg(long)]
    write: bool,
}

/// On which servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum On {
    Fake,
    Real,
    Both,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("somebody else has chosen the cryptography"))?;
    let seed = options.seed.unwrap_or_else(rand::random);
    println!("seed {seed}");
    let runtime = tokio::runtime::Runtime::new().context("could not start the asynchronous runtime")?;
    let sections = runtime.block_on(all_sections(options, seed))?;
    let (mut right, mut tried) = (0, 0);
    for section in &sections {
        println!("\n{}", section.text());
        right += section.tally.right;
        tried += section.tally.tried;
    }
    println!("{right} of {tried} are right; the seed was {seed}");
    ensure!(tried > 0, "no cell has that name");
    if options.write {
        document::write(&sections, "cargo xtask faults --write")?;
    }
    ensure!(right == tried, "{} of {tried} are wrong; the seed was {seed}", tried - right);
    Ok(())
}

/// Tries all that is wanted, part by part.
async fn all_sections(options: &Options, seed: u64) -> anyhow::Result<Vec<Section>> {
    let kinds = if options.modes.is_empty() { Kind::ALL.to_vec() } else { options.modes.clone() };
    let mut parts: Vec<(Head, Vec<Cell>)> = Vec::new();
    if options.on != On::Real {
        parts.push((heads::FAKE, on_fake::cells(&kinds, options.quick)));
        parts.push((heads::BROKEN, broken::cells()));
        parts.push((heads::SURROUNDINGS, surroundings::cells()));
        parts.push((heads::RANDOM, random::cells(seed, options.schedules)));
    }
    if options.on != On::Fake {
        let pool = Pool::of(options.real_at_once);
        parts.push((heads::REAL, on_real::cells(&pool, &kinds, options.quick)));
        parts.push((heads::REAL_BROKEN, on_real::broken_cells(&pool)));
        let program = build(Profile::Dev)?;
        parts.push((heads::KILLED, killed::cells(&pool, &program, &kinds, options.quick)));
        parts.push((heads::STOPPED, stopped::cells(&pool, &program, &kinds, options.quick)));
    }
    let mut sections = Vec::new();
    for (Head { title, of, about }, mut cells) in parts {
        cells.retain(|cell| options.only.as_ref().is_none_or(|only| is_within(&cell.name, only)));
        let cells: Vec<Cell> = cells.into_iter().step_by(options.one_in.get()).collect();
        if cells.is_empty() {
            continue;
        }
        println!("{title}: {} trials", cells.len());
        let started = Instant::now();
        let tally = run_all(cells, options.at_once, &format!("--seed {seed}")).await;
        sections.push(Section { title, of, about, tally, seconds: started.elapsed().as_secs_f64() });
    }
    Ok(sections)
}

/// Whether a cell is the one of that name, or below it.
fn is_within(name: &str, wanted: &str) -> bool {
    name.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What stands above a table.
struct Head {
    title: &'static str,
    of: &'static str,
    about: &'static str,
}

mod heads {
    use super::Head;

    pub(super) const FAKE: Head = Head {
        title: "Faults of the tester, on the fake",
        of: "fault",
        about: "Each fault strikes at each stage of each mode: before the call, while it is awaited, dialled, arrived, \
                ringing, answered, with digits or sounds under way, at its hang-up.",
    };
    pub(super) const BROKEN: Head = Head {
        title: "Broken networks under harmless faults, on the fake",
        of: "network",
        about: "Each has to come out as `fail`, and with the reason that it has without the fault.",
    };
    pub(super) const SURROUNDINGS: Head =
        Head { title: "Surroundings", of: "fault", about: "What calltest depends on besides its servers." };
    pub(super) const RANDOM: Head = Head {
        title: "Random schedules, on the fake",
        of: "mode or network",
        about: "One to four faults at random times of a run. On a good network none may come out as `fail`; on a broken \
                one, all have to.",
    };
    pub(super) const REAL: Head = Head {
        title: "Faults of the tester, on a real Asterisk",
        of: "fault",
        about: "The same stages, on real servers, and with a proxy of the tests' own on the way to them.",
    };
    pub(super) const REAL_BROKEN: Head = Head {
        title: "Broken networks under harmless faults, on a real Asterisk",
        of: "network",
        about: "Each has to come out as `fail`, and with the reason that it has without the fault.",
    };
    pub(super) const KILLED: Head = Head {
        title: "calltest killed and started again, on a real Asterisk",
        of: "killed when",
        about: "What it left is hung up by the next run, which passes; a stranger's call is not touched.",
    };
    pub(super) const STOPPED: Head = Head {
        title: "calltest stopped and going on later, on a real Asterisk",
        of: "stopped when",
        about: "As when its machine sleeps: the verdict is `pass` or `error`, all calls are hung up, and the next run passes.",
    };
}
