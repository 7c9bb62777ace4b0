//! Whether a file is a history of ours, and one that this version knows: found out before anything is written to it.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::error::HistoryError;

/// The version of the schema. A file of a newer version is left alone, one of an older version is converted (`store.rs`,
/// `convert`). 1 was the first; 2 has the codes of reasons.
pub(super) const FORM: u32 = 2;
/// "ctst", by which files of ours are known.
pub(super) const APPLICATION: u32 = 0x6374_7374;
/// The first bytes of every SQLite database.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// How long a statement waits for a lock of somebody else.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_millis(200);

/// Sees whether a file is ours, or is to be. First by its bytes, because SQLite takes a short file of any kind for an empty
/// database; then with a connection that cannot write, because the newest header may be in the log.
pub(super) fn examine(path: &Path) -> Result<(), HistoryError> {
    let mut header = Vec::new();
    File::open(path)?.take(100).read_to_end(&mut header)?;
    if header.is_empty() {
        return Ok(());
    }
    let number = |at: usize| header.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    let (Some(version), Some(application)) = (number(60), number(68)) else { return Err(HistoryError::NotOurs) };
    if !header.starts_with(MAGIC) {
        return Err(HistoryError::NotOurs);
    }
    is_known(application, version)?;
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    form_of(&connection).map(drop)
}

/// The version of a database; nothing if it is empty.
pub(super) fn form_of(connection: &Connection) -> Result<Option<u32>, HistoryError> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application, version) = (pragma("application_id")?.cast_unsigned(), pragma("user_version")?.cast_unsigned());
    is_known(application, version)?;
    if application == APPLICATION {
        return Ok(Some(version));
    }
    let table: Option<i64> =
        connection.query_row("SELECT 1 FROM sqlite_schema LIMIT 1", [], |row| row.get(0)).optional()?;
    if table.is_some() { Err(HistoryError::NotOurs) } else { Ok(None) }
}

fn is_known(application: u32, version: u32) -> Result<(), HistoryError> {
    match (application, version) {
        (APPLICATION, found) if found > FORM => Err(HistoryError::Newer { found, known: FORM }),
        (APPLICATION, _) | (0, 0) => Ok(()),
        _ => Err(HistoryError::NotOurs),
    }
}
