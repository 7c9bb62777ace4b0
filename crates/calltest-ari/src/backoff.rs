//! The pauses between attempts to connect: each about twice as long as the one before, never two clients in step.

use std::ops::RangeInclusive;
use std::time::Duration;

/// An endless series of pauses.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    pub(crate) fn new(bounds: &RangeInclusive<Duration>) -> Self {
        Backoff { next: *bounds.start(), longest: *bounds.end() }
    }

    /// The next pause: at least half of what its turn allows, `portion` (0 to 1, random) of the other half besides.
    pub(crate) fn pause(&mut self, portion: f64) -> Duration {
        let full = self.next;
        self.next = (full * 2).min(self.longest);
        full.mul_f64(0.5 + portion / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut backoff = Backoff::new(&(Duration::from_secs(1)..=Duration::from_secs(3)));
        let pauses: Vec<u64> = (0..4).map(|_| backoff.pause(1.0).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 3, 3]);
        assert_eq!(backoff.pause(0.0), Duration::from_millis(1500));
    }
}
