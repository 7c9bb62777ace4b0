//! Tests that only answer: the call comes from somebody else.

use std::time::Duration;

use asterisk_lab::Lab;
use calltest_core::evidence::Observation;
use calltest_core::plan::{CallTest, InScript, Rejection, Route};
use calltest_core::run::FinishedRun;
use calltest_core::verdict::Note;

use crate::intruders::Intruder;
use crate::scene::{Scene, Stage, answer, at, check, passes, record, wait};
use crate::{address, nothing_is_left, one_server};

/// What callers do once they are answered.
const CALLERS: &str = "\
[callers]
exten => stays,1,Wait(60)
exten => leaves,1,Wait(0.4)
 same => n,Hangup(16)
exten => presses,1,Wait(0.4)
 same => n,SendDTMF(5#)
 same => n,Wait(60)
";

struct Caller<'a> {
    number: &'a str,
    dials: &'a str,
    then: &'a str,
}

const FITTING: Caller<'_> = Caller { number: "fone1", dials: "bar", then: "stays" };

fn called(lab: &Lab) -> Scene {
    Scene::new().server("a", address(lab.server("a"))).link("bar", "a", "", "bar").link("fone1", "a", "", "fone1")
}

/// Runs a test, and lets somebody call as soon as it waits.
async fn run_called(lab: &Lab, stage: &Stage, callers: &[Caller<'_>]) -> FinishedRun {
    let intruder = Intruder::enter(lab.server("a")).await;
    let run = stage.start();
    stage.until_awaited(1).await;
    for caller in callers {
        let endpoint = format!("Local/{}@direct", caller.dials);
        intruder.call_from(caller.number, &endpoint, caller.then, "callers").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    run.await.unwrap()
}

fn within(mut test: CallTest, milliseconds: u64) -> CallTest {
    test.timeout = Duration::from_millis(milliseconds);
    test
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answering_mode_passes() {
    let lab = one_server(CALLERS);
    let leaves = Caller { then: "leaves", ..FITTING };
    let presses = Caller { then: "presses", ..FITTING };
    let table = [
        (wait(at("bar", "fone1", None)), FITTING),
        (answer(at("bar", "fone1", None), None, None), FITTING),
        (answer(at("bar", "", None), Some("beep"), Some("voice")), FITTING),
        (record(at("bar", "fone1", None), None, Some("voice")), leaves),
        (record(at("bar", "fone1", None), Some("demo-thanks"), Some("voice")), presses),
    ];
    for (test, caller) in table {
        let stage = called(&lab).open(&[test]).await;
        passes(&run_called(&lab, &stage, &[caller]).await);
        nothing_is_left(&lab);
        stage.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answering_mode_fails_for_the_right_reason() {
    let lab = one_server(CALLERS);
    let patient = |mut test: CallTest| {
        test.delay.answer = Duration::from_secs(2);
        test
    };
    let stranger = || Caller { number: "4711", ..FITTING };
    let table = [
        (within(wait(at("bar", "", None)), 500), vec![], "fail", "bar: no call arrived within 0.50 s"),
        (
            within(wait(at("bar", "fone1", None)), 800),
            vec![stranger()],
            "fail",
            "bar: expected caller ID fone1, received 4711, which does not end with it",
        ),
        (
            patient(answer(at("bar", "", None), None, None)),
            vec![Caller { then: "leaves", ..FITTING }],
            "fail",
            "after the answer with 16 normal clearing",
        ),
        (
            within(record(at("bar", "", None), None, None), 1500),
            vec![FITTING],
            "fail",
            "bar: expected the caller to hang up or press #, neither came within 1.50 s",
        ),
        (
            answer(at("bar", "", None), Some("no-such-sound"), None),
            vec![FITTING],
            "error",
            "sound:no-such-sound could not be played on bar",
        ),
    ];
    for (test, callers, word, part) in table {
        let stage = called(&lab).open(&[test]).await;
        let run = run_called(&lab, &stage, &callers).await;
        check(&run, word, |reason| reason.contains(part));
        nothing_is_left(&lab);
        stage.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_before_the_awaited_call_is_turned_away() {
    let lab = one_server(CALLERS);
    let stage = called(&lab).open(&[answer(at("bar", "fone1", None), None, None)]).await;
    let stranger = Caller { number: "4711", ..FITTING };
    let run = run_called(&lab, &stage, &[stranger, FITTING]).await;
    passes(&run);
    assert!(run.evidence.facts.iter().any(|fact| matches!(fact.what, Observation::WrongCall { .. })));
    nothing_is_left(&lab);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_calls_that_fit_are_an_error() {
    let lab = one_server(CALLERS);
    let stage = called(&lab).open(&[answer(at("bar", "", None), None, None)]).await;
    let other = || Caller { number: "4711", ..FITTING };
    let run = run_called(&lab, &stage, &[FITTING, other()]).await;
    check(&run, "error", |reason| reason.starts_with("two calls that both fit arrived on bar"));
    // Whoever calls from one number, for one number, is taken for a branch of one call.
    let run = run_called(&lab, &stage, &[FITTING, FITTING]).await;
    passes(&run);
    assert_eq!(run.notes, [Note::Duplicates { link: "bar".into(), count: 1 }]);
    nothing_is_left(&lab);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_is_what_the_test_says() {
    let lab = one_server(&format!(
        "{CALLERS}[dials]\nexten => bar,1,Dial(Local/bar@direct)\n same => n,Set(GLOBAL(CAUSE)=${{HANGUPCAUSE}})\n"
    ));
    for (reject_with, cause) in [(Rejection::Busy, "17"), (Rejection::Congestion, "34"), (Rejection::Rejected, "21")] {
        let mut test = wait(at("bar", "", None));
        let Route::In { script: InScript::Wait { reject_with: with }, .. } = &mut test.route else { unreachable!() };
        *with = reject_with;
        let stage = called(&lab).open(&[test]).await;
        let intruder = Intruder::enter(lab.server("a")).await;
        let run = stage.start();
        stage.until_awaited(1).await;
        intruder.call_from("fone1", "Local/bar@dials", "stays", "callers").await;
        passes(&run.await.unwrap());
        nothing_is_left(&lab);
        let globals = lab.server("a").cli("dialplan show globals").unwrap();
        assert!(globals.contains(&format!("CAUSE={cause}")), "{globals}");
        stage.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_on_one_trunk_are_told_apart_by_the_number_dialled() {
    let dialplan =
        "[trunk]\nexten => _X!,1,Stasis(calltest,trunk,${EXTEN})\n same => n,Hangup()\n".to_owned() + CALLERS;
    let lab = one_server(&dialplan);
    let scene = || {
        Scene::new()
            .server("a", address(lab.server("a")))
            .link_on("berlin", "a", "trunk", "+493012345")
            .link_on("bonn", "a", "trunk", "+4922812")
    };
    let mut bonn = wait(at("bonn", "", None));
    bonn.name = "bonn".into();
    let berlin = || within(wait(at("berlin", "", None)), 1500);
    let intruder = Intruder::enter(lab.server("a")).await;
    let call_bonn = || intruder.call_from("1", "Local/022812@trunk", "stays", "callers");

    let both = scene().open(&[berlin(), bonn]).await;
    let (berlin_run, bonn_run) = (both.start(), both.start_nth(1));
    both.until_awaited(2).await;
    call_bonn().await;
    passes(&bonn_run.await.unwrap());
    check(&berlin_run.await.unwrap(), "fail", |reason| reason == "berlin: no call arrived within 1.50 s");
    both.close().await;

    // A call for the other link is not taken for want of somebody who waits for it.
    let alone = scene().open(&[berlin()]).await;
    let run = alone.start();
    alone.until_awaited(1).await;
    call_bonn().await;
    let sentence = "berlin: the call that arrived had dialled 022812, which is not this test's number";
    check(&run.await.unwrap(), "fail", |reason| reason == sentence);
    alone.close().await;
    nothing_is_left(&lab);
}
