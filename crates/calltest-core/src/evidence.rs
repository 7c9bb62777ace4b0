//! What a run observed: a set of facts, each with its time, and how well we could see.
//!
//! Asterisk promises no order between related events, so nothing in here depends on one: questions are asked of the set.
//! Facts say what happened and never whether that was right; that is left to the judge.

use std::path::PathBuf;
use std::time::Duration;

use crate::cause::{CallEnd, HangupCause, TechCause};
use crate::number::CallerMismatch;
use crate::plan::{LinkName, ServerName};
use crate::verdict::Trouble;

/// The two sides of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The outbound leg: the channel that we originate on `src`.
    Src,
    /// The inbound leg: the channel that arrives for `dst`.
    Dst,
}

impl Side {
    /// The other end of the call.
    pub fn other(self) -> Self {
        match self {
            Self::Src => Self::Dst,
            Self::Dst => Self::Src,
        }
    }
}

/// A server's own time stamp, in microseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerTime(pub i64);

/// One thing that was observed or done.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// When we saw or did it, on our monotonic clock, since the run held its links.
    pub at: Duration,
    /// When the server says it happened; `None` for what we did ourselves.
    pub server_time: Option<ServerTime>,
    /// Which leg it is about, if one.
    pub side: Option<Side>,
    /// What it was.
    pub what: Observation,
}

/// What can be observed or done in a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// We asked Asterisk to originate this dial string.
    Dialled {
        /// What was dialled, number filled in.
        dial_string: String,
    },
    /// Asterisk refused to originate since the endpoint is offline.
    EndpointOffline {
        /// The endpoint, as TECH/resource.
        endpoint: String,
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
    Misfit {
        /// The caller's number as shown, perhaps empty.
        caller: String,
        /// The number it dialled, perhaps empty.
        dialled: String,
        /// How its caller ID differs from what the test wants; `None` if only the dialled number does.
        mismatch: Option<CallerMismatch>,
    },
    /// A further call arrived on the link while ours was up. It was rejected.
    Stranger {
        /// The caller's number as shown, perhaps empty.
        caller: String,
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
    /// Digits were overdue at the other end, so we started to send silence: a sound may let them through.
    SilenceSent,
    /// A digit came in.
    DigitReceived {
        /// The digit.
        digit: char,
        /// How long it lasted, as far as the server knows.
        duration: Duration,
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
        end: CallEnd,
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
        end: Option<CallEnd>,
    },
    /// Something of ours or the server's went wrong, which leaves the run without a finding.
    Troubled(Trouble),
}

impl Observation {
    /// Whether it tells nothing of the way out but that it was tried: a channel was dialled, or is gone for no cause.
    pub fn is_mute(&self) -> bool {
        match self {
            Self::Dialled { .. } => true,
            Self::Gone { end } => end.is_none_or(|end| end.cause == HangupCause::NOT_TOLD),
            _ => false,
        }
    }
}

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
}

/// How the script ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// It went through all of its steps.
    Completed,
    /// It was cut short.
    Stopped(Stop),
}

/// What cut a script short.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    /// A leg ended while the script still needed it.
    LegEnded {
        /// Which leg.
        side: Side,
        /// What the script was waiting for.
        awaiting: Awaiting,
    },
    /// The run's own time was up.
    Deadline {
        /// What the script was waiting for.
        awaiting: Awaiting,
    },
    /// A limit of the step's own was over.
    Overdue {
        /// What the script was waiting for.
        awaiting: Awaiting,
        /// The limit, from where the test counts it.
        within: Duration,
    },
    /// The last digit was due long ago.
    DigitsOverdue {
        /// The side that should have received them.
        to: Side,
        /// How long ago the last one was due.
        overdue: Duration,
    },
    /// Digits are wrong already.
    DigitsWrong {
        /// The side that received them.
        to: Side,
    },
    /// The call out was answered, and none has arrived at the destination since.
    AnsweredElsewhere {
        /// How long the call was up by then.
        after: Duration,
    },
    /// The dial string came back to us.
    CameBack,
    /// Asterisk refused to originate since the endpoint is offline.
    Offline,
    /// We could not go on.
    Trouble(Trouble),
    /// Whoever started the run called it off.
    Cancelled,
    /// An operator called it off and had it counted as a failure.
    FailedByOperator,
}

/// How well we saw one server during the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Which server.
    pub server: ServerName,
    /// The longest time in which nothing was heard from it.
    pub longest_silence: Duration,
    /// How long a message of our own took to come back to us after the script had ended; `None` if none was sent.
    pub round_trip: Option<Duration>,
}

/// All that a run observed.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The link called out on.
    pub src: Option<LinkName>,
    /// The link on which the call should arrive.
    pub dst: Option<LinkName>,
    /// What happened, in the order in which we learnt of it.
    pub facts: Vec<Fact>,
    /// How the script ended.
    pub ending: Ending,
    /// How well each server involved could be seen.
    pub sight: Vec<Sight>,
    /// The longest delay of our own event loop while the run lasted.
    pub loop_delay: Duration,
}

impl Evidence {
    /// The facts about one side.
    pub fn of(&self, side: Side) -> impl Iterator<Item = &Fact> {
        self.facts.iter().filter(move |fact| fact.side == Some(side))
    }

    /// The first fact about a side that is of the given kind.
    pub fn first(&self, side: Side, is_it: impl Fn(&Observation) -> bool) -> Option<&Fact> {
        self.of(side).find(|fact| is_it(&fact.what))
    }

    /// When the source first saw ringing.
    pub fn ringing(&self) -> Option<&Fact> {
        self.first(Side::Src, |what| *what == Observation::Ringing)
    }

    /// When the source first saw early media.
    pub fn early_media(&self) -> Option<&Fact> {
        self.first(Side::Src, |what| *what == Observation::EarlyMedia)
    }

    /// When the source saw the answer.
    pub fn answered(&self) -> Option<&Fact> {
        self.first(Side::Src, |what| *what == Observation::Answered)
    }

    /// When the call went out.
    pub fn dialled(&self) -> Option<&Fact> {
        self.first(Side::Src, |what| matches!(what, Observation::Dialled { .. }))
    }

    /// When our call arrived at the destination.
    pub fn arrived(&self) -> Option<&Fact> {
        self.first(Side::Dst, |what| matches!(what, Observation::Arrived { .. }))
    }

    /// When a leg ended: the first request to hang it up that is not soft, or its end.
    pub fn ended(&self, side: Side) -> Option<&Fact> {
        self.first(side, |what| {
            matches!(what, Observation::HangupRequest { is_soft: false, .. } | Observation::Gone { .. })
        })
    }

    /// Why a leg ended: the first hangup request that is not soft; else the status of the dial where that is
    /// unambiguous (Asterisk calls most rejections NOANSWER there, so that one says nothing); else what the end of the
    /// channel says.
    ///
    /// Asterisk's cause 0 is none. It comes with the end of an answered call when the far end sends a BYE without a
    /// Reason (RFC 3326), as most telephones do: that is normal clearing (RFC 3398).
    pub fn end_of(&self, side: Side) -> Option<CallEnd> {
        let is_told = |end: &CallEnd| end.cause != HangupCause::NOT_TOLD;
        let request = self.of(side).find_map(|fact| match fact.what {
            Observation::HangupRequest { end, is_soft: false } => Some(end),
            _ => None,
        });
        let gone = || {
            self.of(side).find_map(|fact| match fact.what {
                Observation::Gone { end } => end.filter(is_told),
                _ => None,
            })
        };
        let bye = || {
            let was_answered = self.first(side, |what| *what == Observation::Answered).is_some();
            (request.is_some() && was_answered).then(|| HangupCause::NORMAL_CLEARING.into())
        };
        let dial = || {
            self.of(side).find_map(|fact| match &fact.what {
                Observation::DialEnded { status } if status == "BUSY" => Some(HangupCause::USER_BUSY.into()),
                Observation::DialEnded { status } if status == "CONGESTION" => Some(HangupCause::CONGESTION.into()),
                _ => None,
            })
        };
        request.filter(is_told).or_else(dial).or_else(gone).or_else(bye)
    }

    /// How long a side played its sound; `None` if it did not come to the end of it.
    pub fn played(&self, side: Side) -> Option<Duration> {
        let started = self.first(side, |what| matches!(what, Observation::PlaybackStarted { .. }))?;
        let finished = self.first(side, |what| matches!(what, Observation::PlaybackFinished { .. }))?;
        Some(Self::span(started, finished))
    }

    /// The digits that a side received, in order of arrival.
    pub fn digits_received(&self, side: Side) -> impl Iterator<Item = char> {
        self.of(side).filter_map(|fact| match fact.what {
            Observation::DigitReceived { digit, .. } => Some(digit),
            _ => None,
        })
    }

    /// The time from one fact to another: by the server's clock where both are of one leg and it has stamped both, since
    /// that leaves out our own delays; else by ours.
    pub fn span(from: &Fact, to: &Fact) -> Duration {
        match (from.server_time, to.server_time) {
            (Some(start), Some(end)) if from.side == to.side => {
                Duration::from_micros(end.0.saturating_sub(start.0).try_into().unwrap_or(0))
            }
            _ => to.at.saturating_sub(from.at),
        }
    }
}

/// The technology's code for a channel of that technology.
pub fn tech_cause(technology: &str, code: i64) -> TechCause {
    match u16::try_from(code) {
        Ok(status) if technology.eq_ignore_ascii_case("pjsip") || technology.eq_ignore_ascii_case("sip") => {
            TechCause::Sip(status)
        }
        _ => TechCause::Other(code),
    }
}
