//! Apps that somebody else is using: the doctor says who, and does not disturb.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use asterisk_lab::Server;
use rustix::process::Signal;

use crate::examination::{INSIDE, ask, examine, nothing_is_left, server};
use crate::program::Program;

/// What is said while somebody else has the app.
const STOPPED: [(&str, &str); 2] = [("", "app"), ("", "dialplan")];

#[test]
fn a_calltest_that_runs_is_named_and_goes_on() {
    let lab = server(|options| options.dialplan("[far]\nexten => rings,1,Ringing()\n same => n,Wait(60)\n"));
    let long = "\
links: {rings: {channel: Local/rings@far}}
calls: {long: {mode: ring, src: rings, timeout: 60, delay: {ring: 6}}}
";
    let mut running = Program::new().config(long).on(lab.server("a")).args(["run"]).start();
    running.wait_until("its call is up", || lab.server("a").open_channels().unwrap() > 0);
    let findings = ask(Program::new().config(INSIDE).on(lab.server("a"))).exits(3);
    let owner = format!("in use by calltest@{}:{}:", nodename(), running.id());
    findings
        .says(("", "app"), "warning", &[&owner, "let it be, if that is your calltest"])
        .says(("", "dialplan"), "unknown", &["could not be tried", "while nothing else is connected"])
        .says(("", "recording"), "ok", &[])
        .and_nothing_else(&STOPPED);
    running.finish().exits(0).prints("pass long");
    nothing_is_left(lab.server("a"));
}

fn nodename() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[test]
fn a_program_that_does_not_say_who_it_is_keeps_the_app() {
    let lab = server(|options| options);
    let mut other = stranger(lab.server("a"));
    let findings = ask(Program::new().config(INSIDE).on(lab.server("a"))).exits(3);
    findings
        .says(("", "app"), "warning", &["in use by a program that does not say who it is"])
        .and_nothing_else(&STOPPED);
    // Asterisk would have told it that the app was taken, and does tell it of the doctor's question.
    let mut heard = Vec::new();
    other.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = other.read(&mut buffer) {
        heard.extend_from_slice(&buffer[..read]);
    }
    let heard = String::from_utf8_lossy(&heard);
    assert!(heard.contains("CalltestDoctor") && !heard.contains("ApplicationReplaced"), "{heard}");
    drop(other);
    nothing_is_left(lab.server("a"));
}

/// A WebSocket for the app, and nothing else: as calltest 0.7 has it.
fn stranger(server: &Server) -> TcpStream {
    let ari = server.ari();
    let mut stream = TcpStream::connect((ari.host, ari.port)).unwrap();
    write!(
        stream,
        "GET /ari/events?app=calltest&api_key={}:{} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ari\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n",
        ari.username, ari.password, ari.host
    )
    .unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 101");
    stream
}

#[test]
fn an_interrupted_doctor_leaves_nothing_either() {
    let lab = server(|options| options);
    let mut running = Program::new().config(INSIDE).on(lab.server("a")).args(["doctor"]).start();
    running.wait_until("the trial has begun", || lab.server("a").cli("bridge show all").unwrap().lines().count() > 1);
    running.signal(Signal::INT);
    let done = running.finish().exits(130);
    assert!(!done.stdout.contains("dialplan"), "{done}");
    nothing_is_left(lab.server("a"));
    examine(&lab, INSIDE).exits(0).and_nothing_else(&[]);
}
