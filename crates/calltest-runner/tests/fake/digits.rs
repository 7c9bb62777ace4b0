//! One digit lost, doubled, changed or added, in each direction.

use std::time::Duration;

use calltest_core::evidence::{Observation, Side};
use fake_asterisk::{Digits, FakeAsterisk, FarEnd, Way};

use crate::scene::{check, dtmf, ends, passes};
use crate::{nothing_is_left, scene};

/// Spoils digits on the way; `received` tells what arrives, given what was sent, and `remark` what is said of it.
async fn spoil(way: Way, how: Digits, received: impl Fn(&str) -> String, remark: &str) {
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("Local/trunk@direct", FarEnd::arrives().alters_digits(way, how));
    let stage = scene(&fake).open(&[dtmf(ends("fone1", "trunk", "trunk", "fone1"))]).await;
    let run = stage.run().await;
    let (link, to) = match way {
        Way::ToOutbound => ("fone1", Side::Src),
        Way::ToInbound => ("trunk", Side::Dst),
    };
    let sent = run.evidence.of(to.other()).find_map(|fact| match &fact.what {
        Observation::DigitsSent { digits } => Some(digits.clone()),
        _ => None,
    });
    let sent = sent.expect("digits were sent");
    let expected = format!("{link}: expected digits {sent}, received {}{remark}", received(&sent));
    check(&run, "fail", |reason| reason == expected);
    nothing_is_left(&fake).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digit_lost_at_the_end_is_missing() {
    for way in [Way::ToOutbound, Way::ToInbound] {
        spoil(way, Digits::Drop(5), |sent| sent[..4].into(), " until 3 s after the last was due").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digit_lost_on_the_way_makes_the_next_one_wrong() {
    // The third is the second of a pair, so the one after it is the first that differs.
    spoil(Way::ToInbound, Digits::Drop(3), |sent| format!("{}{}", &sent[..2], &sent[3..4]), " (number 3 is wrong)")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digit_changed_is_wrong_at_once() {
    spoil(Way::ToOutbound, Digits::Replace(2, '*'), |sent| format!("{}*", &sent[..1]), " (number 2 is wrong)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digit_doubled_is_wrong() {
    spoil(Way::ToInbound, Digits::Double(1), |sent| format!("{0}{0}", &sent[..1]), " (number 2 is wrong)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digit_too_many_is_extra() {
    for way in [Way::ToOutbound, Way::ToInbound] {
        spoil(way, Digits::Append('#'), |sent| format!("{sent}#"), " (more than were sent)").await;
    }
}

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

#[tokio::test(flavor = "multi_thread")]
async fn digits_that_come_slowly_are_waited_for() {
    let fake = FakeAsterisk::start().await;
    // The last of the first five comes five seconds after it was due.
    for place in (1..5).rev() {
        let delay = Duration::from_millis(1250) * u32::try_from(place).unwrap();
        fake.faults().events("ChannelDtmfReceived").after(place).times(1).delays(delay);
    }
    let mut test = dtmf(ends("fone1", "trunk", "trunk", "fone1"));
    test.timeout = Duration::from_secs(30);
    let stage = scene(&fake).open(&[test]).await;
    passes(&stage.run().await);
    nothing_is_left(&fake).await;
    stage.close().await;
}
