//! What is drawn at random from a seed: the same in every version of everything, which a library's generator does not promise.

use std::ops::Range;
use std::time::Duration;

use fake_asterisk::Chance;

/// Draws whatever is wanted.
pub(crate) struct Draw(Chance);

impl Draw {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(Chance::seeded(seed))
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0.number()
    }

    /// One of that many.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.number() % count as u64).unwrap_or(0)
    }

    pub(crate) fn one_of<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// A time of so many seconds.
    pub(crate) fn seconds(&mut self, range: Range<f64>) -> Duration {
        let longest = Duration::from_secs_f64(range.end - range.start);
        Duration::from_secs_f64(range.start) + self.0.time_up_to(longest)
    }

    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for place in (1..list.len()).rev() {
            list.swap(place, self.below(place + 1));
        }
    }
}
