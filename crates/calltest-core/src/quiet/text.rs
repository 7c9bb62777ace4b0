//! Reading and writing quiet times: `0 22 * * mon-fri for 8h`, `mon-fri 22:00-06:00`.

use std::fmt;
use std::str::FromStr;

use super::bad::BadQuietTime;
use super::field::{Field, Set};
use super::field_text::digits;
use super::window::{DAY, Days, LONGEST, QuietTime, Rule};
use crate::repeated::repeated;

/// What stands between the fields and the duration.
const FOR: &str = "for";

impl FromStr for QuietTime {
    type Err = BadQuietTime;

    fn from_str(text: &str) -> Result<Self, BadQuietTime> {
        let words: Vec<&str> = text.split_whitespace().collect();
        if let Some(position) = words.iter().position(|word| word.eq_ignore_ascii_case(FOR)) {
            return as_cron(&words[..position], &words[position + 1..].join(" "));
        }
        match words[..] {
            [] => Err(BadQuietTime::Empty),
            [times] if times.contains(':') => daily("*", times),
            [weekdays, times] if times.contains(':') => daily(weekdays, times),
            [_, _, _, _, _] => Err(BadQuietTime::NoDuration),
            _ => Err(BadQuietTime::NoForm),
        }
    }
}

fn as_cron(fields: &[&str], duration: &str) -> Result<QuietTime, BadQuietTime> {
    let &[minutes, hours, of_month, months, weekdays] = fields else {
        return Err(BadQuietTime::FieldCount { found: fields.len() });
    };
    let minutes = Field::Minute.parse(minutes)?;
    let hours = Field::Hour.parse(hours)?;
    let of_month_set = Field::Day.parse(of_month)?;
    let months_set = Field::Month.parse(months)?;
    let days = days((of_month, of_month_set), (weekdays, Field::Weekday.parse(weekdays)?));
    let comes = |month| months_set.contains(month) && days.of_month.last_until(longest(month)).is_some();
    // A weekday comes in every month.
    if days.rule == Rule::Both && !(1..=12).any(comes) {
        return Err(BadQuietTime::NoSuchDay { day: repeated(of_month), month: repeated(months) });
    }
    Ok(QuietTime { minutes, hours, days, months: months_set, lasts: self::duration(duration)? })
}

/// How many days a month has at most.
fn longest(month: u8) -> u8 {
    match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Both fields for days, each as it is written and read.
fn days(of_month: (&str, Set), weekdays: (&str, Set)) -> Days {
    let restricts = |text: &str| !text.starts_with('*');
    let rule = if restricts(of_month.0) && restricts(weekdays.0) { Rule::Either } else { Rule::Both };
    let is_every_day = of_month.1 == Field::Day.all() || weekdays.1 == Field::Weekday.all();
    match rule {
        Rule::Either if is_every_day => Days::EVERY,
        rule => Days { of_month: of_month.1, weekdays: weekdays.1, rule },
    }
}

fn duration(text: &str) -> Result<u16, BadQuietTime> {
    let bad = || BadQuietTime::Duration { text: repeated(text) };
    let mut rest = text;
    let mut minutes = 0_u32;
    for (unit, in_minutes) in [('d', DAY), ('h', 60), ('m', 1)] {
        let Some((number, after)) = rest.split_once(|c: char| c.eq_ignore_ascii_case(&unit)) else { continue };
        // More digits than these are too many in any unit, and would not fit into a number.
        let is_huge = number.len() > 5 && number.bytes().all(|byte| byte.is_ascii_digit());
        let number: u32 = if is_huge { u16::MAX.into() } else { digits(number).ok_or_else(bad)? };
        minutes = minutes.saturating_add(number.saturating_mul(in_minutes.into()));
        rest = after;
    }
    if !rest.is_empty() || text.is_empty() {
        return Err(bad());
    }
    let lasts = u16::try_from(minutes).ok().filter(|minutes| (1..=LONGEST).contains(minutes));
    lasts.ok_or_else(|| BadQuietTime::DurationRange { text: repeated(text) })
}

/// A window of less than a day, or of a whole one.
fn daily(weekdays: &str, times: &str) -> Result<QuietTime, BadQuietTime> {
    let (from, to) = times.split_once('-').ok_or(BadQuietTime::NoForm)?;
    let days = days(("*", Field::Day.all()), (weekdays, Field::Weekday.parse(weekdays)?));
    let bad = |text: &str, is_end| BadQuietTime::Time { text: repeated(text), is_end };
    let begins = time_of_day(from).filter(|minutes| *minutes < DAY).ok_or_else(|| bad(from, false))?;
    let ends = time_of_day(to).ok_or_else(|| bad(to, true))?;
    let lasts = if ends < begins { ends + DAY - begins } else { ends - begins };
    if lasts == 0 {
        return Err(BadQuietTime::NoLength { times: repeated(times) });
    }
    let (hour, minute) = ((begins / 60) as u8, (begins % 60) as u8);
    Ok(QuietTime { minutes: Set::of(minute), hours: Set::of(hour), days, months: Field::Month.all(), lasts })
}

/// Minutes since midnight, up to `24:00`.
fn time_of_day(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text| digits::<u16>(text).filter(|_| (1..=2).contains(&text.len()));
    let minutes = number(minutes).filter(|number| minutes.len() == 2 && *number < 60)?;
    Some(number(hours)? * 60 + minutes).filter(|minutes| *minutes <= DAY)
}

impl fmt::Display for QuietTime {
    /// As a time of day if it can be written like that, else in cron's fields.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((begins, ends)) = self.times_of_day() {
            if self.days.weekdays != Field::Weekday.all() {
                write!(f, "{} ", Field::Weekday.list(self.days.weekdays))?;
            }
            let (hour, minute) = (begins / 60, begins % 60);
            return write!(f, "{hour:02}:{minute:02}-{:02}:{:02}", ends / 60, ends % 60);
        }
        let (of_month, weekdays) = self.days.write();
        let minutes = Field::Minute.write(self.minutes);
        let (hours, months) = (Field::Hour.write(self.hours), Field::Month.write(self.months));
        write!(f, "{minutes} {hours} {of_month} {months} {weekdays} {FOR} ")?;
        for (unit, number) in [('d', self.lasts / DAY), ('h', self.lasts % DAY / 60), ('m', self.lasts % 60)] {
            if number > 0 {
                write!(f, "{number}{unit}")?;
            }
        }
        Ok(())
    }
}

impl QuietTime {
    /// When it begins and ends, in minutes since midnight, where that and weekdays are all there is to say.
    fn times_of_day(&self) -> Option<(u16, u16)> {
        let begins = u16::from(self.hours.only()?) * 60 + u16::from(self.minutes.only()?);
        let is_any_date = self.months == Field::Month.all() && self.days.of_month == Field::Day.all();
        let ends = match begins + self.lasts {
            ends if ends <= DAY => ends,
            ends if self.lasts < DAY => ends - DAY,
            _ => return None,
        };
        is_any_date.then_some((begins, ends))
    }
}

impl Days {
    /// The fields for the day of the month and for the weekday.
    fn write(&self) -> (String, String) {
        let (of_month, weekdays) = (Field::Day.list(self.of_month), Field::Weekday.list(self.weekdays));
        let is_any_weekday = self.weekdays == Field::Weekday.all();
        match self.rule {
            Rule::Either => (of_month, weekdays),
            // That both have to fit is told by a `*`, of which one is enough.
            Rule::Both if is_any_weekday && self.of_month != Field::Day.all() => (of_month, "*".into()),
            Rule::Both => match Field::Day.write_with_star(self.of_month) {
                Some(starred) => (starred, if is_any_weekday { "*".into() } else { weekdays }),
                None => (of_month, Field::Weekday.write_with_star(self.weekdays).unwrap_or(weekdays)),
            },
        }
    }
}
