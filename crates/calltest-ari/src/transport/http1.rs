//! Requests over HTTP/1.1 connections that are kept and used again.
//!
//! A connection carries one request at a time, and has no task of its own: whoever waits for the answer drives it. One that
//! is kept is looked at before it is used again, so that a request is not sent into a connection that the server has closed.

use std::error::Error;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::{BoxFuture, FutureExt};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::time::Instant;

use crate::error::RequestFailure;
use crate::settings::Settings;
use crate::socket::{self, Stream};
use crate::transport::{RawReply, RawRequest, Transport};

/// Asterisk closes a connection that was idle for 15 s (`session_keep_alive`), so ours are given up before.
const IDLE_LIMIT: Duration = Duration::from_secs(10);

/// How much is read from a connection at once, in bytes. Almost every answer is shorter, and memory of this size costs the
/// allocator the least.
const READ_BUFFER: usize = 1024;

/// An HTTP client of one server.
pub(crate) struct Http {
    settings: Arc<Settings>,
    /// How it speaks TLS, if the settings say that it does.
    tls: Arc<ClientConfig>,
    host: HeaderValue,
    authorization: HeaderValue,
    /// Connections that carry nothing, the one used last at the end. There are never more than requests under way before.
    idle: Mutex<Vec<Idle>>,
}

/// A connection that carries nothing.
struct Idle {
    line: Line,
    since: Instant,
}

/// What hyper reads and writes.
type Wire = Connection<TokioIo<Box<dyn Stream>>, Full<Bytes>>;

/// A connection to the server.
struct Line {
    sender: SendRequest<Full<Bytes>>,
    /// What reads and writes it; `None` once it has ended.
    connection: Option<Wire>,
}

impl Http {
    /// A client that has not connected yet.
    pub(crate) fn new(settings: Arc<Settings>, tls: Arc<ClientConfig>) -> Self {
        let host = HeaderValue::try_from(settings.address()).unwrap_or_else(|_| HeaderValue::from_static("asterisk"));
        let authorization = settings.authorization();
        Http { settings, tls, host, authorization, idle: Mutex::default() }
    }

    async fn exchange(&self, request: &RawRequest) -> Result<RawReply, RequestFailure> {
        let mut message = self.message(request).map_err(|source| RequestFailure::NotSent { source })?;
        loop {
            let kept = self.kept().await;
            let is_new = kept.is_none();
            let mut line = match kept {
                Some(line) => line,
                // Boxed, since it is rare and large: what waits for an answer is kept small.
                None => self.connect().boxed().await.map_err(|source| RequestFailure::NotSent { source })?,
            };
            match line.carry(message, self.settings.max_reply_bytes).await {
                Ok(reply) => {
                    self.keep(line);
                    return Ok(reply);
                }
                Err(Failure::Unsent { returned, .. }) if !is_new => message = *returned,
                Err(Failure::Unsent { error, .. }) => return Err(RequestFailure::NotSent { source: error.into() }),
                Err(Failure::Final(failure)) => return Err(failure),
            }
        }
    }

    fn message(&self, request: &RawRequest) -> Result<Request<Full<Bytes>>, Box<dyn Error + Send + Sync>> {
        let mut message = Request::builder()
            .method(request.method.clone())
            .uri(format!("/ari{}", request.target))
            .header(HOST, self.host.clone())
            .header(AUTHORIZATION, self.authorization.clone());
        if request.body.is_some() {
            message = message.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(message.body(Full::new(request.body.clone().unwrap_or_default()))?)
    }

    async fn connect(&self) -> Result<Line, Box<dyn Error + Send + Sync>> {
        let stream = socket::stream(&self.settings, &self.tls).await?;
        let (sender, connection) =
            Builder::new().read_buf_exact_size(Some(READ_BUFFER)).handshake(TokioIo::new(stream)).await?;
        Ok(Line { sender, connection: Some(connection) })
    }

    /// A connection that was used before and is still open.
    async fn kept(&self) -> Option<Line> {
        loop {
            let mut line = self.idle().pop()?.line;
            if line.is_ready().await {
                return Some(line);
            }
        }
    }

    fn keep(&self, line: Line) {
        if line.connection.is_some() {
            self.idle().push(Idle { line, since: Instant::now() });
        }
    }

    /// Those that are not too old.
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
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

/// Why a request was not answered.
enum Failure {
    /// Nothing of it went out: here it is.
    Unsent { returned: Box<Request<Full<Bytes>>>, error: hyper::Error },
    /// It may have gone out.
    Final(RequestFailure),
}

impl Line {
    /// Sends a request and reads the answer.
    async fn carry(&mut self, message: Request<Full<Bytes>>, limit: usize) -> Result<RawReply, Failure> {
        let answer = self.sender.try_send_request(message);
        let answer = async {
            let response = answer.await.map_err(|mut failed| match failed.take_message() {
                Some(returned) => Failure::Unsent { returned: Box::new(returned), error: failed.into_error() },
                None => Failure::Final(RequestFailure::NoReply { source: failed.into_error().into() }),
            })?;
            read(response, limit).await.map_err(Failure::Final)
        };
        driven(&mut self.connection, answer).await
    }

    /// Whether it can take another request. One that the server has closed cannot.
    async fn is_ready(&mut self) -> bool {
        driven(&mut self.connection, self.sender.ready()).await.is_ok()
    }
}

/// Reads and writes a connection until what depends on it is done.
async fn driven<T>(connection: &mut Option<Wire>, what: impl Future<Output = T>) -> T {
    let mut what = pin!(what);
    poll_fn(|context| {
        if let Poll::Ready(done) = what.as_mut().poll(context) {
            return Poll::Ready(done);
        }
        // How it ended is told to who waits for the answer.
        if connection.as_mut().is_some_and(|connection| connection.poll_unpin(context).is_ready()) {
            *connection = None;
        }
        what.as_mut().poll(context)
    })
    .await
}

async fn read(response: Response<Incoming>, limit: usize) -> Result<RawReply, RequestFailure> {
    let status = response.status();
    let mut incoming = response.into_body();
    let mut body = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| RequestFailure::NoReply { source: error.into() })?;
        let Ok(chunk) = frame.into_data() else { continue };
        if body.len() + chunk.len() > limit {
            return Err(RequestFailure::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(RawReply { status, body: body.freeze() })
}
