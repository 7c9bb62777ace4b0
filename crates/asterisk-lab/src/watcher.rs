//! The end of a lab whose program is gone: a small shell that waits for that, then kills and removes what is left.
//!
//! A signal at the parent's death (`PR_SET_PDEATHSIG`) would not do: it comes when the *thread* ends that started
//! the process, and it removes no files.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

/// The shell leads the process group in which all servers of the lab are, so the group's number cannot pass to
/// anybody else while the shell lives. Its input ends when the program that holds the other end has vanished, however
/// that happened. To survive the killing of its own group, the last step has a session of its own.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT TERM
while read -r line; do :; done
setsid sh -c 'kill -s KILL -- "-$1"; rm -rf -- "$2" || { sleep 1; rm -rf -- "$2"; }' sh "$$" "$1"
"#;

/// The process group of a lab's servers, and the shell that watches over it.
#[derive(Debug)]
pub(crate) struct Watcher {
    shell: Child,
    group: Pid,
}

impl Watcher {
    /// Watches over the servers that will be started in the watcher's group, and over their directory.
    pub(crate) fn start(directory: &Path) -> io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(SCRIPT).arg("asterisk-lab").arg(directory);
        command.current_dir("/").process_group(0);
        // The pipe is closed in every program that we start (O_CLOEXEC), so only this process holds it.
        let shell = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let group = Pid::from_child(&shell);
        Ok(Self { shell, group })
    }

    /// The process group for the servers.
    pub(crate) fn group(&self) -> Pid {
        self.group
    }

    /// Kills every process of the group and the watcher itself.
    pub(crate) fn kill_all(&mut self) {
        // The group exists: the shell, not waited for yet, is in it.
        if let Err(error) = kill_process_group(self.group, Signal::KILL) {
            tracing::warn!(%error, "could not kill the servers' process group");
        }
        if let Err(error) = self.shell.wait() {
            tracing::warn!(%error, "could not wait for the watcher");
        }
    }
}
