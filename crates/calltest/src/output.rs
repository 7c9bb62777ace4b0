//! What goes to stdout and stderr, and what becomes of it when nobody reads it any more.
//!
//! A sentence is one line, whatever a server, a caller or a daemon has written into it: nothing in it commands the terminal.
//!
//! The standard macros panic when their reader has gone, as `head` does after its last line. Here stderr is written for
//! whoever still listens, and stdout tells its writer, who may have calls to hang up first.

use std::io::{self, Write as _};

use anstyle::Style;
use anyhow::Context as _;
use calltest_report::plain_text::printable;

use crate::exit::{Exit, Stop};

/// Writes results to stdout, at once. Colours are left out unless a terminal shows them.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Writes all that a command has to give. A reader that goes away has read what it wanted.
pub(crate) fn print_all(text: &str) -> anyhow::Result<Exit> {
    match print(text) {
        Err(error) if !is_broken_pipe(&error) => Err(error).context("could not write to stdout"),
        Err(_) | Ok(()) => Ok(Exit::Success),
    }
}

/// A word in colour.
pub(crate) fn paint(word: &str, style: Style) -> String {
    format!("{style}{word}{style:#}")
}

/// Says one sentence about what the program does, on stderr.
pub(crate) fn say(sentence: &str) {
    say_text(&format!("{}\n", printable(sentence)));
}

/// Says what is wrong, on stderr.
pub(crate) fn complain(sentence: &str) {
    say(&format!("calltest: {sentence}"));
}

/// What is wrong with what the user asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) why: String,
    /// What to do instead, on a line of its own.
    pub(crate) hint: Option<String>,
}

impl Refusal {
    /// With this advice.
    pub(crate) fn with_hint(why: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { why: why.into(), hint: Some(hint.into()) }
    }
}

impl From<String> for Refusal {
    fn from(why: String) -> Self {
        Self { why, hint: None }
    }
}

/// Says what is wrong with what the user asked for, on stderr.
pub(crate) fn refuse(refusal: impl Into<Refusal>) -> Stop {
    let Refusal { why, hint } = refusal.into();
    complain(&why);
    if let Some(hint) = hint {
        say(&format!("hint: {hint}"));
    }
    Stop::Told(Exit::Usage)
}

/// Writes lines of our own about the program's work to stderr.
pub(crate) fn say_text(text: &str) {
    // There is nobody left to tell when stderr is closed.
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// Whether an error is a reader that has gone away.
pub(crate) fn is_broken_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}
