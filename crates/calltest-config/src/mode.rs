//! The modes of a call by their words, and which parties of the call are ours in each.

use crate::quoting::quoted;

/// The word for a mode of a call, without what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ModeName {
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
    Online,
}

impl ModeName {
    pub(crate) const ALL: &[Self] = &[
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
        Self::Online,
    ];

    /// The words, in the same order.
    pub(crate) const WORDS: &[&str] =
        &["dtmf", "call", "audio", "ring", "play", "fail", "timeout", "wait", "answer", "record", "online"];

    pub(crate) fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mode| mode.word() == text)
    }

    /// Which parties of the call are ours, and in which mode of those that have just these.
    pub(crate) fn route(self) -> RouteMode {
        match self {
            Self::Dtmf => RouteMode::Both(BothMode::Dtmf),
            Self::Call => RouteMode::Both(BothMode::Call),
            Self::Audio => RouteMode::Both(BothMode::Audio),
            Self::Ring => RouteMode::Out(OutMode::Ring),
            Self::Play => RouteMode::Out(OutMode::Play),
            Self::Fail => RouteMode::Out(OutMode::Fail),
            Self::Timeout => RouteMode::Out(OutMode::Timeout),
            Self::Wait => RouteMode::In(InMode::Wait),
            Self::Answer => RouteMode::In(InMode::Answer),
            Self::Record => RouteMode::In(InMode::Record),
            Self::Online => RouteMode::Watch,
        }
    }
}

/// Which parties of a call are ours, with the modes in which they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RouteMode {
    Both(BothMode),
    Out(OutMode),
    In(InMode),
    /// There is no call.
    Watch,
}

/// The modes in which both parties are ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BothMode {
    Dtmf,
    Call,
    Audio,
}

/// The modes in which we only call out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutMode {
    Ring,
    Play,
    Fail,
    Timeout,
}

/// The modes in which we only wait for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InMode {
    Wait,
    Answer,
    Record,
}

/// Some modes, for messages.
pub(crate) fn in_words(modes: &[ModeName]) -> String {
    let words: Vec<String> = modes.iter().map(|mode| quoted(mode.word())).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("modes {} and {last}", rest.join(", ")),
        _ => format!("mode {}", words.concat()),
    }
}
