//! Who gets an event: the queues subscribed to what it is about, an arrival that nobody has claimed yet, a round trip
//! that waits for it, or else the one stream of what nobody claims. Decides under one lock, so that nothing falls
//! between a claim and the next event. Knows nothing of sockets: `connection` feeds it.

use std::sync::{Arc, Mutex, MutexGuard};

use foldhash::{HashMap, HashMapExt};
use smallvec::SmallVec;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::about::About;
use crate::error::Lost;
use crate::generated::events::{ChannelUserevent, Event};
use crate::incoming::{Arrival, Unclaimed};
use crate::queue::{Delivery, EventSender, QueueError};

/// Name of the user event that goes on a round trip.
pub(crate) const ROUND_TRIP: &str = "RoundTrip";

/// The router of one client.
#[derive(Debug)]
pub(crate) struct Router {
    server: Arc<str>,
    /// Tells the round trips of this client from those of others that use the same application.
    client: String,
    table: Mutex<Table>,
}

#[derive(Debug)]
struct Table {
    subscribers: HashMap<Arc<str>, Vec<Subscriber>>,
    /// Arrivals that nobody has claimed or dropped yet, by number.
    arrivals: HashMap<u64, Held>,
    /// Which of them holds the events of a channel.
    holding: HashMap<Arc<str>, u64>,
    /// How many events they hold in all.
    held_events: usize,
    /// Round trips under way, by number.
    echoes: HashMap<u64, oneshot::Sender<Instant>>,
    /// `None` once the client is closed.
    incoming: Option<mpsc::Sender<Unclaimed>>,
    /// The connection that feeds the table, by number.
    connection: u64,
    /// Why it is gone; `None` while it is there.
    down: Option<Lost>,
    last_number: u64,
}

#[derive(Debug)]
struct Subscriber {
    number: u64,
    sender: EventSender,
}

/// What happened to a channel since it arrived, its `StasisStart` first.
#[derive(Debug, Default)]
struct Held {
    events: Vec<(Arc<Event>, Instant)>,
    /// Why nothing more came.
    lost: Option<Lost>,
}

impl Router {
    /// A router, called `server` in what it delivers, whose unclaimed events go to `incoming`.
    pub(crate) fn new(server: Arc<str>, incoming: mpsc::Sender<Unclaimed>) -> Arc<Self> {
        let table = Table {
            subscribers: HashMap::new(),
            arrivals: HashMap::new(),
            holding: HashMap::new(),
            held_events: 0,
            echoes: HashMap::new(),
            incoming: Some(incoming),
            connection: 0,
            down: None,
            last_number: 0,
        };
        Arc::new(Router { server, client: format!("{:016x}", rand::random::<u64>()), table: Mutex::new(table) })
    }

    /// What deliveries call the server.
    pub(crate) fn server(&self) -> &Arc<str> {
        &self.server
    }

    /// What the user event of a round trip says to be recognised, beside its number.
    pub(crate) fn client(&self) -> &str {
        &self.client
    }

    /// Notes that there is a connection from now on. Its number.
    pub(crate) fn open(&self) -> u64 {
        let mut table = self.table();
        table.down = None;
        table.connection = table.number();
        table.connection
    }

    /// Notes that a connection is gone, which ends every queue that it fed. One that was followed by another already
    /// feeds none.
    pub(crate) fn lose(&self, connection: u64, why: &Lost) {
        let mut table = self.table();
        if table.connection == connection {
            table.lose(why, &self.server);
        }
    }

    /// As [`Router::lose`], and the stream of unclaimed events ends for good.
    pub(crate) fn close(&self) {
        let mut table = self.table();
        table.lose(&Lost::ClosedByUs, &self.server);
        table.incoming = None;
    }

    /// Why there is no connection; `None` while there is one.
    pub(crate) fn down(&self) -> Option<Lost> {
        self.table().down.clone()
    }

    /// Gives `event` to all whom it concerns. Fails if too many wait for somebody to claim them.
    pub(crate) fn route(self: &Arc<Self>, event: Event, received: Instant) -> Result<(), Lost> {
        let mut table = self.table();
        if let Some(number) = self.echo_number(&event) {
            table.echo(number, received);
            return Ok(());
        }
        let event = Arc::new(event);
        let is_claimed = table.deliver(&event, received, &self.server);
        let Some(incoming) = table.incoming.clone() else { return Ok(()) };
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
        drop(table);
        match incoming.try_send(unclaimed) {
            Err(TrySendError::Full(_)) => Err(full),
            // Whoever dropped the stream does not want what nobody claims.
            Ok(()) | Err(TrySendError::Closed(_)) => Ok(()),
        }
    }

    /// Delivers to `sender` what is about `subject` from now on. Where there is no connection, that queue ends.
    pub(crate) fn subscribe(self: &Arc<Self>, subject: Arc<str>, sender: &EventSender) -> Subscription {
        let number = self.table().add(&subject, sender, &self.server);
        Subscription { router: Arc::clone(self), subject, number }
    }

    /// Whether anybody is subscribed to `id`, or an arrival of that id waits to be claimed.
    pub(crate) fn knows(&self, id: &str) -> bool {
        let table = self.table();
        table.subscribers.contains_key(id) || table.holding.contains_key(id)
    }

    /// Delivers to `sender` what was held for an arrival, and what comes.
    pub(crate) fn claim(self: &Arc<Self>, arrival: u64, channel: &Arc<str>, sender: &EventSender) -> Subscription {
        let mut table = self.table();
        let held = table.take(arrival, channel).unwrap_or_default();
        for (event, received) in held.events {
            let (subject, server) = (Arc::clone(channel), Arc::clone(&self.server));
            sender.push(Delivery { event, subject, server, received });
        }
        if let Some(why) = held.lost {
            sender.end(QueueError::Lost { server: Arc::clone(&self.server), why });
        }
        let number = table.add(channel, sender, &self.server);
        Subscription { router: Arc::clone(self), subject: Arc::clone(channel), number }
    }

    /// Passes on what was held for an arrival to the stream of what nobody claims, without its `StasisStart`, which
    /// the consumer of that stream has seen. Does nothing for an arrival that was claimed.
    pub(crate) fn release(&self, arrival: u64, channel: &Arc<str>) {
        let mut table = self.table();
        let Some(held) = table.take(arrival, channel) else { return };
        let Some(incoming) = &table.incoming else { return };
        for (event, _) in held.events.into_iter().skip(1) {
            if let Err(TrySendError::Full(_)) = incoming.try_send(Unclaimed::Event(event)) {
                tracing::warn!(server = %self.server, %channel, "no room for the events of a dropped arrival");
                return;
            }
        }
    }

    /// Expects the user event of a round trip. The receiver fails when the connection is lost.
    pub(crate) fn expect_echo(self: &Arc<Self>) -> Result<Echo, Lost> {
        let mut table = self.table();
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

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().expect("nothing panics while it holds the table")
    }
}

impl Table {
    fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    fn echo(&mut self, number: u64, received: Instant) {
        if let Some(waiting) = self.echoes.remove(&number) {
            // A round trip that has just given up does not mind.
            let _ = waiting.send(received);
        }
    }

    /// Delivers or holds `event`, once for each id it is about. Whether anybody claims it.
    fn deliver(&mut self, event: &Arc<Event>, received: Instant, server: &Arc<str>) -> bool {
        // Almost every event is about one channel.
        let mut subjects: SmallVec<[Arc<str>; 2]> = SmallVec::new();
        let mut arrivals: SmallVec<[u64; 2]> = SmallVec::new();
        event.about(&mut |id| {
            if let Some((subject, _)) = self.subscribers.get_key_value(id) {
                if !subjects.contains(subject) {
                    subjects.push(Arc::clone(subject));
                }
            } else if let Some(number) = self.holding.get(id)
                && !arrivals.contains(number)
            {
                arrivals.push(*number);
            }
        });
        for subject in &subjects {
            for Subscriber { sender, .. } in self.subscribers.get(subject).into_iter().flatten() {
                let (event, subject, server) = (Arc::clone(event), Arc::clone(subject), Arc::clone(server));
                sender.push(Delivery { event, subject, server, received });
            }
        }
        for number in &arrivals {
            if let Some(held) = self.arrivals.get_mut(number) {
                held.events.push((Arc::clone(event), received));
                self.held_events += 1;
            }
        }
        !subjects.is_empty() || !arrivals.is_empty()
    }

    fn hold(&mut self, channel: Arc<str>, event: Arc<Event>, received: Instant) -> u64 {
        let number = self.number();
        self.holding.insert(channel, number);
        self.arrivals.insert(number, Held { events: vec![(event, received)], lost: None });
        self.held_events += 1;
        number
    }

    fn take(&mut self, arrival: u64, channel: &Arc<str>) -> Option<Held> {
        let held = self.arrivals.remove(&arrival)?;
        self.held_events -= held.events.len();
        // After a reconnect the same id may belong to another arrival.
        if self.holding.get(channel) == Some(&arrival) {
            self.holding.remove(channel);
        }
        Some(held)
    }

    fn add(&mut self, subject: &Arc<str>, sender: &EventSender, server: &Arc<str>) -> u64 {
        if let Some(why) = &self.down {
            sender.end(QueueError::Lost { server: Arc::clone(server), why: why.clone() });
        }
        let number = self.number();
        self.subscribers.entry(Arc::clone(subject)).or_default().push(Subscriber { number, sender: sender.clone() });
        number
    }

    fn remove(&mut self, subject: &Arc<str>, number: u64) {
        if let Some(subscribers) = self.subscribers.get_mut(subject) {
            subscribers.retain(|subscriber| subscriber.number != number);
            if subscribers.is_empty() {
                self.subscribers.remove(subject);
            }
        }
    }

    fn lose(&mut self, why: &Lost, server: &Arc<str>) {
        self.down = Some(why.clone());
        for subscriber in self.subscribers.values().flatten() {
            subscriber.sender.end(QueueError::Lost { server: Arc::clone(server), why: why.clone() });
        }
        self.holding.clear();
        for held in self.arrivals.values_mut() {
            held.lost.get_or_insert_with(|| why.clone());
        }
        self.echoes.clear();
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
        self.router.table().remove(&self.subject, self.number);
    }
}

/// A user event on its round trip.
#[derive(Debug)]
pub(crate) struct Echo {
    router: Arc<Router>,
    number: u64,
    heard: oneshot::Receiver<Instant>,
}

impl Echo {
    /// What the event carries beside the client.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Waits until it is back; returns when it was read from the socket.
    pub(crate) async fn heard(&mut self) -> Result<Instant, Lost> {
        (&mut self.heard).await.map_err(|_| self.router.down().unwrap_or(Lost::ClosedByUs))
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.router.table().echoes.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incoming::Incoming;
    use crate::queue::{EventQueue, event_queue};

    fn router(capacity: usize) -> (Arc<Router>, Incoming) {
        let (sender, receiver) = mpsc::channel(capacity);
        (Router::new("server".into(), sender), Incoming(receiver))
    }

    fn route(router: &Arc<Router>, text: &str) -> Result<(), Lost> {
        router.route(Event::parse(text), Instant::now())
    }

    fn start(channel: &str) -> String {
        format!(r#"{{"type":"StasisStart","channel":{{"id":"{channel}"}}}}"#)
    }

    fn digit(channel: &str, digit: &str) -> String {
        format!(r#"{{"type":"ChannelDtmfReceived","digit":"{digit}","channel":{{"id":"{channel}"}}}}"#)
    }

    /// What is in a queue: subject and type, or subject and digit; at last why it ended, if it did.
    fn contents(queue: &mut EventQueue) -> Vec<String> {
        let mut contents = Vec::new();
        loop {
            match queue.try_next() {
                Ok(Some(Delivery { subject, event, .. })) => contents.push(match &*event {
                    Event::ChannelDtmfReceived(dtmf) => format!("{subject} {}", dtmf.digit),
                    other => format!("{subject} {}", other.kind()),
                }),
                Ok(None) => return contents,
                Err(QueueError::Lost { why, .. }) => {
                    contents.push(format!("{why:?}"));
                    return contents;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn arrival(incoming: &mut Incoming) -> Arrival {
        match incoming.0.try_recv() {
            Ok(Unclaimed::Arrival(arrival)) => arrival,
            other => panic!("no arrival but {other:?}"),
        }
    }

    fn unclaimed(incoming: &mut Incoming) -> Vec<String> {
        std::iter::from_fn(|| incoming.0.try_recv().ok())
            .map(|unclaimed| match unclaimed {
                Unclaimed::Event(event) => event.kind().to_owned(),
                Unclaimed::Arrival(arrival) => panic!("{arrival:?}"),
            })
            .collect()
    }

    #[test]
    fn a_channel_is_known_from_its_arrival_to_the_end_of_its_subscription() {
        let (router, mut incoming) = router(8);
        let (sender, _queue) = event_queue(8);
        assert!(!router.knows("a"));
        route(&router, &start("a")).unwrap();
        assert!(router.knows("a"));
        let subscription = arrival(&mut incoming).claim(&sender);
        assert!(router.knows("a"));
        drop(subscription);
        assert!(!router.knows("a"));
    }

    #[test]
    fn events_go_to_those_whom_their_kind_concerns() {
        for (concerned, text) in [
            ("a", r#"{"type":"ChannelStateChange","channel":{"id":"a"}}"#),
            ("a b", r#"{"type":"Dial","caller":{"id":"b"},"peer":{"id":"a"}}"#),
            ("a", r#"{"type":"Dial","peer":{"id":"a"},"forwarded":{"id":"x"}}"#),
            ("a", r#"{"type":"PlaybackStarted","playback":{"id":"b","target_uri":"channel:a"}}"#),
            ("b", r#"{"type":"RecordingFailed","recording":{"name":"a","target_uri":"bridge:b"}}"#),
            ("a b", r#"{"type":"ChannelLeftBridge","bridge":{"id":"b","channels":["x"]},"channel":{"id":"a"}}"#),
            ("a b", r#"{"type":"BridgeMerged","bridge":{"id":"a"},"bridge_from":{"id":"b"}}"#),
            ("a", r#"{"type":"ChannelTransfer","refer_to":{"destination_channel":{"id":"a"}}}"#),
            ("b", r#"{"type":"ChannelTransfer","referred_by":{"source_channel":{"id":"b"}}}"#),
            ("a b", r#"{"type":"Newfangled","channel":{"id":"a"},"thing":{"target_uri":"bridge:b"}}"#),
            ("a", r#"{"type":"StasisEnd","channel":{"id":"a"},"timestamp":7}"#),
            ("", r#"{"type":"EndpointStateChange","endpoint":{"resource":"a"}}"#),
            ("", r#"{"type":"ChannelVarset","variable":"a"}"#),
            ("", "garbage"),
        ] {
            let (router, mut incoming) = router(10);
            let (sender, mut queue) = event_queue(10);
            let _subscriptions = ["a", "b"].map(|id| router.subscribe(id.into(), &sender));
            route(&router, text).unwrap();
            let mut subjects: Vec<String> =
                contents(&mut queue).iter().map(|delivered| delivered[..1].to_owned()).collect();
            subjects.sort();
            assert_eq!(subjects.join(" "), concerned, "{text}");
            assert_eq!(unclaimed(&mut incoming).len(), usize::from(concerned.is_empty()), "{text}");
        }
    }

    #[test]
    fn several_queues_may_want_the_same_channel_and_each_may_stop() {
        let (router, mut incoming) = router(10);
        let (first, mut first_queue) = event_queue(10);
        let (second, mut second_queue) = event_queue(10);
        let first = router.subscribe("a".into(), &first);
        let second = router.subscribe("a".into(), &second);
        route(&router, &digit("a", "1")).unwrap();
        drop(first);
        route(&router, &digit("a", "2")).unwrap();
        drop(second);
        route(&router, &digit("a", "3")).unwrap();
        assert_eq!(contents(&mut first_queue), ["a 1"]);
        assert_eq!(contents(&mut second_queue), ["a 1", "a 2"]);
        assert_eq!(unclaimed(&mut incoming), ["ChannelDtmfReceived"]);
        assert!(router.table().subscribers.is_empty());
    }

    #[test]
    fn an_arrival_brings_everything_that_happened_since() {
        let (router, mut incoming) = router(10);
        route(&router, &start("a")).unwrap();
        route(&router, &digit("a", "1")).unwrap();
        route(&router, &start("a")).unwrap();
        let (sender, mut queue) = event_queue(10);
        let arrival = arrival(&mut incoming);
        route(&router, &digit("a", "2")).unwrap();
        let _subscription = arrival.claim(&sender);
        route(&router, &digit("a", "3")).unwrap();
        assert_eq!(contents(&mut queue), ["a StasisStart", "a 1", "a StasisStart", "a 2", "a 3"]);
        assert!(unclaimed(&mut incoming).is_empty());
        assert_eq!(router.table().held_events, 0);
    }

    #[test]
    fn a_dropped_arrival_gives_its_events_back() {
        let (router, mut incoming) = router(10);
        route(&router, &start("a")).unwrap();
        route(&router, &digit("a", "1")).unwrap();
        drop(arrival(&mut incoming));
        route(&router, r#"{"type":"StasisEnd","channel":{"id":"a"}}"#).unwrap();
        assert_eq!(unclaimed(&mut incoming), ["ChannelDtmfReceived", "StasisEnd"]);
        assert!(router.table().holding.is_empty());
    }

    #[test]
    fn what_nobody_takes_is_lost_loudly() {
        let full = Lost::IncomingFull { capacity: 2 };
        let (router, _incoming) = router(2);
        route(&router, "1").unwrap();
        route(&router, "2").unwrap();
        assert_eq!(route(&router, "3"), Err(full.clone()));

        let (router, mut incoming) = self::router(2);
        route(&router, &start("a")).unwrap();
        let _arrival = arrival(&mut incoming);
        route(&router, &digit("a", "1")).unwrap();
        assert_eq!(route(&router, &digit("a", "2")), Err(full));

        let (router, incoming) = self::router(2);
        route(&router, &start("a")).unwrap();
        drop(incoming);
        for _ in 0..5 {
            route(&router, &start("b")).unwrap();
        }
        assert!(router.table().arrivals.is_empty());
    }

    #[test]
    fn a_loss_reaches_every_queue_that_the_connection_fed() {
        let (router, mut incoming) = router(10);
        let connection = router.open();
        let (fed, mut fed_queue) = event_queue(1);
        let (not_fed, mut other_queue) = event_queue(1);
        let _subscription = router.subscribe("a".into(), &fed);
        drop(router.subscribe("b".into(), &not_fed));
        route(&router, &digit("a", "1")).unwrap();
        route(&router, &start("c")).unwrap();
        router.lose(connection, &Lost::Replaced);
        assert_eq!(contents(&mut fed_queue), ["a 1", "Replaced"]);
        assert!(contents(&mut other_queue).is_empty());

        let late_arrival = arrival(&mut incoming);
        let (sender, mut queue) = event_queue(10);
        let _late = router.subscribe("d".into(), &sender);
        assert_eq!(contents(&mut queue), ["Replaced"]);
        let next = router.open();
        let (sender, mut queue) = event_queue(10);
        let _claimed = late_arrival.claim(&sender);
        assert_eq!(contents(&mut queue), ["c StasisStart", "Replaced"]);

        let (sender, mut queue) = event_queue(10);
        let _new = router.subscribe("e".into(), &sender);
        router.lose(connection, &Lost::ClosedByUs);
        assert!(contents(&mut queue).is_empty(), "the old connection feeds nothing any more");
        router.lose(next, &Lost::ClosedByUs);
        assert_eq!(contents(&mut queue), ["ClosedByUs"]);
    }

    #[test]
    fn an_id_may_arrive_again_after_a_reconnect() {
        let (router, mut incoming) = router(10);
        let connection = router.open();
        route(&router, &start("a")).unwrap();
        let before = arrival(&mut incoming);
        router.lose(connection, &Lost::Replaced);
        router.open();
        route(&router, &start("a")).unwrap();
        route(&router, &digit("a", "1")).unwrap();
        drop(before);
        let (sender, mut queue) = event_queue(10);
        let _subscription = arrival(&mut incoming).claim(&sender);
        assert_eq!(contents(&mut queue), ["a StasisStart", "a 1"]);
    }

    #[tokio::test]
    async fn a_round_trip_is_heard_by_who_waits_and_by_nobody_else() {
        let (router, mut incoming) = router(10);
        router.open();
        let event = |client: &str, number: u64| {
            format!(
                r#"{{"type":"ChannelUserevent","eventname":"RoundTrip","userevent":{{"client":"{client}","number":"{number}"}}}}"#
            )
        };
        let mut echo = router.expect_echo().unwrap();
        let abandoned = router.expect_echo().unwrap().number();
        route(&router, &event(router.client(), abandoned)).unwrap();
        route(&router, &event("somebody else", echo.number())).unwrap();
        assert_eq!(unclaimed(&mut incoming), ["ChannelUserevent"]);
        assert!(echo.heard.try_recv().is_err());
        route(&router, &event(router.client(), echo.number())).unwrap();
        echo.heard().await.unwrap();
        assert!(unclaimed(&mut incoming).is_empty());

        let mut echo = router.expect_echo().unwrap();
        router.close();
        assert_eq!(echo.heard().await, Err(Lost::ClosedByUs));
        assert_eq!(router.expect_echo().unwrap_err(), Lost::ClosedByUs);
        drop(echo);
        assert!(router.table().echoes.is_empty());
        assert!(incoming.next().await.is_none());
    }
}
