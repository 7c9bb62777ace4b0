//! Debian's current Asterisk as a program that is fetched: its packages, and what makes them whole.

use std::os::unix::fs::symlink;
use std::path::Path;

use asterisk_setup::MODULES;

use crate::apt::Package;
use crate::cache::{self, Fetchable};
use crate::installation::{Loader, version_of};
use crate::{FetchOptions, FetchStep, FileError, InstallError, Installation};

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

impl Fetchable for Installation {
    const PACKAGE: Package = Package {
        name: "Asterisk",
        package: "asterisk",
        companions: &["asterisk-core-sounds-en-wav"],
        // The modules' package depends on the libraries of every optional module, of which none is used here.
        without_dependencies: Some("asterisk-modules"),
        // The sample configuration, and what only the packages' own scripts use, which are not run.
        excluded: &["asterisk-config-custom", "adduser"],
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
        let program = root.join("usr/sbin/asterisk");
        // Older ones have them where nothing tells the architecture.
        let plain = root.join("usr/lib/asterisk/modules");
        let folders = loader.libraries.iter().map(|libraries| libraries.join("asterisk/modules"));
        let modules = folders.into_iter().find(|modules| modules.is_dir()).unwrap_or(plain);
        for (path, is_there) in [(&program, program.is_file()), (&modules, modules.is_dir())] {
            if !is_there {
                return Err(InstallError::Incomplete { missing: path.display().to_string() });
            }
        }
        Ok(Self {
            program,
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
