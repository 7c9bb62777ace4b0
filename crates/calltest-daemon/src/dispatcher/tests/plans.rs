//! Plans that replace each other, and what an earlier process has left.

use calltest_core::streak::Streak;

use super::*;
use crate::entry::Record;

fn reload(story: &mut Story, plan: Plan) -> Vec<Action> {
    story.handle(InternalEvent::Reload(Arc::new(plan))).actions
}

#[test]
fn streaks_and_pauses_live_on_by_name() {
    let mut story = story([test("a", false), test("b", false)]);
    story.at(2);
    story.ends("a", fail()).ends("b", Verdict::Pass);
    assert_eq!(reload(&mut story, plan([test("b", false), test("a", false)])), [], "nothing has changed");
    assert_eq!(story.entry("a").record().streak.failures(), 1);
    assert_eq!(story.at(1 + RETRY), NOTHING);
    assert_eq!(story.at(2 + RETRY), ["a"]);
    assert_eq!(story.at(2 + REPEAT), ["b"]);
}

#[test]
fn what_has_changed_is_tried_soon() {
    let mut story = story([test("a", false), test("b", false), test("c", false)]);
    story.at(2);
    for name in ["a", "b", "c"] {
        story.ends(name, Verdict::Pass);
    }
    let faster = CallTest { timeout: Duration::from_secs(10), ..test("a", false) };
    let renamed = CallTest { info: "another text".into(), ..test("c", false) };
    let actions = reload(&mut story, plan([faster.clone(), test("b", false), renamed]));
    assert_eq!(actions, [Action::Publish("a".into()), Action::Publish("c".into())]);
    assert_eq!(story.at(10), ["a"], "what is said about a test is no part of its call");
    assert_eq!(story.entry("a").test().timeout, Duration::from_secs(10));
    story.ends("a", Verdict::Pass);
    // A link or a server that changes, changes the tests over it.
    let mut other = plan([faster, test("b", false), test("c", false)]);
    other.links.insert(
        "out".into(),
        Arc::new(Link {
            address: Some(Address::Asterisk(DialString::new("PJSIP/2@far").unwrap())),
            ..link("out", "near")
        }),
    );
    reload(&mut story, other);
    assert_eq!(story.at(20), ["a", "b", "c"]);
}

#[test]
fn a_test_that_is_new_runs_and_one_that_is_gone_does_not() {
    let mut story = story([test("a", false), test("b", false)]);
    story.at(2);
    story.ends("a", fail()).ends("b", Verdict::Pass);
    assert_eq!(
        reload(&mut story, plan([test("b", false), test("c", false)])),
        [Action::Publish("a".into()), Action::Publish("c".into())]
    );
    assert!(story.dispatcher.entry("a").is_none());
    assert!(!story.handle(InternalEvent::Start("a".into())).has_effect);
    assert_eq!(story.at(10), ["c"]);
    // It comes back as it was.
    reload(&mut story, plan([test("a", false), test("b", false), test("c", false)]));
    assert_eq!(story.entry("a").record().streak.failures(), 1);
    assert_eq!(story.at(12), ["a"]);
}

#[test]
fn runs_that_have_begun_go_on_under_the_old_plan_and_those_that_wait_are_called_off_with_their_test() {
    let mut story = story([test("running", false), test("waiting", false), test("stays", false)]);
    story.at(2);
    story.starts("running");
    let actions = reload(&mut story, plan([test("stays", false)]));
    let gone = |name: &str| Action::Publish(name.into());
    assert_eq!(actions, [gone("running"), Action::Stop("waiting".into()), gone("waiting")]);
    assert!(!story.dispatcher.is_idle());
    // One of them comes back while its run is still under way.
    reload(&mut story, plan([test("stays", false), test("running", false)]));
    assert_eq!(story.entry("running").phase(), Phase::Running);
    assert!(!story.handle(InternalEvent::Start("running".into())).has_effect);
    story.ends("running", fail());
    assert_eq!((story.entry("running").record().streak.failures(), story.entry("running").phase()), (1, Phase::Idle));
    // The other one ends unseen.
    let waiting = run(Arc::new(test("waiting", false)), RunId(1), Verdict::Cancelled);
    assert_eq!(story.handle(InternalEvent::Finished(Arc::new(waiting))), Decision::default());
    story.ends("stays", Verdict::Pass);
    assert!(story.dispatcher.is_idle());
}

#[test]
fn a_test_that_becomes_manual_stops_running_by_itself_and_the_other_way_round() {
    let mut story = story([test("a", false)]);
    story.at(1);
    story.ends("a", Verdict::Pass);
    reload(&mut story, plan([test("a", true)]));
    assert_eq!(story.at(10 * REPEAT), NOTHING);
    reload(&mut story, plan([test("a", false)]));
    assert_eq!(story.at(10 * REPEAT + 1), ["a"]);
}

#[test]
fn what_an_earlier_process_has_left_goes_on() {
    let seconds = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    let known = |name: &str, next: Option<SystemTime>| {
        let streak = Streak::restored(2, [true, true], false, false);
        (Entry::restored(Arc::new(test(name, false)), Record { streak, ..Record::new(seconds(0)) }), next)
    };
    let known = vec![
        known("rests", Some(seconds(80))),
        known("late", Some(seconds(0))),
        known("never", Some(seconds(1_000_000))),
        known("unknown", None),
    ];
    let tests = ["rests", "late", "never", "unknown", "new"].map(|name| test(name, false));
    let dispatcher = Dispatcher::new(Arc::new(plan(tests)), known, Vec::new(), now(0), || u64::MAX / 2);
    let mut story = Story { dispatcher, clock: 0 };
    assert_eq!(story.entry("rests").condition(), Condition::Warn);
    assert_eq!(story.at(1), ["late", "never", "new", "unknown"], "a pause that long cannot be meant");
    assert_eq!(story.at(79), NOTHING);
    assert_eq!(story.at(80), ["rests"]);
}
