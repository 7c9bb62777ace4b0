//! The limit that Asterisk itself puts on a channel, should we vanish.

use std::time::Duration;

/// The variable by which Asterisk itself ends a channel. It is the last net.
pub(crate) const ABSOLUTE_LIMIT: &str = "TIMEOUT(absolute)";

/// Asterisk's limits are in whole seconds.
pub(crate) fn whole_seconds(limit: Duration) -> u64 {
    limit.as_secs()
}
