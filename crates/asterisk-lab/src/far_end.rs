//! A SIP far end of a lab: a SIPp that answers each call as its scenario says, at an address of its own.

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use asterisk_setup::{self as setup, DtmfMode, Peer};

use crate::files::{create_directory, write};
use crate::loopback::{FreePorts, LoopbackAddress};
use crate::poll::poll_until;
use crate::process::ServerProcess;
use crate::scenario::Scenario;
use crate::sipp::Sipp;
use crate::trunk::{CODECS, MAIN_TRANSPORT};
use crate::watcher::Watcher;
use crate::{FileError, LabError};

const SIP_PORT: u16 = 5060;

/// Where SIPp takes commands; no other far end is at this address.
const CONTROL_PORT: u16 = 8888;

/// How long SIPp may take to come up. It needs some ten milliseconds.
const START_LIMIT: Duration = Duration::from_secs(20);

/// What a lab is told of a far end.
#[derive(Debug)]
pub(crate) struct FarEndOptions {
    pub(crate) name: String,
    pub(crate) sipp: Sipp,
    pub(crate) scenario: Scenario,
}

/// A SIP far end of a lab, which treats every call the same.
#[derive(Debug)]
pub struct FarEnd {
    name: String,
    address: SocketAddr,
    directory: PathBuf,
    process: ServerProcess,
    /// Held for as long as SIPp may run.
    _address: LoopbackAddress,
}

impl FarEnd {
    /// The name given to it, which is also that of its endpoint on the lab's servers.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The dial string, with `{number}` where the number goes, by which a server of the lab calls it.
    #[must_use]
    pub fn dial_string(&self) -> String {
        format!("PJSIP/{{number}}@{}", self.name)
    }

    /// The SIP messages that it has received and sent so far, each with its time.
    ///
    /// # Errors
    ///
    /// When SIPp's log cannot be read.
    pub fn messages(&self) -> Result<String, LabError> {
        let path = self.directory.join(MESSAGES);
        match fs::read(&path) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(FileError::because("read", &path)(error).into()),
        }
    }

    /// The number of its process while it is there.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Starts SIPp in a directory of its own and does not wait.
    pub(crate) fn start(options: FarEndOptions, parent: &Path, watcher: &Watcher) -> Result<Self, LabError> {
        let FarEndOptions { name, sipp, scenario } = options;
        let address = LoopbackAddress::lease()?;
        let sip = FreePorts::on(address.ip()).udp(SIP_PORT)?;
        let directory = parent.join(&name);
        create_directory(&directory)?;
        let scenario_file = directory.join("scenario.xml");
        write(&scenario_file, &scenario.to_string())?;
        let console = directory.join(CONSOLE);
        let output = File::create(&console).and_then(|file| Ok((file.try_clone()?, file)));
        let (stdout, stderr) = output.map_err(FileError::because("write", &console))?;
        let mut command = sipp.command();
        command.arg("-sf").arg(&scenario_file).current_dir(&directory);
        command.args(["-i", &sip.ip().to_string(), "-p", &sip.port().to_string()]);
        command.args(["-ci", &sip.ip().to_string(), "-cp", &CONTROL_PORT.to_string()]);
        command.arg("-nostdin").arg("-trace_msg").arg("-message_file").arg(directory.join(MESSAGES));
        command.arg("-trace_err").arg("-error_file").arg(directory.join(ERRORS));
        command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        let process = ServerProcess::in_group(watcher.group());
        process.start(command).map_err(FileError::because("run", &sipp.program))?;
        Ok(Self { name, address: sip, directory, process, _address: address })
    }

    /// Waits until SIPp listens.
    pub(crate) fn wait_until_ready(&self) -> Result<(), LabError> {
        let outcome = poll_until(START_LIMIT, || {
            if self.process.exit_status().is_some() {
                return Some(false);
            }
            listens(self.address).then_some(true)
        });
        match outcome {
            Some(true) => Ok(()),
            _ => Err(LabError::FarEndNotReady { far_end: self.name.clone(), output: self.output() }),
        }
    }

    /// The far end as a server at that address has it.
    pub(crate) fn seen_from(&self, server: SocketAddr) -> setup::Trunk {
        setup::Trunk {
            name: self.name.clone(),
            transport: MAIN_TRANSPORT.to_owned(),
            // It never calls.
            context: "direct".to_owned(),
            peer: Peer::Address { address: self.address.to_string(), credentials: None },
            dtmf_mode: DtmfMode::Rfc4733,
            codecs: CODECS.map(str::to_owned).to_vec(),
            media_address: Some(server.ip()),
            qualify_every: None,
        }
    }

    pub(crate) fn kill(&self) -> io::Result<()> {
        self.process.kill()
    }

    /// The directory with all that it was told and has said.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    fn output(&self) -> String {
        let texts = [CONSOLE, ERRORS].map(|name| fs::read(self.directory.join(name)).unwrap_or_default());
        texts.map(|text| String::from_utf8_lossy(&text).into_owned()).concat().trim().to_owned()
    }
}

/// Whether somebody has this UDP port. The kernel is asked: to try the port would keep SIPp from taking it just then.
fn listens(address: SocketAddr) -> bool {
    let SocketAddr::V4(address) = address else { return false };
    // In the kernel's list the bytes of the address are in the order of the machine.
    let ip = u32::from_ne_bytes(address.ip().octets());
    let wanted = format!(" {ip:08X}:{:04X} ", address.port());
    fs::read_to_string("/proc/net/udp").is_ok_and(|sockets| sockets.contains(&wanted))
}

const MESSAGES: &str = "messages.log";
const ERRORS: &str = "errors.log";
const CONSOLE: &str = "console.log";
