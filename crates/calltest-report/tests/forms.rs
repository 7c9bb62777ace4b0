//! The forms of finished runs, held fast by snapshots: a change of the wire form must be seen and meant. After a wanted
//! change, `INSTA_UPDATE=always cargo test -p calltest-report` writes them anew, to be read before they are committed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use calltest_core::cause::{CallEnd, HangupCause, TechCause};
use calltest_core::evidence::{Ending, Evidence, Fact, Observation, ServerTime, Side, Sight, Stop};
use calltest_core::expectation::Expectation;
use calltest_core::judge::judge;
use calltest_core::measures::Measures;
use calltest_core::plan::{
    CallTest, Delay, Demands, Destination, Dtmf, Ends, Mode, Presence, Ringing, Schedule, ServerName,
};
use calltest_core::quiet::QuietTimes;
use calltest_core::run::{FinishedRun, RunId};
use calltest_core::verdict::{Trouble, VerdictKind};
use calltest_report::run::Report;
use calltest_report::text::{self, Tally};

/// When the runs of these tests were asked for, in microseconds since the Unix epoch.
const REQUESTED: u64 = 1_795_342_033_389_001;

fn test(mode: Mode) -> CallTest {
    CallTest {
        name: "bar".into(),
        info: "reception".into(),
        timeout: Duration::from_secs(30),
        delay: Delay { pre: Duration::ZERO, ring: Duration::from_secs(1), answer: Duration::from_secs(1) },
        demands: Demands {
            ringing: Ringing { presence: Presence::Allowed, early_media_counts: false },
            early_media: Presence::Allowed,
            answer_within: None,
            causes: Vec::new(),
        },
        schedule: Schedule {
            retry: Duration::from_secs(300),
            repeat: Duration::from_secs(600),
            warn: NonZeroU32::MIN,
            fail: NonZeroU32::MIN,
            is_manual: false,
        },
        quiet: QuietTimes::default(),
        mode,
    }
}

fn dtmf() -> CallTest {
    let ends = Ends { src: "foo".into(), dst: "bar".into(), number: Some("123".into()), caller: None };
    let tone = Duration::from_millis(100);
    let dtmf = Dtmf { len: NonZeroU32::new(5).unwrap(), may_repeat: false, duration: tone, between: tone };
    test(Mode::Dtmf { ends, dtmf })
}

fn ring() -> CallTest {
    test(Mode::Ring { to: Destination { src: "foo".into(), number: None } })
}

/// A fact that an event told, its server's clock being three milliseconds ahead of ours.
fn seen(milliseconds: u64, side: Side, what: Observation) -> Fact {
    let at = Duration::from_millis(milliseconds);
    let server_time = i64::try_from(REQUESTED + (milliseconds + 3) * 1000).map(ServerTime).ok();
    Fact { at, server_time, side: Some(side), what }
}

fn done(milliseconds: u64, side: Side, what: Observation) -> Fact {
    Fact { server_time: None, ..seen(milliseconds, side, what) }
}

fn busy() -> CallEnd {
    CallEnd { cause: HangupCause(17), tech_cause: Some(TechCause::Sip(486)) }
}

fn finished(test: CallTest, facts: Vec<Fact>, ending: Ending) -> FinishedRun {
    let expectation = Expectation::of(&test, |_| "04427".into());
    let sight = vec![Sight {
        server: ServerName::default(),
        longest_silence: Duration::from_millis(812),
        round_trip: matches!(ending, Ending::Stopped(_)).then_some(Duration::from_micros(740)),
    }];
    let is_dual = test.links().len() == 2;
    let evidence = Evidence {
        src: Some("foo".into()),
        dst: is_dual.then(|| "bar".into()),
        facts,
        ending,
        sight,
        loop_delay: Duration::from_micros(350),
    };
    let judgement = judge(&expectation, &evidence);
    FinishedRun {
        id: RunId(0x00ab_cdef),
        test: Arc::new(test),
        requested: UNIX_EPOCH + Duration::from_micros(REQUESTED),
        waited: Duration::from_micros(1500),
        duration: Duration::from_millis(5123),
        verdict: judgement.verdict,
        notes: judgement.notes,
        measures: Measures::of(&evidence),
        expectation,
        evidence,
    }
}

/// Digits of which the last one never comes, with a stranger calling in between.
fn a_digit_is_missing() -> FinishedRun {
    let mut facts = vec![
        done(1, Side::Src, Observation::Dialled { dial_string: "PJSIP/123@trunk".into() }),
        seen(9, Side::Dst, Observation::Arrived { caller: "+4912345".into(), dialled: "123".into() }),
        done(10, Side::Dst, Observation::RingingSent),
        seen(15, Side::Src, Observation::Ringing),
        done(1015, Side::Dst, Observation::AnswerSent),
        seen(1020, Side::Src, Observation::Answered),
        seen(1500, Side::Dst, Observation::Stranger { caller: String::new() }),
        done(2021, Side::Dst, Observation::DigitsSent { digits: "04427".into() }),
    ];
    for (at, digit) in (2200..).step_by(200).zip("0442".chars()) {
        facts.push(seen(at, Side::Src, Observation::DigitReceived { digit, duration: Duration::from_millis(100) }));
    }
    facts.push(done(30_001, Side::Src, Observation::HangupSent));
    facts.push(seen(30_010, Side::Src, Observation::Gone { end: Some(busy()) }));
    let awaiting = calltest_core::evidence::Awaiting::Digits(Side::Src);
    finished(dtmf(), facts, Ending::Stopped(Stop::Deadline { awaiting }))
}

fn it_rings() -> FinishedRun {
    let facts = vec![
        done(1, Side::Src, Observation::Dialled { dial_string: "Local/ringing@direct".into() }),
        seen(4, Side::Src, Observation::Ringing),
        done(1004, Side::Src, Observation::HangupSent),
        seen(1006, Side::Src, Observation::Gone { end: None }),
    ];
    finished(ring(), facts, Ending::Completed)
}

/// One JSON line, laid out for reading.
fn laid_out(run: &FinishedRun) -> String {
    let report = Report::from(run);
    let line = report.json_line().unwrap();
    assert!(!line.contains('\n'));
    // Who reads it has what was written.
    assert_eq!(serde_json::from_str::<Report>(&line).unwrap(), report);
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}

#[test]
fn the_wire_form() {
    insta::assert_snapshot!("a_digit_is_missing_json", laid_out(&a_digit_is_missing()));
    insta::assert_snapshot!("it_rings_json", laid_out(&it_rings()));
}

#[test]
fn the_text_for_people() {
    let missing = Report::from(&a_digit_is_missing());
    insta::assert_snapshot!(
        "a_digit_is_missing_text",
        format!("{}\n{}", text::line(&missing), text::timeline(&missing))
    );
    let rings = Report::from(&it_rings());
    insta::assert_snapshot!("it_rings_text", format!("{}\n{}", text::line(&rings), text::timeline(&rings)));
}

#[test]
fn every_verdict_has_its_word_on_the_wire() {
    let rejected = vec![
        done(1, Side::Src, Observation::Dialled { dial_string: "PJSIP/1@far".into() }),
        seen(300, Side::Src, Observation::HangupRequest { end: busy(), is_soft: false }),
        seen(301, Side::Src, Observation::Gone { end: Some(busy()) }),
    ];
    let ended = Stop::LegEnded { side: Side::Src, awaiting: calltest_core::evidence::Awaiting::Ringing };
    let lost = Stop::Trouble(Trouble::LeaseLost);
    let cases = [
        (
            rejected,
            Ending::Stopped(ended),
            "fail",
            Some("foo: rejected after 0.30 s with 17 user busy (SIP 486), expected ringing"),
        ),
        (Vec::new(), Ending::Stopped(lost), "error", Some("lost the lease on its links during the run")),
        (Vec::new(), Ending::Stopped(Stop::Cancelled), "cancelled", Some("cancelled before it could finish")),
    ];
    for (facts, ending, word, reason) in cases {
        let report = Report::from(&finished(ring(), facts, ending));
        assert_eq!((&*report.verdict, report.reason.as_deref()), (word, reason));
        assert_eq!(report.verdict_kind().map(VerdictKind::word), Some(word));
    }
}

#[test]
fn the_summary_names_what_there_is() {
    let mut tally = Tally::default();
    tally.add(VerdictKind::Pass);
    assert_eq!(tally.summary(Duration::from_millis(2040)), "1 test in 2.0 s: 1 passed");
    tally.add(VerdictKind::Cancelled);
    tally.add(VerdictKind::Error);
    let summary = tally.summary(Duration::from_millis(62_349));
    assert_eq!(summary, "3 tests in 62.3 s: 1 passed, 1 could not be tested, 1 cancelled");
}
