//! Signals: the first one ends the runs in good order, the second one ends the program.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;

/// Cancels `interrupted` at the first SIGINT, SIGTERM or SIGHUP, and ends the program at the second. What is left then,
/// Asterisk's own limit on each channel ends, or the next run of calltest.
pub(crate) fn watch(interrupted: CancellationToken, complain: impl Fn(&str) + Send + 'static) -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            if interrupted.is_cancelled() {
                complain("ended at once; calls may be up until Asterisk's limit on them, or the next run");
                std::process::exit(Exit::Interrupted as i32);
            }
            interrupted.cancel();
            complain("interrupted, hanging up; interrupt once more to end at once");
        }
    });
    Ok(())
}
