//! What drives the calls of `run`, `demo` and the daemon.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::runtime::{Builder, Handle, Runtime};

/// One thread for all calls, since a call waits for the network and computes next to nothing. A second one costs more, to wake
/// and to be told, than it takes off the first.
pub(crate) fn call_loop() -> anyhow::Result<Runtime> {
    let pace = Arc::new(Mutex::new(Pace::default()));
    let waking = Arc::clone(&pace);
    let runtime = Builder::new_current_thread()
        .on_thread_park(move || {
            let tasks = Handle::try_current().map_or(0, |handle| handle.metrics().num_alive_tasks());
            let pause = lock(&pace).pause(Instant::now(), tasks);
            thread::sleep(pause);
            lock(&pace).parked(Instant::now());
        })
        .on_thread_unpark(move || lock(&waking).unparked(Instant::now()))
        .enable_all()
        .build();
    runtime.context("could not start the asynchronous runtime")
}

/// How often the loop wakes.
///
/// Of many calls, one has something to say several times a millisecond, and to wake for each costs more than to hear it. So
/// while many calls go on and the loop hardly gets to wait, what comes within two milliseconds is taken in together, as
/// network cards do with interrupts. Few calls are heard at once, and so is one after a pause.
#[derive(Debug, Default)]
struct Pace {
    /// When it woke last.
    woke: Option<Instant>,
    /// When it began to wait.
    waiting: Option<Instant>,
    /// Whether there was something to do as soon as it waited.
    is_busy: bool,
}

impl Pace {
    /// The shortest time from one wake-up to the next, where there is much to do.
    const STEP: Duration = Duration::from_millis(2);
    /// So many tasks make many calls: each is one, and there are a handful beside them.
    const MIN_TASKS: usize = 32;
    /// To have waited no longer than this is not to have waited.
    const AT_ONCE: Duration = Duration::from_millis(1);

    /// For how long to leave alone what comes.
    fn pause(&self, now: Instant, tasks: usize) -> Duration {
        match self.woke {
            Some(woke) if self.is_busy && tasks >= Self::MIN_TASKS => Self::STEP.saturating_sub(now - woke),
            _ => Duration::ZERO,
        }
    }

    fn parked(&mut self, now: Instant) {
        self.waiting = Some(now);
    }

    fn unparked(&mut self, now: Instant) {
        self.is_busy = self.waiting.is_some_and(|waiting| now - waiting < Self::AT_ONCE);
        self.woke = Some(now);
    }
}

fn lock(pace: &Mutex<Pace>) -> MutexGuard<'_, Pace> {
    pace.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_never_waits_is_paced_and_one_that_had_to_wait_is_not() {
        let start = Instant::now();
        let at = |microseconds| start + Duration::from_micros(microseconds);
        let pause = |pace: &Pace, microseconds| pace.pause(at(microseconds), Pace::MIN_TASKS);
        let mut pace = Pace::default();
        assert_eq!(pause(&pace, 0), Duration::ZERO);
        pace.parked(at(0));
        pace.unparked(at(5000));
        assert_eq!(pause(&pace, 5100), Duration::ZERO);
        pace.parked(at(5100));
        pace.unparked(at(6000));
        assert_eq!(pause(&pace, 6100), Duration::from_micros(1900));
        assert_eq!(pace.pause(at(6100), Pace::MIN_TASKS - 1), Duration::ZERO);
        assert_eq!(pause(&pace, 8300), Duration::ZERO);
        pace.parked(at(8300));
        pace.unparked(at(9300));
        assert_eq!(pause(&pace, 9310), Duration::ZERO);
    }
}
