//! What the keys for the daemon become in the plan: quiet times, how long it waits in the end, which runs it keeps.

use std::time::Duration;

use calltest_config::{Input, Source, load};
use calltest_core::plan::{Plan, Retention};
use calltest_core::quiet::QuietTimes;

fn plan(text: &str) -> Plan {
    let source = Source::File { path: "daemon.yaml".into(), text: text.into() };
    let loaded = load(&Input { source, overrides: Vec::new(), is_lenient: false });
    loaded.unwrap_or_else(|rejected| panic!("{rejected}\n{text}")).plan
}

fn days(days: u64) -> Duration {
    Duration::from_secs(days * 24 * 60 * 60)
}

#[test]
fn history_is_kept_unless_it_is_off() {
    let usual = Retention { age: days(30), failure_age: days(365), runs: 1_000_000, bytes: 1024 * 1024 * 1024 };
    let table = [
        ("", Some(usual)),
        ("server: {history: }", Some(usual)),
        ("server: {history: yes}", Some(usual)),
        ("server: {history: {}}", Some(usual)),
        ("server: {history: no}", None),
        ("server: {history: {days: 90}}", Some(Retention { age: days(90), ..usual })),
        ("server: {history: {failure_days: 30}}", Some(Retention { failure_age: days(30), ..usual })),
        ("server: {history: {runs: 5, megabytes: 3}}", Some(Retention { runs: 5, bytes: 3 * 1024 * 1024, ..usual })),
    ];
    for (text, history) in table {
        assert_eq!(plan(text).history, history, "{text}");
    }
}

#[test]
fn runs_have_twenty_seconds_to_end() {
    for (text, grace) in [("", 20.0), ("server: {grace: 0}", 0.0), ("server: {grace: 2.5}", 2.5)] {
        assert_eq!(plan(text).grace, Duration::from_secs_f64(grace), "{text}");
    }
}

#[test]
fn quiet_times_are_those_of_the_entry_or_else_of_the_default() {
    let plan = plan(
        "asterisk: {quiet: 0 3 1 * * for 2h}
servers: {second: {}}
links:
  ':default:': {channel: Local/1@direct, quiet: [01:00-02:00, 02:00-03:00]}
  a: {}
  b: {quiet: mon 02:00-05:00}
  c: {quiet: []}
calls:
  ':default:': {mode: ring, src: a, quiet: '*/30 * * * * for 5m'}
  d: {}
  e: {quiet: [22:00-06:00]}
  f: {quiet: null}
",
    );
    let quiet = |texts: &[&str]| QuietTimes(texts.iter().map(|text| text.parse().unwrap()).collect());
    let servers = [("asterisk", quiet(&["0 3 1 * * for 2h"])), ("second", quiet(&[]))];
    for (name, expected) in servers {
        assert_eq!(plan.servers[name].quiet, expected, "{name}");
    }
    let links = [("a", quiet(&["01:00-02:00", "02:00-03:00"])), ("b", quiet(&["mon 02:00-05:00"])), ("c", quiet(&[]))];
    for (name, expected) in links {
        assert_eq!(plan.links[name].quiet, expected, "{name}");
    }
    let tests = [("d", quiet(&["*/30 * * * * for 5m"])), ("e", quiet(&["22:00-06:00"])), ("f", quiet(&[]))];
    for (name, expected) in tests {
        assert_eq!(plan.test(name).unwrap().quiet, expected, "{name}");
    }
}
