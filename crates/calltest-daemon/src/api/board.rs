//! Tests: how they fare, and commands to them. Paths and answers are those of calltest 0.7.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::InPath;
use super::{Problem, Refusal, Shared};
use crate::board::{Lists, TestState, Troubled};
use crate::dispatcher::InternalEvent;

/// The tests that are not well
#[utoipa::path(get, path = "/", tag = "tests", responses(
    (status = 200, body = Troubled),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn troubled(State(shared): State<Shared>) -> Result<Json<Troubled>, Refusal> {
    Ok(Json(shared.handle.lists().await?.troubled))
}

/// All tests
#[utoipa::path(get, path = "/list", tag = "tests", responses(
    (status = 200, body = Lists),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn all(State(shared): State<Shared>) -> Result<Json<Lists>, Refusal> {
    Ok(Json(shared.handle.lists().await?))
}

/// The state of one test
#[utoipa::path(get, path = "/test/{name}", tag = "tests", params(("name" = String, Path, description = "The test")), responses(
    (status = 200, body = TestState),
    (status = 400, description = "The path is malformed", body = Problem),
    (status = 404, description = "There is no such test", body = Problem),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn test(
    State(shared): State<Shared>,
    InPath(name): InPath<String>,
) -> Result<Json<TestState>, Refusal> {
    let state = shared.handle.test(name.clone()).await?;
    Ok(Json(state.ok_or(Refusal::NoSuchTest { name })?))
}

/// What came of a command
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Commanded {
    /// Whether there was something to do.
    success: bool,
    /// The id of the run that was started, or is being ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    run: Option<String>,
}

/// Starts a run at once. Without effect if one is asked for or under way already
#[utoipa::path(put, path = "/test/{name}/start", tag = "tests", params(("name" = String, Path, description = "The test")), responses(
    (status = 200, body = Commanded),
    (status = 400, description = "The path is malformed", body = Problem),
    (status = 404, description = "There is no such test", body = Problem),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn start(
    State(shared): State<Shared>,
    InPath(name): InPath<String>,
) -> Result<Json<Commanded>, Refusal> {
    command(&shared, name, InternalEvent::Start).await
}

/// Ends the run that is asked for or under way; it counts neither as a success nor as a failure
#[utoipa::path(put, path = "/test/{name}/stop", tag = "tests", params(("name" = String, Path, description = "The test")), responses(
    (status = 200, body = Commanded),
    (status = 400, description = "The path is malformed", body = Problem),
    (status = 404, description = "There is no such test", body = Problem),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn stop(
    State(shared): State<Shared>,
    InPath(name): InPath<String>,
) -> Result<Json<Commanded>, Refusal> {
    command(&shared, name, InternalEvent::Stop).await
}

/// Ends the run that is asked for or under way, and has it counted as a failure
#[utoipa::path(put, path = "/test/{name}/fail", tag = "tests", params(("name" = String, Path, description = "The test")), responses(
    (status = 200, body = Commanded),
    (status = 400, description = "The path is malformed", body = Problem),
    (status = 404, description = "There is no such test", body = Problem),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn fail(
    State(shared): State<Shared>,
    InPath(name): InPath<String>,
) -> Result<Json<Commanded>, Refusal> {
    command(&shared, name, InternalEvent::Fail).await
}

async fn command(
    shared: &Shared,
    name: String,
    event: fn(calltest_core::plan::TestName) -> InternalEvent,
) -> Result<Json<Commanded>, Refusal> {
    let commanded = shared.handle.command(event, &name).await?;
    let commanded = commanded.ok_or(Refusal::NoSuchTest { name })?;
    Ok(Json(Commanded { success: commanded.has_effect, run: commanded.run }))
}
