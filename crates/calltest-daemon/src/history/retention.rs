//! Which runs are thrown away: those that are too old, too many or too big, and their recordings with them.
//!
//! It goes in small steps, each a transaction of its own, so that a run that wants to be written never waits long.

use std::path::Path;
use std::time::{Duration, SystemTime};

use calltest_core::plan::Retention;
use calltest_core::verdict::VerdictKind;
use rusqlite::{TransactionBehavior, params};

use super::backlog::EVICTION_ORDER;
use super::error::HistoryError;
use super::store::Store;
use super::{form, recordings};

/// How many runs are deleted in one step.
const STEP: usize = 100;
/// How many pages are given back in one step.
const PAGES: usize = 64;
/// How many free pages are kept for the next runs, rather than given back.
const SPARE: i64 = 256;
/// For how long silences that have ended are kept.
const SILENCES: Duration = Duration::from_secs(24 * 60 * 60);

/// The oldest runs with a verdict.
pub(super) const OLDEST: &str = "SELECT requested, seq, recordings FROM runs
    WHERE verdict = ?1 AND requested < ?2 ORDER BY requested, seq LIMIT ?3";

/// A run that is to go.
struct Victim {
    requested: i64,
    seq: i64,
    recordings: Option<Vec<u8>>,
}

impl Store {
    /// Takes one step, and tells whether there is more to do.
    pub(crate) fn prune(
        &mut self,
        retention: &Retention,
        folder: &Path,
        now: SystemTime,
    ) -> Result<bool, HistoryError> {
        let victims = self.victims(retention, now)?;
        if victims.is_empty() {
            self.forget_silences(now)?;
            return self.give_back();
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut delete = transaction.prepare_cached("DELETE FROM runs WHERE seq = ?1")?;
        for victim in &victims {
            if delete.execute([victim.seq])? == 0 {
                // The index knows a run that the table does not. It would be found again and again.
                return Err(HistoryError::Damaged);
            }
        }
        drop(delete);
        // Before it is final that they are deleted: otherwise, if we were killed between, nobody would know these files.
        for path in victims.iter().flat_map(|victim| form::paths(victim.recordings.as_deref())) {
            recordings::delete(&path, folder);
        }
        transaction.commit()?;
        self.runs = self.runs.saturating_sub(victims.len() as u64);
        Ok(true)
    }

    /// How many bytes are in use.
    fn bytes(&self) -> Result<u64, HistoryError> {
        let used = self.pragma("page_count")? - self.pragma("freelist_count")?;
        Ok(used.saturating_mul(self.pragma("page_size")?).try_into().unwrap_or(0))
    }

    fn pragma(&self, name: &str) -> Result<i64, HistoryError> {
        Ok(self.connection.pragma_query_value(None, name, |row| row.get(0))?)
    }

    fn victims(&self, retention: &Retention, now: SystemTime) -> Result<Vec<Victim>, HistoryError> {
        let expired = self.expired(retention, now)?;
        if !expired.is_empty() {
            return Ok(expired);
        }
        let too_many = self.runs.saturating_sub(retention.runs);
        if too_many > 0 {
            return self.next_to_evict(too_many);
        }
        let bytes = self.bytes()?;
        if bytes <= retention.bytes {
            return Ok(Vec::new());
        }
        let average = (bytes / self.runs.max(1)).max(1);
        self.next_to_evict((bytes - retention.bytes).div_ceil(average))
    }

    fn expired(&self, retention: &Retention, now: SystemTime) -> Result<Vec<Victim>, HistoryError> {
        let mut expired = Vec::new();
        for verdict in VerdictKind::ALL {
            let age = if verdict == VerdictKind::Fail { retention.failure_age } else { retention.age };
            let limit = form::of_time(now).saturating_sub(form::of_duration(age));
            expired.extend(self.oldest(verdict, limit, STEP - expired.len())?);
        }
        Ok(expired)
    }

    /// Some of those that are too many, as far as one step goes.
    fn next_to_evict(&self, count: u64) -> Result<Vec<Victim>, HistoryError> {
        let count = usize::try_from(count).unwrap_or(STEP).min(STEP);
        let mut victims = Vec::new();
        for verdicts in EVICTION_ORDER {
            let mut row = Vec::new();
            for verdict in verdicts {
                row.extend(self.oldest(*verdict, i64::MAX, count - victims.len())?);
            }
            row.sort_by_key(|victim: &Victim| (victim.requested, victim.seq));
            row.truncate(count - victims.len());
            victims.extend(row);
        }
        Ok(victims)
    }

    fn oldest(&self, verdict: VerdictKind, before: i64, count: usize) -> Result<Vec<Victim>, HistoryError> {
        let mut select = self.connection.prepare_cached(OLDEST)?;
        let found = select.query_map(params![form::of_verdict(verdict), before, count as i64], |row| {
            Ok(Victim { requested: row.get(0)?, seq: row.get(1)?, recordings: row.get(2)? })
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    fn forget_silences(&self, now: SystemTime) -> Result<(), HistoryError> {
        let limit = form::of_time(now).saturating_sub(form::of_duration(SILENCES));
        let mut delete = self.connection.prepare_cached("DELETE FROM silences WHERE expires < ?1")?;
        delete.execute([limit])?;
        Ok(())
    }

    /// Gives some pages back to the file system, and tells whether there are more.
    fn give_back(&self) -> Result<bool, HistoryError> {
        if self.pragma("freelist_count")? <= SPARE {
            return Ok(false);
        }
        let mut vacuum = self.connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
        let mut pages = vacuum.query([])?;
        // Each page is given back when its row is asked for, although there is nothing in it.
        while pages.next()?.is_some() {}
        drop(pages);
        Ok(self.pragma("freelist_count")? > SPARE)
    }
}
