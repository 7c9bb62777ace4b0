//! Texts of the user's, as messages repeat them.

/// The longest text of the user's that is repeated in a message, in characters.
const MAX_QUOTED: usize = 60;

/// A text of the user's for a message: in backquotes, on one line, not too long.
pub(crate) fn quoted(text: &str) -> String {
    format!("`{}`", shortened(text))
}

/// A text of the user's on one line, not too long, and with nothing in it that a terminal would obey.
pub(crate) fn shortened(text: &str) -> String {
    let mut shortened = String::new();
    for (index, character) in text.chars().enumerate() {
        if index == MAX_QUOTED {
            shortened.push('…');
            break;
        }
        if character.is_control() {
            shortened.extend(character.escape_default());
        } else {
            shortened.push(character);
        }
    }
    shortened
}

/// "`a`, `b` or `c`".
pub(crate) fn one_of(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}
