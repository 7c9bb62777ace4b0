//! Everything that can go wrong, in the words that a caller shows. None of it ever holds credentials.

use std::error::Error;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use http::{Method, StatusCode};

type Cause = Box<dyn Error + Send + Sync>;

/// What Asterisk says when it has looked for something in vain.
const NONE_SUCH: [&str; 8] = [
    "Channel not found",
    "Provided channel was not found",
    "Provided variable was not found",
    "Bridge not found",
    "Playback not found",
    "Recording not found",
    "Endpoint not found",
    "Application not found",
];

/// What ARI says where there is nothing at a path.
const NO_RESOURCE: &str = "Resource not found";

/// A request that was not carried out, or whose outcome is not known.
#[derive(Debug)]
pub struct RequestError {
    /// The method of the request.
    pub method: Method,
    /// Its path below `/ari`, without the query.
    pub path: String,
    /// What went wrong.
    pub failure: RequestFailure,
}

/// How a request failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestFailure {
    /// Asterisk answered that it did not do it.
    #[error("{} {message}{}", .status.as_u16(), hint(*.status))]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// Asterisk's own words: `message` or `error` of its answer.
        message: String,
    },
    /// There was no connection to send it on; Asterisk knows nothing of it.
    #[error("not sent: {}", root(.source.as_ref()))]
    NotSent {
        /// What the connection attempt said.
        source: Cause,
    },
    /// The connection ended before the answer; Asterisk may have done it.
    #[error("no answer: {}", root(.source.as_ref()))]
    NoReply {
        /// What the connection said.
        source: Cause,
    },
    /// The answer took too long; Asterisk may have done it.
    #[error("no answer within {after:?}")]
    TimedOut {
        /// How long the client waited.
        after: Duration,
    },
    /// Asterisk did it, but its answer is not what the operation answers.
    #[error("answer not understood: {source}")]
    Unreadable {
        /// What does not fit.
        source: serde_json::Error,
    },
    /// Asterisk did it, but its answer is longer than allowed.
    #[error("answer longer than {limit} bytes")]
    TooLarge {
        /// The longest answer allowed, in bytes.
        limit: usize,
    },
    /// The client has been closed.
    #[error("the client is closed")]
    Closed,
}

/// What to do about a refusal that has nothing to do with what was asked for.
fn hint(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "; is the user still in ari.conf, with the same password?",
        StatusCode::FORBIDDEN => "; may the user write, or is it read_only in ari.conf?",
        _ => "",
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}: {}", self.method, self.path, self.failure)
    }
}

/// The failure is part of the text, so the source is the failure's own.
impl Error for RequestError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.failure.source()
    }
}

impl RequestError {
    /// The status with which Asterisk refused it.
    pub fn status(&self) -> Option<StatusCode> {
        match self.failure {
            RequestFailure::Refused { status, .. } => Some(status),
            _ => None,
        }
    }

    /// Whether Asterisk has looked for what the request is about, and there is none, as when a channel to be hung up is gone
    /// already. Any other 404 proves nothing about that: a module that is not loaded or a proxy answers so, too.
    pub fn is_gone(&self) -> bool {
        matches!(&self.failure, RequestFailure::Refused { status: StatusCode::NOT_FOUND, message } if NONE_SUCH.contains(&message.as_str()))
    }

    /// Whether the answer is 404, whoever gave it. See [`is_gone`](Self::is_gone).
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// Whether ARI knows no such path, which is so where the module is not loaded that serves it.
    pub fn is_unknown_path(&self) -> bool {
        matches!(&self.failure, RequestFailure::Refused { status: StatusCode::NOT_FOUND, message } if message == NO_RESOURCE)
    }

    /// Whether it does not go with what there is (409), as an id that is in use or a channel outside of Stasis.
    pub fn is_conflict(&self) -> bool {
        self.status() == Some(StatusCode::CONFLICT)
    }
}

/// Why a connection ended, or was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// The WebSocket broke off.
    #[error("the connection broke off: {reason}")]
    Cut {
        /// What the socket said.
        reason: String,
    },
    /// Asterisk closed the WebSocket.
    #[error("Asterisk closed the connection (code {code}{}{reason})", if .reason.is_empty() { "" } else { ": " })]
    Closed {
        /// The WebSocket's close code.
        code: u16,
        /// The reason that came with it.
        reason: String,
    },
    /// Nothing was heard, not even answers to pings.
    #[error("Asterisk was silent for {limit:?}")]
    Silent {
        /// The silence that was allowed.
        limit: Duration,
    },
    /// The consumer of unclaimed events fell behind.
    #[error("more than {capacity} unclaimed events were waiting")]
    IncomingFull {
        /// How many may wait.
        capacity: usize,
    },
    /// Another WebSocket took the application.
    #[error("another program connected to the same application")]
    Replaced,
    /// Another instance wrote its heartbeat over ours.
    #[error("the application was taken over by {owner}")]
    OwnedByOther {
        /// Its instance.
        owner: String,
    },
    /// An attempt to connect again failed.
    #[error("{error}")]
    NotConnected {
        /// The text of the [`ConnectError`].
        error: String,
    },
    /// The client was closed or dropped.
    #[error("the client was closed")]
    ClosedByUs,
}

/// Why a connection could not be made, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// A file that the settings name cannot be used.
    #[error("cannot use {} for TLS: {source}", .path.display())]
    TlsFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Cause,
    },
    /// TLS is wanted, no file names the authorities to trust, and the system has none.
    #[error("this system trusts no certificate authority, and TLS needs one")]
    NoAuthorities {
        /// What the system's store said.
        source: rustls::Error,
    },
    /// A setting with which no client can work.
    #[error("the setting `{setting}` is 0: it must be greater")]
    ZeroSetting {
        /// The field of [`Settings`](crate::Settings).
        setting: &'static str,
    },
    /// A setting that is larger than anybody can mean.
    #[error("the setting `{setting}` is too large: at most {most}")]
    SettingTooLarge {
        /// The field of [`Settings`](crate::Settings).
        setting: &'static str,
        /// The most that it may be.
        most: String,
    },
    /// A longest pause that is shorter than the shortest.
    #[error("the setting `backoff` is empty: {:?} is longer than {:?}", .backoff.start(), .backoff.end())]
    Backoff {
        /// The pauses between attempts to connect.
        backoff: RangeInclusive<Duration>,
    },
    /// An instance name with a blank in it would not be understood by others.
    #[error("the instance name `{instance}` contains a blank")]
    InstanceName {
        /// The name.
        instance: String,
    },
    /// Nobody answers at that address.
    #[error("cannot reach Asterisk at {server}: {}; are host and port right, is it running, and does its http.conf \
             say enabled=yes?", root(.source.as_ref()))]
    Unreachable {
        /// `host:port`.
        server: String,
        /// What the system said.
        source: Cause,
    },
    /// It answers too slowly, or not at all.
    #[error("Asterisk at {server} did not answer within {after:?}; is the address right, and does a firewall drop it?")]
    TimedOut {
        /// `host:port`.
        server: String,
        /// How long the client waited.
        after: Duration,
    },
    /// The connection is accepted, but what is there does not speak HTTP.
    #[error("{server} does not answer in HTTP: {}; if it expects TLS, switch TLS on", root(.source.as_ref()))]
    NotHttp {
        /// `host:port`.
        server: String,
        /// What was read.
        source: Cause,
    },
    /// The server speaks without TLS where TLS was wanted.
    #[error("{server} does not speak TLS; is this the port of tlsbindaddr in its http.conf?")]
    NoTlsThere {
        /// `host:port`.
        server: String,
    },
    /// The server's certificate is not vouched for, or is not for this host.
    #[error("the certificate of {server} is not trusted: {source}{}", what_makes_it_trusted(.source))]
    UntrustedCertificate {
        /// `host:port`.
        server: String,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// TLS did not come about for another reason.
    #[error("{server} refuses TLS: {source}; does it ask for a client certificate?")]
    TlsRefused {
        /// `host:port`.
        server: String,
        /// What the handshake said.
        source: rustls::Error,
    },
    /// User name or password are wrong.
    #[error("Asterisk at {server} refuses user `{username}`: compare user name and password with its ari.conf")]
    WrongCredentials {
        /// `host:port`.
        server: String,
        /// The user name.
        username: String,
    },
    /// The user may not do what is needed.
    #[error("Asterisk at {server} forbids user `{username}` to act ({message}): is it read_only in ari.conf?")]
    Forbidden {
        /// `host:port`.
        server: String,
        /// The user name.
        username: String,
        /// Asterisk's own words.
        message: String,
    },
    /// An HTTP server, but not ARI.
    #[error("{server} answers in HTTP but has no ARI (status {}): does its ari.conf say enabled=yes, and is \
             res_ari loaded?", .status.as_u16())]
    NotAri {
        /// `host:port`.
        server: String,
        /// The HTTP status of its answer.
        status: StatusCode,
    },
    /// Another instance holds the application and is alive.
    #[error(
        "application `{app}` on {server} is in use by {owner}: stop that one, choose another application, or \
             take it over"
    )]
    Owned {
        /// `host:port`.
        server: String,
        /// The application.
        app: String,
        /// The instance that holds it.
        owner: String,
    },
    /// The WebSocket was accepted, but Asterisk does not know the application.
    #[error(
        "Asterisk at {server} did not register application `{app}` within {after:?}; are res_stasis and \
             res_ari_events loaded?"
    )]
    NeverRegistered {
        /// `host:port`.
        server: String,
        /// The application.
        app: String,
        /// How long the client waited.
        after: Duration,
    },
    /// Events of the application do not reach our WebSocket.
    #[error(
        "events of application `{app}` on {server} do not reach this connection; does another program hold \
             the same application?"
    )]
    NotHeard {
        /// `host:port`.
        server: String,
        /// The application.
        app: String,
    },
    /// The WebSocket was refused or broke off while connecting.
    #[error("cannot receive events from {server}: {}", root(.source.as_ref()))]
    WebSocket {
        /// `host:port`.
        server: String,
        /// What the WebSocket said.
        source: Cause,
    },
    /// One of the requests that connecting takes failed otherwise.
    #[error("cannot connect to {server}: {source}")]
    Request {
        /// `host:port`.
        server: String,
        /// The request.
        source: RequestError,
    },
    /// The client was closed while it connected.
    #[error("the client was closed")]
    Closed,
}

impl From<&ConnectError> for Lost {
    /// Why there is no connection after an attempt that failed so.
    fn from(error: &ConnectError) -> Self {
        match error {
            ConnectError::Owned { owner, .. } => Self::OwnedByOther { owner: owner.clone() },
            error => Self::NotConnected { error: error.to_string() },
        }
    }
}

/// Why a round trip did not prove that we hear our events.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RoundTripError {
    /// The event could not be posted.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// It was posted, and did not come back.
    #[error("an event that was posted did not come back within {after:?}")]
    NotHeard {
        /// How long the client waited.
        after: Duration,
    },
    /// There is no connection it could come back on.
    #[error(transparent)]
    Lost(#[from] Lost),
}

/// What to do about a certificate, where there is something that can be done from here.
fn what_makes_it_trusted(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer) => {
            "; name the file of its authority as CA"
        }
        _ => "",
    }
}

/// The innermost cause, which is the one that says what happened.
pub(crate) fn root<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_the_user_says_where_to_look_and_any_other_is_asterisks() {
        let refused = |status, message: &str| RequestFailure::Refused { status, message: message.into() }.to_string();
        let unauthorized = refused(StatusCode::UNAUTHORIZED, "Authentication required");
        assert_eq!(unauthorized, "401 Authentication required; is the user still in ari.conf, with the same password?");
        assert!(refused(StatusCode::FORBIDDEN, "Forbidden").contains("read_only"));
        assert_eq!(refused(StatusCode::NOT_FOUND, "Channel not found"), "404 Channel not found");
    }

    #[test]
    fn only_asterisk_having_looked_for_it_proves_that_something_is_gone() {
        let error = |status, message: &str| RequestError {
            method: Method::DELETE,
            path: "/channels/a".into(),
            failure: RequestFailure::Refused { status, message: message.into() },
        };
        assert!(error(StatusCode::NOT_FOUND, "Channel not found").is_gone());
        for (status, message) in [
            (StatusCode::NOT_FOUND, "Resource not found"),
            (StatusCode::NOT_FOUND, "Not Found"),
            (StatusCode::NOT_FOUND, "404 page not found"),
            (StatusCode::NOT_FOUND, "<html>Channel not found</html>"),
            (StatusCode::CONFLICT, "Channel not found"),
        ] {
            assert!(!error(status, message).is_gone(), "{status} {message}");
        }
        assert!(error(StatusCode::NOT_FOUND, "Resource not found").is_unknown_path());
    }
}
