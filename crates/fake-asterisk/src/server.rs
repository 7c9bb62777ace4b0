//! The thread on which the server lives: its runtime, the one task that owns the state, and HTTP and WebSocket handlers,
//! which turn what they receive into [`Input`]s and have no opinion on it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, FromRequestParts, Query, Request, State as Extension};
use axum::http::{HeaderValue, Response, header};
use futures_util::SinkExt as _;
use percent_encoding::percent_decode_str;
use tokio::sync::{mpsc, oneshot};

use crate::apps::Frame;
use crate::connections::{Acceptor, ConnectionHandle, Connections, Control};
use crate::message::{Answer, Content, Received};
use crate::owner::Owner;
use crate::rules::{Delivery, Fate};
use crate::state::{Credentials, Input, State};

/// In how many pieces a body goes out that dribbles.
const PIECES: usize = 10;
/// How many frames or inputs are taken out of a queue at once.
const MAX_BATCH: usize = 256;
/// The longest body that is read.
const MAX_BODY: usize = 1 << 20;

/// A server that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) owner: Owner,
    pub(crate) connections: Arc<Connections>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server at a free port of 127.0.0.1.
    pub(crate) async fn start(credentials: Credentials) -> io::Result<Self> {
        let (started, start) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let (sender, inputs) = mpsc::unbounded_channel();
        let owner = Owner(sender);
        let handlers_owner = owner.clone();
        let thread = thread::Builder::new().name("fake-asterisk".to_owned()).spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(started.send(Err(error))),
            };
            runtime.block_on(async move {
                let acceptor = match Acceptor::open() {
                    Ok(acceptor) => acceptor,
                    Err(error) => return drop(started.send(Err(error))),
                };
                let state = State::new(credentials, Instant::now());
                let owning = tokio::spawn(own(state, inputs));
                if started.send(Ok((acceptor.port(), acceptor.connections()))).is_err() {
                    return;
                }
                let app = Router::new().fallback(handle).with_state(handlers_owner);
                let serving = axum::serve(acceptor, app.into_make_service_with_connect_info::<ConnectionHandle>());
                tokio::select! {
                    _ = stopped => {}
                    result = serving => result.expect("accepting has no end"),
                    result = owning => result.expect("the owner of the state does not panic"),
                }
            });
            // Dropping the runtime drops every task, and with them every socket.
        })?;
        let (port, connections) = start.await.map_err(|_| io::Error::other("the server's thread has ended"))??;
        Ok(Self { port, owner, connections, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !thread::panicking()
        {
            panic!("the fake server's thread has panicked; its message is above");
        }
    }
}

/// The task that owns the state.
async fn own(mut state: State, mut inputs: mpsc::UnboundedReceiver<Input>) {
    let mut batch = Vec::new();
    loop {
        let next_due = state.next_due();
        let due = async {
            match next_due {
                Some(due) => tokio::time::sleep_until(due.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            count = inputs.recv_many(&mut batch, MAX_BATCH) => {
                if count == 0 {
                    return;
                }
                batch.drain(..).for_each(|input| state.handle(input, Instant::now()));
            },
            () = due => state.handle(Input::TimePassed, Instant::now()),
        }
    }
}

/// Every request, whatever it is for.
async fn handle(
    Extension(owner): Extension<Owner>,
    ConnectInfo(connection): ConnectInfo<ConnectionHandle>,
    request: Request,
) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &owner).await;
    let Ok(Query(query)) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri) else {
        return response(Answer::message(400, "the query cannot be read"));
    };
    let Some(path) = ari_path(parts.uri.path()) else {
        return response(Answer::message(404, "Resource not found"));
    };
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        return response(Answer::message(413, "the body is too long"));
    };
    let authorization = parts.headers.get(header::AUTHORIZATION);
    let apps = query.iter().filter(|(name, _)| name == "app").flat_map(|(_, apps)| apps.split(',')).map(str::to_owned);
    let apps = apps.collect();
    let received = Received {
        method: parts.method,
        path,
        query,
        body: String::from_utf8_lossy(&body).into_owned(),
        authorization: authorization.and_then(|value| value.to_str().ok()).map(str::to_owned),
        is_upgrade: upgrade.is_ok(),
        was_postponed: false,
    };
    let (answer, delivery) = match owner.request(received).await {
        Some(Fate::Answered { answer, after, delivery }) => {
            if !after.is_zero() {
                tokio::time::sleep(after).await;
            }
            (answer, delivery)
        }
        Some(Fate::Lost) => std::future::pending().await,
        Some(Fate::Reset | Fate::Postponed { .. }) | None => {
            connection.0.reset();
            std::future::pending().await
        }
    };
    match upgrade {
        Ok(upgrade) if answer.status == 101 => upgrade.on_upgrade(move |socket| async move {
            connection.0.becomes_websocket();
            carry(socket, apps, owner, &connection.0).await;
        }),
        _ => response_in_pieces(answer, delivery, connection),
    }
}

/// The decoded parts of a path below `/ari`.
fn ari_path(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix("/ari/")?;
    Some(path.split('/').map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect())
}

/// As [`response`], but a fault may spoil the way in which the body goes out.
fn response_in_pieces(mut answer: Answer, delivery: Delivery, connection: ConnectionHandle) -> Response<Body> {
    let content = match delivery {
        Delivery::Whole => None,
        Delivery::Dribbled(_) | Delivery::BrokenOff => answer.body.take(),
    };
    let Some(Content { kind, bytes }) = content else { return response(answer) };
    let length = bytes.len();
    let mut pieces: VecDeque<Vec<u8>> = match delivery {
        Delivery::Dribbled(_) => bytes.chunks(length.div_ceil(PIECES).max(1)).map(<[u8]>::to_vec).collect(),
        Delivery::Whole | Delivery::BrokenOff => [bytes[..length / 2].to_vec()].into(),
    };
    // Before each piece, and before the connection breaks: so the piece before has gone out.
    let pause = match delivery {
        Delivery::Dribbled(time) => time / u32::try_from(PIECES).unwrap_or(u32::MAX),
        Delivery::Whole | Delivery::BrokenOff => Duration::from_millis(20),
    };
    let pieces = futures_util::stream::poll_fn({
        let mut sleep = Box::pin(tokio::time::sleep(pause));
        move |cx| {
            ready!(sleep.as_mut().poll(cx));
            sleep = Box::pin(tokio::time::sleep(pause));
            match pieces.pop_front() {
                None if delivery == Delivery::BrokenOff => {
                    connection.0.reset();
                    Poll::Pending
                }
                piece => Poll::Ready(piece.map(Ok::<_, Infallible>)),
            }
        }
    });
    let mut response = response(answer);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    *response.body_mut() = Body::from_stream(pieces);
    response
}

fn response(answer: Answer) -> Response<Body> {
    let builder = Response::builder().status(answer.status).header(header::SERVER, "Asterisk/22.10.1 (fake)");
    let builder = match answer.status {
        401 => builder.header(header::WWW_AUTHENTICATE, "Basic realm=\"Asterisk REST Interface\""),
        _ => builder,
    };
    let response = match answer.body {
        Some(content) => builder.header(header::CONTENT_TYPE, content.kind).body(content.bytes.into()),
        None => builder.body(Body::empty()),
    };
    response.expect("statuses are those of the table, or a test's own, which are three digits")
}

/// A WebSocket's life: frames go out, and whatever comes in is read, so that pings are answered and the end is noticed.
async fn carry(mut socket: WebSocket, apps: Vec<String>, owner: Owner, connection: &Control) {
    let (sender, mut frames) = mpsc::unbounded_channel();
    let (id, opened) = oneshot::channel();
    if owner.0.send(Input::WebSocketOpened { apps, sender, id }).is_err() {
        return;
    }
    let Ok(id) = opened.await else { return };
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            // What is there goes out together: one write for many events.
            count = frames.recv_many(&mut batch, MAX_BATCH) => {
                // The state has forgotten this socket; its connection is about to end.
                if count == 0 {
                    let _ = socket.recv().await;
                    break;
                }
                if !send(&mut socket, &mut batch, connection).await {
                    break;
                }
            },
            received = socket.recv() => match received {
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break,
            },
        }
    }
    // Ends of connections that the state has forgotten already are no news to it.
    let _ = owner.0.send(Input::WebSocketClosed { id });
}

/// Sends frames; whether more may follow.
async fn send(socket: &mut WebSocket, frames: &mut Vec<Frame>, connection: &Control) -> bool {
    let mut is_open = true;
    for frame in frames.drain(..) {
        let message = match frame {
            Frame::Text(text) => Message::Text(text),
            Frame::Close => Message::Close(None),
            Frame::Cut => {
                // What came before has to arrive.
                let _ = socket.flush().await;
                connection.reset();
                // Reading notices that, and sees to it that the end is a reset.
                let _ = socket.recv().await;
                return false;
            }
        };
        is_open &= !matches!(message, Message::Close(_));
        if socket.feed(message).await.is_err() {
            return false;
        }
    }
    socket.flush().await.is_ok() && is_open
}
