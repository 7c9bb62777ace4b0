//! What can be read in a text that is dialled: the number, whatever it is wrapped in.
//!
//! Servers, telephone systems and exchanges on the way each take something off: percent-encoding, the parts of a URI, digits
//! of other scripts, separators, pauses. Whoever guards a number has to see it as the last of them does. What a number means
//! once it is legible is left to the guard.

mod digits;

use digits::ascii;

/// How often a text is decoded. No way has so many stations that decode.
const MAX_STAGES: usize = 16;

/// A text as each station could see it: as it is, and decoded once more each time, with digits that all understand.
pub(crate) fn stages(text: &str) -> Vec<String> {
    let mut stages = vec![text.chars().map(ascii).collect::<String>()];
    while stages.len() < MAX_STAGES {
        let last = stages.last().map_or("", String::as_str);
        let next: String = percent_decoded(last).chars().map(ascii).collect();
        if next == last {
            break;
        }
        stages.push(next);
    }
    stages
}

/// The numbers that can be read in a text, with nothing left in them but `+`, `*`, `#`, digits, and the letters of a name.
pub(crate) fn numbers(text: &str) -> Vec<String> {
    let mut numbers = Vec::new();
    for stage in stages(text) {
        // A display name stands before the angle brackets, parameters behind a `;`, headers behind a `?`.
        let parts = stage.split(['<', '>']).map(|part| part.split([';', '?']).next().unwrap_or(part));
        for part in parts {
            let user = part.rsplit_once('@').map_or(part, |(user, _)| user);
            for token in user.split(['@', ':', '"', '\'', '&', '=', '|', '\\', '`']) {
                let pieces = token.split('/').filter(|piece| *piece != token);
                for number in std::iter::once(token).chain(pieces).flat_map(spoken) {
                    if !number.is_empty() && !numbers.contains(&number) {
                        numbers.push(number);
                    }
                }
            }
        }
    }
    numbers
}

/// What of a token is dialled: without what people put between digits, and up to a pause or whatever else a channel driver
/// takes for itself (`112w1`, `112c`); `#` or `*` at the end says that the number is complete.
fn spoken(token: &str) -> [String; 3] {
    let said: String = token.chars().filter(|c| c.is_alphanumeric() || matches!(c, '+' | '*' | '#' | ',')).collect();
    let said = match said.find(|c| !is_pause(c)) {
        Some(at) if said[at..].starts_with(is_dialled) => &said[at..],
        _ => &said,
    };
    // A pause waits for the dial tone of an outside line; telephone lines dial on behind it.
    let behind_pause = said.find(is_pause).filter(|at| (1..=2).contains(at) && said[..*at].chars().all(is_dialled));
    let behind_pause = behind_pause.map_or("", |at| said[at..].trim_start_matches(is_pause));
    [up_to_a_letter(said), up_to_a_letter(&said.replace(is_pause, "")), up_to_a_letter(behind_pause)]
}

fn is_pause(character: char) -> bool {
    matches!(character, 'w' | 'W' | 'p' | 'P' | 't' | 'T' | ',')
}

fn is_dialled(character: char) -> bool {
    character.is_ascii_digit() || matches!(character, '+' | '*' | '#')
}

fn up_to_a_letter(said: &str) -> String {
    let begins = said.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
    let ends = said[begins..].find(|c: char| c.is_alphabetic() || c == ',').map_or(said.len(), |at| begins + at);
    said[..ends].trim_end_matches(['#', '*']).to_owned()
}

/// The text with every `%31` replaced, once.
pub(crate) fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.extend(u8::try_from(high * 16 + low));
                at += 3;
            }
            _ => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_in_whatever_it_is_wrapped() {
        let wrapped = [
            "112",
            "%31%31%32",
            "1%312",
            "%2531%2531%2532",
            "%252531%252531%252532",
            "<sip:112@host>",
            "\"x\" <sip:112@h>",
            "x <112>",
            "sip:112",
            "SIPS:112@h:5061",
            "tel:112",
            "112;user=phone",
            "112%3buser=phone",
            "112%3Buser=phone@h",
            "112@h",
            "112%40h",
            "112@x@h",
            "112:secret",
            "１１２",
            "١١٢",
            "۱۱۲",
            "१১2",
            "¹¹²",
            "①①②",
            "1-1-2",
            "1.1.2",
            "(112)",
            "1/12",
            "1 1 2",
            "1\u{200b}12",
            "1\u{a0}12",
            "1–1–2",
            "112#",
            "112*",
            "112w1",
            "112,1",
            "112c",
            "p112",
            "w112",
            "W112",
            "ww112",
            "112?Subject=x",
            "5&112",
            "alice&PJSIP/112@x",
            "'112'",
        ];
        for text in wrapped {
            assert!(numbers(text).iter().any(|number| number == "112"), "{text}: {:?}", numbers(text));
        }
    }

    #[test]
    fn what_is_no_part_of_the_number_is_not_read() {
        for text in ["fone112", "5@10.0.0.112", "sip:5@host:112", "5;ext=112", "1120", "x112y", "0911123w112", "alice"]
        {
            assert!(!numbers(text).iter().any(|number| number == "112"), "{text}: {:?}", numbers(text));
        }
        assert!(numbers("").is_empty() && numbers("%").is_empty());
        assert_eq!(numbers("+49 (911) 123"), ["+49911123"]);
        assert_eq!(numbers("*31#0911"), ["*31#0911"]);
    }

    #[test]
    fn decoding_comes_to_an_end() {
        assert_eq!(stages(&format!("%{}31", "25".repeat(400))).len(), MAX_STAGES);
        assert_eq!(percent_decoded("%zz%4"), "%zz%4");
        assert_eq!(percent_decoded("%ff"), "\u{fffd}");
    }
}
