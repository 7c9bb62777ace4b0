//! The daemon's seat: a state directory has one daemon, which says there who it is and where it answers.
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

/// Who has the seat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// How the daemon names itself: program, host and process id.
    pub instance: String,
    /// Where it answers HTTP requests.
    pub address: SocketAddr,
}

/// The seat while it is held: until it is dropped, or the process is gone.
#[derive(Debug)]
pub struct Seat {
    _file: File,
}

/// Why there is no seat.
#[derive(Debug, thiserror::Error)]
pub enum SeatError {
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
        /// Why.
        source: io::Error,
    },
}

impl Seat {
    /// Takes the seat of a state directory, which is made if there is none.
    ///
    /// # Errors
    /// If another daemon has it, or the directory cannot be used.
    pub fn take(directory: &Path, holder: &Holder) -> Result<Self, SeatError> {
        let unusable = |source| SeatError::Unusable { directory: directory.to_owned(), source };
        fs::create_dir_all(directory).map_err(unusable)?;
        let path = directory.join(FILE_NAME);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = opened.map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let owner = read(&mut file).map_or("a daemon that does not say who it is".into(), |holder| {
                    format!("{} at http://{}/", holder.instance, holder.address)
                });
                return Err(SeatError::Taken { directory: directory.to_owned(), owner });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        let text = serde_json::to_string(holder).map_err(|error| unusable(error.into()))?;
        // What stood there is shorter or longer.
        file.set_len(0).and_then(|()| file.write_all(text.as_bytes())).map_err(unusable)?;
        Ok(Self { _file: file })
    }

    /// Who has the seat of a state directory now, if anybody has.
    pub fn holder(directory: &Path) -> Option<Holder> {
        let mut file = File::open(directory.join(FILE_NAME)).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => read(&mut file),
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }
}

fn read(file: &mut File) -> Option<Holder> {
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
        let holder = |instance: &str| Holder { instance: instance.into(), address: ([127, 0, 0, 1], 8080).into() };
        assert_eq!(Seat::holder(&directory), None);
        let seat = Seat::take(&directory, &holder("a daemon with a long name")).unwrap();
        assert_eq!(Seat::holder(&directory), Some(holder("a daemon with a long name")));
        let refused = Seat::take(&directory, &holder("second")).unwrap_err().to_string();
        let expected = format!(
            "the state directory {} is in use by a daemon with a long name at http://127.0.0.1:8080/; stop that one, or give \
             this one another `state_dir`",
            directory.display()
        );
        assert_eq!(refused, expected);
        drop(seat);
        assert_eq!(Seat::holder(&directory), None);
        let _third = Seat::take(&directory, &holder("third")).unwrap();
        assert_eq!(Seat::holder(&directory), Some(holder("third")));
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let holder = Holder { instance: "a".into(), address: ([127, 0, 0, 1], 1).into() };
        let refused = Seat::take(&file.join("state"), &holder).unwrap_err();
        assert!(matches!(refused, SeatError::Unusable { .. }), "{refused}");
    }
}
