//! SIPp, the SIP tester: a far end that is no Asterisk and does as it is told. Fetched like Asterisk itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::apt::Package;
use crate::cache::Fetchable;
use crate::installation::Loader;
use crate::{FileError, InstallError};

/// A SIPp that can be run.
#[derive(Debug, Clone)]
pub struct Sipp {
    pub(crate) program: PathBuf,
    loader: Loader,
    version: String,
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
    const PACKAGE: Package = Package {
        name: "SIPp",
        package: "sip-tester",
        companions: &[],
        without_dependencies: None,
        // For a script in the package.
        excluded: &["python3"],
    };

    fn install(_root: &Path) -> Result<(), InstallError> {
        Ok(())
    }

    fn open(root: &Path, version: &str, _cache: &Path) -> Result<Self, InstallError> {
        let program = root.join("usr/bin/sipp");
        if !program.is_file() {
            return Err(InstallError::Incomplete { missing: program.display().to_string() });
        }
        Ok(Self { program, loader: Loader::below(root)?, version: version.to_owned() })
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
