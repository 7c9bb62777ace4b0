//! `cargo xtask schemathesis`: the daemon, on a real Asterisk, under requests that schemathesis makes up from its
//! `/openapi.json`, as valid and as invalid as it can think of.
//!
//! It passes if no answer is a 5xx, every answer is one that the description has for that request, with the body described,
//! and the daemon is well afterwards. Schemathesis comes from PyPI into an environment of its own below `target`.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context as _, bail, ensure};
use asterisk_lab::{Ari, Lab};

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
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "calltest"])
        .current_dir(&root)
        .status()
        .context("could not run cargo")?;
    ensure!(built.success(), "calltest does not build");
    let tool = installed(&root.join("target/schemathesis"))?;
    let lab = Lab::builder(&asterisk_lab::for_tests()).server("a").start()?;
    let file = lab.directory().join("calls.cfg");
    fs::write(&file, configuration(lab.server("a").ari())).context("could not write the configuration")?;
    fs::write(lab.directory().join("schemathesis.toml"), HINTS)
        .context("could not write what schemathesis is to know")?;
    let daemon = Daemon::start(&root.join("target/debug/calltest"), &file, lab.directory())?;
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
    let done = command.arg(format!("http://{}/openapi.json", daemon.address)).status().context("schemathesis")?;
    ensure!(done.success(), "schemathesis has found something; see above");
    daemon.is_well()?;
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
        "asterisk: {{host: \"{}\", port: {}, username: \"{}\", password: \"{}\"}}\n\
         server: {{port: 0}}\n\
         links:\n  rings: {{channel: Local/ringing@direct}}\n  fone: {{channel: 'Local/{{number}}@direct', number: fone}}\n  \
         trunk: {{channel: 'Local/{{number}}@direct', number: trunk}}\n\
         calls:\n  ':default:': {{test: {{repeat: 1, retry: 1}}}}\n  rings: {{mode: ring, src: rings, delay: {{ring: 0}}}}\n  \
         digits: {{mode: dtmf, src: fone, dst: trunk, test: {{skip: yes}}}}\n",
        ari.host, ari.port, ari.username, ari.password
    )
}

/// The daemon, ended when it is dropped.
struct Daemon {
    child: Child,
    address: String,
}

impl Daemon {
    fn start(program: &Path, configuration: &Path, state: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(program)
            .args(["server", "-c"])
            .arg(configuration)
            .args(["-C".into(), format!("state_dir={}", state.join("state").display())])
            .stderr(Stdio::piped())
            .spawn()
            .context("could not start the daemon")?;
        let mut lines = BufReader::new(child.stderr.take().context("its stderr is a pipe")?).lines();
        let mut daemon = Self { child, address: String::new() };
        let said = lines.by_ref().map_while(Result::ok);
        let Some(address) = said.filter_map(|line| Some(line.split_once("listening on http://")?.1.to_owned())).next()
        else {
            bail!("the daemon has ended instead of listening");
        };
        daemon.address = address.trim_end_matches('/').to_owned();
        // Whatever it says on has to be read, and is of no interest.
        thread::spawn(move || lines.for_each(drop));
        Ok(daemon)
    }

    fn is_well(&self) -> anyhow::Result<()> {
        let mut socket = TcpStream::connect(&self.address).context("the daemon is gone")?;
        write!(socket, "GET /healthz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address)?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        ensure!(answer.contains("\"conditions\":[]"), "the daemon is not well: {answer}");
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It hangs up what is left of its calls at the next start; the server is about to end anyway.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
