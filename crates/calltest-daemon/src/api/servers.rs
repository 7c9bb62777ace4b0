//! Servers, links, and the daemon itself.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Problem, Refusal, Shared};
use crate::board::Lists;
use crate::handle::LinkState;
use crate::wall_clock::unix;

/// Whether runs can use a server
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct ServerState {
    ready: bool,
    /// Why not.
    reason: Option<String>,
}

/// Every server by name
#[utoipa::path(get, path = "/servers", tag = "daemon", responses(
    (status = 200, body = BTreeMap<String, ServerState>),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn servers(State(shared): State<Shared>) -> Result<Json<BTreeMap<String, ServerState>>, Refusal> {
    let servers = shared.handle.servers().await?;
    let state = |(name, reason): (calltest_core::plan::ServerName, Option<String>)| {
        (name.to_string(), ServerState { ready: reason.is_none(), reason })
    };
    Ok(Json(servers.into_iter().map(state).collect()))
}

/// A link, and how the tests over it fare
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct Link {
    /// The server it lies on.
    server: String,
    /// The dial string to call out with.
    channel: Option<String>,
    /// The number under which it is called.
    number: Option<String>,
    /// How many runs may use it at once.
    max_calls: u32,
    /// How many do now.
    in_use: usize,
    /// The tests over it.
    tests: Vec<String>,
    #[serde(flatten)]
    lists: Lists,
}

impl From<LinkState> for Link {
    fn from(state: LinkState) -> Self {
        let LinkState { server, channel, number, max_calls, in_use, tests, lists } = state;
        Self { server, channel, number, max_calls, in_use, tests, lists }
    }
}

/// Every link by name
#[utoipa::path(get, path = "/links", tag = "daemon", responses(
    (status = 200, body = BTreeMap<String, Link>),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn links(State(shared): State<Shared>) -> Result<Json<BTreeMap<String, Link>>, Refusal> {
    let links = shared.handle.links().await?;
    Ok(Json(links.into_iter().map(|(name, state)| (name.to_string(), state.into())).collect()))
}

/// How the daemon itself is
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct Health {
    /// Always true: it answers.
    healthy: bool,
    /// What is wrong, a sentence each: history that cannot be written, a reload that failed.
    conditions: Vec<String>,
    /// How it names itself to others that want its app or its state directory.
    instance: String,
    /// What its configuration is known by.
    plan: String,
    /// How the last reload came out.
    reload: Option<LastReload>,
    /// When it was started.
    started: f64,
    version: &'static str,
}

/// How a reload came out
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct LastReload {
    at: f64,
    success: bool,
    /// Why not, as it is shown to people.
    error: Option<String>,
}

/// How the daemon itself is: it is alive if it answers
#[utoipa::path(get, path = "/healthz", tag = "daemon", responses(
    (status = 200, body = Health),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn health(State(shared): State<Shared>) -> Result<Json<Health>, Refusal> {
    let health = shared.handle.health().await?;
    Ok(Json(Health {
        healthy: true,
        conditions: health.conditions,
        instance: health.instance,
        plan: health.plan,
        reload: health.reload.map(|(at, outcome)| LastReload {
            at: unix(at),
            success: outcome.is_ok(),
            error: outcome.err(),
        }),
        started: unix(health.started),
        version: env!("CARGO_PKG_VERSION"),
    }))
}

/// Whether the daemon could run every one of its tests
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Readiness {
    ready: bool,
    /// Why not, a sentence for each server that is down.
    reasons: Vec<String>,
}

/// Whether the daemon could run every one of its tests
#[utoipa::path(get, path = "/readyz", tag = "daemon", responses(
    (status = 200, description = "Every server can be used", body = Readiness),
    (status = 503, description = "A server is down", body = Readiness),
))]
pub(super) async fn readiness(State(shared): State<Shared>) -> (StatusCode, Json<Readiness>) {
    let reasons: Vec<String> = match shared.handle.servers().await {
        Ok(servers) => servers.into_iter().filter_map(|(_, why)| why).collect(),
        Err(_) => vec!["the daemon is ending".into()],
    };
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready: reasons.is_empty(), reasons }))
}

/// What a reload changed
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Reloaded {
    /// Always true.
    success: bool,
    /// Tests that are new.
    added: Vec<String>,
    /// Tests that are gone. Runs of theirs that had begun go on.
    removed: Vec<String>,
    /// Tests that have changed, or whose links or servers have.
    changed: Vec<String>,
    /// What is as before until the daemon is started anew, a sentence each.
    needs_restart: Vec<String>,
}

/// Loads the configuration anew. It is checked whole; if anything is wrong with it, nothing changes
#[utoipa::path(post, path = "/reload", tag = "daemon", responses(
    (status = 200, body = Reloaded),
    (status = 422, description = "Something is wrong with the configuration", body = Problem),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn reload(State(shared): State<Shared>) -> Result<Json<Reloaded>, Refusal> {
    let reloaded = shared.handle.reload().await?;
    let changes = reloaded.map_err(|rejection| Refusal::Unacceptable { why: rejection.to_string() })?;
    let crate::reload::Changes { added, removed, changed, needs_restart } = changes;
    Ok(Json(Reloaded { success: true, added, removed, changed, needs_restart }))
}
