//! What a test can see of the server, at one instant, and waiting for something to be seen.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::channels::Channel;
use crate::events::{ChannelState, Party};
use crate::log::Request;
use crate::state::State;

/// The server's state at one instant.
#[derive(Clone, Copy)]
pub struct View<'a> {
    state: &'a State,
}

/// A channel that exists.
#[derive(Debug, Clone)]
pub struct OpenChannel {
    /// Its id.
    pub id: String,
    /// Its name, such as `Local/fone1@direct-00000001;1`.
    pub name: String,
    /// Its state.
    pub state: ChannelState,
    /// The application that it is in.
    pub app: Option<String>,
    /// The caller ID that it shows.
    pub caller: Party,
    /// Its variables, those of originate and those set later, without the underscores of inheritance.
    pub variables: BTreeMap<String, String>,
}

/// A WebSocket that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenWebSocket {
    /// The applications it was opened for.
    pub apps: Vec<String>,
    /// Whether it still is the one that gets the events of at least one of them.
    pub is_current: bool,
}

impl<'a> View<'a> {
    pub(crate) fn of(state: &'a State) -> Self {
        Self { state }
    }

    /// All channels, oldest first.
    pub fn channels(&self) -> Vec<OpenChannel> {
        self.state.channels.iter().map(OpenChannel::of).collect()
    }

    /// The channel with this id.
    pub fn channel(&self, id: &str) -> Option<OpenChannel> {
        self.state.channels.get(self.state.channels.find(id)?).map(OpenChannel::of)
    }

    /// How many channels there are; both halves of a `Local` channel count.
    pub fn channel_count(&self) -> usize {
        self.state.channels.len()
    }

    /// How many channels there were at most at one time.
    pub fn peak_channel_count(&self) -> usize {
        self.state.channels.peak()
    }

    /// How many events were sent.
    pub fn event_count(&self) -> u64 {
        self.state.apps.sent()
    }

    /// How many requests have come.
    pub fn request_count(&self) -> u64 {
        self.state.log.count()
    }

    /// How long the reactions took that are [watched](crate::FakeAsterisk::watch_reactions), from sending the event to
    /// taking up the request.
    pub fn reactions(&self) -> &'a [Duration] {
        self.state.reactions.took()
    }

    /// All open WebSockets, oldest first.
    pub fn websockets(&self) -> Vec<OpenWebSocket> {
        self.state.apps.sockets().map(|(apps, is_current)| OpenWebSocket { apps: apps.to_vec(), is_current }).collect()
    }

    /// The latest 10,000 requests, oldest first.
    pub fn requests(&self) -> impl DoubleEndedIterator<Item = &'a Request> + use<'a> {
        self.state.log.requests()
    }

    /// The names of the stored recordings.
    pub fn stored_recordings(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.state.recordings.stored_names()
    }

    /// A global variable's value.
    pub fn global_variable(&self, name: &str) -> Option<&'a str> {
        self.state.global_variables.get(name).map(String::as_str)
    }
}

impl OpenChannel {
    fn of(channel: &Channel) -> Self {
        Self {
            id: channel.object.id.clone(),
            name: channel.object.name.clone(),
            state: channel.object.state,
            app: channel.app.clone(),
            caller: channel.object.caller.clone(),
            variables: channel.variables.clone(),
        }
    }
}

impl fmt::Display for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "channels:")?;
        for channel in self.channels() {
            writeln!(
                f,
                "  {} {:?} in {}",
                channel.id,
                channel.state,
                channel.app.as_deref().unwrap_or("no application")
            )?;
        }
        writeln!(f, "websockets:")?;
        for socket in self.websockets() {
            writeln!(f, "  {} {}", socket.apps.join(","), if socket.is_current { "current" } else { "replaced" })?;
        }
        writeln!(f, "latest requests:")?;
        let mut latest: Vec<&Request> = self.requests().rev().take(20).collect();
        latest.reverse();
        for request in latest {
            writeln!(f, "  {} {} {}", request.status, request.method, request.path)?;
        }
        Ok(())
    }
}

/// What a test waited for has not come; the text shows the state as it is instead.
#[derive(Debug, thiserror::Error)]
#[error("what was waited for has not come within {waited:?}; there are {state}")]
pub struct NotSeen {
    /// How long was waited.
    pub waited: Duration,
    /// Channels, WebSockets and latest requests.
    pub state: String,
}
