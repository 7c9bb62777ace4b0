//! Connections: so many at once, and none that keeps a place for nothing.
//!
//! A client that sends its request too slowly, or does not take its answer, is dropped; nobody waits for it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How many connections there may be; more wait until one is free.
const MAX_CONNECTIONS: usize = 256;
/// How long a client may take for the head of a request, and how long a connection may lie idle.
const HEAD: Duration = Duration::from_secs(30);
/// How long a client may take nothing of an answer before it is dropped.
const STALL: Duration = Duration::from_secs(20);
/// How much the system may hold for a client that does not take it, in bytes; left to itself, Linux holds megabytes.
const SEND_BUFFER: usize = 128 << 10;
/// How long connections may take to end once the daemon has.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
/// How long to wait after the system could not give a connection, as when there are too many files open.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// How often that is said at most.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// Serves connections until `closed`.
pub(super) async fn serve(listener: TcpListener, routes: Router, closed: CancellationToken) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let tasks = TaskTracker::new();
    let accepting = async {
        let mut warned: Option<Instant> = None;
        loop {
            let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
            match listener.accept().await {
                Ok((stream, _)) => {
                    tasks.spawn(serve_connection(stream, routes.clone(), closed.clone(), place));
                }
                // That of a client which has gone already, or one of ours that will pass.
                Err(error) => {
                    if warned.is_none_or(|warned| warned.elapsed() >= WARN_EVERY) {
                        tracing::warn!("failed to accept a connection: {error}; retrying");
                        warned = Some(Instant::now());
                    }
                    sleep(ACCEPT_RETRY).await;
                }
            }
        }
    };
    let ended = closed.run_until_cancelled(accepting).await.unwrap_or(Ok(()));
    tasks.close();
    // Whoever does not end by then is cut off with the process.
    let _ = timeout(DRAIN_TIMEOUT, tasks.wait()).await;
    ended
}

async fn serve_connection(stream: TcpStream, routes: Router, closed: CancellationToken, place: OwnedSemaphorePermit) {
    let _place = place;
    // A small answer is to go out at once.
    let set = stream.set_nodelay(true).and_then(|()| Ok(set_socket_send_buffer_size(&stream, SEND_BUFFER)?));
    if let Err(error) = set {
        tracing::debug!("a connection was gone before it began: {error}");
        return;
    }
    let io = TokioIo::new(StallTimeout::new(stream));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(64 << 10);
    let connection = http.serve_connection(io, TowerToHyperService::new(routes)).with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = closed.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection has ended: {error}");
    }
}

/// A stream that fails when nobody takes what is written to it.
struct StallTimeout {
    stream: TcpStream,
    /// Runs while a write is pending.
    stall: Pin<Box<Sleep>>,
    is_stalled: bool,
}

impl StallTimeout {
    fn new(stream: TcpStream) -> Self {
        Self { stream, stall: Box::pin(sleep(STALL)), is_stalled: false }
    }

    /// Lets a write that does not get on wait only for so long.
    fn watch<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.is_stalled = false;
            return written;
        }
        if !self.is_stalled {
            self.is_stalled = true;
            self.stall.as_mut().reset(Instant::now() + STALL);
        }
        match self.stall.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for StallTimeout {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for StallTimeout {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(written, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.watch(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
