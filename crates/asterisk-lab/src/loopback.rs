//! A loopback address of its own for each server, so that servers never meet on a port.
//!
//! All of 127.0.0.0/8 belongs to this machine, so every server may have the usual ports, RTP's whole range included.
//! An address is leased by binding a name in Linux's abstract socket namespace: no file is needed, every user and
//! every process in the same network namespace takes part, and the kernel ends the lease when the process ends.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixDatagram};
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::LabError;

/// Addresses in 127.66.0.0/16 that may be leased: 127.66.0.1 to 127.66.249.250.
const ADDRESSES: u16 = 250 * 250;

/// How many ports are tried before giving up.
const PORTS_TRIED: u16 = 100;

/// Where the next search begins. Addresses are not used again at once, so that a late packet or a client that still
/// looks for a server of an earlier lab finds nobody.
static NEXT: AtomicU16 = AtomicU16::new(0);

/// A loopback address that nobody else leases until this value is dropped.
#[derive(Debug)]
pub struct LoopbackAddress {
    ip: Ipv4Addr,
    _lease: UnixDatagram,
}

impl LoopbackAddress {
    /// Leases an address. A lab does that for its servers; a test does it by itself when it has to know an address
    /// before the server starts, for a certificate, say.
    ///
    /// # Errors
    ///
    /// When all addresses are leased, or leasing is not possible at all.
    pub fn lease() -> Result<Self, LabError> {
        let start = (process::id() % u32::from(ADDRESSES)) as u16;
        let start = start.wrapping_mul(61).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % ADDRESSES;
        let mut last_error = io::Error::from(io::ErrorKind::AddrInUse);
        for index in (start..ADDRESSES).chain(0..start) {
            match Self::lease_index(index) {
                Ok(address) => return Ok(address),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => last_error = error,
                Err(error) => return Err(LabError::NoFreeAddress { source: error }),
            }
        }
        Err(LabError::NoFreeAddress { source: last_error })
    }

    fn lease_index(index: u16) -> io::Result<Self> {
        let [third, fourth] = [index / 250, index % 250 + 1].map(|octet| octet as u8);
        let ip = Ipv4Addr::new(127, 66, third, fourth);
        let name = UnixAddress::from_abstract_name(format!("asterisk-lab/{ip}"))?;
        Ok(Self { ip, _lease: UnixDatagram::bind_addr(&name)? })
    }

    /// The address.
    #[must_use]
    pub fn ip(&self) -> Ipv4Addr {
        self.ip
    }
}

/// Finds ports on one address that nobody uses, and none twice.
///
/// A program that listens on all addresses, such as an Asterisk of the system on 0.0.0.0:5060, holds the port on this
/// address too; the next one is taken then.
#[derive(Debug)]
pub(crate) struct FreePorts {
    ip: Ipv4Addr,
    taken: Vec<u16>,
}

impl FreePorts {
    pub(crate) fn on(ip: Ipv4Addr) -> Self {
        Self { ip, taken: Vec::new() }
    }

    pub(crate) fn tcp(&mut self, first: u16) -> Result<SocketAddr, LabError> {
        self.find("TCP", first, |address| TcpListener::bind(address).is_ok())
    }

    pub(crate) fn udp(&mut self, first: u16) -> Result<SocketAddr, LabError> {
        self.find("UDP", first, |address| UdpSocket::bind(address).is_ok())
    }

    fn find(
        &mut self,
        protocol: &'static str,
        first: u16,
        is_free: impl Fn(SocketAddr) -> bool,
    ) -> Result<SocketAddr, LabError> {
        let address = (first..first.saturating_add(PORTS_TRIED))
            .map(|port| SocketAddr::from((self.ip, port)))
            .find(|address| !self.taken.contains(&address.port()) && is_free(*address))
            .ok_or(LabError::NoFreePort { address: self.ip, protocol, first })?;
        self.taken.push(address.port());
        Ok(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_leased_once_until_it_is_dropped() {
        let first = LoopbackAddress::lease().unwrap();
        let second = LoopbackAddress::lease().unwrap();
        assert_ne!(first.ip(), second.ip());
        let [.., third, fourth] = first.ip().octets();
        let index = u16::from(third) * 250 + u16::from(fourth) - 1;
        assert_eq!(LoopbackAddress::lease_index(index).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(first);
        LoopbackAddress::lease_index(index).unwrap();
    }

    #[test]
    fn a_port_in_use_and_a_port_found_before_are_passed_over() {
        let address = LoopbackAddress::lease().unwrap();
        let everywhere = UdpSocket::bind("0.0.0.0:0").unwrap();
        let used = everywhere.local_addr().unwrap().port();
        let mut ports = FreePorts::on(address.ip());
        let first = ports.udp(used).unwrap().port();
        let second = ports.udp(used).unwrap().port();
        assert!(used < first && first < second, "{used} {first} {second}");
    }
}
