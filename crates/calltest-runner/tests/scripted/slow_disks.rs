//! The end of a call where a server or a disk is slow: the call is over before anything waits for them, and no wait is for ever.
//!
//! A disk that hangs is a named pipe that nobody reads: whoever opens it to write waits. The clock stands still then, so these
//! tests move it themselves.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use calltest_core::evidence::{Observation, Side};
use calltest_core::run::{FinishedRun, RunId};
use calltest_engine::scripted::{Act, Story, When};
use calltest_runner::{Control, RECORDINGS};
use tokio::task::JoinHandle;

use crate::modes::{audio, dtmf, ms, play};
use crate::stage::{Scene, check, passes, run};

const RUN: RunId = RunId(7);

/// A file on a disk that hangs, until it is dropped.
struct Hung(PathBuf);

impl Hung {
    fn at(path: &Path) -> Self {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(path);
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
        Self(path.to_owned())
    }
}

impl Drop for Hung {
    /// Lets whoever writes go on, whenever it comes to that: a pipe that is open for both takes some.
    fn drop(&mut self) {
        std::mem::forget(OpenOptions::new().read(true).write(true).open(&self.0));
    }
}

/// Waits for a run while the clock goes on although a disk hangs.
async fn after_all(run: JoinHandle<FinishedRun>) -> FinishedRun {
    for _ in 0..600 {
        if run.is_finished() {
            return run.await.unwrap();
        }
        tokio::time::advance(ms(100)).await;
    }
    panic!("the run still waits after a minute");
}

/// When such a thing was seen last.
fn latest(run: &FinishedRun, is_it: impl Fn(&Observation) -> bool) -> Duration {
    let fact = run.evidence.facts.iter().rev().find(|fact| is_it(&fact.what));
    fact.unwrap_or_else(|| panic!("not seen: {:#?}", run.evidence.facts)).at
}

fn is_gone(what: &Observation) -> bool {
    matches!(what, Observation::Gone { .. })
}

#[tokio::test(start_paused = true)]
async fn no_call_is_up_while_its_recordings_are_fetched() {
    let slow = Story::of_good_call().takes_to_fetch(Side::Src, ms(4000)).takes_to_fetch(Side::Dst, ms(4000));
    let run = run(&audio(), slow).await;
    passes(&run);
    let is_fetched = |what: &Observation| matches!(what, Observation::RecordingFetched { .. });
    assert!(latest(&run, is_fetched) >= latest(&run, is_gone) + ms(8000), "{:#?}", run.evidence.facts);
}

#[tokio::test(start_paused = true)]
async fn a_recording_on_a_disk_that_hangs_is_an_error_and_holds_no_call_up() {
    let stage = Scene::of(Story::of_call_out().answers(ms(100))).open(&[play()]).await;
    let disk = Hung::at(&stage.state().join(RECORDINGS).join(format!("{RUN}-src.part")));
    let run = stage.start_as(RUN, &Control::default());
    stage.witness.until(is_gone).await;
    assert_eq!(stage.world.calls_up(), [""; 0]);
    let run = after_all(run).await;
    let reason = "the recording heard on foo failed: it could not be kept: the disk did not answer within 10 s";
    check(&run, "error", reason);
    drop(disk);
    stage.close().await;
}

/// What the guard writes at the end of a call waits for its lock, which is on the disk as well.
#[tokio::test(start_paused = true)]
async fn a_call_whose_end_cannot_be_counted_is_over_all_the_same() {
    let stage = Scene::of(Story::of_good_call()).counts_calls().open(&[dtmf()]).await;
    let lock = stage.state().join("guard.lock");
    let run = stage.start_as(RUN, &Control::default());
    stage.witness.until(|what| matches!(what, Observation::Dialled { .. })).await;
    let disk = Hung::at(&lock);
    stage.witness.until(is_gone).await;
    let run = after_all(run).await;
    passes(&run);
    assert!(run.duration < ms(20_000), "{:?}", run.duration);
    drop(disk);
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_cannot_be_counted_is_an_error_in_time_and_can_be_called_off() {
    let reason = "the time (10 s) was up while foo was busy with waiting for its call to be counted";
    for (is_called_off, verdict, reason) in
        [(false, "error", reason), (true, "cancelled", "cancelled before it could finish")]
    {
        let listening = When::Listening("bar".into());
        let control = Control::default();
        let handle = control.clone();
        let story = match is_called_off {
            true => Story::of_good_call().when(listening).after(ms(500)).then(Act::run(move || handle.stop())),
            false => Story::of_good_call(),
        };
        let stage = Scene::of(story).counts_calls().open(&[dtmf()]).await;
        let disk = Hung::at(&stage.state().join("guard.lock"));
        let run = after_all(stage.start_as(RUN, &control)).await;
        check(&run, verdict, reason);
        assert_eq!(stage.world.given(), []);
        drop(disk);
        stage.close().await;
    }
}
