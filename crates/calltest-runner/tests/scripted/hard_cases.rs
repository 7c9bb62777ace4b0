//! Stories in which it is easy to blame the wrong one: what comes of our own hanging up, what is told late, and what may have been
//! lost.

use calltest_core::cause::HangupCause;
use calltest_core::evidence::Side;
use calltest_core::plan::Presence::Required;
use calltest_core::verdict::Trouble;
use calltest_engine::Refused;
use calltest_engine::scripted::{Act, CommandKind, ScriptedServer, SightScript, Sign, Story, When, World};

use crate::modes::{Changed as _, dtmf, fail, ms, play};
use crate::stage::{Scene, check, run};

/// The source did not end by itself: we hung it up, with a cause that tells nothing.
// field attack 10
#[tokio::test(start_paused = true)]
async fn a_destination_that_ends_alone_is_told_with_its_own_cause() {
    let story = Story::of_good_call()
        .outlives_the_other(Side::Src)
        .when(When::Happens(Side::Dst, Sign::Digit))
        .for_the(2)
        .then(Act::End(Side::Dst, HangupCause(38).into()));
    let reason = "bar: the call ended 1.46 s after the answer with 38 network out of order, while waiting for digits";
    check(&run(&dtmf(), story).await, "fail", reason);
}

/// The server says by its own clock that the call was rejected in time.
#[tokio::test(start_paused = true)]
async fn a_rejection_in_time_that_is_told_late_is_no_failure() {
    let story = Story::of_call_out().rejects(ms(1999), 17, Some(486)).told_later(Side::Src, Sign::HangupRequest, ms(2));
    let reason = "the rejection came in only after the time was up, so it cannot be told whether the network or this \
                  process was late";
    check(&run(&fail(), story).await, "error", reason);
}

/// An engine that says that a leg is over, and has told no end, has broken a promise; the network has done nothing.
#[tokio::test(start_paused = true)]
async fn a_leg_that_is_over_without_an_end_is_an_error() {
    let story = Story::of_good_call().refuses(Side::Dst, CommandKind::Ring, Refused::Over);
    let reason = "the call stopped while foo waited for the next step, and nothing that was seen explains it";
    check(&run(&dtmf(), story).await, "error", reason);
}

/// Neither was seen, and nobody knows whether either was lost: that is no pass.
#[tokio::test(start_paused = true)]
async fn ringing_or_early_media_that_may_have_been_lost_is_an_error() {
    let reason = "server a sent events that could not be read, so what was not seen proves nothing";
    for test in [play().ringing(Required), play().early_media(Required), fail().ringing(Required)] {
        let story = match test.route.mode() {
            "play" => Story::of_call_out().answers(ms(100)),
            _ => Story::of_call_out().rejects(ms(100), 17, Some(486)),
        };
        let uncertainty = SightScript::uncertain(Trouble::Unreadable { server: "a".into() });
        let world = World::of(story).with_server(ScriptedServer::named("a").is_seen(uncertainty));
        check(&Scene::in_world(world).run(&test).await, "error", reason);
    }
}
