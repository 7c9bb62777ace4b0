//! Tests that call out and look for ringing or an answer: `ring` and `play`.

use calltest_core::evidence::{Observation, Side};
use calltest_core::plan::Presence::{Forbidden, Required};
use calltest_engine::Undialled;
use calltest_engine::scripted::{Act, Recorded, Sign, Story, When};

use super::{Row, hold, row};
use crate::modes::{Changed as _, ms, play, ring};

fn out() -> Story {
    Story::of_call_out()
}

/// A call that is gone at once, and of which nothing is told.
fn gone_without_a_word() -> Story {
    out().rejects(ms(50), 0, None).without(Side::Src, Sign::HangupRequest)
}

fn rings() -> Vec<Row> {
    vec![
        row("it rings", ring(), out().rings(ms(200)), "pass", ""),
        row("it is answered without", ring(), out().answers(ms(200)), "pass", ""),
        row(
            "ringing required, it is answered without",
            ring().ringing(Required),
            out().answers(ms(200)),
            "fail",
            "foo: expected ringing, was answered without",
        ),
        row("ringing required, it rings", ring().ringing(Required), out().rings(ms(200)), "pass", ""),
        row(
            "ringing forbidden, it rings",
            ring().ringing(Forbidden),
            out().rings(ms(200)),
            "fail",
            "foo: rang 0.20 s after the call went out, expected no ringing",
        ),
        row("ringing forbidden, it is answered", ring().ringing(Forbidden), out().answers(ms(200)), "pass", ""),
        row(
            "early media counts",
            ring().ringing(Required).early_media_counts(),
            out().sends_early_media(ms(200)),
            "pass",
            "",
        ),
        row(
            "early media counts, and ringing is forbidden",
            ring().ringing(Forbidden).early_media_counts(),
            out().sends_early_media(ms(200)),
            "fail",
            "foo: rang 0.20 s after the call went out, expected no ringing",
        ),
        row(
            "early media does not count",
            ring(),
            out().sends_early_media(ms(200)),
            "fail",
            "foo: expected ringing, saw only early media within 10 s; `early_media_is_ringing: yes` takes that for ringing",
        ),
        row(
            "nothing comes",
            ring(),
            out(),
            "fail",
            "foo: expected ringing, saw neither ringing, answer nor rejection within 10 s",
        ),
        row(
            "only a sign of life comes",
            ring(),
            out().proceeds(ms(100)),
            "fail",
            "foo: expected ringing, saw neither ringing, answer nor rejection within 10 s",
        ),
        row(
            "early media required, it only rings",
            ring().early_media(Required),
            out().rings(ms(200)),
            "fail",
            "foo: expected early media, saw only ringing within 10 s",
        ),
        row(
            "early media required, it comes",
            ring().early_media(Required),
            out().rings(ms(200)).sends_early_media(ms(500)),
            "pass",
            "",
        ),
        row(
            "early media required, it is answered without",
            ring().early_media(Required),
            out().rings(ms(200)).answers(ms(500)),
            "fail",
            "foo: expected early media, was answered without",
        ),
        row(
            "early media required, it is rejected before",
            ring().early_media(Required),
            out().rings(ms(200)).rejects(ms(500), 17, Some(486)),
            "fail",
            "foo: rang, then rejected after 0.50 s with 17 user busy (SIP 486), expected early media",
        ),
        row(
            "early media forbidden, it comes",
            ring().early_media(Forbidden),
            out().sends_early_media(ms(200)).rings(ms(500)),
            "fail",
            "foo: early media 0.20 s after the call went out, expected none",
        ),
        row("early media forbidden, there is none", ring().early_media(Forbidden), out().rings(ms(200)), "pass", ""),
        row(
            "answered too late",
            ring().answered_within(1000).rings_for(3000),
            out().rings(ms(200)).answers(ms(1500)),
            "fail",
            "foo: answered after 1.50 s, expected within 1 s",
        ),
        row(
            "answered just in time",
            ring().answered_within(1000).rings_for(3000),
            out().rings(ms(200)).answers(ms(1000)),
            "pass",
            "",
        ),
        row(
            "rejected before it rings",
            ring(),
            out().rejects(ms(300), 17, Some(486)),
            "fail",
            "foo: rejected after 0.30 s with 17 user busy (SIP 486), expected ringing",
        ),
        row(
            "rejected without a cause",
            ring(),
            out().proceeds(ms(100)).rejects(ms(300), 17, None).ends_without_cause(Side::Src),
            "fail",
            "foo: rejected after 0.30 s with no cause given, expected ringing",
        ),
        row(
            "rejected while it rings",
            ring().rings_for(3000),
            out().rings(ms(200)).rejects(ms(500), 17, Some(486)),
            "fail",
            "foo: the call ended 0.50 s after it went out with 17 user busy (SIP 486)",
        ),
        row(
            "a cause that is right",
            ring().rings_for(3000).causes(&["busy", "SIP 603"]),
            out().rings(ms(200)).rejects(ms(500), 17, Some(486)),
            "pass",
            "",
        ),
        row(
            "a cause that is wrong",
            ring().rings_for(3000).causes(&["rejected", "SIP 603"]),
            out().rings(ms(200)).rejects(ms(500), 17, Some(486)),
            "fail",
            "foo: rejected after 0.50 s with 17 user busy (SIP 486), expected 21 call rejected or SIP 603",
        ),
        row(
            "a cause after the answer",
            ring().rings_for(3000).causes(&["rejected"]),
            out().rings(ms(200)).answers(ms(500)).rejects(ms(900), 16, None),
            "fail",
            "foo: hung up 0.40 s after the answer with 16 normal clearing, expected 21 call rejected",
        ),
        row("a cause is expected, and the call goes on", ring().causes(&["busy"]), out().rings(ms(200)), "pass", ""),
        row(
            "a cause is expected, and the call never rang",
            ring().causes(&["busy"]),
            out().rejects(ms(500), 17, Some(486)),
            "fail",
            "foo: rejected after 0.50 s with 17 user busy (SIP 486), expected ringing",
        ),
        row(
            "the endpoint is offline",
            ring(),
            out().refuses_to_dial(Undialled::Offline { endpoint: "PJSIP/far".into() }),
            "fail",
            "foo: endpoint PJSIP/far is offline",
        ),
        row(
            "it leads nowhere",
            ring(),
            gone_without_a_word(),
            "error",
            "foo: Local/1@nowhere leads nowhere: the dialplan has no such extension or context",
        )
        .dialled("Local/{number}@nowhere"),
        row(
            "gone at once elsewhere",
            ring(),
            gone_without_a_word(),
            "fail",
            "foo: rejected after 0.06 s with no cause given, expected ringing",
        ),
        row(
            "the call comes straight back",
            ring(),
            Story::of_good_call().arrives_on("bar"),
            "fail",
            "foo: PJSIP/1@far came straight back to calltest: the dialplan has no such extension",
        ),
    ]
}

fn plays() -> Vec<Row> {
    vec![
        row("it is answered", play(), out().rings(ms(200)).answers(ms(500)), "pass", ""),
        row("it is answered without ringing", play(), out().answers(ms(500)), "pass", ""),
        row(
            "ringing required, it is answered without",
            play().ringing(Required),
            out().answers(ms(500)),
            "fail",
            "foo: expected ringing, was answered without",
        ),
        row(
            "ringing forbidden, it rings",
            play().ringing(Forbidden),
            out().rings(ms(200)).answers(ms(500)),
            "fail",
            "foo: rang 0.20 s after the call went out, expected no ringing",
        ),
        row(
            "early media forbidden, it comes",
            play().early_media(Forbidden),
            out().sends_early_media(ms(200)).answers(ms(500)),
            "fail",
            "foo: early media 0.20 s after the call went out, expected none",
        ),
        row(
            "early media required, it comes",
            play().early_media(Required),
            out().sends_early_media(ms(200)).answers(ms(500)),
            "pass",
            "",
        ),
        row(
            "early media required, there is none",
            play().early_media(Required),
            out().rings(ms(200)).answers(ms(500)),
            "fail",
            "foo: expected early media, was answered without",
        ),
        row(
            "it only rings",
            play(),
            out().rings(ms(200)),
            "fail",
            "foo: expected an answer, saw only ringing within 10 s",
        ),
        row(
            "there is only early media",
            play(),
            out().sends_early_media(ms(200)),
            "fail",
            "foo: expected an answer, saw only early media within 10 s",
        ),
        row(
            "early media that counts as ringing",
            play().early_media_counts(),
            out().sends_early_media(ms(200)),
            "fail",
            "foo: expected an answer, saw only ringing within 10 s",
        ),
        row(
            "nothing comes",
            play(),
            out(),
            "fail",
            "foo: expected an answer, saw neither ringing, answer nor rejection within 10 s",
        ),
        row(
            "not answered in time",
            play().answered_within(1000),
            out().rings(ms(200)).answers(ms(1500)),
            "fail",
            "foo: expected an answer, saw only ringing within 1 s",
        ),
        row(
            "answered in time, and told late",
            play().answered_within(1000),
            out().rings(ms(200)).answers(ms(900)).told_later(Side::Src, Sign::Answered, ms(50)),
            "pass",
            "",
        ),
        row(
            "answered in time, and told when the time was up",
            play().answered_within(1000),
            out()
                .rings(ms(200))
                .answers(ms(900))
                .told_later(Side::Src, Sign::Answered, ms(102))
                .without(Side::Src, Sign::HangupRequest),
            "error",
            "the answer came in only after the time was up, so it cannot be told whether the network or this process was late",
        ),
        row(
            "rejected",
            play(),
            out().rejects(ms(300), 21, Some(403)),
            "fail",
            "foo: rejected after 0.30 s with 21 call rejected (SIP 403), expected an answer",
        ),
        row(
            "it rings, then it is rejected",
            play(),
            out().rings(ms(100)).rejects(ms(300), 21, Some(403)),
            "fail",
            "foo: rang, then rejected after 0.30 s with 21 call rejected (SIP 403), expected an answer",
        ),
        row(
            "rejected in the dial's words alone",
            play(),
            out()
                .rings(ms(100))
                .when(When::Dialled)
                .after(ms(290))
                .tell(Side::Src, Observation::DialEnded { status: "CONGESTION".into() })
                .rejects(ms(300), 0, None),
            "fail",
            "foo: rang, then rejected after 0.30 s with 34 no circuit available, expected an answer",
        ),
        row(
            "hung up while the sound plays",
            play(),
            out().answers(ms(500)).rejects(ms(1000), 16, None),
            "fail",
            "foo: the call ended 0.50 s after the answer with 16 normal clearing, while waiting for a sound to end",
        ),
        row(
            "a BYE without a cause",
            play(),
            out().answers(ms(500)).rejects(ms(1000), 0, None),
            "fail",
            "foo: the call ended 0.50 s after the answer with 16 normal clearing, while waiting for a sound to end",
        ),
        row(
            "hung up as it may",
            play().causes(&["normal"]),
            out().answers(ms(500)).rejects(ms(1000), 16, None),
            "pass",
            "",
        ),
        row(
            "hung up with another cause",
            play().causes(&["normal"]),
            out().answers(ms(500)).rejects(ms(1000), 38, None),
            "fail",
            "foo: hung up 0.50 s after the answer with 38 network out of order, expected 16 normal clearing",
        ),
        row(
            "hung up as it may, but without the ringing that is required",
            play().causes(&["normal"]).ringing(Required),
            out().answers(ms(500)).rejects(ms(1000), 16, None),
            "fail",
            "foo: expected ringing, was answered without",
        ),
        row(
            "a soft request ends nothing",
            play(),
            out().answers(ms(500)).when(When::Dialled).after(ms(600)).tell(
                Side::Src,
                Observation::HangupRequest { end: calltest_core::cause::HangupCause(32).into(), is_soft: true },
            ),
            "pass",
            "",
        ),
        row(
            "the sound cannot be played",
            play(),
            out().answers(ms(500)).instead(
                Side::Src,
                Sign::PlaybackFinished,
                Observation::Troubled(calltest_core::verdict::Trouble::PlaybackFailed {
                    link: "foo".into(),
                    media: "sound:hello".into(),
                }),
            ),
            "error",
            "sound:hello could not be played on foo: Asterisk has no such sound file, or cannot read it",
        ),
        row(
            "the sound never ends",
            play(),
            out().answers(ms(500)).without(Side::Src, Sign::PlaybackFinished),
            "error",
            "the time (10 s) was up while foo was busy with a sound to end",
        ),
        row(
            "the recording fails",
            play(),
            out().answers(ms(500)).records(Side::Src, Recorded::Failed { why: "disk full".into() }),
            "error",
            "the recording heard on foo failed: disk full",
        ),
        row(
            "the call comes straight back",
            play(),
            out().when(When::Dialled).after(ms(20)).then(Act::Arrive(
                calltest_engine::scripted::Incoming::on("elsewhere").of(calltest_engine::scripted::Whose::TheRuns),
            )),
            "fail",
            "foo: PJSIP/1@far came straight back to calltest: the dialplan has no such extension",
        ),
    ]
}

/// All of these.
pub(super) fn rows() -> Vec<Row> {
    [rings(), plays()].into_iter().flatten().collect()
}

#[tokio::test(start_paused = true)]
async fn of_ring() {
    hold(rings()).await;
}

#[tokio::test(start_paused = true)]
async fn of_play() {
    hold(plays()).await;
}
