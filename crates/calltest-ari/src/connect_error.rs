//! Why a connection could not be made, in the words that a caller shows. None of it ever holds credentials.

use std::error::Error;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use http::StatusCode;

use crate::error::{Lost, RequestError, page_named, root};

type Cause = Box<dyn Error + Send + Sync>;

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
    /// A path with which no request could be made.
    #[error(
        "the setting `path` is {path:?}: it must be empty, or begin with a slash and hold what RFC 3986 allows in a path"
    )]
    Path {
        /// The path.
        path: String,
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
    /// What is there speaks another protocol than HTTP.
    #[error("{server} does not answer in HTTP, but {}", spoken(*.protocol, .beginning))]
    NotHttp {
        /// `host:port`.
        server: String,
        /// The protocol, if it can be told from its first bytes.
        protocol: Option<&'static str>,
        /// How the answer begins, as far as it can be printed.
        beginning: String,
    },
    /// An answer began in HTTP, and was wrong or broke off.
    #[error("{server} gave an answer that is not understood: {}", root(.source.as_ref()))]
    Malformed {
        /// `host:port`.
        server: String,
        /// What is wrong with it.
        source: Cause,
    },
    /// The server takes the connection and closes it without a word.
    #[error(
        "{server} took the connection and closed it without an answer: Asterisk does that when it has as many connections \
         as sessionlimit of its http.conf allows{}", if *.with_tls { "" } else { ", and a port for TLS may do it" }
    )]
    HungUp {
        /// `host:port`.
        server: String,
        /// TLS was spoken, and came about.
        with_tls: bool,
    },
    /// The server answers requests, and closes the connection for events without a word.
    #[error(
        "{server} answers requests, but closed the connection for events without an answer: Asterisk does that when it has \
         as many connections as sessionlimit of its http.conf allows"
    )]
    EventsHungUp {
        /// `host:port`.
        server: String,
    },
    /// The server speaks TLS where plain HTTP was wanted.
    #[error("{server} expects TLS, and was spoken to without")]
    TlsThere {
        /// `host:port`.
        server: String,
    },
    /// The server speaks without TLS where TLS was wanted.
    #[error("{server} does not speak TLS; is this the port of tlsbindaddr in its http.conf?")]
    NoTlsThere {
        /// `host:port`.
        server: String,
    },
    /// The server's certificate is not vouched for.
    #[error("the certificate of {server} is not trusted: {source}{}", what_makes_it_trusted(.source))]
    UntrustedCertificate {
        /// `host:port`.
        server: String,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// The server's certificate is not valid yet, or no more.
    #[error("the certificate of {server} is not valid at this time: {source}")]
    OutOfDate {
        /// `host:port`.
        server: String,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// The server's certificate is for another host.
    #[error("the certificate of {server} is for another name{}", names(.valid_for))]
    OtherName {
        /// `host:port`.
        server: String,
        /// The names that it is for, as far as they are known.
        valid_for: Vec<String>,
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
    /// An access control list denies our address.
    #[error("Asterisk at {server} denies access from the address of this machine, by an ACL in its {file}")]
    DeniedByAcl {
        /// `host:port`.
        server: String,
        /// The file with the list.
        file: &'static str,
    },
    /// A proxy or web server asks for a login, and knows nothing of ARI's users.
    #[error("{} asks for a login of its own (status 401): the request did not get to Asterisk", before(.server, .by))]
    ForeignLogin {
        /// `host:port`.
        server: String,
        /// What it calls itself.
        by: Option<String>,
    },
    /// A proxy or web server forbids a request.
    #[error("{} forbids `{request}` (status 403): it did not get to Asterisk", before(.server, .by))]
    ForeignRefusal {
        /// `host:port`.
        server: String,
        /// Method and path of the request, without the query.
        request: String,
        /// What it calls itself.
        by: Option<String>,
    },
    /// Asterisk has not finished starting.
    #[error("Asterisk at {server} has not finished starting (status 503)")]
    NotBooted {
        /// `host:port`.
        server: String,
    },
    /// A proxy gets no answer from what is behind it.
    #[error("{} gets no answer from Asterisk behind it (status {})", before(.server, .by), .status.as_u16())]
    NothingBehindProxy {
        /// `host:port`.
        server: String,
        /// The HTTP status: 502, 503 or 504 (RFC 9110 §15.6).
        status: StatusCode,
        /// What it calls itself.
        by: Option<String>,
    },
    /// The server sends us elsewhere. Redirects are not followed: what is sent would get to whoever is there.
    #[error("{server} redirects to {} (status {}), and redirects are not followed", .target.as_deref().unwrap_or("nowhere"),
            .status.as_u16())]
    Redirected {
        /// `host:port`.
        server: String,
        /// The HTTP status.
        status: StatusCode,
        /// Scheme, host, port and path of where it leads, as far as the answer names them.
        target: Option<String>,
    },
    /// A web page, where ARI would answer in JSON.
    #[error("{server} answers with {} and not as ARI does (status {}): another web server, a proxy or a captive portal is \
             there", page_named(.title), .status.as_u16())]
    Page {
        /// `host:port`.
        server: String,
        /// The HTTP status.
        status: StatusCode,
        /// The title of the page; empty if it has none.
        title: String,
    },
    /// Asterisk's HTTP server answers, and has no ARI where it was looked for.
    #[error(
        "Asterisk answers at {server}, but has nothing at {path} (status 404): its http.conf has another prefix, or its \
             ari.conf does not say enabled=yes, or res_ari is not loaded"
    )]
    NoAri {
        /// `host:port`.
        server: String,
        /// Where ARI was looked for: the path of the settings, and `/ari`.
        path: String,
    },
    /// ARI answers, without the part that is needed.
    #[error("ARI at {server} does not know {path} (status 404): {module} is not loaded")]
    MissingModule {
        /// `host:port`.
        server: String,
        /// The path below `/ari`.
        path: String,
        /// The module that serves it.
        module: String,
    },
    /// An HTTP server, but not ARI.
    #[error("{server} answers in HTTP but has no ARI at {path} (status {}{}): it is no Asterisk, or a \
             proxy that does not pass that path on", .status.as_u16(), named(.by))]
    NotAri {
        /// `host:port`.
        server: String,
        /// Where ARI was looked for: the path of the settings, and `/ari`.
        path: String,
        /// The HTTP status of its answer.
        status: StatusCode,
        /// What it calls itself.
        by: Option<String>,
    },
    /// Requests are answered, but the WebSocket does not come about.
    #[error("{server} answers requests, but does not open the WebSocket for events{}: a proxy in between does not pass on \
             the upgrade", .status.map(|status| format!(" (status {})", status.as_u16())).unwrap_or_default())]
    NoUpgrade {
        /// `host:port`.
        server: String,
        /// The HTTP status in place of 101; `None` if that came without what belongs to it (RFC 6455 §4.1).
        status: Option<StatusCode>,
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

/// What to do about a certificate, where there is something that can be done from here.
fn what_makes_it_trusted(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer) => {
            "; name the file of its authority as CA"
        }
        _ => "",
    }
}

/// What was spoken in place of HTTP.
fn spoken(protocol: Option<&str>, beginning: &str) -> String {
    match (protocol, beginning) {
        (Some(protocol), "") => format!("speaks {protocol}"),
        (Some(protocol), beginning) => format!("speaks {protocol}: `{beginning}`"),
        (None, "") => "with something that cannot be printed".to_owned(),
        (None, beginning) => format!("with `{beginning}`"),
    }
}

/// Who stands between us and Asterisk.
fn before(server: &str, by: &Option<String>) -> String {
    match by {
        Some(by) => format!("a proxy or web server at {server} ({by})"),
        None => format!("a proxy or web server at {server}"),
    }
}

fn named(by: &Option<String>) -> String {
    by.as_ref().map(|by| format!(", {by}")).unwrap_or_default()
}

fn names(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) }
}
