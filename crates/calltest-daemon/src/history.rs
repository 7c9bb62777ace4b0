//! The history: finished runs, and the states that outlive the process, in one SQLite file.
//!
//! Testing goes on whatever becomes of the file: what cannot be written is kept in memory, within bounds, and written as soon
//! as it can be. Runs and states go through the backlog (`backlog.rs`) to the one thread that writes (`writer.rs`) into the
//! file (`store.rs`), and throws away what is too much (`retention.rs`); `query.rs` reads it. What the states mean is left to
//! `restore.rs`.

mod backlog;
mod error;
mod file_kind;
mod form;
mod pending_run;
mod place;
mod query;
mod record;
mod recordings;
mod retention;
mod saved;
mod store;
mod writer;

use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use backlog::Bound;
use pending_run::PendingRun;
use query::{Reader, Readers};
use writer::{Limits, WriteQueue, Writer};

use crate::silence::Silence;

pub(crate) use error::HistoryError;
pub(crate) use place::Place;
pub(crate) use record::{Cursor, Filter, FinishedRecord, PAGE, RunPage, RunSummary, Seq};
pub(crate) use saved::{Restored, RestoredTest, SavedCounts, SavedTest, SavedTimes};

/// How long whoever commits a run waits for the disk. A healthy one takes a few milliseconds.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long writing what is left may take at the end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);
/// What is kept where there is no file: runs of all tests together.
const WITHOUT_FILE: Bound = Bound { runs: 2000, bytes: 64 << 20 };

/// The history. Clones are cheap, and are the same.
#[derive(Clone)]
pub(crate) struct History {
    owned: Arc<Owned>,
}

/// What all clones own together.
struct Owned {
    queue: Arc<WriteQueue>,
    file: Option<OpenFile>,
}

struct OpenFile {
    readers: Arc<Readers>,
    thread: Mutex<Option<Thread>>,
}

/// The thread that writes.
struct Thread {
    handle: JoinHandle<()>,
    /// Comes when it is about to end.
    ended: oneshot::Receiver<()>,
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl History {
    /// Opens the history, and reads what an earlier process has left; without a place there is none, and only the latest runs
    /// are kept, in memory. May take a while: not to be called on the event loop.
    pub(crate) fn open(place: Option<Place>) -> (Self, Restored) {
        match place {
            Some(place) => Self::open_with(place, Limits::default()),
            None => {
                let queue = Arc::new(WriteQueue::new(WITHOUT_FILE, false));
                (Self { owned: Arc::new(Owned { queue, file: None }) }, Restored::default())
            }
        }
    }

    fn open_with(place: Place, limits: Limits) -> (Self, Restored) {
        let path = place.path.clone();
        let queue = Arc::new(WriteQueue::new(limits.bound, true));
        let readers = Arc::new(Readers::new(path.clone()));
        let mut writer = Writer::new(place, limits, Arc::clone(&queue), Arc::clone(&readers));
        let opened = writer.open();
        // Even if it cannot be written, it may be read.
        let restored = readers.read(Reader::restored);
        let restored = match (opened, restored) {
            (Ok(()), Ok(restored)) => restored,
            (Err(error), Ok(restored)) => {
                writer.give_up(&error);
                restored
            }
            (opened, Err(unread)) => {
                writer.give_up(opened.as_ref().err().unwrap_or(&unread));
                tracing::error!(path = %path.display(), "nothing is known of earlier runs: {unread}");
                Restored::default()
            }
        };
        let (tell, ended) = oneshot::channel();
        let thread = Builder::new().name("history".into()).spawn(move || {
            writer.run();
            // Nobody waits for it if all clones are gone.
            let _ = tell.send(());
        });
        let thread = match thread {
            Ok(handle) => Some(Thread { handle, ended }),
            Err(error) => {
                queue.failed(&path, &error.into());
                None
            }
        };
        let file = OpenFile { readers, thread: Mutex::new(thread) };
        (Self { owned: Arc::new(Owned { queue, file: Some(file) }) }, restored)
    }

    /// Takes in a run. Returns when it is on disk. If that takes more than a second, the run is kept in memory until then.
    ///
    /// The state of the test that results from the run is to be saved after that, with what this returns.
    pub(crate) async fn commit(&self, run: FinishedRecord) -> Seq {
        let (seq, written) = self.owned.queue.add(PendingRun::new(run));
        if let Some(written) = written {
            // However this ends, the run is taken care of, and `condition` tells if there is trouble.
            let _ = timeout(COMMIT_TIMEOUT, written).await;
        }
        seq
    }

    /// Saves how a test fares, soon. The latest counts.
    pub(crate) fn save_test(&self, name: &str, state: SavedTest) {
        self.owned.queue.save_test(name.to_owned(), state);
    }

    pub(crate) fn save_silence(&self, silence: Arc<Silence>) {
        self.owned.queue.save_silence(silence.id.clone(), Some(silence));
    }

    pub(crate) fn remove_silence(&self, id: &str) {
        self.owned.queue.save_silence(id.to_owned(), None);
    }

    /// Runs of a test, the newest first. If the file cannot be read, those in memory, with the reason.
    pub(crate) async fn page(&self, test: &str, filter: Filter) -> RunPage {
        // In this order: a run that is written meanwhile is found twice, and not missed.
        let in_memory = self.owned.queue.page(test, &filter);
        let (test, wanted) = (test.to_owned(), filter.clone());
        let on_disk = self.read(Vec::new(), move |reader| reader.page(&test, &wanted)).await;
        RunPage::merged(on_disk, in_memory, &filter)
    }

    /// All about one run of a test, in the form on the wire; nothing if there is no such run, or that was not kept.
    ///
    /// # Errors
    /// If it is not in memory, and the file cannot be read.
    pub(crate) async fn report(&self, test: &str, id: &str) -> Result<Option<String>, HistoryError> {
        if let Some(run) = self.owned.queue.find(test, id) {
            return run.report();
        }
        let (test, id) = (test.to_owned(), id.to_owned());
        self.read(None, move |reader| reader.report(&test, &id)).await
    }

    /// A sentence about why the history is not written to disk; nothing while all is well.
    pub(crate) fn condition(&self) -> Option<String> {
        self.owned.queue.condition()
    }

    /// Writes what is left, and closes the file. Runs that are committed later are lost when the process ends.
    pub(crate) async fn close(self) {
        self.owned.queue.close();
        let thread = self.owned.file.as_ref().and_then(|file| {
            let mut thread = file.thread.lock().expect("nothing panics while it holds the thread");
            thread.take()
        });
        let Some(Thread { handle, ended }) = thread else { return };
        if timeout(CLOSE_TIMEOUT, ended).await.is_err() {
            tracing::error!("the history could not be closed within {} s", CLOSE_TIMEOUT.as_secs());
        } else if handle.join().is_err() {
            tracing::error!("the thread that writes the history has panicked");
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        without_file: T,
        read: impl FnOnce(&mut Reader) -> Result<T, HistoryError> + Send + 'static,
    ) -> Result<T, HistoryError> {
        let Some(file) = &self.owned.file else { return Ok(without_file) };
        let readers = Arc::clone(&file.readers);
        spawn_blocking(move || readers.read(read)).await?
    }
}

#[cfg(test)]
mod tests;
