//! As little HTTP as a test needs.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// Status and JSON body of a request.
pub(crate) fn request(address: &str, method: &str, path: &str) -> (u16, Value) {
    let (head, body) = raw(address, method, path);
    let status = status(&head);
    assert!(head.to_ascii_lowercase().contains("content-type: application/json"), "{head}");
    (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}")))
}

/// Head and body of the answer to a request.
pub(crate) fn raw(address: &str, method: &str, path: &str) -> (String, String) {
    let (head, body) = answer(address, method, path, &[], None);
    (head, String::from_utf8(body).unwrap())
}

/// Status and JSON body of a request that carries JSON.
pub(crate) fn send(address: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let (head, body) = answer(address, method, path, &[("Content-Type", "application/json")], Some(&body.to_string()));
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
    (status(&head), body)
}

pub(crate) fn status(head: &str) -> u16 {
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Head and body of the answer to a request with these headers besides.
pub(crate) fn answer(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> (String, Vec<u8>) {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let host = headers.iter().find(|(name, _)| *name == "Host").map_or(address, |(_, host)| host);
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers.iter().filter(|(name, _)| *name != "Host") {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(body) = body {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    // A daemon that refuses a request may not read it to its end.
    let _ = socket.write_all(format!("{request}\r\n{}", body.unwrap_or_default()).as_bytes());
    let mut answer = Vec::new();
    let read = socket.read_to_end(&mut answer);
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no answer to {method} {path}: {read:?}"));
    (String::from_utf8_lossy(&answer[..end]).into_owned(), answer[end + 4..].to_vec())
}
