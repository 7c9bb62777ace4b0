//! One of the five fields of cron, and the sets of numbers that it takes.

use std::fmt;

/// A field of cron.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// Day of the month, 1 to 31.
    Day,
    /// 1 to 12, or by name.
    Month,
    /// 0 to 7, of which the first and the last are Sunday, or by name.
    Weekday,
}

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Numbers from 0 to 63.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Set(u64);

impl Set {
    pub(super) const EMPTY: Self = Self(0);

    pub(super) fn of(number: u8) -> Self {
        Self(1 << number)
    }

    pub(super) fn contains(self, number: u8) -> bool {
        self.0 >> number & 1 == 1
    }

    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The highest number that is not above that one.
    pub(super) fn last_until(self, number: u8) -> Option<u8> {
        let until = self.0 & (u64::MAX >> (63 - number));
        until.checked_ilog2().map(|highest| highest as u8)
    }

    /// The one number in it, if there is just one.
    pub(super) fn only(self) -> Option<u8> {
        (self.0.count_ones() == 1).then(|| self.0.trailing_zeros() as u8)
    }
}

impl Field {
    pub(super) const fn first(self) -> u8 {
        match self {
            Self::Minute | Self::Hour | Self::Weekday => 0,
            Self::Day | Self::Month => 1,
        }
    }

    /// The last number that is none of the others once more.
    pub(super) const fn last(self) -> u8 {
        match self {
            Self::Minute => 59,
            Self::Hour => 23,
            Self::Day => 31,
            Self::Month => 12,
            Self::Weekday => 6,
        }
    }

    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Minute | Self::Hour | Self::Day => &[],
            Self::Month => MONTHS,
            Self::Weekday => WEEKDAYS,
        }
    }

    pub(super) const fn all(self) -> Set {
        Set((u64::MAX >> (63 - self.last())) & (u64::MAX << self.first()))
    }

    /// What `*/STEP` stands for.
    pub(super) fn every(self, step: u8) -> Set {
        (self.first()..=self.last()).step_by(step.into()).map(Set::of).fold(Set::EMPTY, Set::with)
    }

    /// The longest step that leaves more than one number.
    pub(super) fn longest_step(self) -> u8 {
        self.last() - self.first()
    }

    /// Which numbers and names fit, for "expected …".
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Minute => "0 to 59",
            Self::Hour => "0 to 23",
            Self::Day => "1 to 31",
            Self::Month => "1 to 12, or `jan` to `dec`",
            Self::Weekday => "`mon` to `sun`, or 0 to 7",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day of the month",
            Self::Month => "month",
            Self::Weekday => "weekday",
        })
    }
}
