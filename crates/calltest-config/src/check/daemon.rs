//! What is under `server`: where the daemon listens, how long it waits in the end, and which runs it keeps.

use std::num::NonZeroU32;
use std::time::Duration;

use calltest_core::plan::{Listen, Retention};

use crate::diagnostic::Finding;
use crate::readers;
use crate::report::{Report, Reported};
use crate::scalar;
use crate::tree::Value;
use crate::view::View;

/// The daemon's part of the plan.
pub(super) struct Daemon {
    pub(super) listen: Listen,
    pub(super) history: Option<Retention>,
    pub(super) grace: Duration,
}

pub(super) fn daemon(view: &View<'_>, report: &mut Report<'_>) -> Result<Daemon, Reported> {
    let history = history(view, report);
    let host = view.read("host", readers::host, report);
    let port = view.read("port", readers::listen_port, report);
    let grace = view.read("grace", readers::seconds, report);
    let listen = Listen { host: host?.value, port: port?.value };
    Ok(Daemon { listen, history: history?, grace: grace?.value })
}

fn history(view: &View<'_>, report: &mut Report<'_>) -> Result<Option<Retention>, Reported> {
    let is_map = view.node("history").is_some_and(|given| matches!(given.value.value, Value::Map(_)));
    if !is_map && !view.read("history", scalar::flag, report)?.value {
        return Ok(None);
    }
    let limits = view.section("history");
    let (days, failure_days) =
        (limits.read("days", readers::count, report)?, limits.read("failure_days", readers::count, report)?);
    if failure_days.value < days.value {
        let message = format!(
            "`history.failure_days` is {} and `history.days` is {}: failures would go before other runs",
            failure_days.value, days.value
        );
        let place = if failure_days.is_own { failure_days.place } else { days.place };
        return Err(report.add(Finding::error(place, message).hint("`failure_days` must not be below `days`")));
    }
    Ok(Some(Retention {
        age: in_days(days.value),
        failure_age: in_days(failure_days.value),
        runs: limits.read("runs", readers::count, report)?.value.get().into(),
        bytes: u64::from(limits.read("megabytes", readers::count, report)?.value.get()) * 1024 * 1024,
    }))
}

fn in_days(days: NonZeroU32) -> Duration {
    Duration::from_secs(u64::from(days.get()) * 24 * 60 * 60)
}
