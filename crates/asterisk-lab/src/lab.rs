//! A set of servers that run together: who is there, at which address, joined by which trunks; and their end.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;

use tempfile::TempDir;

use crate::config_files::{Layout, ServerConfig};
use crate::far_end::{FarEnd, FarEndOptions};
use crate::files::create_temporary_directory;
use crate::loopback::{FreePorts, LoopbackAddress};
use crate::options::ServerOptions;
use crate::process::ServerProcess;
use crate::scenario::Scenario;
use crate::server::{Ari, Server};
use crate::sipp::Sipp;
use crate::trunk::{Trunk, TrunkEnd};
use crate::watcher::Watcher;
use crate::{FileError, Installation, LabError};

/// The usual ports, which are free on a server's own address unless a program listens on all addresses.
const HTTP_PORT: u16 = 8088;
const HTTPS_PORT: u16 = 8089;
const SIP_PORT: u16 = 5060;

/// How many lines of a log are shown where a test fails.
const LATEST_COMPLAINTS: usize = 30;

/// What a lab shall consist of.
#[derive(Debug)]
pub struct LabBuilder {
    installation: Installation,
    servers: Vec<ServerOptions>,
    trunks: Vec<Trunk>,
    far_ends: Vec<FarEndOptions>,
    directory: Option<PathBuf>,
    kept_logs: PathBuf,
}

impl LabBuilder {
    /// Adds a server: a name, or [`ServerOptions`].
    #[must_use]
    pub fn server(mut self, options: impl Into<ServerOptions>) -> Self {
        self.servers.push(options.into());
        self
    }

    /// Joins two servers.
    #[must_use]
    pub fn trunk(mut self, trunk: Trunk) -> Self {
        self.trunks.push(trunk);
        self
    }

    /// Adds far ends: by its name, each server of the lab has an endpoint to call it, and SIPp treats the calls as the
    /// scenario says.
    #[must_use]
    pub fn far_ends<N: Into<String>>(mut self, sipp: &Sipp, far_ends: impl IntoIterator<Item = (N, Scenario)>) -> Self {
        let options =
            |(name, scenario): (N, Scenario)| FarEndOptions { name: name.into(), sipp: sipp.clone(), scenario };
        self.far_ends.extend(far_ends.into_iter().map(options));
        self
    }

    /// Where to make the lab's directory; else where temporary files go.
    #[must_use]
    pub fn directory(self, directory: impl Into<PathBuf>) -> Self {
        Self { directory: Some(directory.into()), ..self }
    }

    /// Where to keep the servers' logs when a test panics while it holds the lab; else in `failed` in the cache that
    /// Asterisk was fetched into, or among the temporary files where Asterisk is an installed one.
    #[must_use]
    pub fn keep_logs_in(self, directory: impl Into<PathBuf>) -> Self {
        Self { kept_logs: directory.into(), ..self }
    }

    /// Starts all servers at once and waits until each of them is ready and has registered what it should.
    ///
    /// # Errors
    ///
    /// When the servers and trunks do not fit each other, or a server does not come up. Nothing is left of the lab
    /// then; the error has the end of the server's log.
    pub fn start(self) -> Result<Lab, LabError> {
        self.check_names()?;
        let mut plans = self.servers.into_iter().map(ServerPlan::new).collect::<Result<Vec<_>, _>>()?;
        for trunk in &self.trunks {
            connect(&mut plans, trunk)?;
        }
        let parent = self.directory.unwrap_or_else(std::env::temp_dir);
        let directory = create_temporary_directory(&parent, "asterisk-lab-")?;
        let watcher = Watcher::start(directory.path()).map_err(FileError::because("run", Path::new("/bin/sh")))?;
        let (servers, far_ends) = (Vec::new(), Vec::new());
        let mut lab = Lab { servers, far_ends, watcher, directory, kept_logs: self.kept_logs };
        for options in self.far_ends {
            let far_end = FarEnd::start(options, lab.directory.path(), &lab.watcher)?;
            lab.far_ends.push(far_end);
        }
        for plan in plans {
            let server = plan.build(&self.installation, &lab)?;
            server.start()?;
            lab.servers.push(server);
        }
        lab.far_ends.iter().try_for_each(FarEnd::wait_until_ready)?;
        lab.servers.iter().try_for_each(Server::wait_until_ready)?;
        lab.servers.iter().try_for_each(Server::wait_until_registered)?;
        Ok(lab)
    }

    fn check_names(&self) -> Result<(), LabError> {
        for (index, server) in self.servers.iter().enumerate() {
            if self.servers[..index].iter().any(|other| other.name == server.name) {
                return Err(LabError::DuplicateServer { name: server.name.clone() });
            }
        }
        let ends: Vec<_> = self.trunks.iter().flat_map(Trunk::ends).collect();
        for (index, (server, link)) in ends.iter().enumerate() {
            let (server, link) = (server.to_string(), link.to_string());
            if !self.servers.iter().any(|known| known.name == server) {
                return Err(LabError::UnknownServer { link, server });
            }
            if ends[..index].contains(&(server.as_str(), link.as_str())) {
                return Err(LabError::DuplicateLink { server, link });
            }
        }
        for (index, FarEndOptions { name, .. }) in self.far_ends.iter().enumerate() {
            let is_far_end = self.far_ends[..index].iter().any(|other| other.name == *name);
            let is_server = self.servers.iter().any(|server| server.name == *name);
            if is_far_end || is_server || ends.iter().any(|(_, link)| link == name) {
                return Err(LabError::FarEndName { name: name.clone() });
            }
        }
        Ok(())
    }
}

/// A server before its files are written: trunks get their ports when all servers have an address.
struct ServerPlan {
    options: ServerOptions,
    address: LoopbackAddress,
    ports: FreePorts,
    http: SocketAddr,
    https: Option<SocketAddr>,
    sip: SocketAddr,
    trunks: Vec<TrunkEnd>,
    has_inband_trunk: bool,
}

impl ServerPlan {
    fn new(mut options: ServerOptions) -> Result<Self, LabError> {
        let address = options.address.take().map_or_else(LoopbackAddress::lease, Ok)?;
        let mut ports = FreePorts::on(address.ip());
        let http = ports.tcp(HTTP_PORT)?;
        let https = options.https.is_some().then(|| ports.tcp(HTTPS_PORT)).transpose()?;
        let sip = ports.udp(SIP_PORT)?;
        Ok(Self { options, address, ports, http, https, sip, trunks: Vec::new(), has_inband_trunk: false })
    }

    /// The SIP address for one more trunk.
    fn trunk_address(&mut self) -> Result<SocketAddr, LabError> {
        self.ports.udp(SIP_PORT)
    }

    fn build(self, installation: &Installation, lab: &Lab) -> Result<Server, LabError> {
        let layout = Layout { root: lab.directory.path().join(&self.options.name) };
        let config = ServerConfig {
            installation,
            options: &self.options,
            http: self.http,
            https: self.https,
            sip: self.sip,
            trunks: &self.trunks,
            far_ends: &lab.far_ends,
            transmits_silence: self.options.transmits_silence.unwrap_or(self.has_inband_trunk),
        };
        config.write(&layout)?;
        let registering = self.trunks.iter().filter(|end| end.registers);
        Ok(Server {
            installation: installation.clone(),
            layout,
            ari: Ari::of_example(
                self.address.ip(),
                self.http.port(),
                self.https.map(|https| https.port()),
                self.options.http_prefix.as_deref(),
            ),
            links: self.trunks.iter().map(|end| end.trunk.name.clone()).collect(),
            registrations: registering.map(|end| end.trunk.name.clone()).collect(),
            process: ServerProcess::in_group(lab.watcher.group()),
            _address: self.address,
            name: self.options.name,
            faketime: self.options.faketime,
        })
    }
}

/// Gives both servers of a trunk their end of it.
fn connect(plans: &mut [ServerPlan], trunk: &Trunk) -> Result<(), LabError> {
    let indexes = trunk.ends().map(|(server, _)| {
        let index = plans.iter().position(|plan| plan.options.name == server);
        index.expect("the names were checked before")
    });
    let [one, other] = indexes;
    let addresses = [plans[one].trunk_address()?, plans[other].trunk_address()?];
    for (end, index) in indexes.into_iter().enumerate() {
        plans[index].trunks.push(trunk.seen_from(end, addresses));
        plans[index].has_inband_trunk |= trunk.is_inband();
    }
    Ok(())
}

/// A set of running servers. When it is dropped, they are killed and their files removed.
#[derive(Debug)]
pub struct Lab {
    servers: Vec<Server>,
    far_ends: Vec<FarEnd>,
    watcher: Watcher,
    directory: TempDir,
    kept_logs: PathBuf,
}

impl Lab {
    /// Begins to describe a lab.
    #[must_use]
    pub fn builder(installation: &Installation) -> LabBuilder {
        LabBuilder {
            installation: installation.clone(),
            servers: Vec::new(),
            trunks: Vec::new(),
            far_ends: Vec::new(),
            directory: None,
            kept_logs: installation.kept_logs.clone(),
        }
    }

    /// The server of this name.
    ///
    /// # Panics
    ///
    /// When the lab has none.
    #[must_use]
    pub fn server(&self, name: &str) -> &Server {
        let server = self.servers.iter().find(|server| server.name() == name);
        server.unwrap_or_else(|| panic!("this lab has no server {name}"))
    }

    /// The far end of this name.
    ///
    /// # Panics
    ///
    /// When the lab has none.
    #[must_use]
    pub fn far_end(&self, name: &str) -> &FarEnd {
        let far_end = self.far_ends.iter().find(|far_end| far_end.name() == name);
        far_end.unwrap_or_else(|| panic!("this lab has no far end {name}"))
    }

    /// All servers, in the order in which they were added.
    #[must_use]
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// All far ends, in the order in which they were added.
    #[must_use]
    pub fn far_ends(&self) -> &[FarEnd] {
        &self.far_ends
    }

    /// The directory with the servers' directories in it.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Copies what servers and far ends logged, and their configuration, to a directory of its own.
    fn keep_logs(&self) -> io::Result<PathBuf> {
        let name = self.directory.path().file_name().expect("a temporary directory has a name");
        let kept = self.kept_logs.join(name);
        for server in &self.servers {
            for source in server.layout.evidence() {
                let name = source.file_name().expect("it is a directory below the server's");
                copy_files(&source, &kept.join(server.name()).join(name))?;
            }
        }
        for far_end in &self.far_ends {
            copy_files(far_end.directory(), &kept.join(far_end.name()))?;
        }
        Ok(kept)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if thread::panicking() {
            match self.keep_logs() {
                Ok(kept) => eprintln!("the logs of this test's Asterisk servers are kept in {}", kept.display()),
                Err(error) => eprintln!("the logs of this test's Asterisk servers could not be kept: {error}"),
            }
            // Whoever reads of the failure may not have this disk.
            for server in &self.servers {
                eprintln!(
                    "the latest complaints of server {}:\n{}",
                    server.name(),
                    complaints(&server.log().unwrap_or_default())
                );
            }
        }
        self.watcher.kill_all();
        for server in &self.servers {
            if let Err(error) = server.kill() {
                tracing::warn!(%error, server = server.name(), "could not end a server");
            }
        }
        for far_end in &self.far_ends {
            if let Err(error) = far_end.kill() {
                tracing::warn!(%error, far_end = far_end.name(), "could not end a far end");
            }
        }
    }
}

/// The latest lines of a log in which Asterisk complains.
fn complaints(log: &str) -> String {
    let is_complaint = |line: &&str| line.contains("WARNING[") || line.contains("ERROR[");
    let mut latest: Vec<_> = log.lines().rev().filter(is_complaint).take(LATEST_COMPLAINTS).collect();
    latest.reverse();
    latest.join("\n")
}

fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)?.flatten() {
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
