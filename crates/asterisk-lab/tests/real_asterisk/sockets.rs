//! The sockets of a process, from `/proc`.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A TCP socket in this state listens (`TCP_LISTEN` in Linux's tcp_states.h).
const LISTENING: &str = "0A";

/// What a process listens on: UDP sockets, and TCP sockets that accept connections.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) tcp: Vec<SocketAddr>,
    pub(crate) udp: Vec<SocketAddr>,
}

impl Listening {
    pub(crate) fn of(process: u32) -> Self {
        let descriptors = fs::read_dir(format!("/proc/{process}/fd")).unwrap().flatten();
        let targets = descriptors.filter_map(|entry| fs::read_link(entry.path()).ok());
        let inodes: Vec<String> = targets
            .filter_map(|target| Some(target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
            .collect();
        let of = |tables: [&str; 2], state: Option<&str>| {
            let tables = tables.map(|table| fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default());
            tables.iter().flat_map(|table| addresses(table, state, &inodes)).collect()
        };
        Self { tcp: of(["tcp", "tcp6"], Some(LISTENING)), udp: of(["udp", "udp6"], None) }
    }
}

/// The local addresses in a table of `/proc/net`, of the sockets with the given inodes.
fn addresses(table: &str, state: Option<&str>, inodes: &[String]) -> Vec<SocketAddr> {
    let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| inodes.iter().any(|inode| inode == row[9]) && state.is_none_or(|state| state == row[3]))
        .map(|row| address(row[1]))
        .collect()
}

/// `BB42420A7F:1F98`-like text: the address as words in the machine's byte order, then the port.
fn address(text: &str) -> SocketAddr {
    let (ip, port) = text.split_once(':').unwrap();
    let words = (0..ip.len()).step_by(8).map(|start| u32::from_str_radix(&ip[start..start + 8], 16).unwrap());
    let bytes: Vec<u8> = words.flat_map(u32::to_ne_bytes).collect();
    let ip = match <[u8; 4]>::try_from(&bytes[..]) {
        Ok(bytes) => IpAddr::V4(Ipv4Addr::from(bytes)),
        Err(_) => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(&bytes[..]).unwrap())),
    };
    SocketAddr::new(ip, u16::from_str_radix(port, 16).unwrap())
}
