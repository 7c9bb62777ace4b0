//! Requests over HTTP/1.1 connections that are kept and used again. One that is kept is looked at before it is used again,
//! so that a request is not sent into a connection that the server has closed.

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use http::HeaderValue;
use rustls::ClientConfig;
use tokio::time::Instant;

use crate::error::RequestFailure;
use crate::settings::Settings;
use crate::socket;
use crate::transport::line::{Failure, Line};
use crate::transport::{RawReply, RawRequest, Transport};

/// Asterisk closes a connection that was idle for 15 s (`session_keep_alive`), so ours are given up before.
const IDLE_LIMIT: Duration = Duration::from_secs(10);

/// About how many bytes of a request are neither its target, nor its body, nor the fields that all have.
const FRAME: usize = 96;

/// An HTTP client of one server.
pub(crate) struct Http {
    settings: Arc<Settings>,
    /// How it speaks TLS, if the settings say that it does.
    tls: Arc<ClientConfig>,
    /// The header fields that every request has: who is asked, and who asks.
    fields: Vec<u8>,
    /// Connections that carry nothing, the one used last at the end. There are never more than requests under way before.
    idle: Mutex<Vec<Idle>>,
}

/// A connection that carries nothing.
struct Idle {
    line: Line,
    since: Instant,
}

impl Http {
    /// A client that has not connected yet.
    pub(crate) fn new(settings: Arc<Settings>, tls: Arc<ClientConfig>) -> Self {
        let host = HeaderValue::try_from(settings.address()).unwrap_or_else(|_| HeaderValue::from_static("asterisk"));
        let authorization = settings.authorization();
        let fields = [b"Host: ", host.as_bytes(), b"\r\nAuthorization: ", authorization.as_bytes(), b"\r\n"].concat();
        Http { settings, tls, fields, idle: Mutex::default() }
    }

    async fn exchange(&self, request: &RawRequest) -> Result<RawReply, RequestFailure> {
        let message = self.message(request);
        loop {
            let kept = self.kept();
            let is_new = kept.is_none();
            let mut line = match kept {
                Some(line) => line,
                // Boxed, since it is rare and large: what waits for an answer is kept small.
                None => self.connect().boxed().await.map_err(|source| RequestFailure::NotSent { source })?,
            };
            match line.carry(&message, self.settings.max_reply_bytes).await {
                Ok(reply) => {
                    self.idle().push(Idle { line, since: Instant::now() });
                    return Ok(reply);
                }
                Err(Failure::Unsent(_)) if !is_new => {}
                Err(Failure::Unsent(error)) => return Err(RequestFailure::NotSent { source: error.into() }),
                Err(Failure::Final(failure)) => return Err(failure),
            }
        }
    }

    /// A request as it goes out (RFC 9112 §3). Its target is percent-encoded, so that nothing in it can end the line.
    fn message(&self, request: &RawRequest) -> Vec<u8> {
        let body = request.body.as_deref().unwrap_or_default();
        let mut message = Vec::with_capacity(FRAME + request.target.len() + self.fields.len() + body.len());
        let line = [request.method.as_str(), " /ari", &request.target, " HTTP/1.1\r\n"];
        line.iter().for_each(|part| message.extend_from_slice(part.as_bytes()));
        message.extend_from_slice(&self.fields);
        if request.body.is_some() {
            let length = body.len();
            message.extend_from_slice(
                format!("Content-Type: application/json\r\nContent-Length: {length}\r\n").as_bytes(),
            );
        }
        message.extend_from_slice(b"\r\n");
        message.extend_from_slice(body);
        message
    }

    async fn connect(&self) -> Result<Line, Box<dyn Error + Send + Sync>> {
        Ok(Line::new(socket::stream(&self.settings, &self.tls).await?))
    }

    /// A connection that was used before and is still open.
    fn kept(&self) -> Option<Line> {
        let mut idle = self.idle();
        std::iter::from_fn(|| idle.pop()).map(|idle| idle.line).find_map(|mut line| line.is_ready().then_some(line))
    }

    /// Those that are not too old.
    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let too_old = idle.iter().take_while(|idle| idle.since.elapsed() >= IDLE_LIMIT).count();
        idle.drain(..too_old);
        idle
    }
}

impl Transport for Http {
    fn call<'a>(&'a self, request: &'a RawRequest) -> BoxFuture<'a, Result<RawReply, RequestFailure>> {
        let after = self.settings.request_timeout;
        async move {
            let outcome = tokio::time::timeout(after, self.exchange(request)).await;
            outcome.unwrap_or(Err(RequestFailure::TimedOut { after }))
        }
        .boxed()
    }
}
