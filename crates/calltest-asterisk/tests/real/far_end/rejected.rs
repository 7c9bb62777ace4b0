//! Mode `fail`: it has to reject the call soon.

use calltest_core::plan::CallTest;
use calltest_core::plan::Presence::{Forbidden, Required};

use super::{Demanding as _, check_all, far, ms, sip};
use crate::scene;

/// It has to reject within two seconds.
fn fail() -> CallTest {
    scene::fail("", ms(2000))
}

// field telephony 27 | A rejection that crosses our own end, or comes with a cause that Asterisk does not hand on | pass, by the status | each status; 480 with another cause
#[tokio::test(flavor = "multi_thread")]
async fn each_rejection_in_time_passes() {
    let rings_then = |status| far().tries().rings().waits(ms(300)).rejects(status);
    check_all(vec![
        sip("any-cause", far().rejects(486), fail()),
        sip("by-number", far().rejects(486), fail().causes(&["17"])),
        sip("by-name", far().rejects(603), fail().causes(&["call-rejected"])),
        sip("by-short-name", far().rejects(503), fail().causes(&["congestion"])),
        sip("by-status", far().rejects(488), fail().causes(&["SIP 488"])),
        sip("one-of-several", far().rejects(404), fail().causes(&["busy", "SIP 403", "unallocated-number"])),
        sip("after-ringing", rings_then(480), fail().causes(&["19"])),
        sip("after-ringing-required", rings_then(480), fail().causes(&["SIP 480"]).ringing(Required)),
        sip("no-ringing", far().tries().rejects(403), fail().causes(&["21"]).ringing(Forbidden)),
        sip("after-early", far().sends_early_media().waits(ms(300)).rejects(486), fail().early_media(Required)),
        sip("early-counts", far().progresses().waits(ms(300)).rejects(486), {
            fail().early_media_is_ringing().ringing(Required)
        }),
        sip("no-early-media", rings_then(486), fail().early_media(Forbidden)),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_that_is_not_rejected_as_it_should_be_fails() {
    let soon = || scene::fail("", ms(700));
    // Asterisk's own limit on the call is later, so that its end is not taken for a 480 of the far end.
    let until_the_deadline = || scene::fail("", ms(1500)).deadline(1500);
    check_all(vec![
        sip("wrong-cause", far().rejects(486), fail().causes(&["21", "SIP 488"]))
            .fails("rejected after <0..1> s with 17 user busy (SIP 486), expected 21 call rejected or SIP 488"),
        sip("wrong-status", far().rejects(404), fail().causes(&["SIP 604"]))
            .fails("rejected after <0..1> s with 1 unallocated number (SIP 404), expected SIP 604"),
        sip("too-late", far().rings().waits(ms(1200)).rejects(486), soon())
            .fails("expected a rejection, saw only ringing within 0.70 s"),
        sip("too-late-with-cause", far().rings().waits(ms(1200)).rejects(486), soon().causes(&["17"]))
            .fails("expected a rejection, saw only ringing within 0.70 s"),
        sip("rings", far().rings(), until_the_deadline()).fails("expected a rejection, saw only ringing within 1.50 s"),
        sip("rings-with-cause", far().rings(), until_the_deadline().causes(&["19", "SIP 480", "16"]))
            .fails("expected a rejection, saw only ringing within 1.50 s"),
        sip("early", far().sends_early_media(), soon())
            .fails("expected a rejection, saw only early media within 0.70 s"),
        sip("silent", far(), soon())
            .fails("expected a rejection, saw neither ringing, answer nor rejection within 0.70 s"),
        sip("tries", far().tries(), soon())
            .fails("expected a rejection, saw neither ringing, answer nor rejection within 0.70 s"),
        sip("answers", far().answers(), fail()).fails("answered <0..1> s after the call went out, expected no answer"),
        sip("rings-answers", far().rings().waits(ms(400)).answers().waits(ms(100)).hangs_up(), fail())
            .fails("answered <0.4..1.4> s after the call went out, expected no answer"),
        sip("rings-forbidden", far().rings().waits(ms(200)).rejects(486), fail().ringing(Forbidden))
            .fails("rang <0..1> s after the call went out, expected no ringing"),
        sip("without-ringing", far().rejects(486), fail().ringing(Required))
            .fails("expected ringing, was rejected without"),
        sip("without-early", far().rings().waits(ms(200)).rejects(486), fail().early_media(Required))
            .fails("expected early media, was rejected without"),
        sip("early-forbidden", far().progresses().waits(ms(200)).rejects(486), fail().early_media(Forbidden))
            .fails("early media <0..1> s after the call went out, expected none"),
    ])
    .await;
}
