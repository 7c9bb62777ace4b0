//! What can be wrong with a quiet time as it is written.

use super::field::Field;

/// Why a text is no quiet time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadQuietTime {
    /// Nothing at all.
    #[error("a quiet time cannot be empty")]
    Empty,
    /// Neither of the two forms.
    #[error("expected a time of day or five cron fields with a duration")]
    NoForm,
    /// Five fields, and nothing behind them.
    #[error("expected how long it lasts behind the five fields, as in `for 8h`")]
    NoDuration,
    /// More or fewer than five fields before the duration.
    #[error("expected five fields before `for` (minute, hour, day of the month, month, weekday), found {found}")]
    FieldCount {
        /// How many there are.
        found: usize,
    },
    /// A number or name that a field does not take.
    #[error("`{text}` is no {field}: expected {}", field.expected())]
    NotInField {
        /// As it was written.
        text: String,
        /// The field.
        field: Field,
    },
    /// A range whose end comes before its beginning.
    #[error("the range `{range}` of the field {field} runs backwards: expected the lower number first, or two ranges")]
    Backwards {
        /// As it was written.
        range: String,
        /// The field.
        field: Field,
    },
    /// A step behind a single number.
    #[error("`{item}` has a step, but no range for it: expected one such as `8-18/2` or `*/2`")]
    StepAlone {
        /// As it was written.
        item: String,
    },
    /// A step that is none, or steps out of its field.
    #[error("`{text}` is no step of the field {field}: expected 1 to {}", field.longest_step())]
    Step {
        /// As it was written.
        text: String,
        /// The field.
        field: Field,
    },
    /// A date that no year has.
    #[error("that day never comes: no month `{month}` has a day `{day}`")]
    NoSuchDay {
        /// The day of the month as it was written.
        day: String,
        /// The month as it was written.
        month: String,
    },
    /// A duration that cannot be read.
    #[error("`{text}` is no duration: expected days, hours and minutes, such as `8h`, `90m` or `1d12h`")]
    Duration {
        /// As it was written.
        text: String,
    },
    /// A duration that is too short or too long.
    #[error("it cannot last `{text}`: expected 1 minute at least and 7 days at most")]
    DurationRange {
        /// As it was written.
        text: String,
    },
    /// A time of day that is none.
    #[error("`{text}` is no time of day: expected 00:00 to {}", if *.is_end { "24:00" } else { "23:59" })]
    Time {
        /// As it was written.
        text: String,
        /// Whether the window ends with it.
        is_end: bool,
    },
    /// A time of day that begins when it ends.
    #[error("`{times}` ends when it begins: expected another time, or `00:00-24:00` for a whole day")]
    NoLength {
        /// As it was written.
        times: String,
    },
}
