//! The plan: everything that the configuration says, checked and with every default filled in.
//!
//! A plan is made by `calltest-config` and never changed afterwards. Each test carries its mode with just the parts that
//! mode needs, so a test without a source, or a link that does not exist, cannot be written down here. How the YAML
//! spells all this is left to `calltest-config`.

mod call_test;
mod trigger;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use call_test::{
    Audio, CallTest, Delay, Demands, Destination, Dtmf, Ends, Mode, Presence, Reception, Rejection, Ringing, Schedule,
};
pub use trigger::{Method, Query, Trigger};

pub use crate::dial_string::{BadDialString, DialString};
use crate::guard::Guard;
use crate::number::{Dialplan, PhoneNumber};
use crate::number_rule::NumberRules;
use crate::quiet::QuietTimes;

/// Declares a name: a cheap-to-clone string that cannot be mistaken for another kind of name.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as it is written in the configuration.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// The name of a configured test (a key of YAML `calls`).
    TestName
);
name!(
    /// The name of a link (a key of YAML `links`), which is also the first Stasis argument of a call that arrives on it.
    LinkName
);
name!(
    /// The name of an Asterisk server: a key of YAML `servers`, or [`ServerName::default`] for the one under `asterisk`.
    ServerName
);

impl Default for ServerName {
    /// The server under the YAML key `asterisk`.
    fn default() -> Self {
        "asterisk".into()
    }
}

/// The whole configuration, checked.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where it was read: a path, or `-` for the built-in defaults.
    pub origin: String,
    /// Every server by name; the one under `asterisk` is always there.
    pub servers: BTreeMap<ServerName, Arc<Server>>,
    /// Every link by name.
    pub links: BTreeMap<LinkName, Arc<Link>>,
    /// Every test, in the order of the file.
    pub tests: Vec<Arc<CallTest>>,
    /// Where the daemon's HTTP interface listens.
    pub listen: Listen,
    /// How many runs may be under way at once over all servers; no limit if `None`.
    pub max_calls: Option<NonZeroU32>,
    /// What may be dialled over any link, and how many calls may go out in all.
    pub guard: Guard,
    /// Where to keep what outlives the program, if the file says so.
    pub state_dir: Option<PathBuf>,
    /// How much the daemon keeps of finished runs; nothing if `None`.
    pub history: Option<Retention>,
    /// How long runs may take to end by themselves once the daemon is told to end.
    pub grace: Duration,
    /// Log levels that the file asks for, as (target, level).
    pub log_levels: Vec<(String, String)>,
}

impl Plan {
    /// The test of that name.
    pub fn test(&self, name: &str) -> Option<&Arc<CallTest>> {
        self.tests.iter().find(|test| test.name.as_str() == name)
    }

    /// The link that a test of this plan names.
    ///
    /// # Panics
    /// If the name is not of this plan: the configuration check has seen to it that every name in a test exists.
    pub fn link(&self, name: &LinkName) -> &Arc<Link> {
        self.links.get(name).expect("a test names only links of its own plan")
    }

    /// The links that share a trunk: calls of several links arrive under the same name, so that only the dialled number tells
    /// them apart.
    pub fn links_on_shared_trunks(&self) -> BTreeSet<LinkName> {
        let mut arriving: BTreeMap<(&ServerName, &LinkName), Vec<&LinkName>> = BTreeMap::new();
        for link in self.links.values() {
            arriving.entry((&link.server, &link.arrives_as)).or_default().push(&link.name);
        }
        arriving.into_values().filter(|links| links.len() > 1).flatten().cloned().collect()
    }

    /// The server on which a link lies.
    ///
    /// # Panics
    /// If the link is not of this plan, as for [`Plan::link`].
    pub fn server_of(&self, link: &LinkName) -> &Arc<Server> {
        self.servers.get(&self.link(link).server).expect("a link names only servers of its own plan")
    }
}

/// An Asterisk server and how to reach its ARI.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// Its name in this plan.
    pub name: ServerName,
    /// Host name or address.
    pub host: String,
    /// TCP port of Asterisk's HTTP server.
    pub port: u16,
    /// HTTPS and WSS instead of plain HTTP and WS.
    pub tls: Option<Tls>,
    /// How long connecting may take, handshake included.
    pub init_timeout: Duration,
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

/// Where the daemon listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// Host name or address; loopback unless configured otherwise.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// How much is kept of finished runs. Where it is too much, passes go first, and failures last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// For how long runs are kept.
    pub age: Duration,
    /// For how long failed runs are kept; not less than the others.
    pub failure_age: Duration,
    /// How many runs are kept.
    pub runs: u64,
    /// How many bytes the file may have.
    pub bytes: u64,
}

/// A configured way into the phone network.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Its name, which the dialplan hands us as the first Stasis argument of an incoming call.
    pub name: LinkName,
    /// The server it lies on.
    pub server: ServerName,
    /// How to dial out over it; a link without can only be called.
    pub channel: Option<DialString>,
    /// The first Stasis argument of the calls that arrive on it: its own name, unless it shares a trunk with other links.
    pub arrives_as: LinkName,
    /// The number under which it is called, and which it shows as its caller ID.
    pub number: Option<PhoneNumber>,
    /// What becomes of numbers that are dialled over it. The numbers in tests have been through this.
    pub outgoing: NumberRules,
    /// What becomes of the numbers of its callers.
    pub incoming: NumberRules,
    /// What may be dialled over it, and how many calls may go out.
    pub guard: Guard,
    /// Whether it leads outside, where an emergency call would be answered.
    pub leads_outside: bool,
    /// Tie-breaker when several links are acquired: lower goes first, then the name decides.
    pub prio: i64,
    /// How many runs may use it at once.
    pub max_calls: NonZeroU32,
    /// While it is quiet, the daemon starts no run over this link by itself, and a failure does not count.
    pub quiet: QuietTimes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_itself() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "***");
    }
}
