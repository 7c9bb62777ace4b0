//! What can be observed or done in a run.

use std::path::PathBuf;
use std::time::Duration;

use crate::caller::CallerMismatch;
use crate::cause::{Hangup, HangupCause};
use crate::media::MediaFigures;
use crate::trouble::Trouble;

/// What can be observed or done in a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// We asked Asterisk to originate this dial string.
    Dialled {
        /// What was dialled, number filled in.
        dial_string: String,
    },
    /// The endpoint that is watched is online.
    EndpointOnline {
        /// The endpoint, as TECH/resource.
        endpoint: String,
    },
    /// The endpoint is offline, so that no call can go out.
    EndpointOffline {
        /// The endpoint, as TECH/resource.
        endpoint: String,
    },
    /// The far end diverted the call to another number. Where that is not expected, the engine lets it go no further.
    Forwarded {
        /// The number or address to which it leads, as the engine tells it.
        to: String,
        /// Whether the engine has called there, if only for a moment.
        is_dialled: bool,
    },
    /// The call is on its way: the first sign from the network, without ringing or a voice.
    Proceeding,
    /// The far end rings.
    Ringing,
    /// Early media without an answer (SIP 183).
    EarlyMedia,
    /// The far end answered.
    Answered,
    /// A call arrived and is ours.
    Arrived {
        /// The caller's number as shown, perhaps empty.
        caller: String,
        /// The number it dialled, perhaps empty.
        dialled: String,
    },
    /// A call arrived where ours was awaited, but is not ours. It was rejected.
    WrongCall {
        /// The caller's number as shown, perhaps empty.
        caller: String,
        /// The number it dialled, perhaps empty.
        dialled: String,
        /// How its caller ID differs from what the test wants; `None` if only the dialled number does.
        mismatch: Option<Box<CallerMismatch>>,
    },
    /// The call that arrived asks for its caller's number not to be shown, though the number came along (RFC 3325 §7).
    NumberWithheld,
    /// The call that arrived says that it was diverted on its way (SIP Diversion, RFC 5806).
    Diverted {
        /// The number from which it was.
        from: String,
        /// Why, in the server's word, such as `cfb`; perhaps empty.
        reason: String,
    },
    /// The call arrived once more, as a branch of the one that is ours. It was rejected.
    Duplicate {
        /// The caller's number as shown, perhaps empty.
        caller: String,
        /// The number it dialled, perhaps empty.
        dialled: String,
    },
    /// The far end put us on hold.
    Held,
    /// The far end took us back from hold.
    Resumed,
    /// The network says to whom we are connected, as it does when a call is picked up or transferred (RFC 4916).
    ConnectedTo {
        /// The number, perhaps empty.
        number: String,
        /// The name, perhaps empty.
        name: String,
    },
    /// A call arrived on the link that cannot be ours: before ours was dialled, or while it was up. It was rejected.
    Stranger {
        /// The caller's number as shown, perhaps empty.
        caller: String,
    },
    /// A call arrived on a link where nobody waited for it, and looked like the one that this run has out. It was rejected.
    TurnedAway {
        /// The link.
        link: String,
        /// The caller's number as shown, perhaps empty.
        caller: String,
        /// The number it dialled, perhaps empty.
        dialled: String,
    },
    /// More calls of others arrived on the link than are told one by one. They were rejected.
    MoreCalls {
        /// How many.
        count: usize,
    },
    /// The far half of our own Local channel came into the app: the dialplan has no such extension.
    CameBack {
        /// The link that the dialplan named.
        link: String,
    },
    /// We signalled ringing.
    RingingSent,
    /// We answered.
    AnswerSent,
    /// We started to send these digits.
    DigitsSent {
        /// The digits.
        digits: String,
    },
    /// We started to dial on with these digits, after the far end had answered.
    DialledOn {
        /// The digits.
        digits: String,
    },
    /// Digits were overdue at the other party, so we started to send silence: a sound may let them through.
    SilenceSent,
    /// A digit came in.
    DigitReceived {
        /// The digit.
        digit: char,
        /// How long it lasted, as far as the server knows.
        duration: Duration,
    },
    /// What the engine counted of the leg's media until we were about to hang up.
    MediaCounted(MediaFigures),
    /// The id of the leg's call on the wire (SIP Call-ID), by which a carrier finds it.
    SipCallId {
        /// The id.
        id: String,
    },
    /// The engine's endpoint sends nothing while nothing is to be said, unlike a telephone.
    MayFallSilent {
        /// The endpoint, as TECH/resource.
        endpoint: String,
    },
    /// A sound started to play.
    PlaybackStarted {
        /// Its media URI.
        media: String,
    },
    /// A sound was played to its end.
    PlaybackFinished {
        /// Its media URI.
        media: String,
    },
    /// A recording of the incoming direction started.
    RecordingStarted {
        /// Its configured name.
        name: String,
    },
    /// A recording ended and was fetched.
    RecordingFetched {
        /// Its configured name.
        name: String,
        /// Where it is kept.
        path: PathBuf,
        /// Its size in bytes, header included.
        bytes: u64,
        /// How much sound is in it.
        duration: Duration,
    },
    /// A recording that had started is not there.
    RecordingMissing {
        /// Its configured name.
        name: String,
        /// What the server said.
        why: String,
    },
    /// What causes the call was set off.
    TriggerStarted {
        /// What was done, without secrets.
        what: String,
    },
    /// What causes the call has been done, without complaint.
    TriggerDone {
        /// What came of it.
        result: String,
    },
    /// We hung up.
    HangupSent,
    /// The channel is asked to end; a soft request is one of our own or of the server's.
    HangupRequest {
        /// Why.
        end: Hangup,
        /// Whether the request came from inside the server.
        is_soft: bool,
    },
    /// Asterisk's dial ended with this status.
    DialEnded {
        /// `BUSY`, `CONGESTION`, `NOANSWER`, …
        status: String,
    },
    /// The channel is gone.
    Gone {
        /// Why, where the server tells a cause.
        end: Option<Hangup>,
    },
    /// Something of ours or the server's went wrong, which leaves the run without a finding.
    Troubled(Trouble),
}

impl Observation {
    /// Whether the far end of a call that rings may show so that the call was rejected there.
    pub fn answers_rejection(&self) -> bool {
        matches!(
            self,
            Self::HangupRequest { .. } | Self::Gone { .. } | Self::DialEnded { .. } | Self::Answered | Self::EarlyMedia
        )
    }

    /// Whether it tells nothing of the way out but that it was tried: a channel was dialled, or is gone for no cause.
    pub fn says_nothing(&self) -> bool {
        match self {
            Self::Dialled { .. } => true,
            Self::Gone { end } => end.is_none_or(|end| end.cause == HangupCause::NOT_TOLD),
            _ => false,
        }
    }
}
