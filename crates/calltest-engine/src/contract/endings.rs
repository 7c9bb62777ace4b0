//! Promises about the end of a leg.

use std::time::Duration;

use calltest_core::evidence::{Observation, Side};
use tokio::time::{Instant, sleep};

use crate::contract::trial::{PATIENCE, Trial, ends, tell};
use crate::contract::{Bench, FarEnd};
use crate::{Command, Refused};

/// Long enough for a second end to be told, were there one.
const SHORT: Duration = Duration::from_millis(600);

/// A leg can be ended more than once, tells one end, and leaves nothing up.
pub async fn a_leg_ends_once(bench: &impl Bench) {
    let mut trial = Trial::on(bench);
    let mut up = trial.up().await;
    ends(&mut *up.src).await;
    ends(&mut *up.src).await;
    ends(&mut *up.dst).await;
    ends(&mut *up.dst).await;
    trial.linger(SHORT).await;
    for side in [Side::Src, Side::Dst] {
        let is_end = |seen: &&crate::Seen| seen.side == side && matches!(seen.what, Observation::Gone { .. });
        let told = trial.told.iter().filter(is_end).count();
        assert_eq!(told, 1, "ends told of {side:?}: {:#?}", trial.told);
    }
    trial.nothing_is_up().await;
}

/// A leg that refuses since it is over says just that, and only after its end has been told.
pub async fn a_leg_that_is_over_says_so_after_its_end(bench: &impl Bench) {
    let mut trial = Trial::on(bench);
    let mut up = trial.up().await;
    ends(&mut *up.src).await;
    let give_up = Instant::now() + PATIENCE;
    let refused = loop {
        match tell(&mut *up.dst, Command::Limit(Duration::from_secs(30))).await {
            Err(refused) => break refused,
            Ok(()) => assert!(Instant::now() < give_up, "a leg takes commands although its call is over"),
        }
        sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(refused, Refused::Over, "a leg that is over refused for another reason");
    trial.catch_up();
    let is_end = |what: &Observation| {
        matches!(what, Observation::Gone { .. } | Observation::HangupRequest { is_soft: false, .. })
    };
    assert!(trial.has_seen(Side::Dst, is_end), "a leg said that it is over before its end was told: {:#?}", trial.told);
    ends(&mut *up.dst).await;
    trial.nothing_is_up().await;
}

/// A leg that is dropped is hung up, whether it was answered or not.
pub async fn a_dropped_leg_is_hung_up(bench: &impl Bench) {
    let mut trial = Trial::on(bench);
    let leg = trial.dial(bench.target(FarEnd::Rings)).await;
    trial.something_is_up().await;
    drop(leg);
    trial.nothing_is_up().await;
    let up = trial.up().await;
    drop(up);
    trial.nothing_is_up().await;
}

/// A call that is dropped while it is on its way out is hung up, whenever it comes to be.
pub async fn a_dropped_dialling_is_hung_up(bench: &impl Bench) {
    let trial = Trial::on(bench);
    drop(trial.start(bench.target(FarEnd::Rings), Duration::from_secs(60)).await);
    sleep(SHORT).await;
    trial.nothing_is_up().await;
}
