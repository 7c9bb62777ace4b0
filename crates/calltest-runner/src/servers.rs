//! The servers of a plan: connected, ours, and swept clean before the first call goes out.
//!
//! Each server has one connection, one reception, and one task that follows the state of the connection: after every
//! reconnect it sweeps up before runs may use the server again. A server that cannot be had makes only the tests that
//! need it end as `error`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use calltest_ari::{Client, ClientCertificate, ConnectError, Settings, State, Tls};
use calltest_core::event::{ServerEvent, ServerProgress};
use calltest_core::plan::{self, Plan, ServerName};
use calltest_core::verdict::Trouble;
use futures_util::future::join_all;
use tokio::sync::watch;
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
    tasks: TaskTracker,
}

/// One server, as runs see it.
pub(crate) struct Server {
    pub(crate) plan: Arc<plan::Server>,
    line: Line,
}

/// Whether there is a connection to it.
enum Line {
    Open(Connection),
    /// It could not be had from the start; a whole sentence says why.
    Unavailable(String),
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
        Self { by_name: opened.into_iter().map(|server| (server.plan.name.clone(), Arc::new(server))).collect(), tasks }
    }

    /// Why servers are unavailable, for those that are; each a whole sentence.
    pub fn unavailable(&self) -> impl Iterator<Item = (&ServerName, &str)> {
        self.by_name.values().filter_map(|server| match &server.line {
            Line::Unavailable(why) => Some((&server.plan.name, why.as_str())),
            Line::Open(_) => None,
        })
    }

    /// Whether there is no server at all to work with.
    pub fn are_all_unavailable(&self) -> bool {
        self.unavailable().count() == self.by_name.len()
    }

    /// The server of that name.
    pub(crate) fn get(&self, name: &ServerName) -> Result<Arc<Server>, Trouble> {
        let missing =
            || Trouble::ServerUnavailable { server: name.clone(), why: format!("server {name} was not opened") };
        self.by_name.get(name).cloned().ok_or_else(missing)
    }

    /// Gives the apps back and closes the connections.
    pub async fn close(&self) {
        join_all(self.by_name.values().map(|server| async {
            if let Line::Open(connection) = &server.line {
                connection.client.close().await;
            }
        }))
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
        let line = match Connection::open(plan, identity, observer, tasks).await {
            Ok(connection) => Line::Open(connection),
            Err(why) => {
                let progress = match &why {
                    Unavailable::Connect(ConnectError::Owned { owner, .. }) => {
                        ServerProgress::OwnedByOther { owner: owner.clone() }
                    }
                    why => ServerProgress::Down { why: why.to_string() },
                };
                observer.server_event(ServerEvent { server: plan.name.clone(), what: progress });
                Line::Unavailable(why.to_string())
            }
        };
        Self { plan: Arc::clone(plan), line }
    }

    /// The connection, if runs may use it now.
    pub(crate) fn connection(&self) -> Result<&Connection, Trouble> {
        let why = match &self.line {
            Line::Unavailable(why) => why.clone(),
            Line::Open(connection) => match &*connection.readiness.borrow() {
                Readiness::Ready => return Ok(connection),
                Readiness::NotReady { why } => why.clone(),
            },
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
        let reception = Reception::new(Arc::clone(plan), client.clone(), Arc::clone(observer), tasks.clone());
        let reception = Arc::new(reception);
        tasks.spawn(Arc::clone(&reception).serve(incoming));
        let cleaned = match sweep(&client).await {
            Ok(cleaned) => cleaned,
            Err(error) => {
                client.close().await;
                return Err(error.into());
            }
        };
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
                State::Up { epoch, .. } => match sweep(&self.client).await {
                    Ok(cleaned) => {
                        swept_in = Some(epoch);
                        self.ready.send_replace(Readiness::Ready);
                        self.tell(ServerProgress::Up { cleaned });
                    }
                    Err(error) => self.not_ready(format!("could not clean up after the reconnect: {error}")),
                },
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
