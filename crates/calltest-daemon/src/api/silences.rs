//! Silences: tests that nobody wants to hear of for a while.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::context::Context;
use super::extract::{InBody, InPath};
use super::refusal::{Problem, Refusal};
use crate::silence::{Silence, names};
use crate::wall_clock::{from_unix, unix};

/// How many silences there may be at once.
const MAX_SILENCES: usize = 1000;
/// How long a reason may be, in bytes.
const MAX_REASON: usize = 2000;
/// How long a silence may last, so that none is forgotten.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// A silence that is asked for
#[derive(Debug, Clone, PartialEq, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    /// These tests.
    tests: Vec<String>,
    /// All tests over these links.
    links: Vec<String>,
    /// All tests on these servers.
    servers: Vec<String>,
    /// All tests.
    all: bool,
    /// For how many seconds from now; this or `until`.
    seconds: Option<f64>,
    /// Until when; this or `seconds`.
    until: Option<f64>,
    /// Why, for whoever comes by.
    reason: String,
}

impl Asked {
    fn silence(self, now: SystemTime) -> Result<Silence, Refusal> {
        let unacceptable = |why: String| Refusal::Unacceptable { why };
        let until = match (self.seconds, self.until) {
            (Some(seconds), None) => from_unix(unix(now) + seconds.max(0.0)),
            (None, Some(until)) => from_unix(until),
            _ => return Err(unacceptable("give either `seconds` or `until`".into())),
        };
        let until = until
            .filter(|until| *until > now && *until <= now + LONGEST)
            .ok_or_else(|| unacceptable("a silence has to end in the future, and within a year".into()))?;
        if self.reason.len() > MAX_REASON {
            return Err(unacceptable(format!("the reason is longer than {MAX_REASON} bytes")));
        }
        let id = format!("{:016x}", rand::random::<u64>());
        let silence = Silence {
            id,
            tests: names::read(&self.tests),
            links: names::read(&self.links),
            servers: names::read(&self.servers),
            all: self.all,
            created: now,
            until,
            reason: self.reason,
        };
        if !silence.names_anything() {
            let why = "name the `tests`, `links` or `servers` to silence, or say `\"all\": true`";
            return Err(unacceptable(why.into()));
        }
        Ok(silence)
    }
}

/// The silences that last
#[utoipa::path(get, path = "/silences", tag = "silences", responses(
    (status = 200, body = Vec<Silence>),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn list(State(context): State<Context>) -> Result<Json<Vec<Arc<Silence>>>, Refusal> {
    Ok(Json(context.handle.silences().await?))
}

/// Silences tests. They go on running, and their failures count; but they are in no list of tests that are not well
#[utoipa::path(post, path = "/silences", tag = "silences", request_body = Asked, responses(
    (status = 201, body = Silence),
    (status = 400, description = "The body is no JSON", body = Problem),
    (status = 408, description = "The body does not come in time", body = Problem),
    (status = 413, description = "The body is too large", body = Problem),
    (status = 415, description = "The body is not said to be JSON", body = Problem),
    (status = 422, description = "The silence makes no sense, or names what there is not", body = Problem),
    (status = 503, description = "There are too many silences, or the daemon is ending", body = Problem),
))]
pub(super) async fn create(
    State(context): State<Context>,
    InBody(asked): InBody<Asked>,
) -> Result<(StatusCode, Json<Arc<Silence>>), Refusal> {
    let silence = Arc::new(asked.silence(SystemTime::now())?);
    if context.handle.silences().await?.len() >= MAX_SILENCES {
        return Err(Refusal::TooManySilences);
    }
    context.handle.silence(Arc::clone(&silence)).await?.map_err(|why| Refusal::Unacceptable { why })?;
    Ok((StatusCode::CREATED, Json(silence)))
}

/// One silence
#[utoipa::path(get, path = "/silences/{id}", tag = "silences", params(("id" = String, Path, description = "The silence")), responses(
    (status = 200, body = Silence),
    (status = 400, description = "The path is malformed", body = Problem),
    (status = 404, description = "There is no such silence", body = Problem),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn one(
    State(context): State<Context>,
    InPath(id): InPath<String>,
) -> Result<Json<Arc<Silence>>, Refusal> {
    let silences = context.handle.silences().await?;
    let silence = silences.into_iter().find(|silence| silence.id == id);
    silence.map(Json).ok_or(Refusal::NoSuchSilence { id })
}

/// Ends a silence before its time
#[utoipa::path(delete, path = "/silences/{id}", tag = "silences", params(("id" = String, Path, description = "The silence")), responses(
    (status = 204, description = "It has ended"),
    (status = 400, description = "The path is malformed", body = Problem),
    (status = 404, description = "There is no such silence", body = Problem),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn end(State(context): State<Context>, InPath(id): InPath<String>) -> Result<StatusCode, Refusal> {
    let has_ended = context.handle.end_silence(id.clone()).await?;
    if has_ended { Ok(StatusCode::NO_CONTENT) } else { Err(Refusal::NoSuchSilence { id }) }
}
