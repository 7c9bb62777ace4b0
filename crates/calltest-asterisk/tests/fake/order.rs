//! What Asterisk tells before the answer to the request that caused it.

use std::time::Duration;

use fake_asterisk::{FakeAsterisk, FarEnd};

use crate::scene::{check, dtmf, ends};
use crate::{nothing_is_left, scene};

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_over_before_originate_is_answered_fails_for_its_own_reason() {
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("Local/trunk@direct", FarEnd::arrives().shows_caller("somebody", "999"));
    let stage = scene(&fake).open(&[dtmf(ends("fone1", "trunk", "trunk", "+4991112345"))]).await;
    fake.faults().on("POST", "/channels/*").times(1).delays(Duration::from_millis(300));
    let run = stage.run().await;
    check(&run, "fail", |said| said == "trunk: expected caller ID +4991112345, received 999, which reads as +49999");
    nothing_is_left(&fake).await;
    stage.close().await;
}
