//! The subscriber that most programs want: a queue.
//!
//! The queue is bounded, fed by any number of channels on any number of servers, and never quiet about what it missed. Once
//! it overflows, or a connection that feeds it is lost, it ends with that error, after the deliveries that came before.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::delivery::subscriber::{Delivery, Subscriber};
use crate::error::Lost;

/// Why a queue ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// Its reader was too slow.
    #[error("more than {capacity} events were waiting")]
    Overflow {
        /// How many may wait.
        capacity: usize,
    },
    /// A connection that fed it was lost.
    #[error("connection to {server} lost: {why}")]
    Lost {
        /// The server.
        server: Arc<str>,
        /// Why.
        why: Lost,
    },
}

/// A queue for at most `capacity` events, empty and subscribed to nothing.
pub fn event_queue(capacity: usize) -> (Arc<EventSender>, EventQueue) {
    let state = Mutex::new(State { deliveries: VecDeque::new(), end: None, is_abandoned: false });
    let sender = Arc::new(EventSender { state, changed: Notify::new(), capacity });
    (Arc::clone(&sender), EventQueue(sender))
}

/// The end of a queue that its one reader empties.
#[derive(Debug)]
pub struct EventQueue(Arc<EventSender>);

/// The end of a queue that clients fill.
#[derive(Debug)]
pub struct EventSender {
    state: Mutex<State>,
    changed: Notify,
    capacity: usize,
}

#[derive(Debug)]
struct State {
    deliveries: VecDeque<Delivery>,
    end: Option<QueueError>,
    /// The reader is gone, so nothing is kept for it.
    is_abandoned: bool,
}

impl Subscriber for EventSender {
    fn deliver(&self, delivery: Delivery) {
        let mut state = self.state();
        if state.is_abandoned || state.end.is_some() {
            return;
        }
        if state.deliveries.len() < self.capacity {
            state.deliveries.push_back(delivery);
        } else {
            state.end = Some(QueueError::Overflow { capacity: self.capacity });
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Ends the queue; only the first reason counts.
    fn lose(&self, server: &Arc<str>, why: &Lost) {
        let lost = || QueueError::Lost { server: Arc::clone(server), why: why.clone() };
        self.state().end.get_or_insert_with(lost);
        self.changed.notify_one();
    }
}

impl EventQueue {
    /// The next event, or why there are no more. Waits for ever if nothing feeds the queue. Nothing is lost when the
    /// future is dropped.
    pub async fn next(&mut self) -> Result<Delivery, QueueError> {
        loop {
            if let Some(delivery) = self.try_next()? {
                return Ok(delivery);
            }
            self.0.changed.notified().await;
        }
    }

    /// The next event if there is one already.
    pub fn try_next(&mut self) -> Result<Option<Delivery>, QueueError> {
        let mut state = self.0.state();
        match (state.deliveries.pop_front(), &state.end) {
            (Some(delivery), _) => Ok(Some(delivery)),
            (None, Some(end)) => Err(end.clone()),
            (None, None) => Ok(None),
        }
    }
}

impl Drop for EventQueue {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.is_abandoned = true;
        state.deliveries = VecDeque::new();
    }
}

impl EventSender {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds a queue")
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::generated::events::Event;

    fn delivery(number: u8) -> Delivery {
        Delivery {
            event: Arc::new(Event::parse(&format!(r#"{{"type":"number {number}"}}"#))),
            subject: "c1".into(),
            server: "server".into(),
            received: Instant::now(),
        }
    }

    fn lost() -> QueueError {
        QueueError::Lost { server: "server".into(), why: Lost::Replaced }
    }

    #[tokio::test]
    async fn events_before_the_end_come_first_and_the_end_stays() {
        let (sender, mut queue) = event_queue(2);
        sender.deliver(delivery(1));
        sender.deliver(delivery(2));
        sender.lose(&"server".into(), &Lost::Replaced);
        sender.deliver(delivery(3));
        assert_eq!(queue.next().await.unwrap().event.kind(), "number 1");
        assert_eq!(queue.next().await.unwrap().event.kind(), "number 2");
        assert_eq!(queue.next().await.unwrap_err(), lost());
        assert_eq!(queue.next().await.unwrap_err(), lost());
    }

    #[tokio::test]
    async fn one_event_too_many_ends_the_queue() {
        let (sender, mut queue) = event_queue(1);
        sender.deliver(delivery(1));
        sender.deliver(delivery(2));
        sender.lose(&"server".into(), &Lost::Replaced);
        assert!(queue.next().await.is_ok());
        assert_eq!(queue.next().await.unwrap_err(), QueueError::Overflow { capacity: 1 });
    }

    #[tokio::test]
    async fn a_waiting_reader_is_woken_by_an_event_and_by_the_end() {
        let (sender, mut queue) = event_queue(1);
        let reader = tokio::spawn(async move { (queue.next().await.is_ok(), queue.next().await.unwrap_err()) });
        tokio::task::yield_now().await;
        sender.deliver(delivery(1));
        tokio::task::yield_now().await;
        sender.lose(&"server".into(), &Lost::Replaced);
        assert_eq!(reader.await.unwrap(), (true, lost()));
    }

    #[test]
    fn nothing_is_kept_for_a_reader_that_is_gone() {
        let (sender, queue) = event_queue(1);
        drop(queue);
        let delivery = delivery(1);
        sender.deliver(delivery.clone());
        assert_eq!(Arc::strong_count(&delivery.event), 1);
    }
}
