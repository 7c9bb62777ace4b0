//! Who wants what: subscribers, arrivals with what they hold, and round trips under way. The router keeps it under its
//! one lock.

use std::sync::Arc;

use foldhash::HashMap;
use smallvec::SmallVec;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::delivery::subjects::Subjects;
use crate::delivery::subscriber::{Delivery, Subscriber};
use crate::error::Lost;
use crate::generated::events::Event;

/// The table of one client.
#[derive(Default)]
pub(super) struct Table {
    pub(super) subscribers: HashMap<Arc<str>, Vec<Subscribed>>,
    /// Arrivals that nobody has claimed or dropped yet, by number.
    pub(super) arrivals: HashMap<u64, Held>,
    /// Which of them holds the events of a channel.
    pub(super) holding: HashMap<Arc<str>, u64>,
    /// How many events they hold in all.
    pub(super) held_events: usize,
    /// Round trips under way, by number.
    pub(super) echoes: HashMap<u64, oneshot::Sender<Result<Instant, Lost>>>,
    /// The connection that feeds the table, by number.
    pub(super) connection: u64,
    /// Why it is gone; `None` while it is there.
    pub(super) down: Option<Lost>,
    last_number: u64,
}

pub(super) struct Subscribed {
    pub(super) number: u64,
    pub(super) subscriber: Arc<dyn Subscriber>,
}

/// What happened to a channel since it arrived, its `StasisStart` first.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) events: Vec<(Arc<Event>, Instant)>,
    /// Why nothing more came.
    pub(super) lost: Option<Lost>,
}

impl Table {
    pub(super) fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    pub(super) fn echo(&mut self, number: u64, received: Instant) {
        if let Some(waiting) = self.echoes.remove(&number) {
            // A round trip that has just given up does not mind.
            let _ = waiting.send(Ok(received));
        }
    }

    /// Delivers or holds `event`, once for each id it is about. Whether anybody claims it.
    pub(super) fn deliver(&mut self, event: &Arc<Event>, received: Instant, server: &Arc<str>) -> bool {
        // Almost every event is about one channel.
        let mut subjects: SmallVec<[Arc<str>; 2]> = SmallVec::new();
        let mut arrivals: SmallVec<[u64; 2]> = SmallVec::new();
        event.for_each_subject(&mut |id| {
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
            for Subscribed { subscriber, .. } in self.subscribers.get(subject).into_iter().flatten() {
                let (event, subject, server) = (Arc::clone(event), Arc::clone(subject), Arc::clone(server));
                subscriber.deliver(Delivery { event, subject, server, received });
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

    pub(super) fn hold(&mut self, channel: Arc<str>, event: Arc<Event>, received: Instant) -> u64 {
        let number = self.number();
        self.holding.insert(channel, number);
        self.arrivals.insert(number, Held { events: vec![(event, received)], lost: None });
        self.held_events += 1;
        number
    }

    pub(super) fn take(&mut self, arrival: u64, channel: &Arc<str>) -> Option<Held> {
        let held = self.arrivals.remove(&arrival)?;
        self.held_events -= held.events.len();
        // After a reconnect the same id may belong to another arrival.
        if self.holding.get(channel) == Some(&arrival) {
            self.holding.remove(channel);
        }
        Some(held)
    }

    pub(super) fn add(&mut self, subject: &Arc<str>, subscriber: Arc<dyn Subscriber>, server: &Arc<str>) -> u64 {
        if let Some(why) = &self.down {
            subscriber.lose(server, why);
        }
        let number = self.number();
        self.subscribers.entry(Arc::clone(subject)).or_default().push(Subscribed { number, subscriber });
        number
    }

    /// Takes a subscriber out. It is handed over, since it may hold subscriptions of its own, which end with it: that has to
    /// happen without this table.
    pub(super) fn remove(&mut self, subject: &Arc<str>, number: u64) -> Option<Arc<dyn Subscriber>> {
        let subscribers = self.subscribers.get_mut(subject)?;
        let place = subscribers.iter().position(|subscriber| subscriber.number == number)?;
        // The others keep the order in which they came.
        let removed = subscribers.remove(place);
        if subscribers.is_empty() {
            self.subscribers.remove(subject);
        }
        Some(removed.subscriber)
    }

    pub(super) fn lose(&mut self, why: &Lost, server: &Arc<str>) {
        self.down = Some(why.clone());
        for Subscribed { subscriber, .. } in self.subscribers.values().flatten() {
            subscriber.lose(server, why);
        }
        self.holding.clear();
        for held in self.arrivals.values_mut() {
            held.lost.get_or_insert_with(|| why.clone());
        }
        for (_, waiting) in self.echoes.drain() {
            let _ = waiting.send(Err(why.clone()));
        }
    }
}
