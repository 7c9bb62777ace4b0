//! What causes the call that a test waits for: fetching a URL, or running a program.
//!
//! A trigger runs beside the wait for the call, since it may well last as long as the call does. Its outcome is a sentence;
//! whether that makes the run an error is left to the call.

mod authorities;
mod sent;

use std::process::Stdio;
use std::time::Duration;

use calltest_core::plan::{DialString, Method, Query, Trigger};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use reqwest::header::{AUTHORIZATION, LOCATION};
use reqwest::{Response, Url, redirect};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use self::sent::{Sent, is_like_a_token};

/// How much of an answer or of the complaints of a program is repeated, in characters.
const MAX_QUOTED: usize = 400;
/// How much of it is kept, in bytes: before it is repeated, what was sent is blotted out in it.
const MAX_KEPT: usize = 4096;
/// How much of an answer is read, in bytes; the rest is of no interest.
const MAX_READ: usize = 1 << 20;
/// How long the complaints of a program that has ended may take to come through its pipe.
const DRAIN: Duration = Duration::from_millis(200);
/// What stays as it is where a number goes into a URL (RFC 3986, unreserved characters).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A trigger under way. Dropping it ends the request, and the program with all that it started.
pub struct Running {
    what: String,
    task: JoinHandle<Outcome>,
}

/// How a trigger came out: what came of it, or why it failed.
pub type Outcome = Result<String, String>;

impl Running {
    /// Sets a trigger off. `number` is filled in wherever the trigger asks for it.
    ///
    /// # Errors
    /// If the URL that comes of it cannot be read.
    pub fn start(trigger: &Trigger, number: Option<&str>) -> Result<Self, String> {
        let number = number.unwrap_or_default();
        match trigger {
            Trigger::Url { url, method, query, body } => {
                let url = filled_url(url, query, number)?;
                let method = method_of(*method);
                let what = format!("{method} {}", shown(&url));
                let body = body.as_ref().map(|body| body.replace(DialString::NUMBER, number));
                let sent = Sent::with_number(number);
                let task = tokio::spawn(fetch(Asked { what: what.clone(), method, url, body }, sent));
                Ok(Self { what, task })
            }
            Trigger::Exec { command } => {
                let command: Vec<String> =
                    command.iter().map(|word| word.replace(DialString::NUMBER, number)).collect();
                let what = format!("`{}`", command.first().map(String::as_str).unwrap_or_default());
                let task = tokio::spawn(execute(what.clone(), command, Sent::with_number(number)));
                Ok(Self { what, task })
            }
        }
    }

    /// What is being done, without anything that might be secret.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Waits for its end. Nothing is lost if the wait is given up.
    pub async fn outcome(&mut self) -> Outcome {
        match (&mut self.task).await {
            Ok(outcome) => outcome,
            Err(error) => Err(format!("{}: {error}", self.what)),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The URL to fetch, with the number in every place that asks for it.
fn filled_url(url: &str, query: &Query, number: &str) -> Result<Url, String> {
    let encoded = utf8_percent_encode(number, ENCODED).to_string();
    let mut url = Url::parse(&url.replace(DialString::NUMBER, &encoded))
        .map_err(|error| format!("the URL of the trigger cannot be read: {error}"))?;
    match query {
        Query::None => {}
        Query::Text(text) => {
            let text = text.trim_start_matches('?').replace(DialString::NUMBER, &encoded);
            let joined = url.query().map_or_else(|| text.clone(), |before| format!("{before}&{text}"));
            url.set_query(Some(&joined));
        }
        Query::Parameters(parameters) => {
            let mut pairs = url.query_pairs_mut();
            for (name, value) in parameters {
                pairs.append_pair(name, &value.replace(DialString::NUMBER, number));
            }
        }
    }
    Ok(url)
}

/// A URL for people: user name, password and query may hold secrets, and so may a path.
fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let segment = |segment: &str| {
        let is_token = is_like_a_token(&percent_decode_str(segment).decode_utf8_lossy());
        if is_token { "***".to_owned() } else { segment.to_owned() }
    };
    let path: Vec<String> = url.path().split('/').map(segment).collect();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), path.join("/"))
}

fn method_of(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
    }
}

/// A request that is about to be made.
struct Asked {
    what: String,
    method: reqwest::Method,
    url: Url,
    body: Option<String>,
}

async fn fetch(asked: Asked, mut sent: Sent) -> Outcome {
    let Asked { what, method, url, body } = asked;
    let failed = |error: reqwest::Error| format!("{what}: {}", whole(&error.without_url()));
    // One client a trigger: tests come minutes apart, and a connection kept that long would be dead by then.
    let tls = authorities::trusted(&url).await.map_err(|why| format!("{what}: {why}"))?;
    // Whoever is sent on to a page of welcome has caused no call, and what was sent is meant for nobody else.
    let client = reqwest::Client::builder().redirect(redirect::Policy::none()).referer(false);
    let client = client.tls_backend_preconfigured(tls).build().map_err(failed)?;
    sent.url(&url);
    let mut request = client.request(method, url);
    if let Some(body) = body {
        sent.body(&body);
        let is_json = serde_json::from_str::<serde_json::Value>(&body).is_ok();
        let kind = if is_json { "application/json" } else { "text/plain; charset=utf-8" };
        request = request.header(reqwest::header::CONTENT_TYPE, kind).body(body);
    }
    let request = request.build().map_err(failed)?;
    if let Some(who) = request.headers().get(AUTHORIZATION).and_then(|who| who.to_str().ok()) {
        sent.header(who);
    }
    let mut response = client.execute(request).await.map_err(failed)?;
    let status = response.status();
    if let Some(host) = sent_on_to(&response) {
        // The answer's text has the place, too, and perhaps a token in it.
        let fix = "give the URL that causes the call by itself";
        return Err(format!("{what} answered {status}, which leads to {host} and is not followed; fix: {fix}"));
    }
    let mut read = 0;
    let mut beginning = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        read += chunk.len();
        beginning.extend(chunk.iter().take(MAX_KEPT - beginning.len()));
        if read > MAX_READ {
            break;
        }
    }
    if status.is_success() {
        return Ok(format!("{what} answered {status}"));
    }
    let said = sent.blotted(&beginning, read > beginning.len());
    let said: String = said.chars().take(MAX_QUOTED).collect();
    Err(format!("{what} answered {status}{}", quoted(&said)))
}

/// The host to which a redirect leads; its path and query may hold secrets.
fn sent_on_to(response: &Response) -> Option<String> {
    let place = response.headers().get(LOCATION).filter(|_| response.status().is_redirection())?;
    let url = place.to_str().ok().and_then(|place| response.url().join(place).ok());
    Some(match url.as_ref().and_then(Url::host_str) {
        Some(host) if response.url().host_str() == Some(host) => "another place on the same host".into(),
        Some(host) => host.to_owned(),
        None => "a place that cannot be read".into(),
    })
}

/// An error with all its causes.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

async fn execute(what: String, command: Vec<String>, mut sent: Sent) -> Outcome {
    let Some((program, arguments)) = command.split_first() else { return Err("there is no program to run".into()) };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("could not run {what}: {error}"))?;
    let group = Group::of(&child);
    let (status, complaints) = watch(&mut child).await.map_err(|error| format!("{what}: {error}"))?;
    // What it left running on purpose, such as a phone that holds the call, goes on.
    group.let_be();
    if status.success() {
        return Ok(format!("{what} ended with {status}"));
    }
    sent.arguments(arguments);
    let said = sent.blotted(&complaints, complaints.len() == MAX_KEPT);
    let said: String = said.chars().skip(said.chars().count().saturating_sub(MAX_QUOTED)).collect();
    Err(format!("{what} ended with {status}{}", quoted(&said)))
}

/// Waits for the end of a program, and keeps the end of what it said on stderr.
async fn watch(child: &mut Child) -> std::io::Result<(std::process::ExitStatus, Vec<u8>)> {
    let mut stderr = child.stderr.take().expect("stderr was asked for");
    let mut tail = Vec::new();
    let mut buffer = [0; 4096];
    let status = loop {
        tokio::select! {
            read = stderr.read(&mut buffer) => match read? {
                0 => break child.wait().await?,
                read => keep_tail(&mut tail, &buffer[..read]),
            },
            status = child.wait() => break status?,
        }
    };
    // Something it started may hold the pipe open for ever.
    let rest = async {
        while let Ok(read @ 1..) = stderr.read(&mut buffer).await {
            keep_tail(&mut tail, &buffer[..read]);
        }
    };
    // Whether all of it came in time does not matter: it only explains.
    let _ = timeout(DRAIN, rest).await;
    Ok((status, tail))
}

fn keep_tail(tail: &mut Vec<u8>, new: &[u8]) {
    tail.extend_from_slice(new);
    tail.drain(..tail.len().saturating_sub(MAX_KEPT));
}

/// The processes of a program, killed when this is dropped before the program has ended.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)))
    }

    fn let_be(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It fails only if nothing of the group is left.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// What somebody else said, as it ends a sentence; nothing if there was nothing.
fn quoted(said: &str) -> String {
    let said = said.trim();
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    use super::*;

    fn url(url: &str, query: &Query) -> String {
        filled_url(url, query, "+49 911").unwrap().to_string()
    }

    #[test]
    fn the_number_is_encoded_where_it_goes_into_a_url() {
        assert_eq!(url("http://pbx/dial/{number}", &Query::None), "http://pbx/dial/%2B49%20911");
        let text = Query::Text("to={number}&from=1".into());
        assert_eq!(url("http://pbx/dial?a=b", &text), "http://pbx/dial?a=b&to=%2B49%20911&from=1");
        let map = Query::Parameters(vec![("to".into(), "{number}".into()), ("x y".into(), "&".into())]);
        assert_eq!(url("http://pbx/", &map), "http://pbx/?to=%2B49+911&x+y=%26");
    }

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        let url = Url::parse("https://me:hunter2@pbx:8443/dial?token=hunter2").unwrap();
        assert_eq!(shown(&url), "https://pbx:8443/dial");
        let url = Url::parse("https://pbx/hooks/T0K3N-abcdef99/%2B4991112345123").unwrap();
        assert_eq!(shown(&url), "https://pbx/hooks/***/%2B4991112345123");
    }

    /// A server that gives this answer to the first request, in which `ECHO` is the request itself, and the request.
    async fn answering(answer: &'static str) -> (u16, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answered = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 8192];
            let read = stream.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..read]).into_owned();
            stream.write_all(answer.replace("ECHO", &request).as_bytes()).await.unwrap();
            request
        });
        (port, answered)
    }

    async fn outcome(trigger: &Trigger) -> Outcome {
        Running::start(trigger, Some("+4991112345")).unwrap().outcome().await
    }

    fn posting(url: String) -> Trigger {
        let query = Query::Parameters(vec![("token".into(), "s3cr&t".into()), ("to".into(), "{number}".into())]);
        Trigger::Url { url, method: Method::Post, query, body: Some(r#"{"pin": "47110815", "to": "{number}"}"#.into()) }
    }

    // field attack 8 | A trigger’s redirect ends in a login page | `error`, and nothing is passed on | five statuses; query, body, path and header; an answer that repeats its request, encoded or cut
    #[tokio::test]
    async fn a_redirect_is_an_error_that_names_no_more_than_the_host_and_is_not_followed() {
        for status in
            ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
        {
            let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let place = format!("http://localhost:{}/login?next=T0K3N", elsewhere.local_addr().unwrap().port());
            for (place, host) in [
                (place.as_str(), "localhost"),
                ("/login?next=T0K3N", "another place on the same host"),
                ("//evil.example/T0K3N", "evil.example"),
                ("http://[", "a place that cannot be read"),
            ] {
                let answer = format!("HTTP/1.1 {status}\r\nLocation: {place}\r\nContent-Length: 9\r\n\r\nT0K3N T0K");
                let (port, answered) = answering(answer.leak()).await;
                let said = outcome(&posting(format!("http://me:hunter2@127.0.0.1:{port}/dial"))).await.unwrap_err();
                let fix = "and is not followed; fix: give the URL that causes the call by itself";
                let expected =
                    format!("POST http://127.0.0.1:{port}/dial answered {status}, which leads to {host} {fix}");
                assert_eq!(said, expected);
                assert!(!answered.await.unwrap().to_ascii_lowercase().contains("referer"));
            }
            let nobody = timeout(Duration::from_millis(50), elsewhere.accept()).await;
            assert!(nobody.is_err(), "it was followed");
        }
    }

    // field attack 8
    #[tokio::test]
    async fn an_answer_that_repeats_the_request_is_quoted_without_what_was_sent() {
        let (port, answered) = answering("HTTP/1.1 500 Oops\r\nConnection: close\r\n\r\nno such line in ECHO").await;
        let trigger = posting(format!("http://me:hunter2@127.0.0.1:{port}/hooks/T0K3N-abcdef99"));
        let said = outcome(&trigger).await.unwrap_err();
        let request = answered.await.unwrap();
        assert!(
            request.contains("Basic ") && request.contains("47110815") && request.contains("s3cr%26t"),
            "{request}"
        );
        let beginning = format!(
            "POST http://127.0.0.1:{port}/hooks/*** answered 500 Internal Server Error: no such line in POST /hooks/***?*** HTTP/1.1 "
        );
        assert!(said.starts_with(&beginning), "{said}");
        for secret in ["T0K3N", "s3cr", "47110815", "bWU6aHVudGVyMg", "hunter2"] {
            assert!(!said.contains(secret), "{secret}: {said}");
        }
    }

    #[tokio::test]
    async fn a_program_that_repeats_its_arguments_is_quoted_without_its_secrets() {
        let script = "echo curl: '(22)' \"$0\" \"$1\" >&2; exit 22".to_owned();
        let arguments = ["Authorization: Bearer abcdef", "http://pbx/dial?token=s3cr3t"].map(String::from);
        let command = ["sh".to_owned(), "-c".to_owned(), script].into_iter().chain(arguments).collect();
        let said = outcome(&Trigger::Exec { command }).await.unwrap_err();
        assert_eq!(said, "`sh` ended with exit status: 22: curl: (22) Authorization: *** http://pbx/dial?***");
    }

    #[tokio::test]
    async fn a_program_tells_how_it_ended() {
        let run = |script: &str| execute("`sh`".into(), ["sh", "-c", script].map(Into::into).into(), Sent::default());
        assert_eq!(run("exit 0").await, Ok("`sh` ended with exit status: 0".into()));
        let complaint = "`sh` ended with exit status: 7: no such line".to_owned();
        assert_eq!(run("echo 'no such\nline' >&2; exit 7").await, Err(complaint));
        let long = run("yes complaint | head -c 100000 >&2; echo the end >&2; exit 1").await.unwrap_err();
        assert!(long.len() < MAX_QUOTED + 100 && long.ends_with("the end"), "{long}");
        let missing = execute("`nobody`".into(), vec!["/no/such/program".into()], Sent::default()).await.unwrap_err();
        assert!(missing.starts_with("could not run `nobody`: No such file"), "{missing}");
    }

    #[tokio::test]
    async fn a_trigger_that_is_dropped_takes_its_program_along() {
        let folder = tempfile::tempdir().unwrap();
        let ended = folder.path().join("ended");
        let file = ended.to_str().unwrap();
        let script = format!("sh -c 'sleep 1; touch {file}' & touch {file}.started; wait");
        let trigger = Trigger::Exec { command: ["sh", "-c", &script].map(Into::into).into() };
        let running = Running::start(&trigger, None).unwrap();
        let started = std::path::PathBuf::from(format!("{file}.started"));
        timeout(Duration::from_secs(10), async {
            while !started.exists() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .expect("the program starts");
        drop(running);
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert!(!ended.exists(), "the program's own child went on");
    }
}
