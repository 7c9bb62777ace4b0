//! How calls arrive: late, twice, taken back, with a number that is withheld, and by way of somebody else.

use std::time::Duration;

use asterisk_lab::Lab;
use calltest_core::caller::ExpectedCaller;
use calltest_core::code::Code;
use calltest_core::number_rule::Pattern;
use calltest_core::plan::{CallTest, Route};
use calltest_core::run::FinishedRun;
use calltest_core::verdict::Note;

use crate::scene::{Scene, call, check, dtmf, ends, passes};
use crate::{address, links_across, nothing_is_left, one_server, two_servers};

/// What happens to a call on its way to `trunk`.
pub(crate) const WAYS: &str = "\
[announces]
exten => trunk,1,Answer()
 same => n,Wait(6)
 same => n,Dial(Local/trunk@direct,30)
[forks]
exten => trunk,1,Dial(Local/trunk@direct&Local/trunk@direct,30)
[hides]
exten => trunk,1,Set(CALLERID(pres)=prohib_not_screened)
 same => n,Dial(Local/trunk@direct,30)
[queues]
exten => trunk,1,Dial(Local/trunk@direct,2)
 same => n,Hangup(16)
";

/// A test from `fone1` to `trunk`, and the context by which the call goes.
pub(crate) async fn run_by(lab: &Lab, context: &str, test: CallTest) -> FinishedRun {
    let scene = Scene::new()
        .server("a", address(lab.server("a")))
        .link("fone1", "a", &format!("Local/{{number}}@{context}"), "fone1")
        .link("trunk", "a", "", "trunk");
    let stage = scene.open(&[test]).await;
    let run = stage.run().await;
    nothing_is_left(lab);
    stage.close().await;
    run
}

/// As long as the longest of the [`WAYS`] takes.
pub(crate) fn patient(mut test: CallTest) -> CallTest {
    test.timeout = Duration::from_secs(20);
    test
}

fn to_trunk() -> calltest_core::plan::Parties {
    ends("fone1", "trunk", "trunk", "fone1")
}

fn seeing(mut test: CallTest, caller: Option<ExpectedCaller>) -> CallTest {
    let Route::Both { parties, .. } = &mut test.route else { panic!("both ends are ours") };
    parties.caller = caller;
    test
}

// field telephony 2
#[tokio::test(flavor = "multi_thread")]
async fn behind_an_announcement_the_call_still_arrives() {
    let lab = one_server(WAYS);
    passes(&run_by(&lab, "announces", patient(dtmf(to_trunk()))).await);
    let mut impatient = patient(dtmf(to_trunk()));
    impatient.arrival.within = Some(Duration::from_secs(3));
    let run = run_by(&lab, "announces", impatient).await;
    check(&run, "fail", |reason| reason == "trunk: no call arrived within 3 s; fone1 saw an answer");
}

// field telephony 8
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_delivered_twice_passes_with_a_note() {
    let lab = one_server(WAYS);
    for test in [dtmf(to_trunk()), call(to_trunk())] {
        let run = run_by(&lab, "forks", test).await;
        passes(&run);
        assert_eq!(run.notes, [Note::Duplicates { link: "trunk".into(), count: 1 }]);
    }
    let mut single = dtmf(to_trunk());
    single.arrival.is_single = true;
    let run = run_by(&lab, "forks", single).await;
    assert_eq!(run.verdict.code(), Some(Code::DeliveredTwice), "{:?}", run.verdict);
}

// field telephony 6
#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_not_to_be_shown_is_withheld() {
    let lab = one_server(WAYS);
    let run = run_by(&lab, "hides", dtmf(to_trunk())).await;
    let sentence = "trunk: expected caller ID fone1, the number is withheld: fone1 came along, but is not to be shown";
    check(&run, "fail", |reason| reason == sentence);
    passes(&run_by(&lab, "hides", seeing(call(to_trunk()), Some(ExpectedCaller::Withheld))).await);
    let run = run_by(&lab, "direct", seeing(call(to_trunk()), Some(ExpectedCaller::Withheld))).await;
    check(&run, "fail", |reason| reason == "trunk: expected the caller ID to be withheld, received fone1");
    // By a Local channel, too, we can call with the number withheld.
    let mut hiding = seeing(dtmf(to_trunk()), Some(ExpectedCaller::Withheld));
    hiding.withholds_number = true;
    passes(&run_by(&lab, "direct", hiding).await);
}

// field telephony 6
#[tokio::test(flavor = "multi_thread")]
async fn we_can_call_with_the_number_withheld() {
    let lab = two_servers();
    let to_paris = |caller: &str| ends("berlin", "paris", "+33112345678", caller);
    let mut hiding = seeing(dtmf(to_paris("")), Some(ExpectedCaller::Withheld));
    hiding.withholds_number = true;
    let mut checked = dtmf(to_paris("+493012345"));
    checked.withholds_number = true;
    let shown = seeing(dtmf(to_paris("")), Some(ExpectedCaller::Withheld));
    let pattern = ExpectedCaller::Pattern(Pattern::parse("_+4930!").unwrap());
    let block = seeing(dtmf(to_paris("")), Some(pattern));
    let stage = links_across(&lab).open(&[hiding, checked, shown, block]).await;
    passes(&stage.start_nth(0).await.unwrap());
    let run = stage.start_nth(1).await.unwrap();
    assert_eq!(run.verdict.code(), Some(Code::CallerIdWithheld), "{:?}", run.verdict);
    let run = stage.start_nth(2).await.unwrap();
    assert_eq!(run.verdict.code(), Some(Code::CallerIdShown), "{:?}", run.verdict);
    passes(&stage.start_nth(3).await.unwrap());
    nothing_is_left(&lab);
    stage.close().await;
}

// field telephony 19 | A queue or a ring group takes its call back, and nobody has rejected it | `fail`, taken back after that time | a rejection with a cause; an end by ourselves
#[tokio::test(flavor = "multi_thread")]
async fn who_takes_a_call_back_has_not_rejected_it() {
    let lab = one_server(WAYS);
    let mut test = call(to_trunk());
    test.delay.ring = Duration::from_secs(5);
    let run = run_by(&lab, "queues", test).await;
    check(&run, "fail", |reason| reason.starts_with("trunk: the call was taken back 2.0"));
}

// field telephony 44
#[tokio::test(flavor = "multi_thread")]
async fn a_diversion_crosses_a_trunk() {
    let diverts = "\
[diverts]
exten => _+X!,1,Set(REDIRECTING(from-num,i)=+4940111)
 same => n,Set(REDIRECTING(reason,i)=cfb)
 same => n,Set(REDIRECTING(count,i)=1)
 same => n,Dial(PJSIP/${EXTEN}@berlin,30)
";
    let server = asterisk_lab::ServerOptions::named("a").dialplan(diverts);
    let trunk = asterisk_lab::Trunk::between("a", "b").links("berlin", "paris");
    let lab = Lab::builder(&asterisk_lab::for_tests()).server(server).server("b").trunk(trunk).start().unwrap();
    let from = |pattern: &str| {
        let mut test = call(ends("over", "paris", "+33112345678", "+493012345"));
        test.arrival.diverted_from = vec![Pattern::parse(pattern).unwrap()];
        test
    };
    let scene = links_across(&lab).link("over", "a", "Local/{number}@diverts", "+493012345");
    let stage = scene
        .open(&[from("_+4940!"), from("_+4941!"), {
            let mut test = from("_+4940!");
            let Route::Both { parties, .. } = &mut test.route else { unreachable!() };
            parties.src = "berlin".into();
            test
        }])
        .await;
    passes(&stage.start_nth(0).await.unwrap());
    let run = stage.start_nth(1).await.unwrap();
    check(&run, "fail", |reason| {
        reason == "paris: expected a call diverted from _+4941!, it was diverted from +4940111"
    });
    let run = stage.start_nth(2).await.unwrap();
    assert_eq!(run.verdict.code(), Some(Code::NotDiverted), "{:?}", run.verdict);
    nothing_is_left(&lab);
    stage.close().await;
}
