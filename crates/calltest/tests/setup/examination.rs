//! The doctor on a server of the lab, and what it has to say.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use asterisk_lab::{Lab, Server, ServerOptions};
use serde_json::Value;

use crate::program::{LOOK_EVERY, Program};

/// Two links that call each other inside the server.
pub(crate) const INSIDE: &str = "\
links:
  ':default:': {channel: 'Local/{number}@direct'}
  fone1: {number: fone1}
  fone2: {number: fone2}
calls:
  one: {mode: call, src: fone1, dst: fone2}
  two: {mode: call, src: fone2, dst: fone1}
";

/// One server, which is like this.
pub(crate) fn server(options: impl FnOnce(ServerOptions) -> ServerOptions) -> Lab {
    Lab::builder(&asterisk_lab::for_tests()).server(options(ServerOptions::named("a"))).start().unwrap()
}

/// What the doctor said, and how it exited.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) exit: i32,
    pub(crate) all: Vec<Value>,
}

/// Lets the doctor look at the lab's server a, with this configuration, and makes sure that it leaves nothing there.
#[track_caller]
pub(crate) fn examine(lab: &Lab, config: &str) -> Findings {
    let findings = ask(Program::new().config(config).on(lab.server("a")));
    lab.servers().iter().for_each(nothing_is_left);
    findings
}

/// Lets the doctor look.
#[track_caller]
pub(crate) fn ask(program: Program) -> Findings {
    let done = program.args(["doctor", "--format", "json"]).run();
    // The check of the configuration warns of links that lead outside where nothing tells the country; the doctor says nothing.
    let warnings = done.stderr.lines().filter(|line| line.starts_with("warning: ")).count();
    let of_country = done.stderr.matches("warning: nothing tells the country of ").count();
    assert!(warnings == of_country && (of_country == 1 || done.stderr.is_empty()), "{done}");
    let all: Vec<Value> = done.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!all.is_empty(), "{done}");
    Findings { exit: done.status.code().unwrap(), all }
}

impl Findings {
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert!(self.exit == code, "expected exit code {code}: {self:#?}");
        self
    }

    /// There is just one finding of this kind (link, check), with this outcome and all of these words in what it says and
    /// advises.
    #[track_caller]
    pub(crate) fn says(self, about: (&str, &str), outcome: &str, words: &[&str]) -> Self {
        let found: Vec<_> = self.all.iter().filter(|finding| key(finding) == about).collect();
        let [finding] = found[..] else { panic!("expected one finding about {about:?}: {self:#?}") };
        let text = format!("{} | {}", text(finding, "what"), text(finding, "fix"));
        let missing: Vec<_> = words.iter().filter(|word| !text.contains(**word)).collect();
        assert!(text_of(finding, "outcome") == outcome && missing.is_empty(), "{missing:?} missing in {finding:#}");
        self
    }

    /// Everything else is in order.
    #[track_caller]
    pub(crate) fn and_nothing_else(self, but: &[(&str, &str)]) {
        let wrong = |finding: &&Value| text_of(finding, "outcome") != "ok" && !but.contains(&key(finding));
        let others: Vec<_> = self.all.iter().filter(wrong).collect();
        assert!(others.is_empty(), "{others:#?}");
    }
}

/// Link (or nothing) and check of a finding.
fn key(finding: &Value) -> (&str, &str) {
    (finding["link"].as_str().unwrap_or_default(), text_of(finding, "check"))
}

fn text_of<'f>(finding: &'f Value, member: &str) -> &'f str {
    finding[member].as_str().unwrap()
}

fn text(finding: &Value, member: &str) -> String {
    finding[member].as_str().unwrap_or_default().to_owned()
}

/// Waits until a server's only SIP contact is in this state.
#[track_caller]
pub(crate) fn wait_for_contact(server: &Server, state: &str) {
    let give_up = Instant::now() + Duration::from_secs(20);
    loop {
        let contacts = server.cli("pjsip show contacts").unwrap();
        if contacts.contains(state) {
            return;
        }
        assert!(Instant::now() < give_up, "not{state}: {contacts}");
        thread::sleep(LOOK_EVERY);
    }
}

/// No channel, no bridge, no recording and no app is left on a server.
#[track_caller]
pub(crate) fn nothing_is_left(server: &Server) {
    if !server.is_running() {
        return;
    }
    let give_up = Instant::now() + Duration::from_secs(3);
    loop {
        let left = leavings(server);
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < give_up, "left on {}: {left:#?}", server.name());
        thread::sleep(LOOK_EVERY);
    }
}

fn leavings(server: &Server) -> Vec<String> {
    let mut left = Vec::new();
    if server.open_channels().unwrap() > 0 {
        left.push(server.cli("core show channels concise").unwrap());
    }
    // The first line is the head of the table.
    left.extend(server.cli("bridge show all").unwrap().lines().skip(1).map(str::to_owned));
    let apps = server.cli("ari show apps").unwrap();
    left.extend(apps.lines().filter(|line| line.contains("calltest")).map(str::to_owned));
    files_below(&server.directory().join("spool/recording"), &mut left);
    left
}

fn files_below(directory: &Path, files: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files_below(&path, files);
        } else {
            files.push(path.display().to_string());
        }
    }
}
