//! The HTTP interface: that of calltest 0.7, with JSON for every answer.
//!
//! It knows nothing of tests or runs but how to ask the loop for them.

mod websocket;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use calltest_core::plan::ServerName;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::daemon::Handle;
use crate::dispatcher::InternalEvent;

/// Answers requests until `closed`.
pub(crate) async fn serve(listener: TcpListener, handle: Handle, closed: CancellationToken) -> std::io::Result<()> {
    let routes = routes(handle, closed.clone());
    axum::serve(listener, routes).with_graceful_shutdown(closed.cancelled_owned()).await
}

/// What handlers share.
#[derive(Clone)]
struct Shared {
    handle: Handle,
    listeners: websocket::Listeners,
    closed: CancellationToken,
}

fn routes(handle: Handle, closed: CancellationToken) -> Router {
    let shared = Shared { handle, listeners: websocket::Listeners::default(), closed };
    Router::new()
        .route("/", get(troubled))
        .route("/list", get(all))
        .route("/test/{name}", get(test))
        .route("/test/{name}/start", put(start))
        .route("/test/{name}/stop", put(stop))
        .route("/test/{name}/fail", put(fail))
        .route("/ws", get(websocket::follow))
        .route("/servers", get(servers))
        .route("/healthz", get(health))
        .route("/readyz", get(readiness))
        .fallback(|| async { Refusal::NoSuchPath })
        .method_not_allowed_fallback(|| async { Refusal::WrongMethod })
        .with_state(shared)
}

async fn troubled(State(shared): State<Shared>) -> Result<Response, Refusal> {
    let lists = shared.handle.lists().await.ok_or(Refusal::Ending)?;
    Ok(Json(lists.troubled()).into_response())
}

async fn all(State(shared): State<Shared>) -> Result<Response, Refusal> {
    let lists = shared.handle.lists().await.ok_or(Refusal::Ending)?;
    Ok(Json(lists.all()).into_response())
}

async fn test(State(shared): State<Shared>, Path(name): Path<String>) -> Result<Response, Refusal> {
    let state = shared.handle.test(name.clone()).await.ok_or(Refusal::Ending)?;
    Ok(Json(state.ok_or(Refusal::NoSuchTest { name })?).into_response())
}

async fn servers(State(shared): State<Shared>) -> Result<Response, Refusal> {
    let servers = shared.handle.servers().await.ok_or(Refusal::Ending)?;
    let state = |(name, why): (ServerName, Option<String>)| {
        (name.to_string(), json!({ "ready": why.is_none(), "reason": why }))
    };
    Ok(Json(Value::Object(servers.into_iter().map(state).collect())).into_response())
}

/// The loop is alive if it answers.
async fn health(State(shared): State<Shared>) -> Result<Response, Refusal> {
    shared.handle.servers().await.ok_or(Refusal::Ending)?;
    Ok(Json(json!({ "healthy": true })).into_response())
}

/// Ready is a daemon that could run every one of its tests.
async fn readiness(State(shared): State<Shared>) -> Result<Response, Refusal> {
    let servers = shared.handle.servers().await.ok_or(Refusal::Ending)?;
    let reasons: Vec<String> = servers.into_iter().filter_map(|(_, why)| why).collect();
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((status, Json(json!({ "ready": reasons.is_empty(), "reasons": reasons }))).into_response())
}

async fn start(shared: State<Shared>, name: Path<String>) -> Result<Response, Refusal> {
    command(shared, name, InternalEvent::Start).await
}

async fn stop(shared: State<Shared>, name: Path<String>) -> Result<Response, Refusal> {
    command(shared, name, InternalEvent::Stop).await
}

async fn fail(shared: State<Shared>, name: Path<String>) -> Result<Response, Refusal> {
    command(shared, name, InternalEvent::Fail).await
}

async fn command(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    event: fn(calltest_core::plan::TestName) -> InternalEvent,
) -> Result<Response, Refusal> {
    let success = shared.handle.command(event, &name).await.ok_or(Refusal::Ending)?;
    let success = success.ok_or(Refusal::NoSuchTest { name })?;
    Ok(Json(json!({ "success": success })).into_response())
}

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    NoSuchPath,
    WrongMethod,
    NoSuchTest {
        name: String,
    },
    TooManyListeners,
    /// The daemon is ending.
    Ending,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, reason) = match self {
            Self::NoSuchPath => (StatusCode::NOT_FOUND, "there is nothing at this path".to_owned()),
            Self::WrongMethod => (StatusCode::METHOD_NOT_ALLOWED, "this path takes another method".to_owned()),
            Self::NoSuchTest { name } => (StatusCode::NOT_FOUND, format!("there is no test {name}")),
            Self::TooManyListeners => {
                (StatusCode::SERVICE_UNAVAILABLE, "too many WebSockets are open already".to_owned())
            }
            Self::Ending => (StatusCode::SERVICE_UNAVAILABLE, "the daemon is ending".to_owned()),
        };
        (status, Json(json!({ "error": reason }))).into_response()
    }
}
