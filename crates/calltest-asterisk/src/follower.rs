//! Follows the connection to one server, and cleans up after each reconnect before runs may use it again.

use std::sync::Arc;
use std::time::Duration;

use calltest_ari::{Client, State};
use calltest_core::event::{ServerEvent, ServerProgress};
use calltest_core::plan::{Asterisk, ServerName};
use calltest_engine::{Host, Unready};
use tokio::sync::watch;

use crate::advice::advice;
use crate::cleanup::clean_up;

/// How long to wait before the next try to clean up after one that failed.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// Whether runs may use a connection now.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Readiness {
    /// What was there is clean.
    Ready {
        /// Which of the client's connections that was found out on.
        epoch: u64,
    },
    NotReady(Unready),
}

/// Follows the state of one connection.
pub(crate) struct Follower {
    pub(crate) server: ServerName,
    /// How it is configured, for what to do where it cannot be reached.
    pub(crate) asterisk: Asterisk,
    pub(crate) client: Client,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) ready: watch::Sender<Readiness>,
}

impl Follower {
    /// Follows it until it is closed for good.
    pub(crate) async fn follow(self) {
        let mut state = self.client.state();
        let mut cleaned_in = match &*self.ready.borrow() {
            Readiness::Ready { epoch } => Some(*epoch),
            Readiness::NotReady(_) => None,
        };
        loop {
            let now = state.borrow_and_update().clone();
            match now {
                State::Up { epoch, .. } if cleaned_in == Some(epoch) => {}
                State::Up { epoch, .. } => {
                    // No run may begin before the cleanup is done, which would take its channel for a leftover.
                    let why = format!("cleaning up on server {} after the reconnect", self.server);
                    self.ready.send_replace(Readiness::NotReady(Unready::Down { why }));
                    match clean_up(&self.client).await {
                        // The connection may have come and gone meanwhile.
                        Ok(_) if state.has_changed().unwrap_or(true) => continue,
                        Ok(cleaned) => {
                            cleaned_in = Some(epoch);
                            self.ready.send_replace(Readiness::Ready { epoch });
                            self.tell(ServerProgress::Up { cleaned });
                        }
                        Err(error) => {
                            self.is_down(format!("could not clean up after the reconnect: {error}"));
                            if let Ok(Err(_)) = tokio::time::timeout(TRY_AGAIN, state.changed()).await {
                                return;
                            }
                            continue;
                        }
                    }
                }
                State::Down { why, attempt, .. } => {
                    let fix = attempt.and_then(|error| advice(&error, &self.asterisk));
                    let fix = fix.map(|fix| format!("; fix: {fix}")).unwrap_or_default();
                    self.is_down(format!("not connected to server {}: {why}{fix}", self.server));
                }
                State::OwnedByOther { owner, .. } => {
                    let owner = owner.unwrap_or_else(|| "a process that keeps no heartbeat".into());
                    let why = format!(
                        "app {} on server {} is owned by another process: {owner}",
                        self.client.app(),
                        self.server
                    );
                    let unready = Unready::OwnedByOther { owner: owner.clone(), why };
                    self.ready.send_replace(Readiness::NotReady(unready));
                    self.tell(ServerProgress::OwnedByOther { owner });
                }
                State::Closed => return,
            }
            if state.changed().await.is_err() {
                return;
            }
        }
    }

    fn is_down(&self, why: String) {
        let now = Readiness::NotReady(Unready::Down { why: why.clone() });
        // Each attempt to connect fails, and says the same all night.
        if self.ready.send_replace(now.clone()) != now {
            self.tell(ServerProgress::Down { why });
        }
    }

    fn tell(&self, what: ServerProgress) {
        self.host.server_event(ServerEvent { server: self.server.clone(), what });
    }
}
