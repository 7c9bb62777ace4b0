//! Parts of what was written, as errors repeat them.

/// The longest text that is repeated, in characters.
const LONGEST: usize = 40;

/// A part of what was written, for an error: not too long, and without what would confuse a terminal.
pub(crate) fn repeated(text: &str) -> String {
    let mut shown = String::new();
    for (index, character) in text.chars().enumerate() {
        if index == LONGEST {
            shown.push('…');
            break;
        }
        match character.is_control() {
            true => shown.extend(character.escape_default()),
            false => shown.push(character),
        }
    }
    shown
}
