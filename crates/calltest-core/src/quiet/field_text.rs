//! How a set of a field's numbers is written: `1,15`, `8-18/2`, `mon-fri`.

use super::bad::BadQuietTime;
use super::field::{Field, Set};
use crate::repeated::repeated;

impl Field {
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
        let week = self.names().len() as u8;
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

/// A number of digits alone, which `parse` would take a sign before.
pub(super) fn digits<N: std::str::FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
