//! The plan: everything that the configuration says, checked and with every default filled in.
//!
//! A plan is made by `calltest-config` and never changed afterwards. Each test carries its mode with just the parts that
//! mode needs, so a test without a source, or a link that does not exist, cannot be written down here. How the YAML
//! spells all this is left to `calltest-config`.

mod address;
mod call_test;
mod post_dial;
mod route;
mod server;
mod trigger;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use address::Address;
pub use call_test::{Arrival, CallTest, Delay, Forwarding, Presence, Requirements, Ringing, Schedule};
pub use post_dial::{BadPostDial, PostDial, PostDialStep};
pub use route::{
    Audio, BothScript, Destination, DigitChoice, Dtmf, InScript, OutScript, Parties, Reception, Rejection, Route,
};
pub use server::{Asterisk, Secret, Server, ServerKind, Tls};
pub use trigger::{Body, ExpectedAnswer, ExpectedStatus, Fetch, Method, Query, Trigger};

pub use crate::dial_string::{BadDialString, DialString, without_secret};
use crate::guard::Guard;
pub use crate::name::{LinkName, ServerName, TestName};
use crate::number::PhoneNumber;
use crate::number_rule::{Direction, NumberRules, RuleLists};
use crate::quiet::QuietTimes;

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

    /// Whether calls have to be counted at all.
    pub fn has_budgets(&self) -> bool {
        let mut budgets = self.links.values().map(|link| &link.guard.budget).chain([&self.guard.budget]);
        budgets.any(|budget| !budget.is_unlimited())
    }

    /// The server on which a link lies.
    ///
    /// # Panics
    /// If the link is not of this plan, as for [`Plan::link`].
    pub fn server_of(&self, link: &LinkName) -> &Arc<Server> {
        self.servers.get(&self.link(link).server).expect("a link names only servers of its own plan")
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
    pub address: Option<Address>,
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

impl Link {
    /// A link with nothing configured but its name and its server: it can be called, and not called out on.
    pub fn new(name: &str, server: &str) -> Self {
        Self {
            name: name.into(),
            server: server.into(),
            address: None,
            arrives_as: name.into(),
            number: None,
            outgoing: NumberRules::default(),
            incoming: NumberRules::default(),
            guard: Guard::default(),
            leads_outside: false,
            prio: 0,
            max_calls: NonZeroU32::MIN,
            quiet: QuietTimes::default(),
        }
    }

    /// What a number that is dialled over this link passes; `server` is the one that it lies on.
    pub fn outgoing_rules<'p>(&'p self, server: &'p Server) -> RuleLists<'p> {
        let (link, server) = ((&self.name, &self.outgoing), (&server.name, &server.outgoing));
        RuleLists { direction: Direction::Outgoing, link, server }
    }

    /// What the number of a caller on this link passes; `server` is the one that it lies on.
    pub fn incoming_rules<'p>(&'p self, server: &'p Server) -> RuleLists<'p> {
        let (link, server) = ((&self.name, &self.incoming), (&server.name, &server.incoming));
        RuleLists { direction: Direction::Incoming, link, server }
    }
}
