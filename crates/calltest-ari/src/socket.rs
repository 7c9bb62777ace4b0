//! Opening sockets to Asterisk, with or without TLS, and the events WebSocket on one. Who reads that is `connection`'s
//! business.

use std::error::Error;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::connect_error::ConnectError;
use crate::diagnosis;
use crate::generated::requests::events::EventWebsocket;
use crate::operation::Operation;
use crate::settings::Settings;

/// How much is read from the socket at once, in bytes: some five events. The WebSocket clears a buffer of this size
/// before each time it reads, so a large one costs more than it saves.
const READ_BUFFER: usize = 4 << 10;

/// An open WebSocket.
pub(crate) type Socket = WebSocketStream<Box<dyn Stream>>;

/// What WebSocket and HTTP run over.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Connects, encrypts if the settings say so, and upgrades to the WebSocket of the application.
pub(crate) async fn open(settings: &Settings, tls: &Arc<ClientConfig>) -> Result<Socket, ConnectError> {
    let stream = stream(settings, tls).await.map_err(|error| diagnosis::from_socket_error(settings, error))?;
    let events = EventWebsocket { app: vec![settings.app.clone()], subscribe_all: None };
    let scheme = if settings.tls.is_some() { "wss" } else { "ws" };
    let (address, path) = (settings.address(), &settings.path);
    let url = format!("{scheme}://{address}{path}/ari{}?{}", events.path(), events.query().as_str());
    let mut request = url.into_client_request().map_err(|error| diagnosis::from_websocket_error(settings, error))?;
    request.headers_mut().insert(AUTHORIZATION, settings.authorization());
    let limits = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(settings.max_message_bytes))
        .max_frame_size(Some(settings.max_message_bytes));
    tokio_tungstenite::client_async_with_config(request, stream, Some(limits))
        .await
        .map(|(socket, _)| socket)
        .map_err(|error| diagnosis::from_websocket_error(settings, error))
}

/// Connects, and encrypts if the settings say so.
pub(crate) async fn stream(
    settings: &Settings,
    tls: &Arc<ClientConfig>,
) -> Result<Box<dyn Stream>, Box<dyn Error + Send + Sync>> {
    let stream = TcpStream::connect((settings.host.as_str(), settings.port)).await?;
    stream.set_nodelay(true)?;
    if settings.tls.is_none() {
        return Ok(Box::new(stream));
    }
    let name = ServerName::try_from(settings.host.clone())?;
    Ok(Box::new(TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?))
}
