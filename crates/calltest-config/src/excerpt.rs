//! The line that a diagnostic is about, cut to a readable width, with secrets masked and where the carets go.
//!
//! The line is cut here, when the diagnostic is made, so that a file of one long line costs no more than any other.
//! How it is laid out on the screen is left to `diagnostic`.

use std::ops::Range;

use unicode_width::UnicodeWidthChar;

use crate::secrets::{cover, mask_secrets};
use crate::tree::Place;

/// How many characters of a line are shown.
const MAX_SHOWN: usize = 100;

/// How many of them precede the caret where the line has to be cut.
const MAX_BEFORE: usize = 40;

/// How far before the part that is shown the key of a secret is looked for.
const MAX_CONTEXT: usize = 1000;

/// What must not be shown of a line.
#[derive(Debug, Default)]
pub(crate) struct Hidden {
    /// In characters from 0.
    pub(crate) columns: Vec<Range<usize>>,
    /// Whether the line was read as YAML, so that the columns have every header in it.
    pub(crate) is_read: bool,
}

impl Hidden {
    /// Puts asterisks over what is not to be shown of a part of the line, which begins at a column.
    fn mask(&self, part: &mut [char], column: usize) {
        let comment = part.iter().position(|c| *c == '#').unwrap_or(part.len());
        mask_secrets(part, self.is_read);
        mask_secrets(&mut part[comment..], false);
        for secret in &self.columns {
            let [start, end] = [secret.start, secret.end].map(|at| at.saturating_sub(column).min(part.len()));
            cover(&mut part[start..end]);
        }
        // A secret with ` #` in it ends there for YAML alone.
        if self.columns.iter().any(|secret| secret.start <= column + comment) {
            cover(&mut part[comment..]);
        }
    }
}

/// A line as it is shown, and what to mark in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Excerpt {
    /// The number of the line; overrides have none.
    pub(crate) line_number: Option<u32>,
    pub(crate) line: String,
    /// How many columns of a terminal precede the carets.
    pub(crate) indent: usize,
    /// How many columns the carets take, at least one.
    pub(crate) width: usize,
}

impl Excerpt {
    /// The excerpt that shows a place in the line that it is in.
    pub(crate) fn new(line: &str, line_number: Option<u32>, place: Place, hidden: &Hidden) -> Self {
        let marked_from = (place.column as usize).saturating_sub(1);
        let marked = marked_from..marked_from.saturating_add(place.width.max(1) as usize);
        let shown_from = if marked_from + MAX_BEFORE < MAX_SHOWN { 0 } else { marked_from - MAX_BEFORE };
        let context_from = shown_from.saturating_sub(MAX_CONTEXT);

        let mut rest = line.chars().skip(context_from);
        let mut context: Vec<char> = rest.by_ref().take(shown_from - context_from + MAX_SHOWN).collect();
        hidden.mask(&mut context, context_from);

        let mut excerpt = Self { line_number, line: String::new(), indent: 0, width: 0 };
        if shown_from > 0 {
            excerpt.line.push('…');
            excerpt.indent = 1;
        }
        for (position, character) in (shown_from..).zip(context.drain(..).skip(shown_from - context_from)) {
            // A terminal would obey control characters; a tab would put the carets elsewhere.
            let character = if character.is_control() { ' ' } else { character };
            let columns = character.width().unwrap_or(0);
            if position < marked.start {
                excerpt.indent += columns;
            } else if marked.contains(&position) {
                excerpt.width += columns;
            }
            excerpt.line.push(character);
        }
        excerpt.line.truncate(excerpt.line.trim_end().len());
        if rest.next().is_some() {
            excerpt.line.push('…');
        }
        excerpt.width = excerpt.width.max(1);
        excerpt
    }

    /// What stands before the line.
    pub(crate) fn number(&self) -> String {
        self.line_number.map(|number| number.to_string()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Origin;

    fn excerpt(line: &str, column: u32, width: u32) -> Excerpt {
        Excerpt::new(
            line,
            Some(7),
            Place { origin: Origin::File, line: 7, column, width, further_lines: 0 },
            &Hidden::default(),
        )
    }

    #[test]
    fn a_short_line_is_shown_whole() {
        let shown = excerpt("  src: trnk  ", 8, 4);
        assert_eq!((&*shown.line, shown.indent, shown.width), ("  src: trnk", 7, 4));
    }

    #[test]
    fn a_long_line_is_cut_around_the_caret() {
        let line = format!("{}src: trnk{}", "a ".repeat(500_000), " b".repeat(500_000));
        let shown = excerpt(&line, 1_000_006, 4);
        assert_eq!(shown.line.chars().count(), MAX_SHOWN + 2);
        let marked: String = shown.line.chars().skip(shown.indent).take(shown.width).collect();
        assert_eq!(marked, "trnk");
    }

    #[test]
    fn carets_stand_below_wide_characters_and_tabs() {
        let shown = excerpt("\t電話: x", 2, 2);
        assert_eq!((&*shown.line, shown.indent, shown.width), (" 電話: x", 1, 4));
    }

    #[test]
    fn a_place_past_the_end_of_the_line_still_has_a_caret() {
        let shown = excerpt("a:", 9, Place::TO_THE_END);
        assert_eq!((&*shown.line, shown.width), ("a:", 1));
    }

    #[test]
    fn what_is_hidden_is_masked_wherever_the_line_is_cut() {
        let place = Place { origin: Origin::File, line: 7, column: 196, width: 1, further_lines: 0 };
        let line = format!("{}X-Key: a bc, d: e", "-".repeat(180));
        let hidden = Hidden { columns: vec![187..191, 300..usize::MAX], is_read: true };
        let shown = Excerpt::new(&line, Some(7), place, &hidden);
        assert!(shown.line.ends_with("-X-Key: * **, d: e"), "{}", shown.line);
    }

    #[test]
    fn a_secret_is_masked_though_its_key_is_cut_off() {
        let far = format!("password: {}", "x".repeat(500));
        assert!(!excerpt(&far, 400, 1).line.contains('x'));
    }
}
