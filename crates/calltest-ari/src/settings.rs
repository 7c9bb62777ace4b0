//! What a client needs to know before it connects.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::connect_error::ConnectError;
use crate::secret::Secret;

/// The longest time that a setting may be, some 31 years: points in time that lie further ahead cannot be reckoned with everywhere.
const LONGEST: Duration = Duration::from_secs(1_000_000_000);

/// From here on, a number is none that anybody means; semaphores and channels panic on the largest.
const MOST: usize = 1 << 29;

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
    /// The path that ARI lies below, without the `/ari` itself: empty, or with a slash before each segment (RFC 3986 §3.3), as
    /// with `prefix` in `http.conf` or behind a reverse proxy.
    pub path: String,
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
    /// Types of the events wanted, filtered by the server. `None`: all. What the client itself needs is added. The filter is
    /// set at each connection; [`Client::filter_change`](crate::Client::filter_change) tells whether it still is so.
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
    /// Requests under way at a time, each on its own connection. The client's own, such as heartbeats, have two besides.
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
    /// PEM file with the authorities that may vouch for the server. `None`: those that the system trusts.
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
            path: String::new(),
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

    /// Refuses what no client could work with.
    pub(crate) fn check(&self) -> Result<(), ConnectError> {
        if self.instance.contains(char::is_whitespace) || self.instance.is_empty() {
            return Err(ConnectError::InstanceName { instance: self.instance.clone() });
        }
        self.check_requests()?;
        check_times(&[
            ("connect_timeout", self.connect_timeout),
            ("ping_interval", self.ping_interval),
            ("silence_limit", self.silence_limit),
            ("heartbeat_interval", self.heartbeat_interval),
            ("backoff", *self.backoff.end()),
        ])?;
        if self.backoff.is_empty() {
            return Err(ConnectError::Backoff { backoff: self.backoff.clone() });
        }
        check_counts(&[("incoming_capacity", self.incoming_capacity), ("max_message_bytes", self.max_message_bytes)])
    }

    /// The same for a client that only makes requests.
    pub(crate) fn check_requests(&self) -> Result<(), ConnectError> {
        if !is_path(&self.path) {
            return Err(ConnectError::Path { path: self.path.clone() });
        }
        check_times(&[("request_timeout", self.request_timeout)])?;
        check_counts(&[
            ("max_requests", self.max_requests),
            ("max_originates", self.max_originates),
            ("max_reply_bytes", self.max_reply_bytes),
        ])
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

/// Nothing in it may end the line of a request.
fn is_path(path: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:@".contains(&byte);
    path.is_empty() || path.starts_with('/') && !path.ends_with('/') && path.bytes().all(is_allowed)
}

fn check_times(settings: &[(&'static str, Duration)]) -> Result<(), ConnectError> {
    for (setting, time) in settings {
        match *time {
            Duration::ZERO => return Err(ConnectError::ZeroSetting { setting }),
            time if time > LONGEST => {
                return Err(ConnectError::SettingTooLarge { setting, most: format!("{LONGEST:?}") });
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_counts(settings: &[(&'static str, usize)]) -> Result<(), ConnectError> {
    for (setting, count) in settings {
        match *count {
            0 => return Err(ConnectError::ZeroSetting { setting }),
            MOST.. => return Err(ConnectError::SettingTooLarge { setting, most: (MOST - 1).to_string() }),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_setting_with_which_no_client_can_work_is_refused_before_anything_is_sent() {
        type Change = fn(&mut Settings);
        let changes: [(&str, Change); 20] = [
            ("the setting `ping_interval` is 0: it must be greater", |s| s.ping_interval = Duration::ZERO),
            ("the setting `heartbeat_interval` is 0: it must be greater", |s| s.heartbeat_interval = Duration::ZERO),
            ("the setting `incoming_capacity` is 0: it must be greater", |s| s.incoming_capacity = 0),
            ("the setting `max_requests` is 0: it must be greater", |s| s.max_requests = 0),
            ("the setting `max_originates` is 0: it must be greater", |s| s.max_originates = 0),
            ("the setting `connect_timeout` is 0: it must be greater", |s| s.connect_timeout = Duration::ZERO),
            ("the setting `request_timeout` is 0: it must be greater", |s| s.request_timeout = Duration::ZERO),
            ("the setting `silence_limit` is 0: it must be greater", |s| s.silence_limit = Duration::ZERO),
            ("the setting `max_message_bytes` is 0: it must be greater", |s| s.max_message_bytes = 0),
            ("the setting `max_reply_bytes` is 0: it must be greater", |s| s.max_reply_bytes = 0),
            ("the setting `backoff` is 0: it must be greater", |s| s.backoff = Duration::ZERO..=Duration::ZERO),
            ("the setting `backoff` is empty: 2s is longer than 1s", |s| {
                s.backoff = Duration::from_secs(2)..=Duration::from_secs(1);
            }),
            ("the setting `heartbeat_interval` is too large: at most 1000000000s", |s| {
                s.heartbeat_interval = Duration::MAX;
            }),
            ("the setting `ping_interval` is too large: at most 1000000000s", |s| s.ping_interval = Duration::MAX),
            ("the setting `connect_timeout` is too large: at most 1000000000s", |s| s.connect_timeout = Duration::MAX),
            ("the setting `max_originates` is too large: at most 536870911", |s| s.max_originates = usize::MAX),
            ("the setting `incoming_capacity` is too large: at most 536870911", |s| s.incoming_capacity = usize::MAX),
            ("the instance name `a b` contains a blank", |s| s.instance = "a b".into()),
            (
                "the setting `path` is \"/a b\": it must be empty, or begin with a slash and hold what RFC 3986 allows in a path",
                |s| s.path = "/a b".into(),
            ),
            (
                "the setting `path` is \"/a\\r\\nX: y\": it must be empty, or begin with a slash and hold what RFC 3986 allows in a \
                 path",
                |s| s.path = "/a\r\nX: y".into(),
            ),
        ];
        for (sentence, change) in changes {
            let mut settings = Settings::new("127.0.0.1", 1, "user", "password", "app");
            change(&mut settings);
            assert_eq!(crate::connect(settings).await.unwrap_err().to_string(), sentence);
        }
        let settings = Settings { max_requests: 0, ..Settings::new("127.0.0.1", 1, "user", "password", "app") };
        assert!(crate::RestClient::new(settings).is_err());
    }

    #[test]
    fn the_password_is_not_printed() {
        let settings = Settings::new("::1", 8088, "user", "hunter2", "app");
        assert!(!format!("{settings:?} {:?}", settings.authorization()).contains("hunter2"));
        assert_eq!(settings.authorization(), "Basic dXNlcjpodW50ZXIy");
        assert_eq!(settings.address(), "[::1]:8088");
    }
}
