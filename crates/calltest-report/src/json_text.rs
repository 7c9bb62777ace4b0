//! JSON as it goes to a terminal or a file that is read line by line: the same values, with escapes for what JSON itself lets
//! stand as it is, and terminals obey or other readers take for the end of a line.

use std::fmt::Write as _;

use serde::Serialize;

use crate::plain_text::is_harmful;

/// A value on one line of JSON.
///
/// # Errors
/// If the value has no JSON form.
pub(crate) fn line(value: &impl Serialize) -> serde_json::Result<String> {
    let json = serde_json::to_string(value)?;
    Ok(if json.contains(is_harmful) { escaped(&json) } else { json })
}

/// Between its strings, JSON on one line has nothing harmful, and in them an escape means the same.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len() + 64);
    for character in json.chars() {
        if is_harmful(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_the_same_and_nothing_in_the_line_is_harmful() {
        let text: String = (0..=0x10_ffff).filter_map(char::from_u32).collect();
        let line = line(&text).unwrap();
        assert!(!line.contains(is_harmful));
        assert!(line.contains("\\u009b") && line.contains("\\u2028") && line.contains("\\udb40\\udc01"));
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }
}
