//! Calls that the far end forwards to another number.

use calltest_core::code::Code;
use calltest_core::evidence::Observation;
use calltest_core::number_rule::Pattern;
use calltest_core::plan::{CallTest, Presence};
use calltest_engine::scripted::Story;

use crate::modes::{dtmf, fail, ms, play, ring, timeout};
use crate::stage::{Scene, check, passes};

/// The far end forwards the call, and Asterisk has not dialled anew.
fn forwarded() -> Story {
    Story::of_call_out().rings(ms(200)).forwards(ms(500), "+4930555", false).rejects(ms(505), 23, Some(302))
}

fn allowed(mut test: CallTest) -> CallTest {
    test.requirements.forwarding.presence = Presence::Allowed;
    test
}

/// How many calls were counted.
fn counted(stage: &crate::stage::Stage) -> usize {
    let log = std::fs::read_to_string(stage.state().join("guard.calls")).unwrap();
    log.lines().filter(|line| line.contains("foo")).count()
}

#[tokio::test(start_paused = true)]
async fn a_forwarded_call_fails_in_every_mode() {
    let reason = "foo: forwarded to +4930555 after 0.50 s, expected no forwarding (`forwarding: allowed` lets the call go there)";
    for test in [dtmf(), play(), fail(), timeout()] {
        check(&Scene::of(forwarded()).run(&test).await, "fail", reason);
    }
    let at_once = Story::of_call_out().forwards(ms(500), "+4930555", false).rejects(ms(505), 23, Some(302));
    check(&Scene::of(at_once).run(&ring()).await, "fail", reason);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_may_be_forwarded_goes_on() {
    let goes_on = || Story::of_call_out().forwards(ms(300), "+4930555", true).rings(ms(500)).answers(ms(900));
    passes(&Scene::of(goes_on()).run(&allowed(play())).await);
    let mut elsewhere = allowed(play());
    elsewhere.requirements.forwarding.to = vec![Pattern::parse("_+44!").unwrap()];
    let run = Scene::of(goes_on()).run(&elsewhere).await;
    check(&run, "fail", "foo: forwarded to +4930555 after 0.30 s, expected _+44!");
    let mut required = allowed(play());
    required.requirements.forwarding.presence = Presence::Required;
    passes(&Scene::of(goes_on()).run(&required).await);
    let run = Scene::of(Story::of_call_out().answers(ms(900))).run(&required).await;
    assert_eq!(run.verdict.code(), Some(Code::NotForwarded));
}

#[tokio::test(start_paused = true)]
async fn the_guard_has_its_say_on_where_a_forwarded_call_leads() {
    let story = Story::of_call_out().forwards(ms(300), "+4930555", true).rings(ms(500)).answers(ms(900));
    let scene = Scene::of(story).change_link("foo", |link| link.guard.deny = vec![Pattern::parse("_+4930!").unwrap()]);
    let run = scene.run(&allowed(play())).await;
    let reason =
        "the call did not go out by guard.deny of link foo: _+4930!: foo was forwarded to +4930555, and hung up there";
    check(&run, "error", reason);
    assert!(run.duration < ms(1000), "{:?}", run.duration);
}

#[tokio::test(start_paused = true)]
async fn what_a_forwarded_call_went_on_to_is_counted() {
    for (is_dialled, calls) in [(false, 1), (true, 2)] {
        let story = Story::of_call_out().forwards(ms(300), "+4930555", is_dialled).rings(ms(500)).answers(ms(900));
        let stage = Scene::of(story).counts_calls().open(&[allowed(play())]).await;
        let run = stage.run().await;
        let went_on = |what: &Observation| matches!(what, Observation::Forwarded { .. });
        assert!(run.evidence.facts.iter().any(|fact| went_on(&fact.what)));
        assert_eq!(counted(&stage), calls, "{is_dialled}");
        stage.close().await;
    }
}
