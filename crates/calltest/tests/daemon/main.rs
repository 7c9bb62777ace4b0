//! The daemon on real Asterisk servers: its interface, its schedule, its life and death.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

#[expect(dead_code, reason = "the tests of the other commands need more of it")]
#[path = "../cli/program.rs"]
mod program;
#[expect(dead_code, reason = "the tests of the other commands need more of it")]
#[path = "../cli/server.rs"]
mod server;

mod boundary;
mod crash;
mod description;
mod foreign_text;
mod handover;
mod history;
mod hostile;
mod http;
mod interface;
mod life;
mod listening;
mod muting;
mod reload;
mod spending;

use std::path::Path;

use program::{Program, Running};
use rustix::process::Signal;
use serde_json::Value;

/// The daemon with a port of its own.
struct Daemon {
    running: Running,
    address: String,
}

impl Daemon {
    /// Starts it, and waits until it listens.
    #[track_caller]
    fn start(program: Program) -> Self {
        Self::start_at("127.0.0.1", program)
    }

    /// The same, on that address.
    #[track_caller]
    fn start_at(host: &str, program: Program) -> Self {
        // A port that was free a moment ago, and is so again.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let program = program.set(format!("server.port={port}"));
        // What the command line says, no file can change.
        let program = if host == "127.0.0.1" { program } else { program.set(format!("server.host={host}")) };
        let mut running = program.args(["server"]).start();
        running.wait_for_stderr(&format!("listening on http://{host}:"));
        Self { running, address: format!("127.0.0.1:{port}") }
    }

    /// Starts it with a state directory that outlives it.
    #[track_caller]
    fn start_in(state: &Path, program: Program) -> Self {
        Self::start(program.set(format!("state_dir={}", state.display())))
    }

    /// Ends it in good order.
    #[track_caller]
    fn end(mut self) {
        self.running.signal(Signal::TERM);
        self.running.finish().exits(0);
    }

    fn kill(mut self) {
        self.running.signal(Signal::KILL);
        self.running.finish();
    }

    fn get(&self, path: &str) -> Value {
        let (status, body) = http::request(&self.address, "GET", path);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// Gives a command; tells what `success` says.
    fn put(&self, path: &str) -> bool {
        let (status, body) = http::request(&self.address, "PUT", path);
        assert_eq!(status, 200, "{path}: {body}");
        body["success"].as_bool().unwrap()
    }

    /// Waits until a test's state is as wanted.
    #[track_caller]
    fn wait_for(&mut self, test: &str, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let (address, path) = (self.address.clone(), format!("/test/{test}"));
        let mut state = Value::Null;
        self.running.wait_until(what, || {
            state = http::request(&address, "GET", &path).1;
            is_it(&state)
        });
        state
    }
}
