//! The archive: where recordings are kept once they were fetched from their server.
//!
//! A folder of WAV files, named by run and side. It never grows beyond its limit: the oldest go first.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use calltest_core::evidence::Side;
use calltest_core::run::RunId;

/// How many bytes of recordings are kept: some eight hours of telephone voice.
pub const MAX_ARCHIVED: u64 = 512 << 20;

/// A folder of recordings.
#[derive(Debug, Clone)]
pub(crate) struct Archive {
    folder: PathBuf,
    limit: u64,
}

impl Archive {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, limit: MAX_ARCHIVED }
    }

    /// Keeps a recording, and returns where. May take a while: not to be called on the event loop.
    pub(crate) fn keep(&self, run: RunId, side: Side, bytes: &[u8]) -> io::Result<PathBuf> {
        fs::create_dir_all(&self.folder)?;
        self.make_room(bytes.len() as u64)?;
        let side = match side {
            Side::Src => "src",
            Side::Dst => "dst",
        };
        let path = self.folder.join(format!("{run}-{side}.wav"));
        let staged = path.with_extension("part");
        fs::write(&staged, bytes)?;
        fs::rename(&staged, &path)?;
        Ok(path)
    }

    fn make_room(&self, needed: u64) -> io::Result<()> {
        let mut kept = recordings(&self.folder)?;
        let mut size: u64 = kept.iter().map(|recording| recording.size).sum();
        kept.sort_by_key(|recording| recording.changed);
        for oldest in kept {
            if size + needed <= self.limit {
                break;
            }
            match fs::remove_file(&oldest.path) {
                // Somebody else made room.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                done => done?,
            }
            size -= oldest.size;
        }
        Ok(())
    }
}

struct Kept {
    path: PathBuf,
    size: u64,
    changed: SystemTime,
}

/// The recordings in a folder; other files in it are nobody's business.
fn recordings(folder: &Path) -> io::Result<Vec<Kept>> {
    let mut kept = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "wav") {
            continue;
        }
        let metadata = entry.metadata()?;
        kept.push(Kept { path, size: metadata.len(), changed: metadata.modified()? });
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_oldest_recordings_make_room_and_other_files_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive { folder: folder.path().join("recordings"), limit: 100 };
        let kept: Vec<PathBuf> = (1..=3)
            .map(|run| {
                let path = archive.keep(RunId(run), Side::Dst, &[0; 30]).unwrap();
                let long_ago = SystemTime::now() - Duration::from_secs(1000 - run);
                fs::File::open(&path).unwrap().set_modified(long_ago).unwrap();
                path
            })
            .collect();
        let notes = archive.folder.join("notes.txt");
        fs::write(&notes, [0; 1000]).unwrap();
        let newest = archive.keep(RunId(4), Side::Src, &[7; 40]).unwrap();
        let exist: Vec<bool> = kept.iter().map(|path| path.exists()).collect();
        assert_eq!(exist, [false, true, true], "three of thirty bytes and one of forty do not fit a hundred");
        assert!(newest.ends_with("0000000000000004-src.wav") && fs::read(&newest).unwrap() == [7; 40]);
        assert!(notes.exists());
    }
}
