//! What a run costs its server: requests are counted, since a thousand lines share one Asterisk.

use fake_asterisk::FakeAsterisk;

use crate::scene::{dtmf, ends, passes};
use crate::{nothing_is_left, scene};

/// The most requests that a dtmf test may need.
const BUDGET: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn a_dtmf_test_keeps_to_its_budget_of_requests() {
    let fake = FakeAsterisk::start().await;
    let stage = scene(&fake).open(&[dtmf(ends("fone1", "trunk", "trunk", "fone1"))]).await;
    // What connecting costs is no part of it, nor is the owner's heartbeat.
    let of_runs = || {
        let of_channels = |request: &&fake_asterisk::Request| request.path.starts_with("/channels/");
        fake.requests()
            .iter()
            .filter(of_channels)
            .map(|request| format!("{} {}", request.method, request.path))
            .collect::<Vec<_>>()
    };
    let before = of_runs().len();
    passes(&stage.run().await);
    nothing_is_left(&fake).await;
    let needed = of_runs().split_off(before);
    assert!((5..=BUDGET).contains(&needed.len()), "{needed:#?}");
    stage.close().await;
}
