//! What the daemon's WebSocket tells: which run was asked for, how long after it was due, and how it came out.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, bail};
use futures_util::StreamExt as _;
use serde::Deserialize;
use tokio::sync::oneshot;
use tokio_tungstenite::connect_async;

/// Follows a daemon from a thread of its own.
pub(super) struct Follower {
    seen: Arc<Mutex<Seen>>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<anyhow::Result<()>>,
}

/// What has been seen so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Tests that have ended a run.
    pub(super) finished: HashSet<String>,
    /// Runs that were asked for, figures forgotten or not.
    pub(super) all_runs: usize,
    /// By how many seconds each run was late.
    pub(super) lags: Vec<f64>,
    /// Runs that failed, or could not find out.
    pub(super) not_passed: u64,
    tests: HashMap<String, Known>,
}

/// What is known of one test.
#[derive(Debug, Default)]
struct Known {
    /// When it runs next.
    due: Option<f64>,
    /// The run whose lag is counted.
    counted: Option<String>,
    not_passed: u64,
}

/// A message.
#[derive(Deserialize)]
struct Update {
    name: String,
    state: Option<State>,
}

/// What matters here of a test's state.
#[derive(Deserialize)]
struct State {
    status: String,
    run: Option<String>,
    t_next: Option<f64>,
    t_wait: Option<f64>,
    n_run: u64,
    n_fail: u64,
    n_error: u64,
}

impl Follower {
    /// Connects to the daemon at that address.
    pub(super) fn of(address: SocketAddr) -> anyhow::Result<Self> {
        let (seen, url) = (Arc::new(Mutex::new(Seen::default())), format!("ws://{address}/ws"));
        let (stop, mut stopped) = oneshot::channel();
        let into = Arc::clone(&seen);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut socket, _) = runtime.block_on(connect_async(url)).context("the daemon opens no WebSocket")?;
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                loop {
                    let message = tokio::select! {
                        _ = &mut stopped => return Ok(()),
                        message = socket.next() => message,
                    };
                    let Some(message) = message else { bail!("the daemon has closed the WebSocket") };
                    if let Ok(text) = message.context("the WebSocket broke")?.into_text()
                        && !text.is_empty()
                    {
                        let update: Update = serde_json::from_str(&text).context("a message makes no sense")?;
                        lock(&into).learn(update);
                    }
                }
            })
        });
        Ok(Self { seen, stop, thread })
    }

    /// Looks at what has been seen, or changes it.
    pub(super) fn seen<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut lock(&self.seen))
    }

    /// Stops following. An error if something has been missed.
    pub(super) fn end(self) -> anyhow::Result<Seen> {
        // A thread that has ended already says why.
        let _ = self.stop.send(());
        self.thread.join().map_err(|_| anyhow::anyhow!("the listener has panicked"))??;
        Ok(std::mem::take(&mut lock(&self.seen)))
    }
}

impl Seen {
    /// Counts from zero again.
    pub(super) fn forget_figures(&mut self) {
        self.lags.clear();
        self.not_passed = 0;
    }

    fn learn(&mut self, update: Update) {
        let Some(state) = update.state else { return };
        let known = self.tests.entry(update.name.clone()).or_default();
        match state.status.as_str() {
            "waiting" | "running" => {
                if let (Some(due), Some(asked)) = (known.due, state.t_wait)
                    && known.counted != state.run
                {
                    self.lags.push(asked - due);
                    self.all_runs += 1;
                    known.counted = state.run;
                }
            }
            _ => known.due = state.t_next,
        }
        let not_passed = state.n_fail + state.n_error;
        self.not_passed += not_passed - known.not_passed;
        known.not_passed = not_passed;
        if state.n_run > 0 {
            self.finished.insert(update.name);
        }
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(status: &str, run: &str, times: [f64; 2], counts: [u64; 2]) -> Update {
        let ([next, wait], [n_run, n_fail]) = (times, counts);
        let state = serde_json::json!({
            "status": status, "run": run, "t_next": next, "t_wait": wait, "n_run": n_run, "n_fail": n_fail, "n_error": 0,
        });
        Update { name: "a".into(), state: Some(serde_json::from_value(state).unwrap()) }
    }

    #[test]
    fn a_run_is_late_by_the_time_since_it_was_due_and_counted_once() {
        let mut seen = Seen::default();
        seen.learn(update("new", "", [100.0, 0.0], [0, 0]));
        seen.learn(update("waiting", "1", [100.0, 100.5], [0, 0]));
        seen.learn(update("running", "1", [100.0, 100.5], [0, 0]));
        assert_eq!((&seen.lags[..], seen.finished.len()), (&[0.5][..], 0));
        seen.learn(update("idle", "1", [200.0, 100.5], [1, 1]));
        seen.learn(update("running", "2", [200.0, 200.25], [1, 1]));
        assert_eq!((&seen.lags[..], seen.finished.len(), seen.not_passed), (&[0.5, 0.25][..], 1, 1));
        seen.forget_figures();
        seen.learn(update("idle", "2", [300.0, 200.25], [2, 1]));
        assert_eq!((seen.lags.len(), seen.not_passed, seen.all_runs), (0, 0, 2));
    }
}
