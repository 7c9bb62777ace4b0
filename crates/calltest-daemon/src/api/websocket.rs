//! `/ws`: a snapshot of all tests, then each change as it happens. What comes in is read and discarded.
//!
//! Nobody waits for a listener: one that is too far behind, or does not take a message in time, is dropped.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::refusal::{Problem, Refusal};

/// How long a listener may take for one message.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest message that is read, in bytes; none of them is of interest.
const MAX_MESSAGE: usize = 4096;

/// A WebSocket that tells how tests fare: a message for each of them at first, then one for each change. Messages are
/// `{"action": "update", "name": TEST, "state": STATE}` with the state as in `/test/TEST`, or `{"action": "remove", …}` with
/// null as the state when a reload has taken a test away. What is sent to it is read and discarded
#[utoipa::path(get, path = "/ws", tag = "tests", responses(
    (status = 101, description = "The WebSocket is open"),
    (status = 400, description = "The request does not ask for a WebSocket", body = Problem),
    (status = 426, description = "The request does not ask for a WebSocket", body = Problem),
    (status = 503, description = "There are too many WebSockets, or the daemon is ending", body = Problem),
))]
pub(super) async fn follow(
    State(context): State<Context>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(error) => {
            return Refusal::Malformed { status: error.status(), why: error.body_text() }.into_response();
        }
    };
    let Some(room) = context.listeners.room() else {
        return Refusal::TooManyListeners.into_response();
    };
    let Ok((snapshot, changes)) = context.handle.follow().await else { return Refusal::Ending.into_response() };
    let upgrade = upgrade.max_message_size(MAX_MESSAGE).max_frame_size(MAX_MESSAGE);
    upgrade.on_upgrade(move |socket| async move {
        let _room: OwnedSemaphorePermit = room;
        tell(socket, snapshot, changes, context.closed).await;
    })
}

async fn tell(
    mut socket: WebSocket,
    snapshot: Vec<Arc<str>>,
    mut changes: Receiver<Arc<str>>,
    closed: CancellationToken,
) {
    for message in snapshot {
        if !send(&mut socket, &message).await {
            return;
        }
    }
    loop {
        let is_on = tokio::select! {
            () = closed.cancelled() => false,
            change = changes.recv() => match change {
                Ok(message) => send(&mut socket, &message).await,
                // Too far behind, or the daemon has ended.
                Err(_) => false,
            },
            heard = socket.recv() => matches!(heard, Some(Ok(_))),
        };
        if !is_on {
            return;
        }
    }
}

async fn send(socket: &mut WebSocket, message: &str) -> bool {
    let sent = timeout(SEND_TIMEOUT, socket.send(Message::Text(message.into()))).await;
    matches!(sent, Ok(Ok(())))
}
