//! The program under test, as a user would build it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

/// The top of this tree.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Builds `calltest` with optimisation, and returns where it is.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "--package", "calltest"])
        .current_dir(root())
        .status()
        .context("could not run cargo")?;
    ensure!(built.success(), "calltest does not build");
    Ok(root().join("target/release/calltest"))
}

/// A build without optimisation would measure something else: builds this program with it, and lets that do what it was told.
pub(crate) fn run_optimised() -> anyhow::Result<()> {
    let ran = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--release", "--package", "xtask", "--"])
        .args(std::env::args_os().skip(1))
        .current_dir(root())
        .status()
        .context("could not run cargo")?;
    ensure!(ran.success(), "the measurement did not come through");
    Ok(())
}
