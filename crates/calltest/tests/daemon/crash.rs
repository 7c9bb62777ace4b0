//! Kill -9 at random moments: what was told once is in the history, which opens clean, and no channel is left after a restart.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::server::{CONFIG, nothing_is_left, server};
use crate::{Daemon, Program, http};

/// How many runs have to be seen in all.
const RUNS: usize = 200;

/// The ids of the latest runs of a test.
fn finished(address: &str, test: &str) -> Option<Vec<String>> {
    let (status, page) = http::request(address, "GET", &format!("/test/{test}/history?limit=1000"));
    let id = |run: &Value| run["id"].as_str().unwrap().to_owned();
    (status == 200).then(|| page["runs"].as_array().unwrap().iter().map(id).collect())
}

#[test]
fn a_kill_at_any_moment_loses_no_run_that_was_told_of_and_leaves_no_channel() {
    let lab = server();
    let state = tempfile::tempdir().unwrap();
    // Eight lines of their own that ring at once, and one call that is up for long.
    let mut text = CONFIG.to_owned();
    let names: Vec<String> = (0..8).map(|number| format!("line{number}")).collect();
    let links: String = names.iter().map(|name| format!("  {name}: {{channel: Local/rings@far}}\n")).collect();
    let calls: String = names
        .iter()
        .map(|name| format!("  {name}: {{mode: ring, src: {name}, test: {{skip: no, repeat: 0, retry: 0}}}}\n"))
        .collect();
    text = text.replace("calls:\n", &format!("{links}calls:\n")) + &calls;
    let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
    // A different moment each time, the same in every run of this test.
    let mut moment = 0x9e37_79b9_7f4a_7c15_u64;
    while known.values().map(Vec::len).sum::<usize>() < RUNS {
        let daemon = Daemon::start_in(state.path(), Program::new().config(&text).on(lab.server("a")));
        for name in &names {
            let kept = finished(&daemon.address, name).unwrap();
            let lost: Vec<_> = known.get(name).into_iter().flatten().filter(|id| !kept.contains(id)).collect();
            assert!(lost.is_empty(), "{name}: {lost:?} were told of and are lost; {kept:?}");
            // The board agrees with the history.
            let state = daemon.get(&format!("/test/{name}"));
            assert!(state["n_run"].as_u64() >= Some(kept.len() as u64), "{name}: {} runs, {state}", kept.len());
        }
        let (status, _) = http::request(&daemon.address, "PUT", "/test/long/start");
        assert_eq!(status, 200);
        moment = moment.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        thread::sleep(Duration::from_millis(300 + moment % 1200));
        for name in &names {
            known.insert(name.clone(), finished(&daemon.address, name).unwrap());
        }
        daemon.kill();
    }
    // Once nothing starts by itself, the counts stand still: no run was forgotten by the board, and none counted twice.
    let still = Program::new().config(&text.replace("skip: no", "skip: yes")).on(lab.server("a"));
    let daemon = Daemon::start_in(state.path(), still);
    for name in &names {
        let (kept, state) = (finished(&daemon.address, name).unwrap(), daemon.get(&format!("/test/{name}")));
        assert_eq!(state["n_run"], kept.len(), "{name}: {state}");
    }
    assert_eq!(daemon.get("/healthz")["conditions"], serde_json::json!([]));
    nothing_is_left(&lab);
}
