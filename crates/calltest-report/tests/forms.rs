//! The forms of finished runs, held fast by snapshots: a change of the wire form must be seen and meant. After a wanted
//! change, `INSTA_UPDATE=always cargo test -p calltest-report` writes them anew, to be read before they are committed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use calltest_core::cause::{Hangup, HangupCause, TechCause};
use calltest_core::evidence::{Evidence, Fact, Observation, ScriptEnd, Side, Sight, Stamp, Stop};
use calltest_core::expectation::Expectation;
use calltest_core::judge::judge;
use calltest_core::measures::Measures;
use calltest_core::plan::{
    Arrival, BothScript, CallTest, Delay, Destination, DigitChoice, Dtmf, OutScript, Parties, PostDial, Presence,
    Requirements, Ringing, Route, Schedule, ServerName,
};
use calltest_core::quiet::QuietTimes;
use calltest_core::run::{FinishedRun, RunId};
use calltest_core::verdict::{Trouble, VerdictKind};
use calltest_report::plain_text::is_harmful;
use calltest_report::run::Report;
use calltest_report::text::{self, Tally};

/// When the runs of these tests were asked for, in microseconds since the Unix epoch.
const REQUESTED: u64 = 1_795_342_033_389_001;

fn test(route: Route) -> CallTest {
    CallTest {
        name: "bar".into(),
        info: "reception".into(),
        timeout: Duration::from_secs(30),
        delay: Delay { pre: Duration::ZERO, ring: Duration::from_secs(1), answer: Duration::from_secs(1) },
        requirements: Requirements {
            ringing: Ringing { presence: Presence::Allowed, early_media_counts: false },
            early_media: Presence::Allowed,
            answer_within: None,
            causes: Vec::new(),
            forwarding: calltest_core::plan::Forwarding::FORBIDDEN,
        },
        arrival: Arrival::default(),
        withholds_number: false,
        schedule: Schedule {
            retry: Duration::from_secs(300),
            repeat: Duration::from_secs(600),
            warn: NonZeroU32::MIN,
            fail: NonZeroU32::MIN,
            is_manual: false,
        },
        quiet: QuietTimes::default(),
        route,
    }
}

fn five_digits() -> DigitChoice {
    DigitChoice::Drawn { len: NonZeroU32::new(5).unwrap(), alphabet: "0123456789".into() }
}

fn dtmf() -> CallTest {
    let parties = Parties {
        src: "foo".into(),
        dst: "bar".into(),
        number: Some("123".into()),
        post_dial: PostDial::default(),
        caller: None,
    };
    let tone = Duration::from_millis(100);
    let dtmf = Dtmf { digits: five_digits(), may_repeat: false, duration: tone, between: tone };
    test(Route::Both { parties, script: BothScript::Dtmf(dtmf) })
}

fn ring() -> CallTest {
    test(Route::Out {
        to: Destination { src: "foo".into(), number: None, post_dial: PostDial::default() },
        script: OutScript::Ring,
    })
}

/// A fact that an event told, its server's clock being three milliseconds ahead of ours.
fn seen(milliseconds: u64, side: Side, what: Observation) -> Fact {
    let at = Duration::from_millis(milliseconds);
    let micros = i64::try_from(REQUESTED + (milliseconds + 3) * 1000).unwrap();
    Fact { at, stamp: Some(Stamp { clock: "asterisk".into(), micros }), side: Some(side), what }
}

fn done(milliseconds: u64, side: Side, what: Observation) -> Fact {
    Fact { stamp: None, ..seen(milliseconds, side, what) }
}

fn busy() -> Hangup {
    Hangup { cause: HangupCause(17), tech_cause: Some(TechCause::Sip(486)) }
}

fn finished(test: CallTest, facts: Vec<Fact>, ending: ScriptEnd) -> FinishedRun {
    let expectation = Expectation::of(&test, |_, _| "04427".into());
    let sight = vec![Sight {
        server: ServerName::default(),
        longest_silence: Duration::from_millis(812),
        silence_limit: Duration::from_secs(1),
        round_trip: matches!(ending, ScriptEnd::Stopped(_)).then_some(Duration::from_micros(740)),
    }];
    let is_dual = test.links().len() == 2;
    let evidence = Evidence {
        src: Some("foo".into()),
        dst: is_dual.then(|| "bar".into()),
        facts,
        script_end: ending,
        src_server: None,
        dst_server: None,
        abilities: calltest_core::abilities::Abilities::ALL,
        script_ended_at: Duration::MAX,
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
    finished(dtmf(), facts, ScriptEnd::Stopped(Stop::Deadline { awaiting }))
}

fn it_rings() -> FinishedRun {
    let facts = vec![
        done(1, Side::Src, Observation::Dialled { dial_string: "Local/ringing@direct".into() }),
        seen(4, Side::Src, Observation::Ringing),
        done(1004, Side::Src, Observation::HangupSent),
        seen(1006, Side::Src, Observation::Gone { end: None }),
    ];
    finished(ring(), facts, ScriptEnd::Completed)
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

/// A call that passes while this many others come in, and as many digits more than were sent.
fn besieged(others: u64) -> FinishedRun {
    let mut facts = vec![
        done(1, Side::Src, Observation::Dialled { dial_string: "PJSIP/123@trunk".into() }),
        seen(9, Side::Src, Observation::Ringing),
    ];
    for number in 0..others {
        let caller = format!("+49{number:06}");
        facts.push(seen(10 + number, Side::Dst, Observation::Stranger { caller }));
        let digit = Observation::DigitReceived { digit: '1', duration: Duration::from_millis(100) };
        facts.push(seen(10 + number, Side::Src, digit));
    }
    facts.push(done(20_000, Side::Src, Observation::HangupSent));
    finished(ring(), facts, ScriptEnd::Completed)
}

// field attack 27
#[test]
fn however_many_calls_come_in_the_report_stays_short_and_counts_them() {
    let (few, many) = (Report::from(&besieged(5)), Report::from(&besieged(12_000)));
    assert_eq!((few.notes.len(), few.notes_left_out, few.timeline_left_out.len()), (5, 0, 0));
    assert_eq!((many.verdict.as_str(), many.notes.len(), many.notes_left_out), ("pass", 6, 11_995));
    assert_eq!(many.notes[..5], few.notes);
    let left_out = [("digit_received".to_owned(), 11_000), ("stranger".to_owned(), 11_995)];
    assert_eq!(many.timeline_left_out, left_out.into());
    // What came before and after is there.
    let kinds: Vec<_> = many.timeline.iter().map(|entry| &*entry.fact).collect();
    assert_eq!((kinds[1], kinds.len(), kinds[kinds.len() - 1]), ("ringing", 2 + 5 + 1000 + 1, "hangup_sent"));
    let line = text::line(&many);
    assert!(line.ends_with(" [another call on foo was rejected, from +49000004] [and 11995 more on foo]"), "{line}");
    let told = "and 11000 more digits received\n    and 11995 more other calls that were rejected\n";
    assert!(text::timeline(&many).contains(told));
    assert!(many.json_line().unwrap().len() < 200_000, "{}", many.json_line().unwrap().len());
    let read: Report = serde_json::from_str(&many.json_line().unwrap()).unwrap();
    assert_eq!(read, many);
    // Without a timeline, nothing is left out of it.
    assert_eq!(Report::without_timeline(&besieged(12_000)).timeline_left_out.len(), 0);
}

/// A caller ID such as anybody can send in SIP: it clears the screen, rings, and adds lines of its own.
const FORGED: &str =
    "+49\u{1b}[2J\u{7}\npass bar (4.5 s)\r\n1 test in 1.0 s: 1 passed\u{2028}\u{85}\u{202e}\u{200b}\u{9b}1m";

#[test]
fn a_caller_adds_no_line_and_commands_no_terminal() {
    let mut run = besieged(0);
    let arrived = Observation::Arrived { caller: FORGED.into(), dialled: FORGED.into() };
    for what in [
        arrived,
        Observation::DialEnded { status: FORGED.into() },
        Observation::CameBack { link: FORGED.into() },
        Observation::TriggerDone { result: FORGED.into() },
        Observation::Stranger { caller: FORGED.into() },
        Observation::Troubled(Trouble::AppTaken { server: "asterisk".into(), owner: FORGED.into() }),
    ] {
        run.evidence.facts.push(seen(30, Side::Dst, what));
    }
    let judgement = judge(&run.expectation, &run.evidence);
    (run.verdict, run.notes) = (judgement.verdict, judgement.notes);
    let report = Report::from(&run);
    let shown = "+49\u{fffd}[2J\u{fffd}\u{fffd}pass bar (4.5 s)\u{fffd}\u{fffd}1 test in 1.0 s: 1 passed\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}1m";
    let line = text::line(&report);
    assert!(line.contains(&format!("took the app over on server asterisk during the run: {shown}")), "{line}");
    assert!(line.ends_with(&format!(" [another call on foo was rejected, from {shown}]")), "{line}");
    assert!(!line.contains(is_harmful), "{line:?}");
    let timeline = text::timeline(&report);
    assert_eq!(timeline.lines().count(), report.timeline.len() + 1, "{timeline}");
    assert!(timeline.lines().all(|line| line.starts_with("    ") && !line.contains(is_harmful)), "{timeline:?}");
    // Programs get what was said, in a line that is harmless as well.
    let json = report.json_line().unwrap();
    assert!(!json.contains(is_harmful), "{json:?}");
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    let arrived = read["timeline"].as_array().unwrap().iter().find(|entry| entry["fact"] == "arrived").unwrap();
    assert_eq!((&arrived["caller"], &arrived["dialled"]), (&FORGED.into(), &FORGED.into()));
}

#[test]
fn a_text_without_end_makes_no_line_without_end() {
    let mut run = besieged(0);
    let endless = "9".repeat(1 << 20);
    let owner = Trouble::AppTaken { server: "asterisk".into(), owner: endless.clone() };
    run.evidence.facts.push(seen(30, Side::Dst, Observation::Stranger { caller: endless }));
    run.evidence.facts.push(seen(30, Side::Dst, Observation::Troubled(owner)));
    let judgement = judge(&run.expectation, &run.evidence);
    (run.verdict, run.notes) = (judgement.verdict, judgement.notes);
    let report = Report::from(&run);
    let (line, timeline) = (text::line(&report), text::timeline(&report));
    assert!(line.len() < 5000 && line.ends_with(" more characters]"), "{}", line.len());
    assert!(timeline.len() < 10_000 && timeline.contains(" more characters\n"), "{}", timeline.len());
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
            ScriptEnd::Stopped(ended),
            "fail",
            Some("foo: rejected after 0.30 s with 17 user busy (SIP 486), expected ringing"),
        ),
        (Vec::new(), ScriptEnd::Stopped(lost), "error", Some("lost the lease on its links during the run")),
        (Vec::new(), ScriptEnd::Stopped(Stop::Cancelled), "cancelled", Some("cancelled before it could finish")),
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
