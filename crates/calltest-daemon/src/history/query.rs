//! Reading the file, with a connection that cannot write and does not hold up the one that does.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use calltest_core::code::Code;
use calltest_core::verdict::Reason;
use rusqlite::{CachedStatement, Connection, OpenFlags, OptionalExtension, Row, Transaction, params};

use super::error::HistoryError;
use super::file_kind::{BUSY_TIMEOUT, examine};
use super::form;
use super::record::{Filter, RunSummary, Seq};
use super::saved::{Restored, RestoredTest, SavedTest};
use crate::silence::Silence;

/// How many runs of a test are taken in after a restart, at most: the newest. More wait only if states could not be saved
/// for long, and by far fewer make up what is known of a test.
const REPLAYED: usize = 1000;

/// The places of a test's runs with one verdict, newest first; in the index alone, without a look at the table.
const PLACES: &str = "SELECT requested, seq FROM runs
    WHERE test = ?1 AND verdict = ?2 AND requested >= ?3 AND (requested, seq) < (?4, ?5)
    ORDER BY requested DESC, seq DESC LIMIT ?6";
const BY_SEQ: &str =
    "SELECT seq, id, requested, ended, waited, duration, verdict, reason, code FROM runs WHERE seq = ?1";
const SINCE: &str = "SELECT seq, id, requested, ended, waited, duration, verdict, reason, code FROM runs
    WHERE test = ?1 AND seq > ?2 ORDER BY seq DESC LIMIT ?3";
const REPORT_BY_ID: &str = "SELECT report FROM runs WHERE id = ?1 AND test = ?2";

/// The file, open for reading only while it can be.
pub(crate) struct Readers {
    path: PathBuf,
    /// One is enough: a page takes less than a millisecond.
    reader: Mutex<Option<Reader>>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, reader: Mutex::new(None) }
    }

    /// Reads, on this thread. After an error the file is opened again, since it may be another one by then.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&mut Reader) -> Result<T, HistoryError>) -> Result<T, HistoryError> {
        let mut reader = self.lock();
        let mut open = match reader.take() {
            Some(open) => open,
            None => Reader::open(&self.path)?,
        };
        let answer = read(&mut open)?;
        *reader = Some(open);
        Ok(answer)
    }

    /// The next read opens the file again.
    pub(crate) fn forget(&self) {
        drop(self.lock().take());
    }

    /// If a reader panics, its connection is gone; the next read opens another.
    fn lock(&self) -> MutexGuard<'_, Option<Reader>> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that only reads.
pub(crate) struct Reader {
    connection: Connection,
}

impl Reader {
    pub(crate) fn open(path: &Path) -> Result<Self, HistoryError> {
        examine(path)?;
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        Ok(Self { connection })
    }

    /// The runs of a test, newest first, and one more than the page has room for, if there is one.
    pub(crate) fn page(&mut self, test: &str, filter: &Filter) -> Result<Vec<RunSummary>, HistoryError> {
        let transaction = self.connection.transaction()?;
        let Some(test) = test_id(&transaction, test)? else { return Ok(Vec::new()) };
        let (from, end, wanted) = (filter.earliest(), filter.end(), filter.limit() + 1);
        let mut places: Vec<(i64, i64)> = Vec::new();
        for verdict in &filter.verdicts {
            let mut select = transaction.prepare_cached(PLACES)?;
            let bounds = params![test, form::of_verdict(*verdict), from, end.requested, end.seq, wanted as i64];
            let found = select.query_map(bounds, |row| Ok((row.get(0)?, row.get(1)?)))?;
            for place in found {
                places.push(place?);
            }
        }
        places.sort_unstable_by(|a, b| b.cmp(a));
        places.truncate(wanted);
        let mut select = transaction.prepare_cached(BY_SEQ)?;
        places.into_iter().map(|(_, seq)| one(&mut select, seq)).collect()
    }

    /// All about a run of a test, in the form on the wire; nothing if there is no such run, or that was not kept.
    pub(crate) fn report(&mut self, test: &str, id: &str) -> Result<Option<String>, HistoryError> {
        let transaction = self.connection.transaction()?;
        let Some(test) = test_id(&transaction, test)? else { return Ok(None) };
        let mut select = transaction.prepare_cached(REPORT_BY_ID)?;
        let found = select.query_row(params![id, test], |row| row.get::<_, Option<Vec<u8>>>(0)).optional()?;
        found.flatten().as_deref().map(form::report).transpose()
    }

    /// What an earlier process has left.
    pub(crate) fn restored(&mut self) -> Result<Restored, HistoryError> {
        let transaction = self.connection.transaction()?;
        let mut restored = Restored::default();
        let mut tests = transaction.prepare("SELECT id, name, state, included FROM tests")?;
        let mut rows = tests.query([])?;
        while let Some(row) = rows.next()? {
            let (id, name): (i64, String) = (row.get(0)?, row.get(1)?);
            let state = saved(&name, row.get(2)?, row.get(3)?);
            let runs = runs_since(&transaction, id, state.included)?;
            if runs.len() == REPLAYED {
                tracing::warn!(test = name, "runs before the last {REPLAYED} may be missing in this test's counts");
            }
            restored.tests.insert(name, RestoredTest { state, runs });
        }
        let mut silences = transaction.prepare("SELECT id, text, expires FROM silences ORDER BY id")?;
        let mut rows = silences.query([])?;
        while let Some(row) = rows.next()? {
            let (id, text, until): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            restored.silences.extend(silence(id, &text, until));
        }
        Ok(restored)
    }
}

fn test_id(transaction: &Transaction<'_>, name: &str) -> Result<Option<i64>, HistoryError> {
    let mut select = transaction.prepare_cached("SELECT id FROM tests WHERE name = ?1")?;
    Ok(select.query_row([name], |row| row.get(0)).optional()?)
}

/// A state that cannot be read is made up for by taking in all runs again.
fn saved(name: &str, state: Option<String>, included: Option<i64>) -> SavedTest {
    let Some(text) = state else { return SavedTest::default() };
    match serde_json::from_str(&text) {
        Ok(state) => SavedTest { included: included.map(Seq), ..state },
        Err(error) => {
            tracing::error!(test = name, %error, "the saved state of a test makes no sense; it is made up from its runs");
            SavedTest::default()
        }
    }
}

fn silence(id: String, text: &str, until: i64) -> Option<Silence> {
    match serde_json::from_str(text) {
        Ok(silence) => Some(Silence { id, until: form::time(until), ..silence }),
        Err(error) => {
            tracing::error!(id, "a silence in the history cannot be read, and does not hold: {error}");
            None
        }
    }
}

fn runs_since(
    transaction: &Transaction<'_>,
    test: i64,
    included: Option<Seq>,
) -> Result<Vec<RunSummary>, HistoryError> {
    let mut select = transaction.prepare_cached(SINCE)?;
    let mut rows = select.query(params![test, included.map_or(i64::MIN, |seq| seq.0), REPLAYED as i64])?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        runs.push(summary(row)?);
    }
    runs.reverse();
    Ok(runs)
}

fn one(select: &mut CachedStatement<'_>, seq: i64) -> Result<RunSummary, HistoryError> {
    let mut rows = select.query([seq])?;
    let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    summary(row)
}

fn reason(sentence: Option<String>, code: Option<String>) -> Option<Reason> {
    Some(Reason { code: code.as_deref().and_then(Code::of_word), sentence: sentence? })
}

fn summary(row: &Row<'_>) -> Result<RunSummary, HistoryError> {
    Ok(RunSummary {
        seq: Seq(row.get(0)?),
        id: row.get(1)?,
        requested: form::time(row.get(2)?),
        ended: form::time(row.get(3)?),
        waited: form::duration(row.get(4)?),
        duration: form::duration(row.get(5)?),
        verdict: form::verdict(row.get(6)?)?,
        reason: reason(row.get(7)?, row.get(8)?),
    })
}

#[cfg(test)]
mod tests;
