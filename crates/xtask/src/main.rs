//! Developer tasks that are more than a line of shell, one file each: `cargo xtask TASK`.

mod bench;
mod burst;
mod crowd;
mod generate_ari;
mod process;
mod program;

use clap::Parser;

/// Developer tasks of calltest.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Measure what calltest costs, beside the original and beside Asterisk
    Bench(bench::Bench),
    /// Run many dtmf tests at once against one real Asterisk
    Burst(burst::Burst),
    /// Write the ARI types of `calltest-ari` from the description that Asterisk ships
    GenerateAri(generate_ari::Options),
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Bench(bench) => bench::run(&bench),
        Task::Burst(burst) => burst::run(&burst),
        Task::GenerateAri(options) => generate_ari::run(&options),
    }
}
