//! Why a request is refused: each reason with its status and its sentence.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::handle::DaemonEnded;
use crate::history::HistoryError;

/// Why a request is refused.
#[derive(Debug)]
pub(super) enum Refusal {
    NoSuchPath,
    WrongMethod,
    NoSuchTest {
        name: String,
    },
    NoSuchRun {
        test: String,
        id: String,
    },
    NoSuchRecording {
        why: String,
    },
    NoSuchSilence {
        id: String,
    },
    /// The request cannot be understood.
    Malformed {
        status: StatusCode,
        why: String,
    },
    /// It is understood, but makes no sense.
    Unacceptable {
        why: String,
    },
    /// A page of another site sent it, or it is meant for another host.
    Foreign {
        why: String,
    },
    TooManyListeners,
    TooManySilences,
    History(HistoryError),
    /// The daemon is ending.
    Ending,
}

/// A refusal on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Why, one sentence.
    pub(super) error: String,
}

impl From<DaemonEnded> for Refusal {
    fn from(_: DaemonEnded) -> Self {
        Self::Ending
    }
}

impl From<HistoryError> for Refusal {
    fn from(error: HistoryError) -> Self {
        Self::History(error)
    }
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoSuchPath
            | Self::NoSuchTest { .. }
            | Self::NoSuchRun { .. }
            | Self::NoSuchRecording { .. }
            | Self::NoSuchSilence { .. } => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Malformed { status, .. } => *status,
            Self::Unacceptable { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Foreign { .. } => StatusCode::FORBIDDEN,
            Self::TooManyListeners | Self::TooManySilences | Self::History(_) | Self::Ending => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    fn sentence(&self) -> String {
        match self {
            Self::NoSuchPath => "there is nothing at this path".into(),
            Self::WrongMethod => "this path takes another method".into(),
            Self::NoSuchTest { name } => format!("there is no test {name}"),
            Self::NoSuchRun { test, id } => format!("there is no run {id} of test {test}; it may not be kept any more"),
            Self::NoSuchSilence { id } => format!("there is no silence {id}; it may have ended"),
            Self::NoSuchRecording { why }
            | Self::Malformed { why, .. }
            | Self::Unacceptable { why }
            | Self::Foreign { why } => why.clone(),
            Self::TooManyListeners => "too many WebSockets are open already".into(),
            Self::TooManySilences => "there are too many silences already; end some of them".into(),
            Self::History(error) => error.to_string(),
            Self::Ending => "the daemon is ending".into(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status(), Json(Problem { error: self.sentence() })).into_response()
    }
}
