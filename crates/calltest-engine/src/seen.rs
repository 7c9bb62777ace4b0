//! What an engine saw of a call, and the queue in which a run gets it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use calltest_core::evidence::{Observation, Side, Stamp};
use calltest_core::verdict::Trouble;
use tokio::sync::Notify;
use tokio::time::Instant;

/// One thing that an engine saw of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Which leg it is about.
    pub side: Side,
    /// When this process learnt of it.
    pub at: Instant,
    /// When it happened by the engine's own clock, if the engine says.
    pub stamp: Option<Stamp>,
    /// What it was.
    pub what: Observation,
}

/// A queue for at most `capacity` things seen, of all legs of a run, on whatever engines they are.
pub fn queue(capacity: usize) -> (Sink, Observations) {
    let state = Mutex::new(State { seen: VecDeque::new(), end: None, is_abandoned: false });
    let shared = Arc::new(Shared { state, changed: Notify::new(), capacity });
    (Sink(Arc::clone(&shared)), Observations(shared))
}

/// The end of a queue that engines fill. Clones fill the same queue.
#[derive(Debug, Clone)]
pub struct Sink(Arc<Shared>);

/// The end of a queue that its run empties.
#[derive(Debug)]
pub struct Observations(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
    capacity: usize,
}

#[derive(Debug)]
struct State {
    seen: VecDeque<Seen>,
    end: Option<Trouble>,
    /// The run is over, so nothing is kept for it.
    is_abandoned: bool,
}

impl Sink {
    /// Tells the run. Returns at once; where too much waits already, the queue ends with [`Trouble::Overflow`].
    pub fn tell(&self, seen: Seen) {
        let mut state = self.0.state();
        if state.is_abandoned || state.end.is_some() {
            return;
        }
        if state.seen.len() < self.0.capacity {
            state.seen.push_back(seen);
        } else {
            state.end = Some(Trouble::Overflow);
        }
        drop(state);
        self.0.changed.notify_one();
    }

    /// Tells the run that nothing more comes, after what was told before; only the first reason counts.
    pub fn end(&self, why: Trouble) {
        self.0.state().end.get_or_insert(why);
        self.0.changed.notify_one();
    }
}

impl Observations {
    /// The next thing seen, or why nothing more comes. Waits for ever if nobody fills the queue. Nothing is lost when the
    /// future is dropped.
    ///
    /// # Errors
    /// Once the queue has ended; it stays so.
    pub async fn next(&mut self) -> Result<Seen, Trouble> {
        loop {
            if let Some(seen) = self.try_next()? {
                return Ok(seen);
            }
            self.0.changed.notified().await;
        }
    }

    /// The next thing seen, if there is one already.
    ///
    /// # Errors
    /// As for [`Observations::next`].
    pub fn try_next(&mut self) -> Result<Option<Seen>, Trouble> {
        let mut state = self.0.state();
        match (state.seen.pop_front(), &state.end) {
            (Some(seen), _) => Ok(Some(seen)),
            (None, Some(end)) => Err(end.clone()),
            (None, None) => Ok(None),
        }
    }
}

impl Drop for Observations {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.is_abandoned = true;
        state.seen = VecDeque::new();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(digit: char) -> Seen {
        let what = Observation::DigitReceived { digit, duration: std::time::Duration::ZERO };
        Seen { side: Side::Src, at: Instant::now(), stamp: None, what }
    }

    #[tokio::test]
    async fn what_was_seen_before_the_end_comes_first_and_the_end_stays() {
        let (sink, mut observations) = queue(2);
        let (one, two) = (seen('1'), seen('2'));
        sink.tell(one.clone());
        sink.tell(two.clone());
        sink.end(Trouble::LeaseLost);
        sink.tell(seen('3'));
        sink.end(Trouble::Overflow);
        assert_eq!(observations.next().await, Ok(one));
        assert_eq!(observations.next().await, Ok(two));
        assert_eq!(observations.next().await, Err(Trouble::LeaseLost));
        assert_eq!(observations.next().await, Err(Trouble::LeaseLost));
    }

    #[tokio::test]
    async fn one_too_many_ends_the_queue() {
        let (sink, mut observations) = queue(1);
        sink.tell(seen('1'));
        sink.tell(seen('2'));
        sink.end(Trouble::LeaseLost);
        assert!(observations.next().await.is_ok());
        assert_eq!(observations.next().await, Err(Trouble::Overflow));
    }

    #[tokio::test]
    async fn a_run_that_waits_is_woken_by_what_is_told_and_by_the_end() {
        let (sink, mut observations) = queue(1);
        let run = tokio::spawn(async move { (observations.next().await.is_ok(), observations.next().await) });
        tokio::task::yield_now().await;
        sink.tell(seen('1'));
        tokio::task::yield_now().await;
        sink.end(Trouble::Overflow);
        assert_eq!(run.await.unwrap(), (true, Err(Trouble::Overflow)));
    }

    #[test]
    fn nothing_is_kept_for_a_run_that_is_over() {
        let (sink, observations) = queue(1);
        drop(observations);
        sink.tell(seen('1'));
        assert!(sink.0.state().seen.is_empty());
    }
}
