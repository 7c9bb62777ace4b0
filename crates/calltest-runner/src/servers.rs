//! The servers of a plan: connected, ours, and swept clean before the first call goes out.
//!
//! Each server has one wire, which may have served an earlier plan already. A server that cannot be had makes only the
//! tests that need it end as `error`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use calltest_core::plan::{self, Plan, ServerName};
use calltest_core::verdict::Trouble;
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::Observer;
use crate::wire::{Connection, Ground, Why, Wire};

/// How this process presents itself to others that want the same app.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Names this process, without white space: host, process id and the like.
    pub instance: String,
    /// Take the app over even from an owner that is alive.
    pub take_over: bool,
}

/// The servers that a set of tests needs.
pub struct Servers {
    by_name: BTreeMap<ServerName, Arc<Server>>,
    shared: Arc<Shared>,
}

/// What the servers of one plan share with those of the next.
struct Shared {
    ground: Ground,
    /// Every wire that is not closed yet.
    wires: Mutex<Vec<Arc<Wire>>>,
    /// Those that try to connect, or are retired.
    changing: TaskTracker,
    closing: CancellationToken,
}

/// One server, as runs see it.
pub(crate) struct Server {
    pub(crate) plan: Arc<plan::Server>,
    wire: Arc<Wire>,
}

impl Servers {
    /// Connects to the servers named, all at once, and returns when each is ready or has turned out to be unavailable.
    pub async fn open(
        plan: &Plan,
        needed: &BTreeSet<ServerName>,
        identity: &Identity,
        observer: &Arc<dyn Observer>,
    ) -> Self {
        let ground = Ground { identity: identity.clone(), observer: Arc::clone(observer), tasks: TaskTracker::new() };
        let shared =
            Shared { ground, wires: Mutex::default(), changing: TaskTracker::new(), closing: CancellationToken::new() };
        let servers = Self::on(plan, needed, Arc::new(shared), |server| Arc::new(Wire::new(server)));
        let wires = servers.shared.wires().clone();
        join_all(wires.iter().map(|wire| wire.connect(&servers.shared.ground))).await;
        servers
    }

    /// The servers of another plan. Those that are the same as before go on with their connections. The others are closed
    /// as soon as the runs on them have ended, and connected to in the background.
    pub(crate) fn reload(&self, plan: &Plan, needed: &BTreeSet<ServerName>) -> Self {
        let before = self.shared.wires().clone();
        let servers = Self::on(plan, needed, Arc::clone(&self.shared), |server| {
            let goes_on = self.by_name.get(&server.name).filter(|known| known.wire.leads_to(server));
            goes_on.map_or_else(|| Arc::new(Wire::new(server)), |known| Arc::clone(&known.wire))
        });
        let is_in_use = |wire: &Arc<Wire>| servers.by_name.values().any(|server| Arc::ptr_eq(&server.wire, wire));
        let retired: Vec<Arc<Wire>> = before.iter().filter(|wire| !is_in_use(wire)).cloned().collect();
        let is_new = |server: &&Arc<Server>| !before.iter().any(|wire| Arc::ptr_eq(wire, &server.wire));
        let new: Vec<&Arc<Server>> = servers.by_name.values().filter(is_new).collect();
        for server in &new {
            let in_the_way: Vec<Arc<Wire>> =
                retired.iter().filter(|wire| wire.is_in_the_way_of(&server.plan)).cloned().collect();
            let sentence = match in_the_way.is_empty() {
                true => format!("server {} is being connected to since the reload", server.plan.name),
                false => format!(
                    "server {} is connected to anew, after the reload, once the runs on its old connection have ended",
                    server.plan.name
                ),
            };
            server.wire.set_unavailable(Some(Why { sentence, is_owned: false }));
            let (wire, shared) = (Arc::clone(&server.wire), Arc::clone(&self.shared));
            self.shared.change(async move {
                join_all(in_the_way.iter().map(|wire| wire.retire())).await;
                wire.keep_trying(&shared.ground).await;
            });
        }
        for wire in retired {
            let shared = Arc::clone(&self.shared);
            self.shared.change(async move {
                wire.retire().await;
                shared.wires().retain(|known| !Arc::ptr_eq(known, &wire));
            });
        }
        servers
    }

    fn on(
        plan: &Plan,
        needed: &BTreeSet<ServerName>,
        shared: Arc<Shared>,
        wire_to: impl Fn(&Arc<plan::Server>) -> Arc<Wire>,
    ) -> Self {
        let mut by_name = BTreeMap::new();
        for server in plan.servers.values().filter(|server| needed.contains(&server.name)) {
            let wire = wire_to(server);
            let mut wires = shared.wires();
            if !wires.iter().any(|known| Arc::ptr_eq(known, &wire)) {
                wires.push(Arc::clone(&wire));
            }
            by_name.insert(server.name.clone(), Arc::new(Server { plan: Arc::clone(server), wire }));
        }
        Self { by_name, shared }
    }

    /// Why servers are unavailable, for those that are; each a whole sentence.
    pub fn unavailable(&self) -> Vec<(ServerName, String)> {
        let why = |server: &Arc<Server>| Some((server.plan.name.clone(), server.wire.why_unavailable()?.sentence));
        self.by_name.values().filter_map(why).collect()
    }

    /// Every server by name, with the reason why runs cannot use it now, where they cannot.
    pub fn readiness(&self) -> Vec<(ServerName, Option<String>)> {
        let why = |server: &Arc<Server>| server.connection().err().map(|trouble| trouble.to_string());
        self.by_name.values().map(|server| (server.plan.name.clone(), why(server))).collect()
    }

    /// Those of the unavailable ones whose app another process owns.
    pub fn owned_by_others(&self) -> Vec<(ServerName, String)> {
        let owned = |server: &Arc<Server>| {
            let why = server.wire.why_unavailable().filter(|why| why.is_owned)?;
            Some((server.plan.name.clone(), why.sentence))
        };
        self.by_name.values().filter_map(owned).collect()
    }

    /// Goes on trying to connect to the servers that could not be had, until they can or [`Servers::close`] is called. The
    /// observer is told.
    pub fn keep_trying(&self) {
        for server in self.by_name.values().filter(|server| !server.wire.is_connected()) {
            let (wire, shared) = (Arc::clone(&server.wire), Arc::clone(&self.shared));
            self.shared.change(async move { wire.keep_trying(&shared.ground).await });
        }
    }

    /// Whether there is no server at all to work with.
    pub fn are_all_unavailable(&self) -> bool {
        self.by_name.values().all(|server| !server.wire.is_connected())
    }

    /// The server of that name.
    pub(crate) fn get(&self, name: &ServerName) -> Result<Arc<Server>, Trouble> {
        let missing =
            || Trouble::ServerUnavailable { server: name.clone(), why: format!("server {name} was not opened") };
        self.by_name.get(name).cloned().ok_or_else(missing)
    }

    /// Keeps the connection to a server open until the token is dropped, whatever becomes of the plan.
    pub(crate) fn hold(&self, name: &ServerName) -> Option<TaskTrackerToken> {
        self.by_name.get(name).map(|server| server.wire.hold())
    }

    /// Gives the apps back and closes the connections, those of earlier plans too.
    pub async fn close(&self) {
        self.shared.closing.cancel();
        self.shared.changing.close();
        self.shared.changing.wait().await;
        let wires = std::mem::take(&mut *self.shared.wires());
        join_all(wires.iter().map(|wire| wire.close())).await;
        let tasks = &self.shared.ground.tasks;
        tasks.close();
        tasks.wait().await;
    }
}

impl Shared {
    fn wires(&self) -> MutexGuard<'_, Vec<Arc<Wire>>> {
        self.wires.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something about wires in the background, until all is closed.
    fn change(&self, what: impl Future<Output = ()> + Send + 'static) {
        let closing = self.closing.clone();
        self.changing.spawn(async move { closing.run_until_cancelled(what).await });
    }
}

impl Server {
    /// The connection, whether runs may use it now or not: for what only cleans up, or looks back.
    pub(crate) fn line(&self) -> Option<&Connection> {
        self.wire.connection()
    }

    /// The connection, if runs may use it now.
    pub(crate) fn connection(&self) -> Result<&Connection, Trouble> {
        self.wire.ready().map_err(|why| Trouble::ServerUnavailable { server: self.plan.name.clone(), why })
    }
}
