//! What goes to stdout and stderr, and what becomes of it when nobody reads it any more.
//!
//! The standard macros panic when their reader has gone, as `head` does after its last line. Here stderr is written for
//! whoever still listens, and stdout tells its writer, who may have calls to hang up first.

use std::io::{self, Write as _};

use anyhow::Context as _;

use crate::exit::Exit;

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

/// Says one sentence about what the program does, on stderr.
pub(crate) fn say(sentence: &str) {
    say_text(&format!("{sentence}\n"));
}

/// Says what is wrong, on stderr.
pub(crate) fn complain(sentence: &str) {
    say(&format!("calltest: {}", printable(sentence)));
}

/// Writes lines about the program's work to stderr.
pub(crate) fn say_text(text: &str) {
    // There is nobody left to tell when stderr is closed.
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// A text without control characters, line ends apart: caller IDs come from strangers, and may hold anything.
pub(crate) fn printable(text: &str) -> String {
    let is_harmful = |letter: char| letter.is_control() && letter != '\n';
    text.replace(is_harmful, "\u{fffd}")
}

/// Whether an error is a reader that has gone away.
pub(crate) fn is_broken_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_commands_the_terminal() {
        assert_eq!(printable("+49\u{1b}[2J\u{7}\u{9b}1m9\nnext"), "+49\u{fffd}[2J\u{fffd}\u{fffd}1m9\nnext");
    }
}
