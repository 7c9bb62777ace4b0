//! Waiting for what happens in another process.

use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take: long, because it only matters when something is broken.
const LIMIT: Duration = Duration::from_secs(30);

/// Waits until it is so.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < deadline, "not within {LIMIT:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
