//! The process of one server, which may have ended at any time, by itself too.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::poll::poll_until;

/// A process that can be started again after its end.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    /// The process group in which it runs.
    group: Pid,
    child: Mutex<Option<Child>>,
}

impl ServerProcess {
    /// A process that does not run yet.
    pub(crate) fn in_group(group: Pid) -> Self {
        Self { group, child: Mutex::new(None) }
    }

    pub(crate) fn start(&self, mut command: Command) -> io::Result<()> {
        let child = command.process_group(self.group.as_raw_nonzero().get()).spawn()?;
        *self.child() = Some(child);
        Ok(())
    }

    /// Its number, while it runs.
    pub(crate) fn id(&self) -> Option<u32> {
        running(&mut self.child()).map(|child| child.id())
    }

    /// How it ended, if it was started and has ended.
    pub(crate) fn exit_status(&self) -> Option<ExitStatus> {
        self.child().as_mut()?.try_wait().ok().flatten()
    }

    /// Kills it, if it runs, and waits for its end.
    pub(crate) fn kill(&self) -> io::Result<()> {
        match running(&mut self.child()) {
            Some(child) => child.kill().and_then(|()| child.wait()).map(drop),
            None => Ok(()),
        }
    }

    /// Sends it a signal. Without a process there is an error of the kind `NotFound`.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        let mut child = self.child();
        let child = running(&mut child).ok_or(io::ErrorKind::NotFound)?;
        // It has not been waited for while the lock is held, so its number is still its own.
        Ok(kill_process(Pid::from_child(child), signal)?)
    }

    /// Waits for its end; false if the time is up before.
    pub(crate) fn has_ended_within(&self, limit: Duration) -> bool {
        poll_until(limit, || self.id().is_none().then_some(())).is_some()
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        // The handle is whole at any time, so a panic elsewhere does not make it unusable.
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn running(child: &mut Option<Child>) -> Option<&mut Child> {
    let child = child.as_mut()?;
    matches!(child.try_wait(), Ok(None)).then_some(child)
}
