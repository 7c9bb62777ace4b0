//! One of the five fields of cron: which numbers it takes, and how a set of them is written.

use std::fmt;

use super::BadQuietTime;
use crate::repeated::repeated;

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

    fn without(self, other: Self) -> Self {
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
    const fn first(self) -> u8 {
        match self {
            Self::Minute | Self::Hour | Self::Weekday => 0,
            Self::Day | Self::Month => 1,
        }
    }

    /// The last number that is none of the others once more.
    const fn last(self) -> u8 {
        match self {
            Self::Minute => 59,
            Self::Hour => 23,
            Self::Day => 31,
            Self::Month => 12,
            Self::Weekday => 6,
        }
    }

    fn names(self) -> &'static [&'static str] {
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
    fn every(self, step: u8) -> Set {
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

    /// Reads a field.
    pub(super) fn parse(self, text: &str) -> Result<Set, BadQuietTime> {
        text.split(',').try_fold(Set::EMPTY, |set, item| Ok(set.with(self.item(item)?)))
    }

    /// Reads one item of a list.
    fn item(self, item: &str) -> Result<Set, BadQuietTime> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step)?)),
            None => (item, None),
        };
        let (first, last) = match range.split_once('-') {
            None if range == "*" => (self.first(), self.last()),
            None if step.is_some() => return Err(BadQuietTime::StepAlone { item: repeated(item) }),
            None => (self.number(range)?, self.number(range)?),
            Some((first, last)) => (self.number(first)?, self.number(last)?),
        };
        let week = WEEKDAYS.len() as u8;
        let last = match last {
            last if last >= first => last,
            last if self == Self::Weekday => last + week,
            _ => return Err(BadQuietTime::Backwards { range: repeated(range), field: self }),
        };
        let numbers = (first..=last).step_by(step.unwrap_or(1).into());
        let numbers = numbers.map(|number| if self == Self::Weekday { number % week } else { number });
        Ok(numbers.map(Set::of).fold(Set::EMPTY, Set::with))
    }

    fn number(self, text: &str) -> Result<u8, BadQuietTime> {
        if let Some(position) = self.names().iter().position(|name| name.eq_ignore_ascii_case(text)) {
            return Ok(self.first() + position as u8);
        }
        // Sunday has a second number.
        let last = if self == Self::Weekday { 7 } else { self.last() };
        let number = digits(text).filter(|number| (self.first()..=last).contains(number));
        number.ok_or_else(|| BadQuietTime::NotInField { text: repeated(text), field: self })
    }

    fn step(self, text: &str) -> Result<u8, BadQuietTime> {
        let step = digits(text).filter(|step| (1..=self.longest_step()).contains(step));
        step.ok_or_else(|| BadQuietTime::Step { text: repeated(text), field: self })
    }

    /// Writes a set, with `*` only for all of it or where a step fits into it evenly.
    pub(super) fn write(self, set: Set) -> String {
        if set == self.all() {
            return "*".into();
        }
        let width = self.longest_step() + 1;
        let even = (2..width).find(|step| width.is_multiple_of(*step) && set == self.every(*step));
        even.map_or_else(|| self.list(set), |step| format!("*/{step}"))
    }

    /// Writes a set so that it begins with `*`, if that is possible.
    pub(super) fn write_with_star(self, set: Set) -> Option<String> {
        if set == self.all() {
            return Some("*".into());
        }
        let step = (2..=self.longest_step()).find(|step| self.every(*step).without(set) == Set::EMPTY)?;
        let rest = set.without(self.every(step));
        let comma = if rest == Set::EMPTY { "" } else { "," };
        Some(format!("*/{step}{comma}{}", self.list(rest)))
    }

    /// Writes a set as numbers and ranges, weekdays from Monday on.
    pub(super) fn list(self, set: Set) -> String {
        let order: Vec<u8> = match self {
            Self::Weekday => vec![1, 2, 3, 4, 5, 6, 0],
            _ => (self.first()..=self.last()).collect(),
        };
        let runs = order.split(|number| !set.contains(*number)).filter(|run| !run.is_empty());
        let write = |number: &u8| match self.names().get(usize::from(*number - self.first())) {
            Some(name) => (*name).to_owned(),
            None => number.to_string(),
        };
        let runs = runs.map(|run| match run {
            [first, _, .., last] => format!("{}-{}", write(first), write(last)),
            few => few.iter().map(write).collect::<Vec<_>>().join(","),
        });
        runs.collect::<Vec<_>>().join(",")
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

/// A number of digits alone, which `parse` would take a sign before.
pub(super) fn digits<N: std::str::FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
