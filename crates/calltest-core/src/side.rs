//! The two sides of a call.

/// The two sides of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The outbound leg: the channel that we originate on `src`.
    Src,
    /// The inbound leg: the channel that arrives for `dst`.
    Dst,
}

impl Side {
    /// The word for it in outputs and file names.
    pub fn word(self) -> &'static str {
        match self {
            Self::Src => "src",
            Self::Dst => "dst",
        }
    }

    /// The other side of the call.
    pub fn other(self) -> Self {
        match self {
            Self::Src => Self::Dst,
            Self::Dst => Self::Src,
        }
    }
}
