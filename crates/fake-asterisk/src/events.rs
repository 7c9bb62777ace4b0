//! The JSON shapes that a client sees: events, and the channel and playback objects within them and in REST answers.
//!
//! Written from recordings of Asterisk 22.10.1 (`tests/recordings/`), with no regard to what any client makes of them.
//! Which event comes when, and who hears it, is decided elsewhere.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::Value;

/// Asterisk's `EntityID`, which every event carries; the value is that of the recordings.
pub(crate) const ASTERISK_ID: &str = "02:fc:00:00:00:01";

/// A caller ID as ARI shows it: `caller` and `connected` of a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Party {
    /// The name shown, or empty.
    pub name: String,
    /// The number shown, or empty.
    pub number: String,
}

impl Party {
    /// Reads the form of originate's `callerId`: `name <number>`, or one of the two alone.
    pub(crate) fn parse(text: &str) -> Self {
        let text = text.trim();
        match text.split_once('<') {
            Some((name, number)) => Self {
                name: name.trim().trim_matches('"').to_owned(),
                number: number.trim().trim_end_matches('>').to_owned(),
            },
            None if text.starts_with(|c: char| c.is_ascii_digit() || "+*#".contains(c)) => {
                Self { name: String::new(), number: text.to_owned() }
            }
            None => Self { name: text.to_owned(), number: String::new() },
        }
    }
}

impl From<(&str, &str)> for Party {
    fn from((name, number): (&str, &str)) -> Self {
        Self { name: name.to_owned(), number: number.to_owned() }
    }
}

/// Where in the dialplan a channel is.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Dialplan {
    pub(crate) context: String,
    pub(crate) exten: String,
    pub(crate) priority: u32,
    pub(crate) app_name: String,
    pub(crate) app_data: String,
}

/// A channel's state, of those that occur here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ChannelState {
    /// Originated, nothing heard of the far end yet.
    Down,
    /// An inbound channel that nobody has answered.
    Ring,
    /// Originated, and the far end rings.
    Ringing,
    /// Answered.
    Up,
    /// The far end plays the busy tone.
    Busy,
}

/// The channel object of REST answers and events.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ChannelObject {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) state: ChannelState,
    pub(crate) protocol_id: String,
    pub(crate) caller: Party,
    pub(crate) connected: Party,
    pub(crate) accountcode: String,
    pub(crate) dialplan: Dialplan,
    pub(crate) creationtime: String,
    pub(crate) language: String,
    /// Variables set with `report_events`; the key is absent when there are none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) channelvars: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PlaybackState {
    Queued,
    Playing,
    Continuing,
    Done,
    Failed,
}

/// The playback object of REST answers and events.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PlaybackObject {
    pub(crate) id: String,
    pub(crate) media_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_media_uri: Option<String>,
    pub(crate) target_uri: String,
    pub(crate) language: String,
    pub(crate) state: PlaybackState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RecordingState {
    Queued,
    Recording,
    Done,
}

/// The live recording object of REST answers and events.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RecordingObject {
    pub(crate) name: String,
    pub(crate) format: String,
    pub(crate) state: RecordingState,
    pub(crate) target_uri: String,
    /// In whole seconds, once it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) duration: Option<u64>,
}

/// What happened, without the fields that every event has.
#[derive(Debug, Serialize)]
#[serde(tag = "type")]
pub(crate) enum Event<'a> {
    ApplicationReplaced,
    ChannelCallerId {
        caller_presentation: u32,
        caller_presentation_txt: &'static str,
        channel: &'a ChannelObject,
    },
    ChannelConnectedLine {
        channel: &'a ChannelObject,
    },
    ChannelDestroyed {
        cause: u16,
        cause_txt: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        tech_cause: Option<u16>,
        channel: &'a ChannelObject,
    },
    ChannelDialplan {
        dialplan_app: &'a str,
        dialplan_app_data: &'a str,
        channel: &'a ChannelObject,
    },
    ChannelDtmfReceived {
        digit: char,
        duration_ms: u128,
        channel: &'a ChannelObject,
    },
    ChannelHangupRequest {
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<u16>,
        #[serde(skip_serializing_if = "Option::is_none")]
        soft: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        tech_cause: Option<u16>,
        channel: &'a ChannelObject,
    },
    ChannelStateChange {
        channel: &'a ChannelObject,
    },
    ChannelUserevent {
        eventname: &'a str,
        userevent: Value,
    },
    ChannelVarset {
        variable: &'a str,
        value: &'a str,
        channel: &'a ChannelObject,
    },
    Dial {
        dialstatus: &'static str,
        forward: &'static str,
        dialstring: &'a str,
        peer: &'a ChannelObject,
    },
    PlaybackContinuing {
        playback: &'a PlaybackObject,
    },
    PlaybackFinished {
        playback: &'a PlaybackObject,
    },
    PlaybackStarted {
        playback: &'a PlaybackObject,
    },
    RecordingFinished {
        recording: &'a RecordingObject,
    },
    RecordingStarted {
        recording: &'a RecordingObject,
    },
    StasisEnd {
        channel: &'a ChannelObject,
    },
    StasisStart {
        args: &'a [String],
        channel: &'a ChannelObject,
    },
}

impl<'a> Event<'a> {
    /// The `type` by which filters and faults select.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::ApplicationReplaced => "ApplicationReplaced",
            Self::ChannelCallerId { .. } => "ChannelCallerId",
            Self::ChannelConnectedLine { .. } => "ChannelConnectedLine",
            Self::ChannelDestroyed { .. } => "ChannelDestroyed",
            Self::ChannelDialplan { .. } => "ChannelDialplan",
            Self::ChannelDtmfReceived { .. } => "ChannelDtmfReceived",
            Self::ChannelHangupRequest { .. } => "ChannelHangupRequest",
            Self::ChannelStateChange { .. } => "ChannelStateChange",
            Self::ChannelUserevent { .. } => "ChannelUserevent",
            Self::ChannelVarset { .. } => "ChannelVarset",
            Self::Dial { .. } => "Dial",
            Self::PlaybackContinuing { .. } => "PlaybackContinuing",
            Self::PlaybackFinished { .. } => "PlaybackFinished",
            Self::PlaybackStarted { .. } => "PlaybackStarted",
            Self::RecordingFinished { .. } => "RecordingFinished",
            Self::RecordingStarted { .. } => "RecordingStarted",
            Self::StasisEnd { .. } => "StasisEnd",
            Self::StasisStart { .. } => "StasisStart",
        }
    }

    /// The id of the channel that it is about, empty if it is about none.
    pub(crate) fn subject(&self) -> &'a str {
        let target = |uri: &'a str| uri.strip_prefix("channel:").unwrap_or_default();
        match self {
            Self::ApplicationReplaced | Self::ChannelUserevent { .. } => "",
            Self::ChannelCallerId { channel, .. }
            | Self::ChannelConnectedLine { channel }
            | Self::ChannelDestroyed { channel, .. }
            | Self::ChannelDialplan { channel, .. }
            | Self::ChannelDtmfReceived { channel, .. }
            | Self::ChannelHangupRequest { channel, .. }
            | Self::ChannelStateChange { channel }
            | Self::ChannelVarset { channel, .. }
            | Self::StasisEnd { channel }
            | Self::StasisStart { channel, .. }
            | Self::Dial { peer: channel, .. } => &channel.id,
            Self::PlaybackContinuing { playback }
            | Self::PlaybackFinished { playback }
            | Self::PlaybackStarted { playback } => target(&playback.target_uri),
            Self::RecordingFinished { recording } | Self::RecordingStarted { recording } => {
                target(&recording.target_uri)
            }
        }
    }

    /// The text frame that `application` gets.
    pub(crate) fn to_json(&self, application: &str, timestamp: &str) -> String {
        #[derive(Serialize)]
        struct Whole<'a> {
            #[serde(flatten)]
            event: &'a Event<'a>,
            timestamp: &'a str,
            asterisk_id: &'static str,
            application: &'a str,
        }
        serde_json::to_string(&Whole { event: self, timestamp, asterisk_id: ASTERISK_ID, application })
            .expect("an event has only string keys")
    }
}

/// Asterisk's `cause_txt` for a Q.850 cause.
pub(crate) fn cause_txt(cause: u16) -> &'static str {
    match cause {
        1 => "Unallocated (unassigned) number",
        16 => "Normal Clearing",
        17 => "User busy",
        18 => "No user responding",
        19 => "User alerting, no answer",
        20 => "Subscriber absent",
        21 => "Call Rejected",
        22 => "Number changed",
        23 => "Redirected to new destination",
        26 => "Answered elsewhere",
        27 => "Destination out of order",
        28 => "Invalid number format",
        31 => "Normal, unspecified",
        34 => "Circuit/channel congestion",
        38 => "Network out of order",
        58 => "Bearer capability not available",
        127 => "Interworking, unspecified",
        _ => "Unknown",
    }
}

/// What somebody does to a clock.
#[derive(Debug, Clone, Copy)]
pub enum ClockStep {
    /// Puts it forward by so much.
    Forward(Duration),
    /// Puts it back by so much.
    Back(Duration),
}

/// The wall clock that events show. It goes exactly as fast as the monotonic one, so durations between timestamps hold,
/// unless somebody steps it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WallClock {
    since_epoch: Duration,
    at: Instant,
}

impl WallClock {
    /// The clock whose wall time is the computer's at `now`.
    pub(crate) fn starting(now: Instant) -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { since_epoch, at: now }
    }

    /// Somebody puts the clock forward, or back.
    pub(crate) fn step(&mut self, by: ClockStep) {
        self.since_epoch = match by {
            ClockStep::Forward(by) => self.since_epoch + by,
            ClockStep::Back(by) => self.since_epoch.saturating_sub(by),
        };
    }

    /// Seconds since 1970, as they stand at the beginning of Asterisk's own channel ids.
    pub(crate) fn seconds(&self, now: Instant) -> u64 {
        self.since_epoch(now).as_secs()
    }

    /// Asterisk's form, such as `2026-11-22T09:46:07.270+0000`; always UTC here.
    pub(crate) fn timestamp(&self, now: Instant) -> String {
        let time = self.since_epoch(now);
        let (year, month, day) = civil_date(time.as_secs() / 86_400);
        let second_of_day = time.as_secs() % 86_400;
        format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}+0000",
            second_of_day / 3600,
            second_of_day / 60 % 60,
            second_of_day % 60,
            time.subsec_millis()
        )
    }

    fn since_epoch(&self, now: Instant) -> Duration {
        self.since_epoch + now.saturating_duration_since(self.at)
    }
}

/// Year, month and day of a number of days after 1970-01-01. Years are counted from March, so that the leap day is the
/// last of its year; 146,097 days are 400 years.
fn civil_date(days_since_1970: u64) -> (u64, u64, u64) {
    let days = days_since_1970 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_since_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
    let month = if months_since_march < 10 { months_since_march + 3 } else { months_since_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right_around_leap_days_and_centuries() {
        for (days, date) in [
            (0, (1970, 1, 1)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (20_779, (2026, 11, 22)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(civil_date(days), date, "day {days}");
        }
    }

    #[test]
    fn caller_id_is_read_in_each_form() {
        for (text, name, number) in [
            ("src <+4912345>", "src", "+4912345"),
            ("\"A B\" <12>", "A B", "12"),
            ("<12>", "", "12"),
            ("+4912345", "", "+4912345"),
            ("Alice", "Alice", ""),
            ("", "", ""),
        ] {
            assert_eq!(Party::parse(text), Party::from((name, number)), "{text}");
        }
    }
}
