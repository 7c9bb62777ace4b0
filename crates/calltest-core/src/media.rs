//! What the media of a leg came to, as its engine counted it.

use std::time::Duration;

/// The packets of one leg (RTP, RFC 3550), counted from when it began until they were asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MediaFigures {
    /// Packets that we sent.
    pub sent: u64,
    /// Packets that came in.
    pub received: u64,
    /// Packets that did not come in, by the gaps in their numbers.
    pub lost: u64,
    /// Packets of ours that did not arrive, as the far end reports it.
    pub lost_by_far_end: u64,
    /// How unevenly packets came in: interarrival jitter.
    pub jitter: Duration,
    /// How long a report takes to the far end and back; `None` where none came back.
    pub round_trip: Option<Duration>,
    /// The codec of the sound that came in, in the engine's word; `None` if it does not tell.
    pub codec: Option<String>,
}

impl MediaFigures {
    /// Which part of the packets that were to come in is lost, from 0 to 1.
    pub fn loss(&self) -> f64 {
        let due = self.received + self.lost;
        if due == 0 { 0.0 } else { self.lost as f64 / due as f64 }
    }
}
