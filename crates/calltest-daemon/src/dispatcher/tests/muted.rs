//! Quiet times and silences.

use super::*;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

fn quiet(times: &str) -> QuietTimes {
    QuietTimes(vec![times.parse().unwrap()])
}

/// A silence of nothing yet.
fn silence(id: &str, until: u64) -> Silence {
    Silence {
        id: id.into(),
        tests: Vec::new(),
        links: Vec::new(),
        servers: Vec::new(),
        all: false,
        created: UNIX_EPOCH,
        until: UNIX_EPOCH + Duration::from_secs(until),
        reason: "works on the line".into(),
    }
}

fn of_test(name: &str, silence: Silence) -> InternalEvent {
    InternalEvent::Silence(Arc::new(Silence { tests: vec![name.into()], ..silence }))
}

/// A test that is quiet from one to three, and has failed as often as it takes to be in `fail` before that.
fn failing_before_its_quiet_time() -> Story {
    let mut story = story([CallTest { quiet: quiet("01:00-03:00"), ..test("a", false) }]);
    story.at(1);
    story.ends("a", fail()).at(1 + RETRY);
    story.ends("a", fail()).at(1 + 2 * RETRY);
    story.ends("a", fail());
    assert_eq!(story.lists()["fail"][0], "a");
    story
}

#[test]
fn in_a_quiet_time_nothing_starts_and_nobody_is_told() {
    let mut story = failing_before_its_quiet_time();
    let mut clock = 1 + 2 * RETRY;
    while clock + RETRY < HOUR {
        clock += RETRY;
        assert_eq!(story.at(clock), ["a"]);
        story.ends("a", fail());
    }
    assert_eq!(story.at(3 * HOUR - 1), NOTHING);
    let lists = story.lists();
    assert_eq!(
        (&lists["n_fail"], &lists["muted"][0], &lists["n_muted"]),
        (&0.into(), &"a".into(), &1.into()),
        "{lists}"
    );
    let end = UNIX_EPOCH + Duration::from_secs(3 * HOUR);
    assert_eq!(story.entry("a").muting().quiet_until, Some(end));
    assert_eq!(story.at(3 * HOUR + 1), ["a"], "as soon as it is over");
    assert_eq!(story.lists()["fail"][0], "a");
}

#[test]
fn what_fails_in_a_quiet_time_does_not_count_and_what_passes_does() {
    let mut story = failing_before_its_quiet_time();
    // Its retries go on until then, and the last of them is over before it.
    story.at(HOUR - MINUTE);
    story.ends("a", fail()).at(HOUR);
    let before = story.entry("a").record().streak.failures();
    assert!(story.handle(InternalEvent::Start("a".into())).has_effect, "nothing is under way");
    story.ends("a", fail());
    assert_eq!(story.entry("a").record().streak.failures(), before, "the line is known to be off");
    assert!(story.handle(InternalEvent::Start("a".into())).has_effect, "people may test when they like");
    story.ends("a", Verdict::Pass);
    assert_eq!(
        (story.entry("a").record().streak.failures(), story.entry("a").record().counts.failures),
        (0, u64::from(before) + 1)
    );
}

#[test]
fn a_run_that_reaches_into_a_quiet_time_is_excused_too() {
    let mut story = story([CallTest { quiet: quiet("00:01-00:02"), ..test("a", true) }]);
    story.clock = 55;
    story.handle(InternalEvent::Start("a".into()));
    story.at(MINUTE + 5);
    story.ends("a", fail());
    assert_eq!(story.entry("a").record().streak.failures(), 0);
    // So is one that began in it.
    story.handle(InternalEvent::Start("a".into()));
    story.at(2 * MINUTE + 5);
    story.ends("a", fail());
    assert_eq!(story.entry("a").record().streak.failures(), 0);
    story.handle(InternalEvent::Start("a".into()));
    story.ends("a", fail());
    assert_eq!(story.entry("a").record().streak.failures(), 1);
}

#[test]
fn a_quiet_link_or_server_keeps_its_tests_quiet() {
    let of_link = |plan: &mut Plan| {
        let quiet_link = Link { quiet: quiet("00:00-01:00"), ..link("out", "near") };
        plan.links.insert("out".into(), Arc::new(quiet_link));
    };
    let of_server = |plan: &mut Plan| {
        let quiet_server = Server { quiet: quiet("00:00-01:00"), ..server("near") };
        plan.servers.insert("near".into(), Arc::new(quiet_server));
    };
    for make_quiet in [&of_link as &dyn Fn(&mut Plan), &of_server] {
        let mut plan = plan([test("a", false)]);
        make_quiet(&mut plan);
        let mut story = story_of(plan);
        assert_eq!(story.at(HOUR - 1), NOTHING);
        assert_eq!(story.at(HOUR + 1), ["a"]);
    }
}

#[test]
fn tests_that_were_held_back_do_not_start_in_the_same_second() {
    let tests =
        (0..100).map(|number| CallTest { quiet: quiet("00:00-01:00"), ..test(&format!("t{number:02}"), false) });
    let mut story = story(tests);
    let mut drawn = 0;
    story.dispatcher.random = Box::new(move || {
        drawn += 1;
        u64::MAX / 100 * (drawn % 100)
    });
    assert_eq!(story.at(HOUR - 1), NOTHING);
    let started: Vec<usize> = (1..=6).map(|second| story.at(HOUR + second).len()).collect();
    assert!(started.iter().all(|count| *count <= 21) && started.iter().sum::<usize>() == 100, "{started:?}");
}

#[test]
fn a_silence_hides_what_is_wrong_but_not_for_longer_than_it_lasts() {
    let mut story = failing_before_its_quiet_time();
    let decision = story.handle(of_test("a", silence("1", 600)));
    assert_eq!(decision.actions, [Action::Publish("a".into())]);
    let lists = story.lists();
    assert_eq!((&lists["n_fail"], &lists["muted"][0]), (&0.into(), &"a".into()), "{lists}");
    assert_eq!(story.at(1 + 3 * RETRY), ["a"], "it goes on running");
    story.ends("a", fail());
    assert_eq!(story.entry("a").record().streak.failures(), 4, "and its failures count");
    story.at(599);
    assert_eq!(story.lists()["n_muted"], 1);
    story.at(600);
    assert_eq!((&story.lists()["n_muted"], &story.lists()["fail"][0]), (&0.into(), &"a".into()));
    assert_eq!(story.dispatcher.silences(), []);
}

#[test]
fn a_silence_covers_what_it_names_and_what_lies_on_it() {
    let none = || silence("1", 600);
    let silences = [
        (Silence { tests: vec!["b".into()], ..none() }, false),
        (Silence { tests: vec!["a".into()], ..none() }, true),
        (Silence { links: vec!["out".into()], ..none() }, true),
        (Silence { links: vec!["other".into()], ..none() }, false),
        (Silence { servers: vec!["near".into()], ..none() }, true),
        (Silence { servers: vec!["other".into()], ..none() }, false),
        (Silence { all: true, ..none() }, true),
        (none(), false),
    ];
    for (silence, is_covered) in silences {
        let mut story = story([test("a", false)]);
        story.handle(InternalEvent::Silence(Arc::new(silence.clone())));
        assert_eq!(story.entry("a").muting().is_muted(), is_covered, "{silence:?}");
        assert!(story.handle(InternalEvent::EndSilence("1".into())).has_effect);
        assert!(!story.entry("a").muting().is_muted());
        assert!(!story.handle(InternalEvent::EndSilence("1".into())).has_effect);
    }
}

#[test]
fn the_silence_that_lasts_longest_is_shown() {
    let mut story = story([test("a", false)]);
    story.handle(of_test("a", silence("short", 100)));
    story.handle(of_test("a", silence("long", 900)));
    let shown = |story: &Story| story.entry("a").muting().silence.as_ref().map(|silence| silence.id.clone());
    assert_eq!(shown(&story).as_deref(), Some("long"));
    story.handle(InternalEvent::EndSilence("long".into()));
    assert_eq!(shown(&story).as_deref(), Some("short"));
}
