//! The cache of fetched Asterisks: looks for one, fetches one if there is none, and never shows half of one.
//!
//! Each version has a directory of its own, which is filled under another name and renamed when it is whole. One
//! process at a time fetches; the others wait for it. What to fetch, and how, is the business of `apt`.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use asterisk_setup::MODULES;

use crate::apt::{self, Archive, PrivateApt};
use crate::files::{create_directory, create_temporary_directory, name_starts_with, paths_in, write};
use crate::installation::{Loader, version_of};
use crate::{FileError, InstallError, Installation, mirror};

/// The beginning of the name of a directory that is being filled.
const STAGING_PREFIX: &str = "fetching-";

/// The file in a version's directory that tells its version, and by its time when that was last the newest.
const VERSION_FILE: &str = "version";

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
    Waiting,
    /// The mirror is asked what it has.
    Looking {
        /// The mirror.
        mirror: String,
    },
    /// The packages are downloaded.
    Downloading {
        /// Asterisk's version.
        version: String,
        /// How much there is to download.
        bytes: u64,
    },
    /// The packages are unpacked.
    Unpacking {
        /// Asterisk's version.
        version: String,
    },
    /// A newer version could not be fetched, so that of the cache is used.
    Keeping {
        /// The version in the cache.
        version: String,
        /// Why there is no newer one.
        reason: String,
    },
}

impl fmt::Display for FetchStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => write!(f, "waiting for another process that fetches Asterisk"),
            Self::Looking { mirror } => write!(f, "looking for Asterisk at {mirror}"),
            Self::Downloading { version, bytes } => {
                write!(f, "fetching Asterisk {} ({} MB)", short(version), bytes.div_ceil(1_000_000))
            }
            Self::Unpacking { version } => write!(f, "unpacking Asterisk {}", short(version)),
            Self::Keeping { version, reason } => {
                write!(f, "no newer Asterisk could be fetched, using {}: {reason}", short(version))
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
    pub fn fetched(
        cache: &Path,
        options: &FetchOptions,
        mut on_step: impl FnMut(FetchStep),
    ) -> Result<Self, InstallError> {
        if let Some(installation) = find_fresh(cache, options) {
            return Ok(installation);
        }
        create_directory(cache)?;
        let _lock = lock(cache, &mut on_step)?;
        // Another process may just have fetched.
        if let Some(installation) = find_fresh(cache, options) {
            return Ok(installation);
        }
        let old = find(cache, &options.suite);
        match (fetch(cache, options, &mut on_step), old) {
            (Err(error), Some((old, _))) => {
                on_step(FetchStep::Keeping { version: old.version.clone(), reason: error.to_string() });
                Ok(old)
            }
            (result, _) => result,
        }
    }
}

/// The Asterisk that all tests of this workspace share, fetched into `target/asterisk` by the first that asks.
///
/// # Panics
///
/// When there is none and it cannot be fetched: no test that needs one can pass then.
#[must_use]
pub fn for_tests() -> Installation {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/asterisk");
    let installation = Installation::fetched(&cache, &FetchOptions::default(), |step| eprintln!("{step} …"));
    installation.unwrap_or_else(|error| panic!("no Asterisk to test with: {error}"))
}

/// The beginning of the names of the directories with the versions of a suite, for machines like this one. The number
/// is that of the layout below: what another layout left in the cache is not looked at.
fn version_prefix(suite: &str) -> String {
    format!("asterisk-1-{suite}-{}-", std::env::consts::ARCH)
}

fn find_fresh(cache: &Path, options: &FetchOptions) -> Option<Installation> {
    let (installation, since) = find(cache, &options.suite)?;
    let is_fresh = options.refresh_after.is_none_or(|limit| since.elapsed().unwrap_or_default() < limit);
    is_fresh.then_some(installation)
}

/// The newest Asterisk in the cache, and when it was last known to be that.
fn find(cache: &Path, suite: &str) -> Option<(Installation, SystemTime)> {
    let cache = fs::canonicalize(cache).ok()?;
    let prefix = version_prefix(suite);
    let directories = paths_in(&cache).into_iter().filter(|path| name_starts_with(path, &prefix));
    let dated = directories.filter_map(|path| {
        let modified = fs::metadata(path.join(VERSION_FILE)).and_then(|file| file.modified()).ok()?;
        Some((path, modified))
    });
    let (newest, modified) = dated.max_by_key(|(_, modified)| *modified)?;
    let installation = open(&newest, &cache).inspect_err(|error| tracing::warn!(%error, "the cache is of no use"));
    Some((installation.ok()?, modified))
}

/// The installation in a directory of the cache.
fn open(directory: &Path, cache: &Path) -> Result<Installation, InstallError> {
    let version_file = directory.join(VERSION_FILE);
    let version = fs::read_to_string(&version_file).map_err(FileError::because("read", &version_file))?;
    let usr = directory.join("root/usr");
    // The names have the architecture in them: lib/x86_64-linux-gnu and ld-linux-x86-64.so.2, for example.
    let libraries = find_in(&usr.join("lib"), |path| path.join("asterisk/modules").is_dir())?;
    let loader = find_in(&libraries, |path| name_starts_with(path, "ld-linux"))?;
    Ok(Installation {
        program: usr.join("sbin/asterisk"),
        modules: libraries.join("asterisk/modules"),
        loader: Some(Loader { program: loader, libraries }),
        data: usr.join("share/asterisk"),
        version: version.trim().to_owned(),
        kept_logs: cache.join("failed"),
    })
}

fn find_in(directory: &Path, is_right: impl Fn(&PathBuf) -> bool) -> Result<PathBuf, InstallError> {
    paths_in(directory).into_iter().find(is_right).ok_or_else(|| InstallError::Incomplete {
        missing: format!("neither modules nor a loader in {}", directory.display()),
    })
}

/// Waits until no other process fetches into this cache. The lock ends with the file, and so with the process.
fn lock(cache: &Path, on_step: &mut impl FnMut(FetchStep)) -> Result<File, FileError> {
    let path = cache.join("lock");
    let file = File::create(&path).map_err(FileError::because("create", &path))?;
    let locked = match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            on_step(FetchStep::Waiting);
            file.lock()
        }
        Err(TryLockError::Error(error)) => Err(error),
    };
    locked.map_err(FileError::because("lock", &path))?;
    Ok(file)
}

/// Fetches what the mirror has into the cache, unless the cache has that version.
fn fetch(
    cache: &Path,
    options: &FetchOptions,
    on_step: &mut impl FnMut(FetchStep),
) -> Result<Installation, InstallError> {
    let cache = &fs::canonicalize(cache).map_err(FileError::because("read", cache))?;
    remove_leftovers(cache);
    let staging = create_temporary_directory(cache, STAGING_PREFIX)?;
    let mirror = options.mirror.clone().unwrap_or_else(|| mirror::of_this_machine(Path::new("/etc/apt")));
    on_step(FetchStep::Looking { mirror: mirror.clone() });
    let (suite, keyring) = (options.suite.clone(), options.keyring.clone());
    let archive = Archive { mirror, suite, architecture: apt::architecture()?, keyring };
    let apt = PrivateApt::prepare(archive, &staging.path().join("apt"))?;
    let found = apt.find()?;
    let version = found.version.clone();
    let directory = cache.join(version_prefix(&options.suite) + &version);
    if directory.is_dir() {
        date(&directory)?;
        return open(&directory, cache);
    }
    on_step(FetchStep::Downloading { version: version.clone(), bytes: found.bytes });
    let packages = apt.download(&found)?;
    on_step(FetchStep::Unpacking { version: version.clone() });
    let whole = staging.path().join("whole");
    unpack(&packages, &whole.join("root"))?;
    write(&whole.join(VERSION_FILE), &version)?;
    check_completeness(&open(&whole, cache)?)?;
    publish(&whole, &directory)?;
    open(&directory, cache)
}

/// Notes that a version is still the newest.
fn date(directory: &Path) -> Result<(), FileError> {
    let path = directory.join(VERSION_FILE);
    let file = File::options().write(true).open(&path);
    file.and_then(|file| file.set_modified(SystemTime::now())).map_err(FileError::because("write", &path))
}

/// Gives a whole directory its name, after its files have reached the disk: a machine that loses power must not find
/// the name and empty files.
fn publish(whole: &Path, directory: &Path) -> Result<(), FileError> {
    let opened = File::open(whole).map_err(FileError::because("read", whole))?;
    rustix::fs::syncfs(&opened).map_err(|error| FileError::because("save", whole)(error.into()))?;
    fs::rename(whole, directory).map_err(FileError::because("create", directory))
}

/// Removes what a process left that was killed while it fetched. The lock is ours, so nobody is at work there.
fn remove_leftovers(cache: &Path) {
    for leftover in paths_in(cache).into_iter().filter(|path| name_starts_with(path, STAGING_PREFIX)) {
        if let Err(error) = fs::remove_dir_all(&leftover) {
            tracing::warn!(%error, path = %leftover.display(), "the leftover of an earlier fetch stays");
        }
    }
}

/// Unpacks packages and does the little of their installation that matters here.
fn unpack(packages: &[PathBuf], root: &Path) -> Result<(), InstallError> {
    create_directory(root)?;
    packages.iter().try_for_each(|package| apt::unpack(package, root))?;
    // The packages' scripts would make this link; without it `sound:beep` is not found.
    let english = root.join("usr/share/asterisk/sounds/en");
    if !english.exists() {
        symlink("en_US_f_Allison", &english).map_err(FileError::because("create", &english))?;
    }
    for unused in ["doc", "locale", "man"].map(|name| root.join("usr/share").join(name)) {
        if unused.exists() {
            fs::remove_dir_all(&unused).map_err(FileError::because("remove", &unused))?;
        }
    }
    Ok(())
}

/// Checks that program and modules find all their libraries among what was fetched, rather than on this machine,
/// where they may be missing tomorrow.
fn check_completeness(installation: &Installation) -> Result<(), InstallError> {
    version_of(&installation.program, &mut installation.command())?;
    let modules = MODULES.iter().flat_map(|(_, modules)| *modules);
    let modules = modules.map(|name| installation.module_file(name)).filter(|file| file.is_file());
    for object in [installation.program.clone()].into_iter().chain(modules) {
        if let Some(missing) = missing_library(installation, &object)? {
            return Err(InstallError::Incomplete { missing: format!("{}: {missing}", object.display()) });
        }
    }
    Ok(())
}

/// What the dynamic loader says about the first library of an object that is not there.
fn missing_library(installation: &Installation, object: &Path) -> Result<Option<String>, InstallError> {
    let Some(loader) = &installation.loader else { return Ok(None) };
    let output = loader.command().arg("--list").arg(object).output();
    let output = output.map_err(FileError::because("run", &loader.program))?;
    if !output.status.success() {
        return Ok(Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    // "libxml2.so.16 => /path/of/it (0x00007f…)", or "libxml2.so.16 => not found".
    let ours = loader.libraries.to_string_lossy();
    let listed = String::from_utf8_lossy(&output.stdout);
    let mut libraries = listed.lines().filter(|line| line.contains(" => "));
    Ok(libraries.find(|line| !line.contains(&*ours)).map(|line| line.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Something with the form of a fetched version, last known to be the newest that many seconds ago.
    fn add_version(cache: &Path, suite: &str, version: &str, age: u64) {
        let directory = cache.join(version_prefix(suite) + version);
        let libraries = directory.join("root/usr/lib/some-triplet");
        fs::create_dir_all(libraries.join("asterisk/modules")).unwrap();
        fs::write(libraries.join("ld-linux-some.so.2"), "").unwrap();
        let file = directory.join(VERSION_FILE);
        fs::write(&file, version).unwrap();
        let time = SystemTime::now() - Duration::from_secs(age);
        File::options().write(true).open(file).unwrap().set_modified(time).unwrap();
    }

    fn versions_of(
        cache: &Path,
        suite: &str,
        refresh_after: Option<Duration>,
    ) -> Result<(String, Vec<FetchStep>), InstallError> {
        // Port 9 of loopback, "discard", has no mirror; without the keyring there is not even an attempt to reach it.
        let mirror = Some("http://127.0.0.1:9/debian".to_owned());
        let keyring = cache.join("no-such-keyring");
        let options = FetchOptions { suite: suite.to_owned(), mirror, keyring, refresh_after };
        let mut steps = Vec::new();
        let installation = Installation::fetched(cache, &options, |step| steps.push(step))?;
        Ok((installation.version().to_owned(), steps))
    }

    #[test]
    fn the_newest_version_of_the_suite_in_the_cache_is_used_without_a_mirror() {
        let cache = tempfile::tempdir().unwrap();
        add_version(cache.path(), "forky", "22.9", 200);
        add_version(cache.path(), "forky", "22.10", 100);
        add_version(cache.path(), "sid", "23.1", 0);
        assert_eq!(versions_of(cache.path(), "forky", None).unwrap(), ("22.10".to_owned(), Vec::new()));
    }

    #[test]
    fn half_of_a_version_is_never_used() {
        let cache = tempfile::tempdir().unwrap();
        let staging = cache.path().join("fetching-abc");
        fs::create_dir_all(staging.join("whole/root")).unwrap();
        let error = versions_of(cache.path(), "forky", None).unwrap_err();
        assert!(matches!(error, InstallError::MissingKeyring { .. }), "{error}");
        assert!(!staging.exists());
    }

    #[test]
    fn an_old_version_stays_in_use_while_there_is_no_newer_one_to_be_had() {
        let cache = tempfile::tempdir().unwrap();
        add_version(cache.path(), "forky", "22.10", 100);
        let fresh = versions_of(cache.path(), "forky", Some(Duration::from_secs(200))).unwrap();
        assert_eq!(fresh, ("22.10".to_owned(), Vec::new()));
        let (version, steps) = versions_of(cache.path(), "forky", Some(Duration::from_secs(50))).unwrap();
        assert_eq!(version, "22.10");
        assert!(matches!(&steps[..], [FetchStep::Looking { .. }, FetchStep::Keeping { .. }]), "{steps:?}");
    }

    #[test]
    fn steps_read_well() {
        let step = FetchStep::Downloading { version: "22.10.1+dfsg+~cs6.17-1".into(), bytes: 35_300_001 };
        assert_eq!(step.to_string(), "fetching Asterisk 22.10.1 (36 MB)");
    }
}
