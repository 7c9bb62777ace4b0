//! The text of a configuration's entry for a server.

use std::net::SocketAddr;

use asterisk_lab::Ari;

pub(crate) fn server(ari: &Ari) -> String {
    server_at((ari.host, ari.port).into(), &ari.username, &ari.password)
}

/// The same, to be reached at another address, or one that is no Asterisk of a lab. Sounds and recordings are called as
/// Asterisk calls them.
pub(crate) fn server_at(address: SocketAddr, username: &str, password: &str) -> String {
    let (host, port) = (address.ip(), address.port());
    format!(
        "{{host: \"{host}\", port: {port}, username: \"{username}\", password: \"{password}\", \
         audio: {{play: 'sound:', record: ''}}}}"
    )
}
