//! Two processes that want the same app.

use fake_asterisk::FakeAsterisk;

use crate::scene;
use crate::scene::{check, dtmf, ends, passes};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_owner_is_refused_and_told_who_the_first_is() {
    let fake = FakeAsterisk::start().await;
    let test = || [dtmf(ends("fone1", "trunk", "trunk", "fone1"))];
    let first = scene(&fake).open_as(&test(), "first").await;
    let second = scene(&fake).open_as(&test(), "second").await;
    let why: Vec<_> = second.runner.servers().unavailable().into_iter().map(|(_, why)| why).collect();
    assert!(why.len() == 1 && why[0].contains("first"), "{why:?}");
    check(&second.run().await, "error", |said| said.contains("first"));
    passes(&first.run().await);
    second.close().await;
    first.close().await;
    let third = scene(&fake).open_as(&test(), "third").await;
    passes(&third.run().await);
    third.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_never_registers_is_told_in_one_sentence() {
    let fake = FakeAsterisk::start().await;
    fake.faults().never_register();
    let stage = scene(&fake).open(&[dtmf(ends("fone1", "trunk", "trunk", "fone1"))]).await;
    let why: Vec<_> = stage.runner.servers().unavailable().into_iter().map(|(_, why)| why).collect();
    assert!(why.len() == 1 && why[0].contains("calltest") && !why[0].contains('\n'), "{why:?}");
    assert!(stage.runner.servers().are_all_unavailable());
    stage.close().await;
}
