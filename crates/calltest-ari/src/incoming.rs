//! What nobody has claimed: channels that arrive, and events about nothing that anybody subscribed to.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::generated::events::{Event, StasisStart};
use crate::generated::models::Channel;
use crate::queue::EventSender;
use crate::router::{Router, Subscription};

/// The stream of what nobody claims, for one consumer. It must keep up: when it falls behind by more than
/// [`Settings::incoming_capacity`](crate::Settings::incoming_capacity), the connection is lost. Dropping it says that
/// nobody wants these events.
#[derive(Debug)]
pub struct Incoming(pub(crate) mpsc::Receiver<Unclaimed>);

/// Something that nobody claims.
#[derive(Debug)]
pub enum Unclaimed {
    /// A channel entered the application.
    Arrival(Arrival),
    /// Anything else.
    Event(Arc<Event>),
}

/// A channel that entered the application and that nobody is subscribed to. What happens to it is held until the
/// arrival is claimed or dropped; dropped, it goes the way of all unclaimed events.
#[derive(Debug)]
pub struct Arrival {
    router: Arc<Router>,
    number: u64,
    channel: Arc<str>,
    event: Arc<Event>,
    received: Instant,
}

impl Incoming {
    /// The next of them; `None` once the client is closed. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Unclaimed> {
        self.0.recv().await
    }
}

impl Arrival {
    pub(crate) fn new(
        router: Arc<Router>,
        number: u64,
        channel: Arc<str>,
        event: Arc<Event>,
        received: Instant,
    ) -> Self {
        Arrival { router, number, channel, event, received }
    }

    /// The event that announced it.
    pub fn start(&self) -> &StasisStart {
        match &*self.event {
            Event::StasisStart(start) => start,
            other => unreachable!("an arrival begins with a StasisStart, not with {}", other.kind()),
        }
    }

    /// The channel as it arrived.
    pub fn channel(&self) -> &Channel {
        &self.start().channel
    }

    /// When the event was read from the socket.
    pub fn received(&self) -> Instant {
        self.received
    }

    /// The server that it arrived at: [`Settings::name`](crate::Settings::name).
    pub fn server(&self) -> &Arc<str> {
        self.router.server()
    }

    /// Delivers the `StasisStart`, all that was held since, and all that follows to the queue of `sender`.
    pub fn claim(self, sender: &EventSender) -> Subscription {
        self.router.claim(self.number, &self.channel, sender)
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.router.release(self.number, &self.channel);
    }
}
