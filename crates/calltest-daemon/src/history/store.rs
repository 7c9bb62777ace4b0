//! The file: its schema, and how runs and states get into it.
//!
//! It is one SQLite database, which one connection writes, from one thread, and others may read at the same time. It knows
//! no tokio, and does not try again: whoever owns it decides what an error means.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use calltest_core::code::Code;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Savepoint, TransactionBehavior, params};

use super::backlog::{Batch, Item};
use super::error::HistoryError;
use super::file_kind::{APPLICATION, BUSY_TIMEOUT, FORM, examine, form_of};
use super::form;
use super::pending_run::PendingRun;
use super::record::Seq;

/// A run's `seq` is given by us, since runs have their place before they are written.
///
/// Lists of a test's runs go by the index on `test, verdict, requested`, one walk for each verdict; what is still to be
/// taken in after a restart by that on `test`; retention by that on `verdict, requested`.
const SCHEMA: &str = "
    CREATE TABLE tests (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        state TEXT,
        included INTEGER
    );
    CREATE TABLE silences (
        id TEXT PRIMARY KEY,
        expires INTEGER NOT NULL,
        text TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE runs (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL,
        test INTEGER NOT NULL,
        verdict INTEGER NOT NULL,
        requested INTEGER NOT NULL,
        ended INTEGER NOT NULL,
        waited INTEGER NOT NULL,
        duration INTEGER NOT NULL,
        reason TEXT,
        recordings BLOB,
        report BLOB,
        code TEXT
    );
    CREATE UNIQUE INDEX runs_by_id ON runs (id);
    CREATE INDEX runs_by_test ON runs (test);
    CREATE INDEX runs_by_test_verdict ON runs (test, verdict, requested);
    CREATE INDEX runs_by_verdict ON runs (verdict, requested);
";

/// The file, open for writing.
pub(crate) struct Store {
    pub(super) connection: Connection,
    path: PathBuf,
    identity: Identity,
    tests: HashMap<String, i64>,
    pub(super) runs: u64,
    last: i64,
}

/// Which file it is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

/// An item that was left out, because it alone could not be written.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) item: String,
    pub(crate) error: HistoryError,
}

/// What of the store changes with a transaction, once that is committed.
#[derive(Default)]
struct Gain {
    runs: u64,
    last: i64,
    tests: HashMap<String, i64>,
    refused: Vec<Refused>,
}

impl Store {
    /// Opens the file, and makes it if there is none. A file of another kind or a newer version is not touched.
    pub(crate) fn open(path: &Path, pages: u32) -> Result<Self, HistoryError> {
        create(path)?;
        examine(path)?;
        let mut connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // Until it is known to be whole, closing it is to change nothing.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        // Only before the first page is written, which choosing the journal does.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        let journal: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        if journal != "wal" {
            tracing::warn!(path = %path.display(), journal, "the history has no write-ahead log here: readers hold up the writer");
        }
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        connection.pragma_update(None, "cache_size", -16_384)?;
        connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
        connection.set_prepared_statement_cache_capacity(64);
        match form_of(&connection)? {
            None => make_schema(&mut connection)?,
            Some(form) => convert(&mut connection, form)?,
        }
        let runs: i64 = connection.query_row("SELECT count(*) FROM runs", [], |row| row.get(0))?;
        let last: i64 = connection.query_row(
            "SELECT max(ifnull((SELECT max(seq) FROM runs), 0), ifnull((SELECT max(included) FROM tests), 0))",
            [],
            |row| row.get(0),
        )?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        let identity = Identity::of(path)?;
        let runs = runs.try_into().unwrap_or(0);
        Ok(Self { connection, path: path.to_owned(), identity, tests: HashMap::new(), runs, last })
    }

    /// The last run that it has ever had.
    pub(crate) fn last(&self) -> Seq {
        Seq(self.last)
    }

    /// Whether its file is still where it was. If somebody has moved or deleted it, what is written would be lost.
    pub(crate) fn is_in_place(&self) -> bool {
        Identity::of(&self.path).is_ok_and(|identity| identity == self.identity)
    }

    /// Writes all or nothing, but for items that cannot be written for a reason of their own, and are returned.
    pub(crate) fn write(&mut self, batch: &Batch) -> Result<Vec<Refused>, HistoryError> {
        let gain = match self.try_to_write(batch, false) {
            Err(error) if error.blames_the_item() => self.try_to_write(batch, true)?,
            gain => gain?,
        };
        self.runs += gain.runs;
        self.last = self.last.max(gain.last);
        self.tests.extend(gain.tests);
        Ok(gain.refused)
    }

    /// With `one_by_one`, each item can be taken back by itself, which takes longer.
    fn try_to_write(&mut self, batch: &Batch, one_by_one: bool) -> Result<Gain, HistoryError> {
        let mut transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut gain = Gain { last: self.last, ..Gain::default() };
        let mut whole = transaction.savepoint()?;
        for item in batch.items() {
            if !one_by_one {
                put(&whole, item, &self.tests, &mut gain)?;
                continue;
            }
            let single = whole.savepoint()?;
            match put(&single, item, &self.tests, &mut gain) {
                Ok(()) => single.commit()?,
                Err(error) if error.blames_the_item() => {
                    single.finish()?;
                    // It may have been this item that made the test's row, which is gone now.
                    gain.tests.clear();
                    gain.refused.push(Refused { item: item.to_string(), error });
                }
                Err(error) => return Err(error),
            }
        }
        whole.commit()?;
        transaction.commit()?;
        Ok(gain)
    }

    /// Whether SQLite finds it consistent. Reads all of it.
    pub(crate) fn check(&self) -> Result<(), HistoryError> {
        let answer: String = self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if answer == "ok" { Ok(()) } else { Err(HistoryError::Damaged) }
    }

    /// Puts everything into the one file, and closes it.
    pub(crate) fn close(self) -> Result<(), HistoryError> {
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        self.connection.close().map_err(|(_, error)| error.into())
    }

    /// Closes it without moving anything from the log into the file, which is damaged, and somebody may want to rescue.
    pub(crate) fn abandon(self) -> Result<(), HistoryError> {
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        self.connection.close().map_err(|(_, error)| error.into())
    }
}

impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self { device: metadata.dev(), inode: metadata.ino() })
    }
}

/// An empty file that nobody else can read, where there is none.
fn create(path: &Path) -> io::Result<()> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

fn make_schema(connection: &mut Connection) -> Result<(), HistoryError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(SCHEMA)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", FORM)?;
    Ok(transaction.commit()?)
}

/// Brings a file of an older version into the form of this one.
fn convert(connection: &mut Connection, form: u32) -> Result<(), HistoryError> {
    if form >= FORM {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if form < 2 {
        transaction.execute_batch("ALTER TABLE runs ADD COLUMN code TEXT")?;
    }
    transaction.pragma_update(None, "user_version", FORM)?;
    Ok(transaction.commit()?)
}

fn put(
    within: &Savepoint<'_>,
    item: Item<'_>,
    known: &HashMap<String, i64>,
    gain: &mut Gain,
) -> Result<(), HistoryError> {
    match item {
        Item::Run(run) => put_run(within, run, known, gain)?,
        Item::Test(name, state) => {
            let text = serde_json::to_string(state).map_err(HistoryError::Unwritable)?;
            let mut insert = within.prepare_cached(
                "INSERT INTO tests (name, state, included) VALUES (?1, ?2, ?3)
                 ON CONFLICT (name) DO UPDATE SET state = excluded.state, included = excluded.included",
            )?;
            insert.execute(params![name, text, state.included.map(|seq| seq.0)])?;
        }
        Item::Silence(silence) => {
            let mut insert =
                within.prepare_cached("INSERT OR REPLACE INTO silences (id, expires, text) VALUES (?1, ?2, ?3)")?;
            let text = serde_json::to_string(silence).map_err(HistoryError::Unwritable)?;
            insert.execute(params![silence.id, form::of_time(silence.until), text])?;
        }
        Item::NoSilence(id) => {
            within.prepare_cached("DELETE FROM silences WHERE id = ?1")?.execute([id])?;
        }
    }
    Ok(())
}

fn put_run(
    within: &Savepoint<'_>,
    run: &PendingRun,
    known: &HashMap<String, i64>,
    gain: &mut Gain,
) -> Result<(), HistoryError> {
    let test = match known.get(&run.test).or_else(|| gain.tests.get(&run.test)) {
        Some(test) => *test,
        None => {
            within.prepare_cached("INSERT OR IGNORE INTO tests (name) VALUES (?1)")?.execute([&run.test])?;
            let mut select = within.prepare_cached("SELECT id FROM tests WHERE name = ?1")?;
            let test = select.query_row([&run.test], |row| row.get(0))?;
            gain.tests.insert(run.test.clone(), test);
            test
        }
    };
    // Another process may have written while we could not: then the place is taken.
    let seq = run.seq.max(gain.last.saturating_add(1));
    // A run whose id is there already is that same run, of a batch of which we were told that it had failed.
    let mut insert = within.prepare_cached(
        "INSERT INTO runs (seq, id, test, verdict, requested, ended, waited, duration, reason, recordings, report, code)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT (id) DO NOTHING",
    )?;
    let inserted = insert.execute(params![
        seq,
        run.id,
        test,
        form::of_verdict(run.verdict),
        run.requested,
        run.ended,
        run.waited,
        run.duration,
        run.reason.as_ref().map(|reason| reason.sentence.as_str()),
        form::of_paths(&run.recordings),
        run.report,
        run.reason.as_ref().and_then(|reason| reason.code).map(Code::word),
    ])?;
    if inserted == 0 {
        tracing::warn!(run_id = run.id, test = run.test, "a run of this id is in the history already");
    } else {
        gain.runs += 1;
        gain.last = seq;
    }
    Ok(())
}
