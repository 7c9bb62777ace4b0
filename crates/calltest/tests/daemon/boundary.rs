//! What strangers may do to the daemon: nothing, and not for long.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

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
    // More than there are places. Each sends a byte of a request, and no more.
    let silent: Vec<TcpStream> = (0..300)
        .map(|_| {
            let mut socket = TcpStream::connect(&daemon.address).unwrap();
            socket.write_all(b"G").unwrap();
            socket
        })
        .collect();
    // The places are free again when the first of them have been waited for long enough.
    assert_eq!(daemon.get("/healthz")["healthy"], json!(true));
    let mut first = &silent[0];
    first.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut rest = Vec::new();
    first.read_to_end(&mut rest).unwrap();
}
