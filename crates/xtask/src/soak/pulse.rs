//! When the machine itself was held up: servers, network and tester are all on it, and none of them is to blame then.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::truth::{Span, now};

/// How often to look at the clock.
const BEAT: Duration = Duration::from_millis(20);
/// From this delay on, digits on a trunk may suffer: they are 100 ms of sound and 100 ms of quiet, and an Asterisk that gets
/// no processor for half of that doubles them.
pub(super) const SPOILS_DIGITS: Duration = Duration::from_millis(40);
/// From this delay on, sound may suffer, and whatever has to come in time.
pub(super) const SPOILS_ALL: Duration = Duration::from_millis(200);

/// The times in which a thread of ours that had nothing to do did not get its turn.
#[derive(Debug, Default)]
pub(super) struct Pulse(Mutex<Vec<Span>>);

impl Pulse {
    /// Watches until all is over.
    pub(super) fn watch(&self, is_over: impl Fn() -> bool) {
        while !is_over() {
            let before = Instant::now();
            thread::sleep(BEAT);
            let delay = before.elapsed().saturating_sub(BEAT);
            if delay >= SPOILS_DIGITS {
                let to = now();
                self.lock().push(Span { from: to.saturating_sub(delay), to });
            }
        }
    }

    /// For how long at most the machine was held up in that time.
    pub(super) fn longest_delay(&self, span: Span) -> Option<Duration> {
        let held_up = self.lock();
        let within =
            held_up.iter().rev().take_while(|delay| delay.to >= span.from).filter(|delay| delay.from <= span.to);
        within.map(|delay| delay.to - delay.from).max()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Span>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
