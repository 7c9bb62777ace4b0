//! Requests: in turn, paced, tried again where that is safe, and their answers understood. What carries them is the
//! transport's business.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::error::{RequestError, RequestFailure};
use crate::operation::Operation;
use crate::settings::Settings;
use crate::transport::{RawReply, RawRequest, Transport};

/// Longest part of an answer that is no JSON that an error repeats.
const MESSAGE_LIMIT: usize = 200;

/// The REST side of a server.
pub(crate) struct Rest {
    transport: Arc<dyn Transport>,
    /// One permit a request under way; first come, first served.
    turns: Semaphore,
    /// One permit an originate under way, so that a burst of calls is paced by the server's answers.
    dialling_turns: Arc<Semaphore>,
}

/// The right to originate one call. It is given back when this is dropped.
#[derive(Debug)]
pub struct DiallingTurn(#[expect(dead_code, reason = "it is held, and never looked at")] OwnedSemaphorePermit);

impl Rest {
    pub(crate) fn new(transport: Arc<dyn Transport>, settings: &Settings) -> Self {
        Rest {
            transport,
            turns: Semaphore::new(settings.max_requests),
            dialling_turns: Arc::new(Semaphore::new(settings.max_originates)),
        }
    }

    /// Waits for the right to originate a call; `None` once requests are refused.
    pub(crate) async fn dialling_turn(&self) -> Option<DiallingTurn> {
        Arc::clone(&self.dialling_turns).acquire_owned().await.ok().map(DiallingTurn)
    }

    /// Carries out an operation, after the wait for a turn to dial if it dials.
    pub(crate) async fn request<Op: Operation>(&self, operation: &Op) -> Result<Op::Reply, RequestError> {
        let turn = if Op::DIALS { self.dialling_turn().await } else { None };
        if Op::DIALS && turn.is_none() {
            let (path, failure) = (operation.path(), RequestFailure::Closed);
            return Err(RequestError { method: Op::METHOD, path, failure });
        }
        self.request_in_turn(turn, operation).await
    }

    /// Carries out an operation, which may dial if there is a turn.
    pub(crate) async fn request_in_turn<Op: Operation>(
        &self,
        _turn: Option<DiallingTurn>,
        operation: &Op,
    ) -> Result<Op::Reply, RequestError> {
        let (path, query) = (operation.path(), operation.query());
        let target = if query.as_str().is_empty() { path.clone() } else { format!("{path}?{}", query.as_str()) };
        let body = operation.body().map(|body| Bytes::from(body.to_string()));
        let request = RawRequest { method: Op::METHOD, target, body };
        let understood = match self.answer(&request, &path, Op::CREATES_ITS_PATH).await {
            Ok(body) => Op::reply(body).map_err(|source| RequestFailure::Unreadable { source }),
            Err(failure) => Err(failure),
        };
        understood.map_err(|failure| RequestError { method: Op::METHOD, path, failure })
    }

    /// The body of a good answer. Not generic, so that there is one of it and not one for each operation.
    async fn answer(&self, request: &RawRequest, path: &str, creates_its_path: bool) -> Result<Bytes, RequestFailure> {
        let reply = self.exchange(request, path, creates_its_path).await?;
        if reply.status.is_success() {
            return Ok(reply.body);
        }
        Err(RequestFailure::Refused { status: reply.status, message: message(&reply) })
    }

    /// Refuses every request from now on.
    pub(crate) fn close(&self) {
        self.turns.close();
        self.dialling_turns.close();
    }

    /// Waits for its turn and sends the request; a second time if the connection ended without an answer, as a kept
    /// one may at any time, and twice does no harm.
    async fn exchange(
        &self,
        request: &RawRequest,
        path: &str,
        creates_its_path: bool,
    ) -> Result<RawReply, RequestFailure> {
        let _turn = turn(&self.turns).await?;
        let is_harmless_twice = creates_its_path || matches!(request.method, Method::GET | Method::DELETE);
        match self.transport.call(request).await {
            Err(RequestFailure::NoReply { source }) if is_harmless_twice => {
                tracing::debug!(method = %request.method, path, error = %source, "no answer, trying once more");
            }
            outcome => return outcome,
        }
        match self.transport.call(request).await {
            Ok(reply) if creates_its_path && reply.status == StatusCode::CONFLICT => {
                let created = RawRequest { method: Method::GET, target: path.to_owned(), body: None };
                self.transport.call(&created).await
            }
            outcome => outcome,
        }
    }
}

async fn turn(turns: &Semaphore) -> Result<SemaphorePermit<'_>, RequestFailure> {
    turns.acquire().await.map_err(|_| RequestFailure::Closed)
}

/// Asterisk's own words in an answer that refuses: a member of its JSON, or the text, or what the status means.
fn message(reply: &RawReply) -> String {
    let words = serde_json::from_slice::<Value>(&reply.body).ok().and_then(|value| {
        let word = value.get("message").or_else(|| value.get("error"))?;
        word.as_str().map(str::to_owned)
    });
    words.unwrap_or_else(|| {
        let text = String::from_utf8_lossy(&reply.body);
        let text: String = text.trim().chars().take(MESSAGE_LIMIT).collect();
        if text.is_empty() { reply.status.canonical_reason().unwrap_or_default().to_owned() } else { text }
    })
}
