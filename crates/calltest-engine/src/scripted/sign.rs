//! Kinds of commands and of observations, by which a story tells them apart.

use calltest_core::evidence::Observation;

use crate::Command;

/// A kind of thing that can be told of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sign {
    /// [`Observation::Proceeding`].
    Proceeding,
    /// [`Observation::Ringing`].
    Ringing,
    /// [`Observation::EarlyMedia`].
    EarlyMedia,
    /// [`Observation::Answered`].
    Answered,
    /// [`Observation::DigitReceived`].
    Digit,
    /// [`Observation::PlaybackStarted`].
    PlaybackStarted,
    /// [`Observation::PlaybackFinished`].
    PlaybackFinished,
    /// [`Observation::HangupRequest`].
    HangupRequest,
    /// [`Observation::DialEnded`].
    DialEnded,
    /// [`Observation::Gone`].
    Gone,
    /// Whatever else there is.
    Other,
}

impl Sign {
    /// The kind of an observation.
    pub fn of(what: &Observation) -> Self {
        match what {
            Observation::Proceeding => Self::Proceeding,
            Observation::Ringing => Self::Ringing,
            Observation::EarlyMedia => Self::EarlyMedia,
            Observation::Answered => Self::Answered,
            Observation::DigitReceived { .. } => Self::Digit,
            Observation::PlaybackStarted { .. } => Self::PlaybackStarted,
            Observation::PlaybackFinished { .. } => Self::PlaybackFinished,
            Observation::HangupRequest { .. } => Self::HangupRequest,
            Observation::DialEnded { .. } => Self::DialEnded,
            Observation::Gone { .. } => Self::Gone,
            _ => Self::Other,
        }
    }
}

/// A kind of [`Command`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommandKind {
    /// [`Command::Limit`].
    Limit,
    /// [`Command::Progress`].
    Progress,
    /// [`Command::Ring`].
    Ring,
    /// [`Command::Answer`].
    Answer,
    /// [`Command::Reject`].
    Reject,
    /// [`Command::SendDigits`].
    SendDigits,
    /// [`Command::FlushDigits`].
    FlushDigits,
    /// [`Command::Say`].
    Say,
    /// [`Command::Hear`].
    Hear,
}

impl CommandKind {
    /// The kind of a command.
    pub fn of(command: &Command) -> Self {
        match command {
            Command::Limit(_) => Self::Limit,
            Command::Progress => Self::Progress,
            Command::Ring => Self::Ring,
            Command::Answer => Self::Answer,
            Command::Reject(_) => Self::Reject,
            Command::SendDigits { .. } => Self::SendDigits,
            Command::FlushDigits => Self::FlushDigits,
            Command::Say(_) => Self::Say,
            Command::Hear { .. } => Self::Hear,
        }
    }
}
