//! The ten modes and the stages that a call of each goes through, as a run's observer learns of them.

use calltest_core::event::RunProgress;
use calltest_core::evidence::{Observation, Side};

/// A mode of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Kind {
    Dtmf,
    Call,
    Audio,
    Ring,
    Play,
    Fail,
    Timeout,
    Wait,
    Answer,
    Record,
}

/// How far a call has come when something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// The links are held; no call has gone out.
    Start,
    /// A call is awaited that somebody else makes, and has not come yet.
    Waiting,
    /// Originate is on its way to the server.
    Dialled,
    /// The call has arrived at our own end.
    Arrived,
    /// The caller sees ringing.
    Ringing,
    /// The first end is answered.
    Answered,
    /// The first digit has come in, a sound plays, or what comes in is recorded.
    InCall,
    HangUp,
}

impl Kind {
    pub(crate) const ALL: [Self; 10] = [
        Self::Dtmf,
        Self::Call,
        Self::Audio,
        Self::Ring,
        Self::Play,
        Self::Fail,
        Self::Timeout,
        Self::Wait,
        Self::Answer,
        Self::Record,
    ];

    /// Its name in the configuration, which is that of its test here too.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Dtmf => "dtmf",
            Self::Call => "call",
            Self::Audio => "audio",
            Self::Ring => "ring",
            Self::Play => "play",
            Self::Fail => "fail",
            Self::Timeout => "timeout",
            Self::Wait => "wait",
            Self::Answer => "answer",
            Self::Record => "record",
        }
    }

    /// Whether its call is made by somebody else.
    pub(crate) fn is_called(self) -> bool {
        matches!(self, Self::Wait | Self::Answer | Self::Record)
    }

    /// The stages that a good call of it goes through, in their order.
    pub(crate) fn stages(self) -> &'static [Stage] {
        use Stage::{Answered, Arrived, Dialled, HangUp, InCall, Ringing, Start, Waiting};
        match self {
            Self::Dtmf | Self::Audio => &[Start, Dialled, Arrived, Ringing, Answered, InCall, HangUp],
            Self::Call => &[Start, Dialled, Arrived, Ringing, HangUp],
            Self::Ring => &[Start, Dialled, Ringing, HangUp],
            Self::Play => &[Start, Dialled, Ringing, Answered, InCall, HangUp],
            // The far end ends these calls itself.
            Self::Fail | Self::Timeout => &[Start, Dialled, Ringing],
            Self::Wait => &[Start, Waiting, Arrived, HangUp],
            Self::Answer => &[Start, Waiting, Arrived, Answered, InCall, HangUp],
            // The caller ends this one.
            Self::Record => &[Start, Waiting, Arrived, Answered, InCall],
        }
    }
}

/// All of these, or one of them, another one each turn.
pub(crate) fn chosen<T>(all: &[T], turn: usize, one_each: bool) -> &[T] {
    if one_each { &all[turn % all.len()..][..1] } else { all }
}

impl Stage {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Waiting => "waiting",
            Self::Dialled => "dialled",
            Self::Arrived => "arrived",
            Self::Ringing => "ringing",
            Self::Answered => "answered",
            Self::InCall => "in-call",
            Self::HangUp => "hang-up",
        }
    }

    /// Whether this news of a run says that it has come so far. [`Stage::Waiting`] begins with the same news as
    /// [`Stage::Start`], a moment later.
    pub(crate) fn begins_with(self, news: &RunProgress) -> bool {
        let what = match news {
            RunProgress::Started => return matches!(self, Self::Start | Self::Waiting),
            RunProgress::Observed(fact) => (&fact.what, fact.side),
            RunProgress::Waiting | RunProgress::Finished(_) => return false,
        };
        match self {
            Self::Start | Self::Waiting => false,
            Self::Dialled => matches!(what, (Observation::Dialled { .. }, _)),
            Self::Arrived => matches!(what, (Observation::Arrived { .. }, _)),
            Self::Ringing => matches!(what, (Observation::Ringing, Some(Side::Src))),
            Self::Answered => matches!(what, (Observation::Answered, _)),
            Self::InCall => matches!(
                what.0,
                Observation::DigitReceived { .. }
                    | Observation::PlaybackStarted { .. }
                    | Observation::RecordingStarted { .. }
            ),
            Self::HangUp => matches!(what, (Observation::HangupSent, _)),
        }
    }

    /// Whether a call of this mode still has to see something after this stage before it can pass. Where it has not, a
    /// fault may come too late to matter.
    pub(crate) fn leaves_to_see(self, kind: Kind) -> bool {
        self != Self::HangUp && (kind, self) != (Kind::Call, Self::Ringing)
    }

    /// Whether a call of this mode still has to be told of something after this stage. Where it has not, it may go on
    /// by requests alone.
    pub(crate) fn leaves_to_hear(self, kind: Kind) -> bool {
        self.leaves_to_see(kind) && ![(Kind::Ring, Self::Ringing), (Kind::Wait, Self::Arrived)].contains(&(kind, self))
    }
}
