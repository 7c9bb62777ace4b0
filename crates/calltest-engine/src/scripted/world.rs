//! A world: scripted servers, the calls on them, and the story that they follow.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calltest_core::event::{ServerEvent, ServerProgress};
use calltest_core::evidence::Side;
use calltest_core::plan::Server;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::scripted::agenda::{Agenda, Deed};
use crate::scripted::arriving::ScriptedCall;
use crate::scripted::calls::{Call, Given};
use crate::scripted::clock::go_on;
use crate::scripted::engine::ScriptedEngine;
use crate::scripted::server::ServerState;
use crate::scripted::state::{Outside, Shared, State};
use crate::scripted::{Act, ScriptedServer, Story, When};
use crate::{BoxFuture, Connector, Engine, Host, Scrutiny, Unready};

/// How far the clocks of two servers are apart.
const CLOCKS_APART: i64 = 3_600_000_000;

/// Scripted servers and the calls on them. Clones are the same world.
#[derive(Clone)]
pub struct World {
    shared: Arc<Shared>,
}

impl World {
    /// A world of one server, called `a`, in which every call follows this story.
    pub fn of(story: Story) -> Self {
        let state = State {
            began: Instant::now(),
            servers: BTreeMap::new(),
            calls: Vec::new(),
            story: Arc::new(story),
            story_of_link: HashMap::new(),
            sounds: HashMap::new(),
            met: HashMap::new(),
            agenda: Agenda::default(),
            given: Vec::new(),
            tickets: 0,
            dropped: 0,
            is_running: false,
            outside: Vec::new(),
        };
        let shared =
            Shared { state: Mutex::new(state), changed: Arc::new(Notify::new()), incoming: ScriptedCall::boxed };
        let world = Self { shared: Arc::new(shared) };
        world.with_server(ScriptedServer::named("a"))
    }

    /// With another server, or with this one in place of that of its name.
    pub fn with_server(self, script: ScriptedServer) -> Self {
        self.shared.with(|state| {
            let nth = i64::try_from(state.servers.len()).unwrap_or(i64::MAX);
            let server = ServerState {
                ready: script.connects.clone(),
                is_lost: false,
                host: None,
                listeners: Vec::new(),
                looks: Vec::new(),
                asked_for_endpoint: 0,
                clock: nth.saturating_add(1).saturating_mul(CLOCKS_APART),
                is_suspect: false,
                script,
            };
            state.servers.insert(server.script.name.clone(), server);
        });
        self
    }

    /// Calls out on that link follow this story instead.
    pub fn with_story(self, link: &str, story: Story) -> Self {
        self.shared.with(|state| state.story_of_link.insert(link.into(), Arc::new(story)));
        self
    }

    /// With a sound of this length under that name.
    pub fn with_sound(self, name: &str, length: Duration) -> Self {
        self.shared.with(|state| state.sounds.insert(name.into(), length));
        self
    }

    /// Has something happen now, to the call that was made last.
    pub fn act(&self, act: Act) {
        self.shared.with(|state| {
            let latest = state.calls.len().checked_sub(1);
            state.agenda.plan(Duration::ZERO, Deed::Act(latest, act));
        });
    }

    /// The legs that are up, by their labels.
    pub fn calls_up(&self) -> Vec<String> {
        self.shared.with(|state| {
            let legs = state.calls.iter().flat_map(Call::legs).filter(|(_, leg)| leg.is_up());
            legs.map(|(_, leg)| leg.label.clone()).collect()
        })
    }

    /// How many runs listen for calls.
    pub fn listening(&self) -> usize {
        self.shared.with(|state| state.servers.values().map(|server| server.listeners.len()).sum())
    }

    /// All commands that legs took, in order.
    pub fn given(&self) -> Vec<Given> {
        self.shared.with(|state| state.given.clone())
    }

    /// The commands that the legs of one side took, in order.
    pub fn commands(&self, side: Side) -> Vec<crate::Command> {
        self.given().into_iter().filter(|given| given.side == side).map(|given| given.command).collect()
    }

    /// How many legs and calls were dropped while they were up, which hangs them up.
    pub fn dropped(&self) -> usize {
        self.shared.with(|state| state.dropped)
    }

    /// How closely a server was looked at each time that it was asked for a sign of life.
    pub fn looks(&self, server: &str) -> Vec<Scrutiny> {
        self.shared.with(|state| state.servers.get(server).map_or_else(Vec::new, |server| server.looks.clone()))
    }

    /// Starts the task that does what is due, unless it runs already.
    fn go_on(&self) {
        let was_running = self.shared.with(|state| std::mem::replace(&mut state.is_running, true));
        if !was_running {
            tokio::spawn(go_on(Arc::downgrade(&self.shared)));
        }
    }
}

impl Connector for World {
    fn connect<'a>(
        &'a self,
        server: &'a Arc<Server>,
        host: Arc<dyn Host>,
    ) -> BoxFuture<'a, Result<Arc<dyn Engine>, Unready>> {
        Box::pin(async move {
            let name = server.name.as_str();
            self.go_on();
            self.shared.with(|state| {
                let Some(known) = state.servers.get_mut(name) else {
                    return Err(Unready::Down { why: format!("server {name} is not of this world") });
                };
                known.script.connects.clone()?;
                known.host = Some(Arc::clone(&host));
                let event = ServerEvent { server: server.name.clone(), what: ServerProgress::Up { cleaned: 0 } };
                state.outside.push(Outside::Server(host, event));
                state.meet_all(&When::Beginning);
                Ok(())
            })?;
            Ok(Arc::new(ScriptedEngine::new(Arc::clone(&self.shared), server.name.clone())) as Arc<dyn Engine>)
        })
    }
}
