//! The way of a request to Asterisk and of the answer back. `http1` is the one there is; REST over the events
//! WebSocket can be another.

pub(crate) mod answer;
pub(crate) mod http1;
pub(crate) mod http_connection;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Method, StatusCode};

use crate::error::RequestFailure;

/// Carries requests.
pub(crate) trait Transport: Send + Sync {
    /// Sends `request` and returns the answer, whatever its status.
    fn call<'a>(&'a self, request: &'a RawRequest) -> BoxFuture<'a, Result<RawReply, RequestFailure>>;
}

/// A request in the form that every transport understands.
#[derive(Debug, Clone)]
pub(crate) struct RawRequest {
    pub(crate) method: Method,
    /// Path below `/ari` with the query, percent-encoded.
    pub(crate) target: String,
    /// JSON.
    pub(crate) body: Option<Bytes>,
}

/// An answer, not yet understood.
#[derive(Debug)]
pub(crate) struct RawReply {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    /// Only those of an answer that is no success.
    pub(crate) fields: Option<Box<Fields>>,
}

/// The header fields that tell who gave an answer.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    pub(crate) server: Option<String>,
    pub(crate) location: Option<String>,
}
