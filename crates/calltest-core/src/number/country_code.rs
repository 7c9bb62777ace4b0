//! Country codes, and where in an international number they end.

/// The codes of two digits (ITU-T E.164, list of assigned country codes). Beside 1 and 7, all others have three.
const OF_TWO_DIGITS: &[&str] = &[
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49", "51",
    "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84", "86", "90",
    "91", "92", "93", "94", "95", "98",
];

/// The country code that the digits of an international number begin with, and what follows it. `None` if there are too
/// few digits to tell.
pub fn split_country_code(digits: &str) -> Option<(&str, &str)> {
    let length = match digits.as_bytes() {
        [b'1' | b'7', ..] => 1,
        [first, second, ..] if OF_TWO_DIGITS.iter().any(|code| code.as_bytes() == [*first, *second]) => 2,
        [b'2'..=b'9', ..] => 3,
        _ => return None,
    };
    let code = digits.get(..length)?;
    code.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.split_at(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_tells_its_country() {
        let table = [
            ("493023125000", Some(("49", "3023125000"))),
            ("12125550123", Some(("1", "2125550123"))),
            ("74951234567", Some(("7", "4951234567"))),
            ("35312345", Some(("353", "12345"))),
            ("881612345678", Some(("881", "612345678"))),
            ("1", Some(("1", ""))),
            ("44", Some(("44", ""))),
            ("4", None),
            ("35", None),
            ("", None),
            ("0", None),
            ("4x", None),
            ("35é", None),
        ];
        for (digits, split) in table {
            assert_eq!(split_country_code(digits), split, "{digits}");
        }
    }
}
