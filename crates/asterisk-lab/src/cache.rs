//! A cache of fetched programs: looks for one, fetches it if there is none, and never shows half of one.
//!
//! Each version has a directory of its own, which is filled under another name and renamed when it is whole. One
//! process at a time fetches into a cache; the others wait for it. What to fetch, and how, is the business of `apt`.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::apt::{self, Archive, Package, PrivateApt};
use crate::fetch::{FetchOptions, FetchStep};
use crate::files::{create_directory, create_temporary_directory, name_starts_with, paths_in, write};
use crate::mirror;
use crate::{FileError, InstallError};

/// The beginning of the name of a directory that is being filled.
const STAGING_PREFIX: &str = "fetching-";

/// The file in a version's directory that tells its version, and by its time when that was last the newest.
const VERSION_FILE: &str = "version";

/// A program that can be fetched.
pub(crate) trait Fetchable: Sized {
    /// The packages that make it.
    const PACKAGE: Package;

    /// Does the little of the packages' installation that matters here.
    fn install(root: &Path) -> Result<(), InstallError>;

    /// The program below a directory in which the packages were unpacked.
    fn open(root: &Path, version: &str, cache: &Path) -> Result<Self, InstallError>;

    /// Checks that it runs with what was fetched alone, rather than with what is on this machine today.
    fn check_completeness(&self) -> Result<(), InstallError>;
}

/// The current program of the suite from the cache, fetched into it first if need be.
pub(crate) fn fetched<P: Fetchable>(
    cache: &Path,
    options: &FetchOptions,
    mut on_step: impl FnMut(FetchStep),
) -> Result<P, InstallError> {
    if let Some(program) = find_fresh(cache, options) {
        return Ok(program);
    }
    create_directory(cache)?;
    let _lock = lock(cache, P::PACKAGE.name, &mut on_step)?;
    // Another process may just have fetched.
    if let Some(program) = find_fresh(cache, options) {
        return Ok(program);
    }
    let old = find(cache, &options.suite);
    match (fetch(cache, options, &mut on_step), old) {
        (Err(error), Some(Found { program, version, .. })) => {
            let (program_name, reason) = (P::PACKAGE.name, error.to_string());
            on_step(FetchStep::Keeping { program: program_name, version, reason });
            Ok(program)
        }
        (result, _) => result,
    }
}

/// A program in the cache.
struct Found<P> {
    program: P,
    version: String,
    /// When it was last known to be the newest.
    since: SystemTime,
}

/// The beginning of the names of the directories with a program's versions of a suite, for machines like this one. The
/// number is that of the layout below: what another layout left in the cache is not looked at.
fn version_prefix<P: Fetchable>(suite: &str) -> String {
    format!("{}-1-{suite}-{}-", P::PACKAGE.name.to_lowercase(), std::env::consts::ARCH)
}

fn find_fresh<P: Fetchable>(cache: &Path, options: &FetchOptions) -> Option<P> {
    let Found { program, since, .. } = find(cache, &options.suite)?;
    let is_fresh = options.refresh_after.is_none_or(|limit| since.elapsed().unwrap_or_default() < limit);
    is_fresh.then_some(program)
}

/// The newest version in the cache.
fn find<P: Fetchable>(cache: &Path, suite: &str) -> Option<Found<P>> {
    let cache = fs::canonicalize(cache).ok()?;
    let prefix = version_prefix::<P>(suite);
    let directories = paths_in(&cache).into_iter().filter(|path| name_starts_with(path, &prefix));
    let dated = directories.filter_map(|path| {
        let modified = fs::metadata(path.join(VERSION_FILE)).and_then(|file| file.modified()).ok()?;
        Some((path, modified))
    });
    let (newest, since) = dated.max_by_key(|(_, modified)| *modified)?;
    let opened = open(&newest, &cache).inspect_err(|error| tracing::warn!(%error, "the cache is of no use"));
    let (program, version) = opened.ok()?;
    Some(Found { program, version, since })
}

/// The program in a directory of the cache, and its version.
fn open<P: Fetchable>(directory: &Path, cache: &Path) -> Result<(P, String), InstallError> {
    let version_file = directory.join(VERSION_FILE);
    let version = fs::read_to_string(&version_file).map_err(FileError::because("read", &version_file))?;
    let version = version.trim().to_owned();
    Ok((P::open(&directory.join("root"), &version, cache)?, version))
}

/// Waits until no other process fetches into this cache. The lock ends with the file, and so with the process.
fn lock(cache: &Path, program: &'static str, on_step: &mut impl FnMut(FetchStep)) -> Result<File, FileError> {
    let path = cache.join("lock");
    let file = File::create(&path).map_err(FileError::because("create", &path))?;
    let locked = match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            on_step(FetchStep::Waiting { program });
            file.lock()
        }
        Err(TryLockError::Error(error)) => Err(error),
    };
    locked.map_err(FileError::because("lock", &path))?;
    Ok(file)
}

/// Fetches what the mirror has into the cache, unless the cache has that version.
fn fetch<P: Fetchable>(
    cache: &Path,
    options: &FetchOptions,
    on_step: &mut impl FnMut(FetchStep),
) -> Result<P, InstallError> {
    let program = P::PACKAGE.name;
    let cache = &fs::canonicalize(cache).map_err(FileError::because("read", cache))?;
    remove_leftovers(cache);
    let staging = create_temporary_directory(cache, STAGING_PREFIX)?;
    let mirror = options.mirror.clone().unwrap_or_else(|| mirror::of_this_machine(Path::new("/etc/apt")));
    on_step(FetchStep::Looking { program, mirror: mirror.clone() });
    let (suite, keyring) = (options.suite.clone(), options.keyring.clone());
    let archive = Archive { mirror, suite, architecture: apt::architecture()?, keyring };
    let apt = PrivateApt::prepare(&P::PACKAGE, archive, &staging.path().join("apt"))?;
    let found = apt.find()?;
    let version = found.version.clone();
    let directory = cache.join(version_prefix::<P>(&options.suite) + &version);
    keep_or_replace(&directory, cache, || {
        on_step(FetchStep::Downloading { program, version: version.clone(), bytes: found.bytes });
        let packages = apt.download(&found)?;
        on_step(FetchStep::Unpacking { program, version: version.clone() });
        let whole = staging.path().join("whole");
        unpack::<P>(&packages, &whole.join("root"))?;
        write(&whole.join(VERSION_FILE), &version)?;
        open::<P>(&whole, cache)?.0.check_completeness()?;
        Ok(whole)
    })
}

/// The version in this directory if it is whole; otherwise what `fetch` gives takes its place. Whatever has damaged a cache
/// (somebody who cleans up old files, say), it heals when it is next used.
fn keep_or_replace<P: Fetchable>(
    directory: &Path,
    cache: &Path,
    fetch: impl FnOnce() -> Result<PathBuf, InstallError>,
) -> Result<P, InstallError> {
    if let Ok((program, _)) = open(directory, cache) {
        date(directory)?;
        return Ok(program);
    }
    let whole = fetch()?;
    if directory.exists() {
        fs::remove_dir_all(directory).map_err(FileError::because("remove", directory))?;
    }
    publish(&whole, directory)?;
    Ok(open(directory, cache)?.0)
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

/// Unpacks packages, without what nobody reads here.
fn unpack<P: Fetchable>(packages: &[PathBuf], root: &Path) -> Result<(), InstallError> {
    create_directory(root)?;
    packages.iter().try_for_each(|package| apt::unpack(package, root))?;
    P::install(root)?;
    for unused in ["doc", "locale", "man"].map(|name| root.join("usr/share").join(name)) {
        if unused.exists() {
            fs::remove_dir_all(&unused).map_err(FileError::because("remove", &unused))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Installation;

    /// Something with the form of a fetched version, last known to be the newest that many seconds ago.
    fn add_version(cache: &Path, suite: &str, version: &str, age: u64) -> PathBuf {
        let directory = cache.join(version_prefix::<Installation>(suite) + version);
        let libraries = directory.join("root/usr/lib/some-triplet");
        fs::create_dir_all(libraries.join("asterisk/modules")).unwrap();
        fs::write(libraries.join("ld-linux-some.so.2"), "").unwrap();
        fs::create_dir_all(directory.join("root/usr/sbin")).unwrap();
        fs::write(directory.join("root/usr/sbin/asterisk"), "").unwrap();
        let file = directory.join(VERSION_FILE);
        fs::write(&file, version).unwrap();
        let time = SystemTime::now() - Duration::from_secs(age);
        File::options().write(true).open(file).unwrap().set_modified(time).unwrap();
        directory
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
    fn a_damaged_version_is_replaced_and_a_whole_one_is_kept() {
        let (cache, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for damaged in ["root/usr/sbin/asterisk", "root/usr/lib/some-triplet", VERSION_FILE] {
            let version = add_version(cache.path(), "forky", "22.10", 100);
            let path = version.join(damaged);
            if path.is_dir() {
                fs::remove_dir_all(path).unwrap();
            } else {
                fs::remove_file(path).unwrap();
            }
            let error = versions_of(cache.path(), "forky", None).unwrap_err();
            assert!(matches!(error, InstallError::MissingKeyring { .. }), "it is not fetched again, but: {error}");

            let fetch = || Ok(add_version(elsewhere.path(), "forky", "22.10", 0));
            let healed: Installation = keep_or_replace(&version, cache.path(), fetch).unwrap();
            assert_eq!(healed.version(), "22.10");
            assert_eq!(versions_of(cache.path(), "forky", None).unwrap(), ("22.10".to_owned(), Vec::new()));
            keep_or_replace::<Installation>(&version, cache.path(), || panic!("it is whole")).unwrap();
        }
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
}
