//! libfaketime: makes a server believe in a clock that a test steps. Fetched like Asterisk itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::InstallError;
use crate::apt::Package;
use crate::cache::Fetchable;
use crate::files::paths_in;

/// A libfaketime that can be loaded into a server.
#[derive(Debug, Clone)]
pub struct Faketime {
    object: PathBuf,
}

impl Faketime {
    /// Has a process go by the clock in that file, which says how far it is ahead, in seconds: `+60`.
    pub(crate) fn fake(&self, command: &mut Command, clock: &Path) {
        // What is waited for by the monotonic clock takes as long as ever.
        let monotonic = ["DONT_FAKE_MONOTONIC", "FAKETIME_DONT_FAKE_MONOTONIC"];
        command.envs(monotonic.map(|name| (name, "1"))).env("FAKETIME_NO_CACHE", "1");
        command.env("FAKETIME_TIMESTAMP_FILE", clock).env("LD_PRELOAD", &self.object);
    }
}

impl Fetchable for Faketime {
    const PACKAGE: Package = Package {
        name: "libfaketime",
        package: "libfaketime",
        companions: &[],
        without_dependencies: None,
        excluded: &[],
    };

    fn install(_root: &Path) -> Result<(), InstallError> {
        Ok(())
    }

    fn open(root: &Path, _version: &str, _cache: &Path) -> Result<Self, InstallError> {
        let parent = root.join("usr/lib");
        let found = paths_in(&parent).into_iter().map(|path| path.join("faketime/libfaketimeMT.so.1"));
        let object = found.into_iter().find(|path| path.is_file());
        let missing = || InstallError::Incomplete { missing: format!("no libfaketime below {}", parent.display()) };
        Ok(Self { object: object.ok_or_else(missing)? })
    }

    fn check_completeness(&self) -> Result<(), InstallError> {
        Ok(())
    }
}
