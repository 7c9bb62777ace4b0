//! `cargo xtask faults`: the fault matrix. Something breaks at each stage of each mode, and each time calltest has to tell
//! the tester's own faults from the network's, leave no call up, and be fit for the next run.
//!
//! It fails if any cell is not as it should be. What each fault ought to come to stands beside the fault, with the reason.

mod cell;
mod field;
mod on_fake;
mod plan;
mod stage;
mod trial;
mod witness;

use anyhow::{Context as _, ensure};

use self::cell::{Cell, Tally, run_all};
use self::stage::Kind;

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
    /// How many trials run at once on fakes
    #[arg(long, default_value_t = 64)]
    at_once: usize,
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
    let kinds = if options.modes.is_empty() { Kind::ALL.to_vec() } else { options.modes.clone() };
    let replay = format!("--seed {seed}");
    let chosen = |cells: Vec<Cell>| -> Vec<Cell> {
        let is_wanted = |cell: &Cell| options.only.as_ref().is_none_or(|only| cell.name.starts_with(only.as_str()));
        cells.into_iter().filter(is_wanted).collect()
    };
    let mut sections: Vec<(&str, &str, Tally)> = Vec::new();
    if options.on != On::Real {
        let cells = chosen(on_fake::cells(&kinds, options.quick));
        sections.push(("Faults on the fake", "fault", runtime.block_on(run_all(cells, options.at_once, &replay))));
    }
    let (mut right, mut tried) = (0, 0);
    for (title, of, tally) in &sections {
        println!(
            "\n{title}: {} of {} right; verdicts {:?}\n\n{}",
            tally.right,
            tally.tried,
            tally.verdicts,
            tally.table(of)
        );
        right += tally.right;
        tried += tally.tried;
    }
    ensure!(tried > 0, "no cell has that name");
    ensure!(right == tried, "{} of {tried} are wrong; the seed was {seed}", tried - right);
    Ok(())
}
