//! Reading the guard and number rules. What they mean for a call is left to `numbers`.

use calltest_core::guard::{Budget, Guard};
use calltest_core::number_rule::{Direction, NumberRules, Pattern};

use crate::path::Path;
use crate::readers;
use crate::report::{Report, Reported};
use crate::rules;
use crate::tree::{Node, Value};
use crate::view::View;

/// Reads the rules under `outgoing` or `incoming`.
pub(super) fn number_rules(
    view: &View<'_>,
    direction: Direction,
    report: &Report<'_>,
) -> Result<NumberRules, Reported> {
    let rules = items(view, direction.key(), |item| rules::rule(item, &Path::TOP).ok(), report)?;
    Ok(NumberRules(rules.unwrap_or_default()))
}

/// Reads a section `guard`.
pub(super) fn guard(view: &View<'_>, report: &Report<'_>) -> Result<Guard, Reported> {
    let limit = |key| view.read_optional(key, readers::count, report).map(|at| at.map(|at| at.value));
    Ok(Guard {
        allow: patterns(view, "allow", report)?,
        deny: patterns(view, "deny", report)?.unwrap_or_default(),
        budget: Budget {
            calls_per_hour: limit("calls_per_hour")?,
            calls_per_day: limit("calls_per_day")?,
            minutes_per_hour: limit("minutes_per_hour")?,
            minutes_per_day: limit("minutes_per_day")?,
        },
        ..Guard::default()
    })
}

/// Reads a list of patterns for numbers.
pub(super) fn patterns(view: &View<'_>, key: &str, report: &Report<'_>) -> Result<Option<Vec<Pattern>>, Reported> {
    items(view, key, |item| rules::pattern(item.text()?, &Path::TOP).ok(), report)
}

/// The items of a list, if there is one. What does not fit was reported where it stands.
fn items<T>(
    view: &View<'_>,
    key: &str,
    read: impl Fn(&Node) -> Option<T>,
    report: &Report<'_>,
) -> Result<Option<Vec<T>>, Reported> {
    let Some(given) = view.node(key) else { return Ok(None) };
    let items = match &given.value.value {
        Value::List(list) => list.iter().map(read).collect(),
        // Where only a list will do, the check of types has refused a text.
        Value::Text(_) => read(given.value).map(|one| vec![one]),
        _ => None,
    };
    items.map(Some).ok_or_else(|| report.errors().expect("the check of types came first"))
}
