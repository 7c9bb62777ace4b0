//! Recordings as they were fetched: no more sound in them than bytes can hold.

use std::time::Duration;

/// Looks how much sound is in a file.
///
/// # Panics
/// If something does not hold.
pub fn check(input: &[u8]) {
    if let Ok(duration) = calltest_runner::wav::duration(input) {
        // The slowest sound has a byte a second.
        let longest = Duration::from_secs(input.len() as u64);
        assert!(duration <= longest, "{} bytes last {duration:?}", input.len());
    }
}
