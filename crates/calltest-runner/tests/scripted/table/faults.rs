//! Each fault that each mode can have: what a test demands, or may demand, and a network that does not do it.
//!
//! The tables tell whole sentences; here the code is enough. What no table tells is tried in a story of its own.

use std::collections::{BTreeMap, BTreeSet};

use calltest_core::caller::ExpectedCaller;
use calltest_core::code::Code;
use calltest_core::evidence::{Observation, Side};
use calltest_core::expectation::{Expectation, Milestone};
use calltest_core::number_rule::Pattern;
use calltest_core::plan::Presence::{Forbidden, Required};
use calltest_core::plan::{CallTest, InScript, OutScript, Route};
use calltest_engine::Undialled;
use calltest_engine::scripted::{Act, Incoming, Recorded, Sign, Story, When, Whose, wav};

use super::{Row, both, incoming, out, out_rejected, row};
use crate::modes::{self, Changed as _, ms};

/// What can be wrong with the network in a test, by what it expects and may demand besides. That another number was dialled
/// is told only where links share a trunk: `switchboard.rs`.
fn faults(test: &CallTest) -> BTreeSet<Code> {
    let expectation = Expectation::of(test, |_, len| "1".repeat(len));
    let mut faults = BTreeSet::new();
    if test.route.src().is_some() {
        faults.extend([Code::EndpointOffline, Code::CameBack, Code::UnwantedRinging, Code::UnwantedEarlyMedia]);
        faults.extend((!expectation.may_be_answered).then_some(Code::UnwantedAnswer));
    }
    if expectation.arrives {
        faults.extend([Code::NoArrival, Code::WrongCallerId, Code::CallerIdWithheld, Code::CallerIdShown]);
        faults.extend([Code::DeliveredTwice, Code::NotDiverted]);
    }
    faults.extend(match expectation.milestone {
        Milestone::Arrival => &[Code::NoArrival][..],
        Milestone::EarlyMedia => &[Code::NoEarlyMedia],
        Milestone::Rejection => &[
            Code::NotRejected,
            Code::RejectedOutOfTime,
            Code::RingingSkipped,
            Code::EarlyMediaSkipped,
            Code::WrongCause,
        ],
        Milestone::Ringing => &[Code::NoRinging, Code::NoEarlyMedia, Code::Rejected, Code::WrongCause],
        Milestone::Answer => {
            &[Code::NoAnswer, Code::Rejected, Code::HungUpEarly, Code::RingingSkipped, Code::EarlyMediaSkipped]
        }
        // There is no call: `online.rs`.
        Milestone::Online => &[],
    });
    if !expectation.digits.is_empty() {
        faults.extend([Code::DigitsMissing, Code::DigitsWrong, Code::DigitsExtra]);
    }
    if !expectation.sounds.is_empty() {
        faults.extend([Code::RecordingMissing, Code::RecordingEmpty, Code::RecordingShort]);
    }
    match &test.route {
        Route::Out { script: OutScript::Play { .. }, .. } => faults.extend([Code::WrongCause]),
        Route::In { script: InScript::Record { .. }, .. } => faults.extend([Code::CallerDidNotEnd]),
        // It rings before anything else is of interest.
        Route::Out { script: OutScript::Timeout { .. }, .. } => {
            faults.remove(&Code::RingingSkipped);
            faults.remove(&Code::UnwantedRinging);
            faults.insert(Code::NoRinging);
        }
        _ => {}
    }
    faults
}

/// A call as the mode wants it.
fn good(test: &CallTest) -> Story {
    match &test.route {
        Route::Both { .. } => Story::of_good_call(),
        Route::Out { script, .. } => match script {
            OutScript::Ring => Story::of_call_out().rings(ms(100)),
            OutScript::Play { .. } => Story::of_call_out().rings(ms(100)).answers(ms(300)),
            OutScript::Fail { .. } => Story::of_call_out().rejects(ms(500), 21, Some(403)),
            OutScript::Timeout { .. } => Story::of_call_out().rings(ms(100)).rejects(ms(1500), 19, Some(480)),
        },
        Route::In { script, .. } => {
            let calls = Story::of_call_in(Incoming::on("bar").from("+4930555"));
            if matches!(script, InScript::Record { .. }) { calls.caller_hangs_up(ms(600)) } else { calls }
        }
        Route::Watch { .. } => Story::of_nothing(),
    }
}

/// The test, which may demand more, and a network with that fault.
fn spoilt(test: CallTest, fault: Code) -> (CallTest, Story) {
    let good = good(&test);
    let told = |what: Observation| good.clone().when(When::Dialled).tell(Side::Src, what);
    let waits = matches!(&test.route, Route::In { .. });
    let from = |caller: &str| match waits {
        true => Story::of_call_in(Incoming::on("bar").from(caller)),
        false => good.clone().shows_caller(caller),
    };
    let to_sound = |recorded: Recorded| good.clone().records(Side::Src, recorded);
    match fault {
        Code::EndpointOffline => (test, good.refuses_to_dial(Undialled::Offline { endpoint: "PJSIP/far".into() })),
        Code::CameBack => {
            let back = Act::Arrive(Incoming::on("lost").of(Whose::TheRuns));
            (test, Story::of_call_out().when(When::Dialled).then(back))
        }
        Code::UnwantedRinging => (test.ringing(Forbidden), told(Observation::Ringing)),
        Code::UnwantedEarlyMedia => (test.early_media(Forbidden), told(Observation::EarlyMedia)),
        Code::UnwantedAnswer => (test, told(Observation::Answered)),
        Code::NoEarlyMedia | Code::EarlyMediaSkipped => (test.early_media(Required), good),
        Code::RingingSkipped => (test.ringing(Required), good.without(Side::Src, Sign::Ringing)),
        Code::NoRinging => (test, Story::of_call_out()),
        Code::NoArrival if waits => (test, Story::of_nothing()),
        Code::NoArrival => (test, good.never_arrives().rings(ms(100))),
        Code::WrongCallerId => (test.caller("+4930100"), from("+4940999")),
        Code::CallerIdWithheld => (test.caller("+4930100"), from("")),
        Code::CallerIdShown => (test.sees(Some(ExpectedCaller::Withheld)), from("+4930100")),
        Code::NotDiverted => {
            let from = Pattern::parse("_+!").unwrap();
            (test.changed(|test| test.arrival.diverted_from = vec![from]), good)
        }
        Code::DeliveredTwice => {
            let (moment, caller) = match waits {
                true => (When::Listening("bar".into()), "+4930555"),
                false => (When::Arrived, "+4930100"),
            };
            let again = Act::Arrive(Incoming::on("bar").from(caller));
            let story = if waits { good } else { good.arrives_as_anybodys() };
            (test.changed(|test| test.arrival.is_single = true), story.when(moment).after(ms(60)).then(again))
        }
        Code::Rejected => (test, good.never_arrives().rejects(ms(50), 34, Some(503))),
        Code::NoAnswer => (test, Story::of_call_out().rings(ms(100))),
        Code::HungUpEarly => (test, good.when(When::Dialled).after(ms(450)).then(Act::reject(16, Some(200)))),
        Code::NotRejected => (test, Story::of_call_out().rings(ms(100))),
        Code::WrongCause => (test.causes(&["1"]), good),
        Code::DigitsMissing => (test, good.loses_digit(Side::Src, 5)),
        Code::DigitsWrong => (test, good.loses_digit(Side::Src, 2)),
        Code::DigitsExtra => (test, good.adds_digit(Side::Dst, '9')),
        Code::RecordingMissing => (test, to_sound(Recorded::Missing { why: "404".into() })),
        Code::RecordingEmpty => (test, to_sound(Recorded::Wav(wav(ms(0))))),
        Code::RecordingShort => (test, to_sound(Recorded::Wav(wav(ms(10))))),
        other => panic!("no story has {other}, which {} can have: write one", test.route.mode()),
    }
}

fn modes() -> [CallTest; 10] {
    [
        modes::dtmf(),
        modes::call(),
        modes::audio(),
        modes::ring(),
        modes::play(),
        modes::fail(),
        modes::timeout(),
        modes::wait(),
        modes::answer(),
        modes::record(),
    ]
}

#[tokio::test(start_paused = true)]
async fn each_mode_can_pass_and_finds_each_fault_that_it_can_have() {
    let rows = [both::rows(), incoming::rows(), out::rows(), out_rejected::rows()].into_iter().flatten();
    let mut told: BTreeMap<&str, BTreeSet<Code>> = BTreeMap::new();
    for row in rows {
        let mode = row.test.route.mode();
        told.entry(mode).or_default().extend(row.run().await.verdict.code());
    }
    let mut wrong = Vec::new();
    for test in modes() {
        let mode = test.route.mode();
        let passed = of(test.clone(), good(&test)).run().await;
        if passed.verdict.word() != "pass" {
            wrong.push(format!("{mode}, all well: {:?}", passed.verdict));
        }
        for fault in faults(&test).into_iter().filter(|fault| !told[mode].contains(fault)) {
            let (test, story) = spoilt(test.clone(), fault);
            let run = of(test, story).run().await;
            if run.verdict.code() != Some(fault) {
                wrong.push(format!("{mode}, {fault}: {:?}", run.verdict));
            }
        }
    }
    for test in [modes::dtmf(), modes::audio(), modes::play()] {
        let late = good(&test).later(Side::Src, Sign::Answered, ms(2000));
        let run = of(test.answered_within(1000), late).run().await;
        assert_eq!(run.verdict.code(), Some(Code::NoAnswer), "{:?}", run.verdict);
    }
    assert!(wrong.is_empty(), "{} came out otherwise:\n{}", wrong.len(), wrong.join("\n"));
}

fn of(test: CallTest, story: Story) -> Row {
    row("a fault", test, story, "", "")
}
