//! Finished runs: a test's history page by page, each run whole, and its recordings.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use calltest_core::code::Code;
use calltest_core::verdict::VerdictKind;
use calltest_report::fact::TimelineEntry;
use calltest_report::run::Report;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use utoipa::{IntoParams, ToSchema};

use super::context::Context;
use super::extract::{InPath, InQuery};
use super::refusal::{Problem, Refusal};
use crate::history::{self, Cursor, Filter, PAGE as LARGEST_PAGE};
use crate::path::path_segment;
use crate::wall_clock::{from_unix, unix};

/// How many runs a page has unless asked otherwise.
const PAGE: usize = 100;
/// The largest recording that is served, in bytes: more than an hour of telephone voice.
const LARGEST_RECORDING: u64 = 64 << 20;

/// Which runs of a test are wanted.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Only runs asked for at this time or later.
    #[param(minimum = 0, maximum = 253402300799_i64)]
    from: Option<f64>,
    /// Only runs asked for before this time.
    #[param(minimum = 0, maximum = 253402300799_i64)]
    to: Option<f64>,
    /// Only runs that came out so: `pass`, `fail`, `error`, `cancelled`, or several of them with commas between.
    #[param(pattern = "^(pass|fail|error|cancelled)(,(pass|fail|error|cancelled))*$")]
    verdict: Option<String>,
    /// How many runs at most; 100 if not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
    /// `next` of the page before.
    before: Option<String>,
}

/// A page of runs
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct Page {
    /// The latest first.
    runs: Vec<Summary>,
    /// What to give as `before` for the next page; null if this is the last one.
    next: Option<String>,
    /// Why runs on disk are missing, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    incomplete: Option<String>,
}

/// A finished run in short
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct Summary {
    id: String,
    /// When it was asked for.
    requested: f64,
    /// How long it waited for its links.
    waited_ms: f64,
    /// How long it took from then on.
    duration_ms: f64,
    /// `pass`, `fail`, `error` or `cancelled`.
    #[schema(value_type = String)]
    verdict: &'static str,
    /// Why it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
    /// The word for that, for programs: see the table of codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>)]
    code: Option<&'static str>,
}

impl Wanted {
    fn filter(self) -> Result<Filter, Refusal> {
        let unacceptable = |why: String| Refusal::Malformed { status: StatusCode::BAD_REQUEST, why };
        let time = |name: &str, seconds: Option<f64>| {
            let time = |seconds| {
                let why = || format!("{name}: expected seconds since the Unix epoch, got {seconds}");
                from_unix(seconds).ok_or_else(|| unacceptable(why()))
            };
            seconds.map(time).transpose()
        };
        let verdicts = match &self.verdict {
            None => VerdictKind::ALL.into(),
            Some(words) => {
                let verdict = |word: &str| {
                    let why = || format!("verdict: expected pass, fail, error or cancelled, got {word:?}");
                    VerdictKind::of_word(word.trim()).ok_or_else(|| unacceptable(why()))
                };
                words.split(',').map(verdict).collect::<Result<_, _>>()?
            }
        };
        let limit = match self.limit {
            None => PAGE,
            Some(limit) => usize::try_from(limit)
                .ok()
                .filter(|limit| (1..=LARGEST_PAGE).contains(limit))
                .ok_or_else(|| unacceptable(format!("limit: expected 1 to {LARGEST_PAGE}, got {limit}")))?,
        };
        let cursor = |text: String| {
            let why = format!("before: expected `next` of an earlier page, got {text:?}");
            text.parse::<Cursor>().map_err(|_| unacceptable(why))
        };
        Ok(Filter {
            from: time("from", self.from)?,
            to: time("to", self.to)?,
            verdicts,
            before: self.before.map(cursor).transpose()?,
            limit,
        })
    }
}

impl From<history::RunSummary> for Summary {
    fn from(run: history::RunSummary) -> Self {
        Self {
            id: run.id,
            requested: unix(run.requested),
            waited_ms: run.waited.as_secs_f64() * 1000.0,
            duration_ms: run.duration.as_secs_f64() * 1000.0,
            verdict: run.verdict.word(),
            code: run.reason.as_ref().and_then(|reason| reason.code).map(Code::word),
            reason: run.reason.map(|reason| reason.sentence),
        }
    }
}

/// The finished runs of a test, the latest first
#[utoipa::path(get, path = "/test/{name}/history", tag = "runs",
    params(("name" = String, Path, description = "The test"), Wanted),
    responses(
        (status = 200, body = Page),
        (status = 400, description = "A parameter is not what it should be", body = Problem),
        (status = 404, description = "There is no such test", body = Problem),
        (status = 503, description = "The history cannot be read, or the daemon is ending", body = Problem),
    )
)]
pub(super) async fn history(
    State(context): State<Context>,
    InPath(name): InPath<String>,
    InQuery(wanted): InQuery<Wanted>,
) -> Result<Json<Page>, Refusal> {
    let filter = wanted.filter()?;
    require_test(&context, &name).await?;
    let page = context.history.page(&name, filter).await;
    Ok(Json(Page {
        runs: page.runs.into_iter().map(Summary::from).collect(),
        next: page.next.map(|cursor| cursor.to_string()),
        incomplete: page.missing.map(|error| error.to_string()),
    }))
}

/// A run that is not over yet
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Unfinished {
    id: String,
    test: String,
    /// `waiting` (for its links) or `running`.
    #[schema(value_type = String)]
    status: &'static str,
}

/// One run with everything that is known about it, as `calltest run --format json` prints it
#[utoipa::path(get, path = "/test/{name}/runs/{id}", tag = "runs",
    params(("name" = String, Path, description = "The test"), ("id" = String, Path, description = "The run")),
    responses(
        (status = 200, body = Report),
        (status = 202, description = "It is not over yet", body = Unfinished),
        (status = 400, description = "The path is malformed", body = Problem),
        (status = 404, description = "There is no such test or run", body = Problem),
        (status = 503, description = "The history cannot be read, or the daemon is ending", body = Problem),
    )
)]
pub(super) async fn run(
    State(context): State<Context>,
    InPath((test, id)): InPath<(String, String)>,
) -> Result<Response, Refusal> {
    // Asked in this order: a run that ends in between is found.
    let active =
        context.handle.active(test.clone(), id.clone()).await?.ok_or(Refusal::NoSuchTest { name: test.clone() })?;
    if let Some(report) = context.history.report(&test, &id).await? {
        return Ok(([(CONTENT_TYPE, "application/json")], report).into_response());
    }
    match active {
        Some(status) => Ok((StatusCode::ACCEPTED, Json(Unfinished { id, test, status })).into_response()),
        None => Err(Refusal::NoSuchRun { test, id }),
    }
}

/// A recording of a run
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct Recording {
    /// Which leg: `src` or `dst`. What it heard is recorded.
    side: String,
    /// Its name in the configuration.
    name: String,
    /// How much sound is in it.
    duration_ms: f64,
    /// Where it can be fetched as a WAV file, as long as it is kept.
    url: String,
}

/// The recordings of a run
#[utoipa::path(get, path = "/test/{name}/runs/{id}/recordings", tag = "runs",
    params(("name" = String, Path, description = "The test"), ("id" = String, Path, description = "The run")),
    responses(
        (status = 200, body = Vec<Recording>),
        (status = 400, description = "The path is malformed", body = Problem),
        (status = 404, description = "There is no such test or run", body = Problem),
        (status = 503, description = "The history cannot be read, or the daemon is ending", body = Problem),
    )
)]
pub(super) async fn recordings(
    State(context): State<Context>,
    InPath((test, id)): InPath<(String, String)>,
) -> Result<Json<Vec<Recording>>, Refusal> {
    let report = finished(&context, &test, &id).await?;
    let fetched = report.timeline.iter().filter(|entry| entry.fact == "recording_fetched").filter_map(|entry| {
        let side = entry.side.clone()?;
        Some(Recording {
            name: entry.details.get("name")?.as_str()?.to_owned(),
            duration_ms: entry.details.get("duration_ms")?.as_f64()?,
            url: format!("/test/{}/runs/{id}/recordings/{side}", path_segment(&test)),
            side,
        })
    });
    Ok(Json(fetched.collect()))
}

/// A recording as a WAV file
#[utoipa::path(get, path = "/test/{name}/runs/{id}/recordings/{side}", tag = "runs",
    params(
        ("name" = String, Path, description = "The test"),
        ("id" = String, Path, description = "The run"),
        ("side" = String, Path, description = "The leg that it was made on: `src` or `dst`"),
    ),
    responses(
        (status = 200, content_type = "audio/wav", body = Vec<u8>),
        (status = 400, description = "The path is malformed", body = Problem),
        (status = 404, description = "There is no such recording, or it is not kept any more", body = Problem),
        (status = 503, description = "The history cannot be read, or the daemon is ending", body = Problem),
    )
)]
pub(super) async fn recording(
    State(context): State<Context>,
    InPath((test, id, side)): InPath<(String, String, String)>,
) -> Result<Response, Refusal> {
    let report = finished(&context, &test, &id).await?;
    let is_it = |entry: &&TimelineEntry| entry.fact == "recording_fetched" && entry.side.as_deref() == Some(&*side);
    let missing = |why: &str| Refusal::NoSuchRecording { why: format!("run {id} of test {test}: {why}") };
    let entry = report.timeline.iter().find(is_it).ok_or_else(|| missing("nothing was recorded on that side"))?;
    let path = entry.details.get("path").and_then(|path| path.as_str()).map(std::path::PathBuf::from);
    // Only the name is taken from what is stored: nothing outside of the folder is ever served.
    let name = path.as_deref().and_then(|path| path.file_name());
    let path = context.recordings.join(name.ok_or_else(|| missing("its recording has no name"))?);
    let read = spawn_blocking(move || {
        let size = std::fs::metadata(&path)?.len();
        if size > LARGEST_RECORDING { Ok(None) } else { std::fs::read(&path).map(Some) }
    });
    match read.await.map_err(std::io::Error::other).and_then(|read| read) {
        Ok(Some(bytes)) => Ok(([(CONTENT_TYPE, "audio/wav")], bytes).into_response()),
        Ok(None) => Err(missing("its recording is too large to be served; it is in the state directory")),
        Err(error) => Err(missing(&format!("its recording cannot be read ({error}); it may not be kept any more"))),
    }
}

async fn require_test(context: &Context, test: &str) -> Result<(), Refusal> {
    let state = context.handle.test(test.to_owned()).await?;
    state.map(drop).ok_or_else(|| Refusal::NoSuchTest { name: test.to_owned() })
}

async fn finished(context: &Context, test: &str, id: &str) -> Result<Report, Refusal> {
    require_test(context, test).await?;
    let missing = || Refusal::NoSuchRun { test: test.to_owned(), id: id.to_owned() };
    let text = context.history.report(test, id).await?.ok_or_else(missing)?;
    serde_json::from_str(&text).map_err(|_| missing())
}
