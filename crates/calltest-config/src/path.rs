//! The name of a place in the tree by its keys, `calls.line2fone.timeout`: written in messages, read from overrides.
//!
//! A key with a dot (or anything else that would be mistaken) in it stands in quotes: `calls."a.b".timeout`.

use std::fmt;

use crate::tree::MAX_DEPTH;

/// The keys that lead to a value, innermost last. It borrows what leads to it, so that walking a tree costs nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    key: &'p str,
}

impl<'p> Path<'p> {
    pub(crate) const TOP: Path<'static> = Path { parent: None, key: "" };

    pub(crate) fn key(&'p self, key: &'p str) -> Path<'p> {
        Path { parent: Some(self), key }
    }

    pub(crate) fn is_top(&self) -> bool {
        self.parent.is_none()
    }
}

/// The longest key that is written out, in characters.
const MAX_WRITTEN: usize = 60;

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent.filter(|parent| !parent.is_top()) {
            write!(f, "{parent}.")?;
        }
        let needs_quotes = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '.' | '=' | '"' | '\'');
        if !self.key.contains(needs_quotes) && self.key.len() <= MAX_WRITTEN {
            return f.write_str(self.key);
        }
        f.write_str("\"")?;
        for character in self.key.chars().take(MAX_WRITTEN) {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                _ if character.is_control() => write!(f, "{}", character.escape_default())?,
                _ => write!(f, "{character}")?,
            }
        }
        f.write_str(if self.key.chars().count() > MAX_WRITTEN { "…\"" } else { "\"" })
    }
}

/// One key of a path that was typed, with where it stands in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) key: String,
    /// In characters from 0.
    pub(crate) column: usize,
    pub(crate) width: usize,
}

/// A path that was typed, and what follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Typed<'t> {
    pub(crate) segments: Vec<Segment>,
    /// What follows the first `=` after the path, with its column.
    pub(crate) value: Option<(&'t str, usize)>,
}

/// A path that cannot be read, with the column where reading stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadPath {
    pub(crate) message: &'static str,
    pub(crate) column: usize,
}

/// What an override is called in diagnostics: all of it up to its value.
pub(crate) fn key_of(text: &str) -> &str {
    match read(text) {
        Ok(Typed { value: Some((value, _)), .. }) => &text[..text.len() - value.len() - 1],
        Ok(Typed { value: None, .. }) => text,
        // Where the path ends is not known, but what may be a secret does not begin before this.
        Err(_) => text.split('=').next().unwrap_or_default(),
    }
}

/// Reads `a.b.c` or `a.b.c=value`.
pub(crate) fn read(text: &str) -> Result<Typed<'_>, BadPath> {
    let mut segments = Vec::new();
    let mut characters = text.char_indices().enumerate().peekable();
    loop {
        let column = characters.peek().map_or_else(|| text.chars().count(), |(column, _)| *column);
        let mut key = String::new();
        let quote = characters.next_if(|(_, (_, c))| matches!(c, '"' | '\'')).map(|(_, (_, quote))| quote);
        if let Some(quote) = quote {
            loop {
                match characters.next() {
                    Some((_, (_, c))) if c == quote => break,
                    Some((_, (_, '\\'))) if quote == '"' => key.extend(characters.next().map(|(_, (_, c))| c)),
                    Some((_, (_, c))) => key.push(c),
                    None => return Err(BadPath { message: "this quote is not closed", column }),
                }
            }
        } else {
            while let Some((_, (_, c))) = characters.next_if(|(_, (_, c))| !matches!(c, '.' | '=')) {
                key.push(c);
            }
        }
        let end = characters.peek().map_or_else(|| text.chars().count(), |(column, _)| *column);
        if key.trim().is_empty() {
            return Err(BadPath { message: "a key is missing here", column });
        }
        if segments.len() == MAX_DEPTH {
            return Err(BadPath { message: "maps lie too deep in each other here: this is one key too many", column });
        }
        let key = if quote.is_some() { key } else { key.trim().to_owned() };
        segments.push(Segment { key, column, width: end - column });
        match characters.next() {
            None => return Ok(Typed { segments, value: None }),
            Some((column, (offset, '='))) => {
                return Ok(Typed { segments, value: Some((&text[offset + 1..], column + 1)) });
            }
            Some((_, (_, '.'))) => {}
            Some((column, _)) => return Err(BadPath { message: "a `.` or `=` was expected after the quote", column }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<String> {
        read(text).unwrap().segments.into_iter().map(|segment| segment.key).collect()
    }

    #[test]
    fn keys_are_separated_by_dots_unless_quoted() {
        assert_eq!(keys("calls.a.timeout=3"), ["calls", "a", "timeout"]);
        assert_eq!(keys("calls.:default:.timeout"), ["calls", ":default:", "timeout"]);
        assert_eq!(keys(r#"calls."a.b=\"c".timeout=x"#), ["calls", r#"a.b="c"#, "timeout"]);
        assert_eq!(keys("calls.'a.b'"), ["calls", "a.b"]);
    }

    #[test]
    fn the_value_is_what_follows_the_first_equals_sign() {
        assert_eq!(read("a.b=c=d").unwrap().value, Some(("c=d", 4)));
        assert_eq!(read("ä=").unwrap().value, Some(("", 2)));
        assert_eq!(read("a.b").unwrap().value, None);
    }

    #[test]
    fn every_segment_knows_its_columns() {
        let segments = read("ä.\"b.c\".d=1").unwrap().segments;
        let columns: Vec<_> = segments.iter().map(|segment| (segment.column, segment.width)).collect();
        assert_eq!(columns, [(0, 1), (2, 5), (8, 1)]);
    }

    #[test]
    fn bad_paths_say_where() {
        for (text, column) in [("", 0), ("=3", 0), ("a..b", 2), ("a.", 2), ("a.\"b", 2), ("a.\"b\"c=1", 5), (". =1", 0)]
        {
            assert_eq!(read(text).map_err(|bad| bad.column), Err(column), "{text}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        for key in ["a", "a.b", "say \"x\"", "back\\slash", "a=b"] {
            let written = Path::TOP.key("calls").key(key).to_string();
            assert_eq!(keys(&written), ["calls", key], "{written}");
        }
    }
}
