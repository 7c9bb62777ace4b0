//! Where the configuration comes from: which files are looked for, and reading one.
//!
//! What is in it is left to `parse`.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// The largest file that is read, in bytes: some 150,000 calls.
pub const MAX_FILE_SIZE: u64 = 32 << 20;

/// The text of a configuration, and where it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File {
        /// Its name, as it is shown in diagnostics.
        path: PathBuf,
        /// What is in it.
        text: String,
    },
    /// Nothing but the built-in defaults.
    Builtin,
}

impl Source {
    /// Reads a file; `-` stands for the built-in defaults.
    ///
    /// # Errors
    /// If there is no such file, or it is no text, or larger than [`MAX_FILE_SIZE`].
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        if path == Path::new(BUILTIN) {
            return Ok(Self::Builtin);
        }
        let path = path.to_owned();
        // Some systems open a directory like a file, and fail to read it with a message that helps no one.
        if path.is_dir() {
            return Err(ReadError::Directory { path });
        }
        let mut bytes = Vec::new();
        let read = File::open(&path).and_then(|file| file.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes));
        match read {
            Err(source) if source.kind() == io::ErrorKind::NotFound => Err(ReadError::Missing { path }),
            Err(source) => Err(ReadError::Unreadable { path, source }),
            Ok(_) if bytes.len() as u64 > MAX_FILE_SIZE => Err(ReadError::TooLarge { path }),
            Ok(_) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Self::File { path, text }),
                Err(error) => Err(not_utf8(path, error.as_bytes(), error.utf8_error().valid_up_to())),
            },
        }
    }

    /// Reads the first of these files that exists; `None` if none does.
    ///
    /// # Errors
    /// As for [`Source::read`]: a file that exists but cannot be read is not passed over.
    pub fn first_of(paths: &[PathBuf]) -> Result<Option<Self>, ReadError> {
        for path in paths {
            match Self::read(path) {
                Err(ReadError::Missing { .. }) => {}
                Err(error) => return Err(error),
                Ok(source) => return Ok(Some(source)),
            }
        }
        Ok(None)
    }

    /// What it is called in diagnostics and in the plan: the path, or `-`.
    pub fn origin(&self) -> String {
        match self {
            Self::File { path, .. } => path.display().to_string(),
            Self::Builtin => BUILTIN.into(),
        }
    }

    /// What is in it.
    pub fn text(&self) -> &str {
        match self {
            Self::File { text, .. } => text,
            Self::Builtin => "",
        }
    }
}

/// The file name that stands for the built-in defaults.
const BUILTIN: &str = "-";

fn not_utf8(path: PathBuf, bytes: &[u8], valid: usize) -> ReadError {
    let before = String::from_utf8_lossy(&bytes[..valid]);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    ReadError::NotUtf8 { path, line, column }
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is none of that name.
    #[error("there is no configuration file {path}", path = .path.display())]
    Missing {
        /// Its name.
        path: PathBuf,
    },
    /// It is a directory.
    #[error("{path} is a directory, not a configuration file", path = .path.display())]
    Directory {
        /// Its name.
        path: PathBuf,
    },
    /// The system does not let us.
    #[error("failed to read the configuration file {path}", path = .path.display())]
    Unreadable {
        /// Its name.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It has more than [`MAX_FILE_SIZE`].
    #[error("the configuration file {path} is larger than {limit} MiB", path = .path.display(), limit = MAX_FILE_SIZE >> 20)]
    TooLarge {
        /// Its name.
        path: PathBuf,
    },
    /// It is no text, or one in another encoding.
    #[error("{path}:{line}:{column}: this is not UTF-8, which a configuration file has to be", path = .path.display())]
    NotUtf8 {
        /// Its name.
        path: PathBuf,
        /// The line of the first wrong byte, from 1.
        line: usize,
        /// Its column in characters, from 1.
        column: usize,
    },
}

/// Where the user keeps things, from the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directories {
    /// `$XDG_CONFIG_HOME`.
    pub config_home: Option<PathBuf>,
    /// `$HOME`.
    pub home: Option<PathBuf>,
}

/// The files that are looked for where none is named, in this order.
pub fn default_paths(directories: &Directories) -> Vec<PathBuf> {
    // The XDG base directory specification: a relative path is invalid and to be ignored.
    let given = directories.config_home.clone().filter(|path| path.is_absolute());
    let config_home = given.or_else(|| directories.home.as_ref().map(|home| home.join(".config")));
    let system = ["/etc/voice/calltest.cfg", "/etc/calltest.cfg"].map(PathBuf::from);
    system.into_iter().chain(config_home.map(|home| home.join("calltest/calltest.cfg"))).collect()
}
