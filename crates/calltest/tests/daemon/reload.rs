//! Reloading the configuration, by a signal and over HTTP.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::server::{CONFIG, channels_up, nothing_is_left, server};
use crate::{Daemon, Program, http};

/// A daemon on a file that can be changed.
struct Changing {
    daemon: Daemon,
    file: PathBuf,
}

fn start(folder: &Path, server: &asterisk_lab::Server) -> Changing {
    let file = folder.join("calls.cfg");
    fs::write(&file, CONFIG).unwrap();
    let program = Program::new().args(["-c".as_ref(), file.as_os_str()]).on(server);
    Changing { daemon: Daemon::start(program), file }
}

impl Changing {
    fn write(&self, text: &str) {
        fs::write(&self.file, text).unwrap();
    }

    fn reload(&self) -> (u16, Value) {
        http::request(&self.daemon.address, "POST", "/reload")
    }
}

#[test]
fn a_reload_changes_what_has_changed_and_nothing_else() {
    let (lab, folder) = (server(), tempfile::tempdir().unwrap());
    let mut changing = start(folder.path(), lab.server("a"));
    assert!(changing.daemon.put("/test/busy/start"));
    changing.daemon.wait_for("busy", "it has failed", |state| state["fail_count"] == 1);
    // A call under way, whose test will be gone.
    assert!(changing.daemon.put("/test/long/start"));
    changing.daemon.running.wait_until("the call is up", || channels_up(lab.server("a")) == 2);
    let text = CONFIG
        .replace("  long: {", "  short: {")
        .replace("timeout: 60, delay: {answer: 50}}\n  other", "timeout: 61, delay: {answer: 50}}\n  other");
    changing.write(&text.replace("info: The far end rings", "info: It rings, timeout: 7"));
    let (status, answer) = changing.reload();
    let expected = json!({
        "success": true, "added": ["short"], "removed": ["long"], "changed": ["good"], "needs_restart": [],
    });
    assert_eq!((status, answer), (200, expected));
    assert_eq!(changing.daemon.get("/test/good")["timeout"], json!(7));
    assert_eq!(changing.daemon.get("/test/busy")["fail_count"], json!(1), "streaks live on");
    assert_eq!(http::request(&changing.daemon.address, "GET", "/test/long").0, 404);
    assert_eq!(channels_up(lab.server("a")), 2, "a run that has begun goes on");
    // Its links are still held, so the new test waits for them.
    assert!(changing.daemon.put("/test/short/start"));
    changing.daemon.wait_for("short", "it waits", |state| state["waiting"] == true);
    assert_eq!(changing.daemon.get("/healthz")["reload"]["success"], json!(true));
    changing.daemon.end();
    nothing_is_left(&lab);
}

#[test]
fn a_bad_file_changes_nothing_and_is_told() {
    let (lab, folder) = (server(), tempfile::tempdir().unwrap());
    let mut changing = start(folder.path(), lab.server("a"));
    changing.write(&CONFIG.replace("src: busy", "src: bussy"));
    let (status, answer) = changing.reload();
    let error = answer["error"].as_str().unwrap();
    assert!(
        status == 422 && error.contains("link `bussy` is not defined") && error.contains("did you mean"),
        "{answer}"
    );
    let health = changing.daemon.get("/healthz");
    assert_eq!((&health["healthy"], &health["reload"]["success"]), (&json!(true), &json!(false)), "{health}");
    assert!(health["conditions"][0].as_str().unwrap().starts_with("the last reload failed"), "{health}");
    assert!(changing.daemon.put("/test/busy/start"), "all is as before");
    changing.daemon.wait_for("busy", "it has failed", |state| state["fail_count"] == 1);
    // By a signal, nobody gets an answer; the log and the condition tell.
    changing.write(CONFIG);
    changing.daemon.running.signal(Signal::HUP);
    let address = changing.daemon.address.clone();
    changing
        .daemon
        .running
        .wait_until("it is well again", || http::request(&address, "GET", "/healthz").1["conditions"] == json!([]));
    changing.write("calls: [");
    changing.daemon.running.signal(Signal::HUP);
    changing.daemon.running.wait_for_stderr("not reloaded, the old configuration stays in force");
    changing.daemon.running.signal(Signal::TERM);
    let done = changing.daemon.running.finish().exits(0);
    // Its lines are lines of the log, with the time and the place.
    let explained = |line: &&str| line.starts_with("20") && line.contains(" ERROR calltest_daemon::reload: ");
    assert!(done.stderr.lines().filter(explained).count() > 3, "{done}");
    assert!(done.stderr.lines().all(|line| line.starts_with("20") || line.starts_with("calltest: ")), "{done}");
}

#[test]
fn what_needs_a_restart_is_named() {
    let (lab, folder) = (server(), tempfile::tempdir().unwrap());
    let changing = start(folder.path(), lab.server("a"));
    // The port is set on the command line, so the file cannot change it.
    changing.write(&format!("server: {{host: 127.0.0.2, history: no}}\nstate_dir: /elsewhere\n{CONFIG}"));
    let (status, answer) = changing.reload();
    assert_eq!(status, 200, "{answer}");
    let named: Vec<&str> =
        answer["needs_restart"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    assert_eq!(named.len(), 3, "{named:?}");
    assert_eq!(named[0], "server.host is 127.0.0.2 in the configuration, and 127.0.0.1 in the daemon that runs");
    assert!(
        named[1].starts_with("state_dir is /elsewhere in") && named[2].starts_with("server.history is off in"),
        "{named:?}"
    );
}

#[test]
fn a_server_that_changes_is_connected_to_anew() {
    let (lab, folder) = (server(), tempfile::tempdir().unwrap());
    let mut changing = start(folder.path(), lab.server("a"));
    assert!(changing.daemon.put("/test/long/start"));
    changing.daemon.running.wait_until("the call is up", || channels_up(lab.server("a")) == 2);
    // The same server under the same name, but with more patience: a connection of its own.
    changing.write(&format!("asterisk: {{init_timeout: 6}}\n{CONFIG}"));
    assert_eq!(changing.reload().0, 200);
    let reason = changing.daemon.get("/servers")["asterisk"]["reason"].clone();
    assert!(reason.as_str().unwrap().contains("once the runs on its old connection have ended"), "{reason}");
    assert!(changing.daemon.put("/test/good/start"));
    changing.daemon.wait_for("good", "it cannot be tested", |state| state["n_error"] == 1);
    assert_eq!(channels_up(lab.server("a")), 2, "the run that had begun goes on");
    assert!(changing.daemon.put("/test/long/stop"));
    let address = changing.daemon.address.clone();
    changing
        .daemon
        .running
        .wait_until("the new connection is there", || http::request(&address, "GET", "/readyz").0 == 200);
    assert!(changing.daemon.put("/test/good/start"));
    changing.daemon.wait_for("good", "it passes", |state| state["status"] == "idle" && state.get("exc").is_none());
    changing.daemon.end();
    nothing_is_left(&lab);
}
