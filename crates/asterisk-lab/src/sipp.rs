//! SIPp, the SIP tester: a far end that is no Asterisk and does as it is told. Fetched like Asterisk itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::apt::Wanted;
use crate::cache::Fetchable;
use crate::fetch::program_for_tests;
use crate::installation::Loader;
use crate::{FileError, InstallError};

/// A SIPp that can be run.
#[derive(Debug, Clone)]
pub struct Sipp {
    pub(crate) program: PathBuf,
    loader: Loader,
    version: String,
}

/// The SIPp that all tests of this workspace share, fetched into `target/sipp` by the first that asks.
///
/// # Panics
///
/// When there is none and it cannot be fetched: no test that needs one can pass then.
#[must_use]
pub fn sipp_for_tests() -> Sipp {
    program_for_tests("sipp")
}

impl Sipp {
    /// The version of its Debian package.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The command that starts it, to which its arguments are added.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.loader.command();
        command.arg(&self.program);
        command
    }
}

impl Fetchable for Sipp {
    const WANTED: Wanted = Wanted {
        name: "SIPp",
        package: "sip-tester",
        companions: &[],
        alone: None,
        // For a script in the package.
        spared: &["python3"],
    };

    fn install(_root: &Path) -> Result<(), InstallError> {
        Ok(())
    }

    fn open(root: &Path, version: &str, _cache: &Path) -> Result<Self, InstallError> {
        Ok(Self { program: root.join("usr/bin/sipp"), loader: Loader::below(root)?, version: version.to_owned() })
    }

    fn check_completeness(&self) -> Result<(), InstallError> {
        self.loader.check_libraries_of(&self.program)?;
        let output = self.command().arg("-v").output().map_err(FileError::because("run", &self.program))?;
        // It ends with a status other than 0 even when all is well.
        let output = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.contains("SIPp v") {
            return Ok(());
        }
        Err(InstallError::Incomplete { missing: format!("{} does not say its version", self.program.display()) })
    }
}
