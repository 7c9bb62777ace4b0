//! The version of an Asterisk, as far as it decides what can be asked of it.

/// Major and minor number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(u32, u32);

/// The first version that tells the SIP status with which a call ended.
const TELLS_SIP_CODES: Version = Version(22, 7);

/// The oldest version that calltest is made for.
const OLDEST: Version = Version(18, 0);

impl Version {
    /// Reads what a server calls its version, whatever a distribution adds to it. Certified versions
    /// (`certified/18.9-cert1`, `18.9-cert1`) count like the others.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = short(text.trim_start_matches(|letter: char| !letter.is_ascii_digit()));
        let mut numbers = text.split('.').map(|number| number.parse().ok());
        let major = numbers.next()??;
        Some(Self(major, numbers.next().flatten().unwrap_or(0)))
    }

    /// Whether calls that end by SIP tell their status.
    pub(crate) fn tells_sip_codes(self) -> bool {
        self >= TELLS_SIP_CODES
    }

    /// Whether it is older than anything that calltest is made for.
    pub(crate) fn is_too_old(self) -> bool {
        self < OLDEST
    }
}

/// The part of a version that means something: `22.10.1` of `22.10.1+dfsg`.
pub(crate) fn short(version: &str) -> &str {
    let end = version.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(version.len());
    &version[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_whatever_a_distribution_adds() {
        for (text, version) in [
            ("22.10.1+dfsg+~cs6.17.60671434-1", Some(Version(22, 10))),
            ("18.9-cert1", Some(Version(18, 9))),
            ("certified/20.7-cert2", Some(Version(20, 7))),
            ("GIT-22-abc", Some(Version(22, 0))),
            ("unknown", None),
            ("", None),
        ] {
            assert_eq!(Version::parse(text), version, "{text}");
        }
        assert_eq!(short("22.10.1+dfsg"), "22.10.1");
    }

    #[test]
    fn sip_codes_are_told_from_22_7_on() {
        for (text, tells) in
            [("18.9", false), ("22.6.99", false), ("22.7.0", true), ("22.10.1", true), ("23.0.0", true)]
        {
            assert_eq!(Version::parse(text).is_some_and(Version::tells_sip_codes), tells, "{text}");
        }
    }
}
