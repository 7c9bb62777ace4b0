//! The effective configuration as YAML: defaults filled in, entries expanded, keys that do not count left out.
//!
//! It goes by the table of keys, and what it writes loads to the same plan again.

use std::fmt::Write as _;

use calltest_core::number_rule::Action;
use calltest_core::plan::without_secret;

use crate::configuration::Configuration;
use crate::keys::{Key, Kind, Section, Status};
use crate::mode::ModeName;
use crate::path::Path;
use crate::rules;
use crate::scalar::{self, Number};
use crate::secrets::{REDACTED, is_secret, without_secrets};
use crate::table;
use crate::tree::{Node, Value};
use crate::view::View;

/// Whether secrets are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// `'***'` stands in their place.
    Redacted,
    /// As they are.
    Shown,
}

/// Writes a configuration that was found in order, with the log levels that were made of it.
pub(crate) fn dump(configuration: Configuration<'_>, log_levels: &[(String, String)], secrets: Secrets) -> String {
    let mut dump = Dump { text: String::new(), secrets };
    for key in table::TOP.keys {
        match key.kind {
            Kind::Entries(entries) => {
                let default = configuration.default_entry(key.name);
                let views = configuration.entries(key.name).map(|(name, node)| {
                    let view = View::new(entries.section, Some(node), default);
                    (&*name.text, with_mode(view))
                });
                dump.entries(key.name, views);
            }
            Kind::Free => dump.log_levels(log_levels),
            _ => dump.key(&configuration.top(), key, 0),
        }
    }
    dump.text
}

/// A call's view with the defaults of its mode; others have none.
fn with_mode(view: View<'_>) -> View<'_> {
    let mode = view.definition().key("mode").and_then(|key| {
        let given = view.node("mode").and_then(|at| at.value.text());
        ModeName::parse(given.or(key.default_text(None))?)
    });
    match mode {
        Some(mode) => view.in_mode(mode),
        None => view,
    }
}

struct Dump {
    text: String,
    secrets: Secrets,
}

impl Dump {
    /// Begins a line with a key.
    fn name(&mut self, name: &str, depth: usize) {
        let _ = write!(self.text, "{:indent$}{}:", "", Scalar(name), indent = 2 * depth);
    }

    fn value(&mut self, value: impl std::fmt::Display) {
        let _ = writeln!(self.text, " {value}");
    }

    fn entries<'t>(&mut self, name: &str, views: impl Iterator<Item = (&'t str, View<'t>)>) {
        self.name(name, 0);
        let mut is_empty = true;
        for (name, view) in views {
            if is_empty {
                self.text.push('\n');
                is_empty = false;
            }
            self.name(name, 1);
            self.text.push('\n');
            self.section(&view, 2);
        }
        if is_empty {
            self.value("{}");
        }
    }

    fn section(&mut self, view: &View<'_>, depth: usize) {
        for key in view.definition().keys {
            self.key(view, key, depth);
        }
    }

    fn key(&mut self, view: &View<'_>, key: &Key, depth: usize) {
        if key.status != Status::Current || !key.counts_in(view.mode()) {
            return;
        }
        let node = view.node(key.name).map(|at| at.value);
        if (key.is_shown_if_set && node.is_none_or(Node::is_null)) || view.is_replaced(key.name) {
            return;
        }
        self.name(key.name, depth);
        match (key.kind, node.map(|node| &node.value)) {
            (Kind::Section(section), _) if !(section.is_optional() && node.is_none()) => {
                self.inner(&view.section(key.name), section, depth);
            }
            (Kind::FlagOr(section), node) if is_written_out(section, key, node) => {
                self.inner(&view.section(key.name), section, depth);
            }
            (Kind::NumberRules, Some(Value::List(items))) if !items.is_empty() => self.number_rules(items, depth),
            (_, Some(Value::List(words))) => {
                let words: Vec<String> =
                    words.iter().filter_map(Node::text).map(|word| Scalar(word).to_string()).collect();
                self.value(format_args!("[{}]", words.join(", ")));
            }
            (_, Some(Value::Map(map))) if map.entries.is_empty() => self.value("{}"),
            (_, Some(Value::Map(map))) => {
                self.text.push('\n');
                for entry in &map.entries {
                    self.name(&entry.key.text, depth + 1);
                    let is_secret = matches!(key.kind, Kind::Headers) || is_secret(&entry.key.text);
                    let is_hidden = self.secrets == Secrets::Redacted && is_secret;
                    let text = entry.value.text().unwrap_or_default();
                    self.value(Scalar(if is_hidden { REDACTED } else { text }));
                }
            }
            (kind, Some(Value::Text(text))) => self.scalar(kind, text),
            (kind, None | Some(Value::Null)) => match key.default_text(view.mode()) {
                Some(text) => self.scalar(kind, text),
                None => self.value("null"),
            },
        }
    }

    fn inner(&mut self, view: &View<'_>, section: &Section, depth: usize) {
        debug_assert!(!section.keys.is_empty());
        self.text.push('\n');
        self.section(view, depth + 1);
    }

    /// Each rule on its line, in the short form where that says the same.
    fn number_rules(&mut self, items: &[Node], depth: usize) {
        self.text.push('\n');
        for rule in items.iter().filter_map(|item| rules::rule(item, &Path::TOP).ok()) {
            let pattern = rule.pattern.as_str();
            let is_key = rules::LONG_FORM.contains(&pattern);
            let _ = write!(self.text, "{:indent$}- ", "", indent = 2 * (depth + 1));
            let (pattern, reject) = (Scalar(pattern), rules::REJECT);
            let _ = match rule.action {
                Action::Reject if is_key => writeln!(self.text, "{{match: {pattern}, {reject}: true}}"),
                Action::Reject => writeln!(self.text, "{pattern}: {reject}"),
                Action::Replace(replacement) => {
                    let text = replacement.as_str();
                    let is_long = is_key || rules::is_near_reject(text);
                    match is_long {
                        true => writeln!(self.text, "{{match: {pattern}, replace: {}}}", Scalar(text)),
                        false => writeln!(self.text, "{pattern}: {}", Scalar(text)),
                    }
                }
            };
        }
    }

    fn scalar(&mut self, kind: Kind, text: &str) {
        match kind {
            Kind::Secret if self.secrets == Secrets::Redacted => self.value(Scalar(REDACTED)),
            Kind::Url if self.secrets == Secrets::Redacted => self.value(Scalar(&without_secrets(text))),
            Kind::DialString if self.secrets == Secrets::Redacted => self.value(Scalar(&without_secret(text))),
            Kind::Flag | Kind::FlagOr(_) => self.value(scalar::flag(text).unwrap_or_default()),
            kind if kind.is_numeric() => match scalar::number(text) {
                Some(Number::Integer(integer)) => self.value(integer),
                Some(Number::Real(real)) => self.value(real),
                None => self.value(Scalar(text)),
            },
            _ => self.value(Scalar(text)),
        }
    }

    fn log_levels(&mut self, log_levels: &[(String, String)]) {
        if log_levels.is_empty() {
            return;
        }
        self.text.push_str("logging:\n  loggers:\n");
        for (target, level) in log_levels {
            self.name(target, 2);
            self.text.push('\n');
            self.name("level", 3);
            self.value(Scalar(level));
        }
    }
}

/// Whether a flag is on with something to tell in more detail.
fn is_written_out(section: &Section, key: &Key, given: Option<&Value>) -> bool {
    let text = match given {
        Some(Value::Map(_)) => return true,
        Some(Value::Text(text)) => Some(&**text),
        _ => key.default_text(None),
    };
    let has_details = section.keys.iter().any(|key| key.default_text(None).is_some());
    has_details && text.is_some_and(|text| scalar::flag(text) == Ok(true))
}

/// A text as a YAML scalar that any parser, of YAML 1.1 or 1.2, takes for this very text.
struct Scalar<'t>(&'t str);

impl std::fmt::Display for Scalar<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.0;
        let is_simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '@');
        let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '_'))
            && text.chars().all(is_simple)
            && !scalar::is_null(text)
            && scalar::flag(text).is_err()
            && !matches!(text, "y" | "Y" | "n" | "N");
        if is_plain {
            return f.write_str(text);
        }
        let needs_escape =
            |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
        if !text.contains(needs_escape) {
            return write!(f, "'{}'", text.replace('\'', "''"));
        }
        f.write_str("\"")?;
        for character in text.chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                c if needs_escape(c) => write!(f, "\\u{:04X}", u32::from(c))?,
                c => write!(f, "{c}")?,
            }
        }
        f.write_str("\"")
    }
}
