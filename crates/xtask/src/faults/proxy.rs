//! A way between calltest and a server on which the tests make the weather: a network that is cut, slow, or swallows what
//! is sent, while both ends are well.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What becomes of what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    /// It arrives.
    Fair,
    /// It arrives that much later, in each direction.
    Slow(Duration),
    /// It vanishes. Connections stay open for all that either end can tell.
    Swallowing,
    /// Connections break, new ones too.
    Cut,
}

/// A way to a server. It is closed when this is dropped.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    weather: Arc<watch::Sender<Weather>>,
    listening: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn to(server: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port for the proxy")?;
        let port = listener.local_addr()?.port();
        let weather = Arc::new(watch::Sender::new(Weather::Fair));
        let all_weather = Arc::clone(&weather);
        let listening = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, server, all_weather.subscribe()));
            }
        });
        Ok(Self { port, weather, listening })
    }

    /// By which the weather is made.
    pub(crate) fn weather(&self) -> Arc<watch::Sender<Weather>> {
        Arc::clone(&self.weather)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn carry(near: TcpStream, server: SocketAddr, weather: watch::Receiver<Weather>) {
    if *weather.borrow() == Weather::Cut {
        return;
    }
    let Ok(far) = TcpStream::connect(server).await else { return };
    // Small messages must not wait for each other: slowness is the weather's business.
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
    let mut cut = weather.clone();
    tokio::select! {
        () = async { tokio::join!(pump(from_near, to_far, weather.clone()), pump(from_far, to_near, weather.clone())); } => {}
        _ = cut.wait_for(|weather| *weather == Weather::Cut) => {}
    }
}

/// Passes on what comes, as the weather has it.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, weather: watch::Receiver<Weather>) {
    let mut buffer = vec![0; 16 * 1024];
    let mut is_lost = false;
    loop {
        let length = match from.read(&mut buffer).await {
            Ok(0) | Err(_) if is_lost => std::future::pending().await,
            Ok(0) | Err(_) => break,
            Ok(length) => length,
        };
        let now = *weather.borrow();
        if let Weather::Slow(time) = now {
            tokio::time::sleep(time).await;
        }
        // What has a gap is never whole again.
        is_lost |= now == Weather::Swallowing;
        if !is_lost && to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
    // An end is passed on as well.
    let _ = to.shutdown().await;
}
