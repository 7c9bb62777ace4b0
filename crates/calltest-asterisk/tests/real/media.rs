//! Packets of sound on real SIP legs: counted, told, and sent even while nothing is said.

use std::time::Duration;

use asterisk_lab::{Lab, Scenario, ServerOptions, Trunk, for_tests, sipp_for_tests};
use calltest_core::code::Code;
use calltest_core::evidence::{Observation, Side};
use calltest_core::plan::{BothScript, CallTest, OutScript, Route};
use calltest_core::run::FinishedRun;
use calltest_core::verdict::Note;

use crate::scene::{Scene, audio, call, digits, dtmf, ends, passes, play};
use crate::{address, links_across, nothing_is_left, two_servers};

fn call_id(run: &FinishedRun, side: Side) -> Option<String> {
    run.evidence.of(side).find_map(|fact| match &fact.what {
        Observation::SipCallId { id } => Some(id.clone()),
        _ => None,
    })
}

fn story(run: &FinishedRun) -> String {
    format!("{} {:?}\n{:#?}", run.verdict.word(), run.verdict.reason(), run.evidence.facts)
}

/// Both legs are ends of one dialog, so their ids are the same.
#[tokio::test(flavor = "multi_thread")]
async fn packets_and_call_id_are_facts_of_an_answered_call() {
    let lab = two_servers();
    let inside = || ends("berlin", "paris", "+33112345678", "+493012345");
    let stage = links_across(&lab).open(&[dtmf(inside()), audio(inside(), "beep", "beep"), call(inside())]).await;
    for nth in [0, 1] {
        let run = stage.start_nth(nth).await.unwrap();
        passes(&run);
        for side in [Side::Src, Side::Dst] {
            let figures = run.evidence.media(side).unwrap_or_else(|| panic!("{side:?}: {}", story(&run)));
            assert!(figures.sent > 0 && figures.received > 0, "{figures:?}");
            assert!(figures.codec.as_deref().is_some_and(|codec| codec.starts_with("alaw")), "{figures:?}");
        }
        assert_eq!(call_id(&run, Side::Src), call_id(&run, Side::Dst), "{}", story(&run));
        assert!(call_id(&run, Side::Src).is_some_and(|id| id.len() > 8), "{}", story(&run));
    }
    // One that was not answered has none.
    let run = stage.start_nth(2).await.unwrap();
    passes(&run);
    assert_eq!((run.evidence.media(Side::Src), call_id(&run, Side::Src)), (None, None));
    nothing_is_left(&lab);
    stage.close().await;
}

fn recorded(mut test: CallTest, link: &str) -> CallTest {
    let Route::Out { to, script: OutScript::Play { record, .. } } = &mut test.route else { panic!("it plays") };
    to.src = link.into();
    *record = Some("heard".into());
    test
}

/// SIPp takes the call, and never sends a packet.
// field telephony 11
#[tokio::test(flavor = "multi_thread")]
async fn what_is_recorded_of_a_far_end_that_sends_nothing_is_no_sound() {
    let far_ends = [("mute", Scenario::silent().rings().answers())];
    let lab = Lab::builder(&for_tests()).server("a").far_ends(&sipp_for_tests(), far_ends).start().unwrap();
    let scene = Scene::new().server("a", address(lab.server("a"))).link("mute", "a", "PJSIP/4711@mute", "");
    let stage = scene.open(&[recorded(play("", Some("beep")), "mute")]).await;
    let run = stage.run().await;
    assert_eq!(run.verdict.code(), Some(Code::NoRtp), "{}", story(&run));
    assert!(
        run.verdict.reason().unwrap().starts_with("mute (src): expected sound, received none; 0 RTP packets came in, ")
    );
    nothing_is_left(&lab);
    stage.close().await;
}

/// A border controller that gives up calls on which it hears nothing for a while.
fn impatient(setting: &str) -> Lab {
    let impatient = ServerOptions::named("b").pjsip(format!("[paris](+type=endpoint)\nrtp_timeout = 2\n{setting}"));
    let builder = Lab::builder(&for_tests()).server(ServerOptions::named("a").pjsip(if setting.is_empty() {
        String::new()
    } else {
        format!("[berlin](+type=endpoint)\n{setting}")
    }));
    builder.server(impatient).trunk(Trunk::between("a", "b").links("berlin", "paris")).start().unwrap()
}

fn quiet_calls() -> [CallTest; 2] {
    let inside = || ends("berlin", "paris", "+33112345678", "+493012345");
    let mut long = dtmf(inside());
    let Route::Both { script: BothScript::Dtmf(dtmf), .. } = &mut long.route else { panic!("it is a dtmf test") };
    dtmf.digits = digits(16);
    let mut late = crate::scene::dtmf(inside());
    late.delay.answer = Duration::from_secs(4);
    [long, late]
}

// field telephony 3 | The far side ends a call on which it hears no RTP for some seconds | pass: a phone always sends | long digits one way; a long pause after the answer; an endpoint without keepalive, which has a note
#[tokio::test(flavor = "multi_thread")]
async fn a_far_side_that_wants_to_hear_us_all_the_time_does() {
    let lab = impatient("");
    let stage = links_across(&lab).open(&quiet_calls()).await;
    for nth in [0, 1] {
        let run = stage.start_nth(nth).await.unwrap();
        passes(&run);
        assert_eq!(run.notes, []);
    }
    nothing_is_left(&lab);
    stage.close().await;
}

// field telephony 3
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_falls_silent_is_named() {
    let lab = impatient("rtp_keepalive = 0\n");
    let inside = ends("berlin", "paris", "+33112345678", "+493012345");
    let stage = links_across(&lab).open(&[dtmf(inside)]).await;
    let run = stage.run().await;
    passes(&run);
    let named = ["PJSIP/berlin", "PJSIP/paris"].map(|endpoint| Note::MayFallSilent { endpoint: endpoint.into() });
    assert_eq!(run.notes, named);
    nothing_is_left(&lab);
    stage.close().await;
}
