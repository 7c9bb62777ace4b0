//! Number rules and patterns, as they are written: `- "_+49!": "0{number:3}"`, `{match: "_+!", reject: yes}`.
//!
//! What they mean is left to `calltest_core::number_rule`.

use calltest_core::number_rule::{Action, BadReplacement, NumberRule, Pattern, Replacement};

use crate::diagnostic::Finding;
use crate::path::Path;
use crate::quoting::quoted;
use crate::readers;
use crate::scalar;
use crate::suggest;
use crate::tree::{Entry, Map, Node, Value};

/// The keys of a rule's long form. A map with one of them is no short form.
pub(crate) const LONG_FORM: [&str; 3] = [MATCH, REPLACE, REJECT];
const MATCH: &str = "match";
const REPLACE: &str = "replace";
/// In the short form, the word that stands in a replacement's place.
pub(crate) const REJECT: &str = "reject";

/// What a rule looks like, for "expected …".
pub(crate) const RULES: &str = "a list of rules, each `PATTERN: TEXT` or `PATTERN: reject`";

/// Reads one item of a list of rules.
///
/// # Errors
/// Tells what is wrong with it; `path` is that of the list.
pub(crate) fn rule(item: &Node, path: &Path<'_>) -> Result<NumberRule, Finding> {
    let error = |message: &str| Finding::error(item.place, format!("`{path}`: {message}"));
    match &item.value {
        Value::Map(map) if map.entries.iter().any(|entry| LONG_FORM.contains(&&*entry.key.text)) => {
            long_form(item, map, path)
        }
        Value::Map(map) => match &map.entries[..] {
            [entry] => short_form(entry, path),
            [] => Err(error("a rule is missing here")),
            [_, second, ..] => {
                let message = format!("`{path}`: a second pattern, {}, stands in one rule", quoted(&second.key.text));
                Err(Finding::error(second.key.place, message).hint("begin each rule with a `-`: their order counts"))
            }
        },
        Value::Text(text) if text.contains(':') => {
            Err(error(&format!("{} is no rule", quoted(text))).hint("put a blank behind the colon"))
        }
        Value::Text(text) => Err(error(&format!("{} is no rule", quoted(text))).hint(HOW_TO)),
        Value::Null => Err(error("a rule is missing here").hint(HOW_TO)),
        Value::List(_) => Err(error("a rule is no list").hint(HOW_TO)),
    }
}

const HOW_TO: &str = "a rule is `PATTERN: TEXT` or `PATTERN: reject`";

fn short_form(entry: &Entry, path: &Path<'_>) -> Result<NumberRule, Finding> {
    let pattern = pattern(&entry.key.text, path).map_err(|message| Finding::error(entry.key.place, message))?;
    let value = &entry.value;
    let action = match &value.value {
        Value::Text(text) if text.eq_ignore_ascii_case(REJECT) => Action::Reject,
        Value::Text(text) if is_near_reject(text) => {
            let message = format!("`{path}`: {} would be dialled as it is", quoted(text));
            return Err(Finding::error(value.place, message).hint(format!("did you mean `{REJECT}`?")));
        }
        _ => replacement(value, path)?,
    };
    Ok(NumberRule { pattern, action })
}

/// Whether a replacement has to be in the long form, or else it would be taken for `reject`.
pub(crate) fn is_near_reject(text: &str) -> bool {
    text.chars().all(char::is_alphabetic) && suggest::is_near(text, REJECT)
}

fn long_form(item: &Node, map: &Map, path: &Path<'_>) -> Result<NumberRule, Finding> {
    if let Some(unknown) = map.entries.iter().find(|entry| !LONG_FORM.contains(&&*entry.key.text)) {
        let message = format!("`{path}`: unknown key {} in a rule", quoted(&unknown.key.text));
        return Err(Finding::error(unknown.key.place, message).hint("its keys are match, and replace or reject"));
    }
    if let Some(twice) =
        (1..map.entries.len()).find(|at| map.entries[..*at].iter().any(|e| e.key.text == map.entries[*at].key.text))
    {
        let key = &map.entries[twice].key;
        return Err(Finding::error(key.place, format!("`{path}`: {} is given twice in a rule", quoted(&key.text))));
    }
    let given = |key| map.get(key).filter(|node| !node.is_null());
    let missing = |what: &str| Finding::error(item.place, format!("`{path}`: a rule has no {what}"));
    let matched = given(MATCH).ok_or_else(|| missing("`match`"))?;
    let text =
        matched.text().ok_or_else(|| Finding::error(matched.place, format!("`{path}`: a pattern must be a text")))?;
    let pattern = pattern(text, path).map_err(|message| Finding::error(matched.place, message))?;
    let rejects = match given(REJECT) {
        None => false,
        Some(node) => node
            .text()
            .and_then(|text| scalar::flag(text).ok())
            .ok_or_else(|| Finding::error(node.place, format!("`{path}`: `reject` must be yes or no")))?,
    };
    let action = match (given(REPLACE), rejects) {
        (Some(text), false) => replacement(text, path)?,
        (None, true) => Action::Reject,
        (Some(text), true) => {
            return Err(Finding::error(text.place, format!("`{path}`: a rule has both `replace` and `reject`")));
        }
        (None, false) => return Err(missing("`replace`, and no `reject: yes`")),
    };
    Ok(NumberRule { pattern, action })
}

fn replacement(node: &Node, path: &Path<'_>) -> Result<Action, Finding> {
    let error = |message: String| Finding::error(node.place, format!("`{path}`: {message}"));
    match &node.value {
        Value::Text(text) => {
            readers::is_short_enough(text).map_err(error)?;
            Replacement::parse(text).map(Action::Replace).map_err(|bad| match bad {
                BadReplacement::Empty => error(bad.to_string()),
                bad => error(format!("{}: {bad}", quoted(text))),
            })
        }
        // YAML takes `{number}` without quotes for a map.
        Value::Map(_) => Err(error("a replacement must be a text, not a map".into()).hint("quote it: \"{number}\"")),
        Value::List(_) => Err(error("a replacement must be a text, not a list".into())),
        Value::Null => Err(error(format!("a replacement is missing, or `{REJECT}`"))),
    }
}

/// Reads a pattern.
///
/// # Errors
/// A whole sentence about what is wrong with it; `path` is where it stands.
pub(crate) fn pattern(text: &str, path: &Path<'_>) -> Result<Pattern, String> {
    readers::is_short_enough(text).map_err(|too_long| format!("`{path}`: {too_long}"))?;
    let pattern = Pattern::parse(text).map_err(|bad| format!("`{path}`: {} is no pattern: {bad}", quoted(text)))?;
    // A list of forbidden numbers that forbids nothing would be noticed on the bill.
    let looks_like_many = text.contains(['[', '!']) || (text.ends_with('.') && text.starts_with(is_of_a_number));
    if pattern.is_literal() && looks_like_many {
        let meant = quoted(&format!("_{text}"));
        return Err(format!("`{path}`: {} is no pattern: patterns begin with `_`, as in {meant}", quoted(text)));
    }
    Ok(pattern)
}

fn is_of_a_number(character: char) -> bool {
    character.is_ascii_digit() || character == '+'
}

/// A remark on a pattern that is fine, but hardly what was meant.
pub(crate) fn oddity(pattern: &Pattern) -> Option<String> {
    let text = pattern.as_str();
    let has_wildcards = text.starts_with(is_of_a_number) && text.contains(['X', 'Z', 'N']);
    (pattern.is_literal() && has_wildcards)
        .then(|| format!("{} is a number as it is: patterns begin with `_`", quoted(text)))
}
