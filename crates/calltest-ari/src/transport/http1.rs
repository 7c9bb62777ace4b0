//! Requests over HTTP/1.1 connections that are kept and used again. One that is kept is looked at before it is used again,
//! so that a request is not sent into a connection that the server has closed.

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use http::{HeaderValue, Method};
use rustls::ClientConfig;
use tokio::time::Instant;

use crate::error::{Closed, RequestFailure};
use crate::settings::Settings;
use crate::socket;
use crate::transport::http_connection::{Failure, HttpConnection};
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
    /// What stands between the method of a request and its target: the path of ARI.
    base: String,
    /// The header fields that every request has: who is asked, and who asks.
    fields: Vec<u8>,
    /// Connections that carry nothing, the one used last at the end. There are never more than requests under way before.
    idle: Mutex<Vec<Idle>>,
}

/// A connection that carries nothing.
struct Idle {
    connection: HttpConnection,
    since: Instant,
}

impl Http {
    /// A client that has not connected yet.
    pub(crate) fn new(settings: Arc<Settings>, tls: Arc<ClientConfig>) -> Self {
        let host = HeaderValue::try_from(settings.address()).unwrap_or_else(|_| HeaderValue::from_static("asterisk"));
        let authorization = settings.authorization();
        let fields = [b"Host: ", host.as_bytes(), b"\r\nAuthorization: ", authorization.as_bytes(), b"\r\n"].concat();
        let base = format!(" {}/ari", settings.path);
        Http { settings, tls, base, fields, idle: Mutex::default() }
    }

    async fn exchange(&self, request: &RawRequest) -> Result<RawReply, RequestFailure> {
        let message = self.message(request);
        loop {
            let idle = self.take_idle();
            let is_new = idle.is_none();
            let mut connection = match idle {
                Some(connection) => connection,
                // Boxed, since it is rare and large: what waits for an answer is kept small.
                None => self.connect().boxed().await.map_err(|source| RequestFailure::NotSent { source })?,
            };
            match connection.carry(&message, self.settings.max_reply_bytes).await {
                Ok(reply) => {
                    self.idle().push(Idle { connection, since: Instant::now() });
                    return Ok(reply);
                }
                Err(Failure::Unsent(_)) if !is_new => {}
                Err(Failure::Unsent(error)) => {
                    return Err(RequestFailure::NotSent { source: Closed(error).into() });
                }
                Err(Failure::Final(failure)) => return Err(failure),
            }
        }
    }

    /// A request as it goes out (RFC 9112 §3). Its target is percent-encoded, so that nothing in it can end the line.
    fn message(&self, request: &RawRequest) -> Vec<u8> {
        let body = request.body.as_deref().unwrap_or_default();
        let mut message = Vec::with_capacity(FRAME + request.target.len() + self.fields.len() + body.len());
        let line = [request.method.as_str(), &self.base, &request.target, " HTTP/1.1\r\n"];
        line.iter().for_each(|part| message.extend_from_slice(part.as_bytes()));
        message.extend_from_slice(&self.fields);
        if request.body.is_some() {
            message.extend_from_slice(b"Content-Type: application/json\r\n");
        }
        // A request that may have a body says how long it is, even if it has none (RFC 9110 §8.6).
        if request.body.is_some() || matches!(request.method, Method::POST | Method::PUT) {
            message.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        message.extend_from_slice(b"\r\n");
        message.extend_from_slice(body);
        message
    }

    async fn connect(&self) -> Result<HttpConnection, Box<dyn Error + Send + Sync>> {
        Ok(HttpConnection::new(socket::stream(&self.settings, &self.tls).await?))
    }

    /// A connection that was used before and is still open.
    fn take_idle(&self) -> Option<HttpConnection> {
        let mut idle = self.idle();
        std::iter::from_fn(|| idle.pop())
            .map(|idle| idle.connection)
            .find_map(|mut connection| connection.is_ready().then_some(connection))
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

#[cfg(test)]
mod tests {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http::StatusCode;
    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;

    use super::*;
    use crate::tls;

    /// A client of a server that answers the first request of each connection so, and none after that, and leaves the
    /// connection open unless `closes`. What the server was asked.
    async fn client(answer: &'static str, closes: bool) -> (Http, mpsc::UnboundedReceiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, asked) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut left_open = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.unwrap();
                tell.send(String::from_utf8_lossy(&request[..length]).into_owned()).unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
                if !closes {
                    left_open.push(stream);
                }
            }
        });
        let mut settings = Settings::new("127.0.0.1", port, "user", "secret", "app");
        settings.request_timeout = Duration::from_secs(5);
        (Http::new(Arc::new(settings), tls::client_config(None).unwrap()), asked)
    }

    fn post(body: Option<&'static str>) -> RawRequest {
        RawRequest { method: Method::POST, target: "/a?b=c".into(), body: body.map(|body| body.as_bytes().into()) }
    }

    #[tokio::test]
    async fn a_connection_on_which_no_request_can_follow_is_not_used_again() {
        for (answer, closes) in [
            ("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", false),
            ("HTTP/1.1 204 No Content\r\n\r\n", true),
            ("HTTP/1.1 204 No Content\r\n\r\nnobody asked for this", false),
        ] {
            let (client, mut asked) = client(answer, closes).await;
            for _ in 0..3 {
                let reply = client.call(&post(None)).await.unwrap();
                assert_eq!(reply.status, StatusCode::NO_CONTENT, "{answer:?}");
                asked.recv().await.unwrap();
                // For the end of the connection to arrive.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    #[tokio::test]
    async fn a_connection_on_which_nothing_stands_in_the_way_is_used_again() {
        let (client, mut asked) = client("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", false).await;
        let reply = client.call(&post(Some("{}"))).await.unwrap();
        assert_eq!((reply.status, &*reply.body), (StatusCode::OK, &b"[]"[..]));
        let asked = asked.recv().await.unwrap();
        let (head, body) = asked.split_once("\r\n\r\n").unwrap();
        let lines: Vec<&str> = head.split("\r\n").collect();
        assert_eq!(lines[0], "POST /ari/a?b=c HTTP/1.1");
        assert_eq!(lines[1], format!("Host: {}", client.settings.address()));
        assert_eq!(
            lines[2..],
            ["Authorization: Basic dXNlcjpzZWNyZXQ=", "Content-Type: application/json", "Content-Length: 2"]
        );
        assert_eq!(body, "{}");
        assert!(client.take_idle().is_some());
    }

    #[tokio::test]
    async fn a_request_that_could_have_a_body_says_that_it_has_none() {
        for (method, says_so) in
            [(Method::POST, true), (Method::PUT, true), (Method::GET, false), (Method::DELETE, false)]
        {
            let (client, mut asked) = client("HTTP/1.1 204 No Content\r\n\r\n", false).await;
            client.call(&RawRequest { method: method.clone(), target: "/a".into(), body: None }).await.unwrap();
            let asked = asked.recv().await.unwrap();
            assert_eq!(asked.contains("\r\nContent-Length: 0\r\n"), says_so, "{asked}");
            assert!(asked.ends_with("\r\n\r\n") && !asked.contains("Content-Type"), "{asked}");
        }
    }

    /// A connection that is gone, and does not show it before it is written to.
    struct Gone;

    impl AsyncRead for Gone {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Gone {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn what_did_not_go_out_goes_over_another_connection() {
        let (client, mut asked) = client("HTTP/1.1 204 No Content\r\n\r\n", false).await;
        for _ in 0..2 {
            client.idle().push(Idle { connection: HttpConnection::new(Box::new(Gone)), since: Instant::now() });
        }
        client.call(&post(Some("{}"))).await.unwrap();
        assert!(asked.recv().await.unwrap().ends_with("\r\n\r\n{}"));
        assert!(asked.try_recv().is_err());
    }
}
