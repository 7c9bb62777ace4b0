//! The HTTP interface: that of calltest 0.7, with JSON for every answer, and what has been added to it.
//!
//! It knows nothing of tests or runs but how to ask the loop for them, and the history. One file for each subject; the
//! description of all of it, in OpenAPI 3.1, is made from the handlers.

mod board;
mod boundary;
mod connections;
mod context;
mod extract;
mod listeners;
mod refusal;
mod runs;
mod servers;
mod silences;
mod websocket;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::response::Response;
use axum::{Json, Router, middleware};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::timeout::RequestBodyTimeoutLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::handle::Handle;
use crate::history::History;
use listeners::Listeners;
use refusal::Refusal;

pub(crate) use context::Context;

/// The most that a request may carry, in bytes: far more than any silence needs.
const MAX_BODY: usize = 64 << 10;

/// How long a client may send nothing of the body that it has announced.
const BODY_STALL: Duration = Duration::from_secs(20);

/// What the description says of the whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "calltest",
        description = "How phone tests fare, and what can be done about them. All times are seconds since the Unix epoch. \
                       Whatever is refused is answered with an `error` that says why."
    ),
    tags(
        (name = "tests", description = "How tests fare, and commands to them: the interface of calltest 0.7"),
        (name = "runs", description = "Finished runs"),
        (name = "daemon", description = "Servers, links, and the daemon itself"),
        (name = "silences", description = "Tests that nobody wants to hear of for a while"),
    )
)]
struct Description;

/// What handlers work with, for a daemon with this handle and history.
pub(crate) fn context(handle: Handle, history: History, recordings: PathBuf, closed: CancellationToken) -> Context {
    Context {
        handle,
        history,
        recordings: Arc::new(recordings),
        listeners: Listeners::default(),
        closed,
        description: Arc::new(described().split_for_parts().1),
    }
}

/// Answers requests until the daemon is closed.
pub(crate) async fn serve(listener: TcpListener, context: Context) -> std::io::Result<()> {
    let is_loopback = listener.local_addr()?.ip().is_loopback();
    let closed = context.closed.clone();
    connections::serve(listener, routes(context, is_loopback), closed).await
}

/// Answers requests that did not come over a network, with the same code. It is there for the fuzz target.
#[derive(Clone)]
pub struct Interface {
    routes: TowerToHyperService<Router>,
}

impl Interface {
    pub(crate) fn new(context: Context) -> Self {
        Self { routes: TowerToHyperService::new(routes(context, true)) }
    }

    /// The answer to a request.
    pub async fn answer(&self, request: Request) -> Response {
        self.routes.call(request).await.unwrap_or_else(|never| match never {})
    }
}

fn routes(context: Context, is_loopback: bool) -> Router {
    described()
        .split_for_parts()
        .0
        .fallback(|| async { Refusal::NoSuchPath })
        .method_not_allowed_fallback(|| async { Refusal::WrongMethod })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(RequestBodyTimeoutLayer::new(BODY_STALL))
        .layer(middleware::from_fn(move |request, next| boundary::check(is_loopback, request, next)))
        .with_state(context)
}

/// Every path with its handlers and what they say of themselves.
fn described() -> OpenApiRouter<Context> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(board::troubled))
        .routes(routes!(board::all))
        .routes(routes!(board::test))
        .routes(routes!(board::start))
        .routes(routes!(board::stop))
        .routes(routes!(board::fail))
        .routes(routes!(runs::history))
        .routes(routes!(runs::run))
        .routes(routes!(runs::recordings))
        .routes(routes!(runs::recording))
        .routes(routes!(websocket::follow))
        .routes(routes!(servers::servers))
        .routes(routes!(servers::links))
        .routes(routes!(servers::health))
        .routes(routes!(servers::readiness))
        .routes(routes!(servers::reload))
        .routes(routes!(silences::list, silences::create))
        .routes(routes!(silences::one, silences::end))
        .routes(routes!(description))
}

/// This description
#[utoipa::path(get, path = "/openapi.json", tag = "daemon", responses((status = 200, body = Object)))]
async fn description(State(context): State<Context>) -> Json<utoipa::openapi::OpenApi> {
    Json((*context.description).clone())
}

#[cfg(test)]
mod tests;
