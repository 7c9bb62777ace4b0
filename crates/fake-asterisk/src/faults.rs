//! Faults on demand: what a real server does not do when a test needs it.

mod events;
mod requests;
mod selection;

use std::sync::Arc;

pub use events::EventFault;
pub(crate) use events::{EventAction, EventRules, about_a_stranger, garbled, of_unknown_type, truncated};
pub use requests::RequestFault;
pub(crate) use requests::{Delivery, Fate, RequestRules, Treatment};
use selection::Chance;

use crate::line::Lines;
use crate::server::Owner;
use crate::state::State;

/// Makes a [`FakeAsterisk`](crate::FakeAsterisk) misbehave. Cheap to clone. Every fault is in force when its method
/// returns, and lasts until it is used up or healed; after the server has gone, nothing has any effect.
#[derive(Debug, Clone)]
pub struct Faults {
    owner: Owner,
    lines: Arc<Lines>,
}

impl Faults {
    pub(crate) fn new(owner: Owner, lines: Arc<Lines>) -> Self {
        Self { owner, lines }
    }

    // ---- connections

    /// Closes every WebSocket properly, with a close frame.
    pub fn close_websockets(&self) {
        self.owner.run(|state| state.apps.close_all());
    }

    /// Ends every WebSocket's TCP connection in an orderly way, but without a close frame.
    pub fn end_websockets(&self) {
        self.owner.run(|state| state.apps.forget_sockets());
        self.lines.end_websockets();
    }

    /// Breaks every WebSocket's TCP connection with a reset.
    pub fn reset_websockets(&self) {
        self.owner.run(|state| state.apps.forget_sockets());
        self.lines.reset_websockets();
    }

    /// Breaks every TCP connection with a reset, those of requests under way included.
    pub fn reset_connections(&self) {
        self.owner.run(|state| state.apps.forget_sockets());
        self.lines.reset_all();
    }

    /// Refuses new TCP connections (`ECONNREFUSED`). Those that exist live on.
    pub fn refuse_connections(&self) {
        self.lines.set_open(false);
    }

    /// Accepts new TCP connections again.
    pub fn accept_connections(&self) {
        self.lines.set_open(true);
    }

    /// Goes on reading and acting, but sends nothing any more: no answers, no events, no pongs, on any connection, new
    /// ones included.
    pub fn freeze(&self) {
        self.lines.freeze_all();
    }

    /// As [`freeze`](Self::freeze), but only for the WebSockets that are open now: the half-open connection of a lost
    /// peer. Requests and new WebSockets work.
    pub fn freeze_websockets(&self) {
        self.lines.freeze_websockets();
    }

    /// As a process that was stopped: connections are accepted by the system, but nothing is read, nothing acted upon and
    /// nothing sent, on any connection, new ones included. What is requested meanwhile is done after a
    /// [`thaw`](Self::thaw); what was dialled before goes on.
    pub fn suspend(&self) {
        self.lines.suspend_all();
    }

    /// Ends [`freeze`](Self::freeze) and [`suspend`](Self::suspend); what was held back is read and sent.
    pub fn thaw(&self) {
        self.lines.thaw();
    }

    /// The process dies and is started anew at once: all connections break; channels, applications, filters and global
    /// variables are forgotten. Far ends, sounds and faults, which the test configured, stay.
    pub fn restart(&self) {
        self.owner.run(|state| state.restart());
        self.lines.reset_all();
    }

    /// As [`restart`](Self::restart), but nobody is there until [`accept_connections`](Self::accept_connections).
    pub fn crash(&self) {
        self.lines.set_open(false);
        self.restart();
    }

    /// All channels are gone, and no event tells of it; connections live on.
    pub fn forget_channels(&self) {
        self.owner.run(|state| state.forget_channels());
    }

    /// WebSockets can be opened, but their applications are not registered: user events get 404, calls are refused, no
    /// event comes.
    pub fn never_register(&self) {
        self.owner.run(|state| state.apps.set_registering(false));
    }

    /// Ends [`never_register`](Self::never_register); the applications of open WebSockets are registered now.
    pub fn register(&self) {
        self.owner.run(|state| state.apps.set_registering(true));
    }

    /// Recordings fail as soon as they are to begin, for this cause.
    pub fn fail_recordings(&self, cause: &str) {
        let cause = cause.to_owned();
        self.owner.run(move |state| state.recordings.failure = Some(cause));
    }

    // ---- requests and events

    /// Sets the seed from which the chances of all faults follow that are added from now on. Each fault has numbers of
    /// its own, by its place among those, so what it strikes depends only on the requests or events that match it. The
    /// seed is 0 at first.
    pub fn seed(&self, seed: u64) {
        self.owner.run(move |state| state.fault_draws.seed(seed));
    }

    /// Something else than the answer, for requests with this method (`*` is any) and path below `/ari`, in which each
    /// `*` stands for any characters: `on("POST", "/channels/*/dtmf")`. A new WebSocket is `GET /events`.
    ///
    /// Of several faults that match a request, the one that was added first and strikes it applies.
    pub fn on(&self, method: &str, path: &str) -> RequestFault<'_> {
        RequestFault::new(self, method, path)
    }

    /// Something else than delivery, for events of this type, in which `*` stands for any characters.
    ///
    /// Of several faults that match an event, the one that was added first and strikes it applies.
    pub fn events(&self, kind: &str) -> EventFault<'_> {
        EventFault::new(self, kind)
    }

    /// Sends this text frame on every WebSocket that has an application.
    pub fn sends_text(&self, text: &str) {
        let text = text.to_owned();
        self.owner.run(move |state| state.apps.deliver_to_all(&text.into()));
    }

    /// Sends the first half of an event as a whole text frame.
    pub fn sends_truncated_event(&self) {
        self.owner.run(|state| state.tell_truncated_event());
    }

    /// Sends an event of a type that Asterisk does not have.
    pub fn sends_unknown_event(&self) {
        self.owner.run(|state| state.tell_unknown_event());
    }

    /// Sends what happens to a channel that the client has never heard of: it rings, is answered, hears a digit and ends.
    pub fn sends_foreign_events(&self) {
        self.owner.run(|state| state.tell_foreign_events());
    }

    /// Ends all faults: rules are removed, connections thawed and accepted, applications registered.
    pub fn heal(&self) {
        self.owner.run(|state| {
            state.request_rules.clear();
            state.apps.heal();
            state.recordings.failure = None;
        });
        self.lines.thaw();
        self.lines.set_open(true);
    }
}

impl Faults {
    /// Adds a fault by what gives its number.
    fn add(&self, add: impl FnOnce(&mut State) -> u64 + Send + 'static) -> Fault {
        // Numbers begin with 1; the faults of a server that has gone are no more.
        Fault { owner: self.owner.clone(), number: self.owner.run(add).unwrap_or(0) }
    }
}

/// A fault in requests or events that is in force. Dropping this handle does not end it.
#[derive(Debug, Clone)]
pub struct Fault {
    owner: Owner,
    number: u64,
}

impl Fault {
    /// Ends this fault alone.
    pub fn end(&self) {
        let number = self.number;
        self.owner.run(move |state| state.request_rules.end(number) || state.apps.rules.end(number));
    }

    /// How many requests or events it has struck so far; 0 after its end.
    pub fn strikes(&self) -> usize {
        let number = self.number;
        let strikes = self
            .owner
            .run(move |state| state.request_rules.strikes(number).or_else(|| state.apps.rules.strikes(number)));
        strikes.flatten().unwrap_or(0)
    }
}

/// Gives each fault its number and its chance.
#[derive(Debug, Default)]
pub(crate) struct FaultDraws {
    seed: u64,
    /// How many faults were added since the seed was set.
    drawn: u64,
    numbered: u64,
}

impl FaultDraws {
    fn seed(&mut self, seed: u64) {
        (self.seed, self.drawn) = (seed, 0);
    }

    fn draw(&mut self) -> (u64, Chance) {
        self.numbered += 1;
        self.drawn += 1;
        // Far from each other, so that no two faults strike in step.
        (self.numbered, Chance::seeded(self.seed.wrapping_add(self.drawn.wrapping_mul(0xa076_1d64_78bd_642f))))
    }
}
