//! The HTTP interface: requests to a daemon that runs without a network, on a server that is not there.
//!
//! An input is requests as in a `.http` file: a line with method and target, lines with headers, an empty line, the body;
//! `###` in a line of its own precedes the next one. In a target, `{silence}` and `{run}` stand for the last ids that were
//! seen. Each request has to be answered as the daemon's own description says that it may be: with a status that it names,
//! in JSON or sound, and with a reason for whatever is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use calltest_asterisk::{AsteriskConnector, Identity};
use calltest_config::{Input, Source, load};
use calltest_core::event::{RunEvent, ServerEvent};
use calltest_core::plan::Plan;
use calltest_daemon::{Daemon, Interface, Options};
use calltest_runner::{LocalLeases, Observer, Setup};
use jiff::tz::TimeZone;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Two tests that run only when they are asked to. Nothing answers on port 9.
const CONFIGURATION: &str = "
asterisk: {host: 127.0.0.1, port: 9, init_timeout: 0.1}
links:
  phone: {channel: Local/phone@direct, number: phone}
  trunk: {channel: 'Local/{number}@direct', number: '123'}
calls:
  good: {mode: ring, src: phone, test: {skip: yes}}
  'odd name/ü': {mode: call, src: phone, dst: trunk, test: {skip: yes}}
";
/// What stands between two requests.
const NEXT: &str = "###";
/// More requests than this are left out, so that each input is done with in time.
const MOST: usize = 50;
/// The largest answer, in bytes. That of the description is the largest.
const LARGEST: usize = 4 << 20;

/// Makes the requests of an input.
///
/// # Panics
/// If something does not hold.
pub fn check(input: &[u8]) {
    static STAGE: LazyLock<Mutex<Stage>> = LazyLock::new(|| Mutex::new(Stage::open()));
    let text = String::from_utf8_lossy(input);
    let mut stage = STAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut requests: Vec<String> = vec![String::new()];
    for line in text.split_inclusive('\n') {
        match requests.last_mut() {
            Some(request) if line.trim_end() != NEXT => request.push_str(line),
            _ => requests.push(String::new()),
        }
    }
    for request in requests.iter().take(MOST) {
        stage.request(request);
    }
    stage.end_silences();
}

/// A daemon that runs, and what is known of it.
struct Stage {
    runtime: Runtime,
    interface: Interface,
    /// For each method and path, the statuses that its description names.
    described: Vec<(String, String, BTreeSet<u16>)>,
    silences: Vec<String>,
    run: String,
}

/// An answer, all of it.
struct Answer {
    status: StatusCode,
    kind: String,
    body: Bytes,
}

struct NobodyListens;

impl Observer for NobodyListens {
    fn run_event(&self, _: RunEvent) {}

    fn server_event(&self, _: ServerEvent) {}
}

fn plan() -> Plan {
    let source = Source::File { path: "stage.cfg".into(), text: CONFIGURATION.into() };
    let loaded = load(&Input { source, overrides: Vec::new(), is_lenient: false });
    loaded.unwrap_or_else(|rejected| panic!("{rejected}")).plan
}

impl Stage {
    fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("there are threads and files enough");
        let interface = runtime.block_on(Self::start());
        let mut stage =
            Self { runtime, interface, described: Vec::new(), silences: Vec::new(), run: "0000000000000000".into() };
        let request = Request::get("/openapi.json").body(Body::empty()).expect("the request is in order");
        let answer = stage.answer(request);
        let description: BTreeMap<String, Value> =
            serde_json::from_slice(&answer.body).expect("the description is JSON");
        for (path, methods) in description["paths"].as_object().expect("it has paths") {
            for (method, operation) in methods.as_object().expect("a path has methods") {
                let statuses = operation["responses"].as_object().into_iter().flat_map(|responses| responses.keys());
                let statuses = statuses.filter_map(|status| status.parse().ok()).collect();
                stage.described.push((method.to_uppercase(), path.clone(), statuses));
            }
        }
        assert!(stage.described.len() > 15, "the description describes little");
        stage
    }

    async fn start() -> Interface {
        let setup = Setup {
            plan: Arc::new(plan()),
            connector: Arc::new(AsteriskConnector::new(Identity { instance: "fuzz".into(), take_over: false })),
            leases: Arc::new(LocalLeases::default()),
            observer: Arc::new(NobodyListens),
            // Nothing is kept, so nothing is written there.
            state_directory: "/nonexistent/calltest".into(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
        let (keep, reloads) = mpsc::channel(1);
        let options = Options {
            instance: "fuzz".into(),
            setup,
            listener,
            load: Arc::new(|| Ok(plan())),
            reloads,
            zone: TimeZone::UTC,
            conditions: Vec::new(),
            may_keep: false,
        };
        let daemon = Daemon::open(options).await.expect("nobody owns an app on a server that is not there");
        let interface = daemon.interface();
        tokio::spawn(async move {
            let _keep = keep;
            let left = daemon.run(CancellationToken::new()).await;
            panic!("the daemon has ended: {left:?}");
        });
        interface
    }

    /// Makes one request, if it is one at all, and looks at the answer.
    fn request(&mut self, text: &str) {
        let silence = self.silences.last().map_or("0123456789abcdef", String::as_str);
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let head = head.replace("{silence}", silence).replace("{run}", &self.run);
        let Some(request) = read(&head, body) else { return };
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let answer = self.answer(request);
        let told = || format!("{method} {path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        assert!(self.may_be_answered(&method, &path, answer.status), "not in the description: {}", told());
        if method == Method::HEAD || answer.status == StatusCode::NO_CONTENT {
            return assert!(answer.body.is_empty(), "{}", told());
        }
        if answer.kind == "audio/wav" {
            return assert_eq!(answer.status, StatusCode::OK);
        }
        assert_eq!(answer.kind, "application/json", "{}", told());
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", told()));
        if !answer.status.is_success() {
            let is_reason = |reason: &Value| reason.as_str().is_some_and(|reason| !reason.is_empty());
            let has_reason = is_reason(&body["error"]) || is_reason(&body["reasons"][0]);
            assert!(has_reason, "no reason is given: {}", told());
        }
        match (answer.status, &body["id"], &body["run"]) {
            (StatusCode::CREATED, Value::String(id), _) => self.silences.push(id.clone()),
            (StatusCode::OK, _, Value::String(run)) => self.run.clone_from(run),
            _ => {}
        }
    }

    fn answer(&self, request: Request) -> Answer {
        let interface = self.interface.clone();
        self.runtime.block_on(async move {
            let response: Response = interface.answer(request).await;
            let status = response.status();
            let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            let kind = kind.unwrap_or_default().to_owned();
            let body = to_bytes(response.into_body(), LARGEST).await.expect("answers are whole, and not too large");
            Answer { status, kind, body }
        })
    }

    /// Whether the description names a status for a request. It leaves out what holds for all: pages of other sites are
    /// refused, as are paths that there are not, and methods that they do not have.
    fn may_be_answered(&self, method: &Method, path: &str, status: StatusCode) -> bool {
        let method = if method == Method::HEAD { "GET" } else { method.as_str() };
        let mut of_path = self.described.iter().filter(|(_, template, _)| fits(template, path)).peekable();
        match status {
            StatusCode::FORBIDDEN => true,
            // Whether nothing at all is a name depends on where it stands.
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED if path.split('/').skip(1).any(str::is_empty) => {
                true
            }
            status if of_path.peek().is_none() => status == StatusCode::NOT_FOUND,
            status => match of_path.find(|(described, ..)| described == method) {
                Some((.., statuses)) => statuses.contains(&status.as_u16()),
                None => status == StatusCode::METHOD_NOT_ALLOWED,
            },
        }
    }

    /// So that no input depends on those before it.
    fn end_silences(&mut self) {
        for id in std::mem::take(&mut self.silences) {
            let request = Request::delete(format!("/silences/{id}")).body(Body::empty());
            let status = self.answer(request.expect("an id is a part of a path")).status;
            // It may have been ended by the input itself, or by its time.
            assert!(matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_FOUND), "{status}");
        }
    }
}

/// Whether a path is of this form: `{…}` stands for anything between slashes, nothing included.
fn fits(template: &str, path: &str) -> bool {
    let (mut template, mut path) = (template.split('/'), path.split('/'));
    loop {
        match (template.next(), path.next()) {
            (None, None) => return true,
            (Some(_), None) | (None, Some(_)) => return false,
            (Some(place), Some(_)) if place.starts_with('{') => {}
            (Some(fixed), Some(part)) if fixed == part => {}
            _ => return false,
        }
    }
}

/// A request, or nothing where no server would take it as one.
fn read(head: &str, body: &str) -> Option<Request> {
    let mut lines = head.lines();
    let (method, target) = lines.next()?.split_once(' ')?;
    let mut request = Request::new(Body::from(body.to_owned()));
    *request.method_mut() = Method::from_bytes(method.as_bytes()).ok()?;
    *request.uri_mut() = target.parse::<Uri>().ok()?;
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let value = HeaderValue::from_bytes(value.trim().as_bytes()).ok()?;
        request.headers_mut().append(HeaderName::from_bytes(name.as_bytes()).ok()?, value);
    }
    Some(request)
}
