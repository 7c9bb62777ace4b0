//! `/ws`: a snapshot of all tests, then each change as it happens. What comes in is read and discarded.
//!
//! Nobody waits for a listener: one that is too far behind, or does not take a message in time, is dropped.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use tokio::sync::broadcast::Receiver;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Refusal, Shared};

/// How many listeners there may be.
const MAX_LISTENERS: usize = 100;
/// How long a listener may take for one message.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest message that is read, in bytes; none of them is of interest.
const MAX_MESSAGE: usize = 4096;

/// Room for listeners.
#[derive(Clone)]
pub(super) struct Listeners(Arc<Semaphore>);

impl Default for Listeners {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_LISTENERS)))
    }
}

pub(super) async fn follow(State(shared): State<Shared>, upgrade: WebSocketUpgrade) -> Response {
    let Ok(room) = Arc::clone(&shared.listeners.0).try_acquire_owned() else {
        return Refusal::TooManyListeners.into_response();
    };
    let Some((snapshot, changes)) = shared.handle.follow().await else { return Refusal::Ending.into_response() };
    let upgrade = upgrade.max_message_size(MAX_MESSAGE).max_frame_size(MAX_MESSAGE);
    upgrade.on_upgrade(move |socket| async move {
        let _room: OwnedSemaphorePermit = room;
        tell(socket, snapshot, changes, shared.closed).await;
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
    let sent = timeout(PATIENCE, socket.send(Message::Text(message.into()))).await;
    matches!(sent, Ok(Ok(())))
}
