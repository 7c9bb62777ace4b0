//! The four ways in which a run can come out.

/// How a run came out, without the reason.
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
