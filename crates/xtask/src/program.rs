//! What cargo builds of this tree, and where it puts it: cargo is asked, so that no other build is run by mistake.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use serde::Deserialize;

pub(crate) use asterisk_lab::target_directory;

/// How a program is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Dev,
    /// With optimisation, as users have it.
    Release,
}

/// The top of this tree.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Builds `calltest`, and returns where it is.
pub(crate) fn build(profile: Profile) -> anyhow::Result<PathBuf> {
    let mut command = cargo("build");
    command.args(["--package", "calltest", "--bin", "calltest"]);
    if profile == Profile::Release {
        command.arg("--release");
    }
    let mut programs = built(&mut command).context("calltest does not build")?;
    programs.remove("calltest").context("cargo does not tell where calltest is")
}

/// One of cargo's commands in this tree.
pub(crate) fn cargo(command: &str) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.arg(command).arg("--quiet").current_dir(root());
    cargo
}

/// Runs a `cargo build`; the programs that it tells of, by name.
pub(crate) fn built(command: &mut Command) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let output = command
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()
        .context("could not run cargo")?;
    ensure!(output.status.success(), "cargo has failed, see above");
    programs_in(&output.stdout)
}

/// A message of cargo's about something that it has built. Other messages have neither field.
#[derive(Deserialize)]
struct Message {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

fn programs_in(messages: &[u8]) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let messages = serde_json::Deserializer::from_slice(messages).into_iter::<Message>();
    let mut programs = BTreeMap::new();
    for message in messages {
        if let Message { target: Some(target), executable: Some(executable) } = message.context("cargo's messages")? {
            programs.insert(target.name, executable);
        }
    }
    Ok(programs)
}

/// A build without optimisation would measure something else: builds this program with it, and lets that do what it was told.
pub(crate) fn run_optimised() -> anyhow::Result<()> {
    let ran = cargo("run")
        .args(["--release", "--package", "xtask", "--"])
        .args(std::env::args_os().skip(1))
        .status()
        .context("could not run cargo")?;
    ensure!(ran.success(), "the measurement did not come through");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_programs_are_taken_from_the_messages_of_cargo() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"calltest_core"},"executable":null}
            {"reason":"compiler-artifact","target":{"name":"calltest"},"executable":"/elsewhere/release/calltest"}
            {"reason":"build-finished","success":true}"#;
        let programs = programs_in(messages.as_bytes()).unwrap();
        assert_eq!(programs, [("calltest".to_owned(), PathBuf::from("/elsewhere/release/calltest"))].into());
    }
}
