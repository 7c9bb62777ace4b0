//! What is still to come in a world.

use std::collections::BTreeMap;
use std::time::Duration;

use calltest_core::cause::Hangup;
use calltest_core::evidence::{Observation, Side};
use tokio::time::Instant;

use crate::Seen;
use crate::scripted::Act;
use crate::scripted::calls::CallId;

/// Something that is to happen.
pub(super) enum Deed {
    /// A rule of a story comes true, for the call that it is about if there is one.
    Act(Option<CallId>, Act),
    /// Something happens to a leg after it was delayed.
    Happen(CallId, Side, Observation),
    /// Something that has happened is told.
    Tell(CallId, Side, Seen),
    /// A leg takes commands from now on.
    Open(CallId, Side),
    /// A call that was dialled arrives.
    Arrive(CallId),
    /// The far end or the network ends a leg.
    End(CallId, Side, Hangup),
    /// We end a leg.
    HangUp(CallId, Side),
    /// The time of a leg is over, unless it was given another one since.
    LimitReached(CallId, Side, usize),
    /// The connection to a server is back.
    Restore(String),
}

/// Deeds by their time, and in the order in which they were planned where that is the same.
#[derive(Default)]
pub(super) struct Agenda {
    deeds: BTreeMap<(Instant, u64), Deed>,
    planned: u64,
    /// Something was planned, so whoever waits for the next deed has to look again.
    has_changed: bool,
}

impl Agenda {
    pub(super) fn plan(&mut self, after: Duration, deed: Deed) {
        self.planned += 1;
        self.has_changed = true;
        self.deeds.insert((Instant::now() + after, self.planned), deed);
    }

    /// The next deed whose time is there.
    pub(super) fn due(&mut self) -> Option<Deed> {
        let first = self.deeds.first_entry()?;
        (first.key().0 <= Instant::now()).then(|| first.remove())
    }

    /// Whether something was planned since this was asked last.
    pub(super) fn has_changed(&mut self) -> bool {
        std::mem::take(&mut self.has_changed)
    }

    /// When the next deed is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.deeds.first_key_value().map(|((time, _), _)| *time)
    }
}
