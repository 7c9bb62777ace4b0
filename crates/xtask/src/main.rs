//! Developer tasks that are more than a line of shell, one file each: `cargo xtask TASK`.

mod burst;
mod fuzz;
mod generate_ari;

use clap::Parser;

/// Developer tasks of calltest.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Run many dtmf tests at once against one real Asterisk
    Burst(burst::Burst),
    /// Fuzz whatever reads input from outside
    Fuzz(fuzz::Fuzz),
    /// Write the ARI types of `calltest-ari` from the description that Asterisk ships
    GenerateAri(generate_ari::Options),
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Burst(burst) => burst::run(&burst),
        Task::Fuzz(fuzz) => fuzz::run(&fuzz),
        Task::GenerateAri(options) => generate_ari::run(&options),
    }
}
