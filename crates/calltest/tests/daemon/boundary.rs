//! What strangers may do to the daemon: nothing, and not for long.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use serde_json::json;

use crate::server::{CONFIG, server};
use crate::{Daemon, Program, http};

#[test]
fn pages_of_other_sites_and_other_names_for_this_machine_are_refused() {
    let lab = server();
    let daemon = Daemon::start(Program::new().config(CONFIG).on(lab.server("a")));
    let start = |headers: &[(&str, &str)]| {
        http::status(&http::answer(&daemon.address, "PUT", "/test/good/start", headers, None).0)
    };
    assert_eq!(start(&[("Origin", "https://evil.example")]), 403);
    assert_eq!(start(&[("Host", "evil.example")]), 403);
    assert_eq!(daemon.get("/test/good")["status"], json!("new"), "nothing was started");
    assert_eq!(start(&[("Origin", &format!("http://{}", daemon.address))]), 200);
}

#[test]
fn what_is_too_large_is_refused() {
    let lab = server();
    let daemon = Daemon::start(Program::new().config(CONFIG).on(lab.server("a")));
    let long = "x".repeat(1 << 20);
    let (status, body) = http::send(&daemon.address, "POST", "/silences", &json!({ "all": true, "reason": long }));
    assert_eq!(status, 413, "{body}");
    let (head, _) = http::answer(&daemon.address, "GET", "/", &[("X-Long", &long)], None);
    assert_eq!(http::status(&head), 431, "{head}");
    assert_eq!(daemon.get("/healthz")["healthy"], json!(true));
}

#[test]
fn who_holds_connections_and_says_nothing_keeps_nobody_out_for_good() {
    let lab = server();
    let daemon = Daemon::start(Program::new().config(CONFIG).on(lab.server("a")));
    // More than there are places. Each sends a byte of a head, or a whole head and nothing of the body that it announces.
    let head =
        "POST /silences HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n";
    let silent: Vec<TcpStream> = (0..300)
        .map(|number| {
            let mut socket = TcpStream::connect(&daemon.address).unwrap();
            socket.write_all(if number % 2 == 0 { b"G" } else { head.as_bytes() }).unwrap();
            socket
        })
        .collect();
    // The places are free again when the first of them have been waited for long enough.
    assert_eq!(daemon.get("/healthz")["healthy"], json!(true));
    for (mut socket, expected) in silent.iter().zip(["", "HTTP/1.1 408 "]) {
        socket.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).unwrap();
        let rest = String::from_utf8(rest).unwrap();
        assert!(rest.starts_with(expected), "{rest}");
    }
}

#[test]
fn who_takes_all_descriptors_stops_no_test_and_fills_no_log() {
    let lab = server();
    let often = "calls.:default:.test={skip: no, repeat: 1, retry: 1}";
    let mut daemon = Daemon::start(Program::new().config(CONFIG).set(often).on(lab.server("a")));
    daemon.wait_for("good", "it has passed", |state| state["n_run"].as_u64() >= Some(1));
    let process = Pid::from_raw(daemon.running.id().try_into().unwrap());
    let open = std::fs::read_dir(format!("/proc/{}/fd", daemon.running.id())).unwrap().count() as u64;
    let few = Rlimit { current: Some(open + 8), maximum: Some(open + 8) };
    prlimit(process, Resource::Nofile, few).unwrap();
    let before = daemon.get("/test/good");
    let silent: Vec<TcpStream> = (0..40).map(|_| TcpStream::connect(&daemon.address).unwrap()).collect();
    daemon.running.wait_for_stderr("failed to accept a connection: Too many open files");
    drop(silent);
    let after = daemon.wait_for("good", "it answers again, and tests have gone on", |state| {
        state["n_run"].as_u64() > before["n_run"].as_u64().map(|runs| runs + 2)
    });
    assert_eq!(after["n_error"], before["n_error"], "{after}");
    daemon.running.signal(Signal::TERM);
    let done = daemon.running.finish().exits(0);
    assert_eq!(done.stderr.matches("failed to accept a connection").count(), 1, "{done}");
}
