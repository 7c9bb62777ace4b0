//! Far ends in the dialplan, behind Local channels: Asterisk tells of them otherwise than of SIP.

use super::{Demanding as _, check_all, local, ms};
use crate::scene::{fail, play, ring, timeout};

#[tokio::test(flavor = "multi_thread")]
async fn rejections_of_the_dialplan_have_their_causes() {
    let fail = || fail("", ms(1000));
    check_all(vec![
        local("busy", "busy", fail().causes(&["17"])),
        local("congestion", "congestion", fail().causes(&["34"])),
        local("hangup-1", "hangup-1", fail().causes(&["unallocated-number"])),
        local("hangup-17", "hangup-17", fail().causes(&["17"])),
        local("hangup-21", "hangup-21", fail().causes(&["21"])),
        local("hangup-27", "hangup-27", fail().causes(&["27"])),
        local("hangup-34", "hangup-34", fail().causes(&["34"])),
        local("hangup-58", "hangup-58", fail().causes(&["58"])),
        local("rings-busy", "rings-busy", timeout("", ms(300)).causes(&["17"])),
        local("rings-hangup", "rings-hangup", timeout("", ms(300)).causes(&["21"])),
        local("progress-congestion", "progress-congestion", timeout("", ms(300)).early_media_is_ringing()),
    ])
    .await;
}

// field attack 29
#[tokio::test(flavor = "multi_thread")]
async fn each_mode_fails_for_the_right_reason_in_the_dialplan_too() {
    let ring = || ring("", None).deadline(1500);
    let play = || play("", None).deadline(1500);
    let fail = || fail("", ms(1000));
    let timeout = || timeout("", ms(900)).deadline(1500);
    check_all(vec![
        local("ring-busy", "busy", ring()).fails("rejected after <0..1> s with 17 user busy, expected ringing"),
        local("ring-progress", "progress", ring()).fails("expected ringing, saw only early media within 1.50 s; `early_media_is_ringing: yes` takes that for ringing"),
        local("ring-progress-counts", "progress", ring().early_media_is_ringing()),
        local("ring-proceeds", "proceeds", ring())
            .fails("expected ringing, saw neither ringing, answer nor rejection within 1.50 s"),
        local("ring-ends", "rings-busy", ring().stays(1200))
            .fails("the call ended <0.6..1.2> s after it went out with 17 user busy"),
        local("play-congestion", "congestion", play())
            .fails("rejected after <0..1> s with 34 no circuit available, expected an answer"),
        local("play-rings", "rings", play()).fails("expected an answer, saw only ringing within 1.50 s"),
        local("play-rings-busy", "rings-busy", play())
            .fails("rang, then rejected after <0.6..1.2> s with 17 user busy, expected an answer"),
        local("play-late", "rings", play().answer_within(600))
            .fails("expected an answer, saw only ringing within 0.60 s"),
        // Nobody has rejected a call that leads nowhere.
        local("fail-unknown", "no-such-extension", fail()).errs(
            "fail-unknown: Local/no-such-extension@far leads nowhere: the dialplan has no such extension or context",
        ),
        local("ring-unknown", "no-such-extension", ring()).errs(
            "ring-unknown: Local/no-such-extension@far leads nowhere: the dialplan has no such extension or context",
        ),
        local("fail-rings", "rings", fail()).fails("expected a rejection, saw only ringing within 1 s"),
        local("fail-progress", "progress", fail()).fails("expected a rejection, saw only early media within 1 s"),
        local("fail-answers", "answers", fail()).fails("answered <0..1> s after the call went out, expected no answer"),
        local("fail-wrong-cause", "busy", fail().causes(&["21"]))
            .fails("rejected after <0..1> s with 17 user busy, expected 21 call rejected"),
        local("fail-no-sip", "busy", fail().causes(&["SIP 486"])).errs(
            "fail-no-sip: rejected with 17 user busy, but without a SIP code, so SIP 486 cannot be checked; \
             does the link dial by SIP?",
        ),
        local("timeout-too-soon", "rings-hangup", timeout())
            .fails("rejected after <0.6..0.89> s of ringing with 21 call rejected, expected between 0.90 s and 1.50 s"),
        local("timeout-rings", "rings", timeout()).fails("expected a rejection, saw only ringing within 1.50 s"),
        local("timeout-no-ringing", "hangup-17", timeout())
            .fails("rejected after <0..1> s with 17 user busy, expected ringing"),
    ])
    .await;
}
