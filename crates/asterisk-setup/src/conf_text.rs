//! How a value is written in Asterisk's configuration files; what the files say is their own modules' business.

/// A value of a `.conf` line. A `;` would begin a comment there, so it is escaped, as Asterisk's parser expects.
///
/// Line breaks cannot be written in a value at all; they become spaces, so that a value never forges another line.
pub(crate) fn conf_value(value: &str) -> String {
    value.replace(['\r', '\n'], " ").replace(';', "\\;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semicolons_are_escaped_and_line_breaks_cannot_forge_lines() {
        assert_eq!(conf_value("plain"), "plain");
        assert_eq!(conf_value("a;b"), "a\\;b");
        assert_eq!(conf_value("a\r\npassword = x"), "a  password = x");
    }
}
