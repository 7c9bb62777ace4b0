//! Quiet times: when the daemon leaves a test, a link or a server alone, for maintenance or through the night.
//!
//! A quiet time is a window that comes again and again: it begins as cron would start something, and lasts as long as is
//! said. All of it goes by the clock on the wall. Which time that is, and in which zone, is an argument; an hour that comes
//! twice or not at all, where clocks are changed, is up to whoever asks. How a quiet time is written is left to `text` and
//! `field_text`.

mod bad;
mod field;
mod field_text;
#[cfg(test)]
mod tests;
mod text;
mod window;

use jiff::civil::DateTime;

pub use bad::BadQuietTime;
pub use field::Field;
pub use window::QuietTime;

/// How many further windows [`QuietTimes::covers`] follows from one to the next: all quarters of an hour of a weekend are
/// 192.
const FOLLOWED: usize = 200;

/// All quiet times of a test, a link or a server; there may be none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuietTimes(pub Vec<QuietTime>);

impl QuietTimes {
    /// When the quiet is over in which that time lies, or `None` if it lies in none.
    ///
    /// Where one window ends in another, or where another begins, the quiet goes on with that. So it does for two hundred
    /// windows; where more of them adjoin, the end is that of the last one looked at: there, ask again.
    pub fn covers(&self, local: DateTime) -> Option<DateTime> {
        let mut end = self.end_of_window(local)?;
        for _ in 0..FOLLOWED {
            match self.end_of_window(end) {
                Some(later) => end = later,
                None => break,
            }
        }
        Some(end)
    }

    fn end_of_window(&self, local: DateTime) -> Option<DateTime> {
        self.0.iter().filter_map(|time| time.end_of_window(local)).max()
    }
}
