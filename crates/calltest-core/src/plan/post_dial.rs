//! Dialling on: digits that are sent once a call is answered, to get behind an attendant or to use a feature of the far end.

use std::fmt;
use std::time::Duration;

/// What is dialled on with: digits, each series after a pause. In writing each `,` is half a second: `,,12,3#` waits a second,
/// sends `12`, waits half a second and sends `3#`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PostDial {
    steps: Vec<PostDialStep>,
}

/// A pause, and the digits after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostDialStep {
    /// How long nothing is sent before.
    pub pause: Duration,
    /// The digits: 0-9, `*`, `#`, A-D. None at the end of the text, where only a pause stands.
    pub digits: String,
}

/// The pause that one `,` stands for.
const COMMA: Duration = Duration::from_millis(500);

/// Why a text cannot be dialled on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot be dialled on with: only digits, `*`, `#`, A to D, and `,` for half a second can")]
pub struct BadPostDial(char);

impl PostDial {
    /// The number that a text begins with, and what stands from the first `,` on.
    pub fn split(text: &str) -> (&str, &str) {
        text.split_at(text.find(',').unwrap_or(text.len()))
    }

    /// Reads what stands from the first `,` on, or nothing.
    ///
    /// # Errors
    /// If something else than digits and commas is in it.
    pub fn parse(text: &str) -> Result<Self, BadPostDial> {
        let mut steps: Vec<PostDialStep> = Vec::new();
        for symbol in text.chars() {
            match symbol.to_ascii_uppercase() {
                ',' => match steps.last_mut().filter(|step| step.digits.is_empty()) {
                    Some(step) => step.pause += COMMA,
                    None => steps.push(PostDialStep { pause: COMMA, digits: String::new() }),
                },
                digit @ ('0'..='9' | '*' | '#' | 'A'..='D') => match steps.last_mut() {
                    Some(step) => step.digits.push(digit),
                    None => return Err(BadPostDial(symbol)),
                },
                _ => return Err(BadPostDial(symbol)),
            }
        }
        Ok(Self { steps })
    }

    /// Whether nothing is dialled on with.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The pauses and digits, in their order.
    pub fn steps(&self) -> &[PostDialStep] {
        &self.steps
    }
}

impl fmt::Display for PostDial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps.iter().try_for_each(|PostDialStep { pause, digits }| {
            let commas = pause.as_millis() / COMMA.as_millis();
            (0..commas).try_for_each(|_| f.write_str(","))?;
            f.write_str(digits)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_and_written_alike() {
        let steps = |text| {
            let read = PostDial::parse(text).unwrap();
            assert_eq!(read.to_string(), text.to_uppercase());
            read.steps.into_iter().map(|step| (step.pause.as_millis(), step.digits)).collect::<Vec<_>>()
        };
        assert_eq!(steps(",,12,3#"), [(1000, "12".to_owned()), (500, "3#".to_owned())]);
        assert_eq!(steps(",*a"), [(500, "*A".to_owned())]);
        assert_eq!(steps(",1,,"), [(500, "1".to_owned()), (1000, String::new())]);
        assert!(PostDial::parse("").unwrap().is_empty());
        for bad in ["12", ",w", ", 1", ",1e", ",+49", ",\u{664}"] {
            assert!(PostDial::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(PostDial::split("+4930,,12#"), ("+4930", ",,12#"));
        assert_eq!(PostDial::split("4711"), ("4711", ""));
    }
}
