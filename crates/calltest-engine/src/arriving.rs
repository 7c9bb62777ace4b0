//! Calls that come in.

use std::fmt;
use std::sync::Arc;

use calltest_core::plan::{LinkName, Server};
use calltest_core::run::RunId;

use crate::{BoxFuture, Leg, Sink};

/// A call that has come in, and that belongs to nobody yet. Dropping it turns it away as busy.
pub struct Arriving {
    /// The name under which calls of its link arrive: [`Link::arrives_as`](calltest_core::plan::Link::arrives_as).
    pub link: String,
    /// The caller's number as shown, perhaps empty.
    pub caller: String,
    /// The number that it dialled, perhaps empty.
    pub dialled: String,
    /// The run that made it, where the engine knows that: by an id, a header, or since it was told.
    pub of_run: Option<RunId>,
    /// Whether it may be just the tail of a call that is over, as far as the engine can tell. If no run waits for it, it is
    /// not worth a report.
    pub may_be_tail: bool,
    /// The call itself.
    pub call: Box<dyn IncomingCall>,
}

/// The call behind an [`Arriving`].
pub trait IncomingCall: Send + Sync {
    /// Takes it for a run. All that has happened to it since it came in is told, then all that follows.
    fn claim(self: Box<Self>, claim: Claim) -> Box<dyn Leg>;

    /// Turns it away as busy, and returns once that is done or cannot be.
    fn reject(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// Who takes a call.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The run.
    pub run: RunId,
    /// The server on which it came in, as the run's plan has it.
    pub server: Arc<Server>,
    /// The link of the run on which it came in.
    pub link: LinkName,
    /// Where to tell what happens to it.
    pub seen: Sink,
}

impl fmt::Debug for Arriving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { link, caller, dialled, of_run, may_be_tail, call: _ } = self;
        f.debug_struct("Arriving")
            .field("link", link)
            .field("caller", caller)
            .field("dialled", dialled)
            .field("of_run", of_run)
            .field("may_be_tail", may_be_tail)
            .finish_non_exhaustive()
    }
}
