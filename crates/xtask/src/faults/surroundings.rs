//! What else can go wrong on the tester's side: a trigger that hangs, a disk that is full.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use calltest_runner::{GuardBook, RECORDINGS};

use super::cell::{Cell, cell_name};
use super::field::FakeField;
use super::trial::{Finding, Right, Trial};

/// All of them. Those that need root are told of where there is none.
pub(crate) fn cells() -> Vec<Cell> {
    let mut cells = vec![
        cell("trigger-hangs", || Box::pin(trigger_hangs("wait", Right::Pass, "", true))),
        cell("trigger-hangs-and-nobody-calls", || {
            Box::pin(trigger_hangs("nobody-calls", Right::Error, "the trigger was not done by then either", false))
        }),
        cell("guard-book-on-full-disk", || Box::pin(guard_book_cannot_grow())),
    ];
    if rustix::process::getuid().is_root() {
        cells.push(cell("recordings-on-full-disk", || Box::pin(recordings_have_no_room())));
    } else {
        println!("not tried: recordings-on-full-disk, since only root may mount a small disk");
    }
    cells
}

fn cell(name: &'static str, make: fn() -> futures_util::future::BoxFuture<'static, anyhow::Result<Finding>>) -> Cell {
    Cell { name: cell_name("surroundings", &[name]), row: name.into(), column: "right".into(), make: Box::new(make) }
}

async fn trial(test: &str, right: Right, reason: &'static str) -> anyhow::Result<Trial> {
    Ok(Trial {
        field: FakeField::open().await? as Arc<_>,
        test: test.into(),
        overrides: Vec::new(),
        by_way_of: None,
        blows: Vec::new(),
        needs_all_blows: true,
        heal: Box::new(|| {}),
        right,
        reason,
        back_within: Duration::from_secs(3),
        goes_unnoticed: false,
        spares_stranger: true,
        passes_afterwards: true,
        state: None,
    })
}

/// The URL is answered by nobody, though it takes connections. Whether the call comes all the same is what counts.
async fn trigger_hangs(test: &str, right: Right, reason: &'static str, passes: bool) -> anyhow::Result<Finding> {
    // Whoever connects waits in its queue for ever.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("calls.{test}.url=http://{}/call", silent.local_addr()?);
    let trial = Trial { overrides: vec![url], passes_afterwards: passes, ..trial(test, right, reason).await? };
    let finding = trial.run().await;
    drop(silent);
    finding
}

/// Calls that cannot be counted do not go out.
async fn guard_book_cannot_grow() -> anyhow::Result<Finding> {
    let directory = tempfile::tempdir()?;
    let book = directory.path().join(GuardBook::FILE_NAME);
    // Linux's file that has no room for anything.
    std::os::unix::fs::symlink("/dev/full", &book)?;
    let healed = book.clone();
    let heal = move || fs::remove_file(&healed).expect("the link was made just now");
    let trial = Trial {
        overrides: vec!["guard.calls_per_hour=100".into()],
        heal: Box::new(heal),
        state: Some(directory.path().to_owned()),
        ..trial("play", Right::Error, "calls cannot be counted").await?
    };
    trial.run().await
}

/// A recording for which there is no room is not taken for one that the network has lost.
async fn recordings_have_no_room() -> anyhow::Result<Finding> {
    let directory = tempfile::tempdir()?;
    let recordings = directory.path().join(RECORDINGS);
    fs::create_dir(&recordings)?;
    let disk = Arc::new(SmallDisk::mount(&recordings)?);
    // What is left of it is less than a WAV file's header.
    fs::write(recordings.join("filler"), vec![0; 2 * SmallDisk::BYTES]).expect_err("the disk is smaller than that");
    let healed = recordings.join("filler");
    let trial = Trial {
        heal: Box::new(move || fs::remove_file(&healed).expect("the filler was made just now")),
        state: Some(directory.path().to_owned()),
        ..trial("audio", Right::Error, "it could not be kept").await?
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
