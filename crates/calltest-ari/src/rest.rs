//! Requests: in turn, paced, tried again where that is safe, and their answers understood. What carries them is the
//! transport's business.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::error::{RequestError, RequestFailure, page_named};
use crate::operation::Operation;
use crate::origin::{Origin, is_page, words};
use crate::settings::Settings;
use crate::transport::{Fields, RawReply, RawRequest, Transport};
use crate::turns::{Lane, Turn, Turns};

/// Longest part of an answer that is no JSON that an error repeats.
const MESSAGE_LIMIT: usize = 200;

/// The REST side of a server.
pub(crate) struct Rest {
    transport: Arc<dyn Transport>,
    /// One turn a request under way.
    turns: Turns,
    /// From this wait for a turn on, the log tells of it: the time-out of the request itself begins only then.
    slow_turn: Duration,
    /// One permit an originate under way, so that a burst of calls is paced by the server's answers.
    originate_permits: Arc<Semaphore>,
}

/// The right to originate one call. It is given back when this is dropped.
#[derive(Debug)]
pub struct OriginatePermit(#[expect(dead_code, reason = "it is held, and never looked at")] OwnedSemaphorePermit);

impl Rest {
    pub(crate) fn new(transport: Arc<dyn Transport>, settings: &Settings) -> Self {
        Rest {
            transport,
            turns: Turns::new(settings.max_requests),
            slow_turn: settings.request_timeout,
            originate_permits: Arc::new(Semaphore::new(settings.max_originates)),
        }
    }

    /// Waits for the right to originate a call; `None` once requests are refused.
    pub(crate) async fn originate_permit(&self) -> Option<OriginatePermit> {
        Arc::clone(&self.originate_permits).acquire_owned().await.ok().map(OriginatePermit)
    }

    /// Carries out an operation, after the wait for a turn to dial if it dials.
    pub(crate) async fn request<Op: Operation>(&self, operation: &Op) -> Result<Op::Reply, RequestError> {
        let turn = if Op::DIALS { self.originate_permit().await } else { None };
        if Op::DIALS && turn.is_none() {
            let (path, failure) = (operation.path(), RequestFailure::Closed);
            return Err(RequestError { method: Op::METHOD, path, failure });
        }
        self.request_with_permit(turn, operation).await
    }

    /// Carries out an operation, which may dial if there is a turn.
    pub(crate) async fn request_with_permit<Op: Operation>(
        &self,
        _turn: Option<OriginatePermit>,
        operation: &Op,
    ) -> Result<Op::Reply, RequestError> {
        self.request_in(None, operation, || {}).await
    }

    /// Carries out an operation of the client itself: it does not wait for what others ask.
    pub(crate) async fn own_request<Op: Operation>(&self, operation: &Op) -> Result<Op::Reply, RequestError> {
        self.request_in(Some(Lane::Own), operation, || {}).await
    }

    /// Carries out an operation in a lane, or in that of its kind. `begins` is called once it is its turn.
    pub(crate) async fn request_in<Op: Operation>(
        &self,
        lane: Option<Lane>,
        operation: &Op,
        begins: impl FnOnce() + Send,
    ) -> Result<Op::Reply, RequestError> {
        let (path, query) = (operation.path(), operation.query());
        let target = if query.as_str().is_empty() { path.clone() } else { format!("{path}?{}", query.as_str()) };
        let body = operation.body().map(|body| Bytes::from(body.to_string()));
        let request = RawRequest { method: Op::METHOD, target, body };
        let lane = lane.unwrap_or_else(|| Lane::of(&request));
        let answer = match self.turn(lane).await {
            Ok(_turn) => {
                begins();
                self.answer(&request, &path, Effect::of::<Op>()).await
            }
            Err(failure) => Err(failure),
        };
        let understood =
            answer.and_then(|body| Op::reply(body).map_err(|source| RequestFailure::Unreadable { source }));
        understood.map_err(|failure| RequestError { method: Op::METHOD, path, failure })
    }

    async fn turn(&self, lane: Lane) -> Result<Turn, RequestFailure> {
        let started = Instant::now();
        let turn = self.turns.wait(lane).await.ok_or(RequestFailure::Closed)?;
        let waited = started.elapsed();
        if waited > self.slow_turn {
            tracing::warn!(
                ?waited,
                "a request has waited for others: the server is slow, or asked for too much at a time"
            );
        }
        Ok(turn)
    }

    /// The body of a good answer. Not generic, so that there is one of it and not one for each operation.
    async fn answer(&self, request: &RawRequest, path: &str, effect: Effect) -> Result<Bytes, RequestFailure> {
        let RawReply { status, body, fields } = self.exchange(request, path, effect).await?;
        if status.is_success() && !is_page(&body) {
            return Ok(body);
        }
        let Fields { server, location } = fields.map(|fields| *fields).unwrap_or_default();
        let origin = Box::new(Origin::new(server.as_deref(), location.as_deref(), &body));
        if status.is_success() {
            return Err(RequestFailure::Page { status, origin });
        }
        Err(RequestFailure::Refused { status, message: message(status, &body, &origin), origin })
    }

    /// Refuses every request from now on.
    pub(crate) fn close(&self) {
        self.turns.close();
        self.originate_permits.close();
    }

    /// Sends the request. Asks once more if the connection ended without an answer, as a kept one
    /// may at any time, where that does no harm.
    async fn exchange(&self, request: &RawRequest, path: &str, effect: Effect) -> Result<RawReply, RequestFailure> {
        let lost = match self.transport.call(request).await {
            Err(lost @ RequestFailure::NoReply { .. }) => lost,
            outcome => return outcome,
        };
        tracing::debug!(method = %request.method, path, error = %lost, "no answer");
        match effect {
            Effect::MayBeRepeated => self.transport.call(request).await,
            Effect::MayNotBeRepeated => Err(lost),
            Effect::CreatesItsPath { dials } => match self.created(path).await {
                Some(Created::Is(reply)) => Ok(reply),
                // It may have come to be and be over, as a call is that was rejected at once. Asking again would dial again.
                Some(Created::IsNot) if !dials => match self.transport.call(request).await {
                    // The first was carried out late, which is no refusal.
                    Ok(reply) if reply.status == StatusCode::CONFLICT => Err(lost),
                    outcome => outcome,
                },
                Some(Created::IsNot) | None => Err(lost),
            },
        }
    }

    /// Whether what was to be created at a path is there; `None` if that cannot be told.
    async fn created(&self, path: &str) -> Option<Created> {
        let reply = self.transport.call(&RawRequest { method: Method::GET, target: path.to_owned(), body: None }).await;
        match reply {
            Ok(reply) if reply.status.is_success() => Some(Created::Is(reply)),
            Ok(reply) if reply.status == StatusCode::NOT_FOUND => Some(Created::IsNot),
            Ok(_) | Err(_) => None,
        }
    }
}

/// What comes of sending a request twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// No more than of sending it once.
    MayBeRepeated,
    /// Perhaps more.
    MayNotBeRepeated,
    /// Something with an id that we chose, which a `GET` of the same path shows as long as it is there.
    CreatesItsPath {
        /// Asterisk dials as well, each time.
        dials: bool,
    },
}

impl Effect {
    fn of<Op: Operation>() -> Self {
        match Op::METHOD {
            _ if Op::CREATES_ITS_PATH => Self::CreatesItsPath { dials: Op::DIALS },
            Method::GET | Method::DELETE => Self::MayBeRepeated,
            _ => Self::MayNotBeRepeated,
        }
    }
}

/// What there is at a path.
enum Created {
    Is(RawReply),
    IsNot,
}

/// What an answer that refuses says: Asterisk's own words; or else what it is, its text, or what the status means.
fn message(status: StatusCode, body: &[u8], origin: &Origin) -> String {
    if let Some(words) = words(body) {
        return words;
    }
    match origin {
        Origin { location: Some(location), .. } if status.is_redirection() => format!("redirects to {location}"),
        Origin { page: Some(title), .. } => page_named(title),
        _ => {
            let text = String::from_utf8_lossy(body);
            let text: String = text.trim().chars().take(MESSAGE_LIMIT).collect();
            if text.is_empty() { status.canonical_reason().unwrap_or_default().to_owned() } else { text }
        }
    }
}
