//! Quiet times of calls, links and servers.

use calltest_core::quiet::QuietTimes;

use crate::readers;
use crate::report::{Report, Reported};
use crate::tree::{Node, Value};
use crate::view::View;

/// Reads what is under `quiet`: one time or a list of them. What does not fit was reported where it stands.
pub(super) fn quiet_times(view: &View<'_>, report: &Report<'_>) -> Result<QuietTimes, Reported> {
    let Some(given) = view.node("quiet") else { return Ok(QuietTimes::default()) };
    let read = |node: &Node| readers::quiet_time(node.text()?).ok();
    let times = match &given.value.value {
        Value::List(list) => list.iter().map(read).collect(),
        _ => read(given.value).map(|time| vec![time]),
    };
    times.map(QuietTimes).ok_or_else(|| report.errors().expect("the check of types came first"))
}
