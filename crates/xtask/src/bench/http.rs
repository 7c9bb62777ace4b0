//! Just enough HTTP to ask the daemon the same thing many times over one connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use anyhow::{Context as _, ensure};
use serde_json::Value;

/// A connection to the daemon.
pub(super) struct Http {
    stream: BufReader<TcpStream>,
}

impl Http {
    /// Connects to `host:port`.
    pub(super) fn to(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("could not connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Asks for a path, and returns the body of the answer, which has to be a good one.
    pub(super) fn get(&mut self, path: &str) -> anyhow::Result<Vec<u8>> {
        self.stream.get_mut().write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())?;
        let mut status = String::new();
        self.stream.read_line(&mut status)?;
        let mut length = None;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            match line.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().ok();
                }
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length.context("the daemon does not say how long its answer is")?];
        self.stream.read_exact(&mut body)?;
        ensure!(status.contains(" 200 "), "GET {path}: {} {}", status.trim_end(), String::from_utf8_lossy(&body));
        Ok(body)
    }

    /// The same, as JSON.
    pub(super) fn json(&mut self, path: &str) -> anyhow::Result<Value> {
        serde_json::from_slice(&self.get(path)?).with_context(|| format!("the answer to GET {path} is not JSON"))
    }
}
