//! Mode `ring`: it has to ring.

use calltest_core::plan::CallTest;
use calltest_core::plan::Presence::{Forbidden, Required};

use super::{Demanding as _, check_all, far, ms, sip};
use crate::scene;

fn ring() -> CallTest {
    scene::ring("", None)
}

// field telephony 23 | 183, 180 and 200 in each order, 180 with SDP | as `ringing` and `early_media` say | required, forbidden; causes after it
#[tokio::test(flavor = "multi_thread")]
async fn what_counts_as_ringing_passes() {
    let early_then_rings = || far().sends_early_media().waits(ms(300)).rings().waits(ms(300)).answers();
    let rings_then_ends = || far().rings().waits(ms(400)).rejects(480);
    check_all(vec![
        sip("rings", far().tries().rings(), ring()),
        sip("rings-with-sdp", far().rings_with_sdp(), ring()),
        sip("answers", far().answers(), ring()),
        sip("early-rings-answers", early_then_rings(), ring()),
        sip("early-rings-required", early_then_rings(), ring().ringing(Required)),
        sip("early-counts", far().sends_early_media(), ring().early_media_is_ringing()),
        sip("progress-counts", far().progresses(), ring().early_media_is_ringing()),
        sip("early-counts-required", far().progresses(), ring().early_media_is_ringing().ringing(Required)),
        sip("early-and-rings", early_then_rings(), ring().early_media(Required)),
        sip("sdp-is-early-media", far().rings_with_sdp(), ring().early_media(Required)),
        sip("no-early-media", far().rings(), ring().early_media(Forbidden)),
        sip("may-end-by-number", rings_then_ends(), ring().stays(2000).causes(&["17", "19"])),
        sip("may-end-by-status", rings_then_ends(), ring().stays(2000).causes(&["SIP 480"])),
        sip("need-not-end", far().rings(), ring().causes(&["19"])),
    ])
    .await;
}

// field telephony 20 | Music or a tone instead of ringing | `fail` that names `early_media_is_ringing` | 183 with and without SDP; in the dialplan
#[tokio::test(flavor = "multi_thread")]
async fn each_way_not_to_ring_fails() {
    let ring = || ring().deadline(1500);
    let rings_then_ends = || far().rings().waits(ms(400)).rejects(480);
    check_all(vec![
        sip("busy", far().rejects(486), ring())
            .fails("rejected after <0..1> s with 17 user busy (SIP 486), expected ringing"),
        sip("tries-rejects", far().tries().waits(ms(400)).rejects(404), ring())
            .fails("rejected after <0.4..1.4> s with 1 unallocated number (SIP 404), expected ringing"),
        sip("early-rejects", far().sends_early_media().waits(ms(400)).rejects(503), ring())
            .fails("rejected after <0.4..1.4> s with 34 no circuit available (SIP 503), expected ringing"),
        sip("silent", far(), ring()).fails("expected ringing, saw neither ringing, answer nor rejection within 1.50 s"),
        sip("tries", far().tries(), ring())
            .fails("expected ringing, saw neither ringing, answer nor rejection within 1.50 s"),
        sip("early", far().sends_early_media(), ring()).fails("expected ringing, saw only early media within 1.50 s; `early_media_is_ringing: yes` takes that for ringing"),
        sip("progress", far().progresses(), ring()).fails("expected ringing, saw only early media within 1.50 s; `early_media_is_ringing: yes` takes that for ringing"),
        sip("ends", rings_then_ends(), ring().stays(2000))
            .fails("the call ended <0.4..1.4> s after it went out with 19 no answer (SIP 480)"),
        sip("ends-wrongly", rings_then_ends(), ring().stays(2000).causes(&["user-busy", "SIP 600"]))
            .fails("rejected after <0.4..1.4> s with 19 no answer (SIP 480), expected 17 user busy or SIP 600"),
        sip("answers", far().answers(), ring().ringing(Required)).fails("expected ringing, was answered without"),
        sip("early-answers", far().sends_early_media().waits(ms(200)).answers(), ring().ringing(Required))
            .fails("expected ringing, was answered without"),
        sip("no-early-media", far().rings(), ring().early_media(Required))
            .fails("expected early media, saw only ringing within 1.50 s"),
        sip("ends-before-early", rings_then_ends(), ring().early_media(Required))
            .fails("rang, then rejected after <0.4..1.4> s with 19 no answer (SIP 480), expected early media"),
        sip("answers-without-early", far().rings().waits(ms(200)).answers(), ring().early_media(Required))
            .fails("expected early media, was answered without"),
        sip("early-forbidden", far().progresses().waits(ms(200)).rings(), ring().early_media(Forbidden))
            .fails("early media <0..1> s after the call went out, expected none"),
        sip("rings-with-sdp", far().rings_with_sdp(), ring().early_media(Forbidden))
            .fails("early media <0..1> s after the call went out, expected none"),
    ])
    .await;
}
