//! Debian packages without installing them: a private apt that fetches a program and what it links with.
//!
//! apt and dpkg do the work (finding, checking signatures, unpacking); they get directories and a configuration of
//! their own, so they neither need root nor change anything of the machine's packages. Where the result goes, and
//! that it only counts when it is whole, is the business of `cache`.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::files::{create_directory, paths_in, write};
use crate::{FileError, InstallError};

/// A program to fetch, with all it links with.
#[derive(Debug)]
pub(crate) struct Package {
    /// What people call it.
    pub(crate) name: &'static str,
    /// Its package, whose version is the program's.
    pub(crate) package: &'static str,
    /// Other packages to fetch with it.
    pub(crate) companions: &'static [&'static str],
    /// A package of the same version that is fetched without what it depends on.
    pub(crate) without_dependencies: Option<&'static str>,
    /// Packages that are depended on, and not fetched, because nothing here uses them.
    pub(crate) excluded: &'static [&'static str],
}

/// Where a private apt looks.
#[derive(Debug, Clone)]
pub(crate) struct Archive {
    pub(crate) mirror: String,
    pub(crate) suite: String,
    /// Debian's name of the architecture.
    pub(crate) architecture: String,
    pub(crate) keyring: PathBuf,
}

/// A private apt with its own directories.
#[derive(Debug)]
pub(crate) struct PrivateApt {
    package: &'static Package,
    archive: Archive,
    directory: PathBuf,
    configuration: PathBuf,
}

/// The packages that were found.
#[derive(Debug)]
pub(crate) struct Found {
    /// The program's version, without Debian's epoch.
    pub(crate) version: String,
    /// How much there is to download.
    pub(crate) bytes: u64,
    /// The version as apt names it.
    debian_version: String,
}

impl PrivateApt {
    /// Prepares a private apt in an empty directory.
    pub(crate) fn prepare(package: &'static Package, archive: Archive, directory: &Path) -> Result<Self, InstallError> {
        if !archive.keyring.is_file() {
            return Err(InstallError::MissingKeyring { keyring: archive.keyring });
        }
        let configuration_file = directory.join("apt.conf");
        let apt = Self { package, archive, directory: directory.to_owned(), configuration: configuration_file };
        for name in ["lists/partial", "archives/partial", "parts"] {
            create_directory(&directory.join(name))?;
        }
        let Archive { mirror, suite, keyring, .. } = &apt.archive;
        write(&apt.directory.join("status"), "")?;
        write(
            &apt.directory.join("sources.list"),
            &format!("deb [signed-by={}] {mirror} {suite} main\n", keyring.display()),
        )?;
        write(&apt.configuration, &configuration(directory, &apt.archive.architecture))?;
        Ok(apt)
    }

    /// Reads the mirror's index and resolves what is needed.
    pub(crate) fn find(&self) -> Result<Found, InstallError> {
        self.run(self.apt("apt-get").arg("update"))?;
        let shown =
            self.run_unchecked(self.apt("apt-cache").args(["show", "--no-all-versions", self.package.package]))?;
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        let debian_version = shown.lines().find_map(|line| line.strip_prefix("Version: ")).ok_or_else(|| {
            let Archive { mirror, suite, architecture, .. } = self.archive.clone();
            InstallError::NoSuchPackage { mirror, package: self.package.package, suite, architecture }
        })?;
        write(&self.directory.join("status"), &stand_in(self.package, debian_version))?;
        let mut bytes = 0;
        for mut command in [self.install()].into_iter().chain(self.download_alone(debian_version)) {
            let uris = self.run(command.arg("--print-uris"))?;
            bytes += String::from_utf8_lossy(&uris.stdout).lines().filter_map(size_of_uri_line).sum::<u64>();
        }
        let version = debian_version.split_once(':').map_or(debian_version, |(_epoch, version)| version);
        Ok(Found { version: version.to_owned(), bytes, debian_version: debian_version.to_owned() })
    }

    /// Downloads what was found: the paths of the packages.
    pub(crate) fn download(&self, found: &Found) -> Result<Vec<PathBuf>, InstallError> {
        self.run(self.install().arg("--download-only"))?;
        if let Some(mut command) = self.download_alone(&found.debian_version) {
            self.run(&mut command)?;
        }
        let paths = paths_in(&self.directory.join("archives")).into_iter();
        Ok(paths.filter(|path| path.extension().is_some_and(|name| name == "deb")).collect())
    }

    fn install(&self) -> Command {
        let mut command = self.apt("apt-get");
        command.args(["install", "--yes", self.package.package]).args(self.package.companions);
        command
    }

    /// `apt-get download` fetches a single package into the working directory.
    fn download_alone(&self, debian_version: &str) -> Option<Command> {
        let alone = self.package.without_dependencies?;
        let mut command = self.apt("apt-get");
        command.current_dir(self.directory.join("archives"));
        command.arg("download").arg(format!("{alone}={debian_version}"));
        Some(command)
    }

    fn apt(&self, tool: &'static str) -> Command {
        let mut command = Command::new(tool);
        command.arg("--quiet=2").arg("--config-file").arg(&self.configuration).env("LC_ALL", "C.UTF-8");
        command
    }

    fn run(&self, command: &mut Command) -> Result<Output, InstallError> {
        let output = self.run_unchecked(command)?;
        if output.status.success() { Ok(output) } else { Err(explain(self.package, &self.archive, command, &output)) }
    }

    fn run_unchecked(&self, command: &mut Command) -> Result<Output, InstallError> {
        run_tool(command, "apt")
    }
}

/// Debian's name of this machine's architecture, such as `amd64`.
pub(crate) fn architecture() -> Result<String, InstallError> {
    let mut command = Command::new("dpkg");
    let output = run_tool(command.arg("--print-architecture"), "dpkg")?;
    if !output.status.success() {
        return Err(tool_failed(&command, &output));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Unpacks a package's files below a directory.
pub(crate) fn unpack(package: &Path, root: &Path) -> Result<(), InstallError> {
    let mut command = Command::new("dpkg-deb");
    let output = run_tool(command.arg("--extract").arg(package).arg(root), "dpkg")?;
    if output.status.success() { Ok(()) } else { Err(tool_failed(&command, &output)) }
}

/// Says what a failure of apt means to somebody who did not know that apt is at work.
fn explain(package: &Package, archive: &Archive, command: &Command, output: &Output) -> InstallError {
    let Archive { mirror, keyring, .. } = archive.clone();
    let message = complaints(&output.stderr);
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&["is not valid yet", "is expired"]) {
        InstallError::ClockOrStaleMirror { mirror, message }
    } else if says(&["NO_PUBKEY", "GPG error", "is not signed", "signature"]) {
        InstallError::BadSignature { mirror, keyring, message }
    } else if says(&["Failed to fetch", "Could not resolve", "Could not connect", "does not have a Release file"]) {
        InstallError::MirrorUnreachable { wanted: package.name, mirror, message }
    } else {
        tool_failed(command, output)
    }
}

/// The private configuration. The machine's own is read before it, for its proxies, and loses what would act on the
/// machine or fetch more than needed.
fn configuration(directory: &Path, architecture: &str) -> String {
    let directory = directory.display();
    format!(
        r#"Dir::State "{directory}";
Dir::State::status "{directory}/status";
Dir::Cache "{directory}";
Dir::Cache::archives "archives";
Dir::Etc::sourcelist "{directory}/sources.list";
Dir::Etc::sourceparts "{directory}/parts";
Dir::Etc::preferences "{directory}/parts/none";
Dir::Etc::preferencesparts "{directory}/parts";
APT::Architecture "{architecture}";
#clear APT::Architectures;
APT::Architectures:: "{architecture}";
// Root may have directories that apt's own user cannot enter.
APT::Sandbox::User "root";
APT::Install-Recommends "false";
APT::Get::AllowUnauthenticated "false";
APT::Update::Error-Mode "any";
Acquire::AllowInsecureRepositories "false";
Acquire::Languages "none";
Acquire::Retries "3";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear Acquire::IndexTargets::deb::DEP-11;
#clear Acquire::IndexTargets::deb::DEP-11-icons;
#clear Acquire::IndexTargets::deb::DEP-11-icons-small;
#clear Acquire::IndexTargets::deb::DEP-11-icons-large;
"#
    )
}

/// An entry for dpkg's list of installed packages which provides what need not be fetched, and what is fetched alone.
fn stand_in(package: &Package, debian_version: &str) -> String {
    let alone = package.without_dependencies.map(|alone| format!("{alone} (= {debian_version})"));
    let provided: Vec<_> = alone.into_iter().chain(package.excluded.iter().map(|name| (*name).to_owned())).collect();
    if provided.is_empty() {
        return String::new();
    }
    // What is wanted of any architecture ("python3:any") only a package can provide that allows that.
    format!(
        "Package: asterisk-lab-stand-in\n\
         Status: install ok installed\n\
         Version: 1\n\
         Architecture: all\n\
         Multi-Arch: allowed\n\
         Maintainer: nobody\n\
         Provides: {}\n\
         Description: what is not installed and need not be\n",
        provided.join(", ")
    )
}

/// The size in a line of `--print-uris`: `'URI' FILE SIZE CHECKSUM`.
fn size_of_uri_line(line: &str) -> Option<u64> {
    line.strip_prefix('\'')?.split_whitespace().nth(2)?.parse().ok()
}

/// What a tool complained about, in one line.
fn complaints(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines = text.lines().map(str::trim).filter(|line| !line.contains("Some index files failed to download"));
    let mut lines: Vec<_> = lines.filter(|line| line.starts_with("E: ")).collect();
    if lines.is_empty() {
        lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    }
    lines.dedup();
    lines.iter().map(|line| line.trim_start_matches("E: ")).collect::<Vec<_>>().join("; ")
}

fn run_tool(command: &mut Command, package: &'static str) -> Result<Output, InstallError> {
    tracing::debug!(?command, "running");
    command.output().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => InstallError::MissingTool { tool: tool_name(command), package },
        _ => FileError::because("run", Path::new(command.get_program()))(source).into(),
    })
}

fn tool_name(command: &Command) -> &'static str {
    let tools = ["apt-get", "apt-cache", "dpkg-deb", "dpkg"];
    tools.into_iter().find(|tool| command.get_program() == *tool).unwrap_or("apt")
}

fn tool_failed(command: &Command, output: &Output) -> InstallError {
    let arguments = command.get_args().map(|argument| argument.to_string_lossy());
    let words = [command.get_program().to_string_lossy()].into_iter().chain(arguments);
    InstallError::ToolFailed {
        command: words.collect::<Vec<_>>().join(" "),
        status: output.status,
        message: complaints(&output.stderr),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use super::*;

    fn explained(stderr: &str) -> InstallError {
        let archive = Archive {
            mirror: "http://mirror.example/debian".into(),
            suite: "forky".into(),
            architecture: "arm64".into(),
            keyring: "/keys.gpg".into(),
        };
        let package = Package {
            name: "Asterisk",
            package: "asterisk",
            companions: &[],
            without_dependencies: None,
            excluded: &["adduser"],
        };
        let output = Output { status: ExitStatus::from_raw(100 << 8), stdout: Vec::new(), stderr: stderr.into() };
        explain(&package, &archive, Command::new("apt-get").arg("update"), &output)
    }

    #[test]
    fn a_clock_that_does_not_fit_is_named() {
        for stderr in [
            "E: Release file for http://mirror.example/debian/dists/forky/InRelease is expired (invalid since 23d 4h \
             9min 3s). Updates for this repository will not be applied.",
            "E: Release file for http://mirror.example/debian/dists/forky/InRelease is not valid yet (invalid for \
             another 2d 1h 0min 1s). Updates for this repository will not be applied.",
        ] {
            let error = explained(stderr);
            assert!(matches!(error, InstallError::ClockOrStaleMirror { .. }), "{error:?}");
            assert!(error.to_string().contains("set the clock"), "{error}");
        }
    }

    #[test]
    fn an_unsigned_archive_is_not_a_network_fault() {
        let error = explained(
            "W: GPG error: http://mirror.example/debian forky InRelease: NO_PUBKEY 0123\n\
             E: The repository 'http://mirror.example/debian forky InRelease' is not signed.\n",
        );
        assert!(matches!(error, InstallError::BadSignature { .. }), "{error:?}");
    }

    #[test]
    fn a_mirror_out_of_reach_is_named_with_the_reason_and_no_more() {
        let error = explained(
            "E: Failed to fetch http://mirror.example/debian/dists/forky/InRelease  Could not resolve 'mirror.example'\n\
             E: Some index files failed to download. They have been ignored, or old ones used instead.\n",
        );
        assert_eq!(
            error.to_string(),
            "could not fetch Asterisk from http://mirror.example/debian: Failed to fetch \
             http://mirror.example/debian/dists/forky/InRelease  Could not resolve 'mirror.example'"
        );
    }

    #[test]
    fn any_other_failure_shows_the_command_and_what_it_said() {
        let error = explained("cannot allocate memory\n");
        assert_eq!(error.to_string(), "`apt-get update` failed (exit status: 100): cannot allocate memory");
    }

    #[test]
    fn sizes_are_read_from_the_lines_with_addresses_only() {
        let line = "'http://mirror.example/pool/a_1_arm64.deb' a_1_arm64.deb 2534036 MD5Sum:cf59";
        assert_eq!(size_of_uri_line(line), Some(2_534_036));
        assert_eq!(size_of_uri_line("The following NEW packages will be installed:"), None);
    }
}
