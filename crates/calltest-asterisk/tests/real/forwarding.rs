//! Far ends that forward the call: it goes no further than the run allows, and is named.

use std::time::Duration;

use asterisk_lab::{Lab, Scenario, ServerOptions, for_tests, sipp_for_tests};
use calltest_core::code::Code;
use calltest_core::event::ServerProgress;
use calltest_core::evidence::Observation;
use calltest_core::number_rule::Pattern;
use calltest_core::plan::{CallTest, Presence, Route};
use calltest_core::run::FinishedRun;

use crate::scene::{Scene, Stage, call, dtmf, ends, fail, passes, play, ring, timeout};
use crate::{address, nothing_is_left};

const ELSEWHERE: &str = "+493011111";

/// A server with far ends. What one of them forwards goes to the context of its endpoint, which hands it to the app as a call on
/// the link of that number.
fn lab(far_ends: &[(&'static str, Scenario)]) -> Lab {
    let far_ends = far_ends.iter().map(|(name, scenario)| (*name, scenario.clone()));
    Lab::builder(&for_tests()).server(ServerOptions::named("a")).far_ends(&sipp_for_tests(), far_ends).start().unwrap()
}

async fn stage(lab: &Lab, tests: &[CallTest]) -> Stage {
    let server = Scene::new().server("a", address(lab.server("a"))).link(ELSEWHERE, "a", "", ELSEWHERE);
    let scene = lab.far_ends().iter().fold(server, |scene, far_end| {
        let name = far_end.name();
        scene.link(name, "a", &format!("PJSIP/4711@{name}"), "")
    });
    scene.open(tests).await
}

fn over(mut test: CallTest, link: &str) -> CallTest {
    if let Route::Out { to, .. } = &mut test.route {
        to.src = link.into();
    }
    test.name = format!("{} {link}", test.route.mode()).as_str().into();
    test
}

fn strays(stage: &Stage) -> usize {
    let events = stage.witness.servers.lock().unwrap();
    events.iter().filter(|event| matches!(event.what, ServerProgress::Stray { .. })).count()
}

fn story(run: &FinishedRun) -> String {
    format!("{} {:?}\n{:#?}", run.verdict.word(), run.verdict.reason(), run.evidence.facts)
}

// field telephony 1 | The far end answers 302, at once or after ringing | `fail`, forwarded to that number; nothing of it rings | 300, 301, 302, 305 and 380; after 180 and after 183 with a voice; a name instead of a number; each mode that calls out
#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_call_is_named_and_goes_no_further() {
    let ms = Duration::from_millis;
    let lab = lab(&[
        ("at-once", Scenario::silent().redirects(302, ELSEWHERE)),
        ("rang", Scenario::silent().rings().waits(ms(600)).redirects(302, ELSEWHERE)),
        ("spoke", Scenario::silent().sends_early_media().waits(ms(600)).redirects(302, ELSEWHERE)),
        ("choices", Scenario::silent().tries().redirects(300, ELSEWHERE)),
        ("moved", Scenario::silent().redirects(301, ELSEWHERE)),
        ("proxy", Scenario::silent().redirects(305, ELSEWHERE)),
        ("named", Scenario::silent().redirects(302, "reception")),
    ]);
    let seconds = Duration::from_secs;
    let tests = [
        over(ring("", None), "at-once"),
        over(play("", None), "at-once"),
        over(fail("", seconds(5)), "at-once"),
        over(play("", None), "rang"),
        over(timeout("", ms(200)), "rang"),
        over(play("", None), "spoke"),
        over(ring("", None), "choices"),
        over(ring("", None), "moved"),
        over(ring("", None), "proxy"),
        over(ring("", None), "named"),
    ];
    let stage = stage(&lab, &tests).await;
    for (nth, test) in tests.iter().enumerate() {
        let run = stage.start_nth(nth).await.unwrap();
        assert_eq!(run.verdict.code(), Some(Code::Forwarded), "{}: {}", test.name, story(&run));
        let reason = run.verdict.reason().unwrap();
        let to = if test.name.as_str().ends_with("named") { "reception" } else { ELSEWHERE };
        assert!(reason.contains(&format!(": forwarded to {to} after ")), "{reason}");
        assert!(run.duration < seconds(4), "{:?}", run.duration);
        let is_dialled = |what: &Observation| matches!(what, Observation::Forwarded { is_dialled: true, .. });
        assert!(!run.evidence.facts.iter().any(|fact| is_dialled(&fact.what)), "{}", story(&run));
        nothing_is_left(&lab);
    }
    assert_eq!(strays(&stage), 0, "a forwarded call came back to us");
    stage.close().await;
}

// field telephony 1
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_may_be_forwarded_goes_on_where_it_leads() {
    let lab = lab(&[
        ("at-once", Scenario::silent().redirects(302, ELSEWHERE)),
        ("rang", Scenario::silent().rings().waits(Duration::from_millis(600)).redirects(302, ELSEWHERE)),
        ("answers", Scenario::silent().rings().answers()),
    ]);
    let there = |mut test: CallTest, presence, to: &[&str]| {
        test.requirements.forwarding.presence = presence;
        test.requirements.forwarding.to = to.iter().map(|pattern| Pattern::parse(pattern).unwrap()).collect();
        test
    };
    let allowed = |test, to| there(test, Presence::Allowed, to);
    let required = |test, to| there(test, Presence::Required, to);
    let inside = |link: &str| ends(link, ELSEWHERE, "4711", "");
    let tests = [
        allowed(call(inside("at-once")), &[]),
        allowed(dtmf(inside("at-once")), &["_+4930!"]),
        required(call(inside("rang")), &[ELSEWHERE]),
        required(dtmf(inside("rang")), &[]),
        allowed(over(play("", None), "answers"), &[]),
        required(over(play("", None), "answers"), &[ELSEWHERE]),
        required(over(ring("", None), "at-once"), &["_+44!"]),
    ];
    let stage = stage(&lab, &tests).await;
    for nth in 0..5 {
        let run = stage.start_nth(nth).await.unwrap();
        passes(&run);
        nothing_is_left(&lab);
    }
    let run = stage.start_nth(5).await.unwrap();
    assert_eq!(run.verdict.code(), Some(Code::NotForwarded), "{}", story(&run));
    let run = stage.start_nth(6).await.unwrap();
    assert_eq!(run.verdict.code(), Some(Code::ForwardedElsewhere), "{}", story(&run));
    nothing_is_left(&lab);
    stage.close().await;
}
