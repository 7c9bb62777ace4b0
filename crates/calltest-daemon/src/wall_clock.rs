//! Times by the wall clock, as the interface writes them: seconds since the Unix epoch.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The last second of the year 9999: whoever names a later one is mistaken.
const LATEST: f64 = 253_402_300_799.0;

/// To the microsecond, which is also what the history keeps.
pub(crate) fn unix(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as f64 / 1e6
}

/// The time that somebody names; `None` if it is none.
pub(crate) fn from_unix(seconds: f64) -> Option<SystemTime> {
    (0.0..=LATEST).contains(&seconds).then(|| UNIX_EPOCH + Duration::from_micros((seconds * 1e6).round() as u64))
}

/// The time that stands for none.
pub(crate) fn epoch() -> SystemTime {
    UNIX_EPOCH
}

/// Times in JSON.
pub(crate) mod seconds {
    use std::time::SystemTime;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
        super::unix(*time).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
        Ok(super::from_unix(f64::deserialize(deserializer)?).unwrap_or_else(super::epoch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_time_is_none() {
        assert_eq!(from_unix(1.5), Some(UNIX_EPOCH + Duration::from_millis(1500)));
        for nonsense in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(from_unix(nonsense), None, "{nonsense}");
        }
        for time in [1_795_342_033.25, 1_795_615_952.946_852, 0.000_001] {
            assert_eq!(unix(from_unix(time).unwrap()), time);
        }
    }
}
