//! The archive: where recordings are kept once they were fetched from their server.
//!
//! A folder of WAV files, named by run and side. It does not grow beyond its limit: the oldest go first.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use calltest_core::evidence::Side;
use calltest_core::run::RunId;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How many bytes of recordings are kept: some eight hours of telephone voice.
pub const MAX_ARCHIVED: u64 = 512 << 20;

/// How long a run waits for a disk. One that takes longer hangs, as a file system on a network can for ever.
pub(crate) const DISK_LIMIT: Duration = Duration::from_secs(10);

/// How many recordings are written at once: each one on a disk that hangs holds a thread.
const MAX_WRITERS: usize = 16;

/// Which part of its limit the archive makes room for at once.
const LOT: u64 = 16;

/// What the name of a recording ends with while it is being written.
const STAGED: &str = "part";
/// A recording that nobody has written to for so long is not being written any more.
const LEFT_BEHIND: Duration = Duration::from_secs(60 * 60);

/// A folder of recordings. Other processes may keep theirs in it at the same time.
#[derive(Debug, Clone)]
pub(crate) struct Archive {
    folder: PathBuf,
    limit: u64,
    /// For how many more bytes there is room before somebody has to look again.
    room: Arc<Mutex<u64>>,
    writers: Arc<Semaphore>,
}

impl Archive {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self::with_limit(folder, MAX_ARCHIVED)
    }

    fn with_limit(folder: PathBuf, limit: u64) -> Self {
        Self { folder, limit, room: Arc::default(), writers: Arc::new(Semaphore::new(MAX_WRITERS)) }
    }

    /// Keeps a recording, and returns where. Whatever the disk does, it comes back in time.
    pub(crate) async fn keep(&self, run: RunId, side: Side, bytes: Bytes) -> io::Result<PathBuf> {
        let archive = self.clone();
        let writing = async {
            let turn = Arc::clone(&self.writers).acquire_owned().await.map_err(io::Error::other)?;
            let write = move || {
                let written = archive.write(run, side, &bytes);
                drop(turn);
                written
            };
            spawn_blocking(write).await.map_err(io::Error::other)?
        };
        timeout(DISK_LIMIT, writing).await.unwrap_or_else(|_| {
            let why = format!("the disk did not answer within {} s", DISK_LIMIT.as_secs());
            Err(io::Error::new(io::ErrorKind::TimedOut, why))
        })
    }

    fn write(&self, run: RunId, side: Side, bytes: &[u8]) -> io::Result<PathBuf> {
        fs::create_dir_all(&self.folder)?;
        self.take_room(bytes.len() as u64)?;
        let path = self.folder.join(format!("{run}-{}.wav", side.word()));
        let staged = path.with_extension(STAGED);
        fs::write(&staged, bytes)?;
        fs::rename(&staged, &path)?;
        Ok(path)
    }

    /// Makes room for so many bytes, and for more at once: to look at thousands of files for every new one takes longer than
    /// to write it.
    fn take_room(&self, needed: u64) -> io::Result<()> {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        if *room < needed {
            let wanted = needed.max(self.limit / LOT);
            self.make_room(wanted)?;
            *room = wanted;
        }
        *room -= needed;
        Ok(())
    }

    fn make_room(&self, wanted: u64) -> io::Result<()> {
        let mut kept = recordings(&self.folder)?;
        let mut size: u64 = kept.iter().map(|recording| recording.size).sum();
        kept.sort_by_key(|recording| recording.changed);
        for oldest in kept {
            if size + wanted <= self.limit {
                break;
            }
            unless_gone(fs::remove_file(&oldest.path))?;
            size -= oldest.size;
        }
        Ok(())
    }
}

/// Lets go of a file that somebody else has made room with.
fn unless_gone<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        outcome => outcome.map(Some),
    }
}

struct Kept {
    path: PathBuf,
    size: u64,
    changed: SystemTime,
}

/// The recordings in a folder, also what a crash has left of one; other files in it are nobody's business.
fn recordings(folder: &Path) -> io::Result<Vec<Kept>> {
    let mut kept = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let is_whole = path.extension().is_some_and(|extension| extension == "wav");
        if !is_whole && path.extension().is_none_or(|extension| extension != STAGED) {
            continue;
        }
        let Some(metadata) = unless_gone(entry.metadata())? else { continue };
        let changed = metadata.modified()?;
        // One that is being written is not to be taken away.
        if is_whole || changed.elapsed().is_ok_and(|age| age > LEFT_BEHIND) {
            kept.push(Kept { path, size: metadata.len(), changed });
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG_AGO: SystemTime = SystemTime::UNIX_EPOCH;

    fn age(path: &Path, seconds: u64) {
        fs::File::open(path).unwrap().set_modified(LONG_AGO + Duration::from_secs(seconds)).unwrap();
    }

    #[test]
    fn the_oldest_recordings_make_room_and_other_files_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::with_limit(folder.path().join("recordings"), 100);
        let kept: Vec<PathBuf> = (1..=3)
            .map(|run| {
                let path = archive.write(RunId(run), Side::Dst, &[0; 30]).unwrap();
                age(&path, run);
                path
            })
            .collect();
        let notes = archive.folder.join("notes.txt");
        fs::write(&notes, [0; 1000]).unwrap();
        let newest = archive.write(RunId(4), Side::Src, &[7; 40]).unwrap();
        let exist: Vec<bool> = kept.iter().map(|path| path.exists()).collect();
        assert_eq!(exist, [false, true, true], "three of thirty bytes and one of forty do not fit a hundred");
        assert!(newest.ends_with("0000000000000004-src.wav") && fs::read(&newest).unwrap() == [7; 40]);
        assert!(notes.exists());
    }

    #[test]
    fn what_a_crash_left_makes_room_too() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::with_limit(folder.path().to_owned(), 100);
        let left = folder.path().join("0000000000000001-src.part");
        fs::write(&left, [0; 90]).unwrap();
        age(&left, 1);
        archive.write(RunId(2), Side::Src, &[0; 20]).unwrap();
        assert!(!left.exists());
    }

    #[test]
    fn many_keep_at_once_in_a_full_folder_that_is_not_theirs_alone() {
        const LIMIT: u64 = 32_000;
        let folder = tempfile::tempdir().unwrap();
        let processes = [(); 2].map(|()| Archive::with_limit(folder.path().to_owned(), LIMIT));
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let archive = &processes[thread % 2];
                scope.spawn(move || {
                    for run in 0..200 {
                        archive.write(RunId(thread as u64 * 1000 + run), Side::Src, &[0; 500]).unwrap();
                    }
                });
            }
        });
        let size: u64 = recordings(folder.path()).unwrap().iter().map(|recording| recording.size).sum();
        // Each may use up the room that it has found.
        assert!(size <= LIMIT + 2 * LIMIT / LOT, "{size}");
        assert!(size > LIMIT / 2, "more was thrown away than had to be: {size}");
    }
}
