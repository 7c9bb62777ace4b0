//! The present, as the daemon measures it and as people tell it.

use std::time::{Duration, SystemTime};

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

/// The time, as the daemon measures it and as people tell it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// Since the daemon started.
    pub(crate) clock: Duration,
    pub(crate) wall: SystemTime,
    /// What the clock on the wall of the daemon's place shows.
    pub(crate) local: civil::DateTime,
}

impl Now {
    /// The present of a daemon that has been there for so long.
    pub(crate) fn new(clock: Duration, wall: SystemTime, zone: &TimeZone) -> Self {
        // A clock beyond the year 9999 is as wrong as one that stands at 1970.
        let local = Timestamp::try_from(wall).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone()).datetime();
        Self { clock, wall, local }
    }

    /// The moment at which the local clock shows this, if nobody turns it before then.
    pub(crate) fn at(&self, local: civil::DateTime) -> SystemTime {
        let ahead = Duration::try_from(self.local.duration_until(local)).unwrap_or_default();
        self.wall + ahead
    }

    pub(crate) fn until_next_minute(&self) -> Duration {
        let past = Duration::new(
            u64::try_from(self.local.second()).unwrap_or(0),
            u32::try_from(self.local.subsec_nanosecond()).unwrap_or(0),
        );
        Duration::from_secs(60).saturating_sub(past)
    }
}
