//! One server of a lab: how to reach it, its command line, its log, and what may be done to its process.
//!
//! Which addresses and trunks it has is decided in `lab`; its files are written by `config_files`.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use asterisk_setup::{EXAMPLE_PASSWORD, EXAMPLE_USER};
use rustix::process::Signal;

use crate::command_line::{self, Answer};
use crate::config_files::Layout;
use crate::files::write;
use crate::poll::poll_until;
use crate::process::ServerProcess;
use crate::{Faketime, FileError, Installation, LabError, LoopbackAddress, ready};

/// How long a server may take to come up. It needs half a second on an idle machine.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long a server may take to end, to answer a command, and to register.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// How much of a log an error shows.
const LOG_LINES_SHOWN: usize = 20;

/// How to reach a server's ARI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ari {
    /// The server's address.
    pub host: Ipv4Addr,
    /// The port for HTTP.
    pub port: u16,
    /// The port for HTTPS, where the server has it.
    pub https_port: Option<u16>,
    /// The path that ARI lies below: empty, or the prefix with a slash before it.
    pub path: String,
    /// A user who may do everything.
    pub username: String,
    /// That user's password.
    pub password: String,
}

impl Ari {
    /// The address before `/ari/…`, such as `http://127.66.0.1:8088`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}:{}{}", self.host, self.port, self.path)
    }

    pub(crate) fn of_example(host: Ipv4Addr, port: u16, https_port: Option<u16>, prefix: Option<&str>) -> Self {
        let (username, password) = (EXAMPLE_USER.to_owned(), EXAMPLE_PASSWORD.to_owned());
        let path = prefix.map(|prefix| format!("/{prefix}")).unwrap_or_default();
        Self { host, port, https_port, path, username, password }
    }
}

/// An Asterisk server of a lab: running, frozen, or ended.
#[derive(Debug)]
pub struct Server {
    pub(crate) name: String,
    pub(crate) installation: Installation,
    pub(crate) layout: Layout,
    pub(crate) ari: Ari,
    /// The links of all its trunks.
    pub(crate) links: Vec<String>,
    /// The links of the trunks that it registers at the other server.
    pub(crate) registrations: Vec<String>,
    pub(crate) process: ServerProcess,
    pub(crate) faketime: Option<Faketime>,
    /// Held for as long as the server may run.
    pub(crate) _address: LoopbackAddress,
}

impl Server {
    /// The name given to it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How to reach its ARI.
    #[must_use]
    pub fn ari(&self) -> &Ari {
        &self.ari
    }

    /// The server's directory: `etc`, `log`, `spool/recording` and so on are below it.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.layout.root
    }

    /// The dial string, with `{number}` where the number goes, for calls over the trunk on a link.
    ///
    /// # Panics
    ///
    /// When this server has no trunk on such a link.
    #[must_use]
    pub fn dial_string(&self, link: &str) -> String {
        let Self { name, links, .. } = self;
        assert!(links.iter().any(|known| known == link), "server {name} has no trunk on link {link}, but on {links:?}");
        format!("PJSIP/{{number}}@{link}")
    }

    /// Runs a command of Asterisk's command line and returns what it prints.
    ///
    /// # Errors
    ///
    /// When the server does not run, does not answer, or does not know the command.
    pub fn cli(&self, command: &str) -> Result<String, LabError> {
        if !self.is_running() {
            return Err(self.not_running());
        }
        let mut process = self.asterisk();
        process.arg("-rx").arg(command);
        let answer = command_line::ask(process, ANSWER_LIMIT);
        let (server, command) = (self.name.clone(), command.to_owned());
        match answer.map_err(FileError::because("run", &self.installation.program))? {
            Answer::Text(text) => Ok(text),
            Answer::Refused(output) => Err(LabError::Cli { server, command, output }),
            Answer::Silence => Err(LabError::CliTimeout { server, command, waited: ANSWER_LIMIT }),
        }
    }

    /// How many channels there are.
    ///
    /// # Errors
    ///
    /// As [`Server::cli`] does.
    pub fn open_channels(&self) -> Result<usize, LabError> {
        let command = "core show channels count";
        let output = self.cli(command)?;
        // "3 active channels", or "1 active channel".
        let count = output.lines().find_map(|line| line.split_once(" active channel")?.0.trim().parse().ok());
        count.ok_or_else(|| LabError::Cli { server: self.name.clone(), command: command.to_owned(), output })
    }

    /// What the server has logged so far: warnings, errors, and each step of its dialplan.
    ///
    /// # Errors
    ///
    /// When its log cannot be read.
    pub fn log(&self) -> Result<String, LabError> {
        let path = self.layout.log();
        let bytes = fs::read(&path).map_err(FileError::because("read", &path))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Whether the process is there; a frozen one is.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.process.id().is_some()
    }

    /// The number of the process while it is there: what it costs can be read in `/proc`.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Puts the clock so many seconds before or behind the right time, from now on.
    ///
    /// # Errors
    ///
    /// When that cannot be written down.
    ///
    /// # Panics
    ///
    /// When this server has no [clock](crate::ServerOptions::clock) of its own.
    pub fn set_clock(&self, seconds_ahead: i64) -> Result<(), LabError> {
        assert!(self.faketime.is_some(), "server {} goes by the clock of the machine", self.name);
        // A file that is half written would be half read.
        let (clock, new) = (self.layout.clock(), self.layout.root.join("clock.new"));
        write(&new, &format!("{seconds_ahead:+}\n"))?;
        Ok(fs::rename(&new, &clock).map_err(FileError::because("write", &clock))?)
    }

    /// Ends the process at once, as a crash or the loss of power would (SIGKILL). Nothing happens if it has ended.
    ///
    /// # Errors
    ///
    /// When the process cannot be signalled.
    pub fn kill(&self) -> Result<(), LabError> {
        Ok(self.process.kill().map_err(FileError::because("kill", &self.installation.program))?)
    }

    /// Halts the process (SIGSTOP): its connections stay open, and nobody answers on them.
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn freeze(&self) -> Result<(), LabError> {
        self.signal(Signal::STOP)
    }

    /// Lets a frozen process go on (SIGCONT).
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn thaw(&self) -> Result<(), LabError> {
        self.signal(Signal::CONT)
    }

    /// Stops the server in good order: it hangs up its calls before it ends. A frozen server has to be thawed before.
    ///
    /// # Errors
    ///
    /// When it does not run, or does not stop.
    pub fn stop(&self) -> Result<(), LabError> {
        self.signal(Signal::TERM)?;
        if self.process.has_ended_within(ANSWER_LIMIT) {
            return Ok(());
        }
        Err(LabError::NotStopped { server: self.name.clone(), waited: ANSWER_LIMIT })
    }

    /// Starts the server again with the same configuration and addresses, after stopping it if it runs, and waits
    /// until its ARI answers.
    ///
    /// # Errors
    ///
    /// When it does not stop or does not come up.
    pub fn restart(&self) -> Result<(), LabError> {
        if self.is_running() {
            self.stop()?;
        }
        self.start()?;
        self.wait_until_ready()
    }

    /// Waits until the trunks that this server registers at others are registered there.
    ///
    /// # Errors
    ///
    /// When that does not happen in time.
    pub fn wait_until_registered(&self) -> Result<(), LabError> {
        for link in &self.registrations {
            let mut output = String::new();
            let registered = poll_until(ANSWER_LIMIT, || match self.cli("pjsip show registrations") {
                Ok(text) => {
                    output = text;
                    is_registered(&output, link).then_some(Ok(()))
                }
                Err(error) => Some(Err(error)),
            });
            let (server, link, waited) = (self.name.clone(), link.clone(), ANSWER_LIMIT);
            registered.unwrap_or(Err(LabError::NotRegistered { server, link, waited, output }))?;
        }
        Ok(())
    }

    /// Starts the process and does not wait.
    pub(crate) fn start(&self) -> Result<(), LabError> {
        let console = self.layout.console();
        let output = File::options().create(true).append(true).open(&console);
        let output = output.and_then(|file| Ok((file.try_clone()?, file)));
        let (stdout, stderr) = output.map_err(FileError::because("write", &console))?;
        let mut command = self.asterisk();
        if let Some(faketime) = &self.faketime {
            self.set_clock(0)?;
            faketime.fake(&mut command, &self.layout.clock());
        }
        command.arg("-f").current_dir(&self.layout.root).stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        Ok(self.process.start(command).map_err(FileError::because("run", &self.installation.program))?)
    }

    /// Waits until ARI answers and Asterisk says that all of it has started.
    pub(crate) fn wait_until_ready(&self) -> Result<(), LabError> {
        let Ari { host, port, path, username, password, .. } = &self.ari;
        let answer = poll_until(START_LIMIT, || {
            if let Some(status) = self.process.exit_status() {
                return Some(Err(LabError::Ended { server: self.name.clone(), status, log: self.log_end() }));
            }
            let status = ready::ping_status(SocketAddr::from((*host, *port)), path, username, password);
            status.is_ok_and(|status| status == 200).then_some(Ok(()))
        });
        let (server, waited) = (self.name.clone(), START_LIMIT);
        answer.unwrap_or_else(|| Err(LabError::NotReady { server, waited, log: self.log_end() }))?;
        self.cli("core waitfullybooted").map(drop)
    }

    /// The command that runs Asterisk with this server's configuration.
    fn asterisk(&self) -> Command {
        let mut command = self.installation.command();
        command.arg("-C").arg(self.layout.asterisk_conf());
        command
    }

    /// The end of what the server printed and logged, for an error.
    fn log_end(&self) -> String {
        let texts = [self.layout.console(), self.layout.log()].map(|path| fs::read(path).unwrap_or_default());
        let texts = texts.map(|text| String::from_utf8_lossy(&text).into_owned());
        let lines: Vec<_> = texts.iter().flat_map(|text| text.lines()).collect();
        lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n")
    }

    fn signal(&self, signal: Signal) -> Result<(), LabError> {
        self.process.signal(signal).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => self.not_running(),
            _ => FileError::because("signal", &self.installation.program)(error).into(),
        })
    }

    fn not_running(&self) -> LabError {
        LabError::NotRunning { server: self.name.clone() }
    }
}

/// Whether a line such as ` carrier/sip:127.66.0.2:5061  carrier  Registered  (exp. 3595s)` is in the table.
fn is_registered(table: &str, link: &str) -> bool {
    table.lines().any(|line| {
        let name = line.trim_start().split_once('/').map(|(name, _)| name);
        name == Some(link) && line.contains(" Registered ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_links_own_line_counts_and_only_when_registered() {
        let table = " <Registration/ServerURI....>  <Auth....>  <Status.......>\n\n \
                     one/sip:127.66.0.2:5061   one   Registered        (exp. 3589s)\n \
                     two/sip:127.66.0.2:5062   two   Unregistered      (exp. 1s)\n";
        assert!(is_registered(table, "one"));
        assert!(!is_registered(table, "two") && !is_registered(table, "on"));
    }
}
