//! The handle that programs hold: cheap to clone, and the client lives as long as one of them does.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::connect_error::ConnectError;
use crate::connector::{Connector, State};
use crate::delivery::incoming::Incoming;
use crate::delivery::round_trip::round_trip;
use crate::delivery::router::{Router, Subscription};
use crate::delivery::silence::Silence;
use crate::delivery::subscriber::Subscriber;
use crate::error::{RequestError, RoundTripError};
use crate::event_filter::{self, FilterChange};
use crate::generated::models::Application;
use crate::generated::requests::applications::Get;
use crate::handshake::Handshake;
use crate::operation::Operation;
use crate::ownership::Ownership;
use crate::rest::{OriginatePermit, Rest};
use crate::settings::Settings;
use crate::tls;
use crate::transport::http1::Http;
use crate::turns::Lane;

/// Connects to a server: returns once events of the application are known to arrive. From then on the client
/// reconnects by itself, and [`Client::state`] tells how it is.
pub async fn connect(settings: Settings) -> Result<(Client, Incoming), ConnectError> {
    settings.check()?;
    let settings = Arc::new(settings);
    let tls = tls::client_config(settings.tls.as_ref())?;
    let rest = Arc::new(Rest::new(Arc::new(Http::new(Arc::clone(&settings), Arc::clone(&tls))), &settings));
    let (unclaimed, incoming) = mpsc::channel(settings.incoming_capacity);
    let router = Router::new(Arc::clone(&settings.name), unclaimed);
    let silence = Arc::new(Silence::since(Instant::now()));
    let tasks = TaskTracker::new();
    let handshake = Handshake {
        settings: Arc::clone(&settings),
        tls,
        rest: Arc::clone(&rest),
        router: Arc::clone(&router),
        silence: Arc::clone(&silence),
        ownership: Ownership::new(&rest, &settings).map(Arc::new),
        tasks: tasks.clone(),
    };
    let session = handshake.attempt(settings.take_over).await?;
    let (state_sender, state) = watch::channel(State::Up { epoch: 1, version: Arc::clone(&session.version) });
    let (stop, take_over) = (CancellationToken::new(), Arc::new(Notify::new()));
    let connector = Connector { handshake, state: state_sender, stop: stop.clone(), take_over: Arc::clone(&take_over) };
    tasks.spawn(connector.run(session));
    let stop = stop.drop_guard();
    let client = Client(Arc::new(Shared { settings, rest, router, silence, state, take_over, tasks, stop }));
    Ok((client, Incoming(incoming)))
}

/// A client of one application on one server.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    settings: Arc<Settings>,
    rest: Arc<Rest>,
    router: Arc<Router>,
    silence: Arc<Silence>,
    state: watch::Receiver<State>,
    take_over: Arc<Notify>,
    tasks: TaskTracker,
    /// Ends the tasks when the last handle is dropped.
    stop: DropGuard,
}

impl Client {
    /// Carries out an operation, once fewer than [`Settings::max_requests`] are under way. Who hangs up a channel waits only
    /// for others who do.
    pub async fn request<Op: Operation>(&self, operation: Op) -> Result<Op::Reply, RequestError> {
        self.0.rest.request(&operation).await
    }

    /// Waits until another call may be originated: at most [`Settings::max_originates`] are under way at once. Nothing is
    /// lost if the wait is given up, as it would be with the request itself. `None` once the client is closed.
    pub async fn originate_permit(&self) -> Option<OriginatePermit> {
        self.0.rest.originate_permit().await
    }

    /// Carries out an operation that originates a call, in a turn that was waited for before.
    pub async fn request_with_permit<Op: Operation>(
        &self,
        turn: OriginatePermit,
        operation: Op,
    ) -> Result<Op::Reply, RequestError> {
        self.0.rest.request_with_permit(Some(turn), &operation).await
    }

    /// Which connection there is, counted from 1 as in [`State::Up`]; `None` from the moment at which it is lost, which is
    /// a little before the state tells of it.
    pub fn epoch(&self) -> Option<u64> {
        match &*self.0.state.borrow() {
            State::Up { epoch, .. } if self.0.router.down().is_none() => Some(*epoch),
            State::Up { .. } | State::Down { .. } | State::OwnedByOther { .. } | State::Closed => None,
        }
    }

    /// Delivers to the subscriber every event about a channel or a bridge, from this moment until the subscription is
    /// dropped: before it exists, so that nothing about it is missed. While there is no connection, the subscriber is told
    /// at once that it is lost.
    pub fn subscribe<S: Subscriber + 'static>(&self, id: impl Into<Arc<str>>, subscriber: &Arc<S>) -> Subscription {
        self.0.router.subscribe(id.into(), subscriber)
    }

    /// Whether events about this channel or bridge reach anybody: it is subscribed to, or has arrived and waits to be
    /// claimed.
    pub fn is_subscribed(&self, id: &str) -> bool {
        self.0.router.knows(id)
    }

    /// What the client can do, now and whenever that changes.
    pub fn state(&self) -> watch::Receiver<State> {
        self.0.state.clone()
    }

    /// Proves that events arrive: how long one that is posted takes to come back, at most [`Settings::request_timeout`]. The
    /// wait for its turn is no part of that.
    pub async fn round_trip(&self) -> Result<Duration, RoundTripError> {
        let Shared { rest, router, settings, .. } = &*self.0;
        round_trip(rest, router, &settings.app, Lane::First, settings.request_timeout).await
    }

    /// The application as the server has it now.
    pub async fn application(&self) -> Result<Application, RequestError> {
        let get = Get { application_name: self.app().to_owned() };
        self.0.rest.request_in(Some(Lane::First), &get, || {}).await
    }

    /// How the event filter of `application` differs from [`Settings::allowed_events`], if it does: any user of ARI may
    /// change it, and then events do not come.
    pub fn filter_change(&self, application: &Application) -> Option<FilterChange> {
        event_filter::change(&self.0.settings, application)
    }

    /// Sets the event filter again, as at each connection.
    pub async fn set_filter(&self) -> Result<Application, RequestError> {
        event_filter::set(&self.0.rest, &self.0.settings, Lane::First).await
    }

    /// The longest time since `start` in which nothing was heard from the server, the time until now included. On a
    /// connection in order it is hardly longer than [`Settings::ping_interval`].
    pub fn longest_silence_since(&self, start: Instant) -> Duration {
        self.0.silence.longest(start, Instant::now())
    }

    /// Takes the application from its owner, if the client stands by in [`State::OwnedByOther`].
    pub fn take_over(&self) {
        self.0.take_over.notify_waiters();
    }

    /// Ends the connection and every task and queue, and says that the application is free.
    pub async fn close(&self) {
        self.0.stop.token().cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// What deliveries call the server: [`Settings::name`].
    pub fn name(&self) -> &Arc<str> {
        &self.0.settings.name
    }

    /// The application whose events arrive here.
    pub fn app(&self) -> &str {
        &self.0.settings.app
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Client").field("name", self.name()).field("app", &self.app()).finish_non_exhaustive()
    }
}
