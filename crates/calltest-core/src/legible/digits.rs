//! Digits and signs of other scripts, which a far end may take for the usual ones.

/// The zeros of all scripts that write numbers with ten digits in a row (Unicode, general category Nd).
const ZEROS: &[u32] = &[
    0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6, 0xE50, 0xED0, 0xF20,
    0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0,
    0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0,
    0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60, 0x16AC0,
    0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0,
];

/// The ones of digits that Unicode calls compatible with the usual ones: circled, in brackets, with a full stop, on black.
const ONES: &[u32] = &[0x2460, 0x2474, 0x2488, 0x24F5, 0x2776, 0x2780, 0x278A];

/// A character as the usual digit or sign, if it is another form of one.
pub(super) fn ascii(character: char) -> char {
    if character.is_ascii() {
        return character;
    }
    let within = |first: &u32, count: u32| u32::from(character).checked_sub(*first).filter(|at| *at < count);
    let digit = |value: u32| char::from_digit(value, 10);
    if let Some(folded) = ZEROS.iter().find_map(|zero| within(zero, 10)).and_then(digit) {
        return folded;
    }
    if let Some(folded) = ONES.iter().find_map(|one| within(one, 9)).and_then(|at| digit(at + 1)) {
        return folded;
    }
    match character {
        '⁰' | '₀' | '⓪' | '⓿' => '0',
        '¹' => '1',
        '²' => '2',
        '³' => '3',
        '⁴'..='⁹' => within(&0x2070, 10).and_then(digit).unwrap_or(character),
        '₁'..='₉' => within(&0x2080, 10).and_then(digit).unwrap_or(character),
        '＋' | '﹢' | '⁺' | '₊' | '➕' => '+',
        '＊' | '﹡' | '∗' | '⁎' | '✱' | '✲' => '*',
        '＃' | '﹟' | '⌗' => '#',
        '％' | '﹪' | '٪' => '%',
        '＠' | '﹫' => '@',
        '；' | '﹔' => ';',
        '：' | '﹕' => ':',
        '＜' | '﹤' => '<',
        '＞' | '﹥' => '>',
        '／' => '/',
        '，' | '﹐' => ',',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_all_scripts_are_digits() {
        let rows = [
            "٠١٢٣٤٥٦٧٨٩",
            "۰۱۲۳۴۵۶۷۸۹",
            "०१२३४५६७८९",
            "০১২৩৪৫৬৭৮৯",
            "๐๑๒๓๔๕๖๗๘๙",
            "０１２３４５６７８９",
            "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",
            "⁰¹²³⁴⁵⁶⁷⁸⁹",
            "₀₁₂₃₄₅₆₇₈₉",
            "⓪①②③④⑤⑥⑦⑧⑨",
        ];
        for row in rows {
            assert_eq!(row.chars().map(ascii).collect::<String>(), "0123456789", "{row}");
        }
        assert_eq!("＋＊＃％＠".chars().map(ascii).collect::<String>(), "+*#%@");
        assert_eq!("aä十".chars().map(ascii).collect::<String>(), "aä十");
    }
}
