//! The book of calls: a file in which every call is noted when it goes out, and its length when it is over.
//!
//! `call START ID AT_MOST LINK` and `end ID SECONDS`, one a line, times in seconds since 1970. All processes that share a
//! state directory write into the same book; a lock of its own keeps reading, checking and writing in one piece. What a
//! budget allows is left to the ledger.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use calltest_core::guard::{Budget, Exhausted, Ledger, Length, PastCall};
use calltest_core::plan::LinkName;

/// How long to wait for another process to be done with the book. It needs a few milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);
/// After how many calls that have become too old the file is written anew.
const MAX_STALE: usize = 64;

/// A call that is about to go out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Departure<'c> {
    pub(crate) id: u64,
    pub(crate) link: &'c LinkName,
    /// How many seconds it can take.
    pub(crate) at_most: u64,
    pub(crate) overall: &'c Budget,
    pub(crate) of_link: &'c Budget,
}

/// The book of calls.
#[derive(Debug)]
pub struct GuardBook {
    path: PathBuf,
    file: File,
    /// How much of the file is in the ledger.
    read_to: u64,
    ledger: Ledger,
    /// How many calls are in the file, but too old to be in the ledger.
    stale: usize,
    /// Whether the file ends in the midst of a line, because whoever wrote it was killed, or the disk was full.
    is_torn: bool,
}

/// Why a call does not go out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("{0}")]
    Exhausted(Exhausted),
    #[error(transparent)]
    Unusable(#[from] BookError),
}

/// What went wrong with the book.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path}: {source}", path = .path.display())]
pub struct BookError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// How much is read at once, in bytes: more than a million calls.
const MAX_SIZE: u64 = 64 << 20;

impl GuardBook {
    /// What the book is called in the state directory.
    pub const FILE_NAME: &str = "guard.calls";

    /// Opens the book, which is made if there is none, and reads what counts at this time.
    ///
    /// # Errors
    /// If it cannot be read, written or locked.
    pub fn open(path: &Path, now: u64) -> Result<Self, BookError> {
        let lock = lock(path)?;
        let (path, file) = (path.to_owned(), open(path)?);
        let mut book = Self { path, file, read_to: 0, ledger: Ledger::default(), stale: 0, is_torn: false };
        book.catch_up(now)?;
        if book.stale > 0 {
            book.rewrite()?;
        }
        drop(lock);
        Ok(book)
    }

    /// What is in the book, without touching it. Where there is none, no calls went out.
    ///
    /// # Errors
    /// If there is one that cannot be read.
    pub fn look_at(path: &Path, now: u64) -> Result<Ledger, BookError> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Ledger::default()),
            read => read.map_err(failed("read", path))?,
        };
        let mut ledger = Ledger::default();
        bytes.split(|byte| *byte == b'\n').filter_map(Line::parse).for_each(|line| line.enter(&mut ledger));
        ledger.forget(now);
        Ok(ledger)
    }

    /// Notes a call that goes out now, if the budgets have room for it.
    pub(crate) fn begin(&mut self, departure: &Departure<'_>, now: u64) -> Result<(), Refused> {
        let lock = lock(&self.path)?;
        self.catch_up(now)?;
        let Departure { id, link, at_most, overall, of_link } = *departure;
        self.ledger.check(overall, of_link, link, now).map_err(Refused::Exhausted)?;
        if self.stale >= MAX_STALE {
            self.rewrite()?;
        }
        let call = PastCall { id, link: link.clone(), start: now, length: Length::AtMost(at_most) };
        self.append(&Line::Call(call))?;
        drop(lock);
        Ok(())
    }

    /// Notes how long a call took.
    pub(crate) fn end(&mut self, id: u64, seconds: u64) -> Result<(), BookError> {
        let lock = lock(&self.path)?;
        // Somebody may have written it anew since.
        self.follow()?;
        self.append(&Line::End { id, seconds })?;
        drop(lock);
        Ok(())
    }

    /// Reads what was written since the last time, by whomever.
    fn catch_up(&mut self, now: u64) -> Result<(), BookError> {
        self.follow()?;
        self.stale += self.ledger.forget(now);
        Ok(())
    }

    fn follow(&mut self) -> Result<(), BookError> {
        let of_file = self.file.metadata().map_err(failed("read", &self.path))?;
        let at_path = fs::metadata(&self.path);
        let is_the_same = at_path.is_ok_and(|found| (found.dev(), found.ino()) == (of_file.dev(), of_file.ino()));
        if !is_the_same || of_file.len() < self.read_to {
            self.file = open(&self.path)?;
            (self.read_to, self.ledger, self.stale, self.is_torn) = (0, Ledger::default(), 0, false);
        }
        let mut bytes = Vec::new();
        let from = SeekFrom::Start(self.read_to);
        let read = self.file.seek(from).and_then(|_| (&self.file).take(MAX_SIZE).read_to_end(&mut bytes));
        let read = read.map_err(failed("read", &self.path))? as u64;
        if read == MAX_SIZE {
            return Err(failed("read", &self.path)(io::Error::other("it is larger than a day's calls can be")));
        }
        self.read_to += read;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.is_torn = line.last() != Some(&b'\n');
            match Line::parse(line.strip_suffix(b"\n").unwrap_or(line)).filter(|_| !self.is_torn) {
                Some(line) => line.enter(&mut self.ledger),
                None if line.trim_ascii().is_empty() => {}
                None => {
                    let line = String::from_utf8_lossy(line);
                    tracing::warn!("{}: skipped a line that is no call: {line:?}", self.path.display());
                }
            }
        }
        Ok(())
    }

    fn append(&mut self, line: &Line) -> Result<(), BookError> {
        let torn = if self.is_torn { "\n" } else { "" };
        let text = format!("{torn}{}\n", line.text());
        self.file.write_all(text.as_bytes()).and_then(|()| self.file.flush()).map_err(failed("write", &self.path))?;
        self.read_to += text.len() as u64;
        self.is_torn = false;
        line.clone().enter(&mut self.ledger);
        Ok(())
    }

    /// Writes the file anew with what still counts.
    fn rewrite(&mut self) -> Result<(), BookError> {
        let staged = self.path.with_extension("part");
        let text: String = self.ledger.calls().iter().flat_map(Line::of).map(|line| line.text() + "\n").collect();
        let write = || {
            let mut file = File::create(&staged)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&staged, &self.path)
        };
        write().map_err(failed("write", &staged))?;
        self.file = open(&self.path)?;
        (self.read_to, self.stale, self.is_torn) = (text.len() as u64, 0, false);
        Ok(())
    }
}

/// A line of the book.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    Call(PastCall),
    End { id: u64, seconds: u64 },
}

impl Line {
    fn parse(line: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(line).ok()?;
        let (kind, rest) = line.split_once(' ')?;
        let mut words = rest.splitn(4, ' ');
        let id = |word: Option<&str>| u64::from_str_radix(word?, 16).ok();
        let number = |word: Option<&str>| word?.parse().ok();
        match kind {
            "call" => {
                let (start, id, at_most) = (number(words.next())?, id(words.next())?, number(words.next())?);
                let link = LinkName::from(unescaped(words.next()?).as_str());
                Some(Self::Call(PastCall { id, link, start, length: Length::AtMost(at_most) }))
            }
            "end" => {
                let (id, seconds) = (id(words.next())?, number(words.next())?);
                words.next().is_none().then_some(Self::End { id, seconds })
            }
            _ => None,
        }
    }

    /// The lines for one call.
    fn of(call: &PastCall) -> Vec<Self> {
        match call.length {
            Length::AtMost(_) => vec![Self::Call(call.clone())],
            Length::Seconds(seconds) => {
                let begun = PastCall { length: Length::AtMost(seconds), ..call.clone() };
                vec![Self::Call(begun), Self::End { id: call.id, seconds }]
            }
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Call(PastCall { id, link, start, length: Length::AtMost(seconds) | Length::Seconds(seconds) }) => {
                format!("call {start} {id:016x} {seconds} {}", escaped(link.as_str()))
            }
            Self::End { id, seconds } => format!("end {id:016x} {seconds}"),
        }
    }

    fn enter(self, ledger: &mut Ledger) {
        match self {
            Self::Call(call) => ledger.begin(call),
            Self::End { id, seconds } => {
                // A call that is forgotten needs no end.
                ledger.end(id, seconds);
            }
        }
    }
}

/// A link's name on one line.
fn escaped(name: &str) -> String {
    name.replace('%', "%25").replace('\n', "%0A").replace('\r', "%0D")
}

fn unescaped(text: &str) -> String {
    text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
}

fn open(path: &Path) -> Result<File, BookError> {
    OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed("write", path))
}

/// Locks the book until the file that is returned is closed. What is locked is a file beside it, since the book itself is
/// replaced now and then.
fn lock(book: &Path) -> Result<File, BookError> {
    let path = book.with_extension("lock");
    let open = || OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let opened = match (open(), book.parent()) {
        (Err(error), Some(directory)) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(directory).map_err(failed("create", directory))?;
            open()
        }
        (opened, _) => opened,
    };
    let file = opened.map_err(failed("write", &path))?;
    let give_up = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < give_up => std::thread::sleep(Duration::from_millis(5)),
            Err(TryLockError::WouldBlock) => {
                let source = io::Error::new(io::ErrorKind::TimedOut, "another process does not let go of it");
                return Err(failed("lock", &path)(source));
            }
            Err(TryLockError::Error(source)) => return Err(failed("lock", &path)(source)),
        }
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BookError {
    let path = path.to_owned();
    move |source| BookError { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;
    use std::sync::atomic::{AtomicU32, Ordering};

    const NOW: u64 = 1_800_000_000;

    struct Shelf {
        directory: tempfile::TempDir,
        overall: Budget,
        next_id: AtomicU32,
    }

    impl Shelf {
        fn with(calls_per_hour: u32) -> Self {
            let overall = Budget { calls_per_hour: NonZeroU32::new(calls_per_hour), ..Budget::default() };
            Self { directory: tempfile::tempdir().unwrap(), overall, next_id: AtomicU32::new(1) }
        }

        fn path(&self) -> PathBuf {
            self.directory.path().join(GuardBook::FILE_NAME)
        }

        fn open(&self) -> GuardBook {
            GuardBook::open(&self.path(), NOW).unwrap()
        }

        fn text(&self) -> String {
            fs::read_to_string(self.path()).unwrap()
        }

        /// Sends a call out; returns its id.
        fn begin(&self, book: &mut GuardBook, link: &str, now: u64) -> Result<u64, Refused> {
            let id = self.next_id.fetch_add(1, Ordering::Relaxed).into();
            let (link, none) = (LinkName::from(link), Budget::default());
            let departure = Departure { id, link: &link, at_most: 45, overall: &self.overall, of_link: &none };
            book.begin(&departure, now).map(|()| id)
        }
    }

    #[test]
    fn a_call_is_written_down_when_it_goes_out_and_when_it_is_over() {
        let shelf = Shelf::with(10);
        let mut book = shelf.open();
        let id = shelf.begin(&mut book, "trunk one", NOW).unwrap();
        assert_eq!(shelf.text(), "call 1800000000 0000000000000001 45 trunk one\n");
        book.end(id, 12).unwrap();
        assert_eq!(shelf.text(), "call 1800000000 0000000000000001 45 trunk one\nend 0000000000000001 12\n");
        let call = PastCall { id, link: "trunk one".into(), start: NOW, length: Length::Seconds(12) };
        assert_eq!(book.ledger.calls(), [call]);
        assert_eq!(shelf.open().ledger, book.ledger);
        assert_eq!(GuardBook::look_at(&shelf.path(), NOW).unwrap(), book.ledger);
    }

    #[test]
    fn a_budget_outlives_the_program() {
        let shelf = Shelf::with(2);
        shelf.begin(&mut shelf.open(), "a", NOW).unwrap();
        shelf.begin(&mut shelf.open(), "b", NOW + 1).unwrap();
        let refused = shelf.begin(&mut shelf.open(), "c", NOW + 2).unwrap_err();
        let Refused::Exhausted(exhausted) = refused else { panic!("{refused}") };
        assert_eq!((exhausted.key, exhausted.wait), ("calls_per_hour", 3598));
        shelf.begin(&mut shelf.open(), "c", NOW + 3600).unwrap();
    }

    #[test]
    fn two_at_one_book_count_together() {
        let shelf = Shelf::with(20);
        let through = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut book = shelf.open();
                    for _ in 0..10 {
                        match shelf.begin(&mut book, "trunk", NOW) {
                            Ok(id) => {
                                through.fetch_add(1, Ordering::Relaxed);
                                book.end(id, 1).unwrap();
                            }
                            Err(Refused::Exhausted(_)) => {}
                            Err(unusable) => panic!("{unusable}"),
                        }
                    }
                });
            }
        });
        assert_eq!(through.into_inner(), 20);
        assert_eq!(shelf.open().ledger.calls().len(), 20);
    }

    #[test]
    fn what_is_too_old_is_dropped_from_the_file() {
        let shelf = Shelf::with(1000);
        let mut book = shelf.open();
        for _ in 0..MAX_STALE {
            let id = shelf.begin(&mut book, "old", NOW).unwrap();
            book.end(id, 1).unwrap();
        }
        let mut other = shelf.open();
        let recent = shelf.begin(&mut book, "recent", NOW + 100).unwrap();
        book.end(recent, 7).unwrap();
        let day = 24 * 60 * 60;
        shelf.begin(&mut book, "new", NOW + day + 50).unwrap();
        assert_eq!(shelf.text().lines().count(), 3, "{}", shelf.text());
        // The other one notices that the file is a new one.
        shelf.begin(&mut other, "other", NOW + day + 50).unwrap();
        let links: Vec<_> = other.ledger.calls().iter().map(|call| call.link.as_str()).collect();
        assert_eq!(links, ["recent", "new", "other"]);
        other.end(recent, 8).unwrap();
        let again = GuardBook::open(&shelf.path(), NOW + 2 * day).unwrap();
        assert_eq!(again.ledger.calls().len(), 2);
        assert!(!shelf.text().contains("recent"));
        assert!(!shelf.path().with_extension("part").exists());
    }

    #[test]
    fn broken_lines_are_skipped_and_nothing_is_written_behind_a_torn_one() {
        let shelf = Shelf::with(3);
        let broken = "nonsense\ncall x 1 45 trunk\ncall 1800000000 1 45\nend 1\nend 1 2 3\n\n\u{fffd}\ncall 1800000000 00000000000000aa 45 trunk\n";
        fs::write(shelf.path(), broken.to_owned() + "call 18000").unwrap();
        let mut book = shelf.open();
        assert_eq!(book.ledger.calls().len(), 1);
        shelf.begin(&mut book, "trunk", NOW).unwrap();
        assert!(shelf.text().ends_with("call 18000\ncall 1800000000 0000000000000001 45 trunk\n"), "{}", shelf.text());
        assert_eq!(shelf.open().ledger.calls().len(), 2);
        fs::write(shelf.path(), b"\xff\xfe\n").unwrap();
        assert_eq!(shelf.open().ledger.calls().len(), 0);
    }

    #[test]
    fn a_book_that_is_emptied_or_taken_away_is_begun_anew() {
        let shelf = Shelf::with(2);
        let mut book = shelf.open();
        shelf.begin(&mut book, "a", NOW).unwrap();
        fs::write(shelf.path(), "").unwrap();
        shelf.begin(&mut book, "b", NOW).unwrap();
        assert_eq!(book.ledger.calls().len(), 1);
        fs::remove_file(shelf.path()).unwrap();
        shelf.begin(&mut book, "c", NOW).unwrap();
        assert_eq!(shelf.text().lines().count(), 1);
    }

    #[test]
    fn a_book_that_cannot_be_written_lets_no_call_out() {
        let shelf = Shelf::with(100);
        let file = shelf.directory.path().join("file");
        fs::write(&file, "").unwrap();
        let error = GuardBook::open(&file.join(GuardBook::FILE_NAME), NOW).unwrap_err();
        assert!(error.to_string().contains("file/guard.lock"), "{error}");
        let mut book = shelf.open();
        fs::remove_file(shelf.path()).unwrap();
        fs::create_dir(shelf.path()).unwrap();
        let refused = shelf.begin(&mut book, "trunk", NOW).unwrap_err();
        assert!(refused.to_string().starts_with("cannot write "), "{refused}");
        // A full disk shows itself when it is written to.
        let shelf = Shelf::with(1);
        let mut full = shelf.open();
        full.file = File::options().write(true).open("/dev/full").unwrap();
        let error = full.append(&Line::End { id: 1, seconds: 1 }).unwrap_err();
        assert!(error.to_string().starts_with("cannot write "), "{error}");
    }

    #[test]
    fn a_directory_that_is_missing_is_made() {
        let shelf = Shelf::with(1);
        let path = shelf.directory.path().join("a/b").join(GuardBook::FILE_NAME);
        shelf.begin(&mut GuardBook::open(&path, NOW).unwrap(), "trunk", NOW).unwrap();
        assert!(path.exists());
    }

    #[test]
    fn whoever_only_looks_makes_nothing() {
        let shelf = Shelf::with(1);
        assert_eq!(GuardBook::look_at(&shelf.path(), NOW).unwrap(), Ledger::default());
        assert_eq!(fs::read_dir(shelf.directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn names_of_links_may_be_anything() {
        let shelf = Shelf::with(100);
        let names = ["trunk", "a b", " lead", "trail ", "100%", "%0A", "a\nb\r", "ünï", ""];
        let mut book = shelf.open();
        for name in names {
            shelf.begin(&mut book, name, NOW).unwrap();
        }
        let again = shelf.open();
        let read: Vec<_> = again.ledger.calls().iter().map(|call| call.link.as_str()).collect();
        assert_eq!(read, names);
    }

    #[test]
    fn whoever_comes_second_waits_for_the_first() {
        let shelf = Shelf::with(1);
        let mut book = shelf.open();
        let held = lock(&shelf.path()).unwrap();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| shelf.begin(&mut book, "trunk", NOW));
            std::thread::sleep(Duration::from_millis(100));
            assert!(!second.is_finished());
            // What the first one has written by then counts.
            let call = PastCall { id: 9, link: "trunk".into(), start: NOW, length: Length::AtMost(45) };
            fs::write(shelf.path(), Line::Call(call).text() + "\n").unwrap();
            drop(held);
            assert!(matches!(second.join().unwrap(), Err(Refused::Exhausted(_))));
        });
    }
}
