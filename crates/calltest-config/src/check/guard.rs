//! The guard, number rules, and what they mean for a call: which number is dialled, and whether it may be.

use calltest_core::guard::{Budget, Guard, Guards};
use calltest_core::number_rule::{Direction, NumberRules, Pattern, RuleLists};
use calltest_core::plan::DialString;
use calltest_core::way_out::WayOut;

use super::call::{Call, Named};
use crate::diagnostic::{Finding, quoted};
use crate::path::Path;
use crate::report::{Report, Reported};
use crate::rules;
use crate::scalar;
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
    let limit = |key| view.read_optional(key, scalar::count, report).map(|at| at.map(|at| at.value));
    Ok(Guard {
        allow: patterns(view, "allow", report)?,
        deny: patterns(view, "deny", report)?.unwrap_or_default(),
        budget: Budget {
            calls_per_hour: limit("calls_per_hour")?,
            calls_per_day: limit("calls_per_day")?,
            minutes_per_hour: limit("minutes_per_hour")?,
            minutes_per_day: limit("minutes_per_day")?,
        },
    })
}

fn patterns(view: &View<'_>, key: &str, report: &Report<'_>) -> Result<Option<Vec<Pattern>>, Reported> {
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
        _ => None,
    };
    items.map(Some).ok_or_else(|| report.errors().expect("the check of types came first"))
}

impl<'c> Call<'c, '_, '_> {
    /// The number as the source's rules have it dialled, if its guards let the call out.
    pub(super) fn number_on_its_way(
        &mut self,
        src: &Named<'c>,
        channel: &DialString,
        number: Option<String>,
    ) -> Result<Option<String>, Reported> {
        let link = src.value;
        let server = link.at.as_ref().map_err(|reported| *reported)?;
        let overall = link.overall.as_ref().map_err(|reported| *reported)?;
        let way_out = WayOut {
            rules: RuleLists {
                direction: Direction::Outgoing,
                link: (&link.name, link.outgoing.as_ref().map_err(|reported| *reported)?),
                server: (&server.name, &server.outgoing),
            },
            guards: Guards {
                overall,
                link: &link.name,
                of_link: link.guard.as_ref().map_err(|reported| *reported)?,
                leads_outside: link.leads_outside?,
                dialplan: &server.dialplan,
            },
            channel,
        };
        let name = quoted(&self.name.text);
        let place = match self.number()? {
            Some(number) if channel.needs_number() => self.place_of(&number),
            _ => self.name.place,
        };
        let mapped = number.as_deref().map(|number| way_out.map(number)).transpose().map_err(|rejected| {
            let finding = Finding::error(place, format!("{name} is refused: {rejected}"));
            self.report.add(finding.hint("dial another number, or change the rule or one before it"))
        })?;
        let mapped = mapped.flatten();
        way_out.permit(number.as_deref().zip(mapped.as_ref())).map_err(|forbidden| {
            let finding = Finding::error(place, format!("{name} is refused: {forbidden}"));
            self.report.add(finding.hint(forbidden.hint()))
        })?;
        Ok(mapped.map(|mapped| mapped.number))
    }
}
