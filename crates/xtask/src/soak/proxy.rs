//! A TCP proxy between the daemon and a server, so that their connections can be cut while both are well.

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// The two ends of each connection that is open, by a number of its own.
type Open = Arc<Mutex<HashMap<u64, [TcpStream; 2]>>>;

/// Passes on what it gets. Its threads end with the program.
pub(super) struct Proxy {
    address: SocketAddr,
    open: Open,
}

impl Proxy {
    /// A proxy in front of that address.
    pub(super) fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let proxy = Self { address: listener.local_addr()?, open: Open::default() };
        let open = Arc::clone(&proxy.open);
        thread::spawn(move || {
            for (number, client) in (0..).zip(listener.incoming()) {
                let Ok(client) = client else { continue };
                // A server that is not there is told by a connection that is closed at once.
                let Ok(server) = TcpStream::connect(server) else { continue };
                if let Err(error) = pass_on(number, client, server, &open) {
                    eprintln!("the proxy could not pass a connection on: {error}");
                }
            }
        });
        Ok(proxy)
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts every connection that is open, and tells how many that were.
    pub(super) fn cut(&self) -> usize {
        let open = lock(&self.open);
        for end in open.values().flatten() {
            // It may have been closed just now.
            let _ = end.shutdown(Shutdown::Both);
        }
        open.len()
    }
}

fn pass_on(number: u64, client: TcpStream, server: TcpStream, open: &Open) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    lock(open).insert(number, [client.try_clone()?, server.try_clone()?]);
    let back = (server.try_clone()?, client.try_clone()?);
    for (mut from, mut to) in [(client, server), back] {
        let open = Arc::clone(open);
        thread::spawn(move || {
            let mut buffer = [0; 16 << 10];
            while let Ok(read @ 1..) = from.read(&mut buffer) {
                if to.write_all(&buffer[..read]).is_err() {
                    break;
                }
            }
            // Whoever hangs up first ends both directions, as neither HTTP nor WebSockets leave one open for long.
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
            lock(&open).remove(&number);
        });
    }
    Ok(())
}

fn lock(open: &Open) -> MutexGuard<'_, HashMap<u64, [TcpStream; 2]>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}
