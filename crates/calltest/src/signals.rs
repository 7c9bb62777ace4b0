//! Signals: the first one ends the runs in good order, the second one ends the program.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Cancels `interrupted` at the first SIGINT, SIGTERM or SIGHUP, and ends the program at the second. What is left then,
/// Asterisk's own limit on each channel ends, or the next run of calltest.
pub(crate) fn watch(interrupted: CancellationToken) -> io::Result<()> {
    let mut signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
        .map(signal)
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    let [hangup, terminate, interrupt] =
        [signals.pop(), signals.pop(), signals.pop()].map(|signal| signal.expect("three were made"));
    tokio::spawn(async move {
        let (mut interrupt, mut terminate, mut hangup) = (interrupt, terminate, hangup);
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            if interrupted.is_cancelled() {
                anstream::eprintln!(
                    "calltest: ended at once; calls may be up until Asterisk's limit on them, or the next run"
                );
                std::process::exit(crate::exit::Exit::Interrupted as i32);
            }
            interrupted.cancel();
            anstream::eprintln!("calltest: hanging up (once more to end at once)");
        }
    });
    Ok(())
}
