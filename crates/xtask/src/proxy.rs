//! A way between calltest and a server that can be cut, slow, or a black hole, while both ends are well.

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// What becomes of what is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Condition {
    /// It arrives.
    #[default]
    Normal,
    /// It arrives that much later, in each direction.
    Slow(Duration),
    /// It vanishes. Connections stay open for all that either end can tell.
    BlackHole,
    /// Connections break, new ones too.
    Cut,
}

/// A way to a server. It is closed when this is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    way: Way,
}

/// The way as whoever breaks it has it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Way(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    condition: Condition,
    /// The two ends of each connection that is open, by a number of its own.
    open: HashMap<u64, [TcpStream; 2]>,
    is_closed: bool,
}

impl Proxy {
    /// A way to the server at that address.
    pub(crate) fn to(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let proxy = Self { address: listener.local_addr()?, way: Way::default() };
        let way = proxy.way();
        thread::spawn(move || {
            for (number, client) in (0..).zip(listener.incoming()) {
                if way.lock().is_closed {
                    break;
                }
                // A server that is not there is told by a connection that is closed at once.
                if let (Ok(client), Ok(server)) = (client, TcpStream::connect(server))
                    && let Err(error) = way.open(number, &client, &server)
                {
                    eprintln!("the proxy could not pass a connection on: {error}");
                }
            }
        });
        Ok(proxy)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn way(&self) -> Way {
        self.way.clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.way.lock().is_closed = true;
        self.way.set(Condition::Cut);
        // Whoever accepts notices that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

impl Way {
    /// From now on this becomes of what is sent.
    pub(crate) fn set(&self, condition: Condition) {
        let mut state = self.lock();
        state.condition = condition;
        if condition == Condition::Cut {
            for end in state.open.drain().flat_map(|(_, ends)| ends) {
                // It may have been closed just now.
                let _ = end.shutdown(Shutdown::Both);
            }
        }
    }

    /// The same, if it has been slow until now.
    pub(crate) fn end_slowness(&self) {
        let is_slow = matches!(self.lock().condition, Condition::Slow(_));
        if is_slow {
            self.set(Condition::Normal);
        }
    }

    /// Breaks every connection that is open, and none of those to come.
    pub(crate) fn cut(&self) {
        self.set(Condition::Cut);
        self.set(Condition::Normal);
    }

    fn open(&self, number: u64, client: &TcpStream, server: &TcpStream) -> io::Result<()> {
        // Small messages must not wait for each other.
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        {
            let mut state = self.lock();
            if state.condition == Condition::Cut {
                return Ok(());
            }
            state.open.insert(number, [client.try_clone()?, server.try_clone()?]);
        }
        for (from, to) in [(client, server), (server, client)] {
            let (way, from, to) = (self.clone(), from.try_clone()?, to.try_clone()?);
            thread::spawn(move || way.carry(number, from, to));
        }
        Ok(())
    }

    /// Passes on what comes, as far as the condition allows.
    fn carry(&self, number: u64, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = [0; 16 << 10];
        let mut is_lost = false;
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let condition = self.lock().condition;
            if let Condition::Slow(time) = condition {
                thread::sleep(time);
            }
            // What has a gap is never whole again.
            is_lost |= condition == Condition::BlackHole;
            if !is_lost && to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        if !is_lost {
            // Whoever hangs up first ends both directions, as neither HTTP nor WebSockets leave one open for long.
            let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
            self.lock().open.remove(&number);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends back what it gets, and a connection to it by way of a proxy.
    fn echo() -> (Proxy, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy::to(listener.local_addr().unwrap()).unwrap();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || io::copy(&mut &stream, &mut &stream));
            }
        });
        let client = TcpStream::connect(proxy.address()).unwrap();
        (proxy, client)
    }

    fn comes_back(mut client: &TcpStream) -> io::Result<bool> {
        client.set_read_timeout(Some(Duration::from_millis(300)))?;
        client.write_all(b"x")?;
        Ok(client.read(&mut [0])? == 1)
    }

    #[test]
    fn each_condition_does_what_it_says() {
        let (proxy, client) = echo();
        assert!(comes_back(&client).unwrap());
        proxy.way().set(Condition::BlackHole);
        assert_eq!(comes_back(&client).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        proxy.way().set(Condition::Normal);
        assert!(comes_back(&client).is_err(), "a gap is not mended");
        assert!(comes_back(&TcpStream::connect(proxy.address()).unwrap()).unwrap());

        let open = TcpStream::connect(proxy.address()).unwrap();
        assert!(comes_back(&open).unwrap());
        proxy.way().cut();
        assert!(!comes_back(&open).unwrap_or(false));
        assert!(comes_back(&TcpStream::connect(proxy.address()).unwrap()).unwrap());
        proxy.way().set(Condition::Cut);
        assert!(!comes_back(&TcpStream::connect(proxy.address()).unwrap()).unwrap_or(false));
    }
}
