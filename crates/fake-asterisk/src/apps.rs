//! Stasis applications: which WebSocket gets an application's events, what its filter lets through, and what the event
//! faults do to them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::extract::ws::{Message, Utf8Bytes};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::behaviour::matches;
use crate::events::Event;
use crate::timers::{Timer, Timers};

/// A WebSocket for as long as it is open; never given out twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SocketId(u64);

/// Where a WebSocket's frames go. It has no bound: a frozen connection must be able to hold back whatever comes, so
/// that a thaw can send it.
pub(crate) type FrameSender = mpsc::UnboundedSender<Message>;

/// The applications that were ever seen, and the WebSockets that are open.
#[derive(Debug)]
pub(crate) struct Apps {
    by_name: BTreeMap<String, App>,
    sockets: BTreeMap<SocketId, Socket>,
    opened: u64,
    rules: Vec<EventRule>,
    is_registering: bool,
}

#[derive(Debug, Default)]
struct App {
    socket: Option<SocketId>,
    allowed: Vec<Value>,
    disallowed: Vec<Value>,
}

#[derive(Debug)]
struct Socket {
    apps: Vec<String>,
    sender: FrameSender,
}

/// The body of `PUT eventFilter` was of the wrong form.
#[derive(Debug)]
pub(crate) struct NotAFilter;

/// What is done to events of some type.
#[derive(Debug, Clone)]
pub(crate) struct EventRule {
    pub(crate) kind: String,
    /// How many more events it applies to; `None` is all.
    pub(crate) remaining: Option<usize>,
    pub(crate) action: EventAction,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum EventAction {
    Drop,
    Duplicate,
    Delay(Duration),
}

impl Default for Apps {
    fn default() -> Self {
        Self { by_name: BTreeMap::new(), sockets: BTreeMap::new(), opened: 0, rules: Vec::new(), is_registering: true }
    }
}

impl Apps {
    /// Whether an application can be entered: it has a WebSocket.
    pub(crate) fn is_registered(&self, app: &str) -> bool {
        self.is_registering && self.by_name.get(app).is_some_and(|app| app.socket.is_some())
    }

    /// A WebSocket takes over its applications; each one that has lost its application is told so and hears no more.
    pub(crate) fn open(&mut self, apps: Vec<String>, sender: FrameSender, timestamp: &str) -> SocketId {
        self.opened += 1;
        let id = SocketId(self.opened);
        for name in &apps {
            let replaced = self.by_name.entry(name.clone()).or_default().socket.replace(id);
            if let Some(socket) = replaced.and_then(|id| self.sockets.get(&id))
                && self.is_registering
            {
                socket.send(Event::ApplicationReplaced.to_json(name, timestamp).into());
            }
        }
        self.sockets.insert(id, Socket { apps, sender });
        id
    }

    pub(crate) fn close(&mut self, id: SocketId) {
        self.sockets.remove(&id);
        for app in self.by_name.values_mut() {
            app.socket.take_if(|socket| *socket == id);
        }
    }

    /// Sends a close frame on every WebSocket, and takes them all as closed.
    pub(crate) fn close_all(&mut self) {
        for socket in self.sockets.values() {
            socket.send_message(Message::Close(None));
        }
        self.forget_sockets();
    }

    /// Takes all WebSockets as closed.
    pub(crate) fn forget_sockets(&mut self) {
        self.sockets.clear();
        self.by_name.values_mut().for_each(|app| app.socket = None);
    }

    /// Forgets the applications and their filters too, as a restart does.
    pub(crate) fn forget(&mut self) {
        self.sockets.clear();
        self.by_name.clear();
    }

    /// Sends an event to an application, if it is registered and its filter lets the event through.
    pub(crate) fn publish(
        &mut self,
        app: &str,
        event: &Event<'_>,
        (now, timestamp): (Instant, &str),
        timers: &mut Timers,
    ) {
        if !self.is_registered(app) || !self.by_name.get(app).is_some_and(|app| app.lets_through(event.kind())) {
            return;
        }
        let action = self.action_on(event.kind());
        if let Some(EventAction::Drop) = action {
            return;
        }
        let frame = Utf8Bytes::from(event.to_json(app, timestamp));
        match action {
            Some(EventAction::Delay(time)) => timers.add(now + time, Timer::Deliver { app: app.to_owned(), frame }),
            Some(EventAction::Duplicate) => {
                self.deliver(app, frame.clone());
                self.deliver(app, frame);
            }
            Some(EventAction::Drop) | None => self.deliver(app, frame),
        }
    }

    /// Puts a frame on the application's WebSocket as it is.
    pub(crate) fn deliver(&self, app: &str, frame: Utf8Bytes) {
        let socket = self.by_name.get(app).and_then(|app| self.sockets.get(&app.socket?));
        if let Some(socket) = socket {
            socket.send(frame);
        }
    }

    /// Puts a frame on every WebSocket that has an application.
    pub(crate) fn deliver_to_all(&self, frame: &Utf8Bytes) {
        for (_, is_current, socket) in self.sockets_with_currency() {
            if is_current {
                socket.send(frame.clone());
            }
        }
    }

    fn action_on(&mut self, kind: &str) -> Option<EventAction> {
        let rule = self.rules.iter_mut().find(|rule| rule.remaining != Some(0) && matches(&rule.kind, kind))?;
        if let Some(remaining) = &mut rule.remaining {
            *remaining -= 1;
        }
        Some(rule.action)
    }

    pub(crate) fn add_rule(&mut self, rule: EventRule) {
        self.rules.push(rule);
    }

    /// Removes all event faults.
    pub(crate) fn heal(&mut self) {
        self.rules.clear();
        self.is_registering = true;
    }

    /// Whether WebSockets register their applications.
    pub(crate) fn set_registering(&mut self, is_registering: bool) {
        self.is_registering = is_registering;
    }

    /// Sets an application's filter as `PUT eventFilter` does: `{}` resets it, otherwise the lists that are given replace
    /// the old ones.
    pub(crate) fn set_filter(&mut self, app: &str, filter: &Value) -> Result<(), NotAFilter> {
        let list = |name: &str| match filter.get(name) {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list.clone())),
            Some(_) => Err(NotAFilter),
        };
        let (allowed, disallowed) = (list("allowed")?, list("disallowed")?);
        let app = self.by_name.entry(app.to_owned()).or_default();
        if allowed.is_none() && disallowed.is_none() {
            app.allowed.clear();
            app.disallowed.clear();
        }
        if let Some(allowed) = allowed {
            app.allowed = allowed;
        }
        if let Some(disallowed) = disallowed {
            app.disallowed = disallowed;
        }
        Ok(())
    }

    /// An application's filter as the application object shows it: allowed, disallowed.
    pub(crate) fn filter(&self, app: &str) -> (Value, Value) {
        let app = self.by_name.get(app);
        (json!(app.map_or(&[][..], |app| &app.allowed)), json!(app.map_or(&[][..], |app| &app.disallowed)))
    }

    /// The names of the applications that have a WebSocket.
    pub(crate) fn registered(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str).filter(|name| self.is_registered(name))
    }

    /// Each open WebSocket's applications, and whether it is the current one of at least one of them.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = (&[String], bool)> {
        self.sockets_with_currency().map(|(_, is_current, socket)| (socket.apps.as_slice(), is_current))
    }

    fn sockets_with_currency(&self) -> impl Iterator<Item = (SocketId, bool, &Socket)> {
        self.sockets.iter().map(|(id, socket)| {
            let is_current = self.by_name.values().any(|app| app.socket == Some(*id));
            (*id, is_current, socket)
        })
    }
}

impl App {
    fn lets_through(&self, kind: &str) -> bool {
        let lists = |list: &[Value]| list.iter().any(|entry| entry["type"] == kind);
        (self.allowed.is_empty() || lists(&self.allowed)) && !lists(&self.disallowed)
    }
}

impl Socket {
    fn send(&self, frame: Utf8Bytes) {
        self.send_message(Message::Text(frame));
    }

    fn send_message(&self, message: Message) {
        // A socket whose task has ended is about to be reported as closed; its frames are lost as on a real one.
        let _ = self.sender.send(message);
    }
}
