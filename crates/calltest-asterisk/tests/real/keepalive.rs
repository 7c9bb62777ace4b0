//! Endpoints that end a call on which they hear nothing for five seconds: our ends always send, as telephones do, and digits
//! come through all the same.

use std::time::Duration;

use asterisk_lab::{DtmfMode, Installation, Lab, ServerOptions, Trunk, for_tests, old_asterisk_for_tests};
use calltest_core::cause::ExpectedCause;
use calltest_core::plan::{BothScript, CallTest, Route};
use calltest_core::run::FinishedRun;

use crate::scene::{
    Scene, Stage, answer, at, audio, call, digits, dtmf, ends, fail, passes, play, record, ring, timeout, wait,
};
use crate::{address, nothing_is_left};

/// One trunk among several, so that many calls can go at once and none is taken for another's.
#[derive(Clone, Copy)]
struct Lane {
    number: usize,
    mode: DtmfMode,
}

impl Lane {
    fn link(self, side: &str) -> String {
        format!("lane{}-{side}", self.number)
    }

    fn caller(self) -> String {
        format!("+4930123{:03}", self.number)
    }

    fn callee(self) -> String {
        format!("+3311234{:03}", self.number)
    }

    /// From the first server to the second.
    fn ends(self) -> calltest_core::plan::Parties {
        ends(&self.link("a"), &self.link("b"), &self.callee(), &self.caller())
    }

    /// The test with its own name, over this lane if it only calls.
    fn over(self, mut test: CallTest) -> CallTest {
        if let Route::Out { to, .. } = &mut test.route {
            (to.src, to.number) = (self.link("a").as_str().into(), Some(self.callee()));
        }
        test.name = format!("{} {}", test.route.mode(), self.number).as_str().into();
        test.timeout = Duration::from_secs(60);
        test
    }
}

fn lanes(modes: impl IntoIterator<Item = DtmfMode>) -> Vec<Lane> {
    modes.into_iter().enumerate().map(|(number, mode)| Lane { number, mode }).collect()
}

/// Two servers, each of whose ends hangs up on who is silent for five seconds.
fn impatient(asterisk: &Installation, lanes: &[Lane]) -> Lab {
    let server = |side: &str| {
        let endpoints = lanes.iter().map(|lane| format!("[{}](+type=endpoint)\nrtp_timeout=5\n", lane.link(side)));
        ServerOptions::named(side).transmits_silence(true).pjsip(endpoints.collect::<String>())
    };
    let builder = Lab::builder(asterisk).server(server("a")).server(server("b"));
    let trunk = |lane: &Lane| Trunk::between("a", "b").links(lane.link("a"), lane.link("b")).dtmf_mode(lane.mode);
    lanes.iter().fold(builder, |builder, lane| builder.trunk(trunk(lane))).start().unwrap()
}

async fn stage(lab: &Lab, lanes: &[Lane], tests: &[CallTest]) -> Stage {
    let servers = lab.servers().iter().fold(Scene::new(), |scene, server| scene.server(server.name(), address(server)));
    let scene = lanes.iter().fold(servers, |scene, lane| {
        let (a, b) = (lane.link("a"), lane.link("b"));
        let scene = scene.link(&a, "a", &lab.server("a").dial_string(&a), &lane.caller());
        scene.link(&b, "b", &lab.server("b").dial_string(&b), &lane.callee())
    });
    scene.open(tests).await
}

/// Each mode, its calls being quiet for so long. Those that only call have those that only answer at the other end.
async fn each_mode_lasts(asterisk: &Installation, time: Duration) {
    let lanes = lanes([DtmfMode::Rfc4733; 8]);
    let quiet = |mut test: CallTest, time: Duration| {
        test.delay.answer = time;
        if ["ring", "call", "wait"].contains(&test.route.mode()) {
            test.delay.ring = time;
        }
        test
    };
    let there = |lane: Lane| at(&lane.link("b"), &lane.caller(), None);
    let margin = Duration::from_secs(2);
    // The far end may hang up once it has played its sound.
    let may_end = |mut test: CallTest| {
        test.requirements.causes = vec![ExpectedCause::parse("16").unwrap()];
        test
    };
    let both = [
        lanes[0].over(quiet(dtmf(lanes[0].ends()), time)),
        lanes[1].over(quiet(audio(lanes[1].ends(), "beep", "beep"), time)),
        lanes[2].over(quiet(call(lanes[2].ends()), time)),
    ];
    let pairs = [
        (quiet(ring("", None), time), quiet(wait(there(lanes[3])), time + margin)),
        (may_end(quiet(play("", Some("beep")), time)), quiet(answer(there(lanes[4]), None, None), time - margin)),
        (quiet(play("", None), time), quiet(record(there(lanes[5]), None, None), time - margin)),
        (fail("", time + margin * 2), quiet(wait(there(lanes[6])), time)),
        (timeout("", time - margin), quiet(wait(there(lanes[7])), time)),
    ];
    let paired = pairs.into_iter().zip(&lanes[3..]).flat_map(|((out, incoming), lane)| {
        let mut incoming = lane.over(incoming);
        incoming.name = format!("{}, called", incoming.name).as_str().into();
        [incoming, lane.over(out)]
    });
    let tests: Vec<CallTest> = both.into_iter().chain(paired).collect();
    let lab = impatient(asterisk, &lanes);
    let stage = stage(&lab, &lanes, &tests).await;
    let is_called = |test: &CallTest| matches!(test.route, Route::In { .. });
    let mut runs = Vec::new();
    for (nth, _) in tests.iter().enumerate().filter(|(_, test)| is_called(test)) {
        runs.push(stage.start_nth(nth));
    }
    stage.until_awaited(runs.len()).await;
    for (nth, _) in tests.iter().enumerate().filter(|(_, test)| !is_called(test)) {
        runs.push(stage.start_nth(nth));
    }
    for run in runs {
        let run: FinishedRun = run.await.unwrap();
        // Who rings until he is hung up on has not been rejected by us, but has come to where he should.
        let reason = run.verdict.reason().unwrap_or_default();
        let is_taken_back = run.test.route.mode() == "wait" && reason.contains("the caller gave the call up");
        if !is_taken_back {
            passes(&run);
        }
    }
    nothing_is_left(&lab);
    stage.close().await;
}

// field telephony 3
#[tokio::test(flavor = "multi_thread")]
async fn a_call_outlasts_the_patience_of_who_hears_nothing() {
    each_mode_lasts(&for_tests(), Duration::from_secs(8)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "half a minute in each mode: ./test --full tests"]
async fn a_call_of_half_a_minute_lasts_in_each_mode() {
    for asterisk in [for_tests(), old_asterisk_for_tests()] {
        each_mode_lasts(&asterisk, Duration::from_secs(30)).await;
    }
}

/// So many calls with digits in each of the three ways, all right.
async fn digits_are_right(asterisk: &Installation, calls: usize) {
    const AT_ONCE: usize = 6;
    let modes = [DtmfMode::Rfc4733, DtmfMode::Info, DtmfMode::Inband];
    let lanes = lanes(modes.into_iter().flat_map(|mode| [mode; AT_ONCE]));
    let test = |lane: &Lane| {
        let mut test = lane.over(dtmf(lane.ends()));
        let Route::Both { script: BothScript::Dtmf(dtmf), .. } = &mut test.route else { panic!("it is a dtmf test") };
        dtmf.digits = digits(10);
        dtmf.may_repeat = lane.mode == DtmfMode::Inband;
        test.delay.answer = Duration::from_millis(500);
        test
    };
    let tests: Vec<CallTest> = lanes.iter().map(test).collect();
    let lab = impatient(asterisk, &lanes);
    let stage = stage(&lab, &lanes, &tests).await;
    let mut right = [0_usize; 3];
    for _ in 0..calls.div_ceil(AT_ONCE) {
        let runs: Vec<_> = (0..tests.len()).map(|nth| stage.start_nth(nth)).collect();
        for (nth, run) in runs.into_iter().enumerate() {
            let run = run.await.unwrap();
            passes(&run);
            right[nth / AT_ONCE] += 1;
        }
    }
    eprintln!("{}: right, by RFC 4733, INFO and in band: {right:?}", asterisk.version());
    assert!(right.iter().all(|right| *right >= calls));
    nothing_is_left(&lab);
    stage.close().await;
}

// field telephony 3
#[tokio::test(flavor = "multi_thread")]
async fn digits_are_right_where_our_ends_always_send() {
    digits_are_right(&for_tests(), 6).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "200 calls in each of three ways: ./test --full tests"]
async fn digits_are_right_200_times_of_200() {
    for asterisk in [for_tests(), old_asterisk_for_tests()] {
        digits_are_right(&asterisk, 200).await;
    }
}
