//! One attempt to connect, step by step: reach the server, see that the application is free, say that it is ours,
//! open the WebSocket, set the event filter, and prove that events arrive. When to try is `connector`'s business.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use rustls::ClientConfig;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::connect_error::ConnectError;
use crate::delivery::connection::Connection;
use crate::delivery::round_trip::{is_registered, round_trip};
use crate::delivery::router::Router;
use crate::delivery::silence::Silence;
use crate::diagnosis;
use crate::error::{Lost, RequestError, RoundTripError};
use crate::event_filter;
use crate::generated::requests::asterisk::{GetInfo, InfoSection};
use crate::ownership::{OwnerSeen, Ownership};
use crate::rest::Rest;
use crate::settings::Settings;
use crate::socket;
use crate::turns::Lane;

/// Pause before asking again whether Asterisk has registered the application.
const REGISTRATION_PAUSE: Duration = Duration::from_millis(20);

/// How long it may take to say that the application is free again. Whoever comes next finds out without that, too.
const RELEASE_LIMIT: Duration = Duration::from_secs(2);

/// What an attempt needs.
pub(crate) struct Handshake {
    pub(crate) settings: Arc<Settings>,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) rest: Arc<Rest>,
    pub(crate) router: Arc<Router>,
    pub(crate) silence: Arc<Silence>,
    pub(crate) ownership: Option<Arc<Ownership>>,
    pub(crate) tasks: TaskTracker,
}

/// A connection in order. Dropping it closes the WebSocket and stops the heartbeat.
pub(crate) struct Session {
    /// Asterisk's version.
    pub(crate) version: Arc<str>,
    /// Ends with the connection.
    pub(crate) connection: JoinHandle<Lost>,
    /// Ends it.
    pub(crate) order: oneshot::Sender<Lost>,
    /// Ends when another instance takes the application; with its name.
    pub(crate) heartbeat: Option<AbortOnDropHandle<String>>,
}

/// A WebSocket that is open, and not yet known to work.
struct Opened {
    /// What the router calls it.
    number: u64,
    connection: JoinHandle<Lost>,
    order: oneshot::Sender<Lost>,
}

/// What there is besides once it is known to work.
struct Proven {
    version: Arc<str>,
    heartbeat: Option<AbortOnDropHandle<String>>,
}

impl Handshake {
    /// Connects, within the connect timeout and the wait for another owner's heartbeat. With `takes_over`, a living
    /// owner is no obstacle.
    pub(crate) async fn attempt(&self, takes_over: bool) -> Result<Session, ConnectError> {
        let after = self.settings.connect_timeout;
        let timed_out = |_| ConnectError::TimedOut { server: self.settings.address(), after };
        let started = Instant::now();
        let reach = async { Ok((self.version().await?, self.look().await?)) };
        let (version, beat) = timeout(after, reach).await.map_err(timed_out)??;
        let waited = self.see_that_it_is_free(beat, takes_over).await?;
        let deadline = started + after + waited;
        let mut opened = None;
        let taken = timeout_at(deadline, self.take_application(version, takes_over, deadline, &mut opened)).await;
        match (taken.map_err(timed_out).flatten(), opened) {
            (Ok(proven), Some(Opened { connection, order, .. })) => {
                let Proven { version, heartbeat } = proven;
                Ok(Session { version, connection, order, heartbeat })
            }
            (Ok(_), None) => unreachable!("what is proven is that the connection works that was opened"),
            (Err(error), opened) => {
                if let Some(Opened { number, order, .. }) = opened {
                    // Queues subscribed meanwhile learn why there is no connection, before there can be another.
                    let why = Lost::from(&error);
                    self.router.lose(number, &why);
                    // A connection that has ended by itself takes no orders.
                    let _ = order.send(why);
                }
                self.release().await;
                Err(error)
            }
        }
    }

    /// Says that the application is no longer ours, if it is.
    pub(crate) async fn release(&self) {
        let Some(ownership) = &self.ownership else { return };
        let outcome = timeout(RELEASE_LIMIT, ownership.release()).await;
        if !matches!(outcome, Ok(Ok(()))) {
            tracing::debug!(server = %self.settings.name, ?outcome, "owner variable not cleared");
        }
    }

    async fn version(&self) -> Result<Arc<str>, ConnectError> {
        let info =
            self.rest.own_request(&GetInfo { only: vec![InfoSection::System] }).await.map_err(|e| self.failed(e))?;
        Ok(info.system.map(|system| system.version).unwrap_or_default().into())
    }

    async fn look(&self) -> Result<OwnerSeen, ConnectError> {
        match &self.ownership {
            Some(ownership) => ownership.look().await.map_err(|error| self.failed(error)),
            None => Ok(OwnerSeen::Nobody),
        }
    }

    /// Fails if the owner lives. How long it took to see that, which is the owner's time rather than the server's.
    async fn see_that_it_is_free(&self, first: OwnerSeen, takes_over: bool) -> Result<Duration, ConnectError> {
        let Some(ownership) = self.ownership.as_ref().filter(|_| !takes_over) else { return Ok(Duration::ZERO) };
        let started = Instant::now();
        match ownership.active_owner(first).await.map_err(|error| self.failed(error))? {
            Some(owner) => Err(self.owned_by(owner)),
            None => Ok(started.elapsed()),
        }
    }

    async fn take_application(
        &self,
        version: Arc<str>,
        takes_over: bool,
        deadline: Instant,
        opened: &mut Option<Opened>,
    ) -> Result<Proven, ConnectError> {
        self.claim().await?;
        let socket = socket::open(&self.settings, &self.tls).await?;
        let (number, end) = self.router.open();
        let (order, ordered) = oneshot::channel();
        let connection = Connection {
            socket,
            router: Arc::clone(&self.router),
            number,
            end,
            silence: Arc::clone(&self.silence),
            settings: Arc::clone(&self.settings),
        };
        let connection = self.tasks.spawn(connection.run(ordered));
        *opened = Some(Opened { number, connection, order });
        self.prove_sight(deadline).await?;
        if let OwnerSeen::Other { owner, .. } = self.look().await? {
            // Whoever wrote last may have looked before we wrote; one who takes over insists, another gives way.
            if !takes_over {
                return Err(self.owned_by(owner));
            }
            self.claim().await?;
        }
        let heartbeat = self
            .ownership
            .clone()
            .map(|ownership| AbortOnDropHandle::new(self.tasks.spawn(async move { ownership.beat().await })));
        Ok(Proven { version, heartbeat })
    }

    async fn claim(&self) -> Result<(), ConnectError> {
        match &self.ownership {
            Some(ownership) => ownership.claim().await.map_err(|error| self.failed(error)),
            None => Ok(()),
        }
    }

    /// Sees that events reach us, those that the filter lets through.
    async fn prove_sight(&self, deadline: Instant) -> Result<(), ConnectError> {
        self.wait_for_registration(deadline).await?;
        self.set_filter().await?;
        let (server, app) = (self.settings.address(), self.settings.app.clone());
        let limit = deadline.saturating_duration_since(Instant::now()).mul_f64(0.9);
        match round_trip(&self.rest, &self.router, &app, Lane::Own, limit).await {
            Ok(_) => Ok(()),
            Err(RoundTripError::Request(error)) => Err(self.failed(error)),
            Err(RoundTripError::Lost(Lost::Replaced) | RoundTripError::NotHeard { .. }) => {
                Err(ConnectError::NotHeard { server, app })
            }
            Err(RoundTripError::Lost(why)) => Err(ConnectError::WebSocket { server, source: why.into() }),
        }
    }

    /// Asterisk registers an application some time after it has accepted the WebSocket.
    async fn wait_for_registration(&self, deadline: Instant) -> Result<(), ConnectError> {
        while !is_registered(&self.rest, &self.router, &self.settings.app).await.map_err(|error| self.failed(error))? {
            if let Some(why) = self.router.down() {
                return Err(ConnectError::WebSocket { server: self.settings.address(), source: why.into() });
            }
            if deadline.saturating_duration_since(Instant::now()) < 2 * REGISTRATION_PAUSE {
                let (server, app) = (self.settings.address(), self.settings.app.clone());
                return Err(ConnectError::NeverRegistered { server, app, after: self.settings.connect_timeout });
            }
            sleep(REGISTRATION_PAUSE).await;
        }
        Ok(())
    }

    async fn set_filter(&self) -> Result<(), ConnectError> {
        match event_filter::set(&self.rest, &self.settings, Lane::Own).await {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.status(), Some(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED)) => {
                tracing::warn!(server = %self.settings.name, %error, "no event filter on this server, every event comes");
                Ok(())
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    fn failed(&self, error: RequestError) -> ConnectError {
        diagnosis::from_request_error(&self.settings, error)
    }

    fn owned_by(&self, owner: String) -> ConnectError {
        ConnectError::Owned { server: self.settings.address(), app: self.settings.app.clone(), owner }
    }
}
