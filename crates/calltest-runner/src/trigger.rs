//! What causes the call that a test waits for: fetching a URL, or running a program.
//!
//! A trigger runs beside the wait for the call, since it may well last as long as the call does. Its outcome is a sentence;
//! whether that makes the run an error is left to the call.

use std::process::Stdio;
use std::time::Duration;

use calltest_core::plan::{DialString, Method, Query, Trigger};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How much of an answer or of the complaints of a program is repeated, in bytes.
const MAX_QUOTED: usize = 400;
/// How much of an answer is read, in bytes; the rest is of no interest.
const MAX_READ: usize = 1 << 20;
/// How long the complaints of a program that has ended may take to come through its pipe.
const DRAIN: Duration = Duration::from_millis(200);
/// What stays as it is where a number goes into a URL (RFC 3986, unreserved characters).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A trigger under way. Dropping it ends the request, and the program with all that it started.
pub(crate) struct Running {
    what: String,
    task: JoinHandle<Outcome>,
}

/// How a trigger came out: what came of it, or why it failed.
pub(crate) type Outcome = Result<String, String>;

impl Running {
    /// Sets a trigger off.
    pub(crate) fn start(trigger: &Trigger, number: Option<&str>) -> Result<Self, String> {
        let number = number.unwrap_or_default();
        match trigger {
            Trigger::Url { url, method, query, body } => {
                let url = filled_url(url, query, number)?;
                let method = method_of(*method);
                let what = format!("{method} {}", shown(&url));
                let body = body.as_ref().map(|body| body.replace(DialString::NUMBER, number));
                let task = tokio::spawn(fetch(what.clone(), method, url, body));
                Ok(Self { what, task })
            }
            Trigger::Exec { command } => {
                let command: Vec<String> =
                    command.iter().map(|word| word.replace(DialString::NUMBER, number)).collect();
                let what = format!("`{}`", command.first().map(String::as_str).unwrap_or_default());
                let task = tokio::spawn(execute(what.clone(), command));
                Ok(Self { what, task })
            }
        }
    }

    /// What is being done, without anything that might be secret.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// Waits for its end. Nothing is lost if the wait is given up.
    pub(crate) async fn outcome(&mut self) -> Outcome {
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

/// A URL for people: user name, password and query may hold secrets.
fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

fn method_of(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
    }
}

async fn fetch(what: String, method: reqwest::Method, url: Url, body: Option<String>) -> Outcome {
    let failed = |error: reqwest::Error| format!("{what}: {}", whole(&error.without_url()));
    // One client a trigger: tests come minutes apart, and a connection kept that long would be dead by then.
    let client = reqwest::Client::builder().build().map_err(failed)?;
    let mut request = client.request(method, url);
    if let Some(body) = body {
        let is_json = serde_json::from_str::<serde_json::Value>(&body).is_ok();
        let kind = if is_json { "application/json" } else { "text/plain; charset=utf-8" };
        request = request.header(reqwest::header::CONTENT_TYPE, kind).body(body);
    }
    let mut response = request.send().await.map_err(failed)?;
    let status = response.status();
    let mut read = 0;
    let mut beginning = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        read += chunk.len();
        beginning.extend(chunk.iter().take(MAX_QUOTED - beginning.len()));
        if read > MAX_READ {
            break;
        }
    }
    if status.is_success() {
        return Ok(format!("{what} answered {status}"));
    }
    Err(format!("{what} answered {status}{}", quoted(&beginning)))
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

async fn execute(what: String, command: Vec<String>) -> Outcome {
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
    Err(format!("{what} ended with {status}{}", quoted(&complaints)))
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
    tail.drain(..tail.len().saturating_sub(MAX_QUOTED));
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

/// What somebody else said, on one line and not too long; nothing if there was nothing.
fn quoted(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { String::new() } else { format!(": {}", words.join(" ")) }
}

#[cfg(test)]
mod tests {
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
    }

    #[tokio::test]
    async fn a_program_tells_how_it_ended() {
        let run = |script: &str| execute("`sh`".into(), ["sh", "-c", script].map(Into::into).into());
        assert_eq!(run("exit 0").await, Ok("`sh` ended with exit status: 0".into()));
        let complaint = "`sh` ended with exit status: 7: no such line".to_owned();
        assert_eq!(run("echo 'no such\nline' >&2; exit 7").await, Err(complaint));
        let long = run("yes complaint | head -c 100000 >&2; echo the end >&2; exit 1").await.unwrap_err();
        assert!(long.len() < MAX_QUOTED + 100 && long.ends_with("the end"), "{long}");
        let missing = execute("`nobody`".into(), vec!["/no/such/program".into()]).await.unwrap_err();
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
