//! The plan: everything that the configuration says, checked and with every default filled in.
//!
//! A plan is made by `calltest-config` and never changed afterwards. Each test carries its mode with just the parts that
//! mode needs, so a test without a source, or a link that does not exist, cannot be written down here. How the YAML
//! spells all this is left to `calltest-config`.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use crate::dial_string::{BadDialString, DialString};
use crate::number::{Dialplan, PhoneNumber};

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
    /// The effective configuration as YAML with defaults filled in and secrets redacted.
    pub source: String,
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
    /// How many runs may use this server at once; no limit if `None`.
    pub max_calls: Option<NonZeroU32>,
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

/// A configured way into the phone network.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Its name, which the dialplan hands us as the first Stasis argument of an incoming call.
    pub name: LinkName,
    /// The server it lies on.
    pub server: ServerName,
    /// How to dial out over it; a link without can only be called.
    pub channel: Option<DialString>,
    /// The number under which it is called, and which it shows as its caller ID.
    pub number: Option<PhoneNumber>,
    /// Tie-breaker when several links are acquired: lower goes first, then the name decides.
    pub prio: i64,
    /// How many runs may use it at once.
    pub max_calls: NonZeroU32,
}

/// A configured test.
#[derive(Debug, Clone, PartialEq)]
pub struct CallTest {
    /// Its name.
    pub name: TestName,
    /// What it is for, in the operator's words.
    pub info: String,
    /// How the call goes, and over which links.
    pub mode: Mode,
    /// Hard limit of a run, from the moment its links are held.
    pub timeout: Duration,
    /// Pauses on the way.
    pub delay: Delay,
    /// What ringing has to look like to the caller.
    pub ringing: Ringing,
    /// When it runs, and when its failures count.
    pub schedule: Schedule,
}

impl CallTest {
    /// The links that a run of this test has to hold while it lasts, source first.
    pub fn links(&self) -> Vec<&LinkName> {
        match &self.mode {
            Mode::Dtmf { ends, .. } | Mode::Call { ends } | Mode::Audio { ends, .. } => vec![&ends.src, &ends.dst],
            Mode::Ring { to } | Mode::Play { to, .. } | Mode::Fail { to, .. } | Mode::Timeout { to, .. } => {
                vec![&to.src]
            }
            Mode::Wait { at } | Mode::Answer { at, .. } | Mode::Record { at, .. } => vec![&at.dst],
        }
    }
}

/// How a call goes: the script, with what it needs.
#[derive(Debug, Clone, PartialEq)]
pub enum Mode {
    /// Both ends are ours: answer, then digits from the callee and from the caller.
    Dtmf {
        /// The two ends.
        ends: Ends,
        /// Which digits, and how.
        dtmf: Dtmf,
    },
    /// Both ends are ours: the caller must see ringing; never answered.
    Call {
        /// The two ends.
        ends: Ends,
    },
    /// Both ends are ours: answer, then a sound each way, recorded at the other end.
    Audio {
        /// The two ends.
        ends: Ends,
        /// What is played and recorded where.
        audio: Audio,
    },
    /// Call a number that must ring.
    Ring {
        /// Whom to call.
        to: Destination,
    },
    /// Call a number that must answer, play a sound, hang up.
    Play {
        /// Whom to call.
        to: Destination,
        /// The sound to play, if any.
        sound: Option<String>,
        /// The name under which the incoming direction is recorded, if it is.
        record: Option<String>,
    },
    /// Call a number that must reject the call soon.
    Fail {
        /// Whom to call.
        to: Destination,
        /// It must reject within this time after the call went out.
        within: Duration,
    },
    /// Call a number that must ring and then reject.
    Timeout {
        /// Whom to call.
        to: Destination,
        /// It must not reject earlier than this after the first ringing.
        ringtime: Duration,
    },
    /// Wait for a call, let it ring, reject it.
    Wait {
        /// Where the call comes in, and what causes it.
        at: Reception,
    },
    /// Wait for a call, answer it, play and record, hang up.
    Answer {
        /// Where the call comes in, and what causes it.
        at: Reception,
        /// The sound to play, if any.
        sound: Option<String>,
        /// The name under which the incoming direction is recorded, if it is.
        record: Option<String>,
    },
    /// Wait for a call, answer it, play and record until the caller hangs up or presses `#`.
    Record {
        /// Where the call comes in, and what causes it.
        at: Reception,
        /// The sound to play, if any.
        sound: Option<String>,
        /// The name under which the incoming direction is recorded, if it is.
        record: Option<String>,
    },
}

impl Mode {
    /// The word for it in the YAML.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Dtmf { .. } => "dtmf",
            Self::Call { .. } => "call",
            Self::Audio { .. } => "audio",
            Self::Ring { .. } => "ring",
            Self::Play { .. } => "play",
            Self::Fail { .. } => "fail",
            Self::Timeout { .. } => "timeout",
            Self::Wait { .. } => "wait",
            Self::Answer { .. } => "answer",
            Self::Record { .. } => "record",
        }
    }
}

/// Both ends of a call, where both are ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Ends {
    /// The link we call out on.
    pub src: LinkName,
    /// The link the call has to arrive on.
    pub dst: LinkName,
    /// The number dialled; `None` where the source's dial string has no place for one.
    pub number: Option<String>,
    /// The number that the callee must see, unless the check is switched off.
    pub caller: Option<PhoneNumber>,
}

/// Whom an originate-only test calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Destination {
    /// The link we call out on.
    pub src: LinkName,
    /// The number dialled; `None` where the dial string has no place for one.
    pub number: Option<String>,
}

/// Where an answer-only test waits for its call.
#[derive(Debug, Clone, PartialEq)]
pub struct Reception {
    /// The link the call has to arrive on.
    pub dst: LinkName,
    /// The number to call, for the trigger.
    pub number: Option<String>,
    /// The number that the callee must see, where a source is configured and the check is on.
    pub caller: Option<PhoneNumber>,
    /// What causes the call; a person if nothing is configured.
    pub trigger: Option<Trigger>,
}

/// What causes an incoming call. `{number}` stands for the number to call in every text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// Fetch a URL.
    Url {
        /// The URL.
        url: String,
        /// The HTTP method.
        method: Method,
        /// The query: a text taken as it is, or parameters to be encoded.
        query: Query,
        /// The body, if any.
        body: Option<String>,
    },
    /// Run a program, without a shell.
    Exec {
        /// The program and its arguments; never empty.
        command: Vec<String>,
    },
}

/// The HTTP methods that a trigger may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// GET, unless configured otherwise.
    #[default]
    Get,
    /// POST
    Post,
    /// PUT
    Put,
}

/// The query of a trigger's URL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Query {
    /// No query beyond what the URL has.
    #[default]
    None,
    /// Taken as it is.
    Text(String),
    /// Name and value, to be percent-encoded.
    Parameters(Vec<(String, String)>),
}

/// Which digits a `dtmf` test sends, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dtmf {
    /// How many digits in each direction.
    pub len: NonZeroU32,
    /// Whether a digit may be received more than once, as in-band detection is prone to.
    pub may_repeat: bool,
    /// Length of each tone; Asterisk raises anything under 100 ms to 100 ms.
    pub duration: Duration,
    /// Pause between two tones.
    pub between: Duration,
}

impl Dtmf {
    /// How long Asterisk takes to send that many digits: it starts with 100 ms of quiet, then each digit takes its tone
    /// and its pause.
    pub fn time_to_send(&self, digits: usize) -> Duration {
        Duration::from_millis(100) + (self.duration + self.between) * digits.try_into().unwrap_or(u32::MAX)
    }
}

/// Sounds and recordings of an `audio` test; names without their base.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Audio {
    /// What the source plays.
    pub src_out: Option<String>,
    /// What the source records.
    pub src_in: Option<String>,
    /// What the destination plays.
    pub dst_out: Option<String>,
    /// What the destination records.
    pub dst_in: Option<String>,
}

/// Pauses in the course of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delay {
    /// At the callee, after the caller-ID check and before ringing.
    pub pre: Duration,
    /// After ringing was sent (or, for `ring`, seen).
    pub ring: Duration,
    /// On each side, after the channel is up.
    pub answer: Duration,
}

/// What ringing has to look like to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ringing {
    /// Whether the caller must, may or must not see ringing.
    pub presence: Presence,
    /// Whether early media without ringing (183) counts as ringing.
    pub early_media_counts: bool,
}

/// Whether something must, may or must not be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Either is fine.
    Allowed,
    /// It has to be seen.
    Required,
    /// It must not be seen.
    Forbidden,
}

/// When a test runs by itself, and how many failures in a row change its condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Delay to the next run after a failure.
    pub retry: Duration,
    /// Delay to the next run after a success.
    pub repeat: Duration,
    /// Consecutive failures from which the test is in `warn`; never above `fail`.
    pub warn: NonZeroU32,
    /// Consecutive failures from which the test is in `fail`.
    pub fail: NonZeroU32,
    /// Only started by hand.
    pub is_manual: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_itself() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "***");
    }

    #[test]
    fn five_digits_take_a_second() {
        let dtmf = Dtmf {
            len: NonZeroU32::new(5).unwrap(),
            may_repeat: false,
            duration: Duration::from_millis(100),
            between: Duration::from_millis(100),
        };
        assert_eq!(dtmf.time_to_send(5), Duration::from_millis(1100));
    }
}
