//! The servers of a plan: connected, ours, and swept clean before the first call goes out.
//!
//! Each server has one connection, one reception, and one task that follows the state of the connection: after every
//! reconnect it sweeps up before runs may use the server again. A server that cannot be had makes only the tests that
//! need it end as `error`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use calltest_ari::{Client, ClientCertificate, ConnectError, Settings, State, Tls};
use calltest_core::event::{ServerEvent, ServerProgress};
use calltest_core::plan::{self, Plan, ServerName};
use calltest_core::verdict::Trouble;
use futures_util::future::join_all;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Observer;
use crate::reception::Reception;
use crate::sweep::sweep;

/// The events that runs are made of; the rest stays on the server, most of all variables and dialplan steps.
const EVENTS: [&str; 12] = [
    "StasisStart",
    "StasisEnd",
    "ChannelStateChange",
    "ChannelHangupRequest",
    "ChannelDestroyed",
    "ChannelDtmfReceived",
    "Dial",
    "PlaybackStarted",
    "PlaybackFinished",
    "RecordingStarted",
    "RecordingFinished",
    "RecordingFailed",
];

/// How long to wait before the next try to connect to a server that could not be had from the start.
const TRY_AGAIN: Duration = Duration::from_secs(5);

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
    identity: Identity,
    observer: Arc<dyn Observer>,
    tasks: TaskTracker,
    /// Those that try to connect.
    trying: TaskTracker,
    closing: CancellationToken,
}

/// One server, as runs see it.
pub(crate) struct Server {
    pub(crate) plan: Arc<plan::Server>,
    /// Empty as long as the server could not be had.
    connection: OnceLock<Connection>,
    /// Why it could not be had, if so.
    unavailable: Mutex<Option<Why>>,
}

/// Why a server could not be had.
#[derive(Debug, Clone)]
struct Why {
    /// A whole sentence.
    sentence: String,
    /// Whether another process owns the app.
    is_owned: bool,
}

/// A connection, with what hangs on it.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) reception: Arc<Reception>,
    readiness: watch::Receiver<Readiness>,
}

/// Whether runs may use a connection now.
#[derive(Debug, Clone, PartialEq)]
enum Readiness {
    Ready,
    NotReady { why: String },
}

impl Servers {
    /// Connects to the servers named, all at once, and returns when each is ready or has turned out to be unavailable.
    pub async fn open(
        plan: &Plan,
        needed: &BTreeSet<ServerName>,
        identity: &Identity,
        observer: &Arc<dyn Observer>,
    ) -> Self {
        let tasks = TaskTracker::new();
        let servers = plan.servers.values().filter(|server| needed.contains(&server.name));
        let opened = join_all(servers.map(|server| Server::open(server, identity, observer, &tasks))).await;
        Self {
            by_name: opened.into_iter().map(|server| (server.plan.name.clone(), Arc::new(server))).collect(),
            identity: identity.clone(),
            observer: Arc::clone(observer),
            tasks,
            trying: TaskTracker::new(),
            closing: CancellationToken::new(),
        }
    }

    /// Why servers are unavailable, for those that are; each a whole sentence.
    pub fn unavailable(&self) -> Vec<(ServerName, String)> {
        let why = |server: &Arc<Server>| Some((server.plan.name.clone(), server.why_unavailable()?.sentence));
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
            let why = server.why_unavailable().filter(|why| why.is_owned)?;
            Some((server.plan.name.clone(), why.sentence))
        };
        self.by_name.values().filter_map(owned).collect()
    }

    /// Goes on trying to connect to the servers that could not be had, until they can or [`Servers::close`] is called. The
    /// observer is told.
    pub fn keep_trying(&self) {
        for server in self.by_name.values().filter(|server| server.connection.get().is_none()) {
            let (server, identity, observer) = (Arc::clone(server), self.identity.clone(), Arc::clone(&self.observer));
            let (tasks, closing) = (self.tasks.clone(), self.closing.clone());
            self.trying.spawn(async move {
                let trying = async {
                    while server.connection.get().is_none() {
                        tokio::time::sleep(TRY_AGAIN).await;
                        server.connect(&identity, &observer, &tasks).await;
                    }
                };
                closing.run_until_cancelled(trying).await
            });
        }
    }

    /// Whether there is no server at all to work with.
    pub fn are_all_unavailable(&self) -> bool {
        self.by_name.values().all(|server| server.connection.get().is_none())
    }

    /// The server of that name.
    pub(crate) fn get(&self, name: &ServerName) -> Result<Arc<Server>, Trouble> {
        let missing =
            || Trouble::ServerUnavailable { server: name.clone(), why: format!("server {name} was not opened") };
        self.by_name.get(name).cloned().ok_or_else(missing)
    }

    /// Gives the apps back and closes the connections.
    pub async fn close(&self) {
        self.closing.cancel();
        self.trying.close();
        self.trying.wait().await;
        join_all(self.by_name.values().filter_map(|server| server.connection.get()).map(|open| open.client.close()))
            .await;
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Server {
    async fn open(
        plan: &Arc<plan::Server>,
        identity: &Identity,
        observer: &Arc<dyn Observer>,
        tasks: &TaskTracker,
    ) -> Self {
        let server = Self { plan: Arc::clone(plan), connection: OnceLock::new(), unavailable: Mutex::default() };
        server.connect(identity, observer, tasks).await;
        server
    }

    /// Tries to connect.
    async fn connect(&self, identity: &Identity, observer: &Arc<dyn Observer>, tasks: &TaskTracker) {
        let why = match Connection::open(&self.plan, identity, observer, tasks).await {
            Ok(connection) => {
                // Nobody but the one that tries sets it, so it cannot be there already.
                let _ = self.connection.set(connection);
                None
            }
            Err(why) => {
                let (what, is_owned) = match &why {
                    Unavailable::Connect(ConnectError::Owned { owner, .. }) => {
                        (ServerProgress::OwnedByOther { owner: owner.clone() }, true)
                    }
                    why => (ServerProgress::Down { why: why.to_string() }, false),
                };
                let sentence = why.to_string();
                // A daemon would say the same every few seconds.
                if self.why_unavailable().is_none_or(|before| before.sentence != sentence) {
                    observer.server_event(ServerEvent { server: self.plan.name.clone(), what });
                }
                Some(Why { sentence, is_owned })
            }
        };
        *self.unavailable.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    fn why_unavailable(&self) -> Option<Why> {
        self.unavailable.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The connection, whether runs may use it now or not: for what only cleans up, or looks back.
    pub(crate) fn line(&self) -> Option<&Connection> {
        self.connection.get()
    }

    /// The connection, if runs may use it now.
    pub(crate) fn connection(&self) -> Result<&Connection, Trouble> {
        let why = match self.connection.get().map(|connection| (connection, connection.readiness.borrow().clone())) {
            Some((connection, Readiness::Ready)) => return Ok(connection),
            Some((_, Readiness::NotReady { why })) => why,
            None => self.why_unavailable().map_or_else(|| "it was not tried yet".into(), |why| why.sentence),
        };
        Err(Trouble::ServerUnavailable { server: self.plan.name.clone(), why })
    }
}

/// Why a server could not be had.
#[derive(Debug, thiserror::Error)]
enum Unavailable {
    #[error("{0}")]
    Connect(#[from] ConnectError),
    #[error("could not clean up what an earlier run left: {0}")]
    Sweep(#[from] calltest_ari::RequestError),
}

impl Connection {
    async fn open(
        plan: &Arc<plan::Server>,
        identity: &Identity,
        observer: &Arc<dyn Observer>,
        tasks: &TaskTracker,
    ) -> Result<Self, Unavailable> {
        let (client, incoming) = calltest_ari::connect(settings(plan, identity)).await?;
        let name = plan.name.clone();
        let cleaned = match sweep(&client).await {
            Ok(cleaned) => cleaned,
            Err(error) => {
                client.close().await;
                return Err(error.into());
            }
        };
        // Not before: whoever gives the attempt up during the sweep must not leave a task behind that holds the client.
        let reception = Reception::new(Arc::clone(plan), client.clone(), Arc::clone(observer), tasks.clone());
        let reception = Arc::new(reception);
        tasks.spawn(Arc::clone(&reception).serve(incoming));
        observer.server_event(ServerEvent { server: name.clone(), what: ServerProgress::Up { cleaned } });
        let (ready, readiness) = watch::channel(Readiness::Ready);
        let follower = Follower { server: name, client: client.clone(), observer: Arc::clone(observer), ready };
        tasks.spawn(follower.follow());
        Ok(Self { client, reception, readiness })
    }
}

/// Follows the state of one connection.
struct Follower {
    server: ServerName,
    client: Client,
    observer: Arc<dyn Observer>,
    ready: watch::Sender<Readiness>,
}

impl Follower {
    async fn follow(self) {
        let mut state = self.client.state();
        let mut swept_in = match &*state.borrow() {
            State::Up { epoch, .. } => Some(*epoch),
            _ => None,
        };
        loop {
            let now = state.borrow_and_update().clone();
            match now {
                State::Up { epoch, .. } if swept_in == Some(epoch) => {}
                State::Up { epoch, .. } => {
                    // Until it is clean, no run may begin that the sweep could take for a leaving.
                    let why = format!("cleaning up on server {} after the reconnect", self.server);
                    self.ready.send_replace(Readiness::NotReady { why });
                    match sweep(&self.client).await {
                        // The connection may have come and gone meanwhile.
                        Ok(_) if state.has_changed().unwrap_or(true) => continue,
                        Ok(cleaned) => {
                            swept_in = Some(epoch);
                            self.ready.send_replace(Readiness::Ready);
                            self.tell(ServerProgress::Up { cleaned });
                        }
                        Err(error) => {
                            self.not_ready(format!("could not clean up after the reconnect: {error}"));
                            if let Ok(Err(_)) = tokio::time::timeout(TRY_AGAIN, state.changed()).await {
                                return;
                            }
                            continue;
                        }
                    }
                }
                State::Down { why, .. } => self.not_ready(format!("not connected to server {}: {why}", self.server)),
                State::OwnedByOther { owner, .. } => {
                    let owner = owner.unwrap_or_else(|| "a process that keeps no heartbeat".into());
                    let why = format!(
                        "app {} on server {} is owned by another process: {owner}",
                        self.client.app(),
                        self.server
                    );
                    self.ready.send_replace(Readiness::NotReady { why });
                    self.tell(ServerProgress::OwnedByOther { owner });
                }
                State::Closed => return,
            }
            if state.changed().await.is_err() {
                return;
            }
        }
    }

    fn not_ready(&self, why: String) {
        self.ready.send_replace(Readiness::NotReady { why: why.clone() });
        self.tell(ServerProgress::Down { why });
    }

    fn tell(&self, what: ServerProgress) {
        self.observer.server_event(ServerEvent { server: self.server.clone(), what });
    }
}

/// How a server of a plan is connected to.
pub(crate) fn settings(plan: &plan::Server, identity: &Identity) -> Settings {
    let mut settings =
        Settings::new(plan.host.as_str(), plan.port, plan.username.as_str(), plan.password.reveal(), plan.app.as_str());
    settings.name = plan.name.as_str().into();
    settings.tls = plan.tls.as_ref().map(|tls| Tls {
        ca_file: tls.ca.clone(),
        client: tls
            .cert
            .clone()
            .zip(tls.key.clone())
            .map(|(certificate_file, key_file)| ClientCertificate { certificate_file, key_file }),
    });
    settings.connect_timeout = plan.init_timeout;
    settings.request_timeout = plan.init_timeout;
    settings.instance = identity.instance.clone();
    settings.take_over = identity.take_over;
    settings.owner_variable = Some(format!("CALLTEST_OWNER_{}", variable_name(&plan.app)));
    settings.allowed_events = Some(EVENTS.iter().map(ToString::to_string).collect());
    settings
}

/// An app's name as part of a variable's name: Asterisk takes brackets and braces there for something else.
fn variable_name(app: &str) -> String {
    app.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
}
