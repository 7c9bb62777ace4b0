//! Verdicts, and the sentences that give their reasons.
//!
//! `fail` says that the phone network did the wrong thing, `error` that we could not find out. The two never mix: each has
//! a type of its own for its reasons. A sentence names the link it is about, what was expected and what happened.

mod failure;
mod trouble;

use std::fmt;
use std::time::Duration;

pub use failure::{Failure, Origin, Progress, Since, SoundFault, Waited};
pub use trouble::Trouble;

use crate::evidence::Awaiting;
use crate::plan::LinkName;

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

/// The four ways in which a run can come out, without their reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VerdictKind {
    /// The call went as configured.
    Pass,
    /// The phone network did the wrong thing.
    Fail,
    /// We could not find out.
    Error,
    /// The run was called off.
    Cancelled,
}

impl VerdictKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pass, Self::Fail, Self::Error, Self::Cancelled];

    /// The word for it in outputs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
        }
    }

    /// The kind of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
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
}

/// A point that a call has to reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Milestone {
    /// It arrives at our end.
    Arrival,
    /// The caller sees early media.
    EarlyMedia,
    /// The far end rejects it.
    Rejection,
    /// The caller sees ringing.
    Ringing,
    /// The caller sees the answer.
    Answer,
}

/// A remark on a run that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Answered without ringing before, in a mode that looks for ringing.
    AnsweredWithoutRinging,
    /// Another call came in on the link during the run and was rejected.
    Stranger {
        /// The link.
        link: LinkName,
        /// Its caller's number.
        caller: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnsweredWithoutRinging => f.write_str("answered without ringing"),
            Self::Stranger { link, caller } => write!(f, "another call on {link} was rejected, from {}", shown(caller)),
        }
    }
}

impl Awaiting {
    /// The words for it, after "while waiting for".
    pub fn words(self) -> &'static str {
        match self {
            Self::Originate => "Asterisk to dial",
            Self::Arrival => "the call to arrive",
            Self::Ringing => "ringing",
            Self::Answer(_) => "the answer",
            Self::EarlyMedia => "early media",
            Self::Rejection => "the rejection",
            Self::CallerToEnd => "the caller to hang up or press #",
            Self::Digits(_) => "digits",
            Self::Pause => "the next step",
            Self::Playback => "a sound to end",
            Self::Recording => "a recording",
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

/// A number as shown, in words where there is none.
fn shown(number: &str) -> &str {
    if number.is_empty() { "an unknown number" } else { number }
}
