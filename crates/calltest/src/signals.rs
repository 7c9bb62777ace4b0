//! Signals: the first one ends the runs in good order, the second one ends the program. SIGHUP ends a program of which
//! the terminal has gone, and has a daemon load its configuration again.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;

/// How long the program lives on after its last sentence.
const FAREWELL: Duration = Duration::from_millis(50);

/// What SIGHUP is for.
pub(crate) enum Hangup {
    /// It ends the program.
    Ends,
    /// It is passed on. A message that is not taken yet is enough for several signals.
    Reloads(mpsc::Sender<()>),
}

/// Cancels `interrupted` at the first SIGINT or SIGTERM, and ends the program at the second. What is left then, Asterisk's
/// own limit on each channel ends, or the next run of calltest.
pub(crate) fn watch(
    interrupted: CancellationToken,
    on_hangup: Hangup,
    complain: impl Fn(&str) + Send + 'static,
) -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => if let Hangup::Reloads(reload) = &on_hangup {
                    // One is under way already if it is full, and nobody is there any more if it is closed.
                    let _ = reload.try_send(());
                    continue;
                },
            }
            if interrupted.is_cancelled() {
                complain("ended at once; calls may be up until Asterisk's limit on them, or the next run");
                // It may be another thread that writes that.
                sleep(FAREWELL).await;
                std::process::exit(Exit::Interrupted as i32);
            }
            interrupted.cancel();
            complain("interrupted, hanging up; interrupt once more to end at once");
        }
    });
    Ok(())
}
