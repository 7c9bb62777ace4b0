//! Mode `timeout`: it has to ring, and later to reject the call by itself.

use calltest_core::plan::CallTest;
use calltest_core::plan::Presence::{Forbidden, Required};

use super::{Demanding as _, check_all, far, ms, sip};
use crate::scene;

/// It has to reject between 0.5 and 1.5 seconds after the first ringing.
fn timeout() -> CallTest {
    scene::timeout("", ms(500)).deadline(1500)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_rings_out_in_time_passes() {
    let rings_out = || far().rings().waits(ms(900)).rejects(480);
    check_all(vec![
        sip("any-cause", rings_out(), timeout()),
        sip("by-status", rings_out(), timeout().causes(&["SIP 480"])),
        sip("after-early-media", far().sends_early_media().waits(ms(800)).rings().waits(ms(900)).rejects(480), {
            // The early media do not count as ringing, so the time begins later.
            timeout().early_media(Required).causes(&["no-answer"])
        }),
        sip("early-counts", far().progresses().waits(ms(900)).rejects(486), timeout().early_media_is_ringing()),
        sip("no-early-media", rings_out(), timeout().early_media(Forbidden)),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_that_does_not_ring_out_fails() {
    check_all(vec![
        sip("too-soon", far().rings().waits(ms(100)).rejects(486), timeout()).fails(
            "rejected after <0.1..0.45> s of ringing with 17 user busy (SIP 486), expected between 0.50 s and 1.50 s",
        ),
        sip(
            "too-soon-after-early",
            far().sends_early_media().waits(ms(700)).rings().waits(ms(100)).rejects(486),
            timeout(),
        )
        .fails(
            "rejected after <0.1..0.45> s of ringing with 17 user busy (SIP 486), expected between 0.50 s and 1.50 s",
        ),
        sip("too-late", far().rings().waits(ms(2500)).rejects(480), timeout())
            .fails("expected a rejection, saw only ringing within 1.50 s"),
        sip("rings", far().rings(), timeout().causes(&["19", "16"]))
            .fails("expected a rejection, saw only ringing within 1.50 s"),
        sip("wrong-cause", far().rings().waits(ms(900)).rejects(486), timeout().causes(&["19"]))
            .fails("rejected after <0.9..1.4> s with 17 user busy (SIP 486), expected 19 no answer"),
        sip("does-not-ring", far().rejects(486), timeout())
            .fails("rejected after <0..1> s with 17 user busy (SIP 486), expected ringing"),
        sip("early-rejects", far().sends_early_media().waits(ms(900)).rejects(480), timeout())
            .fails("rejected after <0.9..1.4> s with 19 no answer (SIP 480), expected ringing"),
        sip("answers", far().answers(), timeout())
            .fails("answered <0..1> s after the call went out, expected no answer"),
        sip("rings-answers", far().rings().waits(ms(400)).answers(), timeout())
            .fails("answered <0.4..1.4> s after the call went out, expected no answer"),
        sip("without-early", far().rings().waits(ms(900)).rejects(480), timeout().early_media(Required))
            .fails("expected early media, was rejected without"),
        // This one takes half a minute: so long may a call take to ring.
        sip("silent", far(), timeout())
            .fails("expected ringing, saw neither ringing, answer nor rejection within 30 s")
            .takes(33_000),
    ])
    .await;
}
