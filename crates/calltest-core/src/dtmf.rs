//! DTMF digits: which ones a test sends, and whether those received are the right ones.

mod pattern;

use crate::evidence::{Fact, Observation};
use crate::expectation::ExpectedDigits;

pub use pattern::DigitPattern;

/// The digits that are drawn unless a test says otherwise. Letters are not passed on everywhere, and intermediate systems take
/// `*` and `#` for themselves.
pub const DECIMAL: &str = "0123456789";

/// All sixteen digits of DTMF (ITU-T Q.23).
pub const ALL: &str = "0123456789*#ABCD";

/// Draws the digits for one direction from an alphabet, which must not be empty.
///
/// From three to seven digits exactly one is doubled, in the middle, since a doubled digit is what a bad detector merges;
/// no other two neighbours are equal. Fewer and more digits are independent. `random` gives the randomness, one value
/// drawn for each digit.
pub fn draw_digits(alphabet: &str, len: usize, mut random: impl FnMut() -> u32) -> String {
    let alphabet: Vec<char> = alphabet.chars().collect();
    let has_one_pair = (3..=7).contains(&len) && alphabet.len() > 1;
    let pair_at = len / 2;
    let mut drawn: Vec<usize> = Vec::with_capacity(len);
    for position in 0..len {
        let next = match drawn.last() {
            Some(previous) if has_one_pair && position == pair_at => *previous,
            // One of the others: some steps further round the alphabet.
            Some(previous) if has_one_pair => (previous + 1 + below(alphabet.len() - 1, random())) % alphabet.len(),
            _ => below(alphabet.len(), random()),
        };
        drawn.push(next);
    }
    drawn.into_iter().map(|index| alphabet[index]).collect()
}

/// Maps a random value evenly enough to `0..bound`, which is not above 16.
fn below(bound: usize, random: u32) -> usize {
    let scaled = (u64::try_from(bound).expect("an alphabet is short") * u64::from(random)) >> 32;
    usize::try_from(scaled).expect("the product's upper half is below the bound")
}

/// Reads digits as they come in and compares them with those expected.
#[derive(Debug, Clone)]
pub struct DigitReader<'a> {
    expected: &'a str,
    may_repeat: bool,
    received: usize,
    matched: usize,
    fault: Option<DigitFault>,
}

/// What is wrong with received digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigitFault {
    /// The digit at this position, counted from one, is another one than expected.
    Wrong {
        /// Which digit, counted from one.
        position: usize,
    },
    /// More digits than expected came in.
    Extra,
    /// Fewer digits than expected came in.
    Missing,
}

impl<'a> DigitReader<'a> {
    /// Starts before the first digit. With `may_repeat`, a digit equal to the last accepted one is passed over where the
    /// next expected one differs.
    pub fn new(expected: &'a str, may_repeat: bool) -> Self {
        Self { expected, may_repeat, received: 0, matched: 0, fault: None }
    }

    /// Reads the digits among these facts, which are all of the side that should receive them.
    pub fn read_all<'f>(expected: &'a ExpectedDigits, facts: impl Iterator<Item = &'f Fact>) -> Self {
        let mut reader = Self::new(&expected.digits, expected.may_repeat);
        for fact in facts {
            if let Observation::DigitReceived { digit, .. } = fact.what {
                reader.read(digit);
            }
        }
        reader
    }

    /// Takes the next received digit.
    pub fn read(&mut self, digit: char) {
        self.received += 1;
        if self.fault.is_some() {
            return;
        }
        let next = self.expected[self.matched..].chars().next();
        let last = self.expected[..self.matched].chars().next_back();
        match next {
            Some(next) if next == digit => self.matched += next.len_utf8(),
            _ if self.may_repeat && last == Some(digit) => {}
            Some(_) => self.fault = Some(DigitFault::Wrong { position: self.received }),
            None => self.fault = Some(DigitFault::Extra),
        }
    }

    /// Whether all expected digits have come in, and nothing else.
    pub fn is_complete(&self) -> bool {
        self.fault.is_none() && self.matched == self.expected.len()
    }

    /// What is wrong already, whatever may still come.
    pub fn fault_so_far(&self) -> Option<DigitFault> {
        self.fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small deterministic generator (Knuth's MMIX constants), good enough to try many draws.
    fn lcg(seed: u64) -> impl FnMut() -> u32 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 32) as u32
        }
    }

    #[test]
    fn three_to_seven_digits_have_one_pair_in_the_middle() {
        for seed in 0..500 {
            for len in 3..=7 {
                let digits = draw_digits(DECIMAL, len, lcg(seed)).into_bytes();
                assert_eq!(digits.len(), len);
                let pairs: Vec<usize> = (1..len).filter(|at| digits[*at] == digits[at - 1]).collect();
                assert_eq!(pairs, [len / 2], "{digits:?}");
            }
        }
    }

    #[test]
    fn any_length_can_be_drawn_and_every_digit_occurs() {
        for len in [0, 1, 2, 8, 1000] {
            assert_eq!(draw_digits(DECIMAL, len, lcg(7)).len(), len);
        }
        let many = draw_digits(DECIMAL, 1000, lcg(1));
        assert!(('0'..='9').all(|digit| many.contains(digit)));
    }

    // field telephony 41 | Digits that a test chooses, such as `*`, `#` and A to D | they are sent, as drawn or as given | an alphabet of one; all sixteen; the same digits both ways
    #[test]
    fn digits_are_drawn_from_any_alphabet() {
        assert_eq!(draw_digits("7", 5, lcg(3)), "77777");
        let two = draw_digits("*#", 5, lcg(3));
        assert!(two.chars().all(|digit| "*#".contains(digit)), "{two}");
        let many = draw_digits(ALL, 1000, lcg(1));
        assert!(ALL.chars().all(|digit| many.contains(digit)), "{many}");
    }

    #[test]
    fn digits_are_compared() {
        use DigitFault::{Extra, Missing, Wrong};
        let table = [
            ("04427", "04427", false, None),
            ("04427", "0442", false, Some(Missing)),
            ("04427", "", false, Some(Missing)),
            ("04427", "0427", false, Some(Wrong { position: 3 })),
            ("04427", "044271", false, Some(Extra)),
            ("04427", "044277", false, Some(Extra)),
            ("04427", "5", false, Some(Wrong { position: 1 })),
            ("04427", "00444427777", true, None),
            ("04427", "0427", true, Some(Wrong { position: 3 })),
            ("04427", "044271", true, Some(Extra)),
            ("", "", false, None),
            ("", "1", true, Some(Extra)),
        ];
        for (expected, received, may_repeat, fault) in table {
            let mut reader = DigitReader::new(expected, may_repeat);
            received.chars().for_each(|digit| reader.read(digit));
            let is_missing = fault == Some(Missing);
            assert_eq!(reader.fault_so_far(), fault.filter(|_| !is_missing), "{expected} {received} {may_repeat}");
            assert_eq!(reader.is_complete(), fault.is_none(), "{expected} {received} {may_repeat}");
        }
    }
}
