//! The oldest Asterisk that we know of in use: 16, as Debian 11 has it. What it shows of a call is less, and never wrong.

use std::time::Duration;

use asterisk_lab::{Lab, Scenario, ServerOptions, Trunk, old_asterisk_for_tests, sipp_for_tests};
use calltest_core::caller::ExpectedCaller;
use calltest_core::code::Code;
use calltest_core::plan::Route;
use calltest_core::verdict::Note;

use crate::arriving::{WAYS, patient, run_by};
use crate::scene::{Scene, call, check, dtmf, ends, passes, play};
use crate::{address, links_across, nothing_is_left};

// field telephony 2
// field telephony 6
// field telephony 8
// field telephony 19
#[tokio::test(flavor = "multi_thread")]
async fn calls_arrive_on_asterisk_16_as_on_newer_ones() {
    let server = ServerOptions::named("a").dialplan(WAYS);
    let lab = Lab::builder(&old_asterisk_for_tests()).server(server).start().unwrap();
    let to_trunk = || ends("fone1", "trunk", "trunk", "fone1");
    for test in [dtmf(to_trunk()), call(to_trunk())] {
        passes(&run_by(&lab, "direct", test).await);
    }
    passes(&run_by(&lab, "announces", patient(dtmf(to_trunk()))).await);
    let run = run_by(&lab, "forks", dtmf(to_trunk())).await;
    passes(&run);
    assert_eq!(run.notes, [Note::Duplicates { link: "trunk".into(), count: 1 }]);
    let run = run_by(&lab, "hides", dtmf(to_trunk())).await;
    assert_eq!(run.verdict.code(), Some(Code::CallerIdWithheld), "{:?}", run.verdict);
    let mut slow = patient(call(to_trunk()));
    slow.delay.ring = Duration::from_secs(5);
    let run = run_by(&lab, "queues", slow).await;
    check(&run, "fail", |reason| reason.starts_with("trunk: the call was taken back 2.0"));
}

// field telephony 3
// field telephony 6
#[tokio::test(flavor = "multi_thread")]
async fn a_trunk_between_two_asterisk_16_carries_digits_and_hides_numbers() {
    let server =
        |name: &str, link: &str| ServerOptions::named(name).pjsip(format!("[{link}](+type=endpoint)\nrtp_timeout=5\n"));
    let lab = Lab::builder(&old_asterisk_for_tests())
        .server(server("a", "berlin"))
        .server(server("b", "paris"))
        .trunk(Trunk::between("a", "b").links("berlin", "paris"))
        .start()
        .unwrap();
    let to_paris = |caller: &str| ends("berlin", "paris", "+33112345678", caller);
    let mut quiet = dtmf(to_paris("+493012345"));
    quiet.delay.answer = Duration::from_secs(7);
    quiet.timeout = Duration::from_secs(20);
    let mut hiding = dtmf(to_paris(""));
    hiding.withholds_number = true;
    if let Route::Both { parties, .. } = &mut hiding.route {
        parties.caller = Some(ExpectedCaller::Withheld);
    }
    let stage = links_across(&lab).open(&[quiet, hiding]).await;
    passes(&stage.start_nth(0).await.unwrap());
    passes(&stage.start_nth(1).await.unwrap());
    nothing_is_left(&lab);
    stage.close().await;
}

// field telephony 1
// field telephony 13
#[tokio::test(flavor = "multi_thread")]
async fn far_ends_that_forward_and_hold_are_seen_by_asterisk_16() {
    let ms = Duration::from_millis;
    let held = Scenario::silent().rings().answers().waits(ms(300)).holds();
    let far_ends =
        [("forwards", Scenario::silent().rings().waits(ms(300)).redirects(302, "+493011111")), ("holds", held)];
    let lab = Lab::builder(&old_asterisk_for_tests())
        .server(ServerOptions::named("a"))
        .far_ends(&sipp_for_tests(), far_ends)
        .start()
        .unwrap();
    let scene = ["forwards", "holds"].iter().fold(Scene::new().server("a", address(lab.server("a"))), |scene, name| {
        scene.link(name, "a", &format!("PJSIP/4711@{name}"), "")
    });
    let mut long = play("holds", None);
    long.delay.answer = ms(1500);
    let stage = scene.open(&[play("forwards", None), long]).await;
    let run = stage.start_nth(0).await.unwrap();
    check(&run, "fail", |reason| reason.starts_with("forwards: forwarded to +493011111 after "));
    nothing_is_left(&lab);
    let run = stage.start_nth(1).await.unwrap();
    passes(&run);
    assert!(run.notes.contains(&Note::Held { link: "holds".into() }), "{:?}", run.notes);
    nothing_is_left(&lab);
    stage.close().await;
}
