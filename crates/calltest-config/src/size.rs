//! How large a configuration is once everything that is written once and stands in many places is written out.
//!
//! A file has few bytes, but an alias repeats what it stands for, and `:default:` fills the gaps of every entry. What comes
//! of them all, in the plan and in a dump, has limits here.

use std::fmt;

use crate::diagnostic::Finding;
use crate::keys::Entries;
use crate::quoting::quoted;
use crate::report::{Report, Reported};
use crate::source::MAX_FILE_SIZE;
use crate::tree::{Node, Value};

/// How many nodes there may be: some 50,000 calls that set every key.
const MAX_NODES: usize = 3_000_000;

/// How many bytes of text there may be: twice the largest file.
const MAX_TEXT: usize = 2 * MAX_FILE_SIZE as usize;

/// How large a part of a configuration is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) nodes: usize,
    /// Bytes of text.
    pub(crate) text: usize,
}

/// What there is too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TooLarge {
    Nodes,
    Text,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nodes => write!(f, "more than {MAX_NODES} values"),
            Self::Text => write!(f, "more than {} MiB of text", MAX_TEXT >> 20),
        }
    }
}

impl Size {
    /// Both together.
    pub(crate) fn with(self, other: Self) -> Self {
        Self { nodes: self.nodes.saturating_add(other.nodes), text: self.text.saturating_add(other.text) }
    }

    /// What was added since it was this large.
    pub(crate) fn since(self, before: Self) -> Self {
        Self { nodes: self.nodes - before.nodes, text: self.text - before.text }
    }

    fn times(self, times: usize) -> Self {
        Self { nodes: self.nodes.saturating_mul(times), text: self.text.saturating_mul(times) }
    }

    /// Tells if it is more than there may be, and of what.
    pub(crate) fn check(self) -> Result<(), TooLarge> {
        match self {
            Self { nodes, .. } if nodes > MAX_NODES => Err(TooLarge::Nodes),
            Self { text, .. } if text > MAX_TEXT => Err(TooLarge::Text),
            _ => Ok(()),
        }
    }

    /// The size of what was read, which has seen to it that walking through it comes to an end.
    fn of(node: &Node) -> Self {
        let one = Self { nodes: 1, text: node.text().map_or(0, str::len) };
        let below = |size: Self, node: &Node| size.with(Self::of(node));
        match &node.value {
            Value::Null | Value::Text(_) => one,
            Value::List(list) => list.iter().fold(one, below),
            Value::Map(map) => map.entries.iter().map(|entry| &entry.value).fold(one, below),
        }
    }
}

/// Refuses what becomes too large when `:default:` fills the gaps of every entry.
///
/// # Errors
/// It was reported.
pub(crate) fn check(root: &Node, report: &mut Report<'_>) -> Result<(), Reported> {
    let Some(top) = root.map() else { return Ok(()) };
    let mut outcome = Ok(());
    for section in &top.entries {
        let Some(map) = section.value.map() else { continue };
        let Some(default) = map.entry(Entries::DEFAULT) else { continue };
        let Err(too_large) = Size::of(&default.value).times(map.entries.len()).check() else { continue };
        let section = quoted(&section.key.text);
        let message = format!("the configuration is too large: {too_large} once this is in every entry of {section}");
        outcome = Err(report.add(Finding::error(default.key.place, message)));
    }
    outcome
}
