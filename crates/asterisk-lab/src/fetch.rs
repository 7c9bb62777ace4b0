//! Fetching as its caller sees it: where to fetch from, and the steps that take time. What is fetched is in `asterisk`,
//! `sipp`, `nginx` and `faketime`.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Where and how to fetch.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// The suite of Debian; it must have an Asterisk 16 or newer.
    pub suite: String,
    /// The mirror, such as `http://deb.debian.org/debian`; else the one in the machine's apt configuration.
    pub mirror: Option<String>,
    /// The public keys with which Debian signs its archive.
    pub keyring: PathBuf,
    /// Look for a newer version when the one in the cache is older than this; `None`: never. When the mirror is out
    /// of reach, the old one is used.
    pub refresh_after: Option<Duration>,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            suite: "forky".to_owned(),
            mirror: None,
            keyring: "/usr/share/keyrings/debian-archive-keyring.gpg".into(),
            refresh_after: None,
        }
    }
}

/// What fetching is about to do: worth a line on a terminal, for it takes seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchStep {
    /// Another process fetches; its result will be used.
    Waiting {
        /// What is fetched.
        program: &'static str,
    },
    /// The mirror is asked what it has.
    Looking {
        /// What is fetched.
        program: &'static str,
        /// The mirror.
        mirror: String,
    },
    /// The packages are downloaded.
    Downloading {
        /// What is fetched.
        program: &'static str,
        /// Its version.
        version: String,
        /// How much there is to download.
        bytes: u64,
    },
    /// The packages are unpacked.
    Unpacking {
        /// What is fetched.
        program: &'static str,
        /// Its version.
        version: String,
    },
    /// A newer version could not be fetched, so that of the cache is used.
    Keeping {
        /// What was to be fetched.
        program: &'static str,
        /// The version in the cache.
        version: String,
        /// Why there is no newer one.
        reason: String,
    },
}

impl fmt::Display for FetchStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting { program } => write!(f, "waiting for another process that fetches {program}"),
            Self::Looking { program, mirror } => write!(f, "looking for {program} at {mirror}"),
            Self::Downloading { program, version, bytes } => {
                write!(f, "fetching {program} {} ({} MB)", short(version), bytes.div_ceil(1_000_000))
            }
            Self::Unpacking { program, version } => write!(f, "unpacking {program} {}", short(version)),
            Self::Keeping { program, version, reason } => {
                write!(f, "no newer {program} could be fetched, using {}: {reason}", short(version))
            }
        }
    }
}

/// A version without what Debian's packaging adds.
fn short(version: &str) -> &str {
    version.split(['+', '~', '-']).next().unwrap_or(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_read_well() {
        let version = "22.10.1+dfsg+~cs6.17-1".into();
        let step = FetchStep::Downloading { program: "Asterisk", version, bytes: 35_300_001 };
        assert_eq!(step.to_string(), "fetching Asterisk 22.10.1 (36 MB)");
    }
}
