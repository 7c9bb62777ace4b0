//! How the daemon lives and dies: on its schedule, beside others, through a restart of Asterisk, and by a signal.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::server::{CONFIG, channels_up, nothing_is_left, server};
use crate::{Daemon, Program, http};

/// Tests that run by themselves, and often.
const OFTEN: &str = "calls.:default:.test={skip: no, repeat: 1, retry: 1}";
const ONLY_TWO: [&str; 7] =
    ["calls.caller", "calls.digits", "calls.number", "calls.nowhere", "calls.slow", "calls.long", "calls.other"];

/// The daemon with a test that passes, `good`, and one that fails, `busy`.
fn scheduled(lab: &asterisk_lab::Lab) -> Daemon {
    let program = Program::new().config(CONFIG).set(OFTEN).on(lab.server("a"));
    Daemon::start(ONLY_TWO.into_iter().fold(program, Program::set))
}

#[test]
fn tests_run_on_their_schedule() {
    let lab = server();
    let mut daemon = scheduled(&lab);
    let good = daemon.wait_for("good", "it has run three times", |state| state["n_run"].as_u64() >= Some(3));
    assert_eq!((&good["n_fail"], &good["fail_map"], good.get("exc")), (&json!(0), &json!([]), None), "{good}");
    let busy = daemon.wait_for("busy", "it has failed twice", |state| state["fail_count"].as_u64() >= Some(2));
    let reason = busy["exc"][0].as_str().unwrap();
    assert!(reason.starts_with("busy: rejected after") && reason.ends_with("17 user busy, expected ringing"), "{busy}");
    let lists = daemon.get("/list");
    assert_eq!(
        (&lists["ok"], &lists["fail"], &lists["n_unknown"]),
        (&json!(["good"]), &json!(["busy"]), &json!(0)),
        "{lists}"
    );
}

#[test]
fn a_log_that_nobody_takes_holds_up_no_test() {
    let lab = server();
    // As a terminal that is held, or a journal that stands still.
    let (held, stderr) = std::io::pipe().unwrap();
    rustix::pipe::fcntl_setpipe_size(&held, 4096).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let program = Program::new().config(CONFIG).set(OFTEN).on(lab.server("a")).set(format!("server.port={port}"));
    let program = ONLY_TWO.into_iter().fold(program, Program::set).args(["-vvv", "server"]).stderr_to(stderr);
    let mut daemon = Daemon { running: program.start(), address: format!("127.0.0.1:{port}") };
    // Each second has its lines, so a pipe whose level has stayed for three takes no more.
    let mut level = (0, Instant::now());
    daemon.running.wait_until("the log takes no more", || {
        let now = rustix::io::ioctl_fionread(&held).unwrap();
        if now != level.0 {
            level = (now, Instant::now());
        }
        now > 0 && level.1.elapsed() > Duration::from_secs(3)
    });
    let runs = |daemon: &Daemon| daemon.get("/test/good")["n_run"].as_u64().unwrap();
    let before = runs(&daemon);
    daemon.wait_for("good", "tests go on", |state| state["n_run"].as_u64() > Some(before + 2));
    daemon.end();
    drop(held);
}

#[test]
fn a_signal_hangs_up_and_ends_it() {
    let lab = server();
    for signal in [Signal::INT, Signal::TERM] {
        let mut daemon = Daemon::start(Program::new().config(CONFIG).on(lab.server("a")));
        assert!(daemon.put("/test/long/start"));
        daemon.running.wait_until("the call is up", || channels_up(lab.server("a")) == 2);
        daemon.running.signal(signal);
        daemon.running.finish().exits(0);
        nothing_is_left(&lab);
    }
}

#[test]
fn a_restart_of_asterisk_makes_tests_unknown_and_then_well_again() {
    let lab = server();
    let mut daemon = scheduled(&lab);
    daemon.wait_for("good", "it has passed", |state| state["n_run"].as_u64() >= Some(1));
    lab.server("a").kill().unwrap();
    let state = daemon.wait_for("good", "it cannot be tested", |state| state["n_error"].as_u64() >= Some(1));
    assert_eq!(state["fail_count"], json!(0), "{state}");
    let lists = daemon.get("/list");
    assert!(lists["unknown"].as_array().unwrap().contains(&json!("good")), "{lists}");
    assert!(!lists["ok"].as_array().unwrap().contains(&json!("good")), "{lists}");
    let (status, readiness) = http::request(&daemon.address, "GET", "/readyz");
    assert_eq!((status, &readiness["ready"]), (503, &json!(false)), "{readiness}");
    assert!(readiness["reasons"][0].as_str().unwrap().starts_with("not connected to server asterisk"), "{readiness}");
    daemon.wait_for("busy", "it cannot be tested either", |state| state["n_error"].as_u64() >= Some(1));
    let reasons = &http::request(&daemon.address, "GET", "/readyz").1["reasons"];
    assert_eq!(reasons.as_array().map(Vec::len), Some(1), "one condition, not one for each test: {reasons}");
    assert_eq!(daemon.get("/servers")["asterisk"]["ready"], json!(false));
    assert_eq!(daemon.get("/healthz")["healthy"], json!(true));
    lab.server("a").restart().unwrap();
    let before = state["n_run"].as_u64().unwrap();
    let is_well = |state: &serde_json::Value| {
        state["n_run"].as_u64() > Some(before) && state["status"] == "idle" && state.get("exc").is_none()
    };
    daemon.wait_for("good", "it passes again", is_well);
    assert!(daemon.get("/list")["ok"].as_array().unwrap().contains(&json!("good")));
    assert_eq!(daemon.get("/readyz"), json!({"ready": true, "reasons": []}));
    assert_eq!(daemon.get("/servers"), json!({"asterisk": {"ready": true, "reason": null}}));
    daemon.running.signal(Signal::TERM);
    let done = daemon.running.finish().exits(0);
    // Not again with each attempt to connect.
    let sentence = "calltest::server_events: not connected to server asterisk: cannot reach Asterisk";
    assert_eq!(done.stderr.matches(sentence).count(), 1, "{done}");
}

#[test]
fn a_server_that_is_not_there_at_the_start_is_waited_for() {
    let lab = server();
    lab.server("a").kill().unwrap();
    let mut daemon = scheduled(&lab);
    daemon.wait_for("good", "it cannot be tested", |state| state["n_error"].as_u64() >= Some(1));
    lab.server("a").restart().unwrap();
    daemon.wait_for("good", "it passes", |state| state["status"] == "idle" && state.get("exc").is_none());
}

#[test]
fn a_second_daemon_on_the_app_refuses_and_names_the_owner() {
    let lab = server();
    let first = Daemon::start(Program::new().config(CONFIG).on(lab.server("a")));
    let owner = format!(":{}:", first.running.id());
    let second = Program::new().config(CONFIG).on(lab.server("a")).set("server.port=0").args(["server"]).run().exits(3);
    assert!(
        second.sentence().starts_with("the daemon does not start: ") && second.sentence().contains(&owner),
        "{second}"
    );
    assert_eq!(first.get("/")["n_unknown"], json!(0));
}

#[test]
fn what_could_not_be_tested_is_tested_again_as_soon_as_its_server_is_back() {
    let lab = server();
    // Its own pause would keep it away for hours.
    let times = "calls.:default:.test={skip: no, repeat: 1, retry: 10000}";
    let program = Program::new().config(CONFIG).set(times).on(lab.server("a"));
    let mut daemon = Daemon::start(ONLY_TWO.into_iter().fold(program, Program::set));
    daemon.wait_for("good", "it has passed", |state| state["n_run"].as_u64() >= Some(1));
    lab.server("a").kill().unwrap();
    daemon.wait_for("good", "it cannot be tested", |state| state["n_error"].as_u64() >= Some(1));
    assert!(
        daemon.get("/test/good")["t_next"].as_f64().unwrap()
            > daemon.get("/test/good")["t_stop"].as_f64().unwrap() + 5000.0
    );
    lab.server("a").restart().unwrap();
    daemon.wait_for("good", "it passes again", |state| state["status"] == "idle" && state.get("exc").is_none());
}

#[test]
fn a_second_daemon_on_the_state_directory_refuses_and_names_the_owner() {
    let lab = server();
    let state = tempfile::tempdir().unwrap();
    let first = Daemon::start_in(state.path(), Program::new().config(CONFIG).on(lab.server("a")));
    let place = format!("state_dir={}", state.path().display());
    let second = Program::new().config(CONFIG).on(lab.server("a")).set("server.port=0").set("asterisk.app=other");
    let second = second.set(&place).args(["server"]).run().exits(3);
    let sentence = second.sentence();
    assert!(sentence.contains("is in use by calltest@") && sentence.contains(&first.address), "{second}");
    // What a killed daemon leaves keeps nobody out.
    first.kill();
    Daemon::start_in(state.path(), Program::new().config(CONFIG).on(lab.server("a"))).end();
}

#[test]
fn runs_that_do_not_end_are_told_of_after_the_grace_period() {
    let lab = server();
    let mut daemon = Daemon::start(Program::new().config(CONFIG).on(lab.server("a")).set("server.grace=1"));
    assert!(daemon.put("/test/long/start"));
    daemon.running.wait_until("the call is up", || channels_up(lab.server("a")) == 2);
    // Nobody answers the request to hang up.
    lab.server("a").freeze().unwrap();
    daemon.running.signal(Signal::TERM);
    let done = daemon.running.finish().exits(3);
    assert!(done.stderr.contains("these tests did not end in time, and may have left calls: long"), "{done}");
    lab.server("a").thaw().unwrap();
    // The next daemon finds them.
    let next = Daemon::start(Program::new().config(CONFIG).on(lab.server("a")));
    nothing_is_left(&lab);
    next.end();
}

#[test]
fn the_second_signal_ends_it_at_once() {
    let lab = server();
    let mut daemon = Daemon::start(Program::new().config(CONFIG).on(lab.server("a")));
    assert!(daemon.put("/test/long/start"));
    daemon.running.wait_until("the call is up", || channels_up(lab.server("a")) == 2);
    lab.server("a").freeze().unwrap();
    daemon.running.signal(Signal::TERM);
    daemon.running.wait_for_stderr("hanging up");
    daemon.running.signal(Signal::TERM);
    let done = daemon.running.finish().exits(130);
    assert!(done.stderr.contains("ended at once; calls may be up"), "{done}");
}

#[test]
fn no_more_runs_go_on_at_once_than_may() {
    let lab = server();
    let limits = ["max_calls=2", "calls.:default:.test.skip=yes", "calls.slow.delay.ring=3", "calls.good.delay.ring=3"];
    let program =
        Program::new().config(CONFIG).on(lab.server("a")).set("calls.third={mode: ring, src: third, delay: {ring: 3}}");
    let program = limits.into_iter().fold(program.set("links.third={channel: Local/rings@far}"), Program::set);
    let mut daemon = Daemon::start(program);
    for test in ["slow", "good", "third"] {
        assert!(daemon.put(&format!("/test/{test}/start")));
    }
    let third = daemon.wait_for("third", "it waits", |state| state["status"] == "waiting");
    assert_eq!(third["running"], json!(false), "{third}");
    daemon.wait_for("third", "it has run", |state| state["n_run"] == 1 && state.get("exc").is_none());
    assert!(daemon.get("/test/third")["ct_wait"].as_f64() > Some(1.0));
}

#[test]
fn a_daemon_that_is_open_to_others_says_so() {
    let lab = server();
    let mut open = Daemon::start_at("0.0.0.0", Program::new().config(CONFIG).on(lab.server("a")));
    let port = open.address.rsplit(':').next().unwrap().to_owned();
    open.running
        .wait_for_stderr(&format!("the HTTP interface at 0.0.0.0:{port} is open to everybody who can reach it"));
    // There, it goes by any name.
    let (head, _) = http::answer(&open.address, "GET", "/", &[("Host", "monitor.example")], None);
    assert_eq!(http::status(&head), 200, "{head}");
    open.end();
}

#[test]
fn a_port_that_is_taken_is_told_with_its_keys() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let done = Program::new().config(CONFIG).set(format!("server.port={port}")).args(["server"]).run().exits(3);
    let sentence = format!("could not listen on 127.0.0.1:{port} (server.host and server.port of the configuration): ");
    assert!(done.sentence().starts_with(&sentence), "{done}");
}
