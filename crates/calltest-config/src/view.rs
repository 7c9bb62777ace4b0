//! Reading a section: what an entry says, then what `:default:` says, then the built-in default.
//!
//! Nothing is copied together: a view looks a key up in one layer after the other. A key that is null in a layer is not
//! set, whatever the layers below it say. What is asked for must have passed `shape`.

use crate::keys::{Kind, Section, Status};
use crate::mode::ModeName;
use crate::report::{Report, Reported};
use crate::scalar::BadValue;
use crate::suggest;
use crate::tree::{Map, Node, Place, Value};

/// A value with the place that it comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
    /// Whether the entry itself says so, rather than `:default:` or no one.
    pub(crate) is_own: bool,
}

/// A section with all that fills its gaps.
#[derive(Debug, Clone)]
pub(crate) struct View<'t> {
    section: &'static Section,
    mode: Option<ModeName>,
    layers: Vec<Layer<'t>>,
}

/// One text's share in a section.
#[derive(Debug, Clone, Copy)]
struct Layer<'t> {
    form: Form<'t>,
    is_own: bool,
}

#[derive(Debug, Clone, Copy)]
enum Form<'t> {
    Map(&'t Map),
    /// A single key, given by a shorthand or another spelling.
    Key(&'static str, &'t Node),
}

impl<'t> View<'t> {
    /// A section with its own node, and that which fills its gaps.
    pub(crate) fn new(section: &'static Section, own: Option<&'t Node>, default: Option<&'t Node>) -> Self {
        let layer = |node: Option<&'t Node>, is_own| {
            node.and_then(|node| form(section, node)).map(|form| Layer { form, is_own })
        };
        let layers = layer(own, true).into_iter().chain(layer(default, false)).collect();
        Self { section, mode: None, layers }
    }

    /// The same, with the defaults of that mode.
    pub(crate) fn in_mode(self, mode: ModeName) -> Self {
        Self { mode: Some(mode), ..self }
    }

    pub(crate) fn definition(&self) -> &'static Section {
        self.section
    }

    pub(crate) fn mode(&self) -> Option<ModeName> {
        self.mode
    }

    /// The section under that key.
    pub(crate) fn section(&self, name: &str) -> View<'t> {
        let key = self.section.key(name).expect("the section is in the table of keys");
        let (Kind::Section(section) | Kind::FlagOr(section)) = key.kind else {
            panic!("`{name}` is a section in the table")
        };
        let mut layers = Vec::new();
        for layer in &self.layers {
            let is_own = layer.is_own;
            let spelling = self.section.keys.iter().find_map(|key| match key.status {
                Status::AliasOf { section, key: meant } if section == name => Some((meant, layer.form.get(key.name)?)),
                _ => None,
            });
            layers.extend(spelling.map(|(meant, node)| Layer { form: Form::Key(meant, node), is_own }));
            let Some(node) = layer.form.get(name) else { continue };
            layers.extend(form(section, node).map(|form| Layer { form, is_own }));
            if node.is_null() {
                break;
            }
        }
        View { section, mode: self.mode, layers }
    }

    /// What the texts say under that key: the uppermost that says something, unless it says null, or the key has no effect
    /// in this mode.
    pub(crate) fn node(&self, name: &str) -> Option<At<&'t Node>> {
        let key = self.section.key(name).expect("the key is in the table");
        if !key.counts_in(self.mode) {
            return None;
        }
        let (node, is_own) = self.layers.iter().find_map(|layer| Some((layer.form.get(name)?, layer.is_own)))?;
        (!node.is_null()).then_some(At { value: node, place: node.place, is_own })
    }

    /// Whether another key has taken the place of that one, which is not given beside it: what `:default:` says of the one says
    /// nothing of an entry that gives the other.
    pub(crate) fn is_replaced(&self, name: &str) -> bool {
        let other = self.section.key(name).and_then(|key| key.yields_to).and_then(|other| self.node(other));
        other.is_some_and(|other| self.node(name).is_none_or(|given| other.is_own && !given.is_own))
    }

    /// The value of a key that has a default.
    pub(crate) fn read<T>(
        &self,
        name: &str,
        read: impl Fn(&str) -> Result<T, BadValue>,
        report: &Report<'_>,
    ) -> Result<At<T>, Reported> {
        let value = self.read_optional(name, read, report)?;
        Ok(value.expect("the key has a default in the table"))
    }

    /// The value of a key that may be unset.
    pub(crate) fn read_optional<T>(
        &self,
        name: &str,
        read: impl Fn(&str) -> Result<T, BadValue>,
        report: &Report<'_>,
    ) -> Result<Option<At<T>>, Reported> {
        let key = self.section.key(name).expect("the key is in the table");
        let Some(At { value: node, place, is_own }) = self.node(name) else {
            if let Some(reported) = report.errors().filter(|_| report.is_full() || self.has_misspelt(name)) {
                return Err(reported);
            }
            let default = key.default_text(self.mode).map(|text| read(text).expect("the default in the table fits"));
            return Ok(default.map(|value| At { value, place: Place::BUILTIN, is_own: false }));
        };
        match node.text().map(&read) {
            Some(Ok(value)) => Ok(Some(At { value, place, is_own })),
            // What does not fit was reported where it stands.
            Some(Err(_)) | None => Err(report.errors().expect("the check of types came first")),
        }
    }
}

impl View<'_> {
    /// Whether an unknown key here was probably meant to be that one. What follows from its absence is not worth telling.
    fn has_misspelt(&self, name: &str) -> bool {
        self.layers.iter().any(|layer| match layer.form {
            Form::Map(map) => map.entries.iter().any(|entry| {
                let key = &entry.key.text;
                // Most names are near none; so one comparison comes before those with all of them.
                suggest::is_near(key, name)
                    && self.section.key(key).is_none()
                    && suggest::nearest(key, self.section.names()) == Some(name)
            }),
            Form::Key(..) => false,
        })
    }
}

fn form<'t>(section: &'static Section, node: &'t Node) -> Option<Form<'t>> {
    match (&node.value, section.shorthand) {
        (Value::Map(map), _) => Some(Form::Map(map)),
        (Value::Text(_), Some(key)) => Some(Form::Key(key, node)),
        _ => None,
    }
}

impl<'t> Form<'t> {
    fn get(self, name: &str) -> Option<&'t Node> {
        match self {
            Self::Map(map) => map.get(name),
            Self::Key(key, node) => (key == name).then_some(node),
        }
    }
}
