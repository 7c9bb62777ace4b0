//! The README's part of the configuration: each block below a line `<!-- config -->` loads without a word, and each table
//! below a line `<!-- keys: SECTION -->` has every key of that section with its default, and no other.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use calltest_config::{Input, Palette, Source, load, schema};
use serde_json::Value;

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap()
}

/// The lines below each line `<!-- MARK -->` for which `is_part` holds from the first one on, with the number of the mark.
fn below<'t>(text: &'t str, mark: &str, is_part: impl Fn(usize, &str) -> bool) -> Vec<(usize, Vec<&'t str>)> {
    let mark = format!("<!-- {mark} -->");
    let lines: Vec<&str> = text.lines().collect();
    let marks = lines.iter().enumerate().filter(|(_, line)| **line == mark);
    let part = |from: usize| lines[from..].iter().copied().enumerate();
    marks
        .map(|(at, _)| {
            (at + 1, part(at + 1).take_while(|(index, line)| is_part(*index, line)).map(|(_, line)| line).collect())
        })
        .collect()
}

#[test]
fn every_configuration_loads_without_a_word() {
    let readme = readme();
    let blocks = below(&readme, "config", |index, line| index == 0 || line != "```");
    assert!(blocks.len() >= 2, "the README has lost its configurations");
    for (line, block) in blocks {
        assert_eq!(block.first(), Some(&"```yaml"), "README.md:{line}");
        // With as many lines before it, what is wrong with it is located in the README.
        let text = "\n".repeat(line + 1) + &block[1..].join("\n");
        let source = Source::File { path: "README.md".into(), text };
        let loaded = load(&Input { source, overrides: Vec::new(), is_lenient: false });
        let loaded = loaded.unwrap_or_else(|rejected| panic!("\n{rejected}"));
        assert!(loaded.notes.is_empty(), "\n{}", loaded.notes.render(Palette::Plain));
        assert!(!loaded.plan.tests.is_empty(), "README.md:{line} configures no test");
    }
}

/// The keys of a section with their defaults, by path; those that are there for old files alone are left out.
fn keys_of(section: &Value, prefix: &str, keys: &mut BTreeMap<String, Option<String>>) {
    for (name, property) in section["properties"].as_object().unwrap() {
        let forms = [property].into_iter().chain(property["anyOf"].as_array().into_iter().flatten());
        let inner = forms.clone().find(|form| form["properties"].is_object());
        let has_entries = property["additionalProperties"].is_object();
        let path = format!("{prefix}{name}");
        let default = property.get("default").map(|default| match default {
            Value::Bool(flag) => if *flag { "yes" } else { "no" }.to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        if property["deprecated"] == true || has_entries {
            continue;
        }
        if let Some(inner) = inner {
            keys_of(inner, &format!("{path}."), keys);
        }
        // A map without a default is no more than its keys.
        if inner.is_none() || default.is_some() {
            keys.insert(path, default);
        }
    }
}

/// The first two columns of a table: the key, and its default where one is given as code.
fn rows(table: &[&str]) -> BTreeMap<String, Option<String>> {
    let code = |cell: &str| cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`')).map(str::to_owned);
    let rows = table.iter().skip(2).map(|row| {
        let mut cells = row.trim_start_matches('|').split('|').map(str::trim);
        let key = cells.next().and_then(code).unwrap_or_else(|| panic!("a row without a key: {row}"));
        (key, cells.next().and_then(code))
    });
    rows.collect()
}

#[test]
fn the_tables_have_every_key_with_its_default() {
    let readme = readme();
    let schema = schema();
    let mut top = schema.clone();
    // It has a table of its own, like those with names of the user's.
    top["properties"].as_object_mut().unwrap().remove("asterisk");
    let entry = |name: &str| &schema["properties"][name]["additionalProperties"];
    let sections = [
        ("top", &top),
        ("asterisk", &schema["properties"]["asterisk"]),
        ("links", entry("links")),
        ("calls", entry("calls")),
    ];
    for (name, section) in sections {
        let tables = below(&readme, &format!("keys: {name}"), |_, line| line.starts_with('|'));
        let [(_, table)] = &tables[..] else { panic!("the README has {} tables of the keys of {name}", tables.len()) };
        let (shown, mut expected) = (rows(table), BTreeMap::new());
        keys_of(section, "", &mut expected);
        let missing: Vec<_> = expected.keys().filter(|key| !shown.contains_key(*key)).collect();
        let unknown: Vec<_> = shown.keys().filter(|key| !expected.contains_key(*key)).collect();
        assert!(missing.is_empty() && unknown.is_empty(), "{name}: README lacks {missing:?} and has {unknown:?}");
        assert_eq!(shown, expected, "{name}: key and default, in the README and in the table of keys");
    }
}
