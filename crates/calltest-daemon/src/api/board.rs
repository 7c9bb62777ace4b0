//! Tests: how they fare, and commands to them. Paths and answers are those of calltest 0.7.

use axum::Json;
use axum::extract::State;
use calltest_core::plan::TestName;

use super::context::Context;
use super::extract::InPath;
use super::refusal::{Problem, Refusal};
use crate::commanded::Commanded;
use crate::dispatcher::InternalEvent;
use crate::lists::{Lists, Troubled};
use crate::test_state::TestState;

/// The tests that are not well
#[utoipa::path(get, path = "/", tag = "tests", responses(
    (status = 200, body = Troubled),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn troubled(State(context): State<Context>) -> Result<Json<Troubled>, Refusal> {
    Ok(Json(context.handle.lists().await?.troubled))
}

/// All tests
#[utoipa::path(get, path = "/list", tag = "tests", responses(
    (status = 200, body = Lists),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn all(State(context): State<Context>) -> Result<Json<Lists>, Refusal> {
    Ok(Json(context.handle.lists().await?))
}

/// The state of one test
#[utoipa::path(get, path = "/test/{name}", tag = "tests", params(("name" = String, Path, description = "The test")), responses(
    (status = 200, body = TestState),
    (status = 400, description = "The path is malformed", body = Problem),
    (status = 404, description = "There is no such test", body = Problem),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn test(
    State(context): State<Context>,
    InPath(name): InPath<String>,
) -> Result<Json<TestState>, Refusal> {
    let state = context.handle.test(name.clone()).await?;
    Ok(Json(state.ok_or(Refusal::NoSuchTest { name })?))
}

/// Starts a run at once. Without effect if one is asked for or under way already
#[utoipa::path(put, path = "/test/{name}/start", tag = "tests", params(("name" = String, Path, description = "The test")), responses(
    (status = 200, body = Commanded),
    (status = 400, description = "The path is malformed", body = Problem),
    (status = 404, description = "There is no such test", body = Problem),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn start(
    State(context): State<Context>,
    InPath(name): InPath<String>,
) -> Result<Json<Commanded>, Refusal> {
    command(&context, name, InternalEvent::Start).await
}

/// Ends the run that is asked for or under way; it counts neither as a success nor as a failure
#[utoipa::path(put, path = "/test/{name}/stop", tag = "tests", params(("name" = String, Path, description = "The test")), responses(
    (status = 200, body = Commanded),
    (status = 400, description = "The path is malformed", body = Problem),
    (status = 404, description = "There is no such test", body = Problem),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn stop(
    State(context): State<Context>,
    InPath(name): InPath<String>,
) -> Result<Json<Commanded>, Refusal> {
    command(&context, name, InternalEvent::Stop).await
}

/// Ends the run that is asked for or under way, and has it counted as a failure
#[utoipa::path(put, path = "/test/{name}/fail", tag = "tests", params(("name" = String, Path, description = "The test")), responses(
    (status = 200, body = Commanded),
    (status = 400, description = "The path is malformed", body = Problem),
    (status = 404, description = "There is no such test", body = Problem),
    (status = 503, description = "The daemon is ending", body = Problem),
))]
pub(super) async fn fail(
    State(context): State<Context>,
    InPath(name): InPath<String>,
) -> Result<Json<Commanded>, Refusal> {
    command(&context, name, InternalEvent::Fail).await
}

async fn command(
    context: &Context,
    name: String,
    event: fn(TestName) -> InternalEvent,
) -> Result<Json<Commanded>, Refusal> {
    let commanded = context.handle.command(event, &name).await?;
    Ok(Json(commanded.ok_or(Refusal::NoSuchTest { name })?))
}
