//! A window that comes again and again: when it began last, and when that ends.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};

use super::field::{Field, Set};

/// The longest that a quiet time lasts, in minutes: seven days.
pub(super) const LONGEST: u16 = 7 * DAY;

/// A day, in minutes.
pub(super) const DAY: u16 = 24 * 60;

/// Windows that come again and again, each of the same length.
///
/// Written as five cron fields and a duration, `0 22 * * mon-fri for 8h`, or as a time of day, `mon-fri 22:00-06:00`.
/// The fields are minute, hour, day of the month, month and weekday. Each is `*`, or a list of numbers, ranges, and steps
/// in a range or in all of it: `1,15`, `8-18`, `8-18/2`, `*/15`. Months and weekdays have names, `jan` and `mon`, in
/// small letters or capitals; 0 and 7 both are Sunday, and weekdays may go past the end of the week: `fri-mon`.
///
/// As in cron, a window begins on days that fit **either** day of the month **or** weekday where both are restricted, and
/// a field that begins with `*` restricts nothing in this sense: `0 3 13 * fri for 1h` is every 13th and every Friday,
/// `0 3 */2 * fri for 1h` those Fridays that are odd days of the month.
///
/// A duration is of days, hours and minutes, 1 minute to 7 days: `90m`, `2h30m`, `1d12h`. Weekdays before a time of day say
/// on which day the window begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuietTime {
    pub(super) minutes: Set,
    pub(super) hours: Set,
    pub(super) days: Days,
    pub(super) months: Set,
    /// In minutes.
    pub(super) lasts: u16,
}

/// On which days of its months a window begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days {
    pub(super) of_month: Set,
    pub(super) weekdays: Set,
    /// Which of the two have to fit.
    pub(super) rule: Rule,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    Both,
    Either,
}

impl Days {
    pub(super) const EVERY: Self =
        Self { of_month: Field::Day.all(), weekdays: Field::Weekday.all(), rule: Rule::Both };

    fn contain(&self, date: Date) -> bool {
        let of_month = self.of_month.contains(date.day() as u8);
        let weekday = self.weekdays.contains(date.weekday().to_sunday_zero_offset() as u8);
        match self.rule {
            Rule::Both => of_month && weekday,
            Rule::Either => of_month || weekday,
        }
    }
}

impl QuietTime {
    /// When the window is over that covers that time and lasts longest. A window begins with its first minute, and what it
    /// ends with is no longer in it.
    ///
    /// All windows have the same length, so the one that began last is the one that ends last. It is looked for day by day.
    pub(super) fn end_of_window(&self, local: DateTime) -> Option<DateTime> {
        let lasts = SignedDuration::from_mins(self.lasts.into());
        let first_day = local.saturating_sub(lasts).date();
        let mut day = local.date();
        loop {
            let begins_that_day = self.months.contains(day.month() as u8) && self.days.contain(day);
            let beginning = match day == local.date() {
                true => self.last_beginning_until(local.hour() as u8, local.minute() as u8),
                false => self.last_beginning_until(23, 59),
            };
            if let Some((hour, minute)) = beginning.filter(|_| begins_that_day) {
                let end = day.at(hour as i8, minute as i8, 0, 0).saturating_add(lasts);
                return (end > local).then_some(end);
            }
            if day <= first_day {
                return None;
            }
            day = day.yesterday().ok()?;
        }
    }

    /// The last hour and minute of a day at which a window begins, up to a time of that day.
    fn last_beginning_until(&self, hour: u8, minute: u8) -> Option<(u8, u8)> {
        let in_this_hour = || self.hours.contains(hour).then(|| self.minutes.last_until(minute)).flatten();
        match in_this_hour() {
            Some(minute) => Some((hour, minute)),
            None => Some((self.hours.last_until(hour.checked_sub(1)?)?, self.minutes.last_until(59)?)),
        }
    }
}
