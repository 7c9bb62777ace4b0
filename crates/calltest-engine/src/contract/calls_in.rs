//! Promises about calls that come in.

use std::time::Duration;

use calltest_core::evidence::{Observation, Side};
use calltest_core::plan::Rejection;
use tokio::time::sleep;

use crate::Command;
use crate::contract::Bench;
use crate::contract::trial::{Trial, ends, obeys};

/// Long enough for a call to be told, had it been rejected.
const SHORT: Duration = Duration::from_millis(600);

fn is_end(what: &Observation) -> bool {
    matches!(what, Observation::Gone { .. } | Observation::HangupRequest { is_soft: false, .. })
}

/// What is done to a call that came in is told of both its ends.
pub async fn a_call_that_was_answered_by_us_is_told_at_both_ends(bench: &impl Bench) {
    let mut trial = Trial::on(bench);
    let up = trial.up().await;
    up.end().await;
    trial.see_end(Side::Src).await;
    trial.see_end(Side::Dst).await;
    trial.nothing_is_up().await;
}

/// What happened to a call before it was claimed is told once it is.
pub async fn a_call_tells_what_happened_before_it_was_claimed(bench: &impl Bench) {
    let mut trial = Trial::on(bench);
    let _listening = trial.listen().await;
    let mut src = trial.dial(bench.target_at_door()).await;
    let arriving = trial.arrival().await;
    ends(&mut *src).await;
    sleep(SHORT).await;
    let mut dst = trial.claim(arriving);
    trial.see_end(Side::Dst).await;
    ends(&mut *dst).await;
    trial.nothing_is_up().await;
}

/// The host hears of a call before anything else becomes of it, and its caller of the rejection only after that.
pub async fn a_call_is_told_before_it_is_rejected(bench: &impl Bench) {
    let mut trial = Trial::on(bench);
    let _listening = trial.listen().await;
    let mut src = trial.dial(bench.target_at_door()).await;
    let arriving = trial.arrival().await;
    sleep(SHORT).await;
    trial.catch_up();
    assert!(!trial.has_seen(Side::Src, is_end), "a call that nobody has rejected has ended: {:#?}", trial.told);
    arriving.call.reject().await;
    trial.see_end(Side::Src).await;
    ends(&mut *src).await;
    trial.nothing_is_up().await;
}

/// A call that is dropped is turned away.
pub async fn a_call_that_nobody_takes_is_turned_away(bench: &impl Bench) {
    let mut trial = Trial::on(bench);
    let _listening = trial.listen().await;
    let mut src = trial.dial(bench.target_at_door()).await;
    drop(trial.arrival().await);
    trial.see_end(Side::Src).await;
    ends(&mut *src).await;
    trial.nothing_is_up().await;
}

/// A call can be rejected in each way, and its caller hears of that.
pub async fn each_rejection_is_taken(bench: &impl Bench) {
    for (_, rejection) in Rejection::WORDS {
        let mut trial = Trial::on(bench);
        let _listening = trial.listen().await;
        let mut src = trial.dial(bench.target_at_door()).await;
        let mut dst = trial.claim(trial.arrival().await);
        obeys(&mut *dst, Command::Ring).await;
        obeys(&mut *dst, Command::Reject(rejection)).await;
        trial.see_end(Side::Src).await;
        ends(&mut *src).await;
        ends(&mut *dst).await;
        trial.nothing_is_up().await;
    }
}
