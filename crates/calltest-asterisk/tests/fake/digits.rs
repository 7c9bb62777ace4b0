//! Digits that Asterisk holds back. What becomes of digits that are lost, doubled, changed or added is told on the scripted engine.

use calltest_core::evidence::{Observation, Side};
use fake_asterisk::{Digits, FakeAsterisk, FarEnd, Way};

use crate::scene::{dtmf, ends, passes};
use crate::{nothing_is_left, scene};

#[tokio::test(flavor = "multi_thread")]
async fn a_digit_that_is_held_back_until_there_is_sound_comes_through() {
    let fake = FakeAsterisk::start().await;
    let far_end = FarEnd::arrives()
        .alters_digits(Way::ToOutbound, Digits::HoldBack(5))
        .alters_digits(Way::ToInbound, Digits::HoldBack(5));
    fake.set_far_end("Local/trunk@direct", far_end);
    let stage = scene(&fake).open(&[dtmf(ends("fone1", "trunk", "trunk", "fone1"))]).await;
    let run = stage.run().await;
    passes(&run);
    for side in [Side::Src, Side::Dst] {
        let silences = run.evidence.of(side).filter(|fact| fact.what == Observation::SilenceSent).count();
        assert_eq!(silences, 1, "{side:?}");
    }
    nothing_is_left(&fake).await;
    stage.close().await;
}
