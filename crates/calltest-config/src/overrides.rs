//! `-C a.b.c=value` and `-C a.b.c`: setting and deleting keys from the command line.
//!
//! Overrides change the tree before it is checked, so that what they say is checked like the rest, and located as
//! `-C a.b.c`. How a path is typed is left to `path`.

use std::sync::Arc;

use crate::diagnostic::Finding;
use crate::parse::{self, Start};
use crate::path::{self, Segment, Typed};
use crate::quoting::quoted;
use crate::report::{Report, Reported};
use crate::tree::{Entry, Key, Map, Node, Origin, Place, Value};

/// Applies the overrides in the order in which they were given.
///
/// # Errors
/// Those that cannot be applied were reported; the others were applied.
pub(crate) fn apply(root: &mut Node, overrides: &[String], report: &mut Report<'_>) -> Result<(), Reported> {
    let mut outcome = Ok(());
    for (index, text) in overrides.iter().enumerate() {
        let origin = Origin::Override(index.try_into().unwrap_or(u32::MAX));
        if let Err(reported) = apply_one(root, text, origin, report) {
            outcome = Err(reported);
        }
    }
    outcome
}

fn apply_one(root: &mut Node, text: &str, origin: Origin, report: &mut Report<'_>) -> Result<(), Reported> {
    let Typed { segments, value } = path::read(text).map_err(|bad| {
        let place = place(origin, bad.column, 1);
        report.add(Finding::error(place, bad.message).hint("an override is `KEY.KEY=VALUE`, or `KEY.KEY` to delete"))
    })?;
    match value {
        Some((value, column)) => {
            let start = Start { origin, columns: column.try_into().unwrap_or(u32::MAX) };
            let value = parse::parse(value, start, report)?;
            set(root, &segments, value, origin, report)
        }
        None => delete(root, &segments, origin, report),
    }
}

fn place(origin: Origin, column: usize, width: usize) -> Place {
    let column = (column + 1).try_into().unwrap_or(u32::MAX);
    Place { origin, line: 1, column, width: width.try_into().unwrap_or(u32::MAX), further_lines: 0 }
}

fn segment_place(origin: Origin, segment: &Segment) -> Place {
    place(origin, segment.column, segment.width)
}

/// Sets a value, making the maps on the way to it where there are none.
fn set(
    root: &mut Node,
    segments: &[Segment],
    value: Node,
    origin: Origin,
    report: &mut Report<'_>,
) -> Result<(), Reported> {
    let mut node = root;
    for segment in segments {
        let place = segment_place(origin, segment);
        if node.is_null() {
            *node = Node { value: Value::Map(Arc::default()), place };
        }
        let map = map_of(node, segment, origin, report)?;
        let position = match map.entries.iter().rposition(|entry| *entry.key.text == segment.key) {
            Some(position) => position,
            None => {
                let key = Key { text: segment.key.as_str().into(), place };
                let value = Node { value: Value::Null, place };
                map.entries.push(Entry { key, value, is_merged: false });
                map.entries.len() - 1
            }
        };
        node = &mut map.entries[position].value;
    }
    *node = value;
    Ok(())
}

/// Deletes a key.
fn delete(root: &mut Node, segments: &[Segment], origin: Origin, report: &mut Report<'_>) -> Result<(), Reported> {
    let (last, parents) = segments.split_last().expect("a path has a segment");
    let mut node = root;
    for segment in parents {
        let map = map_of(node, segment, origin, report)?;
        match map.entries.iter().rposition(|entry| *entry.key.text == segment.key) {
            Some(position) => node = &mut map.entries[position].value,
            None => return nothing_to_delete(map, segment, origin, report),
        }
    }
    let map = map_of(node, last, origin, report)?;
    if map.entries.iter().all(|entry| *entry.key.text != last.key) {
        return nothing_to_delete(map, last, origin, report);
    }
    map.entries.retain(|entry| *entry.key.text != last.key);
    Ok(())
}

/// A typo in a key to delete would leave it in place without a word.
fn nothing_to_delete(map: &Map, segment: &Segment, origin: Origin, report: &mut Report<'_>) -> Result<(), Reported> {
    let message = format!("there is no {} to delete", quoted(&segment.key));
    let hint = report.did_you_mean(&segment.key, map.entries.iter().map(|entry| &*entry.key.text));
    Err(report.add(Finding::error(segment_place(origin, segment), message).maybe_hint(hint)))
}

/// The map in which a segment is a key.
fn map_of<'n>(
    node: &'n mut Node,
    segment: &Segment,
    origin: Origin,
    report: &mut Report<'_>,
) -> Result<&'n mut Map, Reported> {
    let found = match &mut node.value {
        Value::Map(map) => return Ok(Arc::make_mut(map)),
        Value::Null => "nothing",
        Value::Text(_) => "a text",
        Value::List(_) => "a list",
    };
    let message = format!("{} would be a key in a map, but there is {found} here", quoted(&segment.key));
    Err(report.add(Finding::error(segment_place(origin, segment), message)))
}
