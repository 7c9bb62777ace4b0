//! nginx: a reverse proxy as people put it before Asterisk. Fetched like Asterisk itself.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::apt::Package;
use crate::cache::Fetchable;
use crate::files::{create_directory, create_temporary_directory, write};
use crate::installation::Loader;
use crate::loopback::{FreePorts, LoopbackAddress};
use crate::poll::poll_until;
use crate::process::ServerProcess;
use crate::watcher::Watcher;
use crate::{FileError, InstallError, LabError};

/// Where a proxy listens, unless a program of this machine listens there on all addresses.
const PORT: u16 = 8080;

/// How long nginx may take to come up. It needs some ten milliseconds.
const START_LIMIT: Duration = Duration::from_secs(20);

/// An nginx that can be run.
#[derive(Debug, Clone)]
pub struct Nginx {
    program: PathBuf,
    loader: Loader,
    version: String,
}

impl Nginx {
    /// The version of its Debian package.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    fn command(&self) -> Command {
        let mut command = self.loader.command();
        command.arg(&self.program);
        command
    }
}

impl Fetchable for Nginx {
    const PACKAGE: Package = Package {
        name: "nginx",
        package: "nginx",
        companions: &[],
        without_dependencies: None,
        // The usual configuration, and what only the packages' own scripts use, which are not run.
        excluded: &["nginx-common", "iproute2"],
    };

    fn install(_root: &Path) -> Result<(), InstallError> {
        Ok(())
    }

    fn open(root: &Path, version: &str, _cache: &Path) -> Result<Self, InstallError> {
        let program = root.join("usr/sbin/nginx");
        if !program.is_file() {
            return Err(InstallError::Incomplete { missing: program.display().to_string() });
        }
        Ok(Self { program, loader: Loader::below(root)?, version: version.to_owned() })
    }

    fn check_completeness(&self) -> Result<(), InstallError> {
        self.loader.check_libraries_of(&self.program)?;
        let output = self.command().arg("-v").output().map_err(FileError::because("run", &self.program))?;
        if output.status.success() {
            return Ok(());
        }
        Err(InstallError::Incomplete { missing: format!("{} does not say its version", self.program.display()) })
    }
}

/// A running nginx with an address of its own. When it is dropped, or its program killed, it ends and its files are removed.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    process: ServerProcess,
    watcher: Watcher,
    directory: TempDir,
    _address: LoopbackAddress,
}

impl Proxy {
    /// Starts nginx with one `server` block, which holds these lines after its `listen`, and waits until it listens.
    ///
    /// # Errors
    ///
    /// When nginx does not take the lines, or does not come up.
    pub fn start(nginx: &Nginx, server: &str) -> Result<Self, LabError> {
        Self::start_at(LoopbackAddress::lease()?, nginx, "", server)
    }

    /// The same with TLS, at an address for which the certificate was made. Certificate and private key are PEM files.
    ///
    /// # Errors
    ///
    /// As [`Proxy::start`] does.
    pub fn start_with_tls(
        address: LoopbackAddress,
        nginx: &Nginx,
        [certificate, key]: [&Path; 2],
        server: &str,
    ) -> Result<Self, LabError> {
        let files = format!("ssl_certificate {};\nssl_certificate_key {};\n", certificate.display(), key.display());
        Self::start_at(address, nginx, " ssl", &(files + server))
    }

    fn start_at(leased: LoopbackAddress, nginx: &Nginx, tls: &str, server: &str) -> Result<Self, LabError> {
        let address = FreePorts::on(leased.ip()).tcp(PORT)?;
        let directory = create_temporary_directory(&std::env::temp_dir(), "asterisk-lab-nginx-")?;
        let root = directory.path();
        create_directory(&root.join("temporary"))?;
        let configuration = root.join("nginx.conf");
        write(&configuration, &configuration_text(&format!("listen {address}{tls};\n{server}")))?;
        let watcher = Watcher::start(root).map_err(FileError::because("run", Path::new("/bin/sh")))?;
        let process = ServerProcess::in_group(watcher.group());
        let mut command = nginx.command();
        command.arg("-p").arg(root).arg("-c").arg(&configuration).arg("-e").arg(root.join(LOG));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        process.start(command).map_err(FileError::because("run", &nginx.program))?;
        let proxy = Self { address, process, watcher, directory, _address: leased };
        let listens = poll_until(START_LIMIT, || match proxy.process.exit_status() {
            Some(_) => Some(false),
            None => TcpStream::connect(address).is_ok().then_some(true),
        });
        match listens {
            Some(true) => Ok(proxy),
            _ => Err(LabError::ProxyNotReady { output: proxy.log() }),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What nginx complained about so far.
    #[must_use]
    pub fn log(&self) -> String {
        let log = fs::read(self.directory.path().join(LOG)).unwrap_or_default();
        String::from_utf8_lossy(&log).trim().to_owned()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.watcher.kill_all();
        if let Err(error) = self.process.kill() {
            tracing::warn!(%error, "could not end a proxy");
        }
    }
}

const LOG: &str = "error.log";

/// One process, which writes below its own directory alone.
fn configuration_text(server: &str) -> String {
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let paths = paths.map(|name| format!("{name}_temp_path temporary/{name};\n")).concat();
    format!(
        "daemon off;\nmaster_process off;\npid nginx.pid;\nevents {{}}\nhttp {{\naccess_log off;\n{paths}server {{\n{server}\n}}\n}}\n"
    )
}
