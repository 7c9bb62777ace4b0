//! What handlers take from a request, refused in JSON with a reason where it is not what it should be.

use std::error::Error;
use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use tower_http::timeout::TimeoutError;

use super::refusal::Refusal;

/// How long a client may take for a body.
const BODY: Duration = Duration::from_secs(30);

/// Parts of the path.
pub(super) struct InPath<T>(pub(super) T);

/// Parameters behind the question mark.
pub(super) struct InQuery<T>(pub(super) T);

/// A JSON body.
pub(super) struct InBody<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for InPath<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(path)| Self(path))
            .map_err(|error| Refusal::Malformed { status: error.status(), why: error.body_text() })
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for InQuery<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let query = Query::from_request_parts(parts, state).await;
        query
            .map(|Query(query)| Self(query))
            .map_err(|error| Refusal::Malformed { status: StatusCode::BAD_REQUEST, why: error.body_text() })
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for InBody<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let late = || Refusal::Malformed {
            status: StatusCode::REQUEST_TIMEOUT,
            why: "the body of the request did not come in time".into(),
        };
        // A body may have no pause that is too long, and take for ever all the same.
        let body = timeout(BODY, axum::Json::from_request(request, state)).await.map_err(|_| late())?;
        body.map(|axum::Json(body)| Self(body)).map_err(|error| match error.status() {
            _ if is_stall(&error) => late(),
            status => Refusal::Malformed { status, why: error.body_text() },
        })
    }
}

/// Whether a body was given up because nothing of it came for too long.
fn is_stall(error: &JsonRejection) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<TimeoutError>() {
            return true;
        }
        cause = error.source();
    }
    false
}
