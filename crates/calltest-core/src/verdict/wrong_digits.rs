//! What is wrong with the digits of one direction, and the words for it.

use std::fmt;
use std::time::Duration;

use super::seconds;
use crate::code::Code;
use crate::dtmf::{DigitFault, DigitPattern};
use crate::name::LinkName;
use crate::side::Side;

/// What is wrong with the digits of one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongDigits {
    /// The link that received them.
    pub link: LinkName,
    /// Its side of the call.
    pub side: Side,
    /// The digits that the other party sent.
    pub expected: String,
    /// The digits that came in.
    pub received: String,
    /// What is wrong with them.
    pub fault: DigitFault,
    /// What they show, if it has a name.
    pub pattern: Option<DigitPattern>,
    /// Until when missing ones were waited for; `None` where none are missing.
    pub waited: Option<Waited>,
    /// How many packets of sound came in, where no digit did and that was counted.
    pub packets: Option<u64>,
}

/// How long something absent was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// Until the run's deadline.
    Deadline(Duration),
    /// For this long after it was due.
    Overdue(Duration),
}

impl WrongDigits {
    /// The word for it that programs go by.
    pub(super) fn code(&self) -> Code {
        match self.fault {
            DigitFault::Missing => Code::DigitsMissing,
            DigitFault::Wrong { .. } => Code::DigitsWrong,
            DigitFault::Extra => Code::DigitsExtra,
        }
    }
}

impl fmt::Display for WrongDigits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { link, side, expected, received, fault, pattern, waited, packets } = self;
        let received = if received.is_empty() { "none" } else { received };
        write!(f, "{link} ({}): expected digits {expected}, received {received}", side.word())?;
        match waited {
            Some(Waited::Deadline(limit)) => write!(f, " before the deadline ({})", seconds(*limit))?,
            Some(Waited::Overdue(by)) => write!(f, " until {} after the last was due", seconds(*by))?,
            None => {}
        }
        if let Some(packets) = packets {
            write!(f, "; {packets} RTP packets came in")?;
        }
        match (pattern, fault) {
            (Some(pattern), _) => write!(f, ": {pattern}"),
            (None, DigitFault::Wrong { position }) => write!(f, ": number {position} is wrong"),
            (None, DigitFault::Extra) => f.write_str(": more than were sent"),
            (None, DigitFault::Missing) => Ok(()),
        }
    }
}
