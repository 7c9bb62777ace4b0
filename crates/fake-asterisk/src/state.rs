//! The server's whole state and the one function through which everything reaches it. It does no I/O and reads no clock:
//! what `server` receives comes in as an [`Input`] with its time, and frames and answers go out through senders.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::apps::{Apps, FrameSender, SocketId};
use crate::archive::Recordings;
use crate::behaviour::FarEnds;
use crate::channels::{Channel, Channels, Key};
use crate::events::{Event, WallClock};
use crate::log::{Log, Request};
use crate::message::{Answer, Params, Received};
use crate::rules::{Fate, FaultDraws, RequestRules, Treatment};
use crate::timers::{Timer, Timers};
use crate::traffic::Reactions;

/// Who may use the server.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

impl Credentials {
    fn pair(&self) -> String {
        format!("{}:{}", self.user, self.password)
    }

    fn authorization(&self) -> String {
        use base64::Engine as _;
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(self.pair()))
    }
}

/// Everything that can happen to the state.
pub(crate) enum Input {
    Request {
        request: Received,
        reply: oneshot::Sender<Fate>,
    },
    WebSocketOpened {
        apps: Vec<String>,
        sender: FrameSender,
        id: oneshot::Sender<SocketId>,
    },
    WebSocketClosed {
        id: SocketId,
    },
    /// Something that a test wants done or known.
    Test(Box<dyn FnOnce(&mut State) + Send>),
    /// Nothing but the passing of time.
    TimePassed,
}

/// Looks at the state; whether there is nothing more to wait for.
pub(crate) type Watcher = Box<dyn FnMut(&State) -> bool + Send>;

/// The server.
pub(crate) struct State {
    /// The time of the input that is being handled, or of the timer that is due.
    pub(crate) now: Instant,
    /// When the input that is being handled was taken up: later than `now` for a timer that was due before.
    taken_up: Instant,
    pub(crate) clock: WallClock,
    pub(crate) started_at: String,
    credentials: Credentials,
    /// The `Authorization` of those who may use the server.
    authorization: String,
    /// The application named in the dialplan's `Stasis()`.
    pub(crate) dialplan_app: String,
    /// Whether the dialplan enters the application once more, in the extension `h`, when an inbound channel ends.
    pub(crate) dialplan_catches_h: bool,
    pub(crate) channels: Channels,
    pub(crate) apps: Apps,
    pub(crate) timers: Timers,
    pub(crate) far_ends: FarEnds,
    pub(crate) global_variables: BTreeMap<String, String>,
    /// Sounds that exist, by the name after `sound:`, and how long they are.
    pub(crate) sounds: BTreeMap<String, Duration>,
    /// Counts whatever needs a number of its own: channel names, ids that the server chooses.
    numbered: u32,
    /// The channels on which something is playing, by the playback's id.
    pub(crate) playbacks: BTreeMap<String, Key>,
    pub(crate) recordings: Recordings,
    pub(crate) log: Log,
    pub(crate) reactions: Reactions,
    pub(crate) request_rules: RequestRules,
    pub(crate) fault_draws: FaultDraws,
    /// Those who wait for something to be seen. Each looks after every change, and says whether it is done.
    pub(crate) watchers: Vec<Watcher>,
}

impl State {
    pub(crate) fn new(credentials: Credentials, now: Instant) -> Self {
        let clock = WallClock::starting(now);
        Self {
            now,
            taken_up: now,
            clock,
            started_at: clock.timestamp(now),
            authorization: credentials.authorization(),
            credentials,
            dialplan_app: "calltest".to_owned(),
            dialplan_catches_h: false,
            channels: Channels::default(),
            apps: Apps::default(),
            timers: Timers::default(),
            far_ends: FarEnds::default(),
            global_variables: BTreeMap::new(),
            sounds: BTreeMap::from([("beep".to_owned(), Duration::from_millis(420))]),
            numbered: 0,
            playbacks: BTreeMap::new(),
            recordings: Recordings::default(),
            log: Log::default(),
            reactions: Reactions::default(),
            request_rules: RequestRules::default(),
            fault_draws: FaultDraws::default(),
            watchers: Vec::new(),
        }
    }

    /// Handles what happened at `now`, after everything that was due before.
    pub(crate) fn handle(&mut self, input: Input, now: Instant) {
        self.taken_up = now;
        while let Some((due, timer)) = self.timers.take_due(now) {
            self.now = due.max(self.now);
            self.handle_timer(timer);
        }
        self.now = now.max(self.now);
        match input {
            Input::Request { request, reply } => {
                let fate = self.handle_request(request);
                // The client may have gone away meanwhile; what it asked for has happened nevertheless.
                let _ = reply.send(fate);
            }
            Input::WebSocketOpened { apps, sender, id } => {
                let timestamp = self.timestamp();
                let socket = self.apps.open(apps, sender, &timestamp);
                if id.send(socket).is_err() {
                    self.apps.close(socket);
                }
            }
            Input::WebSocketClosed { id } => self.apps.close(id),
            Input::Test(act) => act(self),
            Input::TimePassed => {}
        }
        self.notify_watchers();
    }

    /// When to come back with [`Input::TimePassed`], unless something else happens before.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.timers.next_due()
    }

    fn handle_timer(&mut self, timer: Timer) {
        match timer {
            Timer::FarEnd(channel) => self.continue_script(channel),
            Timer::Arrival(channel) => self.arrive(channel),
            Timer::DialTimeout(channel) => self.dial_timed_out(channel),
            Timer::AbsoluteTimeout { channel, setting } => self.absolute_timeout_passed(channel, setting),
            Timer::Digit { heard_by, digit, duration } => self.digit_heard(heard_by, digit, duration),
            Timer::DigitsEnd(channel) => self.digits_sent(channel),
            Timer::MediaEnd { channel, turn } => self.medium_ended(channel, turn),
            Timer::Deliver { app, frame } => self.apps.deliver(&app, frame),
            Timer::DeliverSwapped { app } => self.apps.deliver_swapped(&app),
        }
    }

    fn handle_request(&mut self, received: Received) -> Fate {
        let path = format!("/{}", received.path.join("/"));
        let method = received.method.as_str();
        self.reactions.request(method, &path, self.taken_up);
        let treatment = match received.was_postponed {
            false => self.request_rules.treat(method, &path),
            true => Treatment::none(),
        };
        if let Some(time) = treatment.postponement() {
            return Fate::Postponed { request: received, time };
        }
        let answer = match treatment.replacement() {
            Some(answer) => answer,
            None if !self.is_authorized(&received) => Answer::message(401, "Authentication required"),
            None => {
                let params = Params::new(&received.query, &received.body);
                self.answer(&received.method, &received.path, &params, received.is_upgrade)
            }
        };
        self.log.add(Request {
            method: method.to_owned(),
            path,
            query: received.query,
            body: received.body,
            at: self.now,
            status: answer.status,
        });
        treatment.fate(answer)
    }

    fn is_authorized(&self, received: &Received) -> bool {
        match received.query.iter().find(|(name, _)| name == "api_key") {
            Some((_, key)) => *key == self.credentials.pair(),
            None => received.authorization.as_ref().is_some_and(|given| *given == self.authorization),
        }
    }

    fn notify_watchers(&mut self) {
        let mut watchers = std::mem::take(&mut self.watchers);
        watchers.retain_mut(|is_done| !is_done(self));
        self.watchers.append(&mut watchers);
    }

    /// The wall time of what is being handled.
    pub(crate) fn timestamp(&self) -> String {
        self.clock.timestamp(self.now)
    }

    /// The next number for a name or an id.
    pub(crate) fn next_number(&mut self) -> u32 {
        self.numbered += 1;
        self.numbered
    }

    /// Sends an event about a channel to everybody who hears of it. A channel that has ended has no events any more.
    pub(crate) fn tell(&mut self, key: Key, event: impl for<'a> FnOnce(&'a Channel) -> Event<'a>) {
        self.tell_maybe(key, |channel| Some(event(channel)));
    }

    /// As [`tell`](Self::tell), for an event that depends on what the channel is doing.
    pub(crate) fn tell_maybe(&mut self, key: Key, event: impl for<'a> FnOnce(&'a Channel) -> Option<Event<'a>>) {
        let Some(channel) = self.channels.get(key) else { return };
        let Some(event) = event(channel) else { return };
        for app in &channel.listeners {
            if self.apps.wants(app, event.kind()) {
                self.reactions.event(event.kind(), event.subject(), self.taken_up);
                self.apps.publish(app, &event, (self.now, self.clock), &mut self.timers);
            }
        }
    }

    /// Sends a user event to an application.
    pub(crate) fn tell_user_event(&mut self, app: &str, eventname: &str, userevent: serde_json::Value) {
        let event = Event::ChannelUserevent { eventname, userevent };
        if self.apps.wants(app, event.kind()) {
            self.apps.publish(app, &event, (self.now, self.clock), &mut self.timers);
        }
    }

    /// Forgets all channels without a word.
    pub(crate) fn forget_channels(&mut self) {
        self.channels.clear();
        self.playbacks.clear();
        self.recordings.forget_live();
    }

    /// Forgets what a process that is started anew has forgotten. What was configured by the test stays.
    pub(crate) fn restart(&mut self) {
        self.forget_channels();
        self.apps.forget();
        self.timers.clear();
        self.global_variables.clear();
        self.started_at = self.timestamp();
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use serde_json::Value;
    use tokio::sync::mpsc;

    use super::*;
    use crate::apps::Frame;

    /// A state, the time that has passed for it, and the frames of its WebSocket.
    struct Scene {
        state: State,
        start: Instant,
        passed: Duration,
        frames: mpsc::UnboundedReceiver<Frame>,
    }

    impl Scene {
        fn new() -> Self {
            let start = Instant::now();
            let credentials = Credentials { user: "u".to_owned(), password: "p".to_owned() };
            let mut state = State::new(credentials, start);
            let (sender, frames) = mpsc::unbounded_channel();
            let apps = vec!["calltest".to_owned()];
            let (id, _opened) = oneshot::channel();
            state.handle(Input::WebSocketOpened { apps, sender, id }, start);
            Self { state, start, passed: Duration::ZERO, frames }
        }

        fn post(&mut self, path: &str, query: &[(&str, &str)]) -> u16 {
            let mut query: Vec<_> =
                query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            query.push(("api_key".to_owned(), "u:p".to_owned()));
            let request = Received {
                method: Method::POST,
                path: path.split('/').map(str::to_owned).collect(),
                query,
                body: String::new(),
                authorization: None,
                is_upgrade: false,
                was_postponed: false,
            };
            let (reply, mut fate) = oneshot::channel();
            self.state.handle(Input::Request { request, reply }, self.start + self.passed);
            match fate.try_recv() {
                Ok(Fate::Answered { answer, .. }) => answer.status,
                other => panic!("no answer but {other:?}"),
            }
        }

        /// Lets time pass from one timer to the next; gives each event of this type with the milliseconds passed since
        /// the call.
        fn pass(&mut self, time: Duration, kind: &str) -> Vec<(u128, Value)> {
            let begin = self.passed;
            let end = begin + time;
            let mut seen = Vec::new();
            while self.passed < end {
                let due = self.state.next_due().map_or(end, |due| (due - self.start).clamp(self.passed, end));
                self.passed = due;
                self.state.handle(Input::TimePassed, self.start + self.passed);
                while let Ok(Frame::Text(text)) = self.frames.try_recv() {
                    let event: Value = serde_json::from_str(&text).expect("events are JSON");
                    if event["type"] == kind {
                        seen.push(((self.passed - begin).as_millis(), event));
                    }
                }
            }
            seen
        }

        fn answered_call() -> Self {
            let mut scene = Self::new();
            let originate = [("endpoint", "Local/fone1@direct"), ("app", "calltest"), ("timeout", "5")];
            assert_eq!(scene.post("channels/ct-1", &originate), 200);
            assert_eq!(scene.post("channels/ct-1;2/answer", &[]), 204);
            scene
        }
    }

    fn digits_and_times(events: Vec<(u128, Value)>) -> Vec<(u128, String)> {
        events.into_iter().map(|(at, event)| (at, event["digit"].as_str().unwrap_or_default().to_owned())).collect()
    }

    #[test]
    fn digits_are_heard_at_the_times_of_the_recordings() {
        let mut scene = Scene::answered_call();
        let expected = |times: [(u128, &str); 3]| times.map(|(at, digit)| (at, digit.to_owned())).to_vec();

        assert_eq!(scene.post("channels/ct-1/dtmf", &[("dtmf", "123")]), 204);
        let heard = digits_and_times(scene.pass(Duration::from_secs(2), "ChannelDtmfReceived"));
        assert_eq!(heard, expected([(200, "1"), (400, "2"), (600, "3")]));

        let timing = [("dtmf", "1w23"), ("before", "1000"), ("between", "500"), ("duration", "20")];
        assert_eq!(scene.post("channels/ct-1/dtmf", &timing), 204);
        let heard = digits_and_times(scene.pass(Duration::from_secs(5), "ChannelDtmfReceived"));
        assert_eq!(heard, expected([(1200, "1"), (2300, "2"), (2900, "3")]));
    }

    #[test]
    fn dial_timeout_ends_only_what_has_not_been_answered() {
        let mut scene = Scene::answered_call();
        let originate = [("endpoint", "Local/fone2@direct"), ("app", "calltest"), ("timeout", "5")];
        assert_eq!(scene.post("channels/ct-2", &originate), 200);
        let destroyed = scene.pass(Duration::from_secs(60), "ChannelDestroyed");
        let ids: Vec<_> = destroyed.iter().map(|(at, event)| (*at, event["channel"]["id"].as_str())).collect();
        assert_eq!(ids, [(5000, Some("ct-2")), (5000, Some("ct-2;2"))]);
        assert_eq!(scene.state.channels.len(), 2);
    }
}
