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
    let looks = || fake.requests().iter().filter(|request| request.path.starts_with("/applications")).count();
    let (before, looks_before) = (of_runs().len(), looks());
    passes(&stage.run().await);
    assert_eq!(looks() - looks_before, 0, "where all was seen, nobody asks whether something was missed");
    nothing_is_left(&fake).await;
    let needed = of_runs().split_off(before);
    assert!((5..=BUDGET).contains(&needed.len()), "{needed:#?}");
    stage.close().await;
}

/// Asterisk's own limit is what ends a call when this process has died. A half of a Local channel may outlive the other, so
/// that of one is not enough.
#[tokio::test(flavor = "multi_thread")]
async fn both_halves_of_a_call_have_a_limit_in_asterisk() {
    let fake = FakeAsterisk::start().await;
    let stage = scene(&fake).open(&[dtmf(ends("fone1", "trunk", "trunk", "fone1"))]).await;
    passes(&stage.run().await);
    let requests = fake.requests();
    let outbound = requests.iter().find(|request| request.body.contains("TIMEOUT(absolute)"));
    let outbound = &outbound.expect("the call goes out with a limit").path;
    let is_limit = |request: &&fake_asterisk::Request| {
        request.path == format!("{outbound};2/variable") && request.query("variable") == Some("TIMEOUT(absolute)")
    };
    assert_eq!(requests.iter().filter(is_limit).count(), 1, "{requests:#?}");
    stage.close().await;
}
