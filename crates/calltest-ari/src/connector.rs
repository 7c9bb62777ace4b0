//! What happens between connections: notices that one ended, tries again with growing pauses, and stands by while
//! the application belongs to somebody else. The one place that says what state the client is in.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::connect_error::ConnectError;
use crate::error::{Lost, RequestError};
use crate::generated::requests::applications::Get;
use crate::handshake::{Handshake, Session};
use crate::ownership::OwnerSeen;

/// How long a connection that is closed waits until its application watches nothing any more.
const SETTLE_LIMIT: Duration = Duration::from_millis(300);
/// Pause before asking again whether it does.
const SETTLE_PAUSE: Duration = Duration::from_millis(5);

/// What a client can do at the moment.
#[derive(Debug, Clone)]
pub enum State {
    /// Events arrive.
    Up {
        /// Counts the connections of this client, from 1.
        epoch: u64,
        /// Asterisk's version, as it calls it.
        version: Arc<str>,
    },
    /// No events arrive; the client tries to connect again.
    Down {
        /// Why the connection ended, or the last attempt failed.
        why: Lost,
        /// The last attempt, if there was one since.
        attempt: Option<Arc<ConnectError>>,
        /// Since when there is no connection.
        since: Instant,
    },
    /// The application belongs to somebody else. The client stands by until that owner is gone, or until
    /// [`Client::take_over`](crate::Client::take_over).
    OwnedByOther {
        /// The other's instance; `None` if it keeps no heartbeat.
        owner: Option<String>,
        /// Since when there is no connection.
        since: Instant,
    },
    /// The client is closed.
    Closed,
}

/// The task that keeps a client connected.
pub(crate) struct Connector {
    pub(crate) handshake: Handshake,
    pub(crate) state: watch::Sender<State>,
    pub(crate) stop: CancellationToken,
    pub(crate) take_over: Arc<Notify>,
}

impl Connector {
    /// Runs until the client is closed, starting with the connection that there is.
    pub(crate) async fn run(self, mut session: Session) {
        for epoch in 1.. {
            self.state.send_replace(State::Up { epoch, version: Arc::clone(&session.version) });
            let Some(why) = self.watch(session).await else { break };
            tracing::warn!(server = %self.handshake.settings.name, %why, "connection lost");
            let Some(next) = self.stop.run_until_cancelled(self.reconnect(why)).await else { break };
            session = next;
        }
        self.handshake.release().await;
        self.handshake.rest.close();
        self.handshake.router.close();
        self.state.send_replace(State::Closed);
    }

    /// Waits for the end of a connection; `None` if the client is closed.
    async fn watch(&self, session: Session) -> Option<Lost> {
        let Session { mut connection, order, heartbeat, .. } = session;
        let taken = async {
            match heartbeat {
                Some(heartbeat) => heartbeat.await.ok(),
                None => None,
            }
        };
        let order_given = tokio::select! {
            ended = &mut connection => return Some(ended.unwrap_or_else(|error| Lost::Cut { reason: error.to_string() })),
            Some(owner) = taken => Some(Lost::OwnedByOther { owner }),
            () = self.stop.cancelled() => None,
        };
        if order_given.is_none() {
            self.settle().await;
        }
        // A connection that ended by itself in this moment takes no orders.
        let _ = order.send(order_given.clone().unwrap_or(Lost::ClosedByUs));
        let _ = connection.await;
        order_given
    }

    /// Waits until the application watches nothing any more. Asterisk watches a channel for a moment longer than its last
    /// event, and keeps for good an application whose WebSocket is closed in that moment: it looks like one in use.
    async fn settle(&self) {
        let Handshake { rest, settings, .. } = &self.handshake;
        let watches_nothing = async {
            loop {
                let application = rest.own_request(&Get { application_name: settings.app.clone() }).await?;
                if application.channel_ids.is_empty() && application.bridge_ids.is_empty() {
                    return Ok::<(), RequestError>(());
                }
                sleep(SETTLE_PAUSE).await;
            }
        };
        let outcome = timeout(SETTLE_LIMIT, watches_nothing).await;
        if !matches!(outcome, Ok(Ok(()))) {
            tracing::debug!(server = %settings.name, ?outcome, "the application may stay after us");
        }
    }

    /// Tries until there is a connection.
    async fn reconnect(&self, mut why: Lost) -> Session {
        let since = Instant::now();
        let mut backoff = Backoff::new(&self.handshake.settings.backoff);
        let mut attempt = None;
        loop {
            let takes_over = match why {
                Lost::Replaced => self.stand_by(None, since).await,
                Lost::OwnedByOther { owner } => self.stand_by(Some(owner), since).await,
                why => {
                    self.state.send_replace(State::Down { why, attempt: attempt.take(), since });
                    sleep(backoff.pause(rand::random())).await;
                    false
                }
            };
            why = match self.handshake.attempt(takes_over).await {
                Ok(session) => return session,
                Err(error) => {
                    tracing::debug!(server = %self.handshake.settings.name, %error, "not connected");
                    let why = Lost::from(&error);
                    attempt = Some(Arc::new(error));
                    why
                }
            };
        }
    }

    /// Waits until another attempt makes sense: whether we were told to take over, or else the other owner is gone.
    async fn stand_by(&self, owner: Option<String>, since: Instant) -> bool {
        let told = self.take_over.notified();
        self.state.send_replace(State::OwnedByOther { owner, since });
        tokio::select! {
            () = told => true,
            () = self.wait_until_free(since) => false,
        }
    }

    /// Waits until the owner's heartbeat stands still, or until nobody holds the application.
    async fn wait_until_free(&self, since: Instant) {
        loop {
            match self.is_free(since).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    tracing::debug!(server = %self.handshake.settings.name, %error, "cannot tell who holds the application");
                }
            }
            sleep(self.handshake.settings.heartbeat_interval).await;
        }
    }

    async fn is_free(&self, since: Instant) -> Result<bool, RequestError> {
        let Handshake { rest, settings, ownership, .. } = &self.handshake;
        if let Some(ownership) = ownership {
            let beat = ownership.look().await?;
            if let OwnerSeen::Other { owner, .. } = &beat {
                self.state.send_replace(State::OwnedByOther { owner: Some(owner.clone()), since });
                return Ok(ownership.active_owner(beat).await?.is_none());
            }
        }
        // Our own WebSocket is gone, so whoever is registered keeps no heartbeat. An event that is posted to find out would go
        // to that program.
        match rest.own_request(&Get { application_name: settings.app.clone() }).await {
            Ok(_) => {
                self.state.send_replace(State::OwnedByOther { owner: None, since });
                Ok(false)
            }
            // Where the module is not loaded, it cannot be told.
            Err(error) if error.is_not_found() && !error.is_unknown_path() => Ok(true),
            Err(error) => Err(error),
        }
    }
}
