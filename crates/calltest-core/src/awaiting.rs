//! What a script waits for, and the words for it.

use crate::side::Side;

/// What the script was waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaiting {
    /// Asterisk's reply to the originate request.
    Originate,
    /// The call's arrival at the destination.
    Arrival,
    /// Ringing at the source.
    Ringing,
    /// The answer to reach this side.
    Answer(Side),
    /// Early media at the source.
    EarlyMedia,
    /// The far end to reject the call.
    Rejection,
    /// The caller to end the call, or to press `#`.
    CallerToEnd,
    /// Digits to arrive at this side.
    Digits(Side),
    /// A pause of the script to end.
    Pause,
    /// A sound to end.
    Playback,
    /// A recording to start or end.
    Recording,
    /// To learn of an endpoint's state.
    Endpoint,
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
            Self::Endpoint => "the state of its endpoint",
        }
    }
}
