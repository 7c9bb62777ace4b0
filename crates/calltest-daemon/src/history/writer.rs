//! The thread that writes: it takes from the backlog what waits there, and brings it to disk, however often that fails.
//!
//! The backlog lies behind one lock, which is never held while something is read or written. Nobody but this thread owns the
//! [`Store`]. Between two batches it takes a step of retention, if there is something to throw away.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::oneshot;

use super::backlog::{Backlog, Batch, Bound};
use super::error::HistoryError;
use super::pending_run::PendingRun;
use super::place::Place;
use super::query::Readers;
use super::record::{Filter, RunSummary, Seq};
use super::saved::SavedTest;
use super::store::{Refused, Store};
use crate::silence::Silence;

/// How often what must be thrown away is looked for while nothing is written: runs grow old even then.
const IDLE: Duration = Duration::from_secs(60);
/// The same while runs are written. So there are at most those of a second too many.
const BUSY: Duration = Duration::from_secs(1);

/// How much waits, and for how long.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// How much may wait to be written.
    pub(crate) bound: Bound,
    /// When writing is tried again.
    pub(crate) retry: Duration,
    /// How many pages the file may have. For tests of a full disk.
    pub(crate) pages: Arc<AtomicU32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bound: Bound { runs: 20_000, bytes: 64 << 20 },
            retry: Duration::from_secs(5),
            pages: Arc::new(AtomicU32::new(u32::MAX - 1)),
        }
    }
}

/// What the writer shares with those for whom it writes.
pub(crate) struct WriteQueue {
    state: Mutex<State>,
    work: Condvar,
}

struct State {
    backlog: Backlog,
    /// Where there is none, runs are all that is kept, and only the latest.
    has_file: bool,
    outage: Option<Outage>,
    is_closing: bool,
}

/// Why nothing can be written now.
struct Outage {
    path: PathBuf,
    cause: String,
    advice: &'static str,
    /// How often it was tried in vain.
    attempts: u64,
}

/// What the writer is woken for.
struct Turn {
    batch: Batch,
    is_closing: bool,
}

impl WriteQueue {
    pub(crate) fn new(bound: Bound, has_file: bool) -> Self {
        let state = State { backlog: Backlog::new(bound), has_file, outage: None, is_closing: false };
        Self { state: Mutex::new(state), work: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the backlog")
    }

    /// Takes in a run. What is returned beside its place comes when it has been written, or when that has failed; nothing
    /// if it is not worth waiting.
    pub(crate) fn add(&self, run: PendingRun) -> (Seq, Option<oneshot::Receiver<()>>) {
        let mut state = self.lock();
        let is_hopeful = state.has_file && state.outage.is_none() && !state.is_closing;
        let (written, wait) = is_hopeful.then(oneshot::channel).unzip();
        let seq = state.backlog.add(run, SystemTime::now(), written);
        let by_age = !state.has_file;
        let (_, dropped_before) = state.backlog.figures();
        let dropped = state.backlog.shrink(by_age);
        if dropped > 0 && dropped_before == 0 && !by_age {
            tracing::error!(
                "too many runs wait to be written to the history: from now on some are dropped, passes first"
            );
        }
        drop(state);
        self.work.notify_one();
        (seq, wait)
    }

    pub(crate) fn save_test(&self, name: String, test: SavedTest) {
        let mut state = self.lock();
        if state.has_file {
            state.backlog.save_test(name, test);
            self.work.notify_one();
        }
    }

    pub(crate) fn save_silence(&self, id: String, silence: Option<Arc<Silence>>) {
        let mut state = self.lock();
        if state.has_file {
            state.backlog.save_silence(id, silence);
            self.work.notify_one();
        }
    }

    pub(crate) fn page(&self, test: &str, filter: &Filter) -> Vec<RunSummary> {
        self.lock().backlog.page(test, filter)
    }

    pub(crate) fn find(&self, test: &str, id: &str) -> Option<Arc<PendingRun>> {
        self.lock().backlog.find(test, id)
    }

    /// A sentence about why nothing is written, if so.
    pub(crate) fn condition(&self) -> Option<String> {
        let state = self.lock();
        let Outage { path, cause, advice, .. } = state.outage.as_ref()?;
        let (waiting, dropped) = state.backlog.figures();
        let kept = match waiting {
            1 => "1 run is kept in memory".to_owned(),
            _ => format!("{waiting} runs are kept in memory"),
        };
        let lost = match dropped {
            0 => String::new(),
            _ => format!(", and {dropped} had to be dropped"),
        };
        Some(format!("the history cannot be written to {}: {cause}; meanwhile {kept}{lost}; {advice}", path.display()))
    }

    /// How often writing was tried in vain since it last succeeded.
    #[cfg(test)]
    pub(crate) fn attempts(&self) -> u64 {
        self.lock().outage.as_ref().map_or(0, |outage| outage.attempts)
    }

    /// The writer is to write what is left, and to end.
    pub(crate) fn close(&self) {
        self.lock().is_closing = true;
        self.work.notify_one();
    }

    /// Waits until there is something to write, or the time has come, or all is to end.
    fn next_turn(&self, due: Instant, can_write: bool) -> Turn {
        let mut state = self.lock();
        loop {
            let has_work = can_write && !state.backlog.is_empty();
            let left = due.saturating_duration_since(Instant::now());
            if state.is_closing || has_work || left.is_zero() {
                return Turn { batch: state.backlog.take(), is_closing: state.is_closing };
            }
            state = self.work.wait_timeout(state, left).expect("nothing panics while it holds the backlog").0;
        }
    }

    fn written(&self, batch: &Batch) {
        let mut state = self.lock();
        state.backlog.written(batch);
        if let Some(outage) = state.outage.take() {
            let (waiting, _) = state.backlog.figures();
            let dropped = state.backlog.take_dropped();
            drop(state);
            let path = outage.path.display();
            tracing::info!(%path, waiting, dropped, "the history can be written again");
        }
    }

    pub(super) fn failed(&self, path: &Path, error: &HistoryError) {
        let cause = error.to_string();
        let mut state = self.lock();
        state.backlog.failed();
        let is_news = state.outage.as_ref().is_none_or(|outage| outage.cause != cause);
        let attempts = state.outage.as_ref().map_or(0, |outage| outage.attempts) + 1;
        state.outage = Some(Outage { path: path.to_owned(), cause, advice: error.advice(), attempts });
        drop(state);
        tracing::debug!(path = %path.display(), attempts, %error, "the history could not be written");
        if is_news && let Some(sentence) = self.condition() {
            tracing::error!("{sentence}");
        }
    }

    fn ended(&self) {
        let mut state = self.lock();
        state.is_closing = true;
        state.backlog.failed();
        let (waiting, _) = state.backlog.figures();
        if waiting > 0 {
            tracing::error!(runs = waiting, "the history ends before all runs are written: they are lost");
        }
    }
}

/// The owner of the file.
pub(crate) struct Writer {
    place: Place,
    limits: Limits,
    queue: Arc<WriteQueue>,
    readers: Arc<Readers>,
    store: Option<Store>,
    /// How the file looked when it was found damaged. It is not touched before it looks different.
    damaged: Option<FileStamp>,
    due: Instant,
    prune_error: Option<String>,
}

/// Tells whether a file was repaired or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileStamp {
    inode: u64,
    length: u64,
    changed: (i64, i64),
}

impl Writer {
    pub(crate) fn new(place: Place, limits: Limits, queue: Arc<WriteQueue>, readers: Arc<Readers>) -> Self {
        Self { place, limits, queue, readers, store: None, damaged: None, due: Instant::now(), prune_error: None }
    }

    /// The first attempt to open the file, before the thread begins.
    pub(crate) fn open(&mut self) -> Result<(), HistoryError> {
        let store = self.opened()?;
        self.store = Some(store);
        Ok(())
    }

    /// Writes until everything is written and no more is to come.
    pub(crate) fn run(mut self) {
        let (queue, path) = (Arc::clone(&self.queue), self.place.path.clone());
        if catch_unwind(AssertUnwindSafe(|| self.write_on())).is_err() {
            queue.failed(&path, &HistoryError::Panicked);
        }
        queue.ended();
    }

    fn write_on(&mut self) {
        loop {
            let turn = self.queue.next_turn(self.due, self.store.is_some());
            match self.attend(&turn.batch) {
                Ok(()) if turn.is_closing && turn.batch.is_empty() => break,
                Ok(()) => {}
                Err(error) => {
                    self.give_up(&error);
                    if turn.is_closing {
                        break;
                    }
                }
            }
        }
        let closed = self.store.take().map_or(Ok(()), Store::close);
        if let Err(error) = closed {
            tracing::warn!(path = %self.place.path.display(), %error, "the history could not be closed");
        }
    }

    fn attend(&mut self, batch: &Batch) -> Result<(), HistoryError> {
        let mut store = match self.store.take() {
            Some(store) if store.is_in_place() => store,
            moved => {
                if moved.is_some() {
                    tracing::warn!(path = %self.place.path.display(), "the history is not where it was: it is opened anew");
                }
                // Closed before another is opened, or it would take its log away.
                drop(moved);
                self.readers.forget();
                self.opened()?
            }
        };
        let outcome = store.write(batch);
        let store = self.store.insert(store);
        for Refused { item, error } in outcome? {
            tracing::error!(%error, "the history cannot take in {item}: it is left out");
        }
        self.queue.written(batch);
        let now = Instant::now();
        if self.due > now {
            self.due = if batch.is_empty() { self.due } else { self.due.min(now + BUSY) };
            return Ok(());
        }
        match store.prune(&self.place.retention, &self.place.recordings, SystemTime::now()) {
            Ok(has_more) => {
                self.prune_error = None;
                self.due = if has_more { now } else { now + IDLE };
            }
            Err(HistoryError::Damaged) => return Err(HistoryError::Damaged),
            Err(error) => {
                let why = error.to_string();
                if self.prune_error.as_ref() != Some(&why) {
                    tracing::error!(path = %self.place.path.display(), %error, "nothing is thrown away from the history");
                }
                self.prune_error = Some(why);
                self.due = now + IDLE;
            }
        }
        Ok(())
    }

    /// The file, opened; if it was found damaged, only after it was changed and is found whole.
    fn opened(&mut self) -> Result<Store, HistoryError> {
        let path = &self.place.path;
        if self.damaged.is_some() && self.damaged == FileStamp::of(path) {
            return Err(HistoryError::Damaged);
        }
        let store = Store::open(path, self.limits.pages.load(Ordering::Relaxed))?;
        if self.damaged.is_some()
            && let Err(error) = store.check()
        {
            abandon(store, path);
            self.damaged = FileStamp::of(path);
            return Err(error);
        }
        self.damaged = None;
        self.queue.lock().backlog.go_on_after(store.last());
        Ok(store)
    }

    /// Without the file for a while.
    pub(crate) fn give_up(&mut self, error: &HistoryError) {
        let path = &self.place.path;
        let store = self.store.take();
        if let HistoryError::Damaged = error {
            if let Some(store) = store {
                abandon(store, path);
            }
            self.damaged = FileStamp::of(path);
        }
        self.readers.forget();
        self.queue.failed(path, error);
        self.due = Instant::now() + self.limits.retry;
    }
}

fn abandon(store: Store, path: &Path) {
    if let Err(error) = store.abandon() {
        tracing::warn!(path = %path.display(), %error, "the damaged history could not be closed");
    }
}

impl FileStamp {
    /// Nothing if there is no such file.
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self { inode: metadata.ino(), length: metadata.len(), changed: (metadata.mtime(), metadata.mtime_nsec()) })
    }
}
