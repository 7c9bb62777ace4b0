//! What joins us to one server: the connection, once there is one, and why there is none until then.
//!
//! A wire outlives plans: a new plan goes on with the wires of the old one as far as they lead to the same place. One that
//! it has no use for is retired: the runs on it come to their end, then it is closed.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use calltest_ari::{Client, ClientCertificate, ConnectError, Settings, State, Tls};
use calltest_core::event::{ServerEvent, ServerProgress};
use calltest_core::plan::{self, ServerName};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::Observer;
use crate::leavings::Leavings;
use crate::reception::Reception;
use crate::servers::Identity;
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

/// What joins us to one server.
pub(crate) struct Wire {
    /// Where it leads.
    pub(crate) plan: Arc<plan::Server>,
    /// Empty as long as the server could not be had.
    connection: OnceLock<Connection>,
    /// Why it could not be had, if so.
    unavailable: Mutex<Option<Why>>,
    /// The runs that use it.
    users: TaskTracker,
    /// Nobody needs it any more once they have ended.
    retired: CancellationToken,
}

/// Why a server could not be had.
#[derive(Debug, Clone)]
pub(crate) struct Why {
    /// A whole sentence.
    pub(crate) sentence: String,
    /// Whether another process owns the app.
    pub(crate) is_owned: bool,
}

/// A connection, with what hangs on it.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) reception: Arc<Reception>,
    pub(crate) leavings: Arc<Leavings>,
    readiness: watch::Receiver<Readiness>,
}

/// Whether runs may use a connection now.
#[derive(Debug, Clone, PartialEq)]
enum Readiness {
    /// What was there is clean.
    Ready {
        /// Which of the client's connections that was found out on.
        epoch: u64,
    },
    NotReady {
        why: String,
    },
}

/// What all wires of a process have in common.
pub(crate) struct Ground {
    pub(crate) identity: Identity,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) tasks: TaskTracker,
}

impl Wire {
    pub(crate) fn new(plan: &Arc<plan::Server>) -> Self {
        Self {
            plan: Arc::clone(plan),
            connection: OnceLock::new(),
            unavailable: Mutex::default(),
            users: TaskTracker::new(),
            retired: CancellationToken::new(),
        }
    }

    /// Whether it leads to where this server is, under the same name and as the same user.
    pub(crate) fn leads_to(&self, server: &plan::Server) -> bool {
        let end = |plan: &plan::Server| {
            let plan::Server { name, host, port, tls, init_timeout, username, password, app, .. } = plan.clone();
            (name, host, port, tls, init_timeout, username, password, app)
        };
        end(&self.plan) == end(server)
    }

    /// Whether both lead to the same app on the same server, which only one of them can have.
    pub(crate) fn is_in_the_way_of(&self, server: &plan::Server) -> bool {
        let end = |plan: &plan::Server| (plan.host.clone(), plan.port, plan.app.clone());
        self.plan.name == server.name || end(&self.plan) == end(server)
    }

    /// Tries to connect.
    pub(crate) async fn connect(&self, ground: &Ground) {
        let why = match Connection::open(&self.plan, ground).await {
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
                    ground.observer.server_event(ServerEvent { server: self.plan.name.clone(), what });
                }
                Some(Why { sentence, is_owned })
            }
        };
        self.set_unavailable(why);
    }

    /// Tries to connect until that is done, or the wire is retired.
    pub(crate) async fn keep_trying(&self, ground: &Ground) {
        let trying = async {
            while self.connection.get().is_none() {
                self.connect(ground).await;
                if self.connection.get().is_none() {
                    tokio::time::sleep(TRY_AGAIN).await;
                }
            }
        };
        self.retired.run_until_cancelled(trying).await;
    }

    /// Whether a connection was ever had.
    pub(crate) fn is_connected(&self) -> bool {
        self.connection.get().is_some()
    }

    /// The connection, whether runs may use it now or not: for what only cleans up, or looks back.
    pub(crate) fn connection(&self) -> Option<&Connection> {
        self.connection.get()
    }

    /// The connection, if runs may use it now; else the reason, a whole sentence.
    pub(crate) fn ready(&self) -> Result<&Connection, String> {
        match self.connection.get().map(|connection| (connection, connection.readiness.borrow().clone())) {
            // Whether it is still the same connection is asked of the client: a run that began on a new one before that
            // is swept would be taken for a leaving.
            Some((connection, Readiness::Ready { epoch })) if connection.client.epoch() == Some(epoch) => {
                Ok(connection)
            }
            Some((_, Readiness::Ready { .. })) => {
                Err(format!("the connection to server {} has just been lost", self.plan.name))
            }
            Some((_, Readiness::NotReady { why })) => Err(why),
            None => Err(self.why_unavailable().map_or_else(|| "it was not tried yet".into(), |why| why.sentence)),
        }
    }

    pub(crate) fn why_unavailable(&self) -> Option<Why> {
        self.unavailable.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_unavailable(&self, why: Option<Why>) {
        *self.unavailable.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Keeps it from being closed until the token is dropped.
    pub(crate) fn hold(&self) -> TaskTrackerToken {
        self.users.token()
    }

    /// Waits until no run uses it any more, and closes it.
    pub(crate) async fn retire(&self) {
        self.retired.cancel();
        self.users.close();
        self.users.wait().await;
        self.close().await;
    }

    /// Gives the app back and closes the connection. By then no run uses it any more.
    pub(crate) async fn close(&self) {
        self.retired.cancel();
        if let Some(connection) = self.connection.get() {
            connection.leavings.take_leave(&connection.client).await;
            connection.client.close().await;
        }
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
    async fn open(plan: &plan::Server, ground: &Ground) -> Result<Self, Unavailable> {
        let Ground { identity, observer, tasks } = ground;
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
        let leavings = Arc::new(Leavings::default());
        tasks.spawn(Arc::clone(&leavings).watch(client.clone()));
        let reception =
            Reception::new(name.clone(), client.clone(), Arc::clone(observer), tasks.clone(), Arc::clone(&leavings));
        let reception = Arc::new(reception);
        tasks.spawn(Arc::clone(&reception).serve(incoming));
        observer.server_event(ServerEvent { server: name.clone(), what: ServerProgress::Up { cleaned } });
        let epoch = client.epoch().unwrap_or(0);
        let (ready, readiness) = watch::channel(Readiness::Ready { epoch });
        let follower = Follower { server: name, client: client.clone(), observer: Arc::clone(observer), ready };
        tasks.spawn(follower.follow());
        Ok(Self { client, reception, leavings, readiness })
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
        let mut swept_in = match &*self.ready.borrow() {
            Readiness::Ready { epoch } => Some(*epoch),
            Readiness::NotReady { .. } => None,
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
                            self.ready.send_replace(Readiness::Ready { epoch });
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
        let now = Readiness::NotReady { why: why.clone() };
        // Each attempt to connect fails, and says the same all night.
        if self.ready.send_replace(now.clone()) != now {
            self.tell(ServerProgress::Down { why });
        }
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
