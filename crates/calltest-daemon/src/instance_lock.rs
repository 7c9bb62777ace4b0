//! A state directory has one daemon, which says there who it is and where it answers.
//!
//! A lock on the file tells whether it is alive, so that what a crash left keeps nobody out.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What the file is called in the state directory.
const FILE_NAME: &str = "daemon.json";
/// The most that is read of it, in bytes.
const MAX_SIZE: u64 = 4096;

/// A daemon, as it says itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// How the daemon names itself: program, host and process id.
    pub instance: String,
    /// Where it answers HTTP requests.
    pub address: SocketAddr,
}

/// The lock of a state directory: held until this is dropped, or the process is gone.
#[derive(Debug)]
pub struct InstanceLock {
    _file: File,
}

/// Why a state directory could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another daemon has it.
    #[error(
        "the state directory {directory} is in use by {owner}; stop that one, or give this one another `state_dir`",
        directory = .directory.display()
    )]
    Taken {
        /// The state directory.
        directory: PathBuf,
        /// The other one, as far as it says who it is.
        owner: String,
    },
    /// The directory cannot be used.
    #[error("the state directory {directory} cannot be used: {source}", directory = .directory.display())]
    Unusable {
        /// The state directory.
        directory: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl InstanceLock {
    /// Locks a state directory, which is made if there is none.
    ///
    /// # Errors
    /// If another daemon has it, or the directory cannot be used.
    pub fn take(directory: &Path, instance: &Instance) -> Result<Self, LockError> {
        let unusable = |source| LockError::Unusable { directory: directory.to_owned(), source };
        fs::create_dir_all(directory).map_err(unusable)?;
        let path = directory.join(FILE_NAME);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = opened.map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let owner = read(&mut file).map_or("a daemon that does not say who it is".into(), |other| {
                    format!("{} at http://{}/", other.instance, other.address)
                });
                return Err(LockError::Taken { directory: directory.to_owned(), owner });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        let text = serde_json::to_string(instance).map_err(|error| unusable(error.into()))?;
        // What stood there is shorter or longer.
        file.set_len(0).and_then(|()| file.write_all(text.as_bytes())).map_err(unusable)?;
        Ok(Self { _file: file })
    }

    /// The daemon that has locked a state directory, if one has.
    pub fn instance(directory: &Path) -> Option<Instance> {
        let mut file = File::open(directory.join(FILE_NAME)).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => read(&mut file),
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }
}

fn read(file: &mut File) -> Option<Instance> {
    let mut text = String::new();
    file.take(MAX_SIZE).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_directory_has_one_daemon_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("state");
        let named = |instance: &str| Instance { instance: instance.into(), address: ([127, 0, 0, 1], 8080).into() };
        assert_eq!(InstanceLock::instance(&directory), None);
        let lock = InstanceLock::take(&directory, &named("a daemon with a long name")).unwrap();
        assert_eq!(InstanceLock::instance(&directory), Some(named("a daemon with a long name")));
        let refused = InstanceLock::take(&directory, &named("second")).unwrap_err().to_string();
        let expected = format!(
            "the state directory {} is in use by a daemon with a long name at http://127.0.0.1:8080/; stop that one, or give \
             this one another `state_dir`",
            directory.display()
        );
        assert_eq!(refused, expected);
        drop(lock);
        assert_eq!(InstanceLock::instance(&directory), None);
        let _third = InstanceLock::take(&directory, &named("third")).unwrap();
        assert_eq!(InstanceLock::instance(&directory), Some(named("third")));
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let instance = Instance { instance: "a".into(), address: ([127, 0, 0, 1], 1).into() };
        let refused = InstanceLock::take(&file.join("state"), &instance).unwrap_err();
        assert!(matches!(refused, LockError::Unusable { .. }), "{refused}");
    }
}
