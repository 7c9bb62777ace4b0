//! An engine: what carries the calls of one server.

use std::sync::Arc;
use std::time::Duration;

use calltest_core::abilities::Abilities;
use calltest_core::event::ServerEvent;
use calltest_core::evidence::{Sight, Stamp};
use calltest_core::plan::{Link, Server};
use calltest_core::run::RunId;
use calltest_core::verdict::Trouble;
use tokio::time::Instant;

use crate::{Arriving, BoxFuture, Leg, Refused, Sink};

/// Makes engines of one kind.
pub trait Connector: Send + Sync {
    /// Connects to a server, and returns once calls can be seen there. From then on the engine keeps the connection by
    /// itself, and tells the host how that goes.
    ///
    /// # Errors
    /// If the server cannot be had now.
    fn connect<'a>(
        &'a self,
        server: &'a Arc<Server>,
        host: Arc<dyn Host>,
    ) -> BoxFuture<'a, Result<Arc<dyn Engine>, Unready>>;
}

/// What an engine tells about, beside single runs. It is told in the midst of calls, so it returns at once.
pub trait Host: Send + Sync {
    /// A call has come in. An engine tells this before anything else becomes of the call, rejections of its own included.
    fn arrived(&self, call: Arriving);

    /// Something happened to the connection.
    fn server_event(&self, event: ServerEvent);
}

/// What carries the calls of one server.
pub trait Engine: Send + Sync {
    /// Whether runs may use it now.
    ///
    /// # Errors
    /// Says why not.
    fn ready(&self) -> Result<(), Unready>;

    /// What it can show of a call, as this server was seen to.
    fn abilities(&self) -> Abilities;

    /// The product behind it with its version, as in `Asterisk 22.10.1`.
    fn product(&self) -> String;

    /// Lets the host hear of calls on that link, for a run, whose queue ends if the engine can no longer see them.
    fn listen(&self, link: &Link, run: RunId, seen: &Sink) -> BoxFuture<'_, Result<Listening, Refused>>;

    /// Waits until there is room for another call out. Nothing is lost if the wait is given up.
    fn permit(&self) -> BoxFuture<'_, Result<Box<dyn Permit>, Refused>>;

    /// Whether the endpoint behind a link is there, as the server knows it.
    fn endpoint(&self, link: &Link) -> BoxFuture<'_, Result<EndpointStatus, Refused>>;

    /// Asks the server for a sign of life now, to learn whether what was not seen since `since` would have been.
    fn sight(&self, since: Instant, scrutiny: Scrutiny) -> BoxFuture<'_, Sighting>;

    /// Whether the server itself turns away calls that come in, as one does that is to stop soon. It is asked where the call of
    /// a run was turned away before it had come in; `None` if the server takes calls, or that cannot be told.
    fn turns_calls_away(&self, _run: RunId) -> BoxFuture<'_, Option<Trouble>> {
        Box::pin(std::future::ready(None))
    }

    /// Whether there may be calls of ours that no run knows of, now or soon.
    fn may_have_leftovers(&self) -> bool;

    /// Ends every call of ours, and returns how many there were. For when no run is under way: after connecting, and before
    /// closing.
    ///
    /// # Errors
    /// If the server does not answer or refuses.
    fn clean_up(&self) -> BoxFuture<'_, Result<usize, Refused>>;

    /// Closes the connection for good.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// The right to make one call now. Between having it and using it, the call can be counted or refused.
pub trait Permit: Send {
    /// Sends a call out. What happens to it is told from now on.
    fn dial(self: Box<Self>, call: Outgoing) -> Dialling;
}

/// A call to be made.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The run that makes it.
    pub run: RunId,
    /// The link to call out on.
    pub link: Arc<Link>,
    /// Its server, as the run's plan has it.
    pub server: Arc<Server>,
    /// The number to dial; `None` where the link's address has no place for one.
    pub number: Option<String>,
    /// Whether it goes out with the link's number withheld.
    pub withholds_number: bool,
    /// Whether the call goes on where the far end forwards it. Where not, the engine ends it there.
    pub follows_forwarding: bool,
    /// The engine itself ends the call after this time, even if this process is gone by then.
    pub limit: Duration,
    /// Where to tell what happens to it.
    pub seen: Sink,
}

/// A call on its way out.
pub struct Dialling {
    /// Its leg, there before anything is known of the call. It is worth nothing if the call was refused.
    pub leg: Box<dyn Leg>,
    /// Whether the engine took the call, with the moment by its own clock. Where this is dropped early, the engine goes on
    /// by itself; the call may come to be.
    pub taken: BoxFuture<'static, Result<Option<Stamp>, Undialled>>,
}

/// Why a call did not go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undialled {
    /// The endpoint behind the link is known, and offline.
    Offline {
        /// The endpoint, in the engine's words.
        endpoint: String,
    },
    /// It was refused: there is no call.
    No {
        /// Why, and what to do.
        why: String,
    },
    /// Nobody knows whether there is a call, or will be.
    Unclear {
        /// What is known.
        why: String,
    },
}

/// Keeps the calls on a link coming, for one run; ends that when it is dropped.
#[must_use = "dropping it ends the listening"]
pub struct Listening(
    /// Whatever the engine has to hold.
    pub Box<dyn Send + Sync>,
);

/// What a server knows of the endpoint behind a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointStatus {
    /// It is there.
    Online {
        /// The endpoint, in the engine's words.
        endpoint: String,
    },
    /// It is not.
    Offline {
        /// The endpoint, in the engine's words.
        endpoint: String,
    },
    /// Nobody knows, since the server does not ask it.
    Unasked {
        /// That it does not, and what to do.
        why: String,
    },
    /// There is no such endpoint to be looked at.
    Unknown {
        /// What there is not, and what to do.
        why: String,
    },
}

/// How closely an engine looks whether it can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scrutiny {
    /// Whether the server still answers. That is enough where all that counts was seen.
    SignOfLife,
    /// Whether it also tells us everything, as somebody else may have kept it from doing. What is missing proves something
    /// only then.
    Whole,
}

/// How well an engine can see.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// The figures, and from which on they prove nothing.
    pub sight: Sight,
    /// Why something may have been missed though the server is in sight, if so.
    pub uncertainty: Option<Trouble>,
}

/// Why runs cannot use a server now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unready {
    /// It cannot be had; it is tried again.
    #[error("{why}")]
    Down {
        /// A whole sentence.
        why: String,
    },
    /// Another process has what only one can have.
    #[error("{why}")]
    OwnedByOther {
        /// That process, as it names itself.
        owner: String,
        /// A whole sentence.
        why: String,
    },
}
