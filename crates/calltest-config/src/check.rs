//! The second check: do the values make sense together? What passes becomes the plan.
//!
//! Every rule reports what it finds and needs only the values it is about, so that one fault hides no other. Values that
//! are broken in themselves were reported by `shape`; a rule that needs one is skipped.

mod abilities;
mod arrivals;
mod call;
mod countries;
mod daemon;
mod distinct;
mod guard;
mod link;
mod logging;
mod numbers;
mod quiet;
mod requirements;
mod script;
mod server;
mod times;
mod trigger;

use std::path::PathBuf;
use std::sync::Arc;

use calltest_core::guard::Guard;
use calltest_core::plan::Plan;

use crate::configuration::Configuration;
use crate::diagnostic::Finding;
use crate::mode::RouteMode;
use crate::quoting::quoted;
use crate::readers;
use crate::report::{Report, Reported};
use crate::scalar;
use crate::table;
use crate::view::View;

/// Makes the plan, apart from its source text.
///
/// # Errors
/// What keeps a plan from being made was reported.
pub(crate) fn plan(configuration: Configuration<'_>, origin: &str, report: &mut Report<'_>) -> Result<Plan, Reported> {
    let top = configuration.top();
    let servers = server::servers(configuration, report);
    let of_all = countries::of_all(configuration, report);
    let guard = guard::guard(&top.section("guard"), report);
    let guard = guard.map(|guard| Arc::new(Guard { countries: of_all, ..guard }));
    let links = link::links(configuration, &link::Ground { servers: &servers, guard: &guard }, report);
    let default = configuration.default_entry("calls");
    let calls: Vec<_> = configuration
        .entries("calls")
        .map(|(name, node)| {
            let view = View::new(&table::CALL, Some(node), default);
            call::check(name, node, view, &links, report)
        })
        .collect();
    let daemon = daemon::daemon(&top.section("server"), report);
    let max_calls = top.read_optional("max_calls", readers::count, report);
    let state_dir = top.read_optional("state_dir", readers::some_text, report);
    let log_levels = logging::levels(configuration, report);
    note_unchecked_callers(configuration, report);

    if let Some(reported) = report.errors() {
        return Err(reported);
    }
    let daemon = daemon?;
    let plan = Plan {
        origin: origin.to_owned(),
        servers: servers.into_iter().map(|(name, server)| Ok((name, server?))).collect::<Result<_, _>>()?,
        links: links.into_iter().map(|(name, parts)| Ok((name, Arc::new(parts.link()?)))).collect::<Result<_, _>>()?,
        tests: calls.into_iter().map(|call| Ok(Arc::new(call?))).collect::<Result<_, _>>()?,
        max_calls: max_calls?.map(|at| at.value),
        guard: Arc::unwrap_or_clone(guard?),
        state_dir: state_dir?.map(|at| PathBuf::from(at.value)),
        listen: daemon.listen,
        history: daemon.history,
        grace: daemon.grace,
        log_levels,
    };
    countries::note_unknown(&plan, configuration, report);
    arrivals::check(&plan, configuration, report);
    report.errors().map_or(Ok(plan), Err)
}

/// Says once that tests which only answer, with no source configured, take any caller.
fn note_unchecked_callers(configuration: Configuration<'_>, report: &mut Report<'_>) {
    let default = configuration.default_entry("calls");
    let mut unchecked = configuration.entries("calls").filter(|(_, node)| {
        let view = View::new(&table::CALL, Some(*node), default);
        let mode = view.read("mode", call::mode_name, report);
        let is_checked = view.read("check_callerid", scalar::flag, report);
        let is_answering = mode.is_ok_and(|mode| match mode.value.route() {
            RouteMode::In(_) => true,
            RouteMode::Both(_) | RouteMode::Out(_) | RouteMode::Watch => false,
        });
        let is_given = view.node("src").is_some() || view.node("callerid").is_some();
        is_answering && is_checked.is_ok_and(|check| check.value) && !is_given
    });
    let Some((first, _)) = unchecked.next() else { return };
    let others = match unchecked.count() {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    let message = format!("the caller's number is not checked in {}{others}: no `src` is given", quoted(&first.text));
    let hint = "give it the `src` that calls, or a `callerid`, or `check_callerid: no`";
    report.add(Finding::note(first.place, message).hint(hint));
}
