//! Flags and numbers, read as PyYAML (YAML 1.1) reads them, because that is what existing files were written for.
//!
//! What else a text may have to be is left to `readers`.

/// Why a text does not fit its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BadValue {
    /// It is something else altogether; this is what was expected, for "expected …".
    Expected(String),
    /// It is of the right kind, but wrong: a sentence about it.
    Wrong(String),
}

impl BadValue {
    pub(crate) fn expected(what: impl Into<String>) -> Self {
        Self::Expected(what.into())
    }
}

/// How PyYAML spells "nothing" when it is not quoted.
pub(crate) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// A boolean of YAML 1.1, without the one-letter forms that PyYAML does not know either.
pub(crate) fn flag(text: &str) -> Result<bool, BadValue> {
    const TRUE: [&str; 3] = ["yes", "true", "on"];
    const FALSE: [&str; 3] = ["no", "false", "off"];
    let is_one_of = |words: [&str; 3]| words.iter().any(|word| is_word(text, word));
    match (is_one_of(TRUE), is_one_of(FALSE)) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => Err(BadValue::expected("yes or no")),
    }
}

/// Whether a text is that word in lower case, with a capital letter, or in capitals.
fn is_word(text: &str, word: &str) -> bool {
    let is_capitalised = || text.chars().next().is_some_and(|c| c.is_ascii_uppercase()) && text[1..] == word[1..];
    text.eq_ignore_ascii_case(word) && (text == word || text == word.to_ascii_uppercase() || is_capitalised())
}

/// A number of YAML 1.1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Integer(i64),
    Real(f64),
}

impl Number {
    pub(crate) fn as_f64(self) -> f64 {
        match self {
            // What matters here is far below 2^53.
            Self::Integer(integer) => integer as f64,
            Self::Real(real) => real,
        }
    }
}

/// Reads a number as PyYAML does: `30`, `1_000`, `.5`, `0x1f`, octal `010`, sexagesimal `1:30`; besides, `1e3`.
pub(crate) fn number(text: &str) -> Option<Number> {
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (if text.starts_with('-') { -1 } else { 1 }, digits),
        None => (1, text),
    };
    let plain = digits.replace('_', "");
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if matches!(digits, ".inf" | ".Inf" | ".INF") {
        return Some(Number::Real(f64::INFINITY * f64::from(sign)));
    }
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Number::Real(f64::NAN));
    }
    if let Some(integer) = integer(&plain) {
        return integer.checked_mul(i64::from(sign)).map(Number::Integer);
    }
    let real = if plain.contains(':') { sexagesimal(&plain)? } else { decimal(&plain)? };
    let real = real * f64::from(sign);
    let is_whole = real.fract() == 0.0 && real.abs() < 2f64.powi(53) && !plain.contains('.');
    Some(if is_whole { Number::Integer(real as i64) } else { Number::Real(real) })
}

fn integer(digits: &str) -> Option<i64> {
    let in_base =
        |digits: &str, base| i64::from_str_radix(digits, base).ok().filter(|_| !digits.starts_with(['-', '+']));
    if let Some(binary) = digits.strip_prefix("0b") {
        return in_base(binary, 2);
    }
    if let Some(hexadecimal) = digits.strip_prefix("0x") {
        return in_base(hexadecimal, 16);
    }
    match digits.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => in_base(octal, 8),
        _ => in_base(digits, 10),
    }
}

/// `1:30` is a minute and a half.
fn sexagesimal(digits: &str) -> Option<f64> {
    let mut value = 0.0;
    for (index, part) in digits.split(':').enumerate() {
        let is_plain =
            part.starts_with(|c: char| c.is_ascii_digit()) && part.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let part: f64 = part.parse().ok().filter(|part| is_plain && (index == 0 || *part < 60.0))?;
        value = value * 60.0 + part;
    }
    Some(value)
}

fn decimal(digits: &str) -> Option<f64> {
    let is_decimal =
        digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    // A leading zero promises octal digits, and there is an 8 or a 9.
    let is_bad_octal = digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_decimal && !is_bad_octal)
}

/// What PyYAML makes of an integer with a leading zero, where that is not what it looks like.
pub(crate) fn octal_surprise(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('0').filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))?;
    let octal = integer(text)?;
    (digits.parse::<i64>() != Ok(octal) && !digits.is_empty()).then_some(octal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_those_of_pyyaml() {
        for text in ["yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"] {
            assert_eq!(flag(text), Ok(true), "{text}");
        }
        for text in ["no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"] {
            assert_eq!(flag(text), Ok(false), "{text}");
        }
        for text in ["y", "n", "yEs", "1", "0", "", "ja", "öff"] {
            assert!(flag(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_those_of_pyyaml() {
        let table = [
            ("0", 0.0),
            ("30", 30.0),
            ("-3", -3.0),
            ("+3", 3.0),
            ("1_000", 1000.0),
            ("010", 8.0),
            ("0x1F", 31.0),
            ("0b101", 5.0),
            ("1:30", 90.0),
            ("1:00:00", 3600.0),
            (".5", 0.5),
            ("1.", 1.0),
            ("0.25", 0.25),
            ("1.5e+2", 150.0),
            ("1e3", 1000.0),
            ("1:30.5", 90.5),
        ];
        for (text, value) in table {
            assert_eq!(number(text).map(Number::as_f64), Some(value), "{text}");
        }
        for text in [
            "", "-", "+", ".", "x", "1x", "08", "0o17", "1:60", "1:", ":30", "12:30:", "e3", "1_e", "--1", "0x", "inf",
            "nan",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
        assert_eq!(number("-.inf").map(Number::as_f64), Some(f64::NEG_INFINITY));
        assert_eq!(number("99999999999999999999").map(Number::as_f64), Some(1e20));
    }

    #[test]
    fn a_leading_zero_means_octal() {
        let table =
            [("010", Some(8)), ("07", None), ("0", None), ("00", None), ("10", None), ("0x10", None), ("08", None)];
        for (text, surprise) in table {
            assert_eq!(octal_surprise(text), surprise, "{text}");
        }
    }
}
