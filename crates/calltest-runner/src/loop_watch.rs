//! Watches whether this process gets to run in time. A monitor that was held up has seen nothing meanwhile, so it must
//! not claim that nothing happened.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// How often the watch looks at the clock. Each look wakes a process that may have nothing else to do.
const TICK: Duration = Duration::from_millis(200);
/// To come later than this is everyday life and not kept.
const WORTH_KEEPING: Duration = Duration::from_millis(100);
/// How many delays are remembered; the oldest go first.
const MAX_KEPT: usize = 4096;

/// Remembers the delays of the event loop.
#[derive(Debug, Clone, Default)]
pub(crate) struct LoopWatch {
    delays: Arc<Mutex<VecDeque<Delay>>>,
}

#[derive(Debug, Clone, Copy)]
struct Delay {
    until: Instant,
    by: Duration,
}

impl LoopWatch {
    /// Watches until told to stop.
    pub(crate) async fn watch(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looked = Instant::now();
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let now = Instant::now();
            let since = now.saturating_duration_since(looked);
            // All of the time since the last look may have been lost.
            if since >= TICK + WORTH_KEEPING {
                self.keep(Delay { until: now, by: since });
            }
            looked = now;
        }
    }

    /// The longest delay that ended after `start`.
    pub(crate) fn longest_since(&self, start: Instant) -> Duration {
        let delays = self.delays.lock().unwrap_or_else(PoisonError::into_inner);
        delays.iter().filter(|delay| delay.until >= start).map(|delay| delay.by).max().unwrap_or_default()
    }

    fn keep(&self, delay: Delay) {
        let mut delays = self.delays.lock().unwrap_or_else(PoisonError::into_inner);
        if delays.len() == MAX_KEPT {
            delays.pop_front();
        }
        delays.push_back(delay);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_blocked_loop_is_noticed() {
        let watch = LoopWatch::default();
        let stop = CancellationToken::new();
        let start = Instant::now();
        let task = tokio::spawn(watch.clone().watch(stop.clone()));
        tokio::time::sleep(2 * TICK).await;
        std::thread::sleep(Duration::from_millis(400));
        tokio::time::sleep(2 * TICK).await;
        assert!(watch.longest_since(start) >= Duration::from_millis(400), "{watch:?}");
        assert_eq!(watch.longest_since(Instant::now()), Duration::ZERO);
        stop.cancel();
        task.await.unwrap();
    }
}
