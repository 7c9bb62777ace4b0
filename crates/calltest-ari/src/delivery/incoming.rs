//! The stream of what nobody has claimed: channels that arrive, and events about nothing that anybody subscribed to.

use tokio::sync::mpsc;

use crate::delivery::router::Unclaimed;

/// The stream of what nobody claims, for one consumer. It must keep up: when it falls behind by more than
/// [`Settings::incoming_capacity`](crate::Settings::incoming_capacity), the connection is lost. Dropping it says that
/// nobody wants these events.
#[derive(Debug)]
pub struct Incoming(pub(crate) mpsc::Receiver<Unclaimed>);

impl Incoming {
    /// The next of them; `None` once the client is closed. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Unclaimed> {
        self.0.recv().await
    }
}
