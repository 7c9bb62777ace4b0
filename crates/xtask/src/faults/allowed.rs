//! Which verdicts are right after a fault, and the rules by which that follows from how far the call was.

use super::stage::{Kind, Stage};

/// Which verdicts are right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// The fault does no harm.
    Pass,
    /// The call cannot have been seen to its end.
    Error,
    /// It depends on how far the call was; but it is no fault of the network.
    PassOrError,
    /// To the server, what happened came from the network.
    Fail,
    /// Nobody can tell it from what the test wants, nor from the network's doing; only what is left counts.
    Any,
}

impl Allowed {
    pub(crate) fn admits(self, word: &str) -> bool {
        match self {
            Self::Pass => word == "pass",
            Self::Error => word == "error",
            Self::PassOrError => matches!(word, "pass" | "error"),
            Self::Fail => word == "fail",
            Self::Any => matches!(word, "pass" | "fail" | "error"),
        }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Pass => "`pass`",
            Self::Error => "`error`",
            Self::PassOrError => "`pass` or `error`",
            Self::Fail => "`fail`",
            Self::Any => "any",
        }
    }
}

/// The connection is gone: an error, unless the call had nothing left to see.
pub(crate) fn unseen(kind: Kind, stage: Stage) -> Allowed {
    if stage.leaves_to_see(kind) { Allowed::Error } else { Allowed::PassOrError }
}

/// Requests may get through, or be answered late, but nothing is told any more.
pub(crate) fn untold(kind: Kind, stage: Stage) -> Allowed {
    if stage.leaves_to_hear(kind) { Allowed::Error } else { Allowed::PassOrError }
}

/// What cannot be asked for is an error where the call still has to go out.
pub(crate) fn unasked(kind: Kind, stage: Stage) -> Allowed {
    if stage == Stage::Start && !kind.is_called() { Allowed::Error } else { Allowed::PassOrError }
}

pub(crate) fn harmless(_: Kind, _: Stage) -> Allowed {
    Allowed::Pass
}

pub(crate) fn either(_: Kind, _: Stage) -> Allowed {
    Allowed::PassOrError
}
