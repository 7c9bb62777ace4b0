//! What is shown to the user about a configuration: place, fact, expectation, hint.
//!
//! A diagnostic carries the line it is about, so that it can be shown after the texts are gone. Which diagnostics there
//! are is left to the modules that check; collecting them to `report`, cutting lines to `excerpt`.

use std::fmt::{self, Write as _};

use anstyle::{AnsiColor, Style};

use crate::excerpt::Excerpt;
use crate::tree::Place;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can be used, but hardly does what was meant.
    Warning,
    /// Something worth knowing.
    Note,
}

impl Severity {
    fn style(self) -> Style {
        let colour = match self {
            Self::Error => AnsiColor::Red,
            Self::Warning => AnsiColor::Yellow,
            Self::Note => AnsiColor::Cyan,
        };
        colour.on_default().bold()
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// One thing to say about a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is: `calls.cfg:14:10`, or `-C calls.bar.src` for an override.
    pub place: String,
    /// What is wrong, and what was expected: lowercase, without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    pub(crate) excerpt: Option<Excerpt>,
}

/// What was found in a configuration: errors first, then warnings, then notes, each in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics {
    pub(crate) list: Vec<Diagnostic>,
    /// How many more there were than anyone would read.
    pub(crate) left_out: usize,
}

/// Whether to colour what is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Palette {
    /// Plain text.
    Plain,
    /// ANSI colours, for a terminal.
    Coloured,
}

/// How many diagnostics are rendered; the rest is only counted.
const MAX_RENDERED: usize = 50;

impl Diagnostics {
    /// Each of them, in the order in which they are shown. A file with thousands of faults has only the first of them here.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether the configuration cannot be used.
    pub fn has_errors(&self) -> bool {
        self.list.first().is_some_and(|first| first.severity == Severity::Error)
    }

    /// All of them as text, each with its line and a caret; at most fifty, then how many more there are. Ends with a
    /// newline, and is empty if there are none.
    pub fn render(&self, palette: Palette) -> String {
        let paint = Paint { is_coloured: palette == Palette::Coloured };
        let mut text = String::new();
        for (index, diagnostic) in self.list.iter().take(MAX_RENDERED).enumerate() {
            if index > 0 {
                text.push('\n');
            }
            diagnostic.render(paint, &mut text);
        }
        let more = self.list.len().saturating_sub(MAX_RENDERED) + self.left_out;
        if more > 0 {
            let _ = writeln!(text, "\nand {more} more");
        }
        text
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Diagnostic {
    fn render(&self, paint: Paint, text: &mut String) {
        let bold = Style::new().bold();
        let head = paint.with(self.severity.style(), &self.severity);
        let _ = writeln!(text, "{head}{}{}", paint.with(bold, &": "), paint.with(bold, &self.message));
        let gutter = self.excerpt.as_ref().map_or(0, |excerpt| excerpt.number().len());
        let frame = AnsiColor::Blue.on_default().bold();
        let _ = writeln!(text, "{:gutter$}{} {}", "", paint.with(frame, &"-->"), self.place);
        if let Some(excerpt) = &self.excerpt {
            let number = excerpt.number();
            let _ = writeln!(text, "{:gutter$} {}", "", paint.with(frame, &"|"));
            let _ = writeln!(text, "{} {} {}", paint.with(frame, &number), paint.with(frame, &"|"), excerpt.line);
            let carets = "^".repeat(excerpt.width);
            let carets = paint.with(self.severity.style(), &carets);
            let _ = writeln!(
                text,
                "{:gutter$} {} {:indent$}{carets}",
                "",
                paint.with(frame, &"|"),
                "",
                indent = excerpt.indent
            );
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "{}: {hint}", paint.with(AnsiColor::Green.on_default().bold(), &"hint"));
        }
    }
}

/// Puts colours around texts, or not.
#[derive(Clone, Copy)]
struct Paint {
    is_coloured: bool,
}

impl Paint {
    fn with(self, style: Style, text: &impl fmt::Display) -> String {
        if self.is_coloured { format!("{style}{text}{style:#}") } else { text.to_string() }
    }
}

/// A diagnostic in the making: its place is still one in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    pub(crate) place: Place,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Finding {
    pub(crate) fn error(place: Place, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, place, message)
    }

    pub(crate) fn warning(place: Place, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, place, message)
    }

    pub(crate) fn note(place: Place, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, place, message)
    }

    pub(crate) fn new(severity: Severity, place: Place, message: impl Into<String>) -> Self {
        Self { severity, place, message: message.into(), hint: None }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(crate) fn maybe_hint(self, hint: Option<String>) -> Self {
        Self { hint: hint.or(self.hint), ..self }
    }
}
