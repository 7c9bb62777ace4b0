//! Verdicts, and the sentences that give their reasons.
//!
//! `fail` says that the phone network did the wrong thing, `error` that we could not find out. The two never mix: each has
//! a type of its own for its reasons. A sentence names the link it is about, what was expected and what happened.

mod failure;
mod kind;
mod wrong_digits;

use std::fmt;
use std::time::Duration;

pub use failure::{Failure, Origin, Progress, Since, SoundFault};
pub use kind::VerdictKind;
pub use wrong_digits::{Waited, WrongDigits};

use crate::code::Code;
use crate::name::LinkName;
use crate::number::shown;
pub use crate::trouble::Trouble;

/// How a run came out.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The call went as configured.
    Pass,
    /// The phone network did the wrong thing.
    Fail(Failure),
    /// We could not find out.
    Error(Trouble),
    /// The run was called off.
    Cancelled,
}

impl Verdict {
    /// Which of the four it is.
    pub fn kind(&self) -> VerdictKind {
        match self {
            Self::Pass => VerdictKind::Pass,
            Self::Fail(_) => VerdictKind::Fail,
            Self::Error(_) => VerdictKind::Error,
            Self::Cancelled => VerdictKind::Cancelled,
        }
    }

    /// The word for it in outputs.
    pub fn word(&self) -> &'static str {
        self.kind().word()
    }

    /// The sentence that gives the reason; `None` for a pass.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Pass => None,
            Self::Fail(failure) => Some(failure.to_string()),
            Self::Error(trouble) => Some(trouble.to_string()),
            Self::Cancelled => Some("cancelled before it could finish".into()),
        }
    }

    /// Why the run did not pass, in the form in which it is kept; `None` for a pass.
    pub fn why(&self) -> Option<Reason> {
        Some(Reason { code: self.code(), sentence: self.reason()? })
    }

    /// The word for the reason that programs go by; `None` where nothing is wrong.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Pass | Self::Cancelled => None,
            Self::Fail(failure) => Some(failure.code()),
            Self::Error(trouble) => Some(trouble.code()),
        }
    }
}

/// Why a run did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The word for programs; `None` where nothing is wrong, or nobody has kept it.
    pub code: Option<Code>,
    /// The sentence for people.
    pub sentence: String,
}

/// A remark on a run that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Answered without ringing before, in a mode that looks for ringing.
    AnsweredWithoutRinging,
    /// The endpoint sends nothing while nothing is to be said, so whoever waits for our sound may give the call up.
    MayFallSilent {
        /// The endpoint, as TECH/resource.
        endpoint: String,
    },
    /// What counts as ringing here was only heard: a voice or a tone, and no signal.
    RingingByEarlyMedia,
    /// The far end put us on hold.
    Held {
        /// The link of that leg.
        link: LinkName,
    },
    /// The call was delivered more than once; one of them was taken, the others were rejected.
    Duplicates {
        /// The link.
        link: LinkName,
        /// How many came besides the one that was taken.
        count: u64,
    },
    /// Another call came in on the link during the run and was rejected.
    Stranger {
        /// The link.
        link: LinkName,
        /// Its caller's number.
        caller: String,
    },
    /// As many further calls of that kind, which have no remark of their own.
    MoreStrangers {
        /// The link.
        link: LinkName,
        /// How many.
        count: u64,
    },
}

impl Note {
    /// How many remarks this one stands for besides those that are there.
    pub fn left_out(&self) -> u64 {
        match self {
            Self::MoreStrangers { count, .. } => *count,
            Self::AnsweredWithoutRinging
            | Self::RingingByEarlyMedia
            | Self::Held { .. }
            | Self::Duplicates { .. }
            | Self::MayFallSilent { .. }
            | Self::Stranger { .. } => 0,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnsweredWithoutRinging => f.write_str("answered without ringing"),
            Self::RingingByEarlyMedia => f.write_str(
                "only early media stands for ringing: it may be a ringback tone, and as well an announcement that nobody is there",
            ),
            Self::Held { link } => write!(f, "the far end put {link} on hold"),
            Self::Duplicates { link, count } => {
                let times = if *count == 1 { "once".into() } else { format!("{count} times") };
                write!(f, "the call was delivered to {link} {times} more, as forks and ring groups do; one was taken")
            }
            Self::MayFallSilent { endpoint } => write!(
                f,
                "{endpoint} sends no RTP while nothing is said, as a telephone would; set rtp_keepalive = 1 in pjsip.conf"
            ),
            Self::Stranger { link, caller } => write!(f, "another call on {link} was rejected, from {}", shown(caller)),
            Self::MoreStrangers { link, count } => write!(f, "and {count} more on {link}"),
        }
    }
}

/// Seconds as people read them: hundredths below ten seconds, tenths from there on, none where they are whole.
pub fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match time.subsec_millis() {
        0 => format!("{seconds:.0} s"),
        _ if seconds < 10.0 => format!("{seconds:.2} s"),
        _ => format!("{seconds:.1} s"),
    }
}
