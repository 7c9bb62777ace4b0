//! The original calltest 0.7.4 with the libraries that it worked with, in a virtual environment below the target directory.
//!
//! It is installed once, by pip from PyPI. Where no Python that can run it is found, or pip cannot install it, that is an
//! error with what to do about it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

use crate::many_calls::{ManyCalls, Usage};
use crate::program::target_directory;

/// What it needs on each Python, the best first. On 3.11, two runs of three work.
const PYTHONS: [(&str, &[&str]); 2] = [
    ("3.8", &["trio==0.16.0", "PyYAML==5.4.1", "MarkupSafe==1.1.1"]),
    ("3.11", &["trio==0.17.0", "PyYAML==6.0.4", "MarkupSafe==2.0.1"]),
];

/// What it needs on either.
const LIBRARIES: [&str; 14] = [
    "calltest==0.7.4",
    "asyncclick==7.0.9",
    "anyio==1.4.0",
    "asyncari==0.8.9",
    "asyncswagger11==0.12.4",
    "asks==2.4.10",
    "asyncwebsockets==0.5.2",
    "h11==0.9.0",
    "wsproto==0.15.0",
    // For its daemon, which its command line loads in any case.
    "Quart==0.13.1",
    "Quart-Trio==0.6.0",
    "Hypercorn==0.11.1",
    "Werkzeug==1.0.1",
    "Jinja2==2.11.2",
];

/// The original program, ready to run.
#[derive(Debug)]
pub(super) struct Original {
    pub(super) program: PathBuf,
}

impl Original {
    /// Finds it, or installs it.
    pub(super) fn ready() -> anyhow::Result<Self> {
        let found = PYTHONS.iter().find_map(|(version, libraries)| Some((version, libraries, interpreter(version)?)));
        let Some((python, libraries, interpreter)) = found else {
            bail!(
                "the original calltest needs CPython 3.8, or else 3.11, which is neither on PATH nor among pyenv's versions\n\
                 hint: `pyenv install 3.8` makes one; `cargo xtask bench asterisk`, `load` and `history` do without"
            );
        };
        let directory = target_directory().join(format!("bench/calltest-0.7.4-python{python}"));
        let original = Self { program: directory.join("bin/calltest") };
        let mut wanted: Vec<&str> = LIBRARIES.iter().chain(*libraries).copied().collect();
        wanted.push("itsdangerous==1.1.0");
        let (wanted, installed) = (wanted.join("\n"), directory.join("installed.txt"));
        if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
            return Ok(original);
        }
        println!("installing calltest 0.7.4 from PyPI for Python {python} …");
        let environment = Command::new(&interpreter).args(["-m", "venv", "--clear"]).arg(&directory).status();
        ensure!(
            environment.is_ok_and(|status| status.success()),
            "{} makes no virtual environment",
            interpreter.display()
        );
        let pip = Command::new(directory.join("bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check"])
            .args(wanted.lines())
            .output()
            .context("could not run pip")?;
        let complaint = String::from_utf8_lossy(&pip.stderr);
        ensure!(pip.status.success(), "pip cannot install the original calltest from PyPI:\n{}", complaint.trim_end());
        let help = Command::new(&original.program).arg("--help").stdout(Stdio::null()).status();
        ensure!(help.is_ok_and(|status| status.success()), "the original calltest is installed, but does not start");
        fs::write(&installed, wanted).context("could not note what is installed")?;
        Ok(original)
    }

    /// Runs all tests of a configuration with it; how many passed. It ends all of them when one fails, and tells nothing of
    /// the others: then none counts as passed.
    pub(super) fn run(&self, server: &ManyCalls, configuration: &Path, calls: usize) -> anyhow::Result<(Usage, usize)> {
        let usage = server.watch(self.command(server.directory(), configuration).arg("run"))?;
        let passed = if usage.tester.status.success() { calls } else { 0 };
        Ok((usage, passed))
    }

    /// It, on a configuration, in a directory for the log file that it writes wherever it is.
    pub(super) fn command(&self, directory: &Path, configuration: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("-c").arg(configuration).current_dir(directory).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

/// The interpreter of that version: on PATH, or one of pyenv's. What PATH has may be a shim of pyenv that leads nowhere.
fn interpreter(version: &str) -> Option<PathBuf> {
    let home = env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv"));
    let pyenv = env::var_os("PYENV_ROOT").map(PathBuf::from).or(home);
    let installed = pyenv.and_then(|pyenv| fs::read_dir(pyenv.join("versions")).ok());
    let installed = installed.into_iter().flatten().flatten().map(|entry| entry.path());
    let named = installed.filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name == version || name.starts_with(&format!("{version}."))
    });
    let candidates = [PathBuf::from(format!("python{version}"))].into_iter();
    candidates.chain(named.map(|path| path.join("bin/python"))).find(|candidate| is_version(candidate, version))
}

fn is_version(interpreter: &Path, version: &str) -> bool {
    let script = "import sys; print('%d.%d' % sys.version_info[:2])";
    let output = Command::new(interpreter).args(["-c", script]).stderr(Stdio::null()).output();
    output.is_ok_and(|output| output.status.success() && String::from_utf8_lossy(&output.stdout).trim() == version)
}
