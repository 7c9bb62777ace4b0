//! Why the history could not be written or read, and what to do about it.

use std::io;

use rusqlite::ErrorCode;

/// Why the history could not be written or read. Each reads as "FILE: {error}".
#[derive(Debug, thiserror::Error)]
pub(crate) enum HistoryError {
    /// No more can be written.
    #[error("the disk is full")]
    Full(#[source] rusqlite::Error),
    /// Somebody else is writing, or has reserved it for himself.
    #[error("another process holds it locked")]
    Locked(#[source] rusqlite::Error),
    /// Reading may do.
    #[error("it cannot be written")]
    ReadOnly(#[source] rusqlite::Error),
    /// SQLite has found it inconsistent.
    #[error("it is damaged")]
    Damaged,
    /// Something else is in its place.
    #[error("it is not a calltest history file")]
    NotOurs,
    /// It has a form that this version does not know.
    #[error("a newer calltest has written it, in form {found}; this one knows forms up to {known}")]
    Newer {
        found: u32,
        /// The newest form that this version knows.
        known: u32,
    },
    /// A value is not of those that are written there.
    #[error("it holds {what} that makes no sense: {value}")]
    InvalidValue { what: &'static str, value: String },
    /// A state that has no form as text.
    #[error("a state cannot be written down: {0}")]
    Unwritable(#[source] serde_json::Error),
    /// Its directory, or the file as such.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Anything else that SQLite says.
    #[error("{0}")]
    Sqlite(#[source] rusqlite::Error),
    /// Nothing will be written any more.
    #[error("the thread that writes it has panicked")]
    Panicked,
    /// The reader has panicked, or the runtime is ending.
    #[error("reading was aborted: {0}")]
    ReadAborted(#[from] tokio::task::JoinError),
}

impl From<rusqlite::Error> for HistoryError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full(error),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked(error),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly(error),
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged,
            Some(ErrorCode::NotADatabase) => Self::NotOurs,
            _ => Self::Sqlite(error),
        }
    }
}

impl HistoryError {
    /// Whether one item is to blame, and not the file: without it, the others can be written.
    pub(super) fn blames_the_item(&self) -> bool {
        match self {
            Self::Unwritable(_) => true,
            Self::Sqlite(rusqlite::Error::ToSqlConversionFailure(_)) => true,
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(
                    ErrorCode::ConstraintViolation
                        | ErrorCode::TooBig
                        | ErrorCode::TypeMismatch
                        | ErrorCode::ParameterOutOfRange
                )
            ),
            _ => false,
        }
    }

    /// What somebody has to do about it.
    pub(super) fn advice(&self) -> &'static str {
        match self {
            Self::Full(_) => "make room on the disk",
            Self::Locked(_) => "end the process that holds it",
            Self::ReadOnly(_) => "make the file and its directory writable",
            Self::Damaged | Self::NotOurs => "move it away and calltest starts a new one",
            Self::Newer { .. } => "start the newer calltest, or move it away and calltest starts a new one",
            Self::Panicked => "restart calltest",
            Self::InvalidValue { .. } | Self::Unwritable(_) | Self::Io(_) | Self::Sqlite(_) | Self::ReadAborted(_) => {
                "see that the file and its directory can be read and written"
            }
        }
    }
}
