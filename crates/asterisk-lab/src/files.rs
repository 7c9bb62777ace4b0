//! Files and directories, with errors that say which one and what was tried.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file or directory could not be used, or a program not be run.
#[derive(Debug, thiserror::Error)]
#[error("could not {action} {}", path.display())]
pub struct FileError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl FileError {
    /// For `map_err`: what was tried, as a verb, and with what.
    pub(crate) fn because(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { action, path: path.to_owned(), source }
    }
}

/// Makes a directory and those above it.
pub(crate) fn create_directory(path: &Path) -> Result<(), FileError> {
    fs::create_dir_all(path).map_err(FileError::because("create", path))
}

/// Makes a directory with a name of its own, which is removed with what is in it when the value is dropped.
pub(crate) fn create_temporary_directory(parent: &Path, prefix: &str) -> Result<tempfile::TempDir, FileError> {
    let made = tempfile::Builder::new().prefix(prefix).tempdir_in(parent);
    made.map_err(FileError::because("create a directory in", parent))
}

pub(crate) fn write(path: &Path, text: &str) -> Result<(), FileError> {
    fs::write(path, text).map_err(FileError::because("write", path))
}

/// The paths in a directory; none where it cannot be read.
pub(crate) fn paths_in(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// Whether the last component of a path begins with a prefix.
pub(crate) fn name_starts_with(path: &Path, prefix: &str) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix))
}
