//! The thread on which the server lives: its runtime, the one task that owns the state, and HTTP and WebSocket handlers,
//! which turn what they receive into [`Input`]s and have no opinion on it.

use std::fmt;
use std::io;
use std::sync::{Arc, mpsc as std_mpsc};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, FromRequestParts, Query, Request, State as Extension};
use axum::http::{Response, header};
use percent_encoding::percent_decode_str;
use tokio::sync::{mpsc, oneshot};

use crate::faults::Fate;
use crate::line::{Door, LineHandle, Lines};
use crate::message::Answer;
use crate::state::{Credentials, Input, Received, State};

/// The longest body that is read.
const MAX_BODY: usize = 1 << 20;

/// The way to the task that owns the state. The queue has no bound: tests and handlers wait for their answers, so there
/// are never more inputs than of those.
#[derive(Clone)]
pub(crate) struct Owner(mpsc::UnboundedSender<Input>);

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owner")
    }
}

impl Owner {
    /// Does something with the state, after everything that was asked for before, and gives its result. Blocks for the
    /// moment that takes; the server is on a thread of its own. `None` when the server has gone.
    pub(crate) fn run<T: Send + 'static>(&self, act: impl FnOnce(&mut State) -> T + Send + 'static) -> Option<T> {
        let (result, results) = std_mpsc::sync_channel(1);
        let act = Box::new(move |state: &mut State| {
            // The receiver waits just below.
            let _ = result.send(act(state));
        });
        self.0.send(Input::Test(act)).ok()?;
        results.recv().ok()
    }

    async fn request(&self, request: Received) -> Option<Fate> {
        let (reply, fate) = oneshot::channel();
        self.0.send(Input::Request { request, reply }).ok()?;
        fate.await.ok()
    }
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) owner: Owner,
    pub(crate) lines: Arc<Lines>,
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
                let door = match Door::open() {
                    Ok(door) => door,
                    Err(error) => return drop(started.send(Err(error))),
                };
                let state = State::new(credentials, Instant::now());
                let owning = tokio::spawn(own(state, inputs));
                if started.send(Ok((door.port(), door.lines()))).is_err() {
                    return;
                }
                let app = Router::new().fallback(handle).with_state(handlers_owner);
                let serving = axum::serve(door, app.into_make_service_with_connect_info::<LineHandle>());
                tokio::select! {
                    _ = stopped => {}
                    result = serving => result.expect("accepting has no end"),
                    result = owning => result.expect("the owner of the state does not panic"),
                }
            });
            // Dropping the runtime drops every task, and with them every socket.
        })?;
        let (port, lines) = start.await.map_err(|_| io::Error::other("the server's thread has ended"))??;
        Ok(Self { port, owner, lines, stop: Some(stop), thread: Some(thread) })
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
    loop {
        let next_due = state.next_due();
        let due = async {
            match next_due {
                Some(due) => tokio::time::sleep_until(due.into()).await,
                None => std::future::pending().await,
            }
        };
        let input = tokio::select! {
            input = inputs.recv() => match input {
                Some(input) => input,
                None => return,
            },
            () = due => Input::TimePassed,
        };
        state.handle(input, Instant::now());
    }
}

/// Every request, whatever it is for.
async fn handle(
    Extension(owner): Extension<Owner>,
    ConnectInfo(line): ConnectInfo<LineHandle>,
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
    };
    let answer = match owner.request(received).await {
        Some(Fate::Answered { answer, after }) => {
            tokio::time::sleep(after).await;
            answer
        }
        Some(Fate::Lost) => std::future::pending().await,
        Some(Fate::Reset) | None => {
            line.0.reset();
            std::future::pending().await
        }
    };
    match upgrade {
        Ok(upgrade) if answer.status == 101 => upgrade.on_upgrade(move |socket| async move {
            line.0.becomes_websocket();
            carry(socket, apps, owner).await;
        }),
        _ => response(answer),
    }
}

/// The decoded parts of a path below `/ari`.
fn ari_path(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix("/ari/")?;
    Some(path.split('/').map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect())
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
async fn carry(mut socket: WebSocket, apps: Vec<String>, owner: Owner) {
    let (sender, mut frames) = mpsc::unbounded_channel();
    let (id, opened) = oneshot::channel();
    if owner.0.send(Input::WebSocketOpened { apps, sender, id }).is_err() {
        return;
    }
    let Ok(id) = opened.await else { return };
    loop {
        tokio::select! {
            frame = frames.recv() => match frame {
                Some(frame) => {
                    let is_last = matches!(frame, Message::Close(_));
                    if socket.send(frame).await.is_err() || is_last {
                        break;
                    }
                }
                // The state has forgotten this socket; its line is about to be reset.
                None => {
                    let _ = socket.recv().await;
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
