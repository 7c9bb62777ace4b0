//! The daemon's WebSocket: what it tells of runs that are over. What was told once has to be in the history for good.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tokio_tungstenite::tungstenite::{Message, client};

/// How long to wait for a message before looking whether all is over.
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[derive(Default)]
pub(super) struct Told {
    /// The runs of each test that are over, as far as they have not been found in the history yet.
    over: Mutex<BTreeMap<String, BTreeSet<String>>>,
    active: Mutex<BTreeSet<String>>,
}

impl Told {
    /// Listens until all is over. A daemon that is gone is looked for again.
    pub(super) fn listen(&self, address: SocketAddr, is_over: impl Fn() -> bool) {
        while !is_over() {
            // Whatever ends the connection, the next one begins with a snapshot.
            let _ = self.listen_once(address, &is_over);
            self.locked_active().clear();
            thread::sleep(LOOK_EVERY);
        }
    }

    fn listen_once(&self, address: SocketAddr, is_over: impl Fn() -> bool) -> anyhow::Result<()> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let (mut socket, _) = client(format!("ws://{address}/ws"), stream)?;
        socket.get_ref().set_read_timeout(Some(LOOK_EVERY))?;
        while !is_over() {
            match socket.read() {
                Ok(Message::Text(text)) => self.take_in(&serde_json::from_str(&text)?),
                Ok(_) => {}
                Err(tokio_tungstenite::tungstenite::Error::Io(error))
                    if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn take_in(&self, update: &Value) {
        let (Some(name), state) = (update["name"].as_str(), &update["state"]) else { return };
        match state["status"].as_str() {
            Some("idle") => {
                self.locked_active().remove(name);
                if let Some(run) = state["run"].as_str() {
                    let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
                    over.entry(name.to_owned()).or_default().insert(run.to_owned());
                }
            }
            Some("running") => {
                self.locked_active().insert(name.to_owned());
            }
            _ => {}
        }
    }

    /// How many tests are under way.
    pub(super) fn running(&self) -> usize {
        self.locked_active().len()
    }

    /// Takes the runs that were told of since the last time.
    pub(super) fn take(&self) -> BTreeMap<String, BTreeSet<String>> {
        std::mem::take(&mut *self.over.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn locked_active(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
