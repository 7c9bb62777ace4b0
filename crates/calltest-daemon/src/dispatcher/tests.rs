//! The schedule as readable sequences, in virtual time.

use std::num::NonZeroU32;
use std::time::UNIX_EPOCH;

use calltest_core::evidence::{Ending, Evidence, Stop};
use calltest_core::expectation::Expectation;
use calltest_core::measures::Measures;
use calltest_core::plan::{Delay, Demands, Destination, Mode, Presence, Ringing, Schedule};
use calltest_core::quiet::QuietTimes;
use calltest_core::run::RunId;
use calltest_core::streak::Condition;
use calltest_core::verdict::{Failure, Trouble, Verdict};

use super::*;

const RETRY: u64 = 100;
const REPEAT: u64 = 1000;

fn test(name: &str, is_manual: bool) -> Arc<CallTest> {
    let seconds = Duration::from_secs;
    Arc::new(CallTest {
        name: name.into(),
        info: "-".into(),
        mode: Mode::Ring { to: Destination { src: "out".into(), number: None } },
        timeout: seconds(30),
        delay: Delay { pre: seconds(0), ring: seconds(1), answer: seconds(1) },
        demands: Demands {
            ringing: Ringing { presence: Presence::Allowed, early_media_counts: false },
            early_media: Presence::Allowed,
            answer_within: None,
            causes: Vec::new(),
        },
        schedule: Schedule {
            retry: seconds(RETRY),
            repeat: seconds(REPEAT),
            warn: NonZeroU32::new(2).unwrap(),
            fail: NonZeroU32::new(3).unwrap(),
            is_manual,
        },
        quiet: QuietTimes::default(),
    })
}

/// A dispatcher under a clock that the test winds.
struct Story {
    dispatcher: Dispatcher,
    clock: u64,
}

fn story(tests: &[Arc<CallTest>]) -> Story {
    let now = Now { clock: Duration::ZERO, wall: UNIX_EPOCH };
    Story { dispatcher: Dispatcher::new(tests, now, || 0.5), clock: 0 }
}

impl Story {
    fn handle(&mut self, event: InternalEvent) -> Outcome {
        let clock = Duration::from_secs(self.clock);
        self.dispatcher.handle_event(event, Now { clock, wall: UNIX_EPOCH + clock })
    }

    /// Winds the clock to that second; returns the names of the tests that start.
    fn at(&mut self, second: u64) -> Vec<String> {
        self.clock = second;
        let started = self.handle(InternalEvent::Tick).actions.into_iter().filter_map(|action| match action {
            Action::Run(test) => Some(test.name.to_string()),
            _ => None,
        });
        started.collect()
    }

    fn starts(&mut self, name: &str) -> &mut Self {
        self.handle(InternalEvent::Started(name.into()));
        self
    }

    fn ends(&mut self, name: &str, verdict: Verdict) -> &mut Self {
        let test = Arc::clone(&self.dispatcher.entry(name).unwrap().test);
        let evidence = Evidence {
            src: None,
            dst: None,
            facts: Vec::new(),
            ending: Ending::Stopped(Stop::Cancelled),
            sight: Vec::new(),
            loop_delay: Duration::ZERO,
        };
        let run = FinishedRun {
            id: RunId(1),
            expectation: Expectation::of(&test, |_| String::new()),
            test,
            requested: UNIX_EPOCH,
            waited: Duration::from_secs(1),
            duration: Duration::from_secs(2),
            verdict,
            notes: Vec::new(),
            measures: Measures::of(&evidence),
            evidence,
        };
        self.handle(InternalEvent::Finished(Arc::new(run)));
        self
    }

    fn entry(&self, name: &str) -> &Entry {
        self.dispatcher.entry(name).unwrap()
    }
}

fn fail() -> Verdict {
    Verdict::Fail(Failure::ByOperator)
}

fn error() -> Verdict {
    Verdict::Error(Trouble::LeaseLost)
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_test_repeats_after_a_success_and_retries_after_a_failure() {
    let mut story = story(&[test("a", false)]);
    assert_eq!(story.at(1), ["a"]);
    assert_eq!(story.at(2), NOTHING, "it is asked for already");
    story.starts("a").ends("a", Verdict::Pass);
    assert_eq!(story.at(2 + REPEAT - 1), NOTHING);
    assert_eq!(story.at(2 + REPEAT), ["a"]);
    story.starts("a").ends("a", fail());
    assert_eq!(story.at(2 + REPEAT + RETRY - 1), NOTHING);
    assert_eq!(story.at(2 + REPEAT + RETRY), ["a"]);
}

#[test]
fn an_error_is_retried_and_counts_towards_nothing() {
    let mut story = story(&[test("a", false)]);
    story.at(1);
    story.starts("a").ends("a", fail());
    story.at(1 + RETRY);
    story.starts("a").ends("a", error());
    let entry = story.entry("a");
    assert_eq!((entry.condition(), entry.streak.failures(), entry.streak.is_unknown()), (Condition::Note, 1, true));
    assert_eq!((entry.counts.runs, entry.counts.failures, entry.counts.errors), (2, 1, 1));
    assert_eq!(story.at(1 + 2 * RETRY), ["a"]);
}

#[test]
fn many_tests_do_not_start_in_the_same_second() {
    let tests: Vec<_> = (0..100).map(|number| test(&format!("t{number:02}"), false)).collect();
    let mut drawn = 0.0;
    let now = Now { clock: Duration::ZERO, wall: UNIX_EPOCH };
    let random = move || {
        drawn += 0.01;
        drawn
    };
    let mut story = Story { dispatcher: Dispatcher::new(&tests, now, random), clock: 0 };
    let started: Vec<usize> = (1..=6).map(|second| story.at(second).len()).collect();
    assert_eq!(started, [20, 20, 20, 20, 20, 0]);
}

#[test]
fn a_manual_test_waits_for_somebody() {
    let mut story = story(&[test("m", true)]);
    assert_eq!((story.at(1_000_000), story.dispatcher.next_due()), (Vec::new(), None));
    assert!(story.handle(InternalEvent::Start("m".into())).has_effect);
    assert!(!story.handle(InternalEvent::Start("m".into())).has_effect, "it is asked for already");
    story.starts("m");
    assert!(!story.handle(InternalEvent::Start("m".into())).has_effect, "it is running");
    story.ends("m", fail());
    assert_eq!((story.entry("m").phase, story.dispatcher.next_due()), (Phase::Idle, None));
}

#[test]
fn a_start_cuts_the_pause() {
    let mut story = story(&[test("a", false)]);
    story.at(1);
    story.starts("a").ends("a", Verdict::Pass);
    story.clock = 50;
    assert!(story.handle(InternalEvent::Start("a".into())).has_effect);
    story.starts("a").ends("a", Verdict::Pass);
    assert_eq!(story.at(1 + REPEAT), NOTHING, "the pause is counted from the run that was asked for");
    assert_eq!(story.at(50 + REPEAT), ["a"]);
}

#[test]
fn stopping_is_for_what_is_active() {
    let mut story = story(&[test("a", false)]);
    assert!(!story.handle(InternalEvent::Stop("a".into())).has_effect);
    assert!(!story.handle(InternalEvent::Stop("nobody".into())).has_effect);
    story.at(1);
    assert_eq!(story.handle(InternalEvent::Stop("a".into())).actions, [Action::Stop("a".into())]);
    story.starts("a");
    assert_eq!(story.handle(InternalEvent::Fail("a".into())).actions, [Action::Fail("a".into())]);
    story.ends("a", Verdict::Cancelled);
    let entry = story.entry("a");
    assert_eq!((entry.counts.runs, entry.counts.failures, entry.reason.as_deref()), (1, 0, Some("Canceled")));
    assert_eq!((entry.condition(), entry.is_active()), (Condition::New, false), "it is not ok: nobody knows");
}

#[test]
fn the_reason_of_a_failure_goes_with_the_next_success_but_is_remembered() {
    let mut story = story(&[test("a", false)]);
    story.at(1);
    story.starts("a").ends("a", fail());
    assert_eq!(story.entry("a").reason.as_deref(), Some("marked as failed by an operator"));
    assert_eq!(story.entry("a").earlier_reason, None);
    story.at(1 + RETRY);
    story.starts("a").ends("a", Verdict::Pass);
    let entry = story.entry("a");
    assert_eq!(
        (entry.reason.as_deref(), entry.earlier_reason.as_deref()),
        (None, Some("marked as failed by an operator"))
    );
}

#[test]
fn times_add_up() {
    let mut story = story(&[test("a", false)]);
    story.at(1);
    story.clock = 5;
    story.starts("a");
    story.clock = 9;
    story.ends("a", Verdict::Pass);
    let entry = story.entry("a");
    let after = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    assert_eq!((entry.times.asked, entry.times.started, entry.times.ended), (Some(after(1)), after(5), Some(after(9))));
    assert_eq!((entry.counts.waited, entry.counts.ran), (Duration::from_secs(1), Duration::from_secs(2)));
}

#[test]
fn shutting_down_calls_off_what_is_active_and_starts_nothing() {
    let mut story = story(&[test("a", false), test("b", true)]);
    story.at(1);
    let outcome = story.handle(InternalEvent::ShutDown);
    assert_eq!(outcome.actions, [Action::Stop("a".into())]);
    assert!(!story.dispatcher.is_idle());
    assert!(!story.handle(InternalEvent::Start("b".into())).has_effect);
    story.ends("a", Verdict::Cancelled);
    assert!(story.dispatcher.is_idle());
    assert_eq!((story.at(1_000_000), story.dispatcher.next_due()), (Vec::new(), None));
}
