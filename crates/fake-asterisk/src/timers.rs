//! Everything that is to happen later, in one queue: no task and no timer of the runtime belongs to a single channel.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::extract::ws::Utf8Bytes;

use crate::channels::Key;

/// What is due at some time. A channel that has ended in the meantime makes it void.
#[derive(Debug)]
pub(crate) enum Timer {
    /// The next step of the far end's script.
    FarEnd(Key),
    /// The inbound leg of this outbound channel enters its application.
    Arrival(Key),
    /// Originate's `timeout` is over.
    DialTimeout(Key),
    /// `TIMEOUT(absolute)` is over, unless it was set anew since: `setting` counts.
    AbsoluteTimeout { channel: Key, setting: u32 },
    /// A digit has been heard by this channel.
    Digit { heard_by: Key, digit: char, duration: Duration },
    /// The last digit of the channel's current DTMF command has been sent, and `after` is over.
    DigitsEnd(Key),
    /// The medium that plays on the channel is at its end, unless the playback was stopped: `turn` counts.
    MediaEnd { channel: Key, turn: u64 },
    /// A delayed event reaches the application's WebSocket.
    Deliver { app: String, frame: Utf8Bytes },
    /// An event that was to come after the next one has waited long enough.
    DeliverSwapped { app: String },
}

/// The queue. What is due at the same time keeps the order in which it was added.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    queue: BTreeMap<(Instant, u64), Timer>,
    added: u64,
}

impl Timers {
    pub(crate) fn add(&mut self, due: Instant, timer: Timer) {
        self.added += 1;
        self.queue.insert((due, self.added), timer);
    }

    /// When to come back, if at all.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.queue.first_key_value().map(|((due, _), _)| *due)
    }

    /// Takes the first one that is due at `now`, with the time at which it was due.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<(Instant, Timer)> {
        let entry = self.queue.first_entry()?;
        let due = entry.key().0;
        (due <= now).then(|| (due, entry.remove()))
    }

    pub(crate) fn clear(&mut self) {
        self.queue.clear();
    }
}
