//! Where the checks put what they find, and how it becomes diagnostics in the end.
//!
//! Whoever cannot go on returns the [`Reported`] that proves that the user will hear why. How much is kept is bounded,
//! whatever the file is like.

use std::collections::HashSet;
use std::ops::Range;

use crate::diagnostic::{Diagnostic, Diagnostics, Finding, Severity};
use crate::excerpt::{Excerpt, Hidden};
use crate::path;
use crate::quoting::{quoted, shortened};
use crate::secrets::{hidden_in_override, may_be_secret};
use crate::suggest;
use crate::tree::{Origin, Place};

/// How many findings of one severity are kept: as many as are shown.
const MAX_KEPT: usize = 50;

/// The texts that the tree was made of.
#[derive(Debug)]
pub(crate) struct Sources<'a> {
    /// What the file is called in diagnostics.
    pub(crate) file_name: &'a str,
    pub(crate) file: &'a str,
    pub(crate) overrides: &'a [String],
}

/// Proof that an error was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reported(());

/// Collects findings.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    sources: &'a Sources<'a>,
    findings: Vec<Finding>,
    /// One fault in what many entries share, such as `:default:`, is one fault.
    seen: HashSet<(Place, String)>,
    counts: [usize; 3],
    left_out: usize,
    /// Where secrets stand; nobody knows before the file has become a tree.
    secrets: Option<HashSet<Place>>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(sources: &'a Sources<'a>) -> Self {
        Self { sources, findings: Vec::new(), seen: HashSet::new(), counts: [0; 3], left_out: 0, secrets: None }
    }

    /// Keeps these places from being shown with the line of a finding.
    pub(crate) fn hide(&mut self, secrets: HashSet<Place>) {
        self.secrets.get_or_insert_default().extend(secrets);
    }

    /// Notes what was found.
    pub(crate) fn add(&mut self, finding: Finding) -> Reported {
        let count = &mut self.counts[finding.severity as usize];
        if *count >= MAX_KEPT {
            self.left_out += 1;
        } else if self.seen.insert((finding.place, finding.message.clone())) {
            *count += 1;
            self.findings.push(finding);
        }
        Reported(())
    }

    /// Proof that an error was reported before, if there was one.
    pub(crate) fn errors(&self) -> Option<Reported> {
        (self.counts[Severity::Error as usize] > 0).then_some(Reported(()))
    }

    /// Whether there are more faults than are shown, so that looking for the cause of another one is wasted.
    pub(crate) fn is_full(&self) -> bool {
        self.counts[Severity::Error as usize] >= MAX_KEPT
    }

    /// A hint at the name that was probably meant. Comparing costs something, so nothing is suggested any more once there
    /// are more faults than are shown.
    pub(crate) fn did_you_mean<'c>(&self, word: &str, known: impl IntoIterator<Item = &'c str>) -> Option<String> {
        if self.findings.len() >= MAX_KEPT {
            return None;
        }
        suggest::nearest(word, known).map(|meant| format!("did you mean {}?", quoted(meant)))
    }

    /// Everything that was found, with the lines it is about.
    pub(crate) fn finish(mut self) -> Diagnostics {
        self.findings.sort_by_key(|finding| (finding.severity, finding.place));
        let lines: Vec<&str> =
            if self.findings.is_empty() { Vec::new() } else { self.sources.file.split('\n').collect() };
        let list = self.findings.iter().map(|finding| self.diagnostic(finding, &lines)).collect();
        Diagnostics { list, left_out: self.left_out }
    }

    /// What must not be shown of the line that a place is in.
    fn hidden_beside(&self, place: Place, lines: &[&str]) -> Hidden {
        let all = 0..usize::MAX;
        let mut columns: Vec<Range<usize>> = Vec::new();
        for secret in self.secrets.iter().flatten().filter(|secret| secret.origin == place.origin) {
            let start = secret.column.saturating_sub(1) as usize;
            match place.line.checked_sub(secret.line) {
                Some(0) => columns.push(start..start.saturating_add(secret.width as usize)),
                Some(line) if line <= secret.further_lines => columns.push(all.clone()),
                Some(_) | None => {}
            }
        }
        // What could not be read may hide more.
        let is_read = place.origin == Origin::File && self.secrets.is_some();
        match place.origin {
            Origin::File if !is_read && may_be_secret(lines, line_index(place)) => columns.push(all),
            Origin::Override(index) => columns.extend(hidden_in_override(self.override_text(index), line_index(place))),
            Origin::Builtin | Origin::File => {}
        }
        Hidden { columns, is_read }
    }

    fn override_text(&self, index: u32) -> &'a str {
        self.sources.overrides.get(index as usize).map(String::as_str).unwrap_or_default()
    }

    fn diagnostic(&self, finding: &Finding, lines: &[&str]) -> Diagnostic {
        let place = finding.place;
        let hidden = self.hidden_beside(place, lines);
        let (name, excerpt) = match place.origin {
            Origin::Builtin => (self.sources.file_name.to_owned(), None),
            Origin::File => {
                let line = lines.get(line_index(place)).copied().unwrap_or_default();
                let name = format!("{}:{}:{}", self.sources.file_name, place.line, place.column);
                (name, Some(Excerpt::new(line, Some(place.line), place, &hidden)))
            }
            Origin::Override(index) => {
                let text = self.override_text(index);
                let line = text.split('\n').nth(line_index(place)).unwrap_or_default();
                let name = format!("-C {}", shortened(path::key_of(text)));
                (name, Some(Excerpt::new(line, None, place, &hidden)))
            }
        };
        Diagnostic {
            severity: finding.severity,
            place: name,
            message: finding.message.clone(),
            hint: finding.hint.clone(),
            excerpt: excerpt.filter(|excerpt| !excerpt.line.is_empty()),
        }
    }
}

fn line_index(place: Place) -> usize {
    (place.line as usize).saturating_sub(1)
}
