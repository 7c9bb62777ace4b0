//! `rtp.conf` and `indications.conf`: where media flows, and what the tones of a country sound like.

use std::fmt;
use std::ops::RangeInclusive;

/// The whole `rtp.conf`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtpConf {
    /// The UDP ports for RTP and RTCP; a call takes two of them.
    pub ports: RangeInclusive<u16>,
}

impl Default for RtpConf {
    /// Asterisk's usual range.
    fn default() -> Self {
        Self { ports: 10000..=20000 }
    }
}

impl fmt::Display for RtpConf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[general]")?;
        writeln!(f, "rtpstart = {}", self.ports.start())?;
        writeln!(f, "rtpend = {}", self.ports.end())
    }
}

/// A small `indications.conf`: the tones of Germany and of the United States (ITU-T E.180 Supplement 2).
///
/// Frequencies are in hertz, durations after the slash in milliseconds.
pub const INDICATIONS_CONF: &str = "\
[general]
country = us

[us]
description = United States
ringcadence = 2000,4000
dial = 350+440
busy = 480+620/500,0/500
ring = 440+480/2000,0/4000
congestion = 480+620/250,0/250

[de]
description = Germany
ringcadence = 1000,4000
dial = 425
busy = 425/480,0/480
ring = 425/1000,0/4000
congestion = 425/240,0/240
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_the_range_are_written() {
        assert_eq!(RtpConf::default().to_string(), "[general]\nrtpstart = 10000\nrtpend = 20000\n");
    }
}
