//! Servers, links, and the daemon itself.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use calltest_core::plan::ServerName;
use serde::Serialize;
use utoipa::ToSchema;

use super::context::Context;
use super::refusal::{Problem, Refusal};
use crate::link_state::LinkState;
use crate::plan_changes::Changes;
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
pub(super) async fn servers(State(context): State<Context>) -> Result<Json<BTreeMap<String, ServerState>>, Refusal> {
    let servers = context.handle.servers().await?;
    let state = |(name, reason): (ServerName, Option<String>)| {
        (name.to_string(), ServerState { ready: reason.is_none(), reason })
    };
    Ok(Json(servers.into_iter().map(state).collect()))
}

/// Every link by name
#[utoipa::path(get, path = "/links", tag = "daemon", responses(
    (status = 200, body = BTreeMap<String, LinkState>),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn links(State(context): State<Context>) -> Result<Json<BTreeMap<String, LinkState>>, Refusal> {
    Ok(Json(context.handle.links().await?))
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
pub(super) async fn health(State(context): State<Context>) -> Result<Json<Health>, Refusal> {
    let health = context.handle.health().await?;
    Ok(Json(Health {
        healthy: true,
        conditions: health.conditions,
        instance: health.instance,
        plan: health.plan,
        reload: health.reload.map(|(at, result)| LastReload {
            at: unix(at),
            success: result.is_ok(),
            error: result.err(),
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
pub(super) async fn readiness(State(context): State<Context>) -> (StatusCode, Json<Readiness>) {
    let reasons: Vec<String> = match context.handle.servers().await {
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
pub(super) async fn reload(State(context): State<Context>) -> Result<Json<Reloaded>, Refusal> {
    let reloaded = context.handle.reload().await?;
    let changes = reloaded.map_err(|rejection| Refusal::Unacceptable { why: rejection.to_string() })?;
    let Changes { added, removed, changed, needs_restart } = changes;
    Ok(Json(Reloaded { success: true, added, removed, changed, needs_restart }))
}
