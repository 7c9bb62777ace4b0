//! Who gets an event: the queues subscribed to what it is about, an arrival that nobody has claimed yet, a round trip
//! that waits for it, or else the one stream of what nobody claims. Decides under one lock, so that nothing falls
//! between a claim and the next event. Knows nothing of sockets: `connection` feeds it.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::delivery::subscriber::{Delivery, Subscriber};
use crate::delivery::table::Table;
use crate::error::Lost;
use crate::generated::events::{ChannelUserevent, Event, StasisStart};
use crate::generated::models::Channel;

/// Name of the user event that goes on a round trip.
pub(crate) const ROUND_TRIP: &str = "RoundTrip";

/// The router of one client.
pub(crate) struct Router {
    server: Arc<str>,
    /// Tells the round trips of this client from those of others that use the same application.
    client: String,
    state: Mutex<State>,
}

struct State {
    table: Table,
    /// `None` once the client is closed.
    incoming: Option<mpsc::Sender<Unclaimed>>,
    /// Ends the connection that there is.
    end: Option<oneshot::Sender<Lost>>,
}

impl std::fmt::Debug for Router {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Router").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Router {
    /// A router, called `server` in what it delivers, whose unclaimed events go to `incoming`.
    pub(crate) fn new(server: Arc<str>, incoming: mpsc::Sender<Unclaimed>) -> Arc<Self> {
        let state = Mutex::new(State { table: Table::default(), incoming: Some(incoming), end: None });
        Arc::new(Router { server, client: format!("{:016x}", rand::random::<u64>()), state })
    }

    /// What deliveries call the server.
    pub(crate) fn server(&self) -> &Arc<str> {
        &self.server
    }

    /// What the user event of a round trip says to be recognised, beside its number.
    pub(crate) fn client(&self) -> &str {
        &self.client
    }

    /// Notes that there is a connection from now on. Its number, and what tells that it has to end since an event found no
    /// place.
    pub(crate) fn open(&self) -> (u64, oneshot::Receiver<Lost>) {
        let (sender, end) = oneshot::channel();
        let mut state = self.state();
        state.end = Some(sender);
        let table = &mut state.table;
        table.down = None;
        table.connection = table.number();
        (table.connection, end)
    }

    /// Notes that a connection is gone, which ends every queue that it fed. One that was followed by another already
    /// feeds none.
    pub(crate) fn lose(&self, connection: u64, why: &Lost) {
        let table = &mut self.state().table;
        if table.connection == connection {
            table.lose(why, &self.server);
        }
    }

    /// As [`Router::lose`], and the stream of unclaimed events ends for good.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.table.lose(&Lost::ClosedByUs, &self.server);
        state.incoming = None;
    }

    /// Why there is no connection; `None` while there is one.
    pub(crate) fn down(&self) -> Option<Lost> {
        self.state().table.down.clone()
    }

    /// Gives `event` to all whom it concerns. Fails if too many wait for somebody to claim them.
    pub(crate) fn route(self: &Arc<Self>, event: Event, received: Instant) -> Result<(), Lost> {
        let mut state = self.state();
        let State { table, incoming, .. } = &mut *state;
        if let Some(number) = self.echo_number(&event) {
            table.echo(number, received);
            return Ok(());
        }
        let event = Arc::new(event);
        let is_claimed = table.deliver(&event, received, &self.server);
        let Some(incoming) = incoming.clone() else { return Ok(()) };
        let full = Lost::IncomingFull { capacity: incoming.max_capacity() };
        if table.held_events > incoming.max_capacity() {
            return Err(full);
        }
        let unclaimed = match &*event {
            _ if is_claimed => return Ok(()),
            Event::StasisStart(start) => {
                let channel: Arc<str> = start.channel.id.as_str().into();
                let number = table.hold(Arc::clone(&channel), Arc::clone(&event), received);
                Unclaimed::Arrival(Arrival::new(Arc::clone(self), number, channel, event, received))
            }
            _ => Unclaimed::Event(event),
        };
        // An arrival that nobody takes comes back to the table when it is dropped.
        drop(state);
        match incoming.try_send(unclaimed) {
            Err(TrySendError::Full(_)) => Err(full),
            // Whoever dropped the stream does not want what nobody claims.
            Ok(()) | Err(TrySendError::Closed(_)) => Ok(()),
        }
    }

    /// Delivers to the subscriber what is about `subject` from now on. Where there is no connection, it is told at once.
    pub(crate) fn subscribe<S: Subscriber + 'static>(
        self: &Arc<Self>,
        subject: Arc<str>,
        subscriber: &Arc<S>,
    ) -> Subscription {
        let subscriber = Arc::clone(subscriber);
        let number = self.state().table.add(&subject, subscriber, &self.server);
        Subscription { router: Arc::clone(self), subject, number }
    }

    /// Whether anybody is subscribed to `id`, or an arrival of that id waits to be claimed.
    pub(crate) fn knows(&self, id: &str) -> bool {
        let table = &self.state().table;
        table.subscribers.contains_key(id) || table.holding.contains_key(id)
    }

    /// Delivers to the subscriber what was held for an arrival, and what comes.
    pub(crate) fn claim<S: Subscriber + 'static>(
        self: &Arc<Self>,
        arrival: u64,
        channel: &Arc<str>,
        subscriber: &Arc<S>,
    ) -> Subscription {
        let subscriber = Arc::clone(subscriber);
        let table = &mut self.state().table;
        let held = table.take(arrival, channel).unwrap_or_default();
        for (event, received) in held.events {
            let (subject, server) = (Arc::clone(channel), Arc::clone(&self.server));
            subscriber.deliver(Delivery { event, subject, server, received });
        }
        if let Some(why) = held.lost {
            subscriber.lose(&self.server, &why);
        }
        let number = table.add(channel, subscriber, &self.server);
        Subscription { router: Arc::clone(self), subject: Arc::clone(channel), number }
    }

    /// Passes on what was held for an arrival to the stream of what nobody claims, without its `StasisStart`, which
    /// the consumer of that stream has seen. Where there is no room for it, the connection is lost. Does nothing for an
    /// arrival that was claimed.
    pub(crate) fn release(&self, arrival: u64, channel: &Arc<str>) {
        let mut state = self.state();
        let State { table, incoming, end } = &mut *state;
        let Some(held) = table.take(arrival, channel) else { return };
        let Some(incoming) = incoming else { return };
        for (event, _) in held.events.into_iter().skip(1) {
            if let Err(TrySendError::Full(_)) = incoming.try_send(Unclaimed::Event(event)) {
                // A connection that is lost already has said so.
                if held.lost.is_none() {
                    let full = Lost::IncomingFull { capacity: incoming.max_capacity() };
                    table.lose(&full, &self.server);
                    // A connection that ends in this moment needs no order.
                    let _ = end.take().map(|end| end.send(full));
                }
                return;
            }
        }
    }

    /// Expects the user event of a round trip. The receiver fails when the connection is lost.
    pub(crate) fn expect_echo(self: &Arc<Self>) -> Result<Echo, Lost> {
        let table = &mut self.state().table;
        if let Some(why) = &table.down {
            return Err(why.clone());
        }
        let number = table.number();
        let (sender, heard) = oneshot::channel();
        table.echoes.insert(number, sender);
        Ok(Echo { router: Arc::clone(self), number, heard })
    }

    /// The number of the round trip that `event` comes back from, if it is one of this client's.
    fn echo_number(&self, event: &Event) -> Option<u64> {
        match event {
            Event::ChannelUserevent(ChannelUserevent { eventname, userevent, .. })
                if eventname == ROUND_TRIP && userevent["client"] == *self.client =>
            {
                userevent["number"].as_str()?.parse().ok()
            }
            _ => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the table")
    }
}

/// Keeps a queue subscribed to a channel or a bridge; ends that when it is dropped.
#[must_use = "dropping a subscription ends it"]
#[derive(Debug)]
pub struct Subscription {
    router: Arc<Router>,
    subject: Arc<str>,
    number: u64,
}

impl Subscription {
    /// The id subscribed to.
    pub fn subject(&self) -> &Arc<str> {
        &self.subject
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        // Dropped once the table is free again.
        let _subscriber = self.router.state().table.remove(&self.subject, self.number);
    }
}

/// A user event on its round trip.
#[derive(Debug)]
pub(crate) struct Echo {
    router: Arc<Router>,
    number: u64,
    heard: oneshot::Receiver<Result<Instant, Lost>>,
}

impl Echo {
    /// What the event carries beside the client.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Waits until it is back; returns when it was read from the socket.
    pub(crate) async fn heard(&mut self) -> Result<Instant, Lost> {
        (&mut self.heard).await.unwrap_or(Err(Lost::ClosedByUs))
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.router.state().table.echoes.remove(&self.number);
    }
}

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

    /// Delivers the `StasisStart`, all that was held since, and all that follows to the subscriber.
    pub fn claim<S: Subscriber + 'static>(self, subscriber: &Arc<S>) -> Subscription {
        self.router.claim(self.number, &self.channel, subscriber)
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.router.release(self.number, &self.channel);
    }
}

#[cfg(test)]
mod tests;
