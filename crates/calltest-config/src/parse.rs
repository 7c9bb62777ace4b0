//! YAML text to tree: anchors, aliases, merge keys and tags are dealt with here and seen nowhere else.
//!
//! The grammar is `granit-parser`'s. What the old program's parser (PyYAML, YAML 1.1) did beyond it is done here: merge
//! keys, one document only. A hostile text costs bounded time and memory: depth and `size` have limits, aliases count as what they
//! repeat, and every alias shares the node that it repeats. What the texts mean is left to `scalar`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use granit_parser::{ErrorKind, Event, Marker, Options, Parser, ScalarStyle, ScanError, Span, Tag};

use crate::diagnostic::Finding;
use crate::report::{Report, Reported};
use crate::scalar;
use crate::size::Size;
use crate::tree::{Entry, Key, MAX_DEPTH, Map, Node, Origin, Place, Value};

/// Where a text begins in the text that is shown to the user.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pub(crate) origin: Origin,
    /// How many characters precede it in the first line.
    pub(crate) columns: u32,
}

impl Start {
    fn place(self, start: &Marker, end: &Marker) -> Place {
        let column = to_u32(start.col() + 1) + if start.line() == 1 { self.columns } else { 0 };
        let width = if start.line() == end.line() {
            // The place of a block map is empty: it covers the first character of its first key.
            to_u32(end.col().saturating_sub(start.col())).max(1)
        } else {
            Place::TO_THE_END
        };
        let further_lines = to_u32(end.line().saturating_sub(start.line()));
        Place { origin: self.origin, line: to_u32(start.line()), column, width, further_lines }
    }
}

fn to_u32(number: usize) -> u32 {
    number.try_into().unwrap_or(u32::MAX)
}

/// Reads a text as YAML.
///
/// # Errors
/// Whatever keeps the text from being read was reported.
pub(crate) fn parse(text: &str, start: Start, report: &mut Report<'_>) -> Result<Node, Reported> {
    let mut options = Options::default();
    options.emit_unresolved_aliases = true;
    options.flow_nesting_limit = MAX_DEPTH;
    options.block_nesting_limit = MAX_DEPTH;
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut builder = Builder::new(start, report);
    while let Some(event) = parser.next_event() {
        match event {
            Ok((event, span)) => builder.take(event, &span)?,
            Err(error) => {
                let place = start.place(error.marker(), error.marker());
                return Err(builder.report.add(not_yaml(&error, place)));
            }
        }
    }
    builder.finish()
}

/// What to say of a text that is no YAML.
fn not_yaml(error: &ScanError, place: Place) -> Finding {
    let finding = Finding::error(place, format!("this is not YAML: {}", error.info()));
    match error.kind() {
        ErrorKind::RecursionLimitExceeded => {
            Finding::error(place, format!("lists and maps lie too deep in each other: more than {MAX_DEPTH} levels"))
        }
        ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation | ErrorKind::TabInIndentation => {
            finding.hint("indent with blanks")
        }
        ErrorKind::MappingValueNotAllowed => finding.hint("quote a text that has `: ` in it"),
        ErrorKind::InvalidQuotedScalarIndent | ErrorKind::UnclosedQuotedScalar => {
            finding.hint("a quote before this is not closed")
        }
        ErrorKind::InvalidColonPlacement | ErrorKind::ExpectedFlowSequenceSeparator => {
            finding.hint("a bracket or brace before this may not be closed")
        }
        ErrorKind::ExpectedFlowMappingSeparator => finding.hint("a brace before this may not be closed"),
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::InvalidIndentation => {
            finding.hint("the keys of a map begin in the same column")
        }
        ErrorKind::UnexpectedCharacter { .. } => finding.hint("quote a text that begins with this character"),
        ErrorKind::UnknownQuotedScalarEscape => finding.hint("in single quotes, a backslash is only a backslash"),
        _ => finding,
    }
}

/// Builds the tree from the parser's events.
struct Builder<'r, 'sources> {
    start: Start,
    report: &'r mut Report<'sources>,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    /// Every anchored node that is complete, with its size.
    anchors: HashMap<usize, (Node, Size)>,
    /// Equal keys share their text.
    keys: HashSet<Arc<str>>,
    size: Size,
    /// Something is wrong that did not keep us from reading on.
    reported: Option<Reported>,
}

/// A list or map whose end has not been seen yet.
struct Open {
    kind: OpenKind,
    place: Place,
    anchor: usize,
    size_before: Size,
}

enum OpenKind {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, merges: Vec<Node>, key: Option<PendingKey> },
}

/// A key that waits for its value.
enum PendingKey {
    Name(Key),
    Merge(Place),
    /// It was reported; its value is dropped.
    Bad,
}

impl<'r, 'sources> Builder<'r, 'sources> {
    fn new(start: Start, report: &'r mut Report<'sources>) -> Self {
        Self {
            start,
            report,
            open: Vec::new(),
            root: None,
            documents: 0,
            anchors: HashMap::new(),
            keys: HashSet::new(),
            size: Size::default(),
            reported: None,
        }
    }

    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Reported> {
        let place = self.start.place(&span.start, &span.end);
        if let Some(tag) = event.tag() {
            self.check_tag(tag, span);
        }
        let size = match &event {
            Event::Scalar(text, ..) => Size { nodes: 1, text: text.len() },
            event => Size { nodes: event.is_node().into(), text: 0 },
        };
        self.count(size, place)?;
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(self.report.add(
                        Finding::error(
                            place,
                            "a second YAML document begins here, but a configuration is a single one",
                        )
                        .hint("remove the `---`"),
                    ));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = self.scalar(&text, style, tag.as_deref());
                let is_plain = style == ScalarStyle::Plain && tag.is_none();
                self.add(Node { value, place }, anchor, size, is_plain);
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some((node, size)) => {
                    let (node, size) = (node.clone(), *size);
                    self.count(size, place)?;
                    self.add(node, 0, size, false);
                }
                None => {
                    let finding = Finding::error(place, "this alias lies within the very node that it stands for");
                    self.bad_node(finding, place);
                }
            },
            Event::UnresolvedAlias(_) => {
                let finding = Finding::error(place, "there is no anchor of that name before this alias")
                    .hint("quote the text if it is meant to begin with `*`");
                self.bad_node(finding, place);
            }
            Event::SequenceStart(_, anchor, _) => self.open(OpenKind::List(Vec::new()), place, anchor),
            Event::MappingStart(_, anchor, _) => {
                self.open(OpenKind::Map { entries: Vec::new(), merges: Vec::new(), key: None }, place, anchor);
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            _ => {}
        }
        Ok(())
    }

    /// Counts what there is, and refuses a text that has too much.
    fn count(&mut self, size: Size, place: Place) -> Result<(), Reported> {
        self.size = self.size.with(size);
        let Err(too_large) = self.size.check() else { return Ok(()) };
        let message = format!("the configuration is too large: {too_large} by here");
        let hint = "each alias counts as often as what it stands for";
        Err(self.report.add(Finding::error(place, message).hint(hint)))
    }

    /// Python objects and the like are refused; the plain types of YAML say nothing that a key does not say itself.
    fn check_tag(&mut self, tag: &Tag, span: &Span) {
        if tag.is_yaml_core_schema() || tag.parts() == ("", "!") {
            return;
        }
        let span = span.tag_span().unwrap_or(*span);
        let place = self.start.place(&span.start, &span.end);
        let finding = Finding::error(place, "this tag is not supported")
            .hint("remove it: each key knows what type its value has");
        self.reported = Some(self.report.add(finding));
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
        let is_null = match tag {
            Some(tag) => tag.is_yaml_core_schema_tag("null"),
            None => style == ScalarStyle::Plain && scalar::is_null(text),
        };
        if is_null { Value::Null } else { Value::Text(text.into()) }
    }

    fn bad_node(&mut self, finding: Finding, place: Place) {
        self.reported = Some(self.report.add(finding));
        self.add(Node { value: Value::Null, place }, 0, Size { nodes: 1, text: 0 }, false);
    }

    fn open(&mut self, kind: OpenKind, place: Place, anchor: usize) {
        self.open.push(Open { kind, place, anchor, size_before: self.size });
    }

    fn close(&mut self) {
        let open = self.open.pop().expect("the parser closes only what it opened");
        let value = match open.kind {
            OpenKind::List(list) => Value::List(Arc::new(list)),
            OpenKind::Map { entries, merges, .. } => Value::Map(Arc::new(merged(entries, &merges))),
        };
        let size = self.size.since(open.size_before).with(Size { nodes: 1, text: 0 });
        self.add(Node { value, place: open.place }, open.anchor, size, false);
    }

    /// Puts a complete node where it belongs.
    fn add(&mut self, node: Node, anchor: usize, size: Size, is_plain: bool) {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut open.kind {
            OpenKind::List(list) => list.push(node),
            OpenKind::Map { entries, merges, key } => match key.take() {
                None => {
                    *key = Some(pending_key(&node, is_plain, &mut self.keys).unwrap_or_else(|finding| {
                        self.reported = Some(self.report.add(finding));
                        PendingKey::Bad
                    }));
                }
                Some(PendingKey::Name(key)) => entries.push(Entry { key, value: node, is_merged: false }),
                Some(PendingKey::Bad) => {}
                Some(PendingKey::Merge(place)) => match merge_sources(node, place) {
                    // Of several merge keys the last wins, as in PyYAML.
                    Ok(sources) => drop(merges.splice(0..0, sources)),
                    Err(finding) => self.reported = Some(self.report.add(finding)),
                },
            },
        }
    }

    fn finish(self) -> Result<Node, Reported> {
        match self.reported {
            Some(reported) => Err(reported),
            None => Ok(self
                .root
                .unwrap_or(Node { value: Value::Null, place: Place { origin: self.start.origin, ..Place::BUILTIN } })),
        }
    }
}

/// What a node means where a key is expected.
fn pending_key(node: &Node, is_plain: bool, keys: &mut HashSet<Arc<str>>) -> Result<PendingKey, Finding> {
    match &node.value {
        Value::Text(text) if is_plain && &**text == "<<" => Ok(PendingKey::Merge(node.place)),
        Value::Text(text) if !text.trim().is_empty() => {
            let shared = keys.get(text).unwrap_or(text).clone();
            keys.insert(shared.clone());
            Ok(PendingKey::Name(Key { text: shared, place: node.place }))
        }
        Value::Text(_) | Value::Null => Err(Finding::error(node.place, "a key cannot be empty or null")),
        Value::List(_) | Value::Map(_) => Err(Finding::error(node.place, "a key must be a text, not a list or a map")),
    }
}

/// The maps that a merge key names, the one that wins first.
fn merge_sources(node: Node, place: Place) -> Result<Vec<Node>, Finding> {
    let sources = match node.value {
        Value::List(list) => list.to_vec(),
        _ => vec![node],
    };
    if sources.iter().all(|source| source.map().is_some()) {
        return Ok(sources);
    }
    Err(Finding::error(place, "the merge key `<<` takes a map, or a list of maps")
        .hint("write `<<: *NAME`, where `&NAME` marks the map to take over"))
}

/// A map with what its merge keys bring, as PyYAML orders it: what is merged precedes, what is written wins.
fn merged(entries: Vec<Entry>, merges: &[Node]) -> Map {
    if merges.is_empty() {
        return Map { entries };
    }
    let mut taken: HashSet<Arc<str>> = entries.iter().map(|entry| entry.key.text.clone()).collect();
    let mut all = Vec::new();
    for map in merges.iter().filter_map(Node::map) {
        for entry in &map.entries {
            if taken.insert(entry.key.text.clone()) {
                all.push(Entry { is_merged: true, ..entry.clone() });
            }
        }
    }
    all.extend(entries);
    Map { entries: all }
}
