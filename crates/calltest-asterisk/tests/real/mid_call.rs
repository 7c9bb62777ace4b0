//! What far ends do in the midst of a call.

use std::time::Duration;

use asterisk_lab::{Lab, Scenario, ServerOptions, for_tests, sipp_for_tests};
use calltest_core::evidence::{Observation, Side};
use calltest_core::verdict::Note;

use crate::scene::{Scene, passes, play};
use crate::{address, nothing_is_left};

// field telephony 13 | The far end puts us on hold in the midst of a call | pass, with a note and in the timeline | taken back; by the callee and by the caller
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_a_fact_and_a_note() {
    let ms = Duration::from_millis;
    let held = Scenario::silent().rings().answers().waits(ms(300)).holds().waits(ms(300)).resumes();
    let lab = Lab::builder(&for_tests())
        .server(ServerOptions::named("a"))
        .far_ends(&sipp_for_tests(), [("holds", held), ("talks", Scenario::silent().answers())])
        .start()
        .unwrap();
    let scene = ["holds", "talks"].iter().fold(Scene::new().server("a", address(lab.server("a"))), |scene, name| {
        scene.link(name, "a", &format!("PJSIP/4711@{name}"), "")
    });
    let long = |link: &str| {
        let mut test = play(link, None);
        test.delay.answer = ms(1500);
        test
    };
    let stage = scene.open(&[long("holds"), long("talks")]).await;
    let run = stage.start_nth(0).await.unwrap();
    passes(&run);
    assert!(run.notes.contains(&Note::Held { link: "holds".into() }), "{:?}", run.notes);
    for what in [Observation::Held, Observation::Resumed] {
        assert!(run.evidence.first(Side::Src, |seen| *seen == what).is_some(), "{what:?} in {:#?}", run.evidence.facts);
    }
    let run = stage.start_nth(1).await.unwrap();
    passes(&run);
    assert!(!run.notes.iter().any(|note| matches!(note, Note::Held { .. })), "{:?}", run.notes);
    nothing_is_left(&lab);
    stage.close().await;
}
