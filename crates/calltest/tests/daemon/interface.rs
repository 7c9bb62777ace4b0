//! The interface of the manual, key by key: what 0.7.4 answered, ours answers too.

use serde_json::{Value, json};

use crate::server::{CONFIG, nothing_is_left, server};
use crate::{Daemon, Program, http};

/// What 0.7.4 answered for a test that had not run yet.
const CAPTURED: &str = r#"{"ct_run":0,"ct_wait":0,"fail_count":0,"fail_map":[],"last_exc":null,"n_fail":0,"n_run":0,"repeat_after":15,
    "retry_after":20,"running":false,"status":"new","t_start":1795342033.389001,"timeout":30}"#;

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    }
}

#[test]
fn a_test_that_has_not_run_looks_as_it_always_did() {
    let lab = server();
    let times = "calls.:default:.test={skip: yes, repeat: 15, retry: 20}";
    let daemon = Daemon::start(Program::new().config(CONFIG).set(times).on(lab.server("a")));
    let state = daemon.get("/test/good");
    let captured: Value = serde_json::from_str(CAPTURED).unwrap();
    for (key, value) in captured.as_object().unwrap() {
        match key.as_str() {
            "t_start" => assert_eq!(kind(&state[key]), kind(value), "{key}: {state}"),
            _ => assert_eq!(state[key], *value, "{key}: {state}"),
        }
    }
    for key in ["t_wait", "t_stop", "waiting", "exc"] {
        assert_eq!(state.get(key), None, "{key}: {state}");
    }
    let lists = daemon.get("/list");
    let empty = json!({"fail": [], "warn": [], "note": [], "ok": [], "unknown": []});
    for (key, value) in empty.as_object().unwrap() {
        assert_eq!((&lists[key], &lists[&format!("n_{key}")]), (value, &json!(0)), "{key}: {lists}");
    }
    assert_eq!(lists["n_skip"], json!(9), "{lists}");
    let short = daemon.get("/");
    assert!(short.get("ok").is_none() && short.get("skip").is_none() && short["n_ok"] == json!(0), "{short}");
}

#[test]
fn commands_have_an_effect_only_where_there_is_something_to_do() {
    let lab = server();
    let mut daemon = Daemon::start(Program::new().config(CONFIG).on(lab.server("a")));
    assert!(!daemon.put("/test/long/stop") && !daemon.put("/test/long/fail"), "nothing runs");
    assert!(daemon.put("/test/long/start"));
    assert!(!daemon.put("/test/long/start"), "it is asked for already");
    daemon.wait_for("long", "it runs", |state| state["running"] == true && state["status"] == "running");
    assert!(!daemon.put("/test/long/start"), "it is running");

    // It wants the same links, so it has to wait.
    assert!(daemon.put("/test/other/start"));
    let state = daemon.wait_for("other", "it waits", |state| state["waiting"] == true);
    assert_eq!((&state["status"], &state["running"]), (&json!("waiting"), &json!(false)), "{state}");
    assert!(daemon.put("/test/other/stop"));
    let state = daemon.wait_for("other", "it is over", |state| state["status"] == "idle");
    assert_eq!(
        (&state["n_run"], &state["n_fail"], &state["exc"]),
        (&json!(1), &json!(0), &json!(["Canceled"])),
        "{state}"
    );

    assert!(daemon.put("/test/long/fail"));
    let state = daemon.wait_for("long", "it is over", |state| state["status"] == "idle");
    assert_eq!((&state["n_run"], &state["n_fail"], &state["fail_count"]), (&json!(1), &json!(1), &json!(1)), "{state}");
    assert_eq!(
        (&state["fail_map"], &state["exc"]),
        (&json!([true]), &json!(["marked as failed by an operator"])),
        "{state}"
    );
    assert_eq!(daemon.get("/")["fail"], json!(["long"]));
    nothing_is_left(&lab);
}

#[test]
fn refusals_are_json_with_a_reason() {
    let lab = server();
    let daemon = Daemon::start(Program::new().config(CONFIG).on(lab.server("a")));
    for (method, path, status, reason) in [
        ("GET", "/test/nobody", 404, "there is no test nobody"),
        ("PUT", "/test/nobody/start", 404, "there is no test nobody"),
        ("GET", "/nowhere", 404, "there is nothing at this path"),
        ("GET", "/test/good/start", 405, "this path takes another method"),
        ("POST", "/list", 405, "this path takes another method"),
    ] {
        let (seen, body) = http::request(&daemon.address, method, path);
        assert_eq!((seen, &body["error"]), (status, &json!(reason)), "{method} {path}");
    }
    let (head, _) = http::raw(&daemon.address, "GET", "/test/good/start");
    assert!(head.to_ascii_lowercase().contains("\r\nallow: put"), "{head}");
}
