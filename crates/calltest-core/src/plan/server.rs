//! A server: what every kind of server has, and what only servers of one kind have.
//!
//! A new kind of server is a new variant of [`ServerKind`]. The compiler then names every place that has to know it.

use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use crate::abilities::Abilities;
use crate::name::ServerName;
use crate::number::Dialplan;
use crate::number_rule::NumberRules;
use crate::quiet::QuietTimes;

/// What makes and takes the calls of the links that lie on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// Its name in this plan.
    pub name: ServerName,
    /// How numbers look at this server.
    pub dialplan: Dialplan,
    /// What becomes of numbers that are dialled here, where the link has no rule for them.
    pub outgoing: NumberRules,
    /// What becomes of the numbers of callers, where the link has no rule for them.
    pub incoming: NumberRules,
    /// How many runs may use this server at once; no limit if `None`.
    pub max_calls: Option<NonZeroU32>,
    /// While it is quiet, the daemon starts no run on this server by itself, and a failure does not count.
    pub quiet: QuietTimes,
    /// What it is, with what only such a server needs.
    pub kind: ServerKind,
}

/// What a server is.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerKind {
    /// An Asterisk, which we tell over ARI what to do.
    Asterisk(Asterisk),
}

/// How to reach the ARI of an Asterisk, and what our things are called there.
#[derive(Debug, Clone, PartialEq)]
pub struct Asterisk {
    /// Host name or address.
    pub host: String,
    /// TCP port of Asterisk's HTTP server.
    pub port: u16,
    /// HTTPS and WSS instead of plain HTTP and WS.
    pub tls: Option<Tls>,
    /// The path that ARI lies below, without the `/ari` itself: empty, or with a slash before each segment, such as `/pbx`.
    /// Every character is one that RFC 3986 §3.3 allows there.
    pub path: String,
    /// How long connecting may take, handshake included, and how long each request may take after that.
    pub timeout: Duration,
    /// ARI user.
    pub username: String,
    /// That user's password.
    pub password: Secret,
    /// The Stasis app that the dialplan hands calls to.
    pub app: String,
    /// Prefix of the names of sounds to play, as a media URI (`sound:calltest/`).
    pub play_base: String,
    /// Prefix of the names under which recordings are made.
    pub record_base: String,
}

impl Server {
    /// The Asterisk that it is.
    pub fn asterisk(&self) -> &Asterisk {
        match &self.kind {
            ServerKind::Asterisk(asterisk) => asterisk,
        }
    }

    /// Whether a connection to this server does for another as well: it leads to the same place, under the same name and
    /// as the same user.
    pub fn is_reached_like(&self, other: &Self) -> bool {
        self.name == other.name && self.kind.is_reached_like(&other.kind)
    }

    /// Whether only one of them can be connected to at a time: they have one name, or are the same app on one server.
    pub fn is_in_the_way_of(&self, other: &Self) -> bool {
        self.name == other.name || self.kind.is_in_the_way_of(&other.kind)
    }
}

impl ServerKind {
    /// What a server of this kind can show of a call at best; what one server shows is its engine's to say.
    pub fn abilities(&self) -> Abilities {
        match self {
            Self::Asterisk(_) => Abilities::ASTERISK,
        }
    }

    fn is_reached_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Asterisk(this), Self::Asterisk(other)) => {
                // What we call our sounds and recordings there is said with each call.
                let place = |server: &Asterisk| {
                    let (play_base, record_base) = (String::new(), String::new());
                    Asterisk { play_base, record_base, ..server.clone() }
                };
                place(this) == place(other)
            }
        }
    }

    fn is_in_the_way_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Asterisk(this), Self::Asterisk(other)) => {
                // Behind one proxy there may be several, each below a path of its own.
                let app =
                    |server: &Asterisk| (server.host.clone(), server.port, server.path.clone(), server.app.clone());
                app(this) == app(other)
            }
        }
    }
}

/// TLS towards an Asterisk server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// PEM file with the authorities to trust instead of the usual ones.
    pub ca: Option<PathBuf>,
    /// PEM file with our own certificate, where the server asks for one.
    pub cert: Option<PathBuf>,
    /// PEM file with the key to `cert`.
    pub key: Option<PathBuf>,
}

/// A password or token. It never prints itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that has to send it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(path: &str) -> Server {
        let kind = ServerKind::Asterisk(Asterisk {
            host: "pbx.example.org".into(),
            port: 443,
            tls: Some(Tls::default()),
            path: path.into(),
            timeout: Duration::from_secs(5),
            username: "example".into(),
            password: Secret::new("secret"),
            app: "calltest".into(),
            play_base: String::new(),
            record_base: String::new(),
        });
        Server {
            name: ServerName::from(if path.is_empty() { "a" } else { path }),
            dialplan: Dialplan { country: "49".into(), city: None, intl: "00".into(), natl: "0".into() },
            outgoing: NumberRules::default(),
            incoming: NumberRules::default(),
            max_calls: None,
            quiet: QuietTimes::default(),
            kind,
        }
    }

    // field telephony 15
    #[test]
    fn servers_behind_one_proxy_are_told_apart_by_their_paths() {
        let moved = Server { name: server("").name, ..server("/pbx") };
        assert!(!server("").is_reached_like(&moved), "a new path is a new connection");
        assert!(server("/pbx").is_reached_like(&server("/pbx")));
        assert!(!server("/one").is_in_the_way_of(&server("/two")));
        assert!(Server { name: "b".into(), ..server("/one") }.is_in_the_way_of(&server("/one")));
    }

    #[test]
    fn a_secret_does_not_print_itself() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "***");
    }
}
