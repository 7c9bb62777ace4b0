//! Tests that call out and have to be rejected: `fail` and `timeout`.

use calltest_core::abilities::Abilities;
use calltest_core::evidence::Side;
use calltest_core::plan::Presence::{Allowed, Forbidden, Required};
use calltest_engine::scripted::{Sign, Story};

use super::{Row, hold, row};
use crate::modes::{Changed as _, fail, ms, timeout};

fn out() -> Story {
    Story::of_call_out()
}

const BLIND: Abilities = Abilities { sip_codes: false, ..Abilities::ALL };

fn fails() -> Vec<Row> {
    vec![
        row("rejected", fail(), out().rejects(ms(500), 1, Some(404)), "pass", ""),
        row("rejected just in time", fail(), out().rejects(ms(1999), 1, Some(404)), "pass", ""),
        row("rejected without a cause", fail(), out().rings(ms(9)).rejects(ms(500), 0, None), "pass", ""),
        row("it rings before", fail(), out().rings(ms(100)).rejects(ms(500), 17, Some(486)), "pass", ""),
        row(
            "never rejected",
            fail(),
            out(),
            "fail",
            "foo: expected a rejection, saw neither ringing, answer nor rejection within 2 s",
        ),
        row(
            "never rejected, though it rings",
            fail(),
            out().rings(ms(100)),
            "fail",
            "foo: expected a rejection, saw only ringing within 2 s",
        ),
        row(
            "rejected too late by the server's clock, which began before ours",
            fail(),
            out().takes_to_dial(ms(400)).rejects(ms(2300), 17, Some(486)),
            "fail",
            "foo: rejected after 2.30 s with 17 user busy (SIP 486), expected within 2 s",
        ),
        row(
            "answered",
            fail(),
            out().rings(ms(100)).answers(ms(500)),
            "fail",
            "foo: answered 0.50 s after the call went out, expected no answer",
        ),
        row("a cause that is right", fail().causes(&["unallocated"]), out().rejects(ms(500), 1, Some(404)), "pass", ""),
        row(
            "a cause that is wrong",
            fail().causes(&["unallocated"]),
            out().rejects(ms(500), 17, Some(486)),
            "fail",
            "foo: rejected after 0.50 s with 17 user busy (SIP 486), expected 1 unallocated number",
        ),
        row(
            "a cause that is not told",
            fail().causes(&["unallocated"]),
            out().rings(ms(100)).rejects(ms(500), 0, None),
            "fail",
            "foo: rejected after 0.50 s with no cause given, expected 1 unallocated number",
        ),
        row("a SIP code that is right", fail().causes(&["SIP 404"]), out().rejects(ms(500), 1, Some(404)), "pass", ""),
        row(
            "a SIP code that is wrong",
            fail().causes(&["SIP 404"]),
            out().rejects(ms(500), 17, Some(486)),
            "fail",
            "foo: rejected after 0.50 s with 17 user busy (SIP 486), expected SIP 404",
        ),
        row(
            "a SIP code that is not told",
            fail().causes(&["SIP 404"]),
            out().rejects(ms(500), 17, None),
            "error",
            "foo: rejected with 17 user busy, but without a SIP code, so SIP 404 cannot be checked; does the link dial by SIP?",
        ),
        row(
            "a SIP code of a server that tells none",
            fail().causes(&["SIP 404"]),
            out().rejects(ms(500), 17, None),
            "error",
            "server a runs Asterisk 20.1.0, which does not report SIP codes: SIP 404 needs 22.7 or newer",
        )
        .on(|server| server.shows(BLIND).is_product("Asterisk 20.1.0")),
        row(
            "ringing required, rejected without",
            fail().ringing(Required),
            out().rejects(ms(500), 17, Some(486)),
            "fail",
            "foo: expected ringing, was rejected without",
        ),
        row(
            "ringing required, it rings",
            fail().ringing(Required),
            out().rings(ms(100)).rejects(ms(500), 17, Some(486)),
            "pass",
            "",
        ),
        row(
            "ringing forbidden, it rings",
            fail().ringing(Forbidden),
            out().rings(ms(100)).rejects(ms(500), 17, Some(486)),
            "fail",
            "foo: rang 0.10 s after the call went out, expected no ringing",
        ),
        row(
            "early media required, rejected without",
            fail().early_media(Required),
            out().rings(ms(100)).rejects(ms(500), 17, Some(486)),
            "fail",
            "foo: expected early media, was rejected without",
        ),
        row(
            "early media required, it comes",
            fail().early_media(Required),
            out().sends_early_media(ms(100)).rejects(ms(500), 17, Some(486)),
            "pass",
            "",
        ),
        row(
            "early media forbidden, it comes",
            fail().early_media(Forbidden),
            out().sends_early_media(ms(100)).rejects(ms(500), 17, Some(486)),
            "fail",
            "foo: early media 0.10 s after the call went out, expected none",
        ),
        row(
            "it leads nowhere, which is no rejection",
            fail(),
            out().rejects(ms(50), 0, None).without(Side::Src, Sign::HangupRequest),
            "error",
            "foo: local/1@nowhere leads nowhere: the dialplan has no such extension or context",
        )
        .dialled("local/{number}@nowhere"),
    ]
}

fn timeouts() -> Vec<Row> {
    let rejected = |after: u64| out().rings(ms(200)).rejects(ms(200 + after), 19, Some(480));
    vec![
        row("rejected after it rang", timeout(), rejected(1500), "pass", ""),
        row("rejected as soon as it may be", timeout(), rejected(1000), "pass", ""),
        row(
            "rejected too early",
            timeout(),
            rejected(500),
            "fail",
            "foo: rejected after 0.50 s of ringing with 19 no answer (SIP 480), expected between 1 s and 10 s",
        ),
        row(
            "never rejected",
            timeout(),
            out().rings(ms(200)),
            "fail",
            "foo: expected a rejection, saw only ringing within 10 s",
        ),
        row(
            "rings as late as it may",
            timeout(),
            out().rings(ms(29_000)).rejects(ms(38_000), 19, Some(480)),
            "pass",
            "",
        ),
        row(
            "never rings",
            timeout(),
            out(),
            "fail",
            "foo: expected ringing, saw neither ringing, answer nor rejection within 30 s",
        ),
        row(
            "only early media, which does not count",
            timeout(),
            out().sends_early_media(ms(200)),
            "fail",
            "foo: expected ringing, saw only early media within 30 s; `early_media_is_ringing: yes` takes that for ringing",
        ),
        row(
            "only early media, which counts",
            timeout().early_media_counts(),
            out().sends_early_media(ms(200)).rejects(ms(1700), 19, Some(480)),
            "pass",
            "",
        ),
        row(
            "rejected without ringing",
            timeout(),
            out().rejects(ms(500), 17, Some(486)),
            "fail",
            "foo: rejected after 0.50 s with 17 user busy (SIP 486), expected ringing",
        ),
        row(
            "answered in place of ringing",
            timeout().ringing(Allowed),
            out().answers(ms(500)),
            "fail",
            "foo: answered 0.50 s after the call went out, expected no answer",
        ),
        row(
            "answered after it rang",
            timeout(),
            out().rings(ms(200)).answers(ms(500)),
            "fail",
            "foo: answered 0.50 s after the call went out, expected no answer",
        ),
        row(
            "a cause that is wrong",
            timeout().causes(&["busy"]),
            rejected(1500),
            "fail",
            "foo: rejected after 1.70 s with 19 no answer (SIP 480), expected 17 user busy",
        ),
        row("a cause that is right", timeout().causes(&["no answer"]), rejected(1500), "pass", ""),
        row(
            "early media required, rejected without",
            timeout().early_media(Required),
            rejected(1500),
            "fail",
            "foo: expected early media, was rejected without",
        ),
        row(
            "rejected in time by the server's clock",
            timeout(),
            rejected(9_990).told_later(Side::Src, Sign::HangupRequest, ms(8)),
            "pass",
            "",
        ),
    ]
}

/// All of these.
pub(super) fn rows() -> Vec<Row> {
    [fails(), timeouts()].into_iter().flatten().collect()
}

#[tokio::test(start_paused = true)]
async fn of_fail() {
    hold(fails()).await;
}

#[tokio::test(start_paused = true)]
async fn of_timeout() {
    hold(timeouts()).await;
}
