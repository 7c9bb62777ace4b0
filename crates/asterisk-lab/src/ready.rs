//! Whether a server's ARI answers: one small HTTP request, by hand, so that the lab needs no HTTP client.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A server on the same machine that does not answer within this time is not ready.
const PATIENCE: Duration = Duration::from_secs(1);

/// The HTTP status of `GET /ari/asterisk/ping` below a path. The HTTP server answers 404 until ARI's modules are loaded.
pub(crate) fn ping_status(address: SocketAddr, path: &str, username: &str, password: &str) -> io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET {path}/ari/asterisk/ping?api_key={username}:{password} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut status_line = String::new();
    BufReader::new(stream).read_line(&mut status_line)?;
    let status = status_line.split_whitespace().nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("not HTTP: {status_line:?}")))
}
