//! From what a request or a socket said while connecting to the one sentence that tells what to do about it.

use std::error::Error;
use std::io;

use http::StatusCode;
use rustls::Error as TlsError;
use tokio_tungstenite::tungstenite;

use crate::error::{ConnectError, RequestError, RequestFailure};
use crate::settings::Settings;

type Cause = Box<dyn Error + Send + Sync>;

/// Why a request that belongs to connecting failed.
pub(crate) fn from_request_error(settings: &Settings, error: RequestError) -> ConnectError {
    let server = settings.address();
    match error.failure {
        RequestFailure::Refused { status, ref message } => {
            from_status(settings, status, message).unwrap_or(ConnectError::Request { server, source: error })
        }
        RequestFailure::NotSent { source } => from_socket_error(settings, source),
        RequestFailure::NoReply { source } if find::<TlsError>(source.as_ref()).is_some() => {
            from_socket_error(settings, source)
        }
        RequestFailure::NoReply { source } => ConnectError::NotHttp { server, source },
        RequestFailure::TimedOut { after } => ConnectError::TimedOut { server, after },
        RequestFailure::Closed => ConnectError::Closed,
        RequestFailure::Unreadable { .. } | RequestFailure::TooLarge { .. } => {
            ConnectError::Request { server, source: error }
        }
    }
}

/// Why the WebSocket could not be opened.
pub(crate) fn from_websocket_error(settings: &Settings, error: tungstenite::Error) -> ConnectError {
    match error {
        tungstenite::Error::Http(ref response) => from_status(settings, response.status(), "no WebSocket")
            .unwrap_or(ConnectError::WebSocket { server: settings.address(), source: error.into() }),
        tungstenite::Error::Io(error) => from_socket_error(settings, error.into()),
        other => ConnectError::WebSocket { server: settings.address(), source: other.into() },
    }
}

/// Why there is no connection, encrypted where it should be.
pub(crate) fn from_socket_error(settings: &Settings, source: Cause) -> ConnectError {
    let server = settings.address();
    match find::<TlsError>(source.as_ref()) {
        Some(TlsError::InvalidMessage(_)) => ConnectError::NoTlsThere { server },
        Some(error @ TlsError::InvalidCertificate(_)) => {
            ConnectError::UntrustedCertificate { server, source: error.clone() }
        }
        Some(error) => ConnectError::TlsRefused { server, source: error.clone() },
        // A server without TLS takes the greeting for a bad request and hangs up.
        None if settings.tls.is_some() && hung_up(source.as_ref()) => ConnectError::NoTlsThere { server },
        None => ConnectError::Unreachable { server, source },
    }
}

fn from_status(settings: &Settings, status: StatusCode, message: &str) -> Option<ConnectError> {
    let server = settings.address();
    let username = settings.username.clone();
    match status {
        StatusCode::UNAUTHORIZED => Some(ConnectError::WrongCredentials { server, username }),
        StatusCode::FORBIDDEN => Some(ConnectError::Forbidden { server, username, message: message.to_owned() }),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Some(ConnectError::NotAri { server, status }),
        _ => None,
    }
}

fn hung_up(error: &(dyn Error + 'static)) -> bool {
    find::<io::Error>(error)
        .is_some_and(|error| matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset))
}

/// The first error of type `E` among the causes. An `io::Error` does not list the error that it wraps as its cause.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    if let Some(found) = error.downcast_ref::<E>() {
        return Some(found);
    }
    let wrapped = error.downcast_ref::<io::Error>().and_then(|error| error.get_ref());
    let inner: Option<&'a (dyn Error + 'static)> = match wrapped {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    };
    inner.and_then(find)
}
