//! calltest itself stands still (SIGSTOP) in the midst of a call and goes on later, as when its machine sleeps, its virtual
//! machine is paused, or nobody reads its output: that is no fault of the network, leaves no call up, and the next run passes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::cell::Cell;
use super::program::{self, Moment, Program};
use super::real_bed::Pool;
use super::stage::Kind;
use super::test_bed::TestBed as _;
use super::trial::Finding;

/// Shorter than what a test here has, but longer than a far end may take to answer or to reject.
const SHORT: Duration = Duration::from_millis(3500);
/// Longer than a test here has, and than a silence that ends a connection.
const LONG: Duration = Duration::from_secs(13);
/// How long a run may take once the program goes on.
const OVER_WITHIN: Duration = Duration::from_secs(60);
/// How long its channels may take to be gone after that.
const GONE_WITHIN: Duration = Duration::from_secs(5);
/// How often to look.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The cells of these modes.
pub(crate) fn cells(pool: &Arc<Pool>, program: &Path, kinds: &[Kind], one_each: bool) -> Vec<Cell> {
    let short = |moment: Moment| format!("{}, for 3.5 s", moment.word());
    let long = |moment: Moment| format!("{}, for 13 s", moment.word());
    let mut cells = program::cells(pool, program, kinds, one_each, ("stopped-3.5s", short), |program, kind, moment| {
        try_it(program, kind, moment, SHORT)
    });
    cells.extend(program::cells(pool, program, kinds, one_each, ("stopped-13s", long), |program, kind, moment| {
        try_it(program, kind, moment, LONG)
    }));
    cells
}

async fn try_it(program: Program, kind: Kind, moment: Moment, time: Duration) -> anyhow::Result<Finding> {
    let (run, _caller) = program.start_until(kind, moment).await?;
    let id = run.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)).context("the run was over at once")?;
    kill_process(id, Signal::STOP)?;
    sleep(time).await;
    kill_process(id, Signal::CONT)?;
    let told = timeout(OVER_WITHIN, run.wait_with_output()).await.context("the run did not end")??;
    let said = format!("{}{}", String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
    let verdict = verdict_of(&told.stdout).with_context(|| format!("no verdict in {said}"))?;
    let mut wrong = Vec::new();
    if !["pass", "error"].contains(&&*verdict) {
        wrong.push(format!("the verdict is {verdict}, which should be pass or error"));
    }
    let bed = &program.bed;
    let all_gone = async {
        while !bed.channels_left().await?.is_empty() {
            sleep(LOOK_EVERY).await;
        }
        anyhow::Ok(())
    };
    match timeout(GONE_WITHIN, all_gone).await {
        Ok(all_gone) => all_gone?,
        Err(_) => wrong.push(format!("channels are left: {}", bed.channels_left().await?.join(", "))),
    }
    if !bed.has_bystander().await? {
        wrong.push("the bystander's call was hung up".into());
    }
    let next = timeout(OVER_WITHIN, program.start("dtmf")?.wait_with_output()).await;
    let next = next.context("the next run did not end")??;
    if !next.status.success() {
        wrong.push(format!("the next run ended with {}: {}", next.status, String::from_utf8_lossy(&next.stdout)));
    }
    Ok(Finding { wrong, verdict, account: format!("  {said}\n"), ..Finding::default() })
}

/// What a run that tells of itself in JSON came to.
fn verdict_of(told: &[u8]) -> anyhow::Result<String> {
    let told: Value = serde_json::from_slice(told)?;
    Ok(told["verdict"].as_str().context("it tells no verdict")?.to_owned())
}
