//! A configured test: its mode with just the parts that mode needs, and what its call has to look like.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::cause::ExpectedCause;
use crate::number::PhoneNumber;
use crate::plan::trigger::Trigger;
use crate::plan::{LinkName, TestName};
use crate::quiet::QuietTimes;

/// A configured test.
#[derive(Debug, Clone, PartialEq)]
pub struct CallTest {
    /// Its name.
    pub name: TestName,
    /// What it is for, in the operator's words.
    pub info: String,
    /// How the call goes, and over which links.
    pub mode: Mode,
    /// Hard limit of a run, from the moment its links are held.
    pub timeout: Duration,
    /// Pauses on the way.
    pub delay: Delay,
    /// What the call has to look like to the caller.
    pub demands: Demands,
    /// When it runs, and when its failures count.
    pub schedule: Schedule,
    /// While it is quiet, the daemon starts no run of this test by itself, and a failure does not count.
    pub quiet: QuietTimes,
}

impl CallTest {
    /// The links that a run of this test has to hold while it lasts, source first.
    pub fn links(&self) -> Vec<&LinkName> {
        match &self.mode {
            Mode::Dtmf { ends, .. } | Mode::Call { ends, .. } | Mode::Audio { ends, .. } => vec![&ends.src, &ends.dst],
            Mode::Ring { to } | Mode::Play { to, .. } | Mode::Fail { to, .. } | Mode::Timeout { to, .. } => {
                vec![&to.src]
            }
            Mode::Wait { at, .. } | Mode::Answer { at, .. } | Mode::Record { at, .. } => vec![&at.dst],
        }
    }
}

/// How a call goes: the script, with what it needs.
#[derive(Debug, Clone, PartialEq)]
pub enum Mode {
    /// Both ends are ours: answer, then digits from the callee and from the caller.
    Dtmf {
        /// The two ends.
        ends: Ends,
        /// Which digits, and how.
        dtmf: Dtmf,
    },
    /// Both ends are ours: the caller must see ringing; never answered.
    Call {
        /// The two ends.
        ends: Ends,
        /// How the callee rejects the call.
        reject_with: Rejection,
    },
    /// Both ends are ours: answer, then a sound each way, recorded at the other end.
    Audio {
        /// The two ends.
        ends: Ends,
        /// What is played and recorded where.
        audio: Audio,
    },
    /// Call a number that must ring.
    Ring {
        /// Whom to call.
        to: Destination,
    },
    /// Call a number that must answer, play a sound, hang up.
    Play {
        /// Whom to call.
        to: Destination,
        /// The sound to play, if any.
        sound: Option<String>,
        /// The name under which the incoming direction is recorded, if it is.
        record: Option<String>,
    },
    /// Call a number that must reject the call soon.
    Fail {
        /// Whom to call.
        to: Destination,
        /// It must reject within this time after the call went out.
        within: Duration,
    },
    /// Call a number that must ring and then reject.
    Timeout {
        /// Whom to call.
        to: Destination,
        /// It must not reject earlier than this after the first ringing.
        ringtime: Duration,
    },
    /// Wait for a call, let it ring, reject it.
    Wait {
        /// Where the call comes in, and what causes it.
        at: Reception,
        /// How it is rejected.
        reject_with: Rejection,
    },
    /// Wait for a call, answer it, play and record, hang up.
    Answer {
        /// Where the call comes in, and what causes it.
        at: Reception,
        /// The sound to play, if any.
        sound: Option<String>,
        /// The name under which the incoming direction is recorded, if it is.
        record: Option<String>,
    },
    /// Wait for a call, answer it, play and record until the caller hangs up or presses `#`.
    Record {
        /// Where the call comes in, and what causes it.
        at: Reception,
        /// The sound to play, if any.
        sound: Option<String>,
        /// The name under which the incoming direction is recorded, if it is.
        record: Option<String>,
    },
}

impl Mode {
    /// The word for it in the YAML.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Dtmf { .. } => "dtmf",
            Self::Call { .. } => "call",
            Self::Audio { .. } => "audio",
            Self::Ring { .. } => "ring",
            Self::Play { .. } => "play",
            Self::Fail { .. } => "fail",
            Self::Timeout { .. } => "timeout",
            Self::Wait { .. } => "wait",
            Self::Answer { .. } => "answer",
            Self::Record { .. } => "record",
        }
    }
}

/// Both ends of a call, where both are ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Ends {
    /// The link we call out on.
    pub src: LinkName,
    /// The link the call has to arrive on.
    pub dst: LinkName,
    /// The number dialled; `None` where the source's dial string has no place for one.
    pub number: Option<String>,
    /// The number that the callee must see, unless the check is switched off.
    pub caller: Option<PhoneNumber>,
}

/// Whom an originate-only test calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Destination {
    /// The link we call out on.
    pub src: LinkName,
    /// The number dialled; `None` where the dial string has no place for one.
    pub number: Option<String>,
}

/// Where an answer-only test waits for its call.
#[derive(Debug, Clone, PartialEq)]
pub struct Reception {
    /// The link the call has to arrive on.
    pub dst: LinkName,
    /// The number to call, for the trigger.
    pub number: Option<String>,
    /// The number that the callee must see, where a source is configured and the check is on.
    pub caller: Option<PhoneNumber>,
    /// What causes the call; a person if nothing is configured.
    pub trigger: Option<Trigger>,
}

/// Which digits a `dtmf` test sends, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dtmf {
    /// How many digits in each direction.
    pub len: NonZeroU32,
    /// Whether a digit may be received more than once, as in-band detection is prone to.
    pub may_repeat: bool,
    /// Length of each tone; Asterisk raises anything under 100 ms to 100 ms.
    pub duration: Duration,
    /// Pause between two tones.
    pub between: Duration,
}

impl Dtmf {
    /// How long Asterisk takes to send that many digits: it starts with 100 ms of quiet, then each digit takes its tone
    /// and its pause.
    pub fn time_to_send(&self, digits: usize) -> Duration {
        Duration::from_millis(100) + (self.duration + self.between) * digits.try_into().unwrap_or(u32::MAX)
    }
}

/// Sounds and recordings of an `audio` test; names without their base.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Audio {
    /// What the source plays.
    pub src_out: Option<String>,
    /// What the source records.
    pub src_in: Option<String>,
    /// What the destination plays.
    pub dst_out: Option<String>,
    /// What the destination records.
    pub dst_in: Option<String>,
}

/// How a call is rejected: the reasons that Asterisk has words for, each with the SIP status that it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rejection {
    /// 486 Busy Here.
    #[default]
    Busy,
    /// 503 Service Unavailable.
    Congestion,
    /// 480 Temporarily Unavailable.
    NoAnswer,
    /// 403 Forbidden.
    Rejected,
    /// 404 Not Found.
    Unallocated,
    /// 603 Decline.
    Normal,
}

impl Rejection {
    /// All of them, with their words in the YAML, which are Asterisk's.
    pub const WORDS: [(&'static str, Self); 6] = [
        ("busy", Self::Busy),
        ("congestion", Self::Congestion),
        ("no_answer", Self::NoAnswer),
        ("rejected", Self::Rejected),
        ("unallocated", Self::Unallocated),
        ("normal", Self::Normal),
    ];
}

/// Pauses in the course of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delay {
    /// At the callee, after the caller-ID check and before ringing.
    pub pre: Duration,
    /// After ringing was sent (or, for `ring`, seen).
    pub ring: Duration,
    /// On each side, after the channel is up.
    pub answer: Duration,
}

/// What the call has to look like to the caller, beside what the mode asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demands {
    /// Whether it rings.
    pub ringing: Ringing,
    /// Whether there is early media (SIP 183 with a voice before the answer).
    pub early_media: Presence,
    /// The call has to be answered within this time after it went out; of interest where it has to be answered at all.
    pub answer_within: Option<Duration>,
    /// The causes with which the far end may end the call; any if there are none.
    pub causes: Vec<ExpectedCause>,
}

/// What ringing has to look like to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ringing {
    /// Whether the caller must, may or must not see ringing.
    pub presence: Presence,
    /// Whether early media without ringing (183) counts as ringing.
    pub early_media_counts: bool,
}

/// Whether something must, may or must not be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Either is fine.
    Allowed,
    /// It has to be seen.
    Required,
    /// It must not be seen.
    Forbidden,
}

/// When a test runs by itself, and how many failures in a row change its condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Delay to the next run after a failure.
    pub retry: Duration,
    /// Delay to the next run after a success.
    pub repeat: Duration,
    /// Consecutive failures from which the test is in `warn`; never above `fail`.
    pub warn: NonZeroU32,
    /// Consecutive failures from which the test is in `fail`.
    pub fail: NonZeroU32,
    /// Only started by hand.
    pub is_manual: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_digits_take_a_second() {
        let dtmf = Dtmf {
            len: NonZeroU32::new(5).unwrap(),
            may_repeat: false,
            duration: Duration::from_millis(100),
            between: Duration::from_millis(100),
        };
        assert_eq!(dtmf.time_to_send(5), Duration::from_millis(1100));
    }
}
