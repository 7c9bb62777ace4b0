//! What a number is replaced with: a text in which `{number}` stands for the number, or `{number:N}` for a part of it.

use std::fmt;

use crate::repeated::repeated;

/// The text that takes a number's place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Replacement {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Piece {
    Text(String),
    /// The number without so many characters at its beginning.
    Without(usize),
    /// So many characters at the number's end.
    Last(usize),
}

impl Replacement {
    /// Reads a replacement. In it, `{number}` is the number, `{number:3}` the number without its first three characters,
    /// and `{number:-3}` its last three, like Asterisk's `${EXTEN:3}`.
    ///
    /// # Errors
    /// Tells what is wrong, and at which character.
    pub fn parse(text: &str) -> Result<Self, BadReplacement> {
        if text.is_empty() {
            return Err(BadReplacement::Empty);
        }
        let mut pieces = Vec::new();
        let (mut rest, mut column) = (text, 1);
        while let Some(at) = rest.find(['{', '}']) {
            column += rest[..at].chars().count();
            if rest[at..].starts_with('}') {
                return Err(BadReplacement::Unopened { column });
            }
            let (before, from) = rest.split_at(at);
            let end = from.find('}').ok_or(BadReplacement::Unclosed { column })? + 1;
            let (place, after) = from.split_at(end);
            if !before.is_empty() {
                pieces.push(Piece::Text(before.into()));
            }
            pieces.push(piece(place).ok_or_else(|| BadReplacement::Unknown { place: repeated(place), column })?);
            column += place.chars().count();
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.into()));
        }
        if let Some((_, column)) = text.chars().zip(1..).find(|(c, _)| c.is_whitespace() || c.is_control()) {
            return Err(BadReplacement::Blank { column });
        }
        Ok(Self { text: text.into(), pieces })
    }

    /// Puts a number in. What is asked of a number that is too short for it is empty.
    pub fn apply(&self, number: &str) -> String {
        let length = number.chars().count();
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Without(count) => number.chars().skip(*count).collect(),
                Piece::Last(count) => number.chars().skip(length.saturating_sub(*count)).collect(),
            })
            .collect()
    }

    /// The replacement as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Reads what stands in braces, the braces included.
fn piece(place: &str) -> Option<Piece> {
    let inside = place.strip_prefix("{number")?.strip_suffix('}')?;
    if inside.is_empty() {
        return Some(Piece::Without(0));
    }
    let offset = inside.strip_prefix(':')?;
    let digits = offset.strip_prefix('-').unwrap_or(offset);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // No number is as long as the largest count that fits.
    let count = digits.parse().unwrap_or(usize::MAX);
    Some(if offset == digits || count == 0 { Piece::Without(count) } else { Piece::Last(count) })
}

impl fmt::Display for Replacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text is no replacement. Columns count characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadReplacement {
    /// Nothing at all: no number could be left.
    #[error("a replacement cannot be empty")]
    Empty,
    /// A brace without its partner.
    #[error("the brace at character {column} is not closed")]
    Unclosed {
        /// Where it is.
        column: usize,
    },
    /// A closing brace that closes nothing.
    #[error("the brace at character {column} closes nothing")]
    Unopened {
        /// Where it is.
        column: usize,
    },
    /// Something else than the number in braces.
    #[error("`{place}` at character {column} is unknown: only `{{number}}` and `{{number:N}}` are replaced")]
    Unknown {
        /// The text with its braces, as far as it is worth repeating.
        place: String,
        /// Where it begins.
        column: usize,
    },
    /// What no number may have in it.
    #[error("a number cannot have white space in it, as this has at character {column}")]
    Blank {
        /// Where it is.
        column: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_or_a_part_of_it_is_put_in() {
        let table = [
            ("{number}", "+49911", "+49911"),
            ("{number:0}", "+49911", "+49911"),
            ("{number:1}", "+49911", "49911"),
            ("0{number:3}", "+49911", "0911"),
            ("00{number:1}#", "+49911", "0049911#"),
            ("{number:-3}", "+49911", "911"),
            ("{number:-3}", "11", "11"),
            ("{number:-0}", "+49911", "+49911"),
            ("{number:3}", "12", ""),
            ("{number:3}", "123", ""),
            ("9{number:99999999999999999999999}", "12", "9"),
            ("{number:2}{number}", "123", "3123"),
            ("100", "+49911", "100"),
            ("{number:1}", "ä1", "1"),
        ];
        for (text, number, replaced) in table {
            let replacement = Replacement::parse(text).unwrap();
            assert_eq!(replacement.apply(number), replaced, "{text} {number}");
            assert_eq!(replacement.to_string(), text);
        }
    }

    #[test]
    fn bad_replacements_say_what_and_where() {
        let unknown = |place: &str, column| BadReplacement::Unknown { place: place.into(), column };
        let table = [
            ("", BadReplacement::Empty),
            ("0{number", BadReplacement::Unclosed { column: 2 }),
            ("{number}}", BadReplacement::Unopened { column: 9 }),
            ("}{", BadReplacement::Unopened { column: 1 }),
            ("0{nmber}", unknown("{nmber}", 2)),
            ("{}", unknown("{}", 1)),
            ("{number:}", unknown("{number:}", 1)),
            ("{number:x}", unknown("{number:x}", 1)),
            ("{number:+1}", unknown("{number:+1}", 1)),
            ("{number:--1}", unknown("{number:--1}", 1)),
            ("ä{number :1}", unknown("{number :1}", 2)),
            ("{{number}}", unknown("{{number}", 1)),
            ("0 {number}", BadReplacement::Blank { column: 2 }),
            ("{\u{1b}[31m}", unknown("{\\u{1b}[31m}", 1)),
            (&format!("{{{}}}", "x".repeat(1000)), unknown(&format!("{{{}…", "x".repeat(39)), 1)),
        ];
        for (text, bad) in table {
            assert_eq!(Replacement::parse(text), Err(bad), "{text}");
        }
    }

    /// As long as nobody would write it, and read all the same.
    #[test]
    fn reading_takes_no_longer_for_each_character_of_a_long_text() {
        let replacement = Replacement::parse(&"ä{number}".repeat(200_000)).unwrap();
        assert_eq!(replacement.apply("").chars().count(), 200_000);
    }
}
