//! How far a channel has come, on which commands to it wait.

/// How far a channel has come. It only ever moves down this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// On its way. An outbound channel takes no commands yet, not even once it is answered: the app gets it a moment later.
    Outside,
    /// In the app: it takes commands.
    InApp,
    /// Asked to end by the far end or the network.
    Ending,
    /// Gone, but without a word, which is being looked into.
    Vanished,
    Gone,
}

/// What is known of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    /// Nothing has been told of it yet.
    pub(crate) says_nothing: bool,
    /// It is ending since we hang it up.
    pub(crate) is_ended_by_us: bool,
    /// No more events come.
    pub(crate) is_lost: bool,
}
