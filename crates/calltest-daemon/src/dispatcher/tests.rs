//! The schedule as readable sequences, in virtual time.

use std::num::NonZeroU32;
use std::time::UNIX_EPOCH;

use calltest_core::evidence::{Evidence, ScriptEnd, Stop};
use calltest_core::expectation::Expectation;
use calltest_core::guard::Guard;
use calltest_core::measures::Measures;
use calltest_core::number::Dialplan;
use calltest_core::number_rule::NumberRules;
use calltest_core::plan::{
    Address, Arrival, Asterisk, Delay, Destination, DialString, Link, LinkName, Listen, OutScript, PostDial, Presence,
    Requirements, Ringing, Route, Schedule, Secret, Server, ServerKind,
};
use calltest_core::quiet::QuietTimes;
use calltest_core::streak::Condition;
use calltest_core::verdict::{Failure, Reason, Trouble, Verdict};
use jiff::tz::TimeZone;

use super::*;
use crate::lists::Lists;

mod muted;
mod plans;

const RETRY: u64 = 100;
const REPEAT: u64 = 1000;

/// A call that has to ring, over that link.
fn ring(src: &str) -> Route {
    Route::Out {
        to: Destination { src: src.into(), number: None, post_dial: PostDial::default() },
        script: OutScript::Ring,
    }
}

/// A test over the link `out`.
pub(crate) fn test(name: &str, is_manual: bool) -> CallTest {
    let seconds = Duration::from_secs;
    CallTest {
        name: name.into(),
        info: "-".into(),
        route: ring("out"),
        timeout: seconds(30),
        delay: Delay { pre: seconds(0), ring: seconds(1), answer: seconds(1) },
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
            retry: seconds(RETRY),
            repeat: seconds(REPEAT),
            warn: NonZeroU32::new(2).unwrap(),
            fail: NonZeroU32::new(3).unwrap(),
            is_manual,
        },
        quiet: QuietTimes::default(),
    }
}

fn link(name: &str, server: &str) -> Link {
    Link { address: Some(Address::Asterisk(DialString::new("PJSIP/1@far").unwrap())), ..Link::new(name, server) }
}

fn server(name: &str) -> Server {
    Server {
        name: name.into(),
        dialplan: Dialplan { country: "49".into(), city: None, intl: "00".into(), natl: "0".into() },
        outgoing: NumberRules::default(),
        incoming: NumberRules::default(),
        max_calls: None,
        quiet: QuietTimes::default(),
        kind: ServerKind::Asterisk(Asterisk {
            host: "localhost".into(),
            port: 8088,
            tls: None,
            path: String::new(),
            timeout: Duration::from_secs(5),
            username: "asterisk".into(),
            password: Secret::new("secret"),
            app: "calltest".into(),
            play_base: String::new(),
            record_base: String::new(),
        }),
    }
}

/// A plan with these tests, over the link `out` on the server `near` unless it is changed further.
fn plan(tests: impl IntoIterator<Item = CallTest>) -> Plan {
    let (link, server) = (link("out", "near"), server("near"));
    Plan {
        origin: "test".into(),
        servers: [(server.name.clone(), Arc::new(server))].into(),
        links: [(link.name.clone(), Arc::new(link))].into(),
        tests: tests.into_iter().map(Arc::new).collect(),
        listen: Listen { host: "127.0.0.1".into(), port: 8080 },
        max_calls: None,
        guard: Guard::default(),
        state_dir: None,
        log_levels: Vec::new(),
        history: None,
        grace: Duration::from_secs(20),
    }
}

/// A dispatcher under a clock that the test winds. It begins on a Thursday at midnight: the first of January 1970, in UTC.
struct Story {
    dispatcher: Dispatcher,
    clock: u64,
}

fn now(clock: u64) -> Now {
    let clock = Duration::from_secs(clock);
    Now::new(clock, UNIX_EPOCH + clock, &TimeZone::UTC)
}

/// Whatever is drawn at random lies in the middle.
fn story(tests: impl IntoIterator<Item = CallTest>) -> Story {
    story_of(plan(tests))
}

fn story_of(plan: Plan) -> Story {
    Story { dispatcher: Dispatcher::new(Arc::new(plan), Vec::new(), Vec::new(), now(0), || u64::MAX / 2), clock: 0 }
}

impl Story {
    fn handle(&mut self, event: InternalEvent) -> Decision {
        self.dispatcher.handle_event(event, now(self.clock))
    }

    /// Winds the clock to that second, as the loop would, with every tick on the way; returns the names of the tests that
    /// start.
    fn at(&mut self, second: u64) -> Vec<String> {
        let mut started = Vec::new();
        loop {
            let next = self.dispatcher.next_due().map(|due| due.as_secs_f64().ceil() as u64);
            let next = next.filter(|next| *next < second).unwrap_or(second);
            self.clock = self.clock.max(next);
            started.extend(self.handle(InternalEvent::Tick).actions.into_iter().filter_map(|action| match action {
                Action::Run(test, _) => Some(test.name.to_string()),
                _ => None,
            }));
            if next == second {
                return started;
            }
        }
    }

    fn starts(&mut self, name: &str) -> &mut Self {
        let run = self.entry(name).record().run.unwrap();
        self.handle(InternalEvent::Started(name.into(), run));
        self
    }

    fn ends(&mut self, name: &str, verdict: Verdict) -> &mut Self {
        let entry = self.entry(name);
        let (test, id) = (Arc::clone(entry.test()), entry.record().run.unwrap());
        self.handle(InternalEvent::Finished(Arc::new(run(test, id, verdict))));
        self
    }

    fn entry(&self, name: &str) -> &Entry {
        self.dispatcher.entry(name).unwrap()
    }

    /// The lists of the board, as JSON has them.
    fn lists(&self) -> serde_json::Value {
        serde_json::to_value(Lists::of(self.dispatcher.entries())).unwrap()
    }
}

/// A run that waited for a second and took two.
fn run(test: Arc<CallTest>, id: RunId, verdict: Verdict) -> FinishedRun {
    let evidence = Evidence {
        src: None,
        dst: None,
        facts: Vec::new(),
        script_end: ScriptEnd::Stopped(Stop::Cancelled),
        src_server: None,
        dst_server: None,
        abilities: calltest_core::abilities::Abilities::ALL,
        script_ended_at: Duration::ZERO,
        sight: Vec::new(),
        loop_delay: Duration::ZERO,
    };
    FinishedRun {
        id,
        expectation: Expectation::of(&test, |_, _| String::new()),
        test,
        requested: UNIX_EPOCH,
        waited: Duration::from_secs(1),
        duration: Duration::from_secs(2),
        verdict,
        notes: Vec::new(),
        measures: Measures::of(&evidence),
        evidence,
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
    let mut story = story([test("a", false)]);
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
    let mut story = story([test("a", false)]);
    story.at(1);
    story.starts("a").ends("a", fail());
    story.at(1 + RETRY);
    story.starts("a").ends("a", error());
    let entry = story.entry("a");
    assert_eq!(
        (entry.condition(), entry.record().streak.failures(), entry.record().streak.is_unknown()),
        (Condition::Note, 1, true)
    );
    assert_eq!((entry.record().counts.runs, entry.record().counts.failures, entry.record().counts.errors), (2, 1, 1));
    assert_eq!(story.at(1 + 2 * RETRY), ["a"]);
}

#[test]
fn many_tests_do_not_start_in_the_same_second() {
    let tests = (0..100).map(|number| test(&format!("t{number:02}"), false));
    let mut drawn = 0;
    let random = move || {
        drawn += 1;
        u64::MAX / 100 * (drawn % 101)
    };
    let dispatcher = Dispatcher::new(Arc::new(plan(tests)), Vec::new(), Vec::new(), now(0), random);
    let mut story = Story { dispatcher, clock: 0 };
    let started: Vec<usize> = (1..=6).map(|second| story.at(second).len()).collect();
    assert_eq!(started, [20, 20, 20, 20, 20, 0]);
}

#[test]
fn a_manual_test_waits_for_somebody() {
    let mut story = story([test("m", true)]);
    assert_eq!((story.at(1_000_000), story.dispatcher.next_due()), (Vec::new(), None));
    assert!(story.handle(InternalEvent::Start("m".into())).has_effect);
    assert!(!story.handle(InternalEvent::Start("m".into())).has_effect, "it is asked for already");
    story.starts("m");
    assert!(!story.handle(InternalEvent::Start("m".into())).has_effect, "it is running");
    story.ends("m", fail());
    assert_eq!((story.entry("m").phase(), story.dispatcher.next_due()), (Phase::Idle, None));
}

#[test]
fn a_start_cuts_the_pause() {
    let mut story = story([test("a", false)]);
    story.at(1);
    story.starts("a").ends("a", Verdict::Pass);
    story.clock = 50;
    assert!(story.handle(InternalEvent::Start("a".into())).has_effect);
    story.starts("a").ends("a", Verdict::Pass);
    assert_eq!(story.at(1 + REPEAT), NOTHING, "the pause is counted from the run that was asked for");
    assert_eq!(story.at(50 + REPEAT), ["a"]);
}

#[test]
fn what_is_told_of_an_earlier_run_is_not_taken_for_the_next() {
    let mut story = story([test("a", false)]);
    story.at(1);
    let first = story.entry("a").record().run.unwrap();
    story.ends("a", Verdict::Cancelled);
    story.dispatcher.random = Box::new(|| 7);
    story.handle(InternalEvent::Start("a".into()));
    assert!(!story.handle(InternalEvent::Started("a".into(), first)).has_effect);
    assert_eq!(story.entry("a").phase(), Phase::Waiting);
    story.starts("a");
    assert_eq!(story.entry("a").phase(), Phase::Running);
}

#[test]
fn stopping_is_for_what_is_active() {
    let mut story = story([test("a", false)]);
    assert!(!story.handle(InternalEvent::Stop("a".into())).has_effect);
    assert!(!story.handle(InternalEvent::Stop("nobody".into())).has_effect);
    story.at(1);
    assert_eq!(story.handle(InternalEvent::Stop("a".into())).actions, [Action::Stop("a".into())]);
    story.starts("a");
    assert_eq!(story.handle(InternalEvent::Fail("a".into())).actions, [Action::Fail("a".into())]);
    story.ends("a", Verdict::Cancelled);
    let entry = story.entry("a");
    assert_eq!(
        (entry.record().counts.runs, entry.record().counts.failures, sentence(&entry.record().reason)),
        (1, 0, Some("Canceled"))
    );
    assert_eq!((entry.condition(), entry.is_active()), (Condition::New, false), "it is not ok: nobody knows");
}

fn sentence(reason: &Option<Reason>) -> Option<&str> {
    reason.as_ref().map(|reason| reason.sentence.as_str())
}

#[test]
fn the_reason_of_a_failure_goes_with_the_next_success_but_is_remembered() {
    let mut story = story([test("a", false)]);
    story.at(1);
    story.starts("a").ends("a", fail());
    assert_eq!(sentence(&story.entry("a").record().reason), Some("marked as failed by an operator"));
    assert_eq!(story.entry("a").record().earlier_reason, None);
    story.at(1 + RETRY);
    story.starts("a").ends("a", Verdict::Pass);
    let entry = story.entry("a");
    assert_eq!(
        (sentence(&entry.record().reason), sentence(&entry.record().earlier_reason)),
        (None, Some("marked as failed by an operator"))
    );
}

#[test]
fn times_add_up() {
    let mut story = story([test("a", false)]);
    story.at(1);
    story.clock = 5;
    story.starts("a");
    story.clock = 9;
    story.ends("a", Verdict::Pass);
    let entry = story.entry("a");
    let after = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    assert_eq!(
        (entry.record().times.asked, entry.record().times.started, entry.record().times.ended),
        (Some(after(1)), after(5), Some(after(9)))
    );
    assert_eq!(
        (entry.record().counts.waited, entry.record().counts.ran),
        (Duration::from_secs(1), Duration::from_secs(2))
    );
}

#[test]
fn shutting_down_calls_off_what_is_active_and_starts_nothing() {
    let mut story = story([test("a", false), test("b", true)]);
    story.at(1);
    let decision = story.handle(InternalEvent::ShutDown);
    assert_eq!(decision.actions, [Action::Stop("a".into())]);
    assert!(!story.dispatcher.is_idle());
    assert!(!story.handle(InternalEvent::Start("b".into())).has_effect);
    story.ends("a", Verdict::Cancelled);
    assert!(story.dispatcher.is_idle());
    assert_eq!((story.at(1_000_000), story.dispatcher.next_due()), (Vec::new(), None));
}

#[test]
fn what_could_not_be_tested_for_want_of_a_server_runs_soon_after_that_is_back() {
    let mut elsewhere = test("elsewhere", false);
    elsewhere.route = ring("far");
    let mut plan = plan([test("a", false), test("m", true), elsewhere]);
    plan.links.insert(LinkName::from("far"), Arc::new(link("far", "remote")));
    plan.servers.insert("remote".into(), Arc::new(server("remote")));
    let mut story = story_of(plan);
    story.at(1);
    story.ends("a", error()).ends("elsewhere", error());
    story.handle(InternalEvent::Start("m".into()));
    story.ends("m", error());
    story.clock = 10;
    assert!(story.handle(InternalEvent::ServerUp("near".into())).has_effect);
    assert_eq!(story.at(11), ["a"], "not the one on the other server, and not the one that is for people");
    story.ends("a", Verdict::Pass);
    assert!(!story.handle(InternalEvent::ServerUp("near".into())).has_effect, "all is well");
}
