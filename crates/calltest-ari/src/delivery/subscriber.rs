//! What is delivered, and to whom.

use std::sync::Arc;

use tokio::time::Instant;

use crate::error::Lost;
use crate::generated::events::Event;

/// An event for a subscriber.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The event, shared by all that get it.
    pub event: Arc<Event>,
    /// The id subscribed to that the event is about.
    pub subject: Arc<str>,
    /// The server that sent it: [`Settings::name`](crate::Settings::name).
    pub server: Arc<str>,
    /// When it was read from the socket.
    pub received: Instant,
}

/// Somebody who gets the events of what is subscribed to.
///
/// Both methods are called while the client decides who gets what: they return at once, and call nothing of the client,
/// nor drop a [`Subscription`](crate::Subscription).
pub trait Subscriber: Send + Sync {
    /// Takes an event.
    fn deliver(&self, delivery: Delivery);

    /// Takes note that no more events come from this server, since the connection to it is lost.
    fn lose(&self, server: &Arc<str>, why: &Lost);
}
