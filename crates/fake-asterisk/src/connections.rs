//! TCP connections that a test can freeze or reset, and what accepts new ones. Knows nothing of HTTP.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc as std_mpsc};
use std::task::{Context, Poll, Waker, ready};

use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;

/// All connections and their acceptor, as faults see them.
#[derive(Debug)]
pub(crate) struct Connections {
    inner: Mutex<Inner>,
    acceptor: mpsc::UnboundedSender<AcceptorOrder>,
}

#[derive(Debug, Default)]
struct Inner {
    controls: BTreeMap<u64, Arc<Control>>,
    opened: u64,
    /// What new connections are like.
    mode: Mode,
}

/// Accepts or refuses new connections; the sender is dropped when that is done.
#[derive(Debug)]
struct AcceptorOrder {
    is_open: bool,
    _done: std_mpsc::Sender<()>,
}

impl Connections {
    /// Breaks all connections.
    pub(crate) fn reset_all(&self) {
        self.each(|control| control.set_mode(Mode::Reset));
    }

    /// Breaks the connections that have become WebSockets.
    pub(crate) fn reset_websockets(&self) {
        self.each(|control| control.set_mode_of_websocket(Mode::Reset));
    }

    /// Holds back what is sent on all connections, new ones included.
    pub(crate) fn freeze_all(&self) {
        self.set_mode_of_all(Mode::Frozen);
    }

    /// Neither reads nor sends on any connection, new ones included.
    pub(crate) fn suspend_all(&self) {
        self.set_mode_of_all(Mode::Suspended);
    }

    /// Ends the connections that have become WebSockets in an orderly way.
    pub(crate) fn end_websockets(&self) {
        self.each(|control| control.set_mode_of_websocket(Mode::Ended));
    }

    /// Holds back what is sent on the connections that are WebSockets now.
    pub(crate) fn freeze_websockets(&self) {
        self.each(|control| control.set_mode_of_websocket(Mode::Frozen));
    }

    /// Reads and sends what was held back, and holds back nothing more.
    pub(crate) fn thaw(&self) {
        self.set_mode_of_all(Mode::Working);
    }

    /// For the connections that there are, and those to come.
    fn set_mode_of_all(&self, mode: Mode) {
        self.lock().mode = mode;
        self.each(|control| control.set_mode(mode));
    }

    /// Whether new connections are accepted. When this returns, it is so.
    pub(crate) fn set_open(&self, is_open: bool) {
        let (done, is_done) = std_mpsc::channel();
        if self.acceptor.send(AcceptorOrder { is_open, _done: done }).is_ok() {
            // Ends with an error, as soon as the acceptor has dropped the order.
            let _ = is_done.recv();
        }
    }

    fn each(&self, act: impl Fn(&Control)) {
        self.lock().controls.values().for_each(|control| act(control));
    }

    fn add(self: &Arc<Self>, stream: TcpStream) -> Connection {
        let mut inner = self.lock();
        inner.opened += 1;
        let number = inner.opened;
        let control = Arc::new(Control::new(inner.mode));
        inner.controls.insert(number, Arc::clone(&control));
        Connection { stream, control, connections: Arc::clone(self), number }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Working,
    /// Reads, but sends nothing.
    Frozen,
    /// Neither reads nor sends.
    Suspended,
    /// At its end, as if the peer had ended it.
    Ended,
    /// Broken; dropping the connection sends a TCP reset.
    Reset,
}

/// One connection's mode, and who is to be woken when it changes.
#[derive(Debug)]
pub(crate) struct Control(Mutex<ControlState>);

#[derive(Debug)]
struct ControlState {
    mode: Mode,
    is_websocket: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Control {
    fn new(mode: Mode) -> Self {
        Self(Mutex::new(ControlState { mode, is_websocket: false, reader: None, writer: None }))
    }

    /// Breaks the connection.
    pub(crate) fn reset(&self) {
        self.set_mode(Mode::Reset);
    }

    /// From now on the connection is a WebSocket.
    pub(crate) fn becomes_websocket(&self) {
        self.lock().is_websocket = true;
    }

    fn set_mode(&self, mode: Mode) {
        let mut state = self.lock();
        if !matches!(state.mode, Mode::Reset | Mode::Ended) {
            state.mode = mode;
        }
        for waker in [state.reader.take(), state.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }

    fn set_mode_of_websocket(&self, mode: Mode) {
        if self.lock().is_websocket {
            self.set_mode(mode);
        }
    }

    fn lock(&self) -> MutexGuard<'_, ControlState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A TCP connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    control: Arc<Control>,
    connections: Arc<Connections>,
    number: u64,
}

impl Connection {
    fn poll_reset(&self) -> Poll<io::Error> {
        // Without lingering, closing the socket sends a reset instead of an orderly end.
        if let Err(error) = self.stream.set_zero_linger() {
            return Poll::Ready(error);
        }
        Poll::Ready(io::ErrorKind::ConnectionReset.into())
    }

    /// Ready when something may be sent.
    fn poll_sendable(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.control.lock();
        match state.mode {
            Mode::Reset => self.poll_reset().map(Err),
            Mode::Frozen | Mode::Suspended => {
                state.writer = Some(cx.waker().clone());
                Poll::Pending
            }
            Mode::Working | Mode::Ended => {
                state.writer = Some(cx.waker().clone());
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        {
            let mut state = self.control.lock();
            match state.mode {
                Mode::Reset => return self.poll_reset().map(Err),
                // Nothing was read, which is the end of the stream.
                Mode::Ended => return Poll::Ready(Ok(())),
                Mode::Working | Mode::Frozen | Mode::Suspended => state.reader = Some(cx.waker().clone()),
            }
            if state.mode == Mode::Suspended {
                return Poll::Pending;
            }
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_sendable(cx))?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Nothing is kept back between a write and its flush, so there is nothing to hold back either. A flush that waited
        // would keep a frozen server from reading the next request.
        match self.control.lock().mode {
            Mode::Reset => self.poll_reset().map(Err),
            Mode::Working | Mode::Frozen | Mode::Suspended | Mode::Ended => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_sendable(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_sendable(cx))?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.connections.lock().controls.remove(&self.number);
    }
}

/// What a request handler knows of the connection that its request came on.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionHandle(pub(crate) Arc<Control>);

impl axum::extract::connect_info::Connected<IncomingStream<'_, Acceptor>> for ConnectionHandle {
    fn connect_info(stream: IncomingStream<'_, Acceptor>) -> Self {
        Self(Arc::clone(&stream.io().control))
    }
}

/// Accepts connections, or refuses them while keeping the port.
#[derive(Debug)]
pub(crate) struct Acceptor {
    /// Bound to the port but never listening: keeps the system from giving the port to anybody else while
    /// connections are refused.
    _reservation: TcpSocket,
    address: SocketAddr,
    listener: Option<TcpListener>,
    orders: mpsc::UnboundedReceiver<AcceptorOrder>,
    connections: Arc<Connections>,
}

impl Acceptor {
    /// One that accepts, at a free port of 127.0.0.1. Needs a runtime around it.
    pub(crate) fn open() -> io::Result<Self> {
        let reservation = bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = reservation.local_addr()?;
        let (acceptor, orders) = mpsc::unbounded_channel();
        let connections = Arc::new(Connections { inner: Mutex::default(), acceptor });
        let listener = Some(listen(address)?);
        Ok(Self { _reservation: reservation, address, listener, orders, connections })
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn connections(&self) -> Arc<Connections> {
        Arc::clone(&self.connections)
    }

    fn obey(&mut self, order: &AcceptorOrder) {
        if !order.is_open {
            self.listener = None;
        } else if self.listener.is_none() {
            self.listener = Some(listen(self.address).expect("the port is reserved"));
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Lets the listening socket and the reservation share the port; neither can while the other listens.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    bind(address)?.listen(1024)
}

impl Listener for Acceptor {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            let accepting = async {
                match &self.listener {
                    Some(listener) => listener.accept().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // Orders first: a connection that comes after they were refused must not slip in.
                biased;
                Some(order) = self.orders.recv() => self.obey(&order),
                accepted = accepting => match accepted {
                    Ok((stream, peer)) => {
                        // Events are small and must not wait for each other.
                        let _ = stream.set_nodelay(true);
                        return (self.connections.add(stream), peer);
                    }
                    // Out of descriptors, most likely: wait for some to be closed.
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
                },
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
