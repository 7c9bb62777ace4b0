//! Mode `play`: it has to answer, and stay.

use calltest_core::plan::CallTest;
use calltest_core::plan::Presence::{Forbidden, Required};

use super::{Demanding as _, check_all, far, ms, sip};
use crate::scene;

fn play() -> CallTest {
    scene::play("", None)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answered_call_passes() {
    let rings_first = || far().tries().rings().waits(ms(400)).answers();
    let all_signs = || far().sends_early_media().waits(ms(200)).rings().waits(ms(200)).answers();
    check_all(vec![
        sip("answers", far().answers(), play()),
        sip("plays", far().answers(), scene::play("", Some("beep"))),
        sip("rings-answers", rings_first(), play().answer_within(2000).ringing(Required)),
        sip("all-signs", all_signs(), play().ringing(Required).early_media(Required)),
        sip("no-ringing", far().progresses().waits(ms(200)).answers(), play().ringing(Forbidden)),
        sip("no-early-media", rings_first(), play().early_media(Forbidden)),
        sip("may-leave", far().answers().waits(ms(400)).hangs_up(), play().stays(2000).causes(&["normal-clearing"])),
    ])
    .await;
}

// field telephony 26 | The far end says 100 or 182 and nothing more | `fail`, without the word that nothing came | 100 alone; nothing at all; ringing, early media
// field telephony 18 | The far end hangs up as soon as it has answered | `fail`, with the time after the answer | a BYE with and without a Reason; during a sound
#[tokio::test(flavor = "multi_thread")]
async fn each_way_not_to_answer_fails() {
    let play = || play().deadline(1500);
    let leaves = || far().answers().waits(ms(400)).hangs_up();
    check_all(vec![
        sip("busy", far().rejects(486), play())
            .fails("rejected after <0..1> s with 17 user busy (SIP 486), expected an answer"),
        sip("declines", far().rings().waits(ms(400)).rejects(603), play())
            .fails("rang, then rejected after <0.4..1.4> s with 21 call rejected (SIP 603), expected an answer"),
        sip("rejects-after-early", far().sends_early_media().waits(ms(400)).rejects(486), play())
            .fails("rejected after <0.4..1.4> s with 17 user busy (SIP 486), expected an answer"),
        sip("rejects-with-causes", far().rejects(486), play().causes(&["17"]))
            .fails("rejected after <0..1> s with 17 user busy (SIP 486), expected an answer"),
        sip("silent", far(), play())
            .fails("expected an answer, saw neither ringing, answer nor rejection within 1.50 s"),
        sip("tries", far().tries(), play())
            .fails("expected an answer, saw neither ringing, answer nor rejection within 1.50 s"),
        sip("early", far().sends_early_media(), play()).fails("expected an answer, saw only early media within 1.50 s"),
        sip("rings", far().rings(), play()).fails("expected an answer, saw only ringing within 1.50 s"),
        sip("too-late", far().rings().waits(ms(1000)).answers(), play().answer_within(500))
            .fails("expected an answer, saw only ringing within 0.50 s"),
        sip("leaves", leaves(), play().stays(1200))
            .fails("the call ended <0.3..1.1> s after the answer with 16 normal clearing"),
        sip("leaves-wrongly", leaves(), play().stays(1200).causes(&["17"]))
            .fails("hung up <0.3..1.1> s after the answer with 16 normal clearing, expected 17 user busy"),
        sip("leaves-without-status", leaves(), play().stays(1200).causes(&["SIP 480"]))
            .fails("hung up <0.3..1.1> s after the answer with 16 normal clearing, expected SIP 480"),
        sip("rings-forbidden", far().rings().waits(ms(200)).answers(), play().ringing(Forbidden))
            .fails("rang <0..1> s after the call went out, expected no ringing"),
        sip("answers-without-ringing", far().answers(), play().ringing(Required))
            .fails("expected ringing, was answered without"),
        sip("answers-without-early", far().rings().waits(ms(200)).answers(), play().early_media(Required))
            .fails("expected early media, was answered without"),
        sip("early-forbidden", far().sends_early_media().waits(ms(200)).answers(), play().early_media(Forbidden))
            .fails("early media <0..1> s after the call went out, expected none"),
    ])
    .await;
}
