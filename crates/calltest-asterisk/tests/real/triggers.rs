//! What causes the call that a test waits for: a URL that is fetched, or a program that runs.

use std::time::Duration;

use asterisk_lab::{Lab, Server};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use calltest_core::evidence::Observation;
use calltest_core::plan::{Body, CallTest, ExpectedAnswer, ExpectedStatus, Fetch, Method, Query, Secret, Trigger};

use crate::scene::{Scene, at, check, passes, wait};
use crate::{address, nothing_is_left, one_server};

const CALLER: &str = "[callers]\nexten => stays,1,Wait(60)\n";

/// ARI itself makes a good web service that causes a call: these parameters make it originate one.
fn parameters(server: &Server) -> Vec<(String, String)> {
    let ari = server.ari();
    let parameters = [
        ("endpoint", "Local/{number}@direct".to_owned()),
        ("callerId", "<fone1>".to_owned()),
        ("extension", "stays".to_owned()),
        ("context", "callers".to_owned()),
        ("formats", "slin".to_owned()),
        ("api_key", format!("{}:{}", ari.username, ari.password)),
    ];
    parameters.map(|(name, value)| (name.to_owned(), value)).into()
}

fn fetch(server: &Server, path: &str, method: Method, query: Query) -> Fetch {
    let ari = server.ari();
    Fetch { method, query, ..Fetch::get(format!("http://{}:{}/ari{path}", ari.host, ari.port)) }
}

fn url(server: &Server, path: &str, method: Method, query: Query) -> Trigger {
    Trigger::Url(fetch(server, path, method, query))
}

fn shell(script: &str) -> Trigger {
    Trigger::Exec { command: ["bash", "-c", script, "trigger", "{number}"].map(Into::into).into() }
}

/// The brackets of a caller ID have to be encoded where nobody else does it.
fn encoded(value: &str) -> String {
    value.replace('<', "%3C").replace('>', "%3E")
}

/// A program that makes the same call, without any tool but the shell.
fn calling_script(server: &Server) -> String {
    let ari = server.ari();
    let query: Vec<String> = parameters(server)
        .into_iter()
        .map(|(name, value)| format!("{name}={}", encoded(&value).replace("{number}", "$1")))
        .collect();
    format!(
        "exec 3<>/dev/tcp/{}/{}; printf 'POST /ari/channels?%s HTTP/1.0\\r\\n\\r\\n' \"{}\" >&3; grep -q ' 200 ' <&3",
        ari.host,
        ari.port,
        query.join("&")
    )
}

fn triggered(trigger: Trigger) -> CallTest {
    let mut test = wait(at("bar", "fone1", Some(trigger)));
    test.timeout = Duration::from_secs(5);
    test
}

fn scene(lab: &Lab) -> Scene {
    Scene::new().server("a", address(lab.server("a"))).link("bar", "a", "", "bar")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_and_a_program_cause_the_call() {
    let lab = one_server(CALLER);
    let server = lab.server("a");
    let as_text = parameters(server)
        .into_iter()
        .map(|(name, value)| format!("{name}={}", encoded(&value)))
        .collect::<Vec<_>>()
        .join("&");
    for trigger in [
        url(server, "/channels", Method::Post, Query::Parameters(parameters(server))),
        url(server, "/channels", Method::Post, Query::Text(as_text)),
        shell(&calling_script(server)),
    ] {
        let stage = scene(&lab).open(&[triggered(trigger)]).await;
        let run = stage.run().await;
        passes(&run);
        assert!(run.evidence.facts.iter().any(|fact| matches!(fact.what, Observation::TriggerDone { .. })));
        nothing_is_left(&lab);
        stage.close().await;
    }
}

/// The same call as a provider's interface wants it: a login in a header, the parameters in the body.
fn with_login(server: &Server, password: &str, body: &str, media_type: &str) -> Fetch {
    let login = BASE64_STANDARD.encode(format!("{}:{password}", server.ari().username));
    Fetch {
        headers: vec![("Authorization".into(), Secret::new(format!("Basic {login}")))],
        body: Some(Body { text: body.into(), media_type: Some(media_type.into()) }),
        ..fetch(server, "/channels", Method::Post, Query::None)
    }
}

const AS_JSON: &str = r#"{"endpoint": "Local/{number}@direct", "callerId": "<fone1>", "extension": "stays", "context": "callers", "formats": "slin"}"#;
const AS_FORM: &str =
    "endpoint=Local/{number}@direct&callerId=%3Cfone1%3E&extension=stays&context=callers&formats=slin";

fn answer(status: u16, text: &str) -> ExpectedAnswer {
    ExpectedAnswer { statuses: vec![ExpectedStatus::Code(status)], texts: vec![text.into()] }
}

// field real-lines-2 trigger 11
#[tokio::test(flavor = "multi_thread")]
async fn an_interface_with_a_login_causes_the_call_and_says_so() {
    let lab = one_server(CALLER);
    let server = lab.server("a");
    for (body, media_type) in [(AS_JSON, "application/json"), (AS_FORM, "application/x-www-form-urlencoded")] {
        let request = with_login(server, &server.ari().password, body, media_type);
        let request = Fetch { expected: answer(200, "Local/{number}@direct-"), ..request };
        let stage = scene(&lab).open(&[triggered(Trigger::Url(request))]).await;
        let run = stage.run().await;
        passes(&run);
        nothing_is_left(&lab);
        stage.close().await;
    }
}

// field real-lines-2 trigger 11
#[tokio::test(flavor = "multi_thread")]
async fn an_interface_that_answers_otherwise_is_an_error() {
    let lab = one_server("");
    let server = lab.server("a");
    let password = server.ari().password.as_str();
    let nowhere = AS_JSON.replace("Local/{number}", "Nothing/{number}");
    let expecting =
        |expected| Fetch { expected, ..with_login(server, password, AS_FORM, "application/x-www-form-urlencoded") };
    for (request, part) in [
        (with_login(server, "hunter2", AS_JSON, "application/json"), "/ari/channels answered 401 Unauthorized"),
        (
            with_login(server, password, &nowhere, "application/json"),
            "/ari/channels answered 500 Internal Server Error",
        ),
        (with_login(server, password, AS_JSON, "text/plain"), "/ari/channels answered 400 Bad Request"),
        (expecting(answer(202, "Local/")), "/ari/channels answered 200 OK, expected 202; fix: "),
        (
            expecting(answer(200, "ringing {number}")),
            "/ari/channels answered 200 OK, expected `ringing bar` in the body; fix: ",
        ),
    ] {
        let stage = scene(&lab).open(&[triggered(Trigger::Url(request))]).await;
        let run = stage.run().await;
        check(&run, "error", |reason| {
            let is_secret = reason.contains("hunter2") || reason.contains(password);
            reason.starts_with("the trigger failed: POST http://") && reason.contains(part) && !is_secret
        });
        nothing_is_left(&lab);
        stage.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_that_fails_is_an_error_with_its_text() {
    let lab = one_server("");
    let server = lab.server("a");
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let at = |url: String| Trigger::Url(Fetch::get(url));
    let table = [
        (
            url(server, "/asterisk/ping", Method::Get, Query::Text("api_key=nobody:hunter2".into())),
            "the trigger failed: GET http://",
            "/ari/asterisk/ping answered 401 Unauthorized",
        ),
        (at("http://127.0.0.1:1/".into()), "the trigger failed: GET http://127.0.0.1:1/:", "onnection refused"),
        (
            at(format!("http://{address}/")),
            "no call arrived on bar within 2 s, but the trigger had not finished either:",
            "GET http://",
        ),
        (
            shell("echo out of order >&2; exit 7"),
            "the trigger failed: `bash` ended with exit status: 7",
            ": out of order",
        ),
        (shell("sleep 60"), "no call arrived on bar within 2 s, but the trigger had not finished", ": `bash`"),
        (
            Trigger::Exec { command: vec!["/no/such/program".into()] },
            "the trigger failed: could not run `/no/such/program`",
            "No such file",
        ),
    ];
    for (trigger, beginning, part) in table {
        let mut test = triggered(trigger);
        test.timeout = Duration::from_secs(2);
        let stage = scene(&lab).open(&[test]).await;
        let run = stage.run().await;
        check(&run, "error", |reason| {
            reason.starts_with(beginning) && reason.contains(part) && !reason.contains("hunter2")
        });
        nothing_is_left(&lab);
        stage.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_that_succeeds_without_a_call_is_a_failure() {
    let lab = one_server("");
    let server = lab.server("a");
    let ari = server.ari();
    let ping = Query::Text(format!("api_key={}:{}", ari.username, ari.password));
    for (trigger, part) in [
        (url(server, "/asterisk/ping", Method::Get, ping), "/ari/asterisk/ping answered 200 OK"),
        (shell("exit 0"), "`bash` ended with exit status: 0"),
    ] {
        let mut test = triggered(trigger);
        test.timeout = Duration::from_secs(1);
        let stage = scene(&lab).open(&[test]).await;
        let run = stage.run().await;
        check(&run, "fail", |reason| reason.starts_with("bar: no call arrived within 1 s; ") && reason.contains(part));
        stage.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_that_complains_after_its_call_is_an_error() {
    let lab = one_server(CALLER);
    let script = calling_script(lab.server("a")) + "; sleep 0.8; echo 'the phone is on fire' >&2; exit 1";
    let stage = scene(&lab).open(&[triggered(shell(&script))]).await;
    let run = stage.run().await;
    check(&run, "error", |reason| {
        reason == "the trigger failed: `bash` ended with exit status: 1: the phone is on fire"
    });
    nothing_is_left(&lab);
    stage.close().await;
}
