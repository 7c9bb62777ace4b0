//! From what a request or a socket said while connecting to the one sentence that tells what is wrong.

use std::error::Error;
use std::io;

use http::StatusCode;
use http::header::{LOCATION, SERVER};
use rustls::{CertificateError, Error as TlsError};
use tokio_tungstenite::tungstenite;
use tungstenite::error::ProtocolError;

use crate::connect_error::ConnectError;
use crate::error::{Closed, RequestError, RequestFailure};
use crate::generated::requests::events::EventWebsocket;
use crate::operation::Operation;
use crate::origin::{Origin, Speaker, shortened, words};
use crate::settings::Settings;
use crate::transport::answer::Malformed;

type Cause = Box<dyn Error + Send + Sync>;

/// What ARI says to a user whom an ACL keeps out; the HTTP server of Asterisk has the same words on a page.
const ACL: &str = "Access denied by ACL";

/// What ARI says where there is nothing at a path.
const NO_RESOURCE: &str = "Resource not found";

/// What ARI says before all of Asterisk has started.
const NOT_BOOTED: &str = "Asterisk not booted";

/// How programs other than HTTP servers begin what they say.
const PROTOCOLS: [(&str, &[u8]); 7] = [
    ("SSH", b"SSH-"),
    ("SIP", b"SIP/2.0"),
    ("RTSP", b"RTSP/"),
    ("AMI", b"Asterisk Call Manager"),
    ("Redis", b"-ERR "),
    ("Redis", b"-NOAUTH"),
    ("SMTP or FTP", b"220"),
];

/// The first bytes of an alert of TLS (RFC 8446 §5.1), with which a server answers what is no TLS.
const TLS_ALERT: &[u8] = &[21, 3];

/// Why a request that belongs to connecting failed.
pub(crate) fn from_request_error(settings: &Settings, error: RequestError) -> ConnectError {
    let server = settings.address();
    match error.failure {
        RequestFailure::Refused { status, ref message, ref origin } => {
            let asked = Asked { settings, method: error.method.as_str(), path: &error.path };
            asked.refused(status, message, origin).unwrap_or(ConnectError::Request { server, source: error })
        }
        RequestFailure::Page { status, ref origin } => page(server, status, origin),
        RequestFailure::NotSent { source } if find::<Closed>(source.as_ref()).is_some() => hung_up(settings),
        RequestFailure::NotSent { source } => from_socket_error(settings, source),
        RequestFailure::NoReply { source } => from_answer(settings, source),
        RequestFailure::TimedOut { after } => ConnectError::TimedOut { server, after },
        RequestFailure::Closed => ConnectError::Closed,
        // Not even JSON. What is JSON and does not fit may be ARI's.
        RequestFailure::Unreadable { ref source } if !source.is_data() => {
            ConnectError::NotAri { server, path: ari(settings), status: StatusCode::OK, by: None }
        }
        RequestFailure::Unreadable { .. } | RequestFailure::TooLarge { .. } => {
            ConnectError::Request { server, source: error }
        }
    }
}

/// Why the WebSocket could not be opened, to a server that has answered requests.
pub(crate) fn from_websocket_error(settings: &Settings, error: tungstenite::Error) -> ConnectError {
    let server = settings.address();
    match error {
        tungstenite::Error::Http(ref response) => {
            let field = |name| response.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
            let body = response.body().as_deref().unwrap_or_default();
            let origin = Origin::new(field(SERVER).as_deref(), field(LOCATION).as_deref(), body);
            let path = EventWebsocket { app: Vec::new(), subscribe_all: None }.path();
            let asked = Asked { settings, method: "GET", path: &path };
            let message = words(body).unwrap_or_default();
            asked.not_upgraded(response.status(), &message, &origin)
        }
        tungstenite::Error::Protocol(
            ProtocolError::MissingUpgradeWebSocketHeader
            | ProtocolError::MissingConnectionUpgradeHeader
            | ProtocolError::SecWebSocketAcceptKeyMismatch,
        ) => ConnectError::NoUpgrade { server, status: None },
        tungstenite::Error::Protocol(ProtocolError::HandshakeIncomplete) => ConnectError::EventsHungUp { server },
        tungstenite::Error::Io(error) if is_end(&error) => ConnectError::EventsHungUp { server },
        tungstenite::Error::Io(error) => from_socket_error(settings, error.into()),
        other => ConnectError::WebSocket { server, source: other.into() },
    }
}

/// Why there is no connection, encrypted where it should be.
pub(crate) fn from_socket_error(settings: &Settings, source: Cause) -> ConnectError {
    let server = settings.address();
    match find::<TlsError>(source.as_ref()) {
        Some(TlsError::InvalidMessage(_)) => ConnectError::NoTlsThere { server },
        Some(TlsError::InvalidCertificate(CertificateError::NotValidForName)) => {
            ConnectError::OtherName { server, valid_for: Vec::new() }
        }
        Some(TlsError::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. })) => {
            let valid_for = presented.iter().take(SHOWN_NAMES).map(|name| plain_name(name)).collect();
            ConnectError::OtherName { server, valid_for }
        }
        Some(
            error @ TlsError::InvalidCertificate(
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. },
            ),
        ) => ConnectError::OutOfDate { server, source: error.clone() },
        Some(error @ TlsError::InvalidCertificate(_)) => {
            ConnectError::UntrustedCertificate { server, source: error.clone() }
        }
        Some(error) => ConnectError::TlsRefused { server, source: error.clone() },
        // A server without TLS takes the greeting for a bad request and hangs up.
        None if settings.tls.is_some() && find::<io::Error>(source.as_ref()).is_some_and(is_end) => {
            ConnectError::NoTlsThere { server }
        }
        None => ConnectError::Unreachable { server, source },
    }
}

/// A name of a certificate without what rustls puts around it: `DnsName("pbx.example.org")`.
fn plain_name(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    shortened(inner.unwrap_or(name).trim_matches('"'))
}

/// How many of the names in a certificate are told.
const SHOWN_NAMES: usize = 5;

/// Why a connection that there was gave no answer.
fn from_answer(settings: &Settings, source: Cause) -> ConnectError {
    let server = settings.address();
    if find::<TlsError>(source.as_ref()).is_some() {
        return from_socket_error(settings, source);
    }
    match find::<Malformed>(source.as_ref()) {
        Some(Malformed::Nothing) => hung_up(settings),
        Some(Malformed::NotHttp { beginning }) if beginning.starts_with(TLS_ALERT) => ConnectError::TlsThere { server },
        Some(Malformed::NotHttp { beginning }) => {
            let protocol = PROTOCOLS.iter().find(|(_, start)| beginning.starts_with(start)).map(|(name, _)| *name);
            ConnectError::NotHttp { server, protocol, beginning: printable(beginning) }
        }
        Some(_) => ConnectError::Malformed { server, source },
        None if find::<io::Error>(source.as_ref()).is_some_and(is_end) => hung_up(settings),
        None => ConnectError::Malformed { server, source },
    }
}

/// The first line of what can be printed.
fn printable(bytes: &[u8]) -> String {
    let is_printable = |byte: &u8| *byte == b' ' || byte.is_ascii_graphic();
    let line: Vec<u8> = bytes.iter().copied().take_while(is_printable).collect();
    String::from_utf8_lossy(line.trim_ascii()).into_owned()
}

/// A request that was refused.
struct Asked<'a> {
    settings: &'a Settings,
    method: &'a str,
    /// Below `/ari`.
    path: &'a str,
}

impl Asked<'_> {
    /// What the refusal says about the way to ARI; `None` if nothing but that it was refused.
    fn refused(&self, status: StatusCode, message: &str, origin: &Origin) -> Option<ConnectError> {
        let (server, username) = (self.settings.address(), self.settings.username.clone());
        if status.is_redirection() {
            return Some(ConnectError::Redirected { server, status, target: origin.location.clone() });
        }
        match origin.speaker {
            Speaker::Ari => self.refused_by_ari(status, message),
            Speaker::AsteriskHttp => match status {
                StatusCode::NOT_FOUND => Some(ConnectError::NoAri { server, path: ari(self.settings) }),
                StatusCode::FORBIDDEN => Some(ConnectError::DeniedByAcl { server, file: "http.conf" }),
                StatusCode::UNAUTHORIZED => Some(ConnectError::WrongCredentials { server, username }),
                _ => None,
            },
            Speaker::Other => Some(self.refused_by_other(status, origin)),
        }
    }

    fn refused_by_ari(&self, status: StatusCode, message: &str) -> Option<ConnectError> {
        let (server, username) = (self.settings.address(), self.settings.username.clone());
        match (status, message) {
            (StatusCode::UNAUTHORIZED, _) => Some(ConnectError::WrongCredentials { server, username }),
            (StatusCode::FORBIDDEN, ACL) => Some(ConnectError::DeniedByAcl { server, file: "ari.conf" }),
            (StatusCode::FORBIDDEN, _) => {
                Some(ConnectError::Forbidden { server, username, message: message.to_owned() })
            }
            (StatusCode::SERVICE_UNAVAILABLE, NOT_BOOTED) => Some(ConnectError::NotBooted { server }),
            (StatusCode::NOT_FOUND, NO_RESOURCE) => {
                let resource = self.path.split('/').nth(1).unwrap_or_default();
                let (path, module) = (self.path.to_owned(), format!("res_ari_{resource}"));
                Some(ConnectError::MissingModule { server, path, module })
            }
            _ => None,
        }
    }

    fn refused_by_other(&self, status: StatusCode, origin: &Origin) -> ConnectError {
        let (server, by) = (self.settings.address(), origin.server.clone());
        match status {
            StatusCode::BAD_REQUEST if origin.expects_tls => ConnectError::TlsThere { server },
            StatusCode::UNAUTHORIZED => ConnectError::ForeignLogin { server, by },
            StatusCode::FORBIDDEN => {
                let request = format!("{} {}{}", self.method, ari(self.settings), self.path);
                ConnectError::ForeignRefusal { server, request, by }
            }
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                ConnectError::NothingBehindProxy { server, status, by }
            }
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                ConnectError::NotAri { server, path: ari(self.settings), status, by }
            }
            _ if origin.page.is_some() => page(server, status, origin),
            _ => ConnectError::NotAri { server, path: ari(self.settings), status, by },
        }
    }

    /// Why a request for the WebSocket was answered otherwise. Requests are answered, so ARI is there.
    fn not_upgraded(&self, status: StatusCode, message: &str, origin: &Origin) -> ConnectError {
        let server = self.settings.address();
        let is_other = origin.speaker == Speaker::Other;
        match status {
            StatusCode::FORBIDDEN
            | StatusCode::UNAUTHORIZED
            | StatusCode::BAD_GATEWAY
            | StatusCode::GATEWAY_TIMEOUT => {}
            StatusCode::SERVICE_UNAVAILABLE if is_other || message == NOT_BOOTED => {}
            StatusCode::NOT_FOUND if message == NO_RESOURCE => {}
            status if status.is_redirection() => {}
            status => return ConnectError::NoUpgrade { server, status: Some(status) },
        }
        self.refused(status, message, origin).unwrap_or(ConnectError::NoUpgrade { server, status: Some(status) })
    }
}

/// Where ARI is looked for.
fn ari(settings: &Settings) -> String {
    format!("{}/ari", settings.path)
}

fn page(server: String, status: StatusCode, origin: &Origin) -> ConnectError {
    ConnectError::Page { server, status, title: origin.page.clone().unwrap_or_default() }
}

fn hung_up(settings: &Settings) -> ConnectError {
    ConnectError::HungUp { server: settings.address(), with_tls: settings.tls.is_some() }
}

fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}
/// The first error of type `E` among the causes. An `io::Error` does not list the error that it wraps as its cause.
pub(crate) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
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
