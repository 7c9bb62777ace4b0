//! What else can go wrong on the tester's side: a trigger that hangs, a disk that is full.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use calltest_runner::{CallLog, RECORDINGS};

use super::allowed::Allowed;
use super::cell::Cell;
use super::test_bed::FakeBed;
use super::trial::{Finding, Trial};

/// All of them. Those that need root are told of where there is none.
pub(crate) fn cells() -> Vec<Cell> {
    let passes = || trigger_hangs("wait", Allowed::Pass, "", true);
    let fails = || trigger_hangs("nobody-calls", Allowed::Error, "the trigger had not finished either", false);
    let mut cells = vec![
        cell("trigger-hangs", passes),
        cell("trigger-hangs-and-nobody-calls", fails),
        cell("guard-call-log-on-full-disk", call_log_cannot_grow),
    ];
    if rustix::process::getuid().is_root() {
        cells.push(cell("recordings-on-full-disk", recordings_have_no_room));
    } else {
        println!("not tried: recordings-on-full-disk, since only root may mount a small disk");
    }
    cells
}

fn cell<T>(name: &'static str, make: fn() -> T) -> Cell
where
    T: Future<Output = anyhow::Result<Finding>> + Send + 'static,
{
    Cell::new(&["surroundings", name], name, "right", make)
}

async fn trial(test: &str, allowed: Allowed, reason: &'static str) -> anyhow::Result<Trial> {
    Ok(Trial { reason, ..Trial::new(FakeBed::open().await?, test, allowed) })
}

/// The URL is answered by nobody, though it takes connections. Whether the call comes all the same is what counts.
async fn trigger_hangs(test: &str, allowed: Allowed, reason: &'static str, passes: bool) -> anyhow::Result<Finding> {
    // Whoever connects waits in its queue for ever.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("calls.{test}.url=http://{}/call", silent.local_addr()?);
    let trial = Trial { overrides: vec![url], passes_afterwards: passes, ..trial(test, allowed, reason).await? };
    let finding = trial.run().await;
    drop(silent);
    finding
}

/// Calls that cannot be counted do not go out.
async fn call_log_cannot_grow() -> anyhow::Result<Finding> {
    let directory = tempfile::tempdir()?;
    let call_log = directory.path().join(CallLog::FILE_NAME);
    // Linux's file that has no room for anything.
    std::os::unix::fs::symlink("/dev/full", &call_log)?;
    let healed = call_log.clone();
    let heal = move || fs::remove_file(&healed).expect("the link was made just now");
    let trial = Trial {
        overrides: vec!["guard.calls_per_hour=100".into()],
        heal: Box::new(heal),
        state: Some(directory.path().to_owned()),
        ..trial("play", Allowed::Error, "calls cannot be counted").await?
    };
    trial.run().await
}

/// A recording for which there is no room is not taken for one that the network has lost.
async fn recordings_have_no_room() -> anyhow::Result<Finding> {
    let directory = tempfile::tempdir()?;
    let recordings = directory.path().join(RECORDINGS);
    fs::create_dir(&recordings)?;
    let disk = SmallDisk::mount(&recordings)?;
    // What is left of it is less than a WAV file's header.
    fs::write(recordings.join("filler"), vec![0; 2 * SmallDisk::BYTES]).expect_err("the disk is smaller than that");
    let healed = recordings.join("filler");
    let trial = Trial {
        heal: Box::new(move || fs::remove_file(&healed).expect("the filler was made just now")),
        state: Some(directory.path().to_owned()),
        ..trial("audio", Allowed::Error, "it could not be kept").await?
    };
    let finding = trial.run().await;
    drop(disk);
    finding
}

/// A disk of some kilobytes. It is unmounted when this is dropped.
struct SmallDisk {
    place: PathBuf,
}

impl SmallDisk {
    const BYTES: usize = 64 * 1024;

    fn mount(place: &Path) -> anyhow::Result<Self> {
        let options = format!("size={}", Self::BYTES);
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(place).status().context("no `mount`")?;
        ensure!(mounted.success(), "could not mount a small disk at {}", place.display());
        Ok(Self { place: place.to_owned() })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: whoever still reads there must not keep it.
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.place).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("could not unmount {}", self.place.display());
        }
    }
}
