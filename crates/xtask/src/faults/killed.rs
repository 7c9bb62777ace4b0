//! calltest itself is killed (SIGKILL) in the midst of a call, and started again: what it left is hung up, a bystander's call
//! is not, and the next run passes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::timeout;

use super::cell::Cell;
use super::program::{self, Moment, Program};
use super::real_bed::Pool;
use super::stage::Kind;
use super::test_bed::TestBed as _;
use super::trial::Finding;

/// How long the next run may take: the program waits until the heartbeat of the one that was killed stands still.
const NEXT_WITHIN: Duration = Duration::from_secs(60);

/// The cells of these modes.
pub(crate) fn cells(pool: &Arc<Pool>, program: &Path, kinds: &[Kind], one_each: bool) -> Vec<Cell> {
    let row = |moment: Moment| moment.word().to_owned();
    program::cells(pool, program, kinds, one_each, ("killed", row), try_it)
}

async fn try_it(program: Program, kind: Kind, moment: Moment) -> anyhow::Result<Finding> {
    let bed = &program.bed;
    let (mut first, caller) = program.start_until(kind, moment).await?;
    first.kill().await?;
    drop(caller);
    let left = bed.channels_left().await?;
    let mut wrong = Vec::new();
    // A call that goes out and comes back shows both that what was left is gone and that the program is well.
    let next = timeout(NEXT_WITHIN, program.start("dtmf")?.wait_with_output()).await;
    let next = next.context("the next run did not end")??;
    let said = String::from_utf8_lossy(&next.stdout).into_owned();
    if !next.status.success() {
        wrong.push(format!("the next run ended with {}: {said}{}", next.status, String::from_utf8_lossy(&next.stderr)));
    }
    let ours: Vec<String> = bed.channels_left().await?.into_iter().filter(|id| left.contains(id)).collect();
    if !ours.is_empty() {
        wrong.push(format!("of {} channels that were left, these still are: {}", left.len(), ours.join(", ")));
    }
    if !bed.has_bystander().await? {
        wrong.push("the bystander's call was hung up".into());
    }
    let account = format!("  left by the one that was killed: {}\n", left.join(", "));
    Ok(Finding { wrong, verdict: "killed".into(), account, ..Finding::default() })
}
