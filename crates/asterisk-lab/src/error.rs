//! What may go wrong: one error for getting a program to run, one for running servers and far ends with it.

use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::FileError;

/// Why there is no Asterisk, SIPp or nginx to run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// A program that fetching needs is not there.
    #[error(
        "`{tool}` is needed to fetch packages of Debian and was not found: it is in the package {package} of Debian \
         and its relatives; on other systems install Asterisk 18 or newer, and use that"
    )]
    MissingTool {
        /// The program.
        tool: &'static str,
        /// The package that has it.
        package: &'static str,
    },
    /// The keys that sign Debian's archive are not there.
    #[error(
        "{} is needed to check what is fetched from Debian and was not found: \
         run `apt install debian-archive-keyring`", keyring.display()
    )]
    MissingKeyring {
        /// Where they were expected.
        keyring: PathBuf,
    },
    /// The mirror did not answer, or not with what was asked for.
    #[error("could not fetch {wanted} from {mirror}: {message}")]
    MirrorUnreachable {
        /// The program to be fetched.
        wanted: &'static str,
        /// The mirror's address.
        mirror: String,
        /// What apt said.
        message: String,
    },
    /// What the mirror sent is not signed by Debian's keys.
    #[error("what {mirror} sent is not signed by the keys in {}: {message}", keyring.display())]
    BadSignature {
        /// The mirror's address.
        mirror: String,
        /// The keys that were expected.
        keyring: PathBuf,
        /// What apt said.
        message: String,
    },
    /// The mirror's Release file is from the future or too old, seen by this machine's clock.
    #[error(
        "the date of this machine does not fit that of the mirror {mirror}: {message}; \
         set the clock, or choose a mirror that is up to date"
    )]
    ClockOrStaleMirror {
        /// The mirror's address.
        mirror: String,
        /// What apt said.
        message: String,
    },
    /// The suite does not have the program for this machine.
    #[error("{mirror} has no package `{package}` in the suite {suite} for {architecture}")]
    NoSuchPackage {
        /// The mirror's address.
        mirror: String,
        /// The program's package.
        package: &'static str,
        /// The suite that was asked.
        suite: String,
        /// Debian's name of the machine's architecture.
        architecture: String,
    },
    /// A program that fetching needs failed for another reason.
    #[error("`{command}` failed ({status}): {message}")]
    ToolFailed {
        /// The command.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        message: String,
    },
    /// What was fetched does not run by itself.
    #[error("the packages that were fetched are not complete: {missing}")]
    Incomplete {
        /// What is not there.
        missing: String,
    },
    /// No installed Asterisk was found.
    #[error("no installed Asterisk was found in {searched}: install one, or name the program")]
    NotInstalled {
        /// The directories that were searched.
        searched: String,
    },
    /// The program does not say that it is an Asterisk.
    #[error("`{} -V` does not name a version of Asterisk: {output:?}", program.display())]
    NotAsterisk {
        /// The program.
        program: PathBuf,
        /// What it printed.
        output: String,
    },
    /// The Asterisk is too old for ARI as it is used here.
    #[error("{} is version {version}: 18 or newer is needed", program.display())]
    TooOld {
        /// The program.
        program: PathBuf,
        /// Its version.
        version: String,
    },
    /// The directory of an installed Asterisk's modules, or of its sounds, was not found.
    #[error("no directory with Asterisk's {what} was found for {}: looked in {searched}", program.display())]
    MissingDirectory {
        /// The program.
        program: PathBuf,
        /// What was looked for.
        what: &'static str,
        /// Where it was looked for.
        searched: String,
    },
    /// A file or directory could not be used, or a program not be run.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Why a lab, or one of its servers, does not do what it was told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// Two servers of one lab have the same name.
    #[error("two servers of this lab are called {name}")]
    DuplicateServer {
        /// The name.
        name: String,
    },
    /// Two trunks of one server have the same link name.
    #[error("server {server} has two trunks on the link {link}: give one of them another name with `Trunk::named`")]
    DuplicateLink {
        /// The server.
        server: String,
        /// The link.
        link: String,
    },
    /// A far end has the name of another one, of a server or of a trunk's link.
    #[error("this lab has something else that is called {name}: give the far end another name")]
    FarEndName {
        /// The name.
        name: String,
    },
    /// A trunk ends at a server that the lab does not have.
    #[error("the trunk {link} ends at server {server}, which this lab does not have")]
    UnknownServer {
        /// The link.
        link: String,
        /// The server.
        server: String,
    },
    /// No loopback address could be leased.
    #[error("no address in 127.66.0.0/16 is free for another server")]
    NoFreeAddress {
        /// Why the last attempt failed.
        #[source]
        source: io::Error,
    },
    /// All the ports that were tried are in use.
    #[error("no {protocol} port from {first} on is free on {address}")]
    NoFreePort {
        /// The address.
        address: Ipv4Addr,
        /// `TCP` or `UDP`.
        protocol: &'static str,
        /// The first port that was tried.
        first: u16,
    },
    /// The directory is so deep that Asterisk's control socket cannot be there.
    #[error(
        "the path {} is too long for a UNIX socket (more than 107 bytes): \
         choose a shorter directory with `LabBuilder::directory`", path.display()
    )]
    PathTooLong {
        /// The path of the socket.
        path: PathBuf,
    },
    /// A file or directory could not be used, or a program not be run.
    #[error(transparent)]
    File(#[from] FileError),
    /// The process of a server ended while it was expected to run.
    #[error("Asterisk {server} ended ({status}) instead of starting; the end of its log:\n{log}")]
    Ended {
        /// The server.
        server: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of its log.
        log: String,
    },
    /// A server did not come up in time.
    #[error("Asterisk {server} was not ready after {} s; the end of its log:\n{log}", waited.as_secs())]
    NotReady {
        /// The server.
        server: String,
        /// For how long it was waited for.
        waited: Duration,
        /// The end of its log.
        log: String,
    },
    /// A far end did not come up.
    #[error("the far end {far_end} did not start; SIPp says:\n{output}")]
    FarEndNotReady {
        /// The far end.
        far_end: String,
        /// What SIPp printed.
        output: String,
    },
    /// A proxy did not come up.
    #[error("the proxy did not start; nginx says:\n{output}")]
    ProxyNotReady {
        /// What nginx logged.
        output: String,
    },
    /// A trunk did not register in time.
    #[error("Asterisk {server} did not register its trunk {link} within {} s; it says:\n{output}", waited.as_secs())]
    NotRegistered {
        /// The server.
        server: String,
        /// The link.
        link: String,
        /// For how long it was waited for.
        waited: Duration,
        /// What `pjsip show registrations` printed last.
        output: String,
    },
    /// The server is not running, so it cannot be told anything.
    #[error("Asterisk {server} is not running")]
    NotRunning {
        /// The server.
        server: String,
    },
    /// A command of Asterisk's command line failed.
    #[error("Asterisk {server} refused the command `{command}`: {output}")]
    Cli {
        /// The server.
        server: String,
        /// The command.
        command: String,
        /// What was printed instead of an answer.
        output: String,
    },
    /// A command of Asterisk's command line was not answered in time.
    #[error("Asterisk {server} did not answer the command `{command}` within {} s", waited.as_secs())]
    CliTimeout {
        /// The server.
        server: String,
        /// The command.
        command: String,
        /// For how long the answer was waited for.
        waited: Duration,
    },
    /// A server was told to stop and did not.
    #[error("Asterisk {server} did not stop within {} s", waited.as_secs())]
    NotStopped {
        /// The server.
        server: String,
        /// For how long its end was waited for.
        waited: Duration,
    },
}
