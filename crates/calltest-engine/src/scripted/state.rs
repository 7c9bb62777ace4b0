//! What is known of a world, behind its one lock.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use calltest_core::event::ServerEvent;
use calltest_core::evidence::Stamp;
use calltest_core::run::RunId;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::scripted::Story;
use crate::scripted::agenda::Agenda;
use crate::scripted::calls::{Call, CallId, Given};
use crate::scripted::server::ServerState;
use crate::{Arriving, Host, IncomingCall};

/// How long a sound is that the world was told nothing of.
const USUAL_SOUND: Duration = Duration::from_millis(300);

/// A world as its servers, calls and legs share it.
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    /// There is something new on the agenda. It outlives the world, so that the task that waits for it can see it end.
    pub(super) changed: Arc<Notify>,
    /// Makes something that can be claimed of a call that has come in.
    pub(super) incoming: fn(Arc<Self>, CallId) -> Box<dyn IncomingCall>,
}

/// All that is known of a world.
pub(super) struct State {
    pub(super) began: Instant,
    pub(super) servers: BTreeMap<String, ServerState>,
    pub(super) calls: Vec<Call>,
    pub(super) story: Arc<Story>,
    pub(super) story_of_link: HashMap<String, Arc<Story>>,
    pub(super) sounds: HashMap<String, Duration>,
    /// How often a rule has been met in a call. A rule is known by its story's address and its place in the story.
    pub(super) met: HashMap<(Option<CallId>, usize, usize), usize>,
    pub(super) agenda: Agenda,
    pub(super) given: Vec<Given>,
    pub(super) tickets: u64,
    pub(super) dropped: usize,
    pub(super) is_running: bool,
    /// What is to be done once nobody holds the world's lock.
    pub(super) outside: Vec<Outside>,
}

/// Something that may come back to the world, and so must not be done while it is locked.
pub(super) enum Outside {
    Arrived(Arc<dyn Host>, ArrivedCall),
    Server(Arc<dyn Host>, ServerEvent),
    Do(Arc<dyn Fn() + Send + Sync>),
}

/// A call that has come in.
pub(super) struct ArrivedCall {
    pub(super) id: CallId,
    pub(super) link: String,
    pub(super) caller: String,
    pub(super) dialled: String,
    pub(super) of_run: Option<RunId>,
    pub(super) may_be_tail: bool,
}

impl Shared {
    /// Does something with the world, then what has to wait until it is unlocked.
    pub(super) fn with<R>(self: &Arc<Self>, what: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = what(&mut state);
        let outside = std::mem::take(&mut state.outside);
        if state.agenda.has_changed() {
            self.changed.notify_one();
        }
        drop(state);
        for what in outside {
            match what {
                Outside::Arrived(host, arrived) => host.arrived(self.arriving(arrived)),
                Outside::Server(host, event) => host.server_event(event),
                Outside::Do(what) => what(),
            }
        }
        result
    }

    fn arriving(self: &Arc<Self>, arrived: ArrivedCall) -> Arriving {
        let ArrivedCall { id, link, caller, dialled, of_run, may_be_tail } = arrived;
        let call = (self.incoming)(Arc::clone(self), id);
        Arriving { link, caller, dialled, of_run, may_be_tail, call }
    }
}

impl Drop for Shared {
    /// Lets the task that waits for the next deed see that there is no world any more.
    fn drop(&mut self) {
        self.changed.notify_one();
    }
}

impl State {
    /// The moment by the clock of a server.
    pub(super) fn stamp(&self, server: &str) -> Option<Stamp> {
        let ahead = self.servers.get(server)?.clock;
        let elapsed = i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX);
        Some(Stamp { clock: server.into(), micros: ahead.saturating_add(elapsed) })
    }

    pub(super) fn is_lost(&self, server: &str) -> bool {
        self.servers.get(server).is_none_or(|server| server.is_lost)
    }

    pub(super) fn sound(&self, name: &str) -> Duration {
        self.sounds.get(name).copied().unwrap_or(USUAL_SOUND)
    }

    pub(super) fn ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }
}
