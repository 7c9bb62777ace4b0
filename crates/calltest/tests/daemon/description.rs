//! `/openapi.json`, held against what the daemon really answers: every path, every method, every answer.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::history::{LISTEN, SPEAKING, SPEAKS};
use crate::server::{CONFIG, server_with};
use crate::{Daemon, Program, http};

/// A request to a path of the description, with what fills its braces, and the status that it gets.
struct Exercise {
    method: &'static str,
    path: &'static str,
    real: String,
    body: Option<Value>,
    status: u16,
}

fn exercise(method: &'static str, path: &'static str, real: impl Into<String>, status: u16) -> Exercise {
    Exercise { method, path, real: real.into(), body: None, status }
}

/// The schema that the description has for an answer, made to stand alone.
fn schema(description: &Value, exercise: &Exercise) -> Option<Value> {
    let operation = &description["paths"][exercise.path][exercise.method.to_lowercase()];
    let response = &operation["responses"][exercise.status.to_string()];
    assert!(
        response.is_object(),
        "{} {} may answer {}, says the daemon",
        exercise.method,
        exercise.path,
        exercise.status
    );
    let mut schema = response["content"]["application/json"]["schema"].as_object()?.clone();
    schema.insert("components".into(), description["components"].clone());
    Some(schema.into())
}

/// An answer that is no JSON has at least the type that is described.
#[track_caller]
fn answers_the_described_type(daemon: &Daemon, description: &Value, exercise: &Exercise) {
    let operation = &description["paths"][exercise.path][exercise.method.to_lowercase()];
    let content = operation["responses"][exercise.status.to_string()]["content"].as_object();
    let kinds: Vec<&String> = content.into_iter().flat_map(serde_json::Map::keys).collect();
    let [kind] = &kinds[..] else { panic!("{} {}: {kinds:?}", exercise.method, exercise.real) };
    let (head, body) = http::answer(&daemon.address, exercise.method, &exercise.real, &[], None);
    assert_eq!(http::status(&head), exercise.status, "{head}");
    assert!(head.to_ascii_lowercase().contains(&format!("content-type: {kind}")), "{head}");
    assert!(!body.is_empty(), "{} {} has no body", exercise.method, exercise.real);
}

#[test]
fn every_path_answers_as_it_is_described() {
    let lab = server_with(SPEAKING);
    let mut daemon = Daemon::start(Program::new().config(CONFIG).on(lab.server("a")).set(SPEAKS).set(LISTEN));
    let description = daemon.get("/openapi.json");
    assert_eq!(description["openapi"], json!("3.1.0"));
    assert!(daemon.put("/test/busy/start"));
    let state = daemon.wait_for("busy", "it has failed", |state| state["n_fail"] == 1);
    let run = state["run"].as_str().unwrap().to_owned();
    assert!(daemon.put("/test/listen/start"));
    let recorded = daemon.wait_for("listen", "it has run", |state| state["n_run"] == 1);
    let recorded = recorded["run"].as_str().unwrap().to_owned();
    let silence = json!({ "tests": ["busy"], "seconds": 600, "reason": "why not" });
    let made = http::send(&daemon.address, "POST", "/silences", &silence).1["id"].as_str().unwrap().to_owned();

    let exercises = vec![
        exercise("GET", "/", "/", 200),
        exercise("GET", "/list", "/list", 200),
        exercise("GET", "/test/{name}", "/test/busy", 200),
        exercise("GET", "/test/{name}", "/test/good", 200),
        exercise("GET", "/test/{name}", "/test/nobody", 404),
        exercise("GET", "/test/{name}", "/test/%ff", 400),
        exercise("PUT", "/test/{name}/start", "/test/long/start", 200),
        exercise("PUT", "/test/{name}/start", "/test/nobody/start", 404),
        exercise("PUT", "/test/{name}/fail", "/test/long/fail", 200),
        exercise("PUT", "/test/{name}/stop", "/test/good/stop", 200),
        exercise("GET", "/test/{name}/history", "/test/busy/history", 200),
        exercise("GET", "/test/{name}/history", "/test/busy/history?limit=x", 400),
        exercise("GET", "/test/{name}/history", "/test/nobody/history", 404),
        exercise("GET", "/test/{name}/runs/{id}", format!("/test/busy/runs/{run}"), 200),
        exercise("GET", "/test/{name}/runs/{id}", "/test/busy/runs/x", 404),
        exercise("GET", "/test/{name}/runs/{id}/recordings", format!("/test/busy/runs/{run}/recordings"), 200),
        exercise(
            "GET",
            "/test/{name}/runs/{id}/recordings/{side}",
            format!("/test/busy/runs/{run}/recordings/src"),
            404,
        ),
        exercise(
            "GET",
            "/test/{name}/runs/{id}/recordings/{side}",
            format!("/test/listen/runs/{recorded}/recordings/src"),
            200,
        ),
        exercise("GET", "/ws", "/ws", 400),
        exercise("GET", "/servers", "/servers", 200),
        exercise("GET", "/links", "/links", 200),
        exercise("GET", "/healthz", "/healthz", 200),
        exercise("GET", "/readyz", "/readyz", 200),
        exercise("POST", "/reload", "/reload", 200),
        exercise("GET", "/silences", "/silences", 200),
        Exercise { body: Some(silence.clone()), ..exercise("POST", "/silences", "/silences", 201) },
        Exercise { body: Some(json!({})), ..exercise("POST", "/silences", "/silences", 422) },
        exercise("GET", "/silences/{id}", format!("/silences/{made}"), 200),
        exercise("GET", "/silences/{id}", "/silences/x", 404),
        exercise("DELETE", "/silences/{id}", format!("/silences/{made}"), 204),
        exercise("DELETE", "/silences/{id}", "/silences/x", 404),
        exercise("GET", "/openapi.json", "/openapi.json", 200),
    ];
    for exercise in &exercises {
        let schema = schema(&description, exercise);
        if schema.is_none() && exercise.status != 204 {
            answers_the_described_type(&daemon, &description, exercise);
            continue;
        }
        let (status, body) = match &exercise.body {
            Some(body) => http::send(&daemon.address, exercise.method, &exercise.real, body),
            None => http::send(&daemon.address, exercise.method, &exercise.real, &Value::Null),
        };
        assert_eq!(status, exercise.status, "{} {}: {body}", exercise.method, exercise.real);
        if let Some(schema) = schema {
            let validator = jsonschema::draft202012::new(&schema).unwrap();
            let faults: Vec<String> = validator.iter_errors(&body).map(|fault| fault.to_string()).collect();
            assert!(faults.is_empty(), "{} {}: {faults:?} in {body}", exercise.method, exercise.real);
        }
    }
    let described: BTreeSet<(String, String)> = description["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| (path.clone(), method.to_uppercase()))
        })
        .collect();
    let exercised = exercises.iter().map(|exercise| (exercise.path.to_owned(), exercise.method.to_owned())).collect();
    assert_eq!(described, exercised, "every path and method is exercised");
}
