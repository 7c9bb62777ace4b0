//! What a row of the table of keys says: name, type, default, documentation, and where the key counts.
//!
//! The rows themselves are in `table`, what fits each [`Kind`] in `kind`. Everything that treats keys alike goes by these
//! types: the check of names and types (`shape`), reading values (`view`), `dump` and `schema`.

use crate::mode::ModeName;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) default: DefaultValue,
    /// One sentence for the user.
    pub(crate) doc: &'static str,
    /// The modes in which it has an effect; of interest for the keys of calls only.
    pub(crate) modes: &'static [ModeName],
    pub(crate) status: Status,
    /// Whether `dumpcfg` leaves it out unless it is set: what is newer than somebody's file must not change that.
    pub(crate) is_shown_if_set: bool,
    /// The key beside it that takes its place, unless it is given as well.
    pub(crate) yields_to: Option<&'static str>,
}

/// What holds where the file says nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DefaultValue {
    /// The key is not set.
    Unset,
    /// This text, as it could stand in the file.
    Text(&'static str),
    /// It depends on the mode of the call.
    ByMode(fn(ModeName) -> &'static str),
}

/// What has become of a key since calltest 0.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Current,
    /// Another spelling of a key in a section beside it.
    AliasOf {
        section: &'static str,
        key: &'static str,
    },
    /// Accepted, but without effect.
    Ignored,
}

impl Key {
    pub(crate) const fn new(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self {
            name,
            kind,
            default: DefaultValue::Unset,
            doc,
            modes: ModeName::ALL,
            status: Status::Current,
            is_shown_if_set: false,
            yields_to: None,
        }
    }

    pub(crate) const fn default(self, text: &'static str) -> Self {
        Self { default: DefaultValue::Text(text), ..self }
    }

    pub(crate) const fn default_by_mode(self, default: fn(ModeName) -> &'static str) -> Self {
        Self { default: DefaultValue::ByMode(default), ..self }
    }

    pub(crate) const fn modes(self, modes: &'static [ModeName]) -> Self {
        Self { modes, ..self }
    }

    pub(crate) const fn shown_if_set(self) -> Self {
        Self { is_shown_if_set: true, ..self }
    }

    pub(crate) const fn yields_to(self, other: &'static str) -> Self {
        Self { yields_to: Some(other), ..self }
    }

    pub(crate) const fn ignored(self) -> Self {
        Self { status: Status::Ignored, ..self }
    }

    pub(crate) const fn alias_of(self, section: &'static str, key: &'static str) -> Self {
        Self { status: Status::AliasOf { section, key }, ..self }
    }

    /// The default in a call of that mode.
    pub(crate) fn default_text(&self, mode: Option<ModeName>) -> Option<&'static str> {
        match (self.default, mode) {
            (DefaultValue::Text(text), _) => Some(text),
            (DefaultValue::ByMode(by_mode), Some(mode)) => Some(by_mode(mode)),
            (DefaultValue::ByMode(_), None) | (DefaultValue::Unset, _) => None,
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
        main.is_some_and(|key| matches!(key.default, DefaultValue::Unset))
    }

    /// The names that can be suggested.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().filter(|key| key.status == Status::Current).map(|key| key.name)
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
    /// The path of a URL.
    UriPath,
    Word,
    Digits,
    CountryCode,
    Url,
    Path,
    /// The name of a link or a server.
    Name,
    PhoneNumber,
    /// A number to dial, and what is dialled on with behind the first `,`.
    NumberToDial,
    /// What a callee has to see of a caller.
    CallerId,
    /// DTMF digits.
    DtmfDigits,
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
    /// Patterns for numbers: a list, or one of them.
    PatternOrPatterns,
    /// When the daemon starts nothing by itself: a list of times, or one of them.
    QuietTimes,
    /// A text, or a map of texts.
    Parameters,
    /// A map of header names and values.
    Headers,
    /// The value of a header, which is not shown.
    HeaderValue,
    MediaType,
    /// What an answer over HTTP has to be like: a list of statuses and texts, or one of them.
    Answer,
    Section(&'static Section),
    /// A flag, or what a flag that is on may say in more detail.
    FlagOr(&'static Section),
    Entries(&'static Entries),
    /// Whatever the user likes.
    Free,
}
