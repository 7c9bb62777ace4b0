//! The configuration as it is written: a tree of texts, lists and maps, each with its place.
//!
//! Nothing is typed here: `0123` is a text of four characters until a key says what it wants. Making a tree from YAML is
//! left to `parse`, what the keys mean to `table`, and changing it from the command line to `overrides`.

use std::sync::Arc;

/// How deep maps and lists may lie in each other; the configuration itself needs five levels.
pub(crate) const MAX_DEPTH: usize = 64;

/// Where something was written. Lines and columns count characters from 1, as editors do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) origin: Origin,
    pub(crate) line: u32,
    pub(crate) column: u32,
    /// How many characters of that line it covers; what goes on to further lines covers the rest of its first one.
    pub(crate) width: u32,
    /// How many lines it goes on to after that.
    pub(crate) further_lines: u32,
}

impl Place {
    /// The width of what does not end on the line where it begins.
    pub(crate) const TO_THE_END: u32 = u32::MAX;

    /// What no one wrote: a built-in default, or the whole of an empty file.
    pub(crate) const BUILTIN: Self = Self { origin: Origin::Builtin, line: 1, column: 1, width: 1, further_lines: 0 };
}

/// Which text a place is in, in the order in which problems are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Origin {
    /// Not in a text at all.
    Builtin,
    /// The configuration file.
    File,
    /// One of the overrides, by its position on the command line.
    Override(u32),
}

/// A piece of configuration with its place. Cloning is cheap: what lies below is shared.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) place: Place,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// `null`, `~` or nothing at all: the key is not set.
    Null,
    /// A text as typed, or as it reads between its quotes.
    Text(Arc<str>),
    List(Arc<Vec<Node>>),
    Map(Arc<Map>),
}

impl Node {
    pub(crate) fn map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }
}

/// Keys and values in the order of the file. Keys that were given twice are all here, for the check to see.
#[derive(Debug, Clone, Default)]
pub(crate) struct Map {
    pub(crate) entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) value: Node,
    /// Whether it came in through the merge key `<<`.
    pub(crate) is_merged: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) text: Arc<str>,
    pub(crate) place: Place,
}

impl Map {
    /// The entry of that key: the last one, as the old program read it, where there are several.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().rfind(|entry| &*entry.key.text == key)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }
}
