//! Promises about a server as a whole.

use std::time::Duration;

use calltest_core::evidence::Side;
use tokio::time::Instant;

use crate::Scrutiny;
use crate::contract::trial::{Trial, ends, within};
use crate::contract::{Bench, FarEnd};

/// Once it is connected, it is ready, says what it is, and knows of nothing that is left.
pub async fn a_connected_engine_is_ready(bench: &impl Bench) {
    let engine = bench.engine();
    assert_eq!(engine.ready(), Ok(()), "an engine that has just connected is not ready");
    assert!(!engine.product().trim().is_empty(), "an engine that has connected does not know what its server is");
    assert!(!engine.may_have_leftovers(), "nobody has made a call, and one may be left");
}

/// A server that answers is in sight: with a figure, and with the silence from which on it would prove nothing.
pub async fn a_server_in_sight_says_how_well(bench: &impl Bench) {
    for scrutiny in [Scrutiny::SignOfLife, Scrutiny::Whole] {
        let sighting = within("a sign of life", bench.engine().sight(Instant::now(), scrutiny)).await;
        assert_eq!(sighting.sight.server, bench.server().name, "it speaks of another server");
        assert!(sighting.sight.round_trip.is_some(), "a server that works gave no sign of life: {sighting:?}");
        assert!(sighting.sight.silence_limit > Duration::ZERO, "any silence at all would prove nothing");
        assert_eq!(sighting.uncertainty, None, "nothing was missed");
    }
}

/// A clean-up ends every call of ours and says how many there were; after it, nothing is left.
pub async fn a_clean_up_leaves_nothing(bench: &impl Bench) {
    let mut trial = Trial::on(bench);
    let mut leg = trial.dial(bench.target(FarEnd::Rings)).await;
    trial.something_is_up().await;
    let ended = within("the end of a clean-up", bench.engine().clean_up()).await;
    assert!(ended.as_ref().is_ok_and(|ended| *ended > 0), "one call was up, and the clean-up came to {ended:?}");
    trial.nothing_is_up().await;
    ends(&mut *leg).await;
    trial.see_end(Side::Src).await;
    drop(leg);
    assert!(!bench.engine().may_have_leftovers(), "all has ended, and something may be left");
    let ended = within("the end of a clean-up", bench.engine().clean_up()).await;
    assert_eq!(ended, Ok(0), "there was nothing to clean up");
}
