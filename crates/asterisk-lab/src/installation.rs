//! An Asterisk that can be run: where its program, its modules and its sounds are, and how it is started.
//!
//! How one is fetched is in `fetch`; what its servers are told is in `server`.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::files::{name_starts_with, paths_in};
use crate::{FileError, InstallError};

/// The oldest version that is taken where somebody names one. Tests look at older ones, too.
const OLDEST_VERSION: u32 = 18;

/// Where programs for administrators are; an ordinary user's search path does not have them.
const ADMINISTRATORS_PROGRAMS: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

/// An Asterisk that can be run.
#[derive(Debug, Clone)]
pub struct Installation {
    pub(crate) program: PathBuf,
    /// The dynamic loader to start the program with, for a program whose libraries are not this machine's.
    pub(crate) loader: Option<Loader>,
    pub(crate) modules: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) version: String,
    /// Where labs keep the logs of failed tests unless told otherwise.
    pub(crate) kept_logs: PathBuf,
}

/// A dynamic loader and the libraries that go with it.
#[derive(Debug, Clone)]
pub(crate) struct Loader {
    pub(crate) program: PathBuf,
    /// The folders in which they are; one of them is there.
    pub(crate) libraries: Vec<PathBuf>,
}

impl Installation {
    /// An Asterisk that is installed on this machine, given its program.
    ///
    /// # Errors
    ///
    /// When the program cannot be run, is not an Asterisk of version 18 or newer, or its modules or sounds are in
    /// none of the usual places.
    pub fn installed(program: &Path) -> Result<Self, InstallError> {
        let version = new_enough(program, version_of(program, &mut Command::new(program))?)?;
        // A link to the program may be far from the program's modules.
        let program = &fs::canonicalize(program).map_err(FileError::because("read", program))?;
        let modules =
            find_directory(program, "modules", MODULE_DIRECTORIES, |directory| directory.join("res_ari.so").is_file())?;
        let data = find_directory(program, "sounds", DATA_DIRECTORIES, |directory| directory.join("sounds").is_dir())?;
        let kept_logs = std::env::temp_dir().join("asterisk-lab-logs");
        Ok(Self { program: program.to_owned(), loader: None, modules, data, version, kept_logs })
    }

    /// The Asterisk that is installed on this machine: the first program of that name in the directories of a search
    /// path (the value of `PATH`) and in the usual directories of administrators' programs.
    ///
    /// # Errors
    ///
    /// When there is none, and as [`Installation::installed`] does.
    pub fn find_installed(search_path: &OsStr) -> Result<Self, InstallError> {
        let administrators = ADMINISTRATORS_PROGRAMS.map(PathBuf::from);
        let directories: Vec<_> = std::env::split_paths(search_path).chain(administrators).collect();
        let program = directories.iter().map(|directory| directory.join("asterisk")).find(|path| path.is_file());
        let program = program.ok_or_else(|| InstallError::NotInstalled { searched: list(&directories) })?;
        Self::installed(&program)
    }

    /// The version as Asterisk prints it, such as `22.10.1`; Debian's has the packaging's own suffix.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The first number of the version.
    #[must_use]
    pub fn major_version(&self) -> u32 {
        major(&self.version).unwrap_or_default()
    }

    /// The directory with the sounds, and with the description of ARI in `rest-api` (where it was installed).
    #[must_use]
    pub fn data_directory(&self) -> &Path {
        &self.data
    }

    /// The directory with the modules.
    #[must_use]
    pub fn module_directory(&self) -> &Path {
        &self.modules
    }

    /// Whether there is a module of this name (without `.so`).
    pub(crate) fn has_module(&self, name: &str) -> bool {
        self.module_file(name).is_file()
    }

    /// The file of a module, whether it is there or not.
    pub(crate) fn module_file(&self, name: &str) -> PathBuf {
        self.modules.join(name).with_extension("so")
    }

    /// The command that starts this Asterisk, to which its arguments are added.
    pub(crate) fn command(&self) -> Command {
        match &self.loader {
            None => Command::new(&self.program),
            Some(loader) => {
                let mut command = loader.command();
                command.arg(&self.program);
                command
            }
        }
    }
}

impl Loader {
    /// The loader and the libraries among unpacked packages. Their names have the architecture in them:
    /// `lib/x86_64-linux-gnu` and `ld-linux-x86-64.so.2`, for example.
    pub(crate) fn below(root: &Path) -> Result<Self, InstallError> {
        // Debian 11 and older have some of them in `lib` rather than in `usr/lib`, and its loader is called `ld-2.31.so`.
        let parents = ["usr/lib", "lib"].map(|parent| root.join(parent));
        let is_loader = |path: &Path| name_starts_with(path, "ld-linux") || name_starts_with(path, "ld-2.");
        let found = parents.iter().flat_map(|parent| paths_in(parent)).find_map(|directory| {
            let program = paths_in(&directory).into_iter().find(|path| is_loader(path))?;
            let name = directory.file_name()?.to_owned();
            let folders = parents.iter().map(|parent| parent.join(&name)).chain([parents[0].clone()]);
            let libraries = folders.filter(|path| path.is_dir()).collect();
            Some(Self { program, libraries })
        });
        found.ok_or_else(|| InstallError::Incomplete { missing: format!("no loader below {}", parents[0].display()) })
    }

    /// Checks that an object finds all its libraries among these, rather than on this machine, where they may be
    /// missing tomorrow.
    pub(crate) fn check_libraries_of(&self, object: &Path) -> Result<(), InstallError> {
        let output = self.command().arg("--list").arg(object).output();
        let output = output.map_err(FileError::because("run", &self.program))?;
        let missing = if output.status.success() {
            // "libxml2.so.16 => /path/of/it (0x00007f…)", or "libxml2.so.16 => not found".
            let ours: Vec<_> = self.libraries.iter().map(|path| path.to_string_lossy()).collect();
            let listed = String::from_utf8_lossy(&output.stdout).into_owned();
            let mut libraries = listed.lines().filter(|line| line.contains(" => "));
            libraries.find(|line| !ours.iter().any(|ours| line.contains(&**ours))).map(|line| line.trim().to_owned())
        } else {
            Some(String::from_utf8_lossy(&output.stderr).trim().to_owned())
        };
        match missing {
            None => Ok(()),
            Some(missing) => Err(InstallError::Incomplete { missing: format!("{}: {missing}", object.display()) }),
        }
    }

    /// The command that looks for libraries among its own first, and never in this machine's list of libraries.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        let path = std::env::join_paths(&self.libraries).expect("the lab gives its folders no name with a colon");
        command.arg("--inhibit-cache").arg("--library-path").arg(path);
        command
    }
}

/// Asks a program for its version.
pub(crate) fn version_of(program: &Path, command: &mut Command) -> Result<String, InstallError> {
    let output = command.arg("-V").output().map_err(FileError::because("run", program))?;
    let said = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
    let output = String::from_utf8_lossy(said).trim().to_owned();
    let version = output.strip_prefix("Asterisk ").filter(|version| major(version).is_some());
    let Some(version) = version.map(str::to_owned) else {
        return Err(InstallError::NotAsterisk { program: program.to_owned(), output });
    };
    Ok(version)
}

/// Refuses what is too old.
fn new_enough(program: &Path, version: String) -> Result<String, InstallError> {
    match major(&version) {
        Some(major) if major < OLDEST_VERSION => Err(InstallError::TooOld { program: program.to_owned(), version }),
        _ => Ok(version),
    }
}

/// The first number of a version. A certified release is called `certified/20.7-cert3`, a development one `GIT-22-…`.
fn major(version: &str) -> Option<u32> {
    let version = version.trim_start_matches("certified/").trim_start_matches("certified-").trim_start_matches("GIT-");
    let digits = version.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(version.len());
    version[..digits].parse().ok()
}

/// Where modules are, below the prefix that a program was installed to. `*` stands for one directory.
const MODULE_DIRECTORIES: &[&str] = &["lib/asterisk/modules", "lib64/asterisk/modules", "lib/*/asterisk/modules"];

/// Where sounds are, below the prefix that a program was installed to or, without one, the root.
const DATA_DIRECTORIES: &[&str] = &["share/asterisk", "var/lib/asterisk", "../var/lib/asterisk"];

fn find_directory(
    program: &Path,
    what: &'static str,
    candidates: &[&str],
    is_right: impl Fn(&Path) -> bool,
) -> Result<PathBuf, InstallError> {
    // `/opt/asterisk/sbin/asterisk` has the prefix `/opt/asterisk`.
    let own_prefix = program.parent().and_then(Path::parent).map(Path::to_owned);
    let prefixes: Vec<_> = own_prefix.into_iter().chain(["/usr".into(), "/usr/local".into()]).collect();
    let directories: Vec<_> = prefixes
        .iter()
        .flat_map(|prefix| candidates.iter().flat_map(|candidate| expand(&prefix.join(candidate))))
        .collect();
    directories.iter().find(|directory| is_right(directory)).cloned().ok_or_else(|| InstallError::MissingDirectory {
        program: program.to_owned(),
        what,
        searched: list(&directories),
    })
}

/// All the paths that a path with one component `*` stands for.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let text = pattern.to_string_lossy();
    let Some((before, after)) = text.split_once("/*/") else {
        return vec![pattern.to_owned()];
    };
    let paths = paths_in(Path::new(before)).into_iter();
    paths.map(|path| path.join(after)).filter(|path| path.is_dir()).collect()
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_of_every_kind_of_version() {
        for (version, expected) in [
            ("22.10.1+dfsg+~cs6.17-1", Some(22)),
            ("18", Some(18)),
            ("certified/20.7-cert3", Some(20)),
            ("certified-22.5-cert1", Some(22)),
            ("GIT-23-abc123", Some(23)),
            ("unknown", None),
        ] {
            assert_eq!(major(version), expected, "{version}");
        }
    }

    #[test]
    fn a_program_that_is_not_asterisk_is_refused() {
        let error = Installation::installed(Path::new("/bin/echo")).unwrap_err();
        assert!(matches!(&error, InstallError::NotAsterisk { output, .. } if output == "-V"), "{error}");
        let error = Installation::installed(Path::new("/nonexistent/asterisk")).unwrap_err();
        assert!(matches!(&error, InstallError::File(_)), "{error}");
    }

    #[test]
    fn where_it_was_looked_for_is_said() {
        let empty = tempfile::tempdir().unwrap();
        let error = Installation::find_installed(empty.path().as_os_str()).unwrap_err().to_string();
        assert!(error.contains(&format!("in {}, /usr/sbin", empty.path().display())), "{error}");
    }
}
