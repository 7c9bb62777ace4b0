//! Finished runs: page by page, each whole, with recordings; and what survives a restart.

use serde_json::{Value, json};

use crate::server::{CONFIG, nothing_is_left, server, server_with};
use crate::{Daemon, Program, http};

/// Dialplan of a far end that says something.
pub(crate) const SPEAKING: &str =
    "[speaking]\nexten => speaks,1,Answer()\n same => n,Playback(demo-thanks)\n same => n,Wait(60)\n";
/// The link to it, and a test that records what it says.
pub(crate) const SPEAKS: &str = "links.speaks={channel: Local/speaks@speaking}";
pub(crate) const LISTEN: &str =
    "calls.listen={mode: play, src: speaks, audio: {src_in: said}, delay: {answer: 1}, test: {skip: yes}}";

/// Runs a test so often, one after the other.
#[track_caller]
fn run_times(daemon: &mut Daemon, test: &str, times: u64) {
    for _ in 0..times {
        let before = daemon.get(&format!("/test/{test}"))["n_run"].as_u64().unwrap();
        assert!(daemon.put(&format!("/test/{test}/start")));
        daemon.wait_for(test, "it has run", |state| state["n_run"].as_u64() > Some(before));
    }
}

fn ids(page: &Value) -> Vec<String> {
    page["runs"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_history_of_a_test_is_paged_and_filtered() {
    let lab = server();
    let mut daemon = Daemon::start(Program::new().config(CONFIG).on(lab.server("a")));
    assert_eq!(daemon.get("/test/good/history"), json!({ "runs": [], "next": null }));
    run_times(&mut daemon, "good", 5);
    assert!(daemon.put("/test/long/start"));
    let long = daemon.wait_for("long", "it runs", |state| state["running"] == true);
    let under_way = format!("/test/long/runs/{}", long["run"].as_str().unwrap());
    let (status, answer) = http::request(&daemon.address, "GET", &under_way);
    assert_eq!((status, &answer["status"]), (202, &json!("running")), "{answer}");
    assert!(daemon.put("/test/long/fail"));
    daemon.wait_for("long", "it is over", |state| state["n_run"] == 1);
    assert_eq!(daemon.get(&under_way)["verdict"], json!("fail"));

    let all = daemon.get("/test/good/history");
    assert_eq!((ids(&all).len(), &all["next"]), (5, &Value::Null), "{all}");
    let newest = &all["runs"][0];
    assert_eq!((&newest["verdict"], newest.get("reason")), (&json!("pass"), None), "{newest}");
    let requested: Vec<f64> =
        all["runs"].as_array().unwrap().iter().map(|run| run["requested"].as_f64().unwrap()).collect();
    assert!(requested.is_sorted_by(|one, next| one > next), "the newest first: {requested:?}");
    let mut paged = Vec::new();
    let mut path = "/test/good/history?limit=2".to_owned();
    loop {
        let page = daemon.get(&path);
        paged.push(ids(&page));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/test/good/history?limit=2&before={next}");
    }
    assert_eq!(paged.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!(paged.concat(), ids(&all));

    let filtered = |filter: &str| ids(&daemon.get(&format!("/test/good/history?{filter}"))).len();
    assert_eq!((filtered("verdict=fail"), filtered("verdict=fail,pass"), filtered("verdict=pass&limit=1")), (0, 5, 1));
    let middle = requested[2];
    assert_eq!((filtered(&format!("from={middle}")), filtered(&format!("to={middle}"))), (3, 2));
    let failed = daemon.get("/test/long/history?verdict=fail");
    assert_eq!(failed["runs"][0]["reason"], json!("marked as failed by an operator"));

    // Each of them whole, in the form that `run --format json` prints.
    let id = ids(&all)[0].clone();
    let run = daemon.get(&format!("/test/good/runs/{id}"));
    assert_eq!(
        (&run["version"], &run["id"], &run["test"], &run["mode"]),
        (&json!(1), &json!(id), &json!("good"), &json!("ring"))
    );
    assert!(run["timeline"].as_array().unwrap().iter().any(|entry| entry["fact"] == "ringing"), "{run}");
    assert_eq!(daemon.get(&format!("/test/good/runs/{id}/recordings")), json!([]));

    for (path, status, reason) in [
        ("/test/nobody/history", 404, "there is no test nobody"),
        ("/test/good/runs/00", 404, "there is no run 00 of test good; it may not be kept any more"),
        ("/test/good/history?limit=0", 400, "limit: expected 1 to 1000, got 0"),
        ("/test/good/history?verdict=bad", 400, "verdict: expected pass, fail, error or cancelled, got \"bad\""),
        ("/test/good/history?from=-1", 400, "from: expected seconds since the Unix epoch, got -1"),
        ("/test/good/history?before=x", 400, "before: expected `next` of an earlier page, got \"x\""),
    ] {
        let (seen, body) = http::request(&daemon.address, "GET", path);
        assert_eq!((seen, &body["error"]), (status, &json!(reason)), "{path}");
    }
    // A run belongs to its test.
    assert_eq!(http::request(&daemon.address, "GET", &format!("/test/long/runs/{id}")).0, 404);
    nothing_is_left(&lab);
}

#[test]
fn recordings_can_be_fetched() {
    let lab = server_with(SPEAKING);
    let program = Program::new().config(CONFIG).on(lab.server("a")).set(SPEAKS).set(LISTEN);
    let mut daemon = Daemon::start(program);
    run_times(&mut daemon, "listen", 1);
    let state = daemon.get("/test/listen");
    assert_eq!(state.get("exc"), None, "{state}");
    let path = format!("/test/listen/runs/{}/recordings", state["run"].as_str().unwrap());
    let recordings = daemon.get(&path);
    let recording = &recordings[0];
    assert_eq!((&recording["side"], &recording["name"]), (&json!("src"), &json!("said")), "{recordings}");
    let (head, body) = http::answer(&daemon.address, "GET", recording["url"].as_str().unwrap(), &[], None);
    assert!(head.to_ascii_lowercase().contains("content-type: audio/wav"), "{head}");
    assert!(body.starts_with(b"RIFF") && body.len() > 8000, "{} bytes", body.len());
    let (status, answer) = http::request(&daemon.address, "GET", &format!("{path}/dst"));
    assert!(
        status == 404 && answer["error"].as_str().unwrap().ends_with("nothing was recorded on that side"),
        "{answer}"
    );
    let (status, _) = http::request(&daemon.address, "GET", &format!("{path}/..%2F..%2Fhistory.sqlite"));
    assert_eq!(status, 404);
}

#[test]
fn streaks_counts_and_runs_survive_a_restart() {
    let lab = server();
    let state = tempfile::tempdir().unwrap();
    let program = || Program::new().config(CONFIG).on(lab.server("a"));
    let mut daemon = Daemon::start_in(state.path(), program());
    run_times(&mut daemon, "busy", 2);
    run_times(&mut daemon, "good", 1);
    let before = ["busy", "good"].map(|test| daemon.get(&format!("/test/{test}")));
    let (lists, history) = (daemon.get("/list"), daemon.get("/test/busy/history"));
    daemon.end();
    let mut daemon = Daemon::start_in(state.path(), program());
    assert_eq!(["busy", "good"].map(|test| daemon.get(&format!("/test/{test}"))), before);
    assert_eq!((daemon.get("/list"), daemon.get("/test/busy/history")), (lists, history));
    run_times(&mut daemon, "busy", 1);
    assert_eq!(daemon.get("/test/busy")["fail_count"], json!(3));
    assert_eq!(ids(&daemon.get("/test/busy/history")).len(), 3);
}

#[test]
fn a_restart_does_not_make_every_test_run_at_once() {
    let lab = server();
    let state = tempfile::tempdir().unwrap();
    let program = || Program::new().config(CONFIG).on(lab.server("a")).set("calls.good.test.skip=no");
    let mut daemon = Daemon::start_in(state.path(), program());
    let ran = daemon.wait_for("good", "it has run", |state| state["n_run"] == 1);
    let pause = ran["t_next"].as_f64().unwrap() - ran["t_stop"].as_f64().unwrap();
    assert!((570.0..=630.0).contains(&pause), "{ran}");
    daemon.end();
    let daemon = Daemon::start_in(state.path(), program());
    let rests = daemon.get("/test/good");
    let drift = rests["t_next"].as_f64().unwrap() - ran["t_next"].as_f64().unwrap();
    // What it does next is decided at the start, and the daemon answers only after that.
    assert!(rests["n_run"] == 1 && rests["status"] == "idle" && drift.abs() < 0.01, "{rests}");
}

#[test]
fn without_a_history_on_disk_the_latest_runs_are_known_and_nothing_is_written() {
    let lab = server();
    let state = tempfile::tempdir().unwrap();
    let program = || Program::new().config(CONFIG).on(lab.server("a")).set("server.history=off");
    let mut daemon = Daemon::start_in(state.path(), program());
    run_times(&mut daemon, "busy", 2);
    assert_eq!(ids(&daemon.get("/test/busy/history")).len(), 2);
    assert_eq!(daemon.get("/healthz")["conditions"], json!([]));
    daemon.end();
    assert!(!state.path().join("history.sqlite").exists());
    assert_eq!(Daemon::start_in(state.path(), program()).get("/test/busy")["n_run"], json!(0));
}

#[test]
fn a_history_that_cannot_be_written_stops_no_test_and_is_told() {
    let lab = server();
    let state = tempfile::tempdir().unwrap();
    let file = state.path().join("history.sqlite");
    std::fs::write(&file, "this was something else").unwrap();
    let mut daemon = Daemon::start_in(state.path(), Program::new().config(CONFIG).on(lab.server("a")));
    run_times(&mut daemon, "busy", 2);
    let health = daemon.get("/healthz");
    assert!(health["conditions"][0].as_str().unwrap().contains("history.sqlite"), "{health}");
    assert_eq!(ids(&daemon.get("/test/busy/history")).len(), 2);
    daemon.end();
    assert_eq!(std::fs::read(&file).unwrap(), b"this was something else");
}

#[test]
fn a_state_directory_that_cannot_be_used_stops_no_test_and_is_told() {
    let lab = server();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mut daemon = Daemon::start_in(&file.join("state"), Program::new().config(CONFIG).on(lab.server("a")));
    run_times(&mut daemon, "busy", 1);
    let health = daemon.get("/healthz");
    assert!(health["conditions"][0].as_str().unwrap().contains("cannot be used"), "{health}");
}
