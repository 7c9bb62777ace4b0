//! Stasis applications: which WebSocket gets an application's events, what its filter lets through, and what the event
//! faults do to them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use axum::extract::ws::Utf8Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::events::{Event, WallClock};
use crate::rules::{EventAction, EventRules, about_a_stranger, garbled, truncated};
use crate::timers::{Timer, Timers};

/// How long an event that is to come after the next one waits for that.
const SWAP_LIMIT: Duration = Duration::from_millis(500);

/// A WebSocket for as long as it is open; never given out twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SocketId(u64);

/// Where a WebSocket's frames go. It has no bound: a frozen connection must be able to hold back whatever comes, so
/// that a thaw can send it.
pub(crate) type FrameSender = mpsc::UnboundedSender<Frame>;

/// What is done on a WebSocket, in its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    Text(Utf8Bytes),
    /// A close frame, and then the end.
    Close,
    /// The TCP connection breaks with a reset.
    Cut,
}

/// The applications that were ever seen, and the WebSockets that are open.
#[derive(Debug)]
pub(crate) struct Apps {
    by_name: BTreeMap<String, App>,
    sockets: BTreeMap<SocketId, Socket>,
    opened: u64,
    /// How many events were sent.
    sent: u64,
    /// The event faults in force.
    pub(crate) rules: EventRules,
    is_registering: bool,
}

#[derive(Debug, Default)]
struct App {
    socket: Option<SocketId>,
    filter: Filter,
    /// Events that are to come after the next one.
    swapped: Vec<Utf8Bytes>,
}

/// Which types of events an application gets.
#[derive(Debug, Default)]
struct Filter {
    allowed: Vec<Value>,
    disallowed: Vec<Value>,
    /// The types in the lists above.
    allowed_types: BTreeSet<String>,
    disallowed_types: BTreeSet<String>,
}

#[derive(Debug)]
struct Socket {
    apps: Vec<String>,
    sender: FrameSender,
}

/// The body of `PUT eventFilter` was of the wrong form.
#[derive(Debug)]
pub(crate) struct NotAFilter;

impl Default for Apps {
    fn default() -> Self {
        Self {
            by_name: BTreeMap::new(),
            sockets: BTreeMap::new(),
            opened: 0,
            sent: 0,
            rules: EventRules::default(),
            is_registering: true,
        }
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
            socket.send_frame(Frame::Close);
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

    /// Whether an application gets events of this type: it is registered, and its filter lets them through.
    pub(crate) fn wants(&self, app: &str, kind: &str) -> bool {
        let app = self.by_name.get(app).filter(|_| self.is_registering);
        app.is_some_and(|app| app.socket.is_some() && app.filter.lets_through(kind))
    }

    /// Sends an event to an application that [wants](Self::wants) it.
    pub(crate) fn publish(
        &mut self,
        app: &str,
        event: &Event<'_>,
        (now, clock): (Instant, WallClock),
        timers: &mut Timers,
    ) {
        let kind = event.kind();
        // Most of the time there is no fault, and who the event is about does not matter.
        let action = if self.rules.is_empty() { None } else { self.rules.treat(kind, event.subject()) };
        if action == Some(EventAction::Drop) {
            return;
        }
        let text = event.to_json(app, &clock.timestamp(now));
        match action {
            None => self.send(app, text.into()),
            Some(EventAction::Delay(time) | EventAction::DelayUpTo(time)) => {
                timers.add(now + time, Timer::Deliver { app: app.to_owned(), frame: text.into() });
            }
            Some(EventAction::Duplicate) => {
                let frame = Utf8Bytes::from(text);
                self.send(app, frame.clone());
                self.send(app, frame);
            }
            Some(EventAction::Swap) => {
                if let Some(app) = self.by_name.get_mut(app) {
                    app.swapped.push(text.into());
                }
                timers.add(now + SWAP_LIMIT, Timer::DeliverSwapped { app: app.to_owned() });
            }
            Some(EventAction::Truncate) => self.send(app, truncated(&text).into()),
            Some(EventAction::Garble) => self.send(app, garbled(&text).into()),
            Some(EventAction::RepeatForStranger) => {
                let foreign = about_a_stranger(&text);
                self.send(app, text.into());
                self.send(app, foreign.into());
            }
            Some(EventAction::Cut) => self.cut(app),
            Some(EventAction::Drop) => {}
        }
    }

    /// Sends an event, and after it those that were to come after it.
    fn send(&mut self, app: &str, frame: Utf8Bytes) {
        self.deliver(app, frame);
        self.deliver_swapped(app);
    }

    /// Sends what is to come after the next event, whether there was one or not.
    pub(crate) fn deliver_swapped(&mut self, app: &str) {
        let swapped = self.by_name.get_mut(app).map(|app| std::mem::take(&mut app.swapped));
        for frame in swapped.unwrap_or_default() {
            self.deliver(app, frame);
        }
    }

    /// Breaks the application's WebSocket, after what has been sent to it.
    fn cut(&mut self, app: &str) {
        if let Some(id) = self.by_name.get(app).and_then(|app| app.socket) {
            if let Some(socket) = self.sockets.get(&id) {
                socket.send_frame(Frame::Cut);
            }
            self.close(id);
        }
    }

    /// Puts a frame on the application's WebSocket as it is.
    pub(crate) fn deliver(&mut self, app: &str, frame: Utf8Bytes) {
        let socket = self.by_name.get(app).and_then(|app| self.sockets.get(&app.socket?));
        if let Some(socket) = socket {
            self.sent += 1;
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
            Some(Value::Array(list)) if list.iter().all(|entry| entry["type"].is_string()) => Ok(Some(list.clone())),
            Some(_) => Err(NotAFilter),
        };
        let (allowed, disallowed) = (list("allowed")?, list("disallowed")?);
        let is_reset = filter.as_object().is_none_or(serde_json::Map::is_empty);
        let filter = &mut self.by_name.entry(app.to_owned()).or_default().filter;
        if is_reset {
            *filter = Filter::default();
        }
        if let Some(allowed) = allowed {
            filter.allowed_types = types(&allowed);
            filter.allowed = allowed;
        }
        if let Some(disallowed) = disallowed {
            filter.disallowed_types = types(&disallowed);
            filter.disallowed = disallowed;
        }
        Ok(())
    }

    /// An application's filter as the application object shows it: allowed, disallowed.
    pub(crate) fn filter(&self, app: &str) -> (Value, Value) {
        let app = self.by_name.get(app);
        let list = |list: fn(&Filter) -> &[Value]| json!(app.map_or(&[][..], |app| list(&app.filter)));
        (list(|filter| &filter.allowed), list(|filter| &filter.disallowed))
    }

    /// How many events were sent.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
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

impl Filter {
    fn lets_through(&self, kind: &str) -> bool {
        (self.allowed.is_empty() || self.allowed_types.contains(kind)) && !self.disallowed_types.contains(kind)
    }
}

/// The types in one of a filter's lists.
fn types(list: &[Value]) -> BTreeSet<String> {
    list.iter().filter_map(|entry| entry["type"].as_str()).map(str::to_owned).collect()
}

impl Socket {
    fn send(&self, frame: Utf8Bytes) {
        self.send_frame(Frame::Text(frame));
    }

    fn send_frame(&self, frame: Frame) {
        // A socket whose task has ended is about to be reported as closed; its frames are lost as on a real one.
        let _ = self.sender.send(frame);
    }
}
