//! Log levels. The old program handed `logging` to Python's `logging.config`; of that, the levels of our own parts remain.

use crate::configuration::Configuration;
use crate::diagnostic::Finding;
use crate::quoting::quoted;
use crate::report::Report;
use crate::tree::{Entry, Map, Node};

/// What log lines come from, in Rust's spelling. A target covers all whose name begins with it.
const TARGETS: [&str; 9] = [
    "calltest",
    "calltest_ari",
    "calltest_asterisk",
    "calltest_config",
    "calltest_core",
    "calltest_daemon",
    "calltest_engine",
    "calltest_report",
    "calltest_runner",
];

/// Python's levels and ours, by name and by number, and what they are here.
const LEVELS: [(&str, &str); 16] = [
    ("off", "off"),
    ("critical", "error"),
    ("fatal", "error"),
    ("50", "error"),
    ("error", "error"),
    ("40", "error"),
    ("warning", "warn"),
    ("warn", "warn"),
    ("30", "warn"),
    ("info", "info"),
    ("20", "info"),
    ("debug", "debug"),
    ("10", "debug"),
    ("trace", "trace"),
    ("notset", "trace"),
    ("0", "trace"),
];

/// The levels that the file asks for, as (target, level). Everything else under `logging` gets one note.
pub(super) fn levels(configuration: Configuration<'_>, report: &mut Report<'_>) -> Vec<(String, String)> {
    let Some(Entry { key, value: node, .. }) = configuration.entry("logging").filter(|entry| !entry.value.is_null())
    else {
        return Vec::new();
    };
    let mut ignored = Vec::new();
    let mut levels = Vec::new();
    for entry in node.map().map_or(&[][..], |map| &map.entries) {
        match (&*entry.key.text, entry.value.map()) {
            ("loggers", Some(loggers)) => read_loggers(loggers, &mut levels, &mut ignored, report),
            (other, _) => ignored.push(other.to_owned()),
        }
    }
    if node.map().is_none() {
        ignored.push("logging".into());
    }
    if !ignored.is_empty() {
        let names: Vec<String> = ignored.iter().take(MAX_NAMED).map(|name| quoted(name)).collect();
        let more = if ignored.len() > MAX_NAMED { ", …" } else { "" };
        let message =
            format!("only the levels of calltest's own loggers have an effect, not {}{more}", names.join(", "));
        report.add(Finding::note(key.place, message));
    }
    levels
}

/// How many of the things without effect are named.
const MAX_NAMED: usize = 6;

fn read_loggers(loggers: &Map, levels: &mut Vec<(String, String)>, ignored: &mut Vec<String>, report: &mut Report<'_>) {
    for logger in &loggers.entries {
        let name = &*logger.key.text;
        let keys = logger.value.map().map_or(&[][..], |map| &map.entries);
        ignored.extend(
            keys.iter().map(|key| &*key.key.text).filter(|key| *key != "level").map(|key| format!("{name}.{key}")),
        );
        let level = logger.value.map().and_then(|map| map.entry("level")).filter(|level| !level.value.is_null());
        match (target(name), level) {
            (_, None) => {}
            (None, Some(_)) => ignored.push(format!("{name}.level")),
            (Some(target), Some(level)) => levels.extend(read_level(level, report).map(|level| (target, level))),
        }
    }
}

/// The target that a logger's name stands for, if it is one of ours: `calltest-runner`, `calltest_runner::leg`.
fn target(name: &str) -> Option<String> {
    let name = name.replace('-', "_");
    let root = name.split([':', '.']).next().unwrap_or_default();
    TARGETS.contains(&root).then(|| name.replace('.', "::"))
}

fn read_level(entry: &Entry, report: &mut Report<'_>) -> Option<String> {
    let text = Node::text(&entry.value).unwrap_or_default();
    let known = LEVELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    if known.is_none() {
        let names =
            || LEVELS.iter().map(|(name, _)| *name).filter(|name| !name.starts_with(|c: char| c.is_ascii_digit()));
        let hint = report.did_you_mean(text, names());
        let hint = hint.or_else(|| Some("levels are error, warning, info, debug, trace and off".into()));
        let message = format!("{} is not a log level", quoted(text));
        report.add(Finding::warning(entry.value.place, message).maybe_hint(hint));
    }
    known.map(|(_, level)| (*level).to_owned())
}
