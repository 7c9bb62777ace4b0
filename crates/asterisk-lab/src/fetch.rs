//! Debian's current Asterisk, fetched into a cache and run from there: where to fetch it, and what it takes.

use std::fmt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use asterisk_setup::MODULES;

use crate::apt::Wanted;
use crate::cache::{self, Fetchable};
use crate::installation::{Loader, version_of};
use crate::{FileError, InstallError, Installation};

/// Where and how to fetch.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// The suite of Debian; it must have an Asterisk 18 or newer.
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

impl Installation {
    /// Debian's current Asterisk from the cache, fetched into it first if need be.
    ///
    /// The cache directory is made if it is not there; only this library may write into it. `on_step` is called
    /// before each step that takes time, and not at all when the cache has what is wanted.
    ///
    /// # Errors
    ///
    /// When there is nothing in the cache, and fetching fails.
    pub fn fetched(cache: &Path, options: &FetchOptions, on_step: impl FnMut(FetchStep)) -> Result<Self, InstallError> {
        cache::fetched(cache, options, on_step)
    }
}

/// The Asterisk that all tests of this workspace share, fetched into `target/asterisk` by the first that asks.
///
/// # Panics
///
/// When there is none and it cannot be fetched: no test that needs one can pass then.
#[must_use]
pub fn for_tests() -> Installation {
    program_for_tests("asterisk")
}

/// A program from its folder below `target`, fetched by the first test that asks.
pub(crate) fn program_for_tests<P: Fetchable>(folder: &str) -> P {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target").join(folder);
    let program = cache::fetched(&cache, &FetchOptions::default(), |step| eprintln!("{step} …"));
    program.unwrap_or_else(|error| panic!("no {} to test with: {error}", P::WANTED.name))
}

impl Fetchable for Installation {
    const WANTED: Wanted = Wanted {
        name: "Asterisk",
        package: "asterisk",
        companions: &["asterisk-core-sounds-en-wav"],
        // The modules' package depends on the libraries of every optional module, of which none is used here.
        alone: Some("asterisk-modules"),
        // The sample configuration, and what only the packages' own scripts use, which are not run.
        spared: &["asterisk-config-custom", "adduser"],
    };

    fn install(root: &Path) -> Result<(), InstallError> {
        // The packages' scripts would make this link; without it `sound:beep` is not found.
        let english = root.join("usr/share/asterisk/sounds/en");
        if !english.exists() {
            symlink("en_US_f_Allison", &english).map_err(FileError::because("create", &english))?;
        }
        Ok(())
    }

    fn open(root: &Path, version: &str, cache: &Path) -> Result<Self, InstallError> {
        let loader = Loader::below(root)?;
        let modules = loader.libraries.join("asterisk/modules");
        if !modules.is_dir() {
            return Err(InstallError::Incomplete { missing: modules.display().to_string() });
        }
        Ok(Self {
            program: root.join("usr/sbin/asterisk"),
            modules,
            loader: Some(loader),
            data: root.join("usr/share/asterisk"),
            version: version.to_owned(),
            kept_logs: cache.join("failed"),
        })
    }

    fn check_completeness(&self) -> Result<(), InstallError> {
        version_of(&self.program, &mut self.command())?;
        let Some(loader) = &self.loader else { return Ok(()) };
        let modules = MODULES.iter().flat_map(|(_, modules)| *modules);
        let modules = modules.map(|name| self.module_file(name)).filter(|file| file.is_file());
        [self.program.clone()].into_iter().chain(modules).try_for_each(|object| loader.check_libraries_of(&object))
    }
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
