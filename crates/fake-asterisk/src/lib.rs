//! A scripted ARI server for faults and scale that a real Asterisk cannot produce on demand.
//!
//! It plays, over real sockets on loopback, the part of Asterisk 22's REST interface that a call tester uses: channels
//! that are originated, ring, are answered, send digits, play sounds and end, with the events, statuses and messages of
//! recordings of a real server. What the far end of a call does is [configured](FarEnd) per dial string, and
//! [faults](Faults) break connections, requests and events.
//!
//! It shares no type with any client, so that it cannot share a client's mistakes. It knows nothing of tests, links or
//! verdicts, and it does not judge its client: tests [look](FakeAsterisk::look) at what has arrived.
//!
//! It also listens in on channels and keeps recordings, so that every way of testing a call can be played.
//!
//! The server has a thread and a runtime of its own, so it does not disturb the runtime of a test, and all of it is gone
//! when it is dropped. Its clock is the real one: sockets and a paused clock do not go together. No task or timer belongs
//! to a single channel; thousands are cheap.
//!
//! ```
//! # async fn test() {
//! use std::time::Duration;
//! use fake_asterisk::{FakeAsterisk, FarEnd};
//!
//! let fake = FakeAsterisk::start().await;
//! fake.set_far_end("PJSIP/*@trunk", FarEnd::rings_for(Duration::from_millis(300)).then_rejects(17, Some(486)));
//! // … run the client against fake.url(), fake.user() and fake.password() …
//! fake.faults().freeze();
//! // … what does the client make of it?
//! let all_gone = fake.wait_until(|view| view.channel_count() == 0, Duration::from_secs(2)).await;
//! all_gone.expect("every call has been hung up");
//! # }
//! ```
//!
//! # Faults
//!
//! [`Faults`] has everything that can go wrong: connections that break, freeze or are refused; a server that restarts, has
//! forgotten its channels or never registers the application; requests that are refused, late, lost or spoilt
//! ([`on`](Faults::on)); events that are missing, doubled, late, swapped or spoilt ([`events`](Faults::events)). Digits are
//! altered by [`Arrival::alters_digits`]; a sound that was not [added](FakeAsterisk::add_sound) fails. Everything can be
//! switched while the server runs; [`heal`](Faults::heal) ends all of it.
//!
//! # Scale
//!
//! One server carries 20,000 channels at once, as `cargo xtask load --calls 10000` shows. [`View`] counts events, requests
//! and channels, and tells how soon a client [reacts](FakeAsterisk::watch_reactions).

mod apps;
mod archive;
mod behaviour;
mod calls;
mod chance;
mod channels;
mod commands;
mod connections;
mod ends;
mod events;
mod faults;
mod forged;
mod hangup;
mod jobs;
mod log;
mod media;
mod message;
mod originate;
mod owner;
mod recording;
mod rest;
mod rules;
mod server;
mod snoop;
mod state;
mod timers;
mod traffic;
mod view;

use std::time::Duration;

use tokio::sync::oneshot;

pub use crate::behaviour::{Arrival, Digits, FarEnd, Script, Way};
pub use crate::chance::Chance;
pub use crate::events::{ChannelState, ClockStep, Party};
pub use crate::faults::{EventFault, Fault, Faults, NewFault, RequestFault};
pub use crate::log::Request;
pub use crate::view::{NotSeen, OpenChannel, OpenWebSocket, View};

use crate::jobs::DtmfTiming;
use crate::server::Server;
use crate::state::{Credentials, State};

/// A running fake server. Dropping it stops it.
#[derive(Debug)]
pub struct FakeAsterisk {
    server: Server,
    credentials: Credentials,
}

impl FakeAsterisk {
    /// Starts a server at a free port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// When the machine gives no port or no thread.
    pub async fn start() -> Self {
        let credentials = Credentials { user: "calltest".to_owned(), password: "secret".to_owned() };
        let server = Server::start(credentials.clone()).await.expect("a loopback port and a thread can be had");
        Self { server, credentials }
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.server.port
    }

    /// `http://127.0.0.1:PORT`; ARI is below `/ari`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// The only user.
    pub fn user(&self) -> &str {
        &self.credentials.user
    }

    /// The user's password.
    pub fn password(&self) -> &str {
        &self.credentials.password
    }

    /// The handle by which the server is made to misbehave.
    pub fn faults(&self) -> Faults {
        Faults::new(self.server.owner.clone(), self.server.connections.clone())
    }

    // ---- what the server has and does

    /// Lets the dialplan's pattern match the extension `h` too, a mistake often made: each inbound channel enters the
    /// application once more when it ends, with the arguments `h` and nothing.
    pub fn set_dialplan_catches_h(&self) {
        self.run(|state| state.dialplan_catches_h = true);
    }

    /// Sets what happens when a dial string is dialled that matches `pattern`, in which `*` stands for any characters.
    /// The latest setting that matches counts.
    ///
    /// Without any, `Local/EXTEN@CONTEXT` [arrives](FarEnd::arrives) with the Stasis arguments `EXTEN` and nothing, and
    /// everything else is [unknown](FarEnd::EndpointUnknown). A pattern such as `PJSIP/*@trunk` also brings the endpoint
    /// `PJSIP/trunk` into being; calls that arrive through it have the arguments `trunk` and the number.
    pub fn set_far_end(&self, pattern: &str, far_end: impl Into<FarEnd>) {
        let (pattern, far_end) = (pattern.to_owned(), far_end.into());
        self.run(move |state| state.far_ends.set(&pattern, far_end));
    }

    /// Makes `sound:NAME` playable, for as long as it takes. `beep` and `silence/SECONDS` exist; playing any other sound
    /// fails as with a missing file.
    pub fn add_sound(&self, name: &str, length: Duration) {
        let name = name.to_owned();
        self.run(move |state| state.sounds.insert(name, length));
    }

    /// Sets a global variable, as another client would.
    pub fn set_global_variable(&self, name: &str, value: &str) {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.run(move |state| state.global_variables.insert(name, value));
    }

    /// Lets a stranger call: a channel enters the dialplan's application with the arguments `link` and `number`, if
    /// anybody listens there. Gives the channel's id.
    pub fn call_in(&self, link: &str, number: &str, caller: impl Into<Party>) -> String {
        let (link, number, caller) = (link.to_owned(), number.to_owned(), caller.into());
        self.run(move |state| state.call_in(&link, &number, caller))
    }

    /// Whatever is at the other end of this channel sends digits, at the usual pace; the channel hears them as the way
    /// alters them.
    pub fn send_digits(&self, channel_id: &str, digits: &str) {
        let (id, digits) = (channel_id.to_owned(), digits.to_owned());
        self.run(move |state| {
            if let Some(key) = state.channels.find(&id) {
                state.hear_digits(key, &digits, DtmfTiming::default());
            }
        });
    }

    /// Whatever is at the other end of this channel hangs up, with a Q.850 cause.
    pub fn hang_up(&self, channel_id: &str, cause: u16) {
        let id = channel_id.to_owned();
        self.run(move |state| {
            if let Some(key) = state.channels.find(&id) {
                state.other_end_hangs_up(key, cause);
            }
        });
    }

    /// Watches from now on how soon after an event of type `kind` about a channel the client makes the request that it
    /// causes: one about the same channel, with this method and a path that fits, in which `*` stands for any characters.
    /// See [`View::reactions`].
    pub fn watch_reactions(&self, kind: &str, method: &str, path: &str) {
        let (kind, method, path) = (kind.to_owned(), method.to_owned(), path.to_owned());
        self.run(move |state| state.reactions.watch(&kind, &method, &path));
    }

    // ---- what can be seen of it

    /// The latest 10,000 requests, oldest first, including those that were refused and WebSockets (`GET /events`).
    pub fn requests(&self) -> Vec<Request> {
        self.look(|view| view.requests().cloned().collect())
    }

    /// All channels, oldest first.
    pub fn open_channels(&self) -> Vec<OpenChannel> {
        self.look(|view| view.channels())
    }

    /// All open WebSockets, oldest first.
    pub fn websockets(&self) -> Vec<OpenWebSocket> {
        self.look(|view| view.websockets())
    }

    /// A global variable's value.
    pub fn global_variable(&self, name: &str) -> Option<String> {
        let name = name.to_owned();
        self.look(move |view| view.global_variable(&name).map(str::to_owned))
    }

    /// Looks at the state at one instant, after everything that has been requested before.
    pub fn look<T: Send + 'static>(&self, look: impl FnOnce(&View<'_>) -> T + Send + 'static) -> T {
        self.run(|state| look(&View::of(state)))
    }

    /// Waits until something is seen. It is looked for now and after every change.
    ///
    /// # Errors
    ///
    /// When it has not been seen within `timeout`; the error shows what there is instead.
    pub async fn wait_until(
        &self,
        mut is_seen: impl FnMut(&View<'_>) -> bool + Send + 'static,
        timeout: Duration,
    ) -> Result<(), NotSeen> {
        let (done, seen) = oneshot::channel();
        let mut done = Some(done);
        let is_done = move |state: &State| {
            // Nobody waits any more once the time is up.
            let is_over = done.as_ref().is_none_or(oneshot::Sender::is_closed);
            is_over || (is_seen(&View::of(state)) && done.take().map(|done| done.send(())).is_some())
        };
        self.run(move |state| state.watchers.push(Box::new(is_done)));
        match tokio::time::timeout(timeout, seen).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(NotSeen { waited: timeout, state: self.look(|view| view.to_string()) }),
        }
    }

    fn run<T: Send + 'static>(&self, act: impl FnOnce(&mut State) -> T + Send + 'static) -> T {
        self.server.owner.run(act).expect("the server lives as long as its handle")
    }
}
