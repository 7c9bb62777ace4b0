//! Text that strangers may have written, such as a caller ID or the body of an answer, made fit for a terminal and a log: on
//! one line, and without anything that is obeyed rather than shown, or not shown at all.
//!
//! Whoever writes a line for people takes it from here. Our own line ends are added afterwards.

use std::borrow::Cow;

/// What is shown in place of a character that is not.
const IN_ITS_PLACE: &str = "\u{fffd}";

/// Whether a character must not get into a line for people.
pub fn is_harmful(character: char) -> bool {
    // ESC, BEL, line ends, DEL and C1 among them.
    character.is_control()
        || matches!(
            character,
            // Line and paragraph separators, and what turns the order of the text around: marks, embeddings, overrides, isolates.
            '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
            // What takes no room, and so makes two texts look alike.
            | '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// A text on one line, in which each harmful character is replaced by U+FFFD.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.contains(is_harmful) { text.replace(is_harmful, IN_ITS_PLACE).into() } else { text.into() }
}

/// The same, with at most so many characters; if there are more, it says how many.
pub fn shortened(text: &str, longest: usize) -> Cow<'_, str> {
    match text.char_indices().nth(longest) {
        None => printable(text),
        Some((end, _)) => {
            let left_out = text[end..].chars().count();
            format!("{}… and {left_out} more characters", printable(&text[..end])).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_commands_the_terminal_or_ends_the_line() {
        let harmful = [
            "\0\u{1}\u{7}\u{8}\t\n\u{b}\u{c}\r\u{1b}\u{1f}",
            "\u{7f}\u{80}\u{84}\u{85}\u{8d}\u{90}\u{9b}\u{9c}\u{9d}\u{9f}",
            "\u{2028}\u{2029}",
            "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}",
            "\u{ad}\u{180e}\u{200b}\u{200c}\u{200d}\u{2060}\u{2064}\u{206a}\u{206f}\u{feff}\u{fffb}\u{e0001}\u{e0041}",
        ];
        for character in harmful.iter().flat_map(|group| group.chars()) {
            assert_eq!(printable(&format!("+49{character}9")), "+49\u{fffd}9", "{character:?}");
            assert_eq!(shortened(&format!("+49{character}9"), 9), "+49\u{fffd}9", "{character:?}");
        }
    }

    #[test]
    fn what_people_write_stays_as_it_is() {
        for text in
            ["", "+49 911/123-4 <\"x\">", "Müller, Łódź, Αθήνα, 東京, العربية, हिन्दी", "e\u{301} 🙂 \u{a0}…\u{fffd}"]
        {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_by_how_much() {
        assert_eq!(shortened("üüü", 3), "üüü");
        assert_eq!(shortened("üü\n12345", 3), "üü\u{fffd}… and 5 more characters");
        assert_eq!(shortened("x", 0), "… and 1 more characters");
    }
}
