//! Asterisk's own command line, asked as a person at the machine would: `asterisk -rx COMMAND`.

use std::io::{self, Read as _};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// What came of a command.
pub(crate) enum Answer {
    /// What Asterisk printed.
    Text(String),
    /// Asterisk does not know the command, or there was no Asterisk to ask; what was printed.
    Refused(String),
    /// Nothing came in time.
    Silence,
}

/// Runs a prepared `asterisk -rx` and waits for the end of what it prints.
///
/// A process that talks to a frozen server would wait for ever, so its output is read by a thread of its own and the
/// process is killed when the time is up.
pub(crate) fn ask(mut command: Command, limit: Duration) -> io::Result<Answer> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut stdout = child.stdout.take().expect("the output is piped");
    let (sender, receiver) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        let result = stdout.read_to_end(&mut bytes).map(|_| bytes);
        // When the time was up, nobody listens any more.
        let _ = sender.send(result);
    });
    let received = receiver.recv_timeout(limit);
    if received.is_err() {
        child.kill()?;
    }
    let status = child.wait()?;
    reader.join().expect("reading does not panic");
    let Ok(bytes) = received else { return Ok(Answer::Silence) };
    let text = String::from_utf8_lossy(&bytes?).into_owned();
    let is_answer = status.success() && !text.starts_with("No such command");
    Ok(if is_answer { Answer::Text(text) } else { Answer::Refused(text.trim().to_owned()) })
}
