//! Deleting recordings of runs that are thrown away.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Deletes a recording, if it really is one: what the file says must not make us delete anything else.
pub(super) fn delete(path: &Path, folder: &Path) {
    match place(path, folder) {
        Ok(Some(place)) => match fs::remove_file(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %path.display(), %error, "could not delete the recording of a run that is forgotten");
            }
            _ => {}
        },
        Ok(None) => {
            tracing::error!(path = %path.display(), folder = %folder.display(), "this is no recording, and is not deleted");
        }
        // Its folder is gone, and so is it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "could not find the recording of a run that is forgotten");
        }
    }
}

/// Where a file below the folder really is, all links on the way followed, but not one in its own place.
fn place(path: &Path, folder: &Path) -> io::Result<Option<PathBuf>> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(None) };
    let parent = fs::canonicalize(parent)?;
    Ok(parent.starts_with(fs::canonicalize(folder)?).then(|| parent.join(name)))
}
