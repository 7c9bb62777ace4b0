//! Patterns for numbers, as Asterisk's dialplan writes them: `_+49!`, `_0[2-9]XX.`.
//!
//! What is said here is what `_extension_match_core` in Asterisk's main/pbx.c does, with one difference: a text that
//! Asterisk would take and that could never have been meant is refused. What happens to a number that fits is left to the
//! rules.

use std::fmt;

use crate::repeated::repeated;

/// What a number is compared with: a literal number, or after a leading `_` a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: String,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Form {
    /// The characters that count.
    Literal(String),
    /// One set for each character, and what may follow.
    Sets(Vec<Set>, Rest),
}

/// The characters that fit in one place, as ranges that include both ends.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Set(Vec<(char, char)>);

/// What may follow the last set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Rest {
    Nothing,
    /// `.`
    Something,
    /// `!`
    Anything,
}

impl Pattern {
    /// Reads a pattern: after a leading `_`, X is 0-9, Z is 1-9, N is 2-9 (in either case), `[0-9a-c]` is one of these,
    /// `.` is one or more characters, `!` none or more; everything else stands for itself, and without the `_` everything
    /// does. Dashes and blanks count only in sets.
    ///
    /// # Errors
    /// Tells what is wrong, and at which character.
    pub fn parse(text: &str) -> Result<Self, BadPattern> {
        let form = match text.strip_prefix('_') {
            Some(pattern) => sets(pattern)?,
            None => Form::Literal(text.chars().filter(counts).collect()),
        };
        let is_empty = match &form {
            Form::Literal(number) => number.is_empty(),
            Form::Sets(sets, rest) => sets.is_empty() && *rest == Rest::Nothing,
        };
        if is_empty {
            return Err(BadPattern::Empty);
        }
        Ok(Self { text: text.into(), form })
    }

    /// Whether a number fits. Dashes and blanks in it do not count.
    pub fn matches(&self, number: &str) -> bool {
        let mut characters = number.chars().filter(counts);
        match &self.form {
            Form::Literal(literal) => characters.eq(literal.chars()),
            Form::Sets(sets, rest) => {
                sets.iter().all(|set| characters.next().is_some_and(|character| set.contains(character)))
                    && match rest {
                        Rest::Nothing => characters.next().is_none(),
                        Rest::Something => characters.next().is_some(),
                        Rest::Anything => true,
                    }
            }
        }
    }

    /// Whether this is a number as it is, not a pattern for many.
    pub fn is_literal(&self) -> bool {
        matches!(self.form, Form::Literal(_))
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Set {
    fn of(first: char, last: char) -> Self {
        Self(vec![(first, last)])
    }

    fn contains(&self, character: char) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&character))
    }
}

/// Whether a character is more than a separator for the reader's eye.
pub(crate) fn counts(character: &char) -> bool {
    !matches!(character, '-' | ' ')
}

fn sets(pattern: &str) -> Result<Form, BadPattern> {
    // Columns are counted from 1, and the first one holds the `_`.
    let mut characters = pattern.chars().zip(2..);
    let mut sets = Vec::new();
    while let Some((character, column)) = characters.next() {
        sets.push(match character {
            'X' | 'x' => Set::of('0', '9'),
            'Z' | 'z' => Set::of('1', '9'),
            'N' | 'n' => Set::of('2', '9'),
            '[' => {
                let mut is_closed = false;
                let is_inside = |character: &char| {
                    is_closed = *character == ']';
                    !is_closed
                };
                let inside: Vec<char> = characters.by_ref().map(|(inside, _)| inside).take_while(is_inside).collect();
                if !is_closed {
                    return Err(BadPattern::UnclosedSet { column });
                }
                set(&inside, column)?
            }
            '.' | '!' => {
                if let Some((_, column)) = characters.find(|(after, _)| counts(after)) {
                    return Err(BadPattern::AfterTheRest { rest: character, column });
                }
                let rest = if character == '.' { Rest::Something } else { Rest::Anything };
                return Ok(Form::Sets(sets, rest));
            }
            separator if !counts(&separator) => continue,
            literal => Set::of(literal, literal),
        });
    }
    Ok(Form::Sets(sets, Rest::Nothing))
}

/// What stands between brackets, the first of them in `column`. A dash at either end stands for itself.
fn set(inside: &[char], column: usize) -> Result<Set, BadPattern> {
    let mut ranges = Vec::new();
    let mut index = 0;
    while let Some(first) = inside.get(index) {
        match inside.get(index + 1..index + 3) {
            Some(['-', last]) if first > last => {
                return Err(BadPattern::InvertedRange { first: *first, last: *last, column: column + index + 1 });
            }
            Some(['-', last]) => {
                ranges.push((*first, *last));
                index += 3;
            }
            _ => {
                ranges.push((*first, *first));
                index += 1;
            }
        }
    }
    if ranges.is_empty() { Err(BadPattern::EmptySet { column }) } else { Ok(Set(ranges)) }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A character of what was written, for an error.
fn shown(character: char) -> String {
    repeated(character.encode_utf8(&mut [0; 4]))
}

/// Why a text is no pattern. Columns count characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// Nothing that counts.
    #[error("a pattern cannot be empty")]
    Empty,
    /// A bracket without its partner.
    #[error("the set that begins at character {column} is not closed: a `]` is missing")]
    UnclosedSet {
        /// Where it begins.
        column: usize,
    },
    /// Brackets with nothing in them.
    #[error("the set at character {column} is empty")]
    EmptySet {
        /// Where it begins.
        column: usize,
    },
    /// A range whose end comes before its beginning.
    #[error("the range `{}-{}` at character {column} runs backwards", shown(*first), shown(*last))]
    InvertedRange {
        /// Its first character as written.
        first: char,
        /// Its last character as written.
        last: char,
        /// Where it begins.
        column: usize,
    },
    /// Something behind what takes all that is left.
    #[error("nothing may follow `{rest}`, which stands for all that is left of a number (character {column})")]
    AfterTheRest {
        /// `.` or `!`.
        rest: char,
        /// Where what follows begins.
        column: usize,
    },
}

impl BadPattern {
    /// Where it is wrong.
    pub fn column(&self) -> usize {
        match self {
            Self::Empty => 1,
            Self::UnclosedSet { column }
            | Self::EmptySet { column }
            | Self::InvertedRange { column, .. }
            | Self::AfterTheRest { column, .. } => *column,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(pattern: &str, fits: &[&str], differs: &[&str]) {
        let parsed = Pattern::parse(pattern).unwrap();
        assert_eq!(parsed.to_string(), pattern);
        for number in fits {
            assert!(parsed.matches(number), "{pattern} should take {number:?}");
        }
        for number in differs {
            assert!(!parsed.matches(number), "{pattern} should not take {number:?}");
        }
    }

    #[test]
    fn letters_stand_for_digits() {
        check("_X", &["0", "9"], &["", "00", "x", "X", "*", "+"]);
        check("_Z", &["1", "9"], &["0", "Z"]);
        check("_N", &["2", "9"], &["0", "1", "N"]);
        check("_xzn", &["012", "999"], &["xzn", "002", "011"]);
        check("_NXXNXXXXXX", &["2125550123"], &["2120550123", "12125550123", "212555012"]);
    }

    #[test]
    fn the_rest_of_a_number_may_be_anything() {
        check("_+49!", &["+49", "+49911", "+49x"], &["+4", "49", "+50", ""]);
        check("_+49.", &["+491", "+49abc"], &["+49", "+4"]);
        check("_!", &["", "0", "+49", "fone1"], &[]);
        check("_.", &["0", "+49"], &[""]);
        check("_X!", &["112", "1x"], &["+49", "fone"]);
    }

    #[test]
    fn sets_hold_characters_and_ranges() {
        check("_[01]!", &["0", "1212"], &["212", "", "+1"]);
        check("_[0-9a-c]", &["0", "9", "a", "c"], &["d", "A", "-", ""]);
        check("_[+*#]", &["+", "*", "#"], &["1"]);
        check("_[15-7]", &["1", "5", "6", "7"], &["2", "4", "8"]);
        check("_[a-]", &["a"], &["b", "]"]);
        check("_[-9]", &["9"], &["1", "0"]);
        check("_[.!]", &[".", "!"], &["1"]);
        check("_[X]", &["X"], &["1", "x"]);
    }

    #[test]
    fn everything_else_stands_for_itself() {
        check("_+1", &["+1"], &["1", "+2"]);
        check("_Abc", &["Abc"], &["abc", "ABC"]);
        check("112", &["112"], &["1120", "11", "0112", ""]);
        check("fone1", &["fone1"], &["Fone1", "fone"]);
        check("X", &["X"], &["1", "x"]);
        check("[12]", &["[12]"], &["1"]);
        check("_1]", &["1]"], &["1"]);
    }

    #[test]
    fn dashes_and_blanks_are_for_the_eye() {
        check("_0911-X!", &["09111", "0911-1", "09-11 12"], &["0911", "0911-"]);
        check("_0 911.", &["09111"], &["0911", "0911-"]);
        check("0911-123", &["0911123", "0911-123"], &["0911-12"]);
        check("_1!-", &["1"], &["2"]);
    }

    #[test]
    fn bad_patterns_say_what_and_where() {
        let table = [
            ("", BadPattern::Empty),
            ("-", BadPattern::Empty),
            ("_", BadPattern::Empty),
            ("_- ", BadPattern::Empty),
            ("_[", BadPattern::UnclosedSet { column: 2 }),
            ("_0[12", BadPattern::UnclosedSet { column: 3 }),
            ("_[1][", BadPattern::UnclosedSet { column: 5 }),
            ("_0[]1", BadPattern::EmptySet { column: 3 }),
            ("_0[9-0]", BadPattern::InvertedRange { first: '9', last: '0', column: 4 }),
            ("_[0-9c-a]", BadPattern::InvertedRange { first: 'c', last: 'a', column: 6 }),
            ("_0.1", BadPattern::AfterTheRest { rest: '.', column: 4 }),
            ("_0!-.", BadPattern::AfterTheRest { rest: '!', column: 5 }),
        ];
        for (text, bad) in table {
            assert_eq!(Pattern::parse(text), Err(bad.clone()), "{text}");
            assert!((1..=text.len().max(1)).contains(&bad.column()), "{text}");
        }
    }

    #[test]
    fn what_is_repeated_has_nothing_that_a_terminal_obeys() {
        let bad = Pattern::parse("_[\u{1b}-\u{7}]").unwrap_err();
        assert_eq!(bad.to_string(), "the range `\\u{1b}-\\u{7}` at character 3 runs backwards");
    }

    /// As long as nobody would write it, and read all the same.
    #[test]
    fn reading_takes_no_longer_for_each_character_of_a_long_text() {
        let sets = format!("_{}", "[0-9]".repeat(200_000));
        assert!(Pattern::parse(&sets).unwrap().matches(&"1".repeat(200_000)));
    }

    /// A second way to say what a pattern means: every number of up to so many characters that fits, found by trying each
    /// character of the alphabet in each place. It shares nothing with the parser above but this alphabet.
    mod reference {
        pub(super) const ALPHABET: &[char] =
            &['0', '1', '2', '3', '8', '9', '+', '*', 'a', 'b', 'c', 'X', 'n', '-', '.'];

        /// Whether `number` fits the `tokens`, by going through both from the left and trying every length for the rest.
        pub(super) fn fits(tokens: &[String], number: &[char]) -> bool {
            if let Some((&'-', rest)) = number.split_first() {
                return fits(tokens, rest);
            }
            let Some((token, further)) = tokens.split_first() else { return number.is_empty() };
            match (&**token, number.split_first()) {
                ("-", _) => fits(further, number),
                ("!", _) => (0..=number.len()).any(|taken| fits(further, &number[taken..])),
                (".", _) => {
                    let significant = |taken: usize| number[..taken].iter().any(|c| *c != '-');
                    (1..=number.len()).any(|taken| significant(taken) && fits(further, &number[taken..]))
                }
                (_, None) => false,
                (token, Some((character, rest))) => regex_class(token).contains(*character) && fits(further, rest),
            }
        }

        /// The characters of the alphabet that a token stands for, written out.
        fn regex_class(token: &str) -> String {
            match token {
                "X" | "x" => "0123456789".into(),
                "Z" | "z" => "123456789".into(),
                "N" | "n" => "23456789".into(),
                set if set.len() > 1 => {
                    let inside: Vec<char> = set[1..set.len() - 1].chars().collect();
                    let mut class = String::new();
                    let mut at = 0;
                    while at < inside.len() {
                        let is_range = at + 2 < inside.len() && inside[at + 1] == '-';
                        let last = if is_range { inside[at + 2] } else { inside[at] };
                        class.extend(ALPHABET.iter().filter(|c| **c >= inside[at] && **c <= last));
                        at += if is_range { 3 } else { 1 };
                    }
                    class
                }
                literal => literal.into(),
            }
        }
    }

    fn token() -> impl Strategy<Value = String> {
        let single = prop::sample::select(vec!["X", "x", "Z", "z", "N", "n", "0", "1", "2", "9", "+", "*", "a", "-"]);
        let set = prop::sample::select(vec!["[01]", "[0-9]", "[2-8a-b]", "[a-c+]", "[-1]", "[1-]", "[*X.]", "[8-8]"]);
        prop_oneof![4 => single, 1 => set].prop_map(String::from)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn patterns_agree_with_the_reference(
            mut tokens in prop::collection::vec(token(), 0..6),
            rest in prop::sample::select(vec!["", ".", "!"]),
            number in prop::collection::vec(prop::sample::select(reference::ALPHABET), 0..8),
        ) {
            tokens.extend(Some(rest.to_owned()).filter(|rest| !rest.is_empty()));
            let number: Vec<char> = number.into_iter().collect();
            let text = format!("_{}", tokens.concat());
            let parsed = Pattern::parse(&text);
            if tokens.iter().all(|token| token == "-") {
                prop_assert_eq!(parsed, Err(BadPattern::Empty));
            } else {
                let typed: String = number.iter().collect();
                prop_assert_eq!(parsed.unwrap().matches(&typed), reference::fits(&tokens, &number), "{} {}", text, typed);
            }
        }

        /// A number that is made to fit, since one drawn at random seldom does.
        #[test]
        fn numbers_made_for_a_pattern_fit(
            pairs in prop::collection::vec(prop::sample::select(vec![
                ("X", "0"), ("X", "9"), ("z", "1"), ("N", "2"), ("[0-9]", "5"), ("[a-c+]", "+"), ("+", "+"), ("-", ""), ("b", "b"),
            ]), 1..12),
            tail in "[0-9a-z+*#]{0,6}",
        ) {
            let (pattern, number): (String, String) = pairs.iter().map(|(pattern, digit)| (*pattern, *digit)).unzip();
            let open = Pattern::parse(&format!("_{pattern}!")).unwrap();
            let longer = format!("{number}{tail}");
            prop_assert!(open.matches(&longer), "_{}! {}", pattern, longer);
            let more = Pattern::parse(&format!("_{pattern}.")).unwrap();
            prop_assert_eq!(more.matches(&longer), !tail.is_empty());
            if !number.is_empty() {
                let exact = Pattern::parse(&format!("_{pattern}")).unwrap();
                prop_assert_eq!(exact.matches(&longer), tail.is_empty());
            }
        }

        #[test]
        fn no_text_breaks_the_parser(text in "[_XZN0-9\\[\\]\\-.!+a-c ä]{0,12}", number in "[0-9+a-c\\- ä]{0,8}") {
            match Pattern::parse(&text) {
                Ok(pattern) => drop(pattern.matches(&number)),
                Err(bad) => prop_assert!(bad.column() <= text.chars().count().max(1), "{:?}", bad),
            }
        }
    }
}
