//! How long nothing was heard. Kept as the gaps between frames that can still be the longest since some moment: each
//! is longer than all that follow it, so there are few.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// How many gaps are kept before the two shortest, which are the latest, are taken for one.
const MAX_GAPS: usize = 64;

/// The gaps between the frames of a server.
#[derive(Debug)]
pub(crate) struct Silence(Mutex<Gaps>);

#[derive(Debug)]
struct Gaps {
    last_heard: Instant,
    descending: VecDeque<Gap>,
}

#[derive(Debug, Clone, Copy)]
struct Gap {
    start: Instant,
    end: Instant,
}

impl Silence {
    /// Silence that begins at `start`.
    pub(crate) fn since(start: Instant) -> Self {
        Silence(Mutex::new(Gaps { last_heard: start, descending: VecDeque::new() }))
    }

    /// Notes that something was heard.
    pub(crate) fn heard(&self, at: Instant) {
        self.0.lock().expect("nothing panics while it holds the gaps").add(at);
    }

    /// When something was heard last.
    pub(crate) fn last_heard(&self) -> Instant {
        self.0.lock().expect("nothing panics while it holds the gaps").last_heard
    }

    /// The longest time from `start` until `now` in which nothing was heard. Never shorter than it was.
    pub(crate) fn longest(&self, start: Instant, now: Instant) -> Duration {
        let gaps = self.0.lock().expect("nothing panics while it holds the gaps");
        let current = Gap { start: gaps.last_heard, end: now };
        gaps.descending.iter().chain([&current]).map(|gap| gap.length_since(start)).max().unwrap_or_default()
    }
}

impl Gaps {
    fn add(&mut self, now: Instant) {
        let mut gap = Gap { start: self.last_heard, end: now };
        self.last_heard = now;
        if self.descending.len() == MAX_GAPS
            && let Some(shortest) = self.descending.pop_back()
        {
            gap.start = shortest.start;
        }
        while self.descending.back().is_some_and(|last| last.length() <= gap.length()) {
            self.descending.pop_back();
        }
        self.descending.push_back(gap);
    }
}

impl Gap {
    fn length(&self) -> Duration {
        self.end.saturating_duration_since(self.start)
    }

    fn length_since(&self, start: Instant) -> Duration {
        self.end.saturating_duration_since(self.start.max(start))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_current_silence_counts() {
        let start = Instant::now();
        let silence = Silence::since(start);
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        silence.heard(at(100));
        silence.heard(at(130));
        assert_eq!(silence.longest(start, at(140)), Duration::from_millis(100));
        assert_eq!(silence.longest(at(90), at(140)), Duration::from_millis(30));
        assert_eq!(silence.longest(at(110), at(200)), Duration::from_millis(70));
        assert_eq!(silence.longest(at(300), at(200)), Duration::ZERO);
    }

    proptest! {
        /// As long as nothing had to be put together, the answer is exactly that of keeping every gap.
        #[test]
        fn forgetting_short_gaps_changes_no_answer(steps in prop::collection::vec(0_u64..1000, 1..60), from in 0_u64..20_000) {
            let start = Instant::now();
            let at = |milliseconds| start + Duration::from_millis(milliseconds);
            let silence = Silence::since(start);
            let mut times = vec![0];
            for step in steps {
                times.push(times.last().unwrap() + step);
                silence.heard(at(*times.last().unwrap()));
            }
            let now = times.last().unwrap() + 5;
            times.push(now);
            let expected = times.windows(2).map(|pair| pair[1].saturating_sub(pair[0].max(from))).max().unwrap();
            prop_assert_eq!(silence.longest(at(from), at(now)), Duration::from_millis(expected));
        }

        /// Frames that come ever faster are the worst case; the memory stays bounded and the answer is never too short.
        #[test]
        fn ever_shorter_gaps_stay_bounded(from in 0_u64..100_000) {
            let start = Instant::now();
            let at = |milliseconds| start + Duration::from_millis(milliseconds);
            let silence = Silence::since(start);
            let mut times = vec![0_u64];
            for gap in (1..400).rev() {
                times.push(times.last().unwrap() + gap);
                silence.heard(at(*times.last().unwrap()));
            }
            let now = *times.last().unwrap();
            let exact = times.windows(2).map(|pair| pair[1].saturating_sub(pair[0].max(from))).max().unwrap();
            prop_assert!(silence.longest(at(from), at(now)) >= Duration::from_millis(exact));
            prop_assert!(silence.0.lock().unwrap().descending.len() <= MAX_GAPS);
        }
    }
}
