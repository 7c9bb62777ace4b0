//! The first check: are the names known, and are the types right?
//!
//! It goes by the table of keys alone and reports each fault where it is written, once, however many entries share it.
//! What the values mean together is left to `check`.

use std::collections::HashMap;

use calltest_core::cause::ExpectedCause;
use calltest_core::number_rule::Pattern;
use calltest_core::quiet::{BadQuietTime, QuietTime};

use crate::diagnostic::{Finding, Severity};
use crate::headers;
use crate::keys::{Entries, Key, Kind, Section, Status};
use crate::path::Path;
use crate::quoting::quoted;
use crate::readers;
use crate::report::Report;
use crate::rules;
use crate::scalar::{self, BadValue};
use crate::secrets::{REDACTED, quoted_without_secrets};
use crate::table;
use crate::tree::{Entry, Key as Name, Map, Node, Origin, Place, Value};

/// Reports every unknown key and every value of the wrong type.
pub(crate) fn check(root: &Node, is_lenient: bool, report: &mut Report<'_>) {
    let unknown_keys = if is_lenient { Severity::Warning } else { Severity::Error };
    Shape { unknown_keys, report }.section(root, &table::TOP, &Path::TOP);
}

struct Shape<'r, 'sources> {
    /// How bad an unknown key is.
    unknown_keys: Severity,
    report: &'r mut Report<'sources>,
}

impl Shape<'_, '_> {
    fn section(&mut self, node: &Node, section: &'static Section, path: &Path<'_>) {
        match (&node.value, section.shorthand.and_then(|key| section.key(key))) {
            (Value::Null, _) => {}
            (Value::Map(map), _) => self.keys(map, section, path),
            (Value::Text(_), Some(key)) => self.value(node, key.kind, path),
            _ => self.wrong_type(node, Kind::Section(section), path),
        }
    }

    fn keys(&mut self, map: &Map, section: &'static Section, path: &Path<'_>) {
        self.duplicates(map, path);
        for entry in &map.entries {
            let is_free = path.is_top() && entry.key.text.starts_with(table::FREE_PREFIX);
            match section.key(&entry.key.text) {
                Some(key) => self.key(entry, key, map, &path.key(key.name)),
                None if is_free => {}
                None => self.unknown_key(entry, section, path),
            }
        }
    }

    fn key(&mut self, entry: &Entry, key: &'static Key, map: &Map, path: &Path<'_>) {
        if entry.value.is_null() {
            return;
        }
        self.value(&entry.value, key.kind, path);
        match key.status {
            Status::Current => {}
            Status::Ignored => {
                self.report.add(Finding::note(entry.key.place, format!("`{path}` has no effect any more")));
            }
            Status::AliasOf { section, key: meant } => {
                let beside = map.get(section).and_then(Node::map).and_then(|map| map.get(meant));
                if beside.is_some_and(|beside| !beside.is_null()) {
                    let message = format!("`{path}` and `{section}.{meant}` are the same key");
                    self.report.add(Finding::error(entry.key.place, message).hint("remove one of them"));
                }
            }
        }
    }

    fn unknown_key(&mut self, entry: &Entry, section: &'static Section, path: &Path<'_>) {
        let name = quoted_without_secrets(&entry.key.text);
        let message = match path.is_top() {
            true => format!("unknown key {name}"),
            false => format!("unknown key {name} in `{path}`"),
        };
        let names = || format!("the keys of {} are {}", section.what, section.names().collect::<Vec<_>>().join(", "));
        let hint = belongs_in(&entry.key.text, section)
            .or_else(|| self.report.did_you_mean(&entry.key.text, section.names()))
            .unwrap_or_else(names);
        self.report.add(Finding::new(self.unknown_keys, entry.key.place, message).hint(hint));
    }

    /// The old program took the last of two equal keys in silence, and half of a test with it.
    fn duplicates(&mut self, map: &Map, path: &Path<'_>) {
        let mut first = HashMap::with_capacity(map.entries.len());
        for entry in &map.entries {
            let key = &entry.key;
            if let Some(before) = first.insert(&*key.text, key.place) {
                self.duplicate(key, before, path);
            }
        }
    }

    fn duplicate(&mut self, key: &Name, before: Place, path: &Path<'_>) {
        let message = match path.is_top() {
            true => format!("{} is given twice", quoted(&key.text)),
            false => format!("{} is given twice in `{path}`", quoted(&key.text)),
        };
        let hint = (before.origin == Origin::File).then(|| format!("the one before is in line {}", before.line));
        self.report.add(Finding::error(key.place, message).maybe_hint(hint));
    }

    fn value(&mut self, node: &Node, kind: Kind, path: &Path<'_>) {
        match (kind, &node.value) {
            (Kind::Free, _) | (_, Value::Null) => {}
            (Kind::Headers, Value::Map(map)) => self.headers(map, node.place, path),
            (Kind::Answer, Value::List(list)) if list.is_empty() => {
                let message = format!("`{path}` is an empty list, so that any answer would do");
                let hint = "leave it out if any status 2xx is right";
                self.report.add(Finding::error(node.place, message).hint(hint));
            }
            (Kind::Answer, Value::List(list)) if list.len() > MAX_ANSWERS => {
                let message = format!("`{path}` has {} items, and {MAX_ANSWERS} is the most", list.len());
                self.report.add(Finding::error(node.place, message));
            }
            (Kind::Answer, Value::List(list)) => list.iter().for_each(|item| self.text(item, Kind::Answer, path)),
            (Kind::Section(section), _) | (Kind::FlagOr(section), Value::Map(_)) => self.section(node, section, path),
            (Kind::Entries(entries), Value::Map(map)) => self.entries(map, entries, path),
            (Kind::NumberRules | Kind::Patterns | Kind::PatternOrPatterns | Kind::QuietTimes, Value::List(list))
                if list.len() > MAX_ITEMS =>
            {
                let message = format!("`{path}` has {} items, and {MAX_ITEMS} is the most", list.len());
                self.report.add(Finding::error(node.place, message));
            }
            (Kind::Command, Value::List(list)) => self.command(node, list, path),
            (Kind::Causes, Value::List(list)) => list.iter().for_each(|cause| self.text(cause, Kind::Causes, path)),
            (Kind::NumberRules, Value::List(list)) => list.iter().for_each(|item| self.number_rule(item, path)),
            (Kind::Patterns | Kind::PatternOrPatterns, Value::List(list)) => {
                list.iter().for_each(|item| self.pattern(item, path));
            }
            (Kind::PatternOrPatterns, Value::Text(_)) => self.pattern(node, path),
            (Kind::QuietTimes, Value::List(list)) => (0..list.len()).for_each(|at| self.quiet_time(list, at, path)),
            (Kind::Parameters, Value::Map(map)) => {
                self.duplicates(map, path);
                for entry in &map.entries {
                    self.text(&entry.value, Kind::Text, &path.key(&entry.key.text));
                }
            }
            _ => self.text(node, kind, path),
        }
    }

    /// Names are equal whatever their case. One that may be a value is not repeated.
    fn headers(&mut self, map: &Map, place: Place, path: &Path<'_>) {
        let mut first = HashMap::with_capacity(map.entries.len());
        let mut bytes = 0;
        for Entry { key, value, .. } in &map.entries {
            if value.is_null() {
                let finding = Finding::error(key.place, format!("`{path}` has a header without a value"));
                self.report.add(finding.hint("write `NAME: VALUE`"));
                continue;
            }
            if let Err(bad) = headers::check_name(&key.text) {
                self.report.add(Finding::error(key.place, format!("`{path}` {}", bad.fault)).hint(bad.hint));
                continue;
            }
            if let Some(before) = first.insert(key.text.to_ascii_lowercase(), key.place) {
                self.duplicate(key, before, path);
            }
            bytes += key.text.len() + value.text().map_or(0, str::len);
            self.text(value, Kind::HeaderValue, &path.key(&key.text));
        }
        if bytes > headers::LONGEST {
            let message = format!("`{path}` has {bytes} bytes, and {} is the most", headers::LONGEST);
            self.report.add(Finding::error(place, message));
        }
    }

    fn entries(&mut self, map: &Map, entries: &Entries, path: &Path<'_>) {
        self.duplicates(map, path);
        for entry in &map.entries {
            let name = &*entry.key.text;
            let is_default = entries.has_default_entry && name == Entries::DEFAULT;
            if name.starts_with(':') && !is_default {
                let message = format!(
                    "{} is no name for {}: names do not begin with a colon",
                    quoted(name),
                    entries.section.what
                );
                let hint = entries.has_default_entry.then_some(Entries::DEFAULT);
                let hint = self.report.did_you_mean(name, hint);
                self.report.add(Finding::error(entry.key.place, message).maybe_hint(hint));
            }
            self.section(&entry.value, entries.section, &path.key(name));
        }
    }

    fn number_rule(&mut self, item: &Node, path: &Path<'_>) {
        match rules::rule(item, path) {
            Ok(rule) => self.pattern_oddity(item, &rule.pattern, path),
            Err(finding) => drop(self.report.add(finding)),
        }
    }

    fn pattern(&mut self, item: &Node, path: &Path<'_>) {
        let Some(text) = item.text() else { return self.wrong_type(item, Kind::Text, path) };
        match rules::pattern(text, path) {
            Ok(pattern) => self.pattern_oddity(item, &pattern, path),
            Err(message) => drop(self.report.add(Finding::error(item.place, message))),
        }
    }

    fn pattern_oddity(&mut self, item: &Node, pattern: &Pattern, path: &Path<'_>) {
        if let Some(oddity) = rules::oddity(pattern) {
            self.report.add(Finding::warning(item.place, format!("`{path}`: {oddity}")));
        }
    }

    fn quiet_time(&mut self, list: &[Node], position: usize, path: &Path<'_>) {
        let item = &list[position];
        let Some(text) = item.text() else { return self.wrong_type(item, Kind::Text, path) };
        let Err(BadValue::Wrong(sentence)) = readers::quiet_time(text) else { return };
        let torn = (!self.report.is_full()).then(|| rejoin_split_time(list, position)).flatten();
        let torn = torn.map(|whole| format!("quote what has a comma in it: `\"{whole}\"`"));
        let hint = torn.or_else(|| quiet_time_hint(text));
        self.report.add(Finding::error(item.place, format!("`{path}`: {sentence}")).maybe_hint(hint));
    }

    fn command(&mut self, node: &Node, list: &[Node], path: &Path<'_>) {
        for word in list {
            self.text(word, Kind::Text, path);
        }
        if list.first().is_none_or(|program| program.text().is_some_and(|text| text.trim().is_empty())) {
            self.report.add(Finding::error(node.place, format!("`{path}` names no program")));
        }
    }

    /// What has to be a single text.
    fn text(&mut self, node: &Node, kind: Kind, path: &Path<'_>) {
        let Value::Text(text) = &node.value else {
            return self.wrong_type(node, kind, path);
        };
        match kind.check(text) {
            Ok(()) => self.oddities(node, text, kind, path),
            Err(BadValue::Wrong(sentence)) => {
                let hint = self.hint_for(text, kind);
                self.report.add(Finding::error(node.place, format!("`{path}`: {sentence}")).maybe_hint(hint));
            }
            Err(BadValue::Expected(expected)) => {
                let found = if kind.is_secret() { "a text".to_owned() } else { quoted_without_secrets(text) };
                let message = format!("`{path}` must be {expected}, not {found}");
                let hint = self.hint_for(text, kind);
                self.report.add(Finding::error(node.place, message).maybe_hint(hint));
            }
        }
    }

    fn hint_for(&self, text: &str, kind: Kind) -> Option<String> {
        match kind {
            Kind::OneOf(words) => self.report.did_you_mean(text, words.iter().copied()),
            Kind::Causes => {
                let names: Vec<String> = ExpectedCause::names().collect();
                self.report.did_you_mean(text, names.iter().map(String::as_str))
            }
            Kind::QuietTimes => quiet_time_hint(text),
            Kind::NumberRules => Some("begin each rule with a `-`: their order counts".into()),
            Kind::Patterns => Some(format!("write it as a list: `[\"{}\"]`", text.trim())),
            Kind::Command => Some("write it as a list: `[program, argument]`".into()),
            Kind::Seconds | Kind::SomeSeconds | Kind::Milliseconds if has_unit(text) => {
                Some("write the number without a unit".into())
            }
            Kind::UriPath => uri_path_hint(text).map(str::to_owned),
            Kind::HeaderValue if text.contains('\n') => {
                Some("write it on one line; below `>-`, lines are joined by a blank".into())
            }
            Kind::Host if text.contains(':') => Some("`port` and `ssl` are keys of their own".into()),
            _ => None,
        }
    }

    /// Values that are fine as they are, but hardly what was meant.
    fn oddities(&mut self, node: &Node, text: &str, kind: Kind, path: &Path<'_>) {
        if kind.is_numeric()
            && let Some(octal) = scalar::octal_surprise(text)
        {
            let message = format!("`{path}` is {octal}: a number with a leading zero is octal");
            self.report.add(Finding::warning(node.place, message).hint("write it without the zero"));
        }
        let is_redacted = match kind {
            Kind::Secret | Kind::HeaderValue => text == REDACTED,
            Kind::Url => text.contains(REDACTED),
            _ => false,
        };
        if is_redacted {
            let message =
                format!("`{path}` has `{REDACTED}` for a secret: this was printed by `dumpcfg` without its secrets");
            self.report.add(
                Finding::warning(node.place, message).hint("put the real one in, or use `dumpcfg --show-secrets`"),
            );
        }
    }

    fn wrong_type(&mut self, node: &Node, kind: Kind, path: &Path<'_>) {
        let found = match &node.value {
            Value::Null => "nothing".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
            Value::Text(text) => quoted_without_secrets(text),
        };
        let message = match path.is_top() {
            true => format!("a configuration must be a map of keys and values, not {found}"),
            false => format!("`{path}` must be {}, not {found}", kind.expected()),
        };
        self.report.add(Finding::error(node.place, message));
    }
}

/// How many rules, patterns or times may be in a list: each number that is dialled is compared with all of them.
const MAX_ITEMS: usize = 2000;

/// How many statuses and texts may be expected of an answer: its body is searched for each.
const MAX_ANSWERS: usize = 100;

/// How far from an item its other parts are looked for.
const NEIGHBOURS: usize = 6;

/// The longest text that is worth a look, in bytes.
const LONGEST_PART: usize = 40;

/// The quiet time of which an item is a part: between brackets, YAML takes the commas of cron for its own.
fn rejoin_split_time(list: &[Node], position: usize) -> Option<String> {
    let parts = |first: usize, last: usize| {
        let texts: Option<Vec<&str>> =
            list[first..=last].iter().map(|part| part.text().filter(|text| text.len() <= LONGEST_PART)).collect();
        texts.map(|texts| texts.join(",")).filter(|whole| whole.parse::<QuietTime>().is_ok())
    };
    let last = (position + NEIGHBOURS).min(list.len() - 1);
    (position.saturating_sub(NEIGHBOURS)..=position)
        .find_map(|first| (position..=last).find_map(|last| parts(first, last)))
}

/// How to write a quiet time, for a text that does not look like one.
fn uri_path_hint(text: &str) -> Option<&'static str> {
    if text.contains("://") {
        Some("`host`, `port` and `ssl` are keys of their own")
    } else if text.contains(['?', '#']) {
        Some("leave away what begins with `?` or `#`")
    } else if readers::ends_in_ari(text) {
        Some("leave `/ari` away: calltest adds it")
    } else {
        None
    }
}

fn quiet_time_hint(text: &str) -> Option<String> {
    use BadQuietTime::{Empty, FieldCount, NoDuration, NoForm};
    match text.parse::<QuietTime>() {
        Err(NoForm) if scalar::flag(text) == Ok(false) => Some("where nothing is quiet, write `[]`".into()),
        Err(Empty | NoForm | NoDuration | FieldCount { .. }) => {
            Some("write `mon-fri 22:00-06:00`, or as cron does, `0 22 * * mon-fri for 8h`".into())
        }
        Ok(_) | Err(_) => None,
    }
}

/// Whether a text is a number with a unit after it.
fn has_unit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && text.ends_with(char::is_alphabetic)
}

/// A hint for a key that stands one level too high.
fn belongs_in(name: &str, section: &'static Section) -> Option<String> {
    section.keys.iter().find_map(|key| match key.kind {
        Kind::Section(inner) | Kind::FlagOr(inner) if inner.key(name).is_some() => {
            Some(format!("`{name}` belongs in `{}`", key.name))
        }
        _ => None,
    })
}
