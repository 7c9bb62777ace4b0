//! What tests cost: the calls and minutes a day that a configuration makes of each link.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

use calltest_config::{Input, Source, load};
use calltest_core::call_volume::CallVolume;
use calltest_core::plan::LinkName;

/// What is said of link `trunk` with these keys under `guard`, this link and these tests.
fn told(guard: &str, link: &str, calls: &str) -> Option<String> {
    let text = format!(
        "guard: {{{guard}}}\nasterisk: {{dialplan: {{country: 49}}}}\n\
         links:\n  trunk: {{channel: 'PJSIP/{{number}}@trunk', {link}}}\n  other: {{channel: 'PJSIP/{{number}}@other'}}\n\
         calls:\n  ':default:': {{mode: ring, src: trunk, number: +49911123}}\n  {calls}\n"
    );
    let source = Source::File { path: "here".into(), text };
    let loaded = load(&Input { source, overrides: Vec::new(), is_lenient: false });
    let plan = loaded.unwrap_or_else(|rejected| panic!("\n{rejected}")).plan;
    CallVolume::of_all(&plan).get(&LinkName::from("trunk")).map(ToString::to_string)
}

#[track_caller]
fn check(guard: &str, link: &str, calls: &str, expected: &str) {
    assert_eq!(told(guard, link, calls).unwrap(), expected, "guard {guard}, link {link}, calls {calls}");
}

#[test]
fn a_day_has_as_many_calls_as_its_pauses_allow() {
    let one = "a: {timeout: 60, test: {repeat: 600, retry: 60}}";
    // A call of a minute every eleven minutes, or every two.
    check(
        "",
        "",
        one,
        "144 calls and up to 131 minutes a day as planned; 1440 calls and up to 720 minutes a day if everything fails: there is no budget",
    );
    let two = &format!("{one}\n  b: {{timeout: 60, test: {{repeat: 86400, retry: 86400}}}}");
    check(
        "",
        "max_calls: 2",
        two,
        "145 calls and up to 132 minutes a day as planned; 1441 calls and up to 721 minutes a day if everything fails: there is no budget",
    );
    // Whoever is in no hurry after a failure calls no less while all is well.
    let calm = "a: {timeout: 60, test: {repeat: 600, retry: 1200}}";
    check(
        "",
        "",
        calm,
        "144 calls and up to 131 minutes a day as planned; 144 calls and up to 131 minutes a day if everything fails: there is no budget",
    );
}

#[test]
fn budgets_bound_what_failures_make_of_it() {
    let one = "a: {timeout: 60, test: {repeat: 600, retry: 60}}";
    let bounded = |calls: u32, minutes: u32| {
        format!(
            "144 calls and up to 131 minutes a day as planned; {calls} calls and up to {minutes} minutes a day by the budgets, even if everything fails"
        )
    };
    check("calls_per_day: 200", "", one, &bounded(200, 720));
    check("", "guard: {calls_per_hour: 10}", one, &bounded(240, 720));
    check("minutes_per_day: 90", "guard: {minutes_per_hour: 4, calls_per_day: 20}", one, &bounded(20, 90));
    check("minutes_per_hour: 2", "", one, &bounded(1440, 48));
    check("calls_per_hour: 100000", "", one, &bounded(1440, 720));
}

#[test]
fn no_pause_is_told_as_such_and_minutes_are_those_of_the_lines() {
    let at_once = "a: {timeout: 60, test: {repeat: 600, retry: 0}}";
    check(
        "",
        "",
        at_once,
        "144 calls and up to 131 minutes a day as planned; one call after the other and up to 1440 minutes a day if everything fails: there is no budget",
    );
    let many = (0..20).map(|n| format!("t{n}: {{timeout: 60, test: {{repeat: 60, retry: 60}}}}")).collect::<Vec<_>>();
    check(
        "",
        "",
        &many.join("\n  "),
        "28800 calls and up to 1440 minutes a day as planned; 28800 calls and up to 1440 minutes a day if everything fails: there is no budget",
    );
}

#[test]
fn what_is_started_by_hand_or_calls_out_elsewhere_costs_nothing() {
    assert_eq!(told("", "", "a: {test: {skip: yes}}"), None);
    assert_eq!(told("", "", "a: {src: other}\n  b: {mode: answer, src: ~, number: ~, dst: trunk}"), None);
}
