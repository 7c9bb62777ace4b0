//! `cargo xtask schemathesis`: the daemon, on a real Asterisk, under requests that schemathesis makes up from its
//! `/openapi.json`, as valid and as invalid as it can think of.
//!
//! It passes if no answer is a 5xx, every answer is one that the description has for that request, with the body described,
//! and the daemon is well afterwards. Schemathesis comes from PyPI into an environment of its own below the target directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use asterisk_lab::{Ari, Lab};
use serde_json::json;

use crate::configuration;
use crate::daemon::Daemon;
use crate::program::{Profile, build, target_directory};

/// The version that the checks below are known to work with.
const VERSION: &str = "4.32.5";
/// What is checked of each answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,\
                      response_headers_conformance";

/// Names of tests that there are and that there are not, since it cannot make up those that there are.
const HINTS: &str = r#"
[dictionaries.tests]
values = ["rings", "digits"]
[dictionaries.sides]
values = ["src", "dst"]
[parameters]
"path.name" = { dictionary = "tests", probability = 0.8 }
"path.side" = { dictionary = "sides", probability = 0.8 }
"#;

/// How long to go on.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many requests are made up for each operation
    #[arg(long, default_value_t = 50)]
    examples: u32,
    /// The seed of what is made up, to see a finding again
    #[arg(long)]
    seed: Option<u64>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let program = build(Profile::Dev)?;
    let tool = installed(&target_directory().join("schemathesis"))?;
    let lab = Lab::builder(&asterisk_lab::for_tests()).server("a").start()?;
    let file = lab.directory().join("calls.cfg");
    fs::write(&file, configuration(lab.server("a").ari())).context("could not write the configuration")?;
    fs::write(lab.directory().join("schemathesis.toml"), HINTS)
        .context("could not write what schemathesis is to know")?;
    let daemon = Daemon::new(&program, &file, lab.directory());
    daemon.start()?;
    let mut command = Command::new(tool);
    command
        .args(["run", "--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--no-color"])
        // Opening a WebSocket is no request with an answer.
        .args(["--exclude-path", "/ws", "--max-examples", &options.examples.to_string()])
        .args(["--generation-database", "none"])
        .current_dir(lab.directory());
    if let Some(seed) = options.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    let done = command.arg(format!("http://{}/openapi.json", daemon.address()?)).status().context("schemathesis")?;
    ensure!(done.success(), "schemathesis has found something; see above");
    let health = daemon.get("/healthz")?;
    ensure!(health["conditions"] == json!([]), "the daemon is not well: {health}");
    Ok(())
}

/// The program, which is installed first if it is not there.
fn installed(environment: &Path) -> anyhow::Result<PathBuf> {
    let (program, pip) = (environment.join("bin/schemathesis"), environment.join("bin/pip"));
    let mark = environment.join(format!("{VERSION}.installed"));
    if mark.exists() {
        return Ok(program);
    }
    println!("installing schemathesis {VERSION} from PyPI …");
    let made = Command::new("python3").args(["-m", "venv"]).arg(environment).status();
    ensure!(
        made.context("could not run python3")?.success(),
        "python3 -m venv does not work; is python3-venv installed?"
    );
    let requirement = format!("schemathesis=={VERSION}");
    let done = Command::new(pip).args(["install", "--quiet", "--disable-pip-version-check", &requirement]).status();
    ensure!(done.context("could not run pip")?.success(), "schemathesis could not be installed");
    fs::write(mark, "")?;
    Ok(program)
}

/// A few tests that are over soon, so that every state is met.
fn configuration(ari: &Ari) -> String {
    format!(
        "asterisk: {}\nlinks:\n  rings: {{channel: Local/ringing@direct}}\n  fone: {{channel: 'Local/{{number}}@direct', number: fone}}\n  \
         trunk: {{channel: 'Local/{{number}}@direct', number: trunk}}\n\
         calls:\n  ':default:': {{test: {{repeat: 1, retry: 1}}}}\n  rings: {{mode: ring, src: rings, delay: {{ring: 0}}}}\n  \
         digits: {{mode: dtmf, src: fone, dst: trunk, test: {{skip: yes}}}}\n",
        configuration::server(ari)
    )
}
