//! What became of digits on their way, in a few words: a pattern says more of its cause than one wrong position does.

use std::fmt;

/// How digits that came in differ from those that were sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DigitPattern {
    /// Each came in this often: two detectors, or one path too many.
    EachRepeated {
        /// How often; at least 2.
        times: usize,
    },
    /// Some came in more than once.
    SomeRepeated {
        /// Which of those sent, counted from one.
        positions: Vec<usize>,
        /// How many were sent.
        of: usize,
    },
    /// Neighbours that are equal came in as one: a pause was not heard.
    PairsMerged,
    /// Some did not come in.
    SomeMissing {
        /// Which of those sent, counted from one.
        positions: Vec<usize>,
        /// How many were sent.
        of: usize,
    },
    /// One came in as another.
    Changed {
        /// Which of those sent, counted from one.
        position: usize,
        /// What came in.
        received: char,
    },
    /// All came in, and then others.
    MoreAfterAll,
    /// All came in, and others before them.
    MoreBeforeAll,
    /// What came in is what this side sent itself: an echo, or the wrong leg.
    OwnDigits,
}

/// So many positions are named one by one.
const NAMED: usize = 4;

impl DigitPattern {
    /// The pattern in what was received, if there is one. `own` are the digits that the receiving side sent itself.
    pub fn of(sent: &str, received: &str, own: Option<&str>) -> Option<Self> {
        if received.is_empty() || sent.is_empty() || received == sent {
            return None;
        }
        if own == Some(received) {
            return Some(Self::OwnDigits);
        }
        let (sent_digits, received_digits): (Vec<char>, Vec<char>) =
            (sent.chars().collect(), received.chars().collect());
        each_repeated(&sent_digits, &received_digits)
            .or_else(|| some_repeated(&sent_digits, &received_digits))
            .or_else(|| received.starts_with(sent).then_some(Self::MoreAfterAll))
            .or_else(|| received.ends_with(sent).then_some(Self::MoreBeforeAll))
            .or_else(|| pairs_merged(&sent_digits, &received_digits))
            .or_else(|| some_missing(&sent_digits, &received_digits))
            .or_else(|| changed(&sent_digits, &received_digits))
    }
}

fn each_repeated(sent: &[char], received: &[char]) -> Option<DigitPattern> {
    let times = received.len() / sent.len();
    let is_it = times > 1 && sent.iter().flat_map(|digit| std::iter::repeat_n(digit, times)).eq(received);
    (is_it && sent.len() > 1).then_some(DigitPattern::EachRepeated { times })
}

/// Which digits came in more often than they were sent, read run by run: `4427` received as `44277` has one 7 too many.
fn some_repeated(sent: &[char], received: &[char]) -> Option<DigitPattern> {
    let (sent_runs, received_runs) = (runs(sent), runs(received));
    let fits = |((one, sent), (other, received)): (&(char, usize), &(char, usize))| one == other && sent <= received;
    if sent_runs.len() != received_runs.len() || !sent_runs.iter().zip(&received_runs).all(fits) {
        return None;
    }
    let mut place = 0;
    let mut positions = Vec::new();
    for ((_, sent), (_, received)) in sent_runs.iter().zip(&received_runs) {
        place += sent;
        // In a run of equal digits, nobody can tell which of them came in once more.
        positions.extend((received > sent).then_some(place));
    }
    Some(DigitPattern::SomeRepeated { positions, of: sent.len() })
}

fn pairs_merged(sent: &[char], received: &[char]) -> Option<DigitPattern> {
    let mut merged = sent.to_vec();
    merged.dedup();
    (merged == received && merged.len() < sent.len()).then_some(DigitPattern::PairsMerged)
}

/// Which digits are missing where the others came in, in their order.
fn some_missing(sent: &[char], received: &[char]) -> Option<DigitPattern> {
    let mut rest = received.iter().peekable();
    let missing = sent.iter().enumerate().filter(|(_, digit)| rest.next_if(|next| next == digit).is_none());
    let positions: Vec<usize> = missing.map(|(index, _)| index + 1).collect();
    rest.next().is_none().then_some(DigitPattern::SomeMissing { positions, of: sent.len() })
}

fn changed(sent: &[char], received: &[char]) -> Option<DigitPattern> {
    if sent.len() != received.len() {
        return None;
    }
    let mut differing = sent.iter().zip(received).enumerate().filter(|(_, (sent, received))| sent != received);
    let (index, (_, received)) = differing.next()?;
    differing.next().is_none().then_some(DigitPattern::Changed { position: index + 1, received: *received })
}

/// Digits with how often each follows itself.
fn runs(digits: &[char]) -> Vec<(char, usize)> {
    digits.chunk_by(|one, other| one == other).map(|run| (run[0], run.len())).collect()
}

impl fmt::Display for DigitPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EachRepeated { times: 2 } => f.write_str("every digit twice"),
            Self::EachRepeated { times } => write!(f, "every digit {times} times"),
            Self::SomeRepeated { positions, of } => match positions[..] {
                [position] if position == *of => f.write_str("last digit twice"),
                [1] => f.write_str("first digit twice"),
                _ => write!(f, "{} more than once", numbers(positions)),
            },
            Self::PairsMerged => f.write_str("equal digits came in as one"),
            Self::SomeMissing { positions, of } => {
                let count = positions.len();
                let are_first = positions.iter().copied().eq(1..=count);
                let are_last = positions.iter().copied().eq(of - count + 1..=*of);
                match (are_first, are_last, count) {
                    (true, _, 1) => f.write_str("first digit missing"),
                    (true, _, _) => write!(f, "first {count} digits missing"),
                    (_, true, 1) => f.write_str("last digit missing"),
                    (_, true, _) => write!(f, "last {count} digits missing"),
                    _ => write!(f, "{} missing", numbers(positions)),
                }
            }
            Self::Changed { position, received } => write!(f, "number {position} came in as {received}"),
            Self::MoreAfterAll => f.write_str("more than were sent"),
            Self::MoreBeforeAll => f.write_str("others came before them"),
            Self::OwnDigits => f.write_str("these are its own: an echo, or the call leads back to itself"),
        }
    }
}

/// Some positions, in words.
fn numbers(positions: &[usize]) -> String {
    let named: Vec<String> = positions.iter().take(NAMED).map(ToString::to_string).collect();
    match (positions.len().saturating_sub(NAMED), named.as_slice()) {
        (0, [one]) => format!("number {one}"),
        (0, [rest @ .., last]) => format!("numbers {} and {last}", rest.join(", ")),
        (more, _) => format!("numbers {} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // field telephony 21 | Digits that come in twice, merged, shifted, cut, changed or as an echo | `fail` that names the pattern | three times; the first, the last, some in the middle; of a pair; nothing like what was sent
    #[test]
    fn what_became_of_digits_is_named() {
        let table = [
            ("27723", "2277777722233", Some("numbers 1, 3, 4 and 5 more than once")),
            ("27723", "2277772233", Some("every digit twice")),
            ("273", "222777333", Some("every digit 3 times")),
            ("27723", "277233", Some("last digit twice")),
            ("27723", "227723", Some("first digit twice")),
            ("27723", "277723", Some("number 3 more than once")),
            ("27723", "2777223", Some("numbers 3 and 4 more than once")),
            ("27723", "2723", Some("equal digits came in as one")),
            ("12345", "2345", Some("first digit missing")),
            ("12345", "345", Some("first 2 digits missing")),
            ("12345", "1234", Some("last digit missing")),
            ("12345", "12", Some("last 3 digits missing")),
            ("12345", "1245", Some("number 3 missing")),
            ("123456789", "19", Some("numbers 2, 3, 4, 5 and 3 more missing")),
            ("12345", "12945", Some("number 3 came in as 9")),
            ("12345", "1234590", Some("more than were sent")),
            ("12345", "*12345", Some("others came before them")),
            ("12345", "67890", Some("these are its own: an echo, or the call leads back to itself")),
            ("12345", "99999", None),
            ("12345", "54321", None),
            ("12345", "", None),
            ("7", "77", Some("last digit twice")),
            ("77", "777", Some("last digit twice")),
            ("*#A", "**##AA", Some("every digit twice")),
        ];
        for (sent, received, said) in table {
            let pattern = DigitPattern::of(sent, received, Some("67890")).map(|pattern| pattern.to_string());
            assert_eq!(pattern.as_deref(), said, "{sent} {received}");
        }
    }
}
