//! Silences: tests that nobody wants to hear of for a while.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{InBody, InPath};
use super::{Problem, Refusal, Shared};
use crate::mute::{Scope, Silence};
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

/// A silence
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct Shown {
    id: String,
    tests: Vec<String>,
    links: Vec<String>,
    servers: Vec<String>,
    all: bool,
    created: f64,
    until: f64,
    reason: String,
}

impl From<&Silence> for Shown {
    fn from(silence: &Silence) -> Self {
        let Scope { tests, links, servers, is_everything } = &silence.scope;
        Self {
            id: silence.id.clone(),
            tests: tests.iter().map(ToString::to_string).collect(),
            links: links.iter().map(ToString::to_string).collect(),
            servers: servers.iter().map(ToString::to_string).collect(),
            all: *is_everything,
            created: unix(silence.created),
            until: unix(silence.until),
            reason: silence.reason.clone(),
        }
    }
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
        let scope = Scope {
            tests: self.tests.iter().map(|name| name.as_str().into()).collect(),
            links: self.links.iter().map(|name| name.as_str().into()).collect(),
            servers: self.servers.iter().map(|name| name.as_str().into()).collect(),
            is_everything: self.all,
        };
        if scope == Scope::default() {
            let why = "name the `tests`, `links` or `servers` to silence, or say `\"all\": true`";
            return Err(unacceptable(why.into()));
        }
        let id = format!("{:016x}", rand::random::<u64>());
        Ok(Silence { id, scope, created: now, until, reason: self.reason })
    }
}

/// The silences that last
#[utoipa::path(get, path = "/silences", tag = "silences", responses(
    (status = 200, body = Vec<Shown>),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn list(State(shared): State<Shared>) -> Result<Json<Vec<Shown>>, Refusal> {
    Ok(Json(shared.handle.silences().await?.iter().map(|silence| Shown::from(&**silence)).collect()))
}

/// Silences tests. They go on running, and their failures count; but they are in no list of tests that are not well
#[utoipa::path(post, path = "/silences", tag = "silences", request_body = Asked, responses(
    (status = 201, body = Shown),
    (status = 400, description = "The body is no JSON", body = Problem),
    (status = 413, description = "The body is too large", body = Problem),
    (status = 415, description = "The body is not said to be JSON", body = Problem),
    (status = 422, description = "The silence makes no sense, or names what there is not", body = Problem),
    (status = 503, description = "There are too many silences, or the daemon is ending", body = Problem),
))]
pub(super) async fn create(
    State(shared): State<Shared>,
    InBody(asked): InBody<Asked>,
) -> Result<(StatusCode, Json<Shown>), Refusal> {
    let silence = Arc::new(asked.silence(SystemTime::now())?);
    if shared.handle.silences().await?.len() >= MAX_SILENCES {
        return Err(Refusal::TooManySilences);
    }
    shared.handle.silence(Arc::clone(&silence)).await?.map_err(|why| Refusal::Unacceptable { why })?;
    Ok((StatusCode::CREATED, Json(Shown::from(&*silence))))
}

/// One silence
#[utoipa::path(get, path = "/silences/{id}", tag = "silences", params(("id" = String, Path, description = "The silence")), responses(
    (status = 200, body = Shown),
    (status = 400, description = "The path is malformed", body = Problem),
    (status = 404, description = "There is no such silence", body = Problem),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn one(State(shared): State<Shared>, InPath(id): InPath<String>) -> Result<Json<Shown>, Refusal> {
    let silences = shared.handle.silences().await?;
    let silence = silences.iter().find(|silence| silence.id == id);
    silence.map(|silence| Json(Shown::from(&**silence))).ok_or(Refusal::NoSuchSilence { id })
}

/// Ends a silence before its time
#[utoipa::path(delete, path = "/silences/{id}", tag = "silences", params(("id" = String, Path, description = "The silence")), responses(
    (status = 204, description = "It has ended"),
    (status = 400, description = "The path is malformed", body = Problem),
    (status = 404, description = "There is no such silence", body = Problem),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn end(State(shared): State<Shared>, InPath(id): InPath<String>) -> Result<StatusCode, Refusal> {
    let has_ended = shared.handle.end_silence(id.clone()).await?;
    if has_ended { Ok(StatusCode::NO_CONTENT) } else { Err(Refusal::NoSuchSilence { id }) }
}
