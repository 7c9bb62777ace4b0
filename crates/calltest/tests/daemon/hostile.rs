//! Requests that no client in its senses sends: each is refused, none costs much memory, and the daemon goes on.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::{Daemon, Program};

/// Nothing answers on port 9.
const CONFIG: &str = "\
asterisk: {host: 127.0.0.1, port: 9, init_timeout: 0.1}
links: {a: {channel: Local/a@b}}
calls: {good: {mode: ring, src: a, test: {skip: yes}}}
";
/// Far more than any of these takes, so that only a lost bound is noticed.
const LONG: Duration = Duration::from_secs(20);
/// The most memory that the daemon may have had, in MiB. It has about 30 with nothing to do.
const MEMORY: u64 = 100;

/// What the daemon answers to a head and to as much of this as it takes, up to a gigabyte.
fn answer(daemon: &Daemon, head: &str, endless: &[u8]) -> String {
    let started = Instant::now();
    let mut socket = TcpStream::connect(&daemon.address).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    socket.set_write_timeout(Some(LONG)).unwrap();
    socket.write_all(head.as_bytes()).unwrap();
    let piece = endless.repeat((64 << 10) / endless.len().max(1));
    let mut sent = 0;
    while sent < 1 << 30 && !piece.is_empty() {
        // It may well hang up before it has it all.
        match socket.write(&piece) {
            Ok(size) => sent += size,
            Err(_) => break,
        }
    }
    // An end of the request that comes too soon would end the connection without an answer.
    if !piece.is_empty() {
        let _ = socket.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    // Where it hung up with more to come, the system tells so, before or after what it said.
    let _ = socket.read_to_end(&mut answer);
    assert!(started.elapsed() < LONG, "{:?}", started.elapsed());
    String::from_utf8(answer).unwrap()
}

fn peak_memory(daemon: &Daemon) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.running.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

#[track_caller]
fn is_well(daemon: &Daemon) {
    assert_eq!(daemon.get("/healthz")["healthy"], true);
    let peak = peak_memory(daemon);
    assert!(peak < MEMORY, "{peak} MiB");
}

#[test]
fn bodies_without_end() {
    let daemon = Daemon::start(Program::new().config(CONFIG));
    let head = "POST /silences HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n";
    for (length, piece) in [
        ("Content-Length: 1073741824", "[\"tests\","),
        ("Content-Length: 18446744073709551615", "{\"reason\":"),
        ("Transfer-Encoding: chunked", "400\r\n"),
    ] {
        let body = if piece == "400\r\n" { format!("400\r\n{}\r\n", " ".repeat(0x400)) } else { piece.to_owned() };
        let answer = answer(&daemon, &format!("{head}{length}\r\n\r\n"), body.as_bytes());
        // Whoever goes on talking may not hear the answer.
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{length}: {answer}");
        is_well(&daemon);
    }
}

#[test]
fn a_body_that_is_a_little_too_large_is_told_so() {
    let daemon = Daemon::start(Program::new().config(CONFIG));
    let body = format!("{{\"reason\": \"{}\"}}", "x".repeat(100_000));
    let head = format!(
        "POST /silences HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = answer(&daemon, &head, b"");
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("{\"error\":\""), "{answer}");
    is_well(&daemon);
}

#[test]
fn heads_without_end() {
    let daemon = Daemon::start(Program::new().config(CONFIG));
    for (head, piece) in [
        ("GET /", "x"),
        ("GET / HTTP/1.1\r\nHost: ", "x"),
        ("GET / HTTP/1.1\r\n", "X-Y: z\r\n"),
        ("", "x"),
        ("", "\r\n"),
        ("", "\0"),
    ] {
        let answer = answer(&daemon, head, piece.as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{head:?}: {answer}");
        is_well(&daemon);
    }
}

#[test]
fn long_paths_and_parameters_are_no_tests() {
    let daemon = Daemon::start(Program::new().config(CONFIG));
    for (path, status) in [
        (format!("/{}", "x".repeat(50_000)), "404"),
        (format!("/test/{}", "x".repeat(50_000)), "404"),
        (format!("/test/{}", "%41".repeat(15_000)), "404"),
        (format!("/test/{}", "%FF".repeat(15_000)), "400"),
        (format!("/test/good/{}", "x/".repeat(25_000)), "404"),
        (format!("/test/good/history?{}", "limit=1&".repeat(6000)), "400"),
        (format!("/test/good/history?before={}", "1".repeat(50_000)), "400"),
        (format!("/test/good/history?verdict={}pass", "pass,".repeat(10_000)), "200"),
    ] {
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = answer(&daemon, &head, b"");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{}: {answer}", &path[..40]);
        assert!(answer.contains("content-type: application/json"), "{answer}");
    }
    is_well(&daemon);
}
