//! Where a history is, and how much of it is kept.

use std::path::PathBuf;

use calltest_core::plan::Retention;

/// Where the history is, and how much of it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The file. It is made if there is none, and so is its directory.
    pub(crate) path: PathBuf,
    /// The folder of the recordings. Files elsewhere are never deleted, whatever the history says.
    pub(crate) recordings: PathBuf,
    pub(crate) retention: Retention,
}
