//! What a client needs to know before it connects.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::secret::Secret;

/// Where Asterisk is, who we are to it, and how patient the client is. [`Settings::new`] fills in what is usual.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What deliveries, queue errors and logs call this server.
    pub name: Arc<str>,
    /// Name or address of Asterisk's HTTP server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How to speak TLS with it; `None` for plain HTTP and WebSocket.
    pub tls: Option<Tls>,
    /// User name: a section of `ari.conf`.
    pub username: String,
    /// Password of that user.
    pub password: Secret,
    /// Name of the Stasis application whose events we receive.
    pub app: String,
    /// Who we are to others that want the same application. Holds no blanks. Random unless set.
    pub instance: String,
    /// Global variable of the server in which the owner of the application keeps its heartbeat. `None`: nobody asks
    /// whether the application is in use.
    pub owner_variable: Option<String>,
    /// Whether the first connection takes the application away from a living owner.
    pub take_over: bool,
    /// Types of the events wanted, filtered by the server. `None`: all. What the client itself needs is added.
    pub allowed_events: Option<Vec<String>>,
    /// How long all steps of connecting may take, apart from the wait for another owner's heartbeat.
    pub connect_timeout: Duration,
    /// How long one request may take once it is its turn.
    pub request_timeout: Duration,
    /// Time between pings on the WebSocket, which is the longest silence of a connection in order.
    pub ping_interval: Duration,
    /// Silence after which the connection counts as lost.
    pub silence_limit: Duration,
    /// Time between an owner's heartbeats. A heartbeat that does not move within 2.5 of these stands still.
    pub heartbeat_interval: Duration,
    /// Shortest and longest pause before another attempt to connect.
    pub backoff: RangeInclusive<Duration>,
    /// Requests under way at a time, each on its own connection.
    pub max_requests: usize,
    /// How many of these may make Asterisk dial.
    pub max_originates: usize,
    /// Unclaimed events and arrivals that may wait for the consumer of [`Incoming`](crate::Incoming). One more, and
    /// the connection is lost.
    pub incoming_capacity: usize,
    /// Longest message accepted from the WebSocket, in bytes.
    pub max_message_bytes: usize,
    /// Longest answer accepted to a request, in bytes; the largest are recordings.
    pub max_reply_bytes: usize,
}

/// How TLS is spoken.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// PEM file with the authorities that may vouch for the server. `None`: those known to the public web.
    pub ca_file: Option<PathBuf>,
    /// What we show to a server that asks who we are.
    pub client: Option<ClientCertificate>,
}

/// A certificate of our own.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    /// PEM file with the certificate and those that it depends on.
    pub certificate_file: PathBuf,
    /// PEM file with its private key.
    pub key_file: PathBuf,
}

impl Settings {
    /// Settings for a server on the usual terms: no TLS, no ownership, every event.
    pub fn new(host: &str, port: u16, username: &str, password: impl Into<Secret>, app: &str) -> Self {
        Settings {
            name: format!("{host}:{port}").into(),
            host: host.to_owned(),
            port,
            tls: None,
            username: username.to_owned(),
            password: password.into(),
            app: app.to_owned(),
            instance: format!("{:016x}", rand::random::<u64>()),
            owner_variable: None,
            take_over: false,
            allowed_events: None,
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_millis(500),
            silence_limit: Duration::from_secs(10),
            heartbeat_interval: Duration::from_secs(2),
            backoff: Duration::from_millis(250)..=Duration::from_secs(15),
            max_requests: 16,
            max_originates: 4,
            incoming_capacity: 4096,
            max_message_bytes: 1 << 20,
            max_reply_bytes: 64 << 20,
        }
    }

    /// `host:port`, with brackets around an IPv6 address.
    pub fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The value of the `Authorization` header.
    pub(crate) fn authorization(&self) -> http::HeaderValue {
        use base64::Engine;
        let credentials = format!("{}:{}", self.username, self.password.expose());
        let encoded = base64::engine::general_purpose::STANDARD.encode(credentials);
        let mut value = http::HeaderValue::try_from(format!("Basic {encoded}")).expect("base64 is a header value");
        value.set_sensitive(true);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_not_printed() {
        let settings = Settings::new("::1", 8088, "user", "hunter2", "app");
        assert!(!format!("{settings:?} {:?}", settings.authorization()).contains("hunter2"));
        assert_eq!(settings.authorization(), "Basic dXNlcjpodW50ZXIy");
        assert_eq!(settings.address(), "[::1]:8088");
    }
}
