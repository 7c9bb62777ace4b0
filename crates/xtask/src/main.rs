//! Developer tasks that are more than a line of shell, one file each: `cargo xtask TASK`.

mod bench;
mod burst;
mod configuration;
mod daemon;
mod draw;
mod fake_process;
mod faults;
mod field;
mod fuzz;
mod generate_ari;
mod http;
mod load;
mod many_calls;
mod network;
mod process;
mod program;
mod proxy;
mod schemathesis;
mod soak;

use clap::Parser;

/// Developer tasks of calltest.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Measure what calltest costs, beside the original and beside Asterisk
    Bench(bench::Bench),
    /// Run many dtmf tests at once against one real Asterisk
    Burst(burst::Burst),
    /// Run a fake Asterisk (used by `load` and `bench`)
    #[command(hide = true)]
    FakeServer,
    /// Break something at each stage of each mode, and see that calltest tells the tester's faults from the network's
    Faults(faults::Options),
    /// Write the table of cases from the field into the documentation
    Field(field::Options),
    /// Fuzz whatever reads input from outside
    Fuzz(fuzz::Fuzz),
    /// Write the ARI types of `calltest-ari` from the description that Asterisk ships
    GenerateAri(generate_ari::Options),
    /// Run many dtmf tests at once against fakes of Asterisk, and measure what that costs
    Load(load::Load),
    /// Send the daemon requests that are made up from its own description, good ones and bad ones
    Schemathesis(schemathesis::Options),
    /// Run the daemon for minutes or hours while lines, servers and connections break at random
    Soak(soak::Options),
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Bench(bench) => bench::run(&bench),
        Task::Burst(burst) => burst::run(&burst),
        Task::FakeServer => fake_process::serve(),
        Task::Faults(options) => faults::run(&options),
        Task::Field(options) => field::run(&options),
        Task::Fuzz(fuzz) => fuzz::run(&fuzz),
        Task::GenerateAri(options) => generate_ari::run(&options),
        Task::Load(load) => load::run(&load),
        Task::Schemathesis(options) => schemathesis::run(&options),
        Task::Soak(options) => soak::run(&options),
    }
}
