//! What all parts of the soak share: the lab, the daemon, the lines, and what was done to them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use asterisk_lab::Lab;

use super::lines::Line;
use super::pulse::Pulse;
use super::truth::{Truth, now};
use crate::daemon::Daemon;
use crate::proxy::Proxy;

/// The scene of a soak.
pub(super) struct Stage {
    pub(super) lab: Lab,
    pub(super) daemon: Daemon,
    pub(super) lines: Vec<Line>,
    /// In the order of the lab's servers; none without faults.
    pub(super) proxies: Vec<Proxy>,
    pub(super) seed: u64,
    /// When it began, since the Unix epoch.
    pub(super) start: Duration,
    /// The same by a clock that nobody turns.
    pub(super) epoch: Instant,
    pub(super) pulse: Pulse,
    truth: Mutex<Truth>,
    wrongs: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl Stage {
    pub(super) fn new(lab: Lab, daemon: Daemon, lines: Vec<Line>, proxies: Vec<Proxy>, seed: u64) -> Self {
        Self {
            lab,
            daemon,
            lines,
            proxies,
            seed,
            start: now(),
            epoch: Instant::now(),
            pulse: Pulse::default(),
            truth: Mutex::default(),
            wrongs: Mutex::default(),
            is_over: AtomicBool::new(false),
        }
    }

    pub(super) fn truth(&self) -> MutexGuard<'_, Truth> {
        self.truth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something is not as it must be: it is printed now, and the soak fails in the end.
    pub(super) fn report(&self, what: impl Into<String>) {
        let what = format!("{:7.1} s: {}", self.epoch.elapsed().as_secs_f64(), what.into());
        println!("WRONG (seed {}) {what}", self.seed);
        self.wrongs.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// All that is not as it must be.
    pub(super) fn wrongs(&self) -> Vec<String> {
        self.wrongs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Prints what happens, with its time.
    pub(super) fn tell(&self, what: &str) {
        println!("{:7.1} s: {what}", self.epoch.elapsed().as_secs_f64());
    }

    /// Ends what goes on in other threads.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}
