//! The channels that exist, and what the server knows of each. What they do is left to `calls` and `media`.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use crate::behaviour::{Arrival, Hearing, Script};
use crate::events::{ChannelObject, ChannelState};
use crate::jobs::Media;

/// A channel for as long as it exists, whatever its id; never given out twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(u64);

/// The channel drivers that are played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Technology {
    /// Two halves on this server; a scripted far end has the second one too.
    Local,
    /// Listens in on another channel.
    Snoop,
    /// Anything that goes over a wire: the second leg, if it comes back to this server, is a channel of its own.
    Wire,
}

#[derive(Debug)]
pub(crate) struct Channel {
    /// What a client sees of it.
    pub(crate) object: ChannelObject,
    pub(crate) technology: Technology,
    /// The channel at the other end of the call, if it is on this server.
    pub(crate) other: Option<Key>,
    /// The application whose Stasis the channel is in.
    pub(crate) app: Option<String>,
    /// The arguments of its latest `StasisStart`.
    pub(crate) stasis_args: Vec<String>,
    /// The applications that hear of it.
    pub(crate) listeners: Vec<String>,
    pub(crate) variables: BTreeMap<String, String>,
    /// What originate asked for; inbound channels have none.
    pub(crate) dialling: Option<Dialling>,
    /// How the digits that reach this channel are altered.
    pub(crate) hearing: Hearing,
    pub(crate) media: Media,
    /// The channels that listen in on this one.
    pub(crate) snoops: Vec<Key>,
    /// How often `TIMEOUT(absolute)` was set; only the latest counts.
    pub(crate) absolute_timeouts: u32,
}

impl Channel {
    pub(crate) fn new(object: ChannelObject, technology: Technology) -> Self {
        Self {
            object,
            technology,
            other: None,
            app: None,
            stasis_args: Vec::new(),
            listeners: Vec::new(),
            variables: BTreeMap::new(),
            dialling: None,
            hearing: Hearing::default(),
            media: Media::default(),
            snoops: Vec::new(),
            absolute_timeouts: 0,
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.object.state == ChannelState::Up
    }

    pub(crate) fn is_outbound(&self) -> bool {
        self.dialling.is_some()
    }

    pub(crate) fn listen(&mut self, app: &str) {
        if !self.listeners.iter().any(|listener| listener == app) {
            self.listeners.push(app.to_owned());
        }
    }
}

/// An outbound channel's call.
#[derive(Debug)]
pub(crate) struct Dialling {
    /// `Dial.dialstring`: what was dialled, without the technology.
    pub(crate) dialstring: String,
    /// The number in it, which a called party over a wire shows once it has answered.
    pub(crate) number: String,
    /// The trunk or extension by which the call comes back.
    pub(crate) link: String,
    /// The application to enter at the answer, and its arguments; `None` when an extension was to be entered.
    pub(crate) app: Option<(String, Vec<String>)>,
    pub(crate) far_end: DialledFarEnd,
}

/// What is left of the far end's behaviour.
#[derive(Debug)]
pub(crate) enum DialledFarEnd {
    Arrives(Arrival),
    Script(VecDeque<(std::time::Duration, crate::behaviour::Step)>),
}

impl From<Script> for DialledFarEnd {
    fn from(script: Script) -> Self {
        Self::Script(script.steps)
    }
}

/// An id that a new channel may not have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct IdTaken;

impl fmt::Display for IdTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Channel with given unique ID already exists")
    }
}

/// All channels, in the order of their creation.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    by_key: BTreeMap<Key, Channel>,
    /// Ids in small letters, since Asterisk compares them without regard to case.
    ids: BTreeMap<String, Key>,
    created: u64,
    peak: usize,
}

impl Channels {
    /// Adds a channel whose id is not in use.
    ///
    /// As Asterisk does, refuses an id with which the id of a living channel begins; one that merely begins with a
    /// living channel's id is accepted.
    pub(crate) fn create(&mut self, channel: Channel) -> Result<Key, IdTaken> {
        let id = channel.object.id.to_lowercase();
        if self.ids.range(id.clone()..).next().is_some_and(|(taken, _)| taken.starts_with(&id)) {
            return Err(IdTaken);
        }
        self.created += 1;
        let key = Key(self.created);
        self.ids.insert(id, key);
        self.by_key.insert(key, channel);
        self.peak = self.peak.max(self.by_key.len());
        Ok(key)
    }

    pub(crate) fn find(&self, id: &str) -> Option<Key> {
        self.ids.get(&id.to_lowercase()).copied()
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Channel> {
        self.by_key.get(&key)
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut Channel> {
        self.by_key.get_mut(&key)
    }

    pub(crate) fn remove(&mut self, key: Key) {
        if let Some(channel) = self.by_key.remove(&key) {
            self.ids.remove(&channel.object.id.to_lowercase());
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Channel> {
        self.by_key.values()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }

    /// How many there were at most at one time.
    pub(crate) fn peak(&self) -> usize {
        self.peak
    }

    /// Forgets all channels; keys are not given out again.
    pub(crate) fn clear(&mut self) {
        self.by_key.clear();
        self.ids.clear();
    }
}
