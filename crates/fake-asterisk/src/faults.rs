//! Faults on demand: what a real server does not do when a test needs it.

use std::sync::Arc;
use std::time::Duration;

use crate::apps::{EventAction, EventRule};
use crate::behaviour::matches;
use crate::line::Lines;
use crate::message::{Answer, Content};
use crate::server::Owner;

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

    /// Ends every freeze; what was held back is sent.
    pub fn thaw(&self) {
        self.lines.thaw();
    }

    /// The process dies and is started anew at once: all connections break; channels, applications, filters and global
    /// variables are forgotten. Far ends, sounds and faults, which the test configured, stay.
    pub fn restart(&self) {
        self.owner.run(|state| state.restart());
        self.lines.reset_all();
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

    // ---- requests and events

    /// Something else than the answer, for requests with this method (`*` is any) and path below `/ari`, in which each
    /// `*` stands for any characters: `on("POST", "/channels/*/dtmf")`. A new WebSocket is `GET /events`.
    ///
    /// Of several faults that match a request, the one that was added first and is not used up applies.
    pub fn on(&self, method: &str, path: &str) -> RequestFault<'_> {
        RequestFault { faults: self, method: method.to_owned(), path: path.to_owned(), times: None }
    }

    /// Something else than delivery, for events of this type, in which `*` stands for any characters.
    ///
    /// Of several faults that match an event, the one that was added first and is not used up applies.
    pub fn events(&self, kind: &str) -> EventFault<'_> {
        EventFault { faults: self, kind: kind.to_owned(), times: None }
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

    /// Ends all faults: rules are removed, connections thawed and accepted, applications registered.
    pub fn heal(&self) {
        self.owner.run(|state| {
            state.request_rules.clear();
            state.apps.heal();
        });
        self.lines.thaw();
        self.lines.set_open(true);
    }
}

/// A fault in the answering of requests, begun with [`Faults::on`]. It takes effect when its ending is named.
#[derive(Debug)]
#[must_use = "a fault takes effect when `answers`, `delays`, `loses` or `resets` is called"]
pub struct RequestFault<'a> {
    faults: &'a Faults,
    method: String,
    path: String,
    times: Option<usize>,
}

impl RequestFault<'_> {
    /// Only for the next `times` requests that match.
    pub fn times(mut self, times: usize) -> Self {
        self.times = Some(times);
        self
    }

    /// Answers with this status and body (JSON text, or empty); the request has no effect.
    pub fn answers(self, status: u16, body: &str) {
        let body = (!body.is_empty()).then(|| Content::json(body.to_owned()));
        self.add(RequestAction::Answer(Answer { status, body }));
    }

    /// The request takes effect at once; its answer comes `time` later.
    pub fn delays(self, time: Duration) {
        self.add(RequestAction::Delay(time));
    }

    /// The request takes effect, but no answer ever comes.
    pub fn loses(self) {
        self.add(RequestAction::Lose);
    }

    /// The request takes effect, and the connection breaks instead of an answer.
    pub fn resets(self) {
        self.add(RequestAction::Reset);
    }

    fn add(self, action: RequestAction) {
        let rule = RequestRule { method: self.method, path: self.path, remaining: self.times, action };
        self.faults.owner.run(move |state| state.request_rules.add(rule));
    }
}

/// A fault in the delivery of events, begun with [`Faults::events`]. It takes effect when its ending is named.
#[derive(Debug)]
#[must_use = "a fault takes effect when `drops`, `duplicates` or `delays` is called"]
pub struct EventFault<'a> {
    faults: &'a Faults,
    kind: String,
    times: Option<usize>,
}

impl EventFault<'_> {
    /// Only for the next `times` events that match.
    pub fn times(mut self, times: usize) -> Self {
        self.times = Some(times);
        self
    }

    /// The events are lost.
    pub fn drops(self) {
        self.add(EventAction::Drop);
    }

    /// Each event comes twice.
    pub fn duplicates(self) {
        self.add(EventAction::Duplicate);
    }

    /// Each event comes `time` late; events of other types are not held up by it, so the order changes.
    pub fn delays(self, time: Duration) {
        self.add(EventAction::Delay(time));
    }

    fn add(self, action: EventAction) {
        let rule = EventRule { kind: self.kind, remaining: self.times, action };
        self.faults.owner.run(move |state| state.apps.add_rule(rule));
    }
}

/// What becomes of an answer.
#[derive(Debug)]
pub(crate) enum Fate {
    /// It is sent, `after` this time.
    Answered { answer: Answer, after: Duration },
    /// It is never sent.
    Lost,
    /// The connection breaks.
    Reset,
}

#[derive(Debug, Clone)]
enum RequestAction {
    Answer(Answer),
    Delay(Duration),
    Lose,
    Reset,
}

#[derive(Debug)]
struct RequestRule {
    method: String,
    path: String,
    remaining: Option<usize>,
    action: RequestAction,
}

/// The request faults in force.
#[derive(Debug, Default)]
pub(crate) struct RequestRules(Vec<RequestRule>);

/// What the faults do to one request.
#[derive(Debug)]
pub(crate) struct Treatment(Option<RequestAction>);

impl RequestRules {
    fn add(&mut self, rule: RequestRule) {
        self.0.push(rule);
    }

    fn clear(&mut self) {
        self.0.clear();
    }

    /// Finds what is to be done to a request, and counts it.
    pub(crate) fn take(&mut self, method: &str, path: &str) -> Treatment {
        let rule = self
            .0
            .iter_mut()
            .find(|rule| rule.remaining != Some(0) && matches(&rule.method, method) && matches(&rule.path, path));
        Treatment(rule.map(|rule| {
            if let Some(remaining) = &mut rule.remaining {
                *remaining -= 1;
            }
            rule.action.clone()
        }))
    }
}

impl Treatment {
    /// The answer that is given without doing what was asked for.
    pub(crate) fn replacement(&self) -> Option<Answer> {
        match &self.0 {
            Some(RequestAction::Answer(answer)) => Some(answer.clone()),
            _ => None,
        }
    }

    pub(crate) fn fate(self, answer: Answer) -> Fate {
        match self.0 {
            None | Some(RequestAction::Answer(_)) => Fate::Answered { answer, after: Duration::ZERO },
            Some(RequestAction::Delay(after)) => Fate::Answered { answer, after },
            Some(RequestAction::Lose) => Fate::Lost,
            Some(RequestAction::Reset) => Fate::Reset,
        }
    }
}
