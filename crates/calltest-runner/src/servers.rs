//! The servers of a plan, each with its connection, which may have served an earlier plan already. A server that cannot be
//! had makes only the tests that need it end as `error`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use calltest_core::plan::{self, Plan, ServerName};
use calltest_core::verdict::Trouble;
use calltest_engine::Unready;
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::connection::{Connection, Context, Open};

/// The servers that a set of tests needs.
pub struct Servers {
    by_name: BTreeMap<ServerName, Arc<Server>>,
    shared: Arc<Shared>,
}

/// What the servers of one plan share with those of the next.
struct Shared {
    context: Context,
    /// Every connection that is not closed yet.
    connections: Mutex<Vec<Arc<Connection>>>,
    /// Those that try to connect, or are retired.
    changing: TaskTracker,
    closing: CancellationToken,
}

/// One server, as runs see it.
pub(crate) struct Server {
    pub(crate) plan: Arc<plan::Server>,
    connection: Arc<Connection>,
}

impl Servers {
    /// Connects to the servers named, all at once, and returns when each is ready or has turned out to be unavailable.
    pub(crate) async fn open(plan: &Plan, needed: &BTreeSet<ServerName>, context: Context) -> Self {
        let (connections, changing, closing) = (Mutex::default(), TaskTracker::new(), CancellationToken::new());
        let shared = Arc::new(Shared { context, connections, changing, closing });
        let servers = Self::on(plan, needed, shared, |server| Arc::new(Connection::new(server)));
        let connections = servers.shared.connections().clone();
        join_all(connections.iter().map(|connection| connection.connect(&servers.shared.context))).await;
        servers
    }

    /// The servers of another plan. Those that are the same as before go on with their connections. The others are closed
    /// as soon as the runs on them have ended, and connected to in the background.
    pub(crate) fn reload(&self, plan: &Plan, needed: &BTreeSet<ServerName>) -> Self {
        let before = self.shared.connections().clone();
        let servers = Self::on(plan, needed, Arc::clone(&self.shared), |server| {
            let known = self.by_name.get(&server.name);
            let goes_on = known.filter(|known| known.connection.plan.is_reached_like(server));
            goes_on.map_or_else(|| Arc::new(Connection::new(server)), |known| Arc::clone(&known.connection))
        });
        let is_in_use =
            |known: &&Arc<Connection>| servers.by_name.values().any(|server| Arc::ptr_eq(&server.connection, known));
        let retired: Vec<Arc<Connection>> = before.iter().filter(|known| !is_in_use(known)).cloned().collect();
        let is_new = |server: &&Arc<Server>| !before.iter().any(|known| Arc::ptr_eq(known, &server.connection));
        let new: Vec<&Arc<Server>> = servers.by_name.values().filter(is_new).collect();
        for server in &new {
            let in_the_way: Vec<Arc<Connection>> =
                retired.iter().filter(|known| known.plan.is_in_the_way_of(&server.plan)).cloned().collect();
            let sentence = match in_the_way.is_empty() {
                true => format!("server {} is being connected to since the reload", server.plan.name),
                false => format!(
                    "server {} is connected to anew, after the reload, once the runs on its old connection have ended",
                    server.plan.name
                ),
            };
            server.connection.set_unready(Some(Unready::Down { why: sentence }));
            let (connection, shared) = (Arc::clone(&server.connection), Arc::clone(&self.shared));
            self.shared.change(async move {
                join_all(in_the_way.iter().map(|known| known.retire())).await;
                connection.keep_trying(&shared.context).await;
            });
        }
        for connection in retired {
            let shared = Arc::clone(&self.shared);
            self.shared.change(async move {
                connection.retire().await;
                shared.connections().retain(|known| !Arc::ptr_eq(known, &connection));
            });
        }
        servers
    }

    fn on(
        plan: &Plan,
        needed: &BTreeSet<ServerName>,
        shared: Arc<Shared>,
        connection_to: impl Fn(&Arc<plan::Server>) -> Arc<Connection>,
    ) -> Self {
        let mut by_name = BTreeMap::new();
        for server in plan.servers.values().filter(|server| needed.contains(&server.name)) {
            let connection = connection_to(server);
            let mut connections = shared.connections();
            if !connections.iter().any(|known| Arc::ptr_eq(known, &connection)) {
                connections.push(Arc::clone(&connection));
            }
            by_name.insert(server.name.clone(), Arc::new(Server { plan: Arc::clone(server), connection }));
        }
        Self { by_name, shared }
    }

    /// Why servers are unavailable, for those that are; each a whole sentence.
    pub fn unavailable(&self) -> Vec<(ServerName, String)> {
        let why = |server: &Arc<Server>| Some((server.plan.name.clone(), server.connection.why_unready()?.to_string()));
        self.by_name.values().filter_map(why).collect()
    }

    /// Every server by name, with the reason why runs cannot use it now, where they cannot.
    pub fn readiness(&self) -> Vec<(ServerName, Option<String>)> {
        let why = |server: &Arc<Server>| server.connection.ready().err().map(|unready| unready.to_string());
        self.by_name.values().map(|server| (server.plan.name.clone(), why(server))).collect()
    }

    /// Those of the unavailable ones whose app another process owns.
    pub fn owned_by_others(&self) -> Vec<(ServerName, String)> {
        let owned = |server: &Arc<Server>| match server.connection.why_unready()? {
            Unready::OwnedByOther { why, .. } => Some((server.plan.name.clone(), why)),
            Unready::Down { .. } => None,
        };
        self.by_name.values().filter_map(owned).collect()
    }

    /// Goes on trying to connect to the servers that could not be had, until they can or [`Servers::close`] is called. The
    /// observer is told.
    pub fn keep_trying(&self) {
        for server in self.by_name.values().filter(|server| !server.connection.is_open()) {
            let (connection, shared) = (Arc::clone(&server.connection), Arc::clone(&self.shared));
            self.shared.change(async move { connection.keep_trying(&shared.context).await });
        }
    }

    /// How many runs wait now for a call to come in.
    pub fn calls_awaited(&self) -> usize {
        let opened = self.by_name.values().filter_map(|server| server.connection.ready().ok());
        opened.map(|open| open.switchboard.calls_awaited()).sum()
    }

    /// Whether there is no server at all to work with.
    pub fn are_all_unavailable(&self) -> bool {
        self.by_name.values().all(|server| !server.connection.is_open())
    }

    pub(crate) fn get(&self, name: &ServerName) -> Result<Arc<Server>, Trouble> {
        let missing =
            || Trouble::ServerUnavailable { server: name.clone(), why: format!("server {name} was not opened") };
        self.by_name.get(name).cloned().ok_or_else(missing)
    }

    /// Keeps the connection to a server open until the token is dropped, whatever becomes of the plan.
    pub(crate) fn hold(&self, name: &ServerName) -> Option<TaskTrackerToken> {
        self.by_name.get(name).map(|server| server.connection.hold())
    }

    /// Gives the apps back and closes the connections, those of earlier plans too.
    pub async fn close(&self) {
        self.shared.closing.cancel();
        self.shared.changing.close();
        self.shared.changing.wait().await;
        let connections = std::mem::take(&mut *self.shared.connections());
        join_all(connections.iter().map(|connection| connection.close())).await;
    }
}

impl Shared {
    fn connections(&self) -> MutexGuard<'_, Vec<Arc<Connection>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something about connections in the background, until all is closed.
    fn change(&self, what: impl Future<Output = ()> + Send + 'static) {
        let closing = self.closing.clone();
        self.changing.spawn(async move { closing.run_until_cancelled(what).await });
    }
}

impl Server {
    /// What carries its calls, if runs may use it now.
    pub(crate) fn ready(&self) -> Result<Open, Trouble> {
        self.connection.ready().cloned().map_err(|why| unavailable(&self.plan.name, &why))
    }
}

/// A server that runs cannot use, as they tell it.
pub(crate) fn unavailable(server: &ServerName, why: &Unready) -> Trouble {
    Trouble::ServerUnavailable { server: server.clone(), why: why.to_string() }
}
