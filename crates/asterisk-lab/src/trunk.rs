//! A SIP trunk between two servers of a lab: what is wanted of it, and what that means for each of the two.

use std::net::SocketAddr;
use std::time::Duration;

use asterisk_setup::{self as setup, Credentials, DtmfMode, Incoming, Peer};

/// The password of trunks that have one.
const PASSWORD: &str = "between-servers-of-a-lab";

/// The codecs of every trunk: G.711, which carries in-band digits unharmed.
pub(crate) const CODECS: [&str; 2] = ["alaw", "ulaw"];

/// The transport that is always there, for what a test adds to `pjsip.conf`.
pub(crate) const MAIN_TRANSPORT: &str = "transport-udp";

/// A SIP trunk between two servers of a lab.
///
/// On each of the two it is a PJSIP endpoint with the name of a link. A call that arrives there goes to the Stasis
/// app with that link's name and the dialled number, whatever the number is.
#[derive(Debug, Clone)]
pub struct Trunk {
    ends: [End; 2],
    trust: Trust,
    dtmf_mode: DtmfMode,
    qualify_every: Option<Duration>,
}

#[derive(Debug, Clone)]
struct End {
    server: String,
    link: String,
}

/// How the servers know whose call it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// By the address it comes from.
    Address,
    /// By the address, and a password that either asks of the other.
    Digest,
    /// The first server registers at the second one, with a password.
    Registration,
}

impl Trunk {
    /// A trunk between two servers, each of which knows the other by its address. The link is called `trunk` on both.
    #[must_use]
    pub fn between(one: impl Into<String>, other: impl Into<String>) -> Self {
        let end = |server| End { server, link: "trunk".to_owned() };
        Self {
            ends: [end(one.into()), end(other.into())],
            trust: Trust::Address,
            dtmf_mode: DtmfMode::Rfc4733,
            qualify_every: None,
        }
    }

    /// Gives the link another name, on both servers.
    #[must_use]
    pub fn named(self, link: impl Into<String>) -> Self {
        let link = link.into();
        self.links(link.clone(), link)
    }

    /// Gives the link a name on the first server and one on the second.
    #[must_use]
    pub fn links(mut self, one: impl Into<String>, other: impl Into<String>) -> Self {
        let [first, second] = &mut self.ends;
        first.link = one.into();
        second.link = other.into();
        self
    }

    /// Each server asks the other for a password (digest authentication).
    #[must_use]
    pub fn with_digest(self) -> Self {
        Self { trust: Trust::Digest, ..self }
    }

    /// The first server registers at the second one, as a PBX does at its provider's.
    #[must_use]
    pub fn registered(self) -> Self {
        Self { trust: Trust::Registration, ..self }
    }

    /// How digits travel. For in-band digits both servers send silence unless told otherwise.
    #[must_use]
    pub fn dtmf_mode(self, dtmf_mode: DtmfMode) -> Self {
        Self { dtmf_mode, ..self }
    }

    /// Either server asks the other in this interval (whole seconds) whether it is there.
    #[must_use]
    pub fn qualify_every(self, interval: Duration) -> Self {
        Self { qualify_every: Some(interval), ..self }
    }

    pub(crate) fn is_inband(&self) -> bool {
        self.dtmf_mode == DtmfMode::Inband
    }

    /// The trunk's ends: servers and links.
    pub(crate) fn ends(&self) -> [(&str, &str); 2] {
        self.ends.each_ref().map(|end| (end.server.as_str(), end.link.as_str()))
    }

    /// The trunk as one of its servers has it: end 0 or 1, given the SIP addresses of both ends.
    pub(crate) fn seen_from(&self, end: usize, addresses: [SocketAddr; 2]) -> TrunkEnd {
        let here = &self.ends[end];
        let (own, address) = (addresses[end], addresses[1 - end].to_string());
        let password = PASSWORD.to_owned();
        // The registrar knows a call by its user alone, who must be called as the trunk is there.
        let registered_user = self.ends[1].link.clone();
        let peer = match (self.trust, end) {
            (Trust::Address, _) => Peer::Address { address, credentials: None },
            (Trust::Digest, _) => {
                let username = "lab".to_owned();
                Peer::Address { address, credentials: Some(Credentials { username, password }) }
            }
            (Trust::Registration, 0) => {
                let credentials = Credentials { username: registered_user, password };
                Peer::Registrar { address, credentials, retry_after: Duration::from_secs(1), registers_at_once: true }
            }
            (Trust::Registration, _) => Peer::Registering { password },
        };
        let transport = setup::Transport { name: format!("transport-{}", here.link), bind: own };
        let context = format!("from-{}", here.link);
        let trunk = setup::Trunk {
            name: here.link.clone(),
            transport: transport.name.clone(),
            context: context.clone(),
            peer,
            dtmf_mode: self.dtmf_mode,
            codecs: CODECS.map(str::to_owned).to_vec(),
            media_address: Some(own.ip()),
            qualify_every: self.qualify_every,
        };
        let incoming = Incoming { context, link: here.link.clone() };
        TrunkEnd { transport, trunk, incoming, registers: self.trust == Trust::Registration && end == 0 }
    }
}

/// What one server's configuration has of a trunk.
#[derive(Debug)]
pub(crate) struct TrunkEnd {
    pub(crate) transport: setup::Transport,
    pub(crate) trunk: setup::Trunk,
    pub(crate) incoming: Incoming,
    /// Whether this server registers at the other one.
    pub(crate) registers: bool,
}
