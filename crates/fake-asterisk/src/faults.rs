//! Faults on demand: what a real server does not do when a test needs it.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;

use crate::connections::Connections;
use crate::events::ClockStep;
use crate::message::{Answer, Content};
use crate::owner::Owner;
use crate::rules::{EventAction, EventMatcher, RequestAction, RequestMatcher, Selection};
use crate::state::State;

/// Makes a [`FakeAsterisk`](crate::FakeAsterisk) misbehave. Cheap to clone. Every fault is in force when its method
/// returns, and lasts until it is used up or healed; after the server has gone, nothing has any effect.
#[derive(Debug, Clone)]
pub struct Faults {
    owner: Owner,
    connections: Arc<Connections>,
}

impl Faults {
    pub(crate) fn new(owner: Owner, connections: Arc<Connections>) -> Self {
        Self { owner, connections }
    }

    // ---- connections

    /// Closes every WebSocket properly, with a close frame.
    pub fn close_websockets(&self) {
        self.owner.run(|state| state.apps.close_all());
    }

    /// Ends every WebSocket's TCP connection in an orderly way, but without a close frame.
    pub fn end_websockets(&self) {
        self.owner.run(|state| state.apps.forget_sockets());
        self.connections.end_websockets();
    }

    /// Breaks every WebSocket's TCP connection with a reset.
    pub fn reset_websockets(&self) {
        self.owner.run(|state| state.apps.forget_sockets());
        self.connections.reset_websockets();
    }

    /// Breaks every TCP connection with a reset, those of requests under way included.
    pub fn reset_connections(&self) {
        self.owner.run(|state| state.apps.forget_sockets());
        self.connections.reset_all();
    }

    /// Refuses new TCP connections (`ECONNREFUSED`). Those that exist live on.
    pub fn refuse_connections(&self) {
        self.connections.set_open(false);
    }

    /// Accepts new TCP connections again.
    pub fn accept_connections(&self) {
        self.connections.set_open(true);
    }

    /// Goes on reading and acting, but sends nothing any more: no answers, no events, no pongs, on any connection, new
    /// ones included.
    pub fn freeze(&self) {
        self.connections.freeze_all();
    }

    /// As [`freeze`](Self::freeze), but only for the WebSockets that are open now: the half-open connection of a lost
    /// peer. Requests and new WebSockets work.
    pub fn freeze_websockets(&self) {
        self.connections.freeze_websockets();
    }

    /// As a process that was stopped: connections are accepted by the system, but nothing is read, nothing acted upon and
    /// nothing sent, on any connection, new ones included. What is requested meanwhile is done after a
    /// [`thaw`](Self::thaw); what was dialled before goes on.
    pub fn suspend(&self) {
        self.connections.suspend_all();
    }

    /// Ends [`freeze`](Self::freeze) and [`suspend`](Self::suspend); what was held back is read and sent.
    pub fn thaw(&self) {
        self.connections.thaw();
    }

    /// The process dies and is started anew at once: all connections break; channels, applications, filters and global
    /// variables are forgotten. Far ends, sounds and faults, which the test configured, stay.
    pub fn restart(&self) {
        self.owner.run(|state| state.restart());
        self.connections.reset_all();
    }

    /// As [`restart`](Self::restart), but nobody is there until [`accept_connections`](Self::accept_connections).
    pub fn crash(&self) {
        self.connections.set_open(false);
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

    /// The server's clock steps: what its events say of times is wrong across that moment.
    pub fn step_clock(&self, by: ClockStep) {
        self.owner.run(move |state| state.clock.step(by));
    }

    /// So many strangers call that link at one moment.
    pub fn strangers_call(&self, link: &str, count: usize) {
        let link = link.to_owned();
        self.owner.run(move |state| {
            for _ in 0..count {
                state.call_in(&link, &link, ("Mallory", "+4930999").into());
            }
        });
    }

    // ---- requests and events

    /// Something else than the answer, for requests with this method (`*` is any) and path below `/ari`, in which each
    /// `*` stands for any characters: `on("POST", "/channels/*/dtmf")`. A new WebSocket is `GET /events`.
    ///
    /// Of several faults that match a request, the one that was added first and strikes it applies.
    pub fn on(&self, method: &str, path: &str) -> RequestFault<'_> {
        let matcher = RequestMatcher { method: method.to_owned(), path: path.to_owned() };
        NewFault { faults: self, matcher, selection: Selection::default() }
    }

    /// Something else than delivery, for events of this type, in which `*` stands for any characters.
    ///
    /// Of several faults that match an event, the one that was added first and strikes it applies.
    pub fn events(&self, kind: &str) -> EventFault<'_> {
        let matcher = EventMatcher { kind: kind.to_owned(), subject: "*".to_owned() };
        NewFault { faults: self, matcher, selection: Selection::default() }
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
        });
        self.connections.thaw();
        self.connections.set_open(true);
    }
}

/// A fault that a test is about to add, with what it could strike. It takes effect when its ending is named.
#[derive(Debug)]
#[must_use = "a fault takes effect when `answers`, `delays`, `drops` or another ending is called"]
pub struct NewFault<'a, M> {
    faults: &'a Faults,
    matcher: M,
    selection: Selection,
}

/// A fault in the answering of requests, begun with [`Faults::on`].
pub type RequestFault<'a> = NewFault<'a, RequestMatcher>;

/// A fault in the delivery of events, begun with [`Faults::events`].
pub type EventFault<'a> = NewFault<'a, EventMatcher>;

impl<M> NewFault<'_, M> {
    /// Only for the next `times` requests or events that match.
    pub fn times(mut self, times: usize) -> Self {
        self.selection.remaining = Some(times);
        self
    }

    /// Only after that many that match went as usual.
    pub fn after(mut self, passes: usize) -> Self {
        self.selection.passes = passes;
        self
    }
}

impl RequestFault<'_> {
    /// Answers with this status and body (JSON text, or empty); the request has no effect.
    pub fn answers(self, status: u16, body: &str) -> Fault {
        let body = (!body.is_empty()).then(|| Content::json(body.to_owned()));
        self.add(RequestAction::Answer(Answer { status, body }))
    }

    /// Refuses with this status and the usual words for it, in Asterisk's form; the request has no effect.
    pub fn refuses(self, status: u16) -> Fault {
        self.add(RequestAction::Answer(refusal(status)))
    }

    /// The request takes effect, but its sender is given this status: as by a proxy that has lost patience with the server.
    pub fn acts_but_refuses(self, status: u16) -> Fault {
        self.add(RequestAction::AnswerAfterwards(refusal(status)))
    }

    /// The request takes effect at once; its answer comes `time` later, which may be after its sender's deadline.
    pub fn delays(self, time: Duration) -> Fault {
        self.add(RequestAction::Delay(time))
    }

    /// As [`delays`](Self::delays), by a time of its own for each, from zero up to `longest`.
    pub fn delays_up_to(self, longest: Duration) -> Fault {
        self.add(RequestAction::DelayUpTo(longest))
    }

    /// The request waits for `time` before it takes effect and is answered, which may be after its sender's deadline.
    pub fn acts_late(self, time: Duration) -> Fault {
        self.add(RequestAction::Postpone(time))
    }

    /// The answer's head comes at once, its body in ten pieces over `time`.
    pub fn dribbles(self, time: Duration) -> Fault {
        self.add(RequestAction::Dribble(time))
    }

    /// The request takes effect; the answer has only the first half of its body, as if that were the whole.
    pub fn truncates(self) -> Fault {
        self.add(RequestAction::Truncate)
    }

    /// The request takes effect; the answer's body is as long as it should be, but no JSON.
    pub fn garbles(self) -> Fault {
        self.add(RequestAction::Garble)
    }

    /// The request takes effect; the connection breaks in the middle of the answer's body.
    pub fn breaks_off(self) -> Fault {
        self.add(RequestAction::BreakOff)
    }

    /// The request takes effect, but no answer ever comes.
    pub fn loses(self) -> Fault {
        self.add(RequestAction::Lose)
    }

    /// The request takes effect, and the connection breaks instead of an answer.
    pub fn resets(self) -> Fault {
        self.add(RequestAction::Reset)
    }

    fn add(self, action: RequestAction) -> Fault {
        let Self { faults, matcher, selection } = self;
        faults.add(move |state| {
            let draw = state.fault_draws.draw();
            let number = draw.0;
            state.request_rules.add(draw, matcher, selection, action);
            number
        })
    }
}

/// A status and the usual words for it, in Asterisk's form.
fn refusal(status: u16) -> Answer {
    let words = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    Answer::message(status, words.unwrap_or("Refused"))
}

impl EventFault<'_> {
    /// Only for events about a channel (or a playback or recording of one) with this id, in which `*` stands for any
    /// characters.
    pub fn of_channel(mut self, id: &str) -> Self {
        id.clone_into(&mut self.matcher.subject);
        self
    }

    /// The events are lost.
    pub fn drops(self) -> Fault {
        self.add(EventAction::Drop)
    }

    /// Each event comes twice.
    pub fn duplicates(self) -> Fault {
        self.add(EventAction::Duplicate)
    }

    /// Each event comes `time` late; events of other types are not held up by it, so the order changes.
    pub fn delays(self, time: Duration) -> Fault {
        self.add(EventAction::Delay(time))
    }

    /// As [`delays`](Self::delays), by a time of its own for each, from zero up to `longest`: their order is left to
    /// chance.
    pub fn delays_up_to(self, longest: Duration) -> Fault {
        self.add(EventAction::DelayUpTo(longest))
    }

    /// Each event comes only after the next one that its application gets. If none follows within half a second, it
    /// comes then.
    pub fn swaps(self) -> Fault {
        self.add(EventAction::Swap)
    }

    /// Only the first half of each event comes, as a whole text frame.
    pub fn truncates(self) -> Fault {
        self.add(EventAction::Truncate)
    }

    /// Each event comes as a frame that is no JSON.
    pub fn garbles(self) -> Fault {
        self.add(EventAction::Garble)
    }

    /// Each event is followed by one like it about a channel that the client has nothing to do with.
    pub fn repeats_for_stranger(self) -> Fault {
        self.add(EventAction::RepeatForStranger)
    }

    /// The WebSocket breaks with a TCP reset in place of the event.
    pub fn cuts(self) -> Fault {
        self.add(EventAction::Cut)
    }

    fn add(self, action: EventAction) -> Fault {
        let Self { faults, matcher, selection } = self;
        faults.add(move |state| {
            let draw = state.fault_draws.draw();
            let number = draw.0;
            state.apps.rules.add(draw, matcher, selection, action);
            number
        })
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
