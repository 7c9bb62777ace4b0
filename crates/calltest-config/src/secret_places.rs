//! Where secrets stand in a tree: the values of secret keys, and of keys that may be meant to be secret.

use std::collections::HashSet;

use crate::headers;
use crate::keys::{Kind, Section};
use crate::secrets::may_hold_secrets;
use crate::table;
use crate::tree::{Entry, Node, Place, Value};

/// Every place of a secret.
pub(crate) fn secret_places(root: &Node) -> HashSet<Place> {
    let mut secrets = SecretPlaces::default();
    secrets.section(root, &table::TOP);
    secrets.places
}

#[derive(Default)]
struct SecretPlaces {
    places: HashSet<Place>,
}

impl SecretPlaces {
    fn section(&mut self, node: &Node, section: &Section) {
        let Value::Map(map) = &node.value else { return self.misplaced(node) };
        let is_top = std::ptr::eq(section, &table::TOP);
        let has_headers = section.keys.iter().any(|key| matches!(key.kind, Kind::Headers));
        for entry in &map.entries {
            match section.key(&entry.key.text) {
                Some(key) => self.value(entry, key.kind),
                None if is_top && entry.key.text.starts_with(table::FREE_PREFIX) => self.misplaced(&entry.value),
                // A header may have been indented too little.
                None if has_headers => self.all_of(entry),
                None => self.unknown(&entry.key.text, &entry.value),
            }
        }
    }

    fn value(&mut self, entry: &Entry, kind: Kind) {
        match (kind, &entry.value.value) {
            (Kind::Section(section) | Kind::FlagOr(section), _) => self.section(&entry.value, section),
            (Kind::Entries(entries), Value::Map(map)) => {
                map.entries.iter().for_each(|entry| self.section(&entry.value, entries.section));
            }
            (Kind::Headers, Value::Map(map)) => {
                for entry in &map.entries {
                    if headers::may_be_a_value(&entry.key.text, &entry.value) {
                        self.hide(entry.key.place);
                    }
                    self.all_of(entry);
                }
            }
            (kind, _) if kind.is_secret() => self.all_of(entry),
            (Kind::Entries(_), _) => self.misplaced(&entry.value),
            _ => {}
        }
    }

    /// What is below a misspelt key.
    fn unknown(&mut self, key: &str, node: &Node) {
        match &node.value {
            Value::Null => {}
            _ if may_hold_secrets(key) => self.all(node),
            Value::Text(_) => {}
            _ => self.misplaced(node),
        }
    }

    /// What is below a key of the user's own, or where something else belongs.
    fn misplaced(&mut self, node: &Node) {
        match &node.value {
            Value::Null | Value::Text(_) => {}
            Value::Map(map) => map.entries.iter().for_each(|entry| self.unknown(&entry.key.text, &entry.value)),
            Value::List(list) => list.iter().for_each(|item| self.misplaced(item)),
        }
    }

    /// The value of a key.
    fn all_of(&mut self, entry: &Entry) {
        match entry.value.is_null() {
            // YAML takes a text that begins with `#` for a comment, and one that begins with `&` for an anchor.
            true => self.hide(Place { width: Place::TO_THE_END, ..entry.key.place }),
            false => self.all(&entry.value),
        }
    }

    /// Every text in a node, and every key.
    fn all(&mut self, node: &Node) {
        match &node.value {
            Value::Null => {}
            Value::Text(_) => self.hide(node.place),
            Value::List(list) => list.iter().for_each(|item| self.all(item)),
            Value::Map(map) => map.entries.iter().for_each(|entry| {
                self.hide(entry.key.place);
                self.all_of(entry);
            }),
        }
    }

    fn hide(&mut self, place: Place) {
        self.places.insert(place);
    }
}
