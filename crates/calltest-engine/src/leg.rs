//! A leg: one side of a call, which takes commands.

use std::time::Duration;

use bytes::Bytes;
use calltest_core::evidence::Observation;
use calltest_core::plan::Rejection;

use crate::BoxFuture;

/// One side of a call. It owns whatever the engine needs for that, be it one channel or several, and tells one end.
///
/// Dropping it hangs up, without waiting for what comes of that.
pub trait Leg: Send + Sync {
    /// A name for logs, and for telling people what is still up.
    fn label(&self) -> &str;

    /// Does something to the call. Commands to a leg that does not take them yet are held back until it does.
    ///
    /// The future can be dropped: then nobody knows what became of the command, and the engine sees to it that nothing is
    /// left of it.
    fn command(&mut self, command: Command) -> BoxFuture<'static, Result<(), Refused>>;

    /// How long that many digits take to send from the moment at which the command is accepted.
    fn sending_time(&self, digits: usize, pace: Pace) -> Duration;

    /// What the engine knows of who calls, beside the number: whether that may be shown, and which way the call came. It is
    /// asked once, of a leg that has come in.
    fn identify(&mut self) -> BoxFuture<'static, Result<Vec<Observation>, Refused>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// What the engine knows of how the leg was carried, such as the packets of its sound. It is asked once, while the leg is up.
    /// Nothing that is missing is made up.
    fn measure(&mut self) -> BoxFuture<'static, Vec<Observation>> {
        Box::pin(std::future::ready(Vec::new()))
    }

    /// Ends what [`Command::Hear`] began, and hands over what was heard, as the bytes of a WAV file; `None` if nothing was
    /// begun. Nothing of it stays with the engine. What was heard until its end is there after the leg [has ended](Leg::end),
    /// too, by whomever: nobody has to keep a call up for it.
    fn fetch(&mut self) -> BoxFuture<'_, Option<Result<Bytes, NotHeard>>>;

    /// Hangs up what is up, and makes sure that it is gone. May be called again.
    ///
    /// # Errors
    /// If something is left, or may be.
    fn end(&mut self) -> BoxFuture<'_, Result<(), Left>>;
}

/// What a leg can be told to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The engine itself ends the leg after this time, even if this process is gone by then.
    Limit(Duration),
    /// Signals early media to the caller (SIP 183).
    Progress,
    /// Signals ringing to the caller (SIP 180).
    Ring,
    /// Answers the call.
    Answer,
    /// Turns the call away.
    Reject(Rejection),
    /// Sends digits.
    SendDigits {
        /// The digits: 0-9, `*`, `#`, A-D.
        digits: String,
        /// How fast.
        pace: Pace,
    },
    /// Sends whatever lets digits through that are held back on their way, if the engine knows of such a thing.
    FlushDigits,
    /// Plays a sound. Its start and end are told.
    Say(Sound),
    /// Records what comes in from now on, until it is [fetched](Leg::fetch) or the leg ends.
    Hear {
        /// What to call the recording.
        name: String,
    },
}

/// How fast digits are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Length of each tone.
    pub tone: Duration,
    /// Pause between two tones.
    pub gap: Duration,
}

/// Something to play. Sources of samples will be further kinds of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sound {
    /// A sound that the engine has under this name.
    Stored(String),
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The leg is ending or over. Its end has been told, or is told at this moment.
    #[error("the call is over")]
    Over,
    /// Nobody knows whether it was done, or will be.
    #[error("{why}")]
    Unclear {
        /// What is known.
        why: String,
    },
    /// It was not done.
    #[error("{why}")]
    No {
        /// Why, in the engine's own words.
        why: String,
    },
}

/// Why there is no recording although one was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotHeard {
    /// It was made, and is not there.
    Missing {
        /// What the engine said.
        why: String,
    },
    /// It could not be made or fetched.
    Failed {
        /// Why.
        why: String,
    },
}

/// Something of a leg that may still be up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// What was tried.
    pub why: String,
}
