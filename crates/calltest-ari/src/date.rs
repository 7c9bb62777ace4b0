//! Asterisk's timestamps, of which an event has two: understood as they come in, which is less work than to keep their text,
//! and written again as they were.

use std::fmt;
use std::time::SystemTime;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::string_enum::AnyString;
use crate::text::Text;

/// A point in time by the server's clock, in milliseconds, such as `2026-11-22T09:49:10.492+0000`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Date(Form);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Form {
    /// As Asterisk writes every date.
    Standard {
        /// Since the epoch.
        milliseconds: i64,
        /// Of the local time written, east of Greenwich.
        offset_minutes: i16,
    },
    /// Anything else, as it was written; empty where nothing was.
    Other(Text),
}

impl Date {
    /// The time it stands for; `None` if it is no date.
    pub fn to_system_time(&self) -> Option<SystemTime> {
        let timestamp = match &self.0 {
            Form::Standard { milliseconds, .. } => jiff::Timestamp::from_millisecond(*milliseconds),
            Form::Other(text) => text.parse(),
        };
        timestamp.ok().map(SystemTime::from)
    }
}

impl Form {
    /// The length of a standard date, in bytes.
    const LENGTH: usize = "2026-11-22T09:49:10.492+0000".len();

    /// A date that is written as Asterisk does it; `None` of any other, or if there is no such day or time.
    fn standard(text: &[u8; Self::LENGTH]) -> Option<Self> {
        let number = |start: usize, length: usize| {
            text[start..start + length]
                .iter()
                .try_fold(0i16, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i16::from(digit - b'0')))
        };
        let short = |start| number(start, 2)?.try_into().ok();
        let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.')];
        if separators.iter().any(|(place, separator)| text[*place] != *separator) {
            return None;
        }
        let nanoseconds = i32::from(number(20, 3)?) * 1_000_000;
        let written =
            DateTime::new(number(0, 4)?, short(5)?, short(8)?, short(11)?, short(14)?, short(17)?, nanoseconds).ok()?;
        let (hours, minutes) = (number(24, 2)?, number(26, 2)?);
        let offset_minutes = match text[23] {
            _ if minutes >= 60 => return None,
            b'+' => hours * 60 + minutes,
            // `-0000` is kept as text, so that it is written again as it was.
            b'-' if (hours, minutes) != (0, 0) => -(hours * 60 + minutes),
            _ => return None,
        };
        let timestamp = offset(offset_minutes)?.to_timestamp(written).ok()?;
        Some(Self::Standard { milliseconds: timestamp.as_millisecond(), offset_minutes })
    }
}

fn offset(minutes: i16) -> Option<Offset> {
    Offset::from_seconds(i32::from(minutes) * 60).ok()
}

impl Default for Date {
    fn default() -> Self {
        Date(Form::Other(Text::default()))
    }
}

impl From<&str> for Date {
    fn from(text: &str) -> Self {
        let standard = text.as_bytes().try_into().ok().and_then(Form::standard);
        Date(standard.unwrap_or_else(|| Form::Other(text.into())))
    }
}

impl fmt::Display for Date {
    /// The text as it was written.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (milliseconds, minutes) = match &self.0 {
            Form::Standard { milliseconds, offset_minutes } => (*milliseconds, *offset_minutes),
            Form::Other(text) => return formatter.write_str(text),
        };
        let timestamp = jiff::Timestamp::from_millisecond(milliseconds).map_err(|_| fmt::Error)?;
        let written = offset(minutes).ok_or(fmt::Error)?.to_datetime(timestamp);
        let sign = if minutes < 0 { '-' } else { '+' };
        let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
        write!(formatter, "{}{sign}{hours:02}{minutes:02}", written.strftime("%Y-%m-%dT%H:%M:%S.%3f"))
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(AnyString(std::marker::PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn asterisk_writes_an_offset_without_colon() {
        let time = |text| Date::from(text).to_system_time();
        let expected = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_340_950_492);
        assert_eq!(time("2026-11-22T09:49:10.492+0000"), Some(expected));
        assert_eq!(time("2026-11-22T10:49:10.492+0100"), Some(expected));
        assert_eq!(time("2026-11-22T05:19:10.492-0430"), Some(expected));
        assert_eq!(time("2026-11-22T09:49:10.492Z"), Some(expected), "another version may write it so");
        assert_eq!(time(""), None);
        assert_eq!(time("today"), None);
    }

    #[test]
    fn a_usual_date_is_understood_at_once_and_any_other_kept() {
        for (text, is_usual) in [
            ("2026-11-22T09:49:10.492+0000", true),
            ("1969-12-31T23:59:59.999-1130", true),
            ("0001-01-02T00:00:00.000+0000", true),
            ("0000-01-01T00:00:00.000-0001", true),
            ("2028-02-29T00:00:00.000+1400", true),
            ("2027-02-29T00:00:00.000+0000", false),
            ("2026-11-22T09:49:60.000+0000", false),
            ("2026-11-22T09:49:10.492-0000", false),
            ("2026-11-22T09:49:10.492+0060", false),
            ("2026-11-22T09:49:10.492+9900", false),
            ("2026-11-22 09:49:10.492+0000", false),
            ("2026-11-22T09:49:10.49é+000", false),
            ("+026-11-22T09:49:10.492+0000", false),
            ("9999-12-31T23:59:59.999-2300", false),
            ("2026-11-22T09:49:10.492+00000", false),
            ("", false),
        ] {
            let date = Date::from(text);
            assert_eq!(matches!(date.0, Form::Standard { .. }), is_usual, "{text}");
            assert_eq!(date.to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn a_date_is_written_as_it_was(
            text in r"(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\.[0-9]{3}[+-][0-2][0-9][0-6][0-9]",
        ) {
            let date = Date::from(&*text);
            prop_assert_eq!(date.to_string(), &*text);
            // The library reads most of what is no usual date as we do, but for seconds that are left out of the count.
            if let (Form::Standard { .. }, Ok(read)) = (&date.0, text.parse::<jiff::Timestamp>()) {
                prop_assert_eq!(date.to_system_time(), Some(SystemTime::from(read)));
            }
        }
    }
}
