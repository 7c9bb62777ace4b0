//! What a row of the table of keys says: name, type, default, documentation, and where the key counts.
//!
//! The rows themselves are in `table`. Everything that treats keys alike goes by these types: the check of names and types
//! (`shape`), reading values (`view`), `dump` and `schema`.

use crate::diagnostic::quoted;
use crate::rules;
use crate::scalar::{self, Misfit};

/// One key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) default: Default,
    /// One sentence for the user.
    pub(crate) doc: &'static str,
    /// The modes in which it has an effect; of interest for the keys of calls only.
    pub(crate) modes: &'static [ModeName],
    pub(crate) fate: Fate,
}

/// What holds where the file says nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Default {
    /// The key is not set.
    Unset,
    /// This text, as it could stand in the file.
    Text(&'static str),
    /// It depends on the mode of the call.
    ByMode(fn(ModeName) -> &'static str),
}

/// What has become of a key since calltest 0.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Current,
    /// Another spelling of a key in a section beside it.
    SpellingOf {
        section: &'static str,
        key: &'static str,
    },
    /// Accepted, but without effect.
    Ignored,
}

impl Key {
    pub(crate) const fn new(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self { name, kind, default: Default::Unset, doc, modes: ModeName::ALL, fate: Fate::Current }
    }

    pub(crate) const fn default(self, text: &'static str) -> Self {
        Self { default: Default::Text(text), ..self }
    }

    pub(crate) const fn default_by_mode(self, default: fn(ModeName) -> &'static str) -> Self {
        Self { default: Default::ByMode(default), ..self }
    }

    pub(crate) const fn modes(self, modes: &'static [ModeName]) -> Self {
        Self { modes, ..self }
    }

    pub(crate) const fn ignored(self) -> Self {
        Self { fate: Fate::Ignored, ..self }
    }

    pub(crate) const fn spelling_of(self, section: &'static str, key: &'static str) -> Self {
        Self { fate: Fate::SpellingOf { section, key }, ..self }
    }

    /// The default in a call of that mode.
    pub(crate) fn default_text(&self, mode: Option<ModeName>) -> Option<&'static str> {
        match (self.default, mode) {
            (Default::Text(text), _) => Some(text),
            (Default::ByMode(by_mode), Some(mode)) => Some(by_mode(mode)),
            (Default::ByMode(_), None) | (Default::Unset, _) => None,
        }
    }

    pub(crate) fn counts_in(&self, mode: Option<ModeName>) -> bool {
        mode.is_none_or(|mode| self.modes.contains(&mode))
    }
}

/// A map with known keys.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) keys: &'static [Key],
    /// The key that a plain text stands for where the map is expected.
    pub(crate) shorthand: Option<&'static str>,
    /// What a key of this map belongs to, for messages: "a link".
    pub(crate) what: &'static str,
}

impl Section {
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// Whether there is nothing here unless the user says so: then nothing is made of the defaults either.
    pub(crate) fn is_optional(&self) -> bool {
        let main = self.shorthand.and_then(|key| self.key(key));
        main.is_some_and(|key| matches!(key.default, Default::Unset))
    }

    /// The names that can be suggested.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().filter(|key| key.fate == Fate::Current).map(|key| key.name)
    }
}

/// A map of the user's own names, each with a section of the same keys.
#[derive(Debug)]
pub(crate) struct Entries {
    pub(crate) section: &'static Section,
    /// Whether the entry `:default:` fills the gaps in the others.
    pub(crate) has_default_entry: bool,
}

impl Entries {
    /// The entry that is none itself, but fills the gaps in the others.
    pub(crate) const DEFAULT: &str = ":default:";
}

/// What type of value a key has.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Text,
    SomeText,
    /// A text that is not shown.
    Secret,
    Host,
    Word,
    Digits,
    CountryCode,
    Url,
    Path,
    /// The name of a link or a server.
    Name,
    PhoneNumber,
    DialString,
    OneOf(&'static [&'static str]),
    Flag,
    Integer,
    Count,
    /// How many DTMF digits.
    DigitCount,
    Port,
    ListenPort,
    Seconds,
    SomeSeconds,
    Milliseconds,
    /// A program and its arguments.
    Command,
    /// Causes with which a call may end: a list, or one of them.
    Causes,
    /// Rules for numbers, in their order.
    NumberRules,
    /// Patterns for numbers.
    Patterns,
    /// When the daemon starts nothing by itself: a list of times, or one of them.
    QuietTimes,
    /// A text, or a map of texts.
    Parameters,
    Section(&'static Section),
    /// A flag, or what a flag that is on may say in more detail.
    FlagOr(&'static Section),
    Entries(&'static Entries),
    /// Whatever the user likes.
    Free,
}

impl Kind {
    /// Whether a text fits; kinds that are no text at all fit none.
    pub(crate) fn check(self, text: &str) -> Result<(), Misfit> {
        match self {
            Self::Text | Self::Secret | Self::Parameters | Self::Free => Ok(()),
            Self::SomeText | Self::Path | Self::Name => scalar::some_text(text).map(drop),
            Self::Host => scalar::host(text).map(drop),
            Self::Word => scalar::word(text).map(drop),
            Self::Digits => scalar::digits(text).map(drop),
            Self::CountryCode => scalar::country_code(text).map(drop),
            Self::Url => scalar::url(text).map(drop),
            Self::Causes => scalar::expected_cause(text).map(drop),
            Self::QuietTimes => scalar::quiet_time(text).map(drop),
            Self::PhoneNumber => scalar::phone_number(text).map(drop),
            Self::DialString => scalar::dial_string(text).map(drop),
            Self::Flag | Self::FlagOr(_) => scalar::flag(text).map(drop),
            Self::Integer => scalar::integer_of_any_sign(text).map(drop),
            Self::Count => scalar::count(text).map(drop),
            Self::DigitCount => scalar::digit_count(text).map(drop),
            Self::Port => scalar::port(text).map(drop),
            Self::ListenPort => scalar::listen_port(text).map(drop),
            Self::Seconds => scalar::seconds(text).map(drop),
            Self::SomeSeconds => scalar::some_seconds(text).map(drop),
            Self::Milliseconds => scalar::milliseconds(text).map(drop),
            Self::OneOf(words) if words.contains(&text) => Ok(()),
            Self::OneOf(_)
            | Self::Command
            | Self::NumberRules
            | Self::Patterns
            | Self::Section(_)
            | Self::Entries(_) => Err(Misfit::Expected(self.expected())),
        }
    }

    /// What is expected where something else was found, for "expected …".
    pub(crate) fn expected(self) -> String {
        match self {
            Self::OneOf(words) => one_of(words),
            Self::Command => "a list: the program, then its arguments".into(),
            Self::Causes => "a list of causes".into(),
            Self::NumberRules => rules::RULES.into(),
            Self::Patterns => "a list of patterns".into(),
            Self::QuietTimes => "a quiet time, or a list of them".into(),
            Self::Parameters => "a text, or a map of names and texts".into(),
            Self::Section(Section { shorthand: Some(key), .. }) => {
                format!("a map, or a text that is its {}", quoted(key))
            }
            Self::Section(_) => "a map of keys and values".into(),
            Self::FlagOr(_) => "yes, no, or a map of keys and values".into(),
            Self::Entries(_) => "a map of names, each with a map of keys and values".into(),
            Self::Flag => "yes or no".into(),
            Self::Seconds | Self::SomeSeconds => "a number of seconds".into(),
            Self::Integer | Self::Count | Self::DigitCount | Self::Port | Self::ListenPort | Self::Milliseconds => {
                "a whole number".into()
            }
            _ => "a text".into(),
        }
    }

    /// Whether values of this kind are numbers, for which a leading zero means something.
    pub(crate) fn is_numeric(self) -> bool {
        matches!(
            self,
            Self::Integer
                | Self::Count
                | Self::DigitCount
                | Self::Port
                | Self::ListenPort
                | Self::Seconds
                | Self::SomeSeconds
                | Self::Milliseconds
        )
    }
}

/// "`a`, `b` or `c`".
pub(crate) fn one_of(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

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
    ];

    /// The words, in the same order.
    pub(crate) const WORDS: &[&str] =
        &["dtmf", "call", "audio", "ring", "play", "fail", "timeout", "wait", "answer", "record"];

    pub(crate) fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mode| mode.word() == text)
    }

    /// Which ends of the call are ours.
    pub(crate) fn side(self) -> Side {
        match self {
            Self::Dtmf | Self::Call | Self::Audio => Side::Both,
            Self::Ring | Self::Play | Self::Fail | Self::Timeout => Side::Originating,
            Self::Wait | Self::Answer | Self::Record => Side::Answering,
        }
    }
}

/// Which ends of a call are ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Both,
    Originating,
    Answering,
}
