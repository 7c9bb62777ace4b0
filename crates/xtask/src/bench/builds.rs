//! This program beside another build of it, such as one from before a change, and beside the original if that is wanted.

use std::path::PathBuf;

use anyhow::Context as _;

use super::contenders::{Program, compare};
use super::environment::Original;
use super::table::Table;
use crate::many_calls::ManyCalls;
use crate::program::{self, Profile};

/// How much to compare.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The other build of calltest
    other: PathBuf,
    /// How many tests run at the same time
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 50, 200, 1000])]
    calls: Vec<usize>,
    /// How often each is run with each program
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Up to how many tests calltest 0.7.4 takes part as well; 0 to leave it out
    #[arg(long, default_value_t = 0)]
    original_up_to: usize,
}

impl Options {
    /// As little as shows that it works.
    pub(super) fn small(other: PathBuf) -> Self {
        Self { other, calls: vec![1], rounds: 1, original_up_to: 0 }
    }
}

pub(super) fn measure(options: &Options) -> anyhow::Result<Vec<Table>> {
    let other = options.other.canonicalize().context("the other build is not there")?;
    let original = (options.original_up_to > 0).then(Original::ready).transpose()?;
    let (this, server) = (program::build(Profile::Release)?, ManyCalls::start()?);
    let mut programs = vec![(Program::Build("other", &other), usize::MAX), (Program::Build("this", &this), usize::MAX)];
    programs.extend(original.iter().map(|original| (Program::Original(original), options.original_up_to)));
    Ok(vec![compare(&server, &programs, &options.calls, options.rounds)?])
}
