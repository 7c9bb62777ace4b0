//! What joins us to one server: its engine, once there is one, and why there is none until then.
//!
//! A connection outlives plans: a new plan goes on with those of the old one as far as they lead to the same place. One that
//! it has no use for is retired: the runs on it come to their end, then it is closed.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use calltest_core::event::{ServerEvent, ServerProgress};
use calltest_core::plan;
use calltest_engine::{Connector, Engine, Unready};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::Observer;
use crate::calls_out::CallsOut;
use crate::switchboard::Switchboard;

/// How long to wait before the next try to connect to a server that could not be had from the start.
const TRY_AGAIN: Duration = Duration::from_secs(5);
/// How long a connection that is being closed is kept for the sake of calls that may be left.
const FINAL_CLEANUP: Duration = Duration::from_secs(3);

/// What joins us to one server.
pub(crate) struct Connection {
    /// Where it leads.
    pub(crate) plan: Arc<plan::Server>,
    /// Empty as long as the server could not be had.
    open: OnceLock<Open>,
    /// Why it could not be had, if so.
    unready: Mutex<Option<Unready>>,
    /// The runs that use it.
    users: TaskTracker,
    /// Nobody needs it any more once they have ended.
    retired: CancellationToken,
}

/// A connection that was had.
#[derive(Clone)]
pub(crate) struct Open {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) switchboard: Arc<Switchboard>,
    pub(crate) calls_out: Arc<CallsOut>,
}

/// What all connections of a process have in common.
pub(crate) struct Context {
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) calls_out: Arc<CallsOut>,
}

impl Connection {
    pub(crate) fn new(plan: &Arc<plan::Server>) -> Self {
        Self {
            plan: Arc::clone(plan),
            open: OnceLock::new(),
            unready: Mutex::default(),
            users: TaskTracker::new(),
            retired: CancellationToken::new(),
        }
    }

    /// Tries to connect.
    pub(crate) async fn connect(&self, context: &Context) {
        let name = self.plan.name.clone();
        let (observer, calls_out) = (Arc::clone(&context.observer), Arc::clone(&context.calls_out));
        let switchboard = Arc::new(Switchboard::new(name.clone(), observer, Arc::clone(&calls_out)));
        let host = Arc::clone(&switchboard);
        let unready = match context.connector.connect(&self.plan, host).await {
            Ok(engine) => {
                // Only one tries at a time, and none once it is there.
                let _ = self.open.set(Open { engine, switchboard, calls_out });
                None
            }
            Err(unready) => {
                // A daemon would say the same every few seconds.
                if self.why_unready().is_none_or(|before| before != unready) {
                    let what = match &unready {
                        Unready::Down { why } => ServerProgress::Down { why: why.clone() },
                        Unready::OwnedByOther { owner, .. } => ServerProgress::OwnedByOther { owner: owner.clone() },
                    };
                    context.observer.server_event(ServerEvent { server: name, what });
                }
                Some(unready)
            }
        };
        self.set_unready(unready);
    }

    /// Tries to connect until that is done, or the connection is retired.
    pub(crate) async fn keep_trying(&self, context: &Context) {
        let trying = async {
            while self.open.get().is_none() {
                self.connect(context).await;
                if self.open.get().is_none() {
                    tokio::time::sleep(TRY_AGAIN).await;
                }
            }
        };
        self.retired.run_until_cancelled(trying).await;
    }

    /// Whether it was ever had.
    pub(crate) fn is_open(&self) -> bool {
        self.open.get().is_some()
    }

    /// What was had, if runs may use it now.
    pub(crate) fn ready(&self) -> Result<&Open, Unready> {
        match self.open.get() {
            Some(open) => open.engine.ready().map(|()| open),
            None => Err(self.why_unready().unwrap_or_else(|| Unready::Down { why: "it was not tried yet".into() })),
        }
    }

    /// Why it could not be had, if so.
    pub(crate) fn why_unready(&self) -> Option<Unready> {
        self.unready.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_unready(&self, why: Option<Unready>) {
        *self.unready.lock().unwrap_or_else(PoisonError::into_inner) = why;
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

    /// Closes it. By then no run uses it any more, so that whatever may be left is nobody's.
    pub(crate) async fn close(&self) {
        self.retired.cancel();
        let Some(Open { engine, .. }) = self.open.get() else { return };
        if engine.may_have_leftovers() && !matches!(timeout(FINAL_CLEANUP, engine.clean_up()).await, Ok(Ok(_))) {
            tracing::warn!(server = %self.plan.name, "calls may be left; the server's own limit will end them");
        }
        engine.close().await;
    }
}
