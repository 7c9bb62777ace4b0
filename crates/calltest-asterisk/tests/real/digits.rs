//! Digits that get spoilt on the way.

use std::time::Duration;

use asterisk_lab::{Lab, ServerOptions, Trunk};
use calltest_core::evidence::{Evidence, Observation, Side};

use crate::intruders::Intruder;
use crate::scene::{Scene, check, dtmf, ends};
use crate::{address, example_links, nothing_is_left, one_server};

fn sent_to(evidence: &Evidence, side: Side) -> String {
    let sent = evidence.first(side.other(), |what| matches!(what, Observation::DigitsSent { .. }));
    match &sent.expect("digits were sent").what {
        Observation::DigitsSent { digits } => digits.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digit_before_the_others_is_named_as_that() {
    let lab = one_server("");
    let mut test = dtmf(ends("fone1", "trunk", "trunk", "fone1"));
    test.delay.answer = Duration::from_secs(1);
    let stage = example_links(&lab).open(&[test]).await;
    let intruder = Intruder::enter(lab.server("a")).await;
    let answered = stage.witness.when(|what| *what == Observation::Answered);
    let run = stage.start();
    answered.await;
    // A digit that is none of those that follow, sent by the callee's side before them.
    intruder.send_digits_from_callee("*").await;
    let run = run.await.unwrap();
    let digits = sent_to(&run.evidence, Side::Src);
    check(&run, "fail", |reason| {
        reason == format!("fone1 (src): expected digits {digits}, received *{digits}: others came before them")
    });
    nothing_is_left(&lab);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extra_digit_fails() {
    let lab = one_server("");
    let stage = example_links(&lab).open(&[dtmf(ends("fone1", "trunk", "trunk", "fone1"))]).await;
    let intruder = Intruder::enter(lab.server("a")).await;
    // The callee's digits are through when the caller begins with its own.
    let callers_turn = stage.witness.when(|what| matches!(what, Observation::AnswerSent));
    let run = stage.start();
    callers_turn.await;
    let second = stage.witness.when(|what| matches!(what, Observation::DigitsSent { .. }));
    second.await;
    let own_turn = stage.witness.when(|what| matches!(what, Observation::DigitsSent { .. }));
    own_turn.await;
    intruder.send_digits_from_callee("9").await;
    let run = run.await.unwrap();
    let digits = sent_to(&run.evidence, Side::Src);
    check(&run, "fail", |reason| {
        let named = if digits.ends_with('9') { "last digit twice" } else { "more than were sent" };
        reason == format!("fone1 (src): expected digits {digits}, received {digits}9: {named}")
    });
    nothing_is_left(&lab);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn digits_that_do_not_come_through_fail() {
    // The trunk carries speech, but no digits.
    let lab = Lab::builder(&asterisk_lab::for_tests())
        .server(ServerOptions::named("a").pjsip("[berlin](+type=endpoint)\ndtmf_mode=none\n"))
        .server("b")
        .trunk(Trunk::between("a", "b").links("berlin", "paris"))
        .start()
        .unwrap();
    let scene = Scene::new()
        .server("a", address(lab.server("a")))
        .server("b", address(lab.server("b")))
        .link("berlin", "a", &lab.server("a").dial_string("berlin"), "+493012345")
        .link("paris", "b", "", "+33112345678");
    let stage = scene.open(&[dtmf(ends("berlin", "paris", "+33112345678", "+493012345"))]).await;
    let run = stage.run().await;
    let digits = sent_to(&run.evidence, Side::Src);
    check(&run, "fail", |reason| {
        let start = format!("berlin (src): expected digits {digits}, received none until 3 s after the last was due; ");
        let other = sent_to(&run.evidence, Side::Dst);
        reason.starts_with(&start)
            && reason.contains(" RTP packets came in; paris (dst): expected digits ")
            && reason.contains(&format!("{other}, received none"))
    });
    nothing_is_left(&lab);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn digits_that_are_not_all_there_at_the_deadline_fail() {
    let lab = one_server("");
    let mut test = dtmf(ends("fone1", "trunk", "trunk", "fone1"));
    test.timeout = Duration::from_millis(1200);
    let stage = example_links(&lab).open(&[test]).await;
    let run = stage.run().await;
    let digits = sent_to(&run.evidence, Side::Src);
    check(&run, "fail", |reason| {
        (1..5).any(|count| {
            let received = &digits[..count];
            reason.starts_with(&format!(
                "fone1 (src): expected digits {digits}, received {received} before the deadline (1.20 s): "
            ))
        })
    });
    nothing_is_left(&lab);
    stage.close().await;
}
