//! Asterisk's timestamps, kept as they were written and understood only when asked.

use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// A point in time by the server's clock, in milliseconds, such as `2026-11-22T09:49:10.492+0000`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Date(Text);

impl Date {
    /// The text as Asterisk wrote it; empty where it wrote none.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The time it stands for; `None` if it is no date.
    pub fn to_system_time(&self) -> Option<SystemTime> {
        self.0.parse::<jiff::Timestamp>().ok().map(SystemTime::from)
    }
}

impl From<&str> for Date {
    fn from(text: &str) -> Self {
        Date(text.into())
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn asterisk_writes_an_offset_without_colon() {
        let time = |text| Date::from(text).to_system_time();
        let expected = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_340_950_492);
        assert_eq!(time("2026-11-22T09:49:10.492+0000"), Some(expected));
        assert_eq!(time("2026-11-22T10:49:10.492+0100"), Some(expected));
        assert_eq!(time(""), None);
        assert_eq!(time("today"), None);
    }
}
