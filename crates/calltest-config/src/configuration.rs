//! A whole tree as its sections and entries, before it is known whether it is in order.

use crate::keys::Entries;
use crate::table;
use crate::tree::{Entry, Key, Map, Node};
use crate::view::View;

/// A whole tree, as sections and entries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Configuration<'t> {
    root: &'t Node,
}

impl<'t> Configuration<'t> {
    pub(crate) fn new(root: &'t Node) -> Self {
        Self { root }
    }

    pub(crate) fn top(self) -> View<'t> {
        View::new(&table::TOP, Some(self.root), None)
    }

    /// A top-level key, null or not.
    pub(crate) fn entry(self, name: &str) -> Option<&'t Entry> {
        self.root.map().and_then(|top| top.entry(name))
    }

    fn map(self, name: &str) -> Option<&'t Map> {
        self.entry(name).and_then(|entry| entry.value.map())
    }

    /// The names and values under `links`, `calls` or `servers`, without the one that fills gaps.
    pub(crate) fn entries(self, name: &'static str) -> impl Iterator<Item = (&'t Key, &'t Node)> {
        let top = self.root.map().map_or(&[][..], |top| &top.entries);
        // A section that is given twice is an error, but what is in either of them is known.
        let sections = top.iter().filter(move |entry| *entry.key.text == *name).filter_map(|entry| entry.value.map());
        let entries = sections.flat_map(|map| &map.entries);
        entries.filter(|entry| !entry.key.text.starts_with(':')).map(|entry| (&entry.key, &entry.value))
    }

    /// What fills the gaps under `links` or `calls`.
    pub(crate) fn default_entry(self, name: &str) -> Option<&'t Node> {
        self.map(name).and_then(|map| map.get(Entries::DEFAULT))
    }
}
