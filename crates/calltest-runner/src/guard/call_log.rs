//! The call log: a file in which every call is noted when it goes out, and its length when it is over.
//!
//! `call START ID AT_MOST LINK` and `end ID SECONDS`, one a line, times in seconds since 1970. All processes that share a
//! state directory write into the same call log; a lock of its own keeps reading, checking and writing in one piece. What a
//! budget allows is decided by the budget.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use calltest_core::guard::{Budget, CallBudget, Exhausted, Length, PastCall};
use calltest_core::plan::LinkName;

/// How long to wait for another process to be done with the call log. It needs a few milliseconds.
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

/// The call log.
#[derive(Debug)]
pub struct CallLog {
    path: PathBuf,
    file: File,
    /// How much of the file has been counted.
    read_to: u64,
    budget: CallBudget,
    /// How many calls are in the file, but too old to count.
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
    Unusable(#[from] CallLogError),
}

/// What went wrong with the call log.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path}: {source}", path = .path.display())]
pub struct CallLogError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// How much is read at once, in bytes: more than a million calls.
const MAX_SIZE: u64 = 64 << 20;

impl CallLog {
    /// What the call log is called in the state directory.
    pub const FILE_NAME: &str = "guard.calls";

    /// Opens the call log, which is made if there is none, and reads what counts at this time.
    ///
    /// # Errors
    /// If it cannot be read, written or locked.
    pub fn open(path: &Path, now: u64) -> Result<Self, CallLogError> {
        let lock = lock(path)?;
        let (path, file) = (path.to_owned(), open(path)?);
        let mut call_log = Self { path, file, read_to: 0, budget: CallBudget::default(), stale: 0, is_torn: false };
        call_log.catch_up(now)?;
        if call_log.stale > 0 {
            call_log.rewrite()?;
        }
        drop(lock);
        Ok(call_log)
    }

    /// What is in the call log, without touching it. Where there is none, no calls went out.
    ///
    /// # Errors
    /// If there is one that cannot be read.
    pub fn look_at(path: &Path, now: u64) -> Result<CallBudget, CallLogError> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(CallBudget::default()),
            read => read.map_err(failed("read", path))?,
        };
        let mut budget = CallBudget::default();
        bytes.split(|byte| *byte == b'\n').filter_map(Line::parse).for_each(|line| line.enter(&mut budget));
        budget.forget(now);
        Ok(budget)
    }

    /// Notes a call that goes out now, if the budgets have room for it.
    pub(crate) fn begin(&mut self, departure: &Departure<'_>, now: u64) -> Result<(), Refused> {
        let lock = lock(&self.path)?;
        self.catch_up(now)?;
        let Departure { id, link, at_most, overall, of_link } = *departure;
        self.budget.check(overall, of_link, link, now).map_err(Refused::Exhausted)?;
        if self.stale >= MAX_STALE {
            self.rewrite()?;
        }
        let call = PastCall { id, link: link.clone(), start: now, length: Length::AtMost(at_most) };
        self.append(&Line::Call(call))?;
        drop(lock);
        Ok(())
    }

    /// Notes how long a call took.
    pub(crate) fn end(&mut self, id: u64, seconds: u64) -> Result<(), CallLogError> {
        let lock = lock(&self.path)?;
        // Somebody may have written it anew since.
        self.follow()?;
        self.append(&Line::End { id, seconds })?;
        drop(lock);
        Ok(())
    }

    /// Reads what was written since the last time, by whomever.
    fn catch_up(&mut self, now: u64) -> Result<(), CallLogError> {
        self.follow()?;
        self.stale += self.budget.forget(now);
        Ok(())
    }

    fn follow(&mut self) -> Result<(), CallLogError> {
        let of_file = self.file.metadata().map_err(failed("read", &self.path))?;
        let at_path = fs::metadata(&self.path);
        let is_the_same = at_path.is_ok_and(|found| (found.dev(), found.ino()) == (of_file.dev(), of_file.ino()));
        if !is_the_same || of_file.len() < self.read_to {
            self.file = open(&self.path)?;
            (self.read_to, self.budget, self.stale, self.is_torn) = (0, CallBudget::default(), 0, false);
        }
        let mut bytes = Vec::new();
        let from = SeekFrom::Start(self.read_to);
        let read = self.file.seek(from).and_then(|_| (&self.file).take(MAX_SIZE).read_to_end(&mut bytes));
        let read = read.map_err(failed("read", &self.path))? as u64;
        if read == MAX_SIZE {
            return Err(failed("read", &self.path)(io::Error::other("it is larger than a week's calls can be")));
        }
        self.read_to += read;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.is_torn = line.last() != Some(&b'\n');
            match Line::parse(line.strip_suffix(b"\n").unwrap_or(line)).filter(|_| !self.is_torn) {
                Some(line) => line.enter(&mut self.budget),
                None if line.trim_ascii().is_empty() => {}
                None => {
                    let line = String::from_utf8_lossy(line);
                    tracing::warn!("{}: skipped a line that is no call: {line:?}", self.path.display());
                }
            }
        }
        Ok(())
    }

    fn append(&mut self, line: &Line) -> Result<(), CallLogError> {
        let torn = if self.is_torn { "\n" } else { "" };
        let text = format!("{torn}{}\n", line.text());
        self.file.write_all(text.as_bytes()).and_then(|()| self.file.flush()).map_err(failed("write", &self.path))?;
        self.read_to += text.len() as u64;
        self.is_torn = false;
        line.clone().enter(&mut self.budget);
        Ok(())
    }

    /// Writes the file anew with what still counts.
    fn rewrite(&mut self) -> Result<(), CallLogError> {
        let staged = self.path.with_extension("part");
        let text: String = self.budget.calls().iter().flat_map(Line::of).map(|line| line.text() + "\n").collect();
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

/// A line of the call log.
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

    fn enter(self, budget: &mut CallBudget) {
        match self {
            Self::Call(call) => budget.begin(call),
            Self::End { id, seconds } => {
                // A call that is forgotten needs no end.
                budget.end(id, seconds);
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

fn open(path: &Path) -> Result<File, CallLogError> {
    OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed("write", path))
}

/// Locks the call log until the file that is returned is closed. What is locked is a file beside it, since the call log itself is
/// replaced now and then.
fn lock(call_log: &Path) -> Result<File, CallLogError> {
    let path = call_log.with_extension("lock");
    let open = || OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let opened = match (open(), call_log.parent()) {
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

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CallLogError {
    let path = path.to_owned();
    move |source| CallLogError { action, path, source }
}

#[cfg(test)]
mod tests;
