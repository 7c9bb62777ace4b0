//! One Asterisk server while we are connected to it: the client, and what hangs on it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use calltest_ari::{Client, Lost, RoundTripError};
use calltest_core::abilities::Abilities;
use calltest_core::evidence::Sight;
use calltest_core::plan::{self, ServerName};
use calltest_core::verdict::Trouble;
use calltest_engine::{Scrutiny, Sighting, Unready};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::follower::Readiness;
use crate::leftovers::Leftovers;
use crate::told_events::{self, Watched};

/// From this silence on, what is late, corrupted or missing proves nothing: a server in order answers two pings a second, so
/// it has stood still meanwhile, or its connection has, and may have held up the call as well.
const SILENCE_LIMIT: Duration = Duration::from_secs(1);

/// A server that we are connected to.
pub(crate) struct Server {
    pub(crate) name: ServerName,
    /// What Asterisk can show at best.
    pub(crate) abilities_of_kind: Abilities,
    pub(crate) client: Client,
    pub(crate) leftovers: Arc<Leftovers>,
    /// What is done beside the runs, and has to be done before the connection is closed.
    pub(crate) errands: TaskTracker,
    /// When the latest event came in that could not be read.
    unreadable: Mutex<Option<Instant>>,
    /// When it was noticed last that somebody had changed what we are told of, and what that was.
    changed: Mutex<Option<(Instant, String)>>,
    /// The channels of runs, as long as these need them.
    channels: Mutex<Vec<Weak<dyn Watched>>>,
    /// The PJSIP endpoints that were asked about, and whether each sends packets while nothing is to be said.
    pub(crate) endpoints_that_send: tokio::sync::Mutex<HashMap<String, bool>>,
    readiness: watch::Receiver<Readiness>,
    latest_look: tokio::sync::Mutex<Option<Look>>,
}

/// A look whether the server tells us what happens, and a message that we sent to ourselves through it.
#[derive(Clone)]
struct Look {
    begun: Instant,
    scrutiny: Scrutiny,
    /// How long the message took, or why it did not come back.
    round_trip: Result<Duration, String>,
}

impl Server {
    pub(crate) fn new(
        plan: &plan::Server,
        client: Client,
        leftovers: Arc<Leftovers>,
        readiness: watch::Receiver<Readiness>,
    ) -> Self {
        Self {
            name: plan.name.clone(),
            abilities_of_kind: plan.kind.abilities(),
            client,
            leftovers,
            errands: TaskTracker::new(),
            unreadable: Mutex::default(),
            changed: Mutex::default(),
            channels: Mutex::default(),
            endpoints_that_send: tokio::sync::Mutex::default(),
            readiness,
            latest_look: tokio::sync::Mutex::default(),
        }
    }

    /// Whether runs may use it now.
    pub(crate) fn ready(&self) -> Result<(), Unready> {
        match &*self.readiness.borrow() {
            // Whether it is still the same connection is asked of the client: the cleanup of a new one
            // would take the channel of a run that began before it for a leftover.
            Readiness::Ready { epoch } if self.client.epoch() == Some(*epoch) => Ok(()),
            Readiness::Ready { .. } => {
                Err(Unready::Down { why: format!("the connection to server {} has just been lost", self.name) })
            }
            Readiness::NotReady(why) => Err(why.clone()),
        }
    }

    /// Notes that an event came in that could not be read.
    pub(crate) fn has_sent_rubbish(&self) {
        *self.unreadable.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        // It may have told of a call that nobody will take now.
        self.leftovers.suspect();
    }

    /// Notes a channel of whose events we have to be told as long as it is up and somebody holds it.
    pub(crate) fn has(&self, channel: Weak<dyn Watched>) {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        // To look through a thousand channels for each one would cost more than the channel.
        if channels.len() == channels.capacity() {
            channels.retain(|channel| channel.strong_count() > 0);
            let held = channels.len();
            channels.reserve(held + 1);
        }
        channels.push(channel);
    }

    /// Whether it can be seen now, and could be all the time since `since`.
    pub(crate) async fn sight(&self, since: Instant, scrutiny: Scrutiny) -> Sighting {
        let round_trip = match self.ready() {
            Ok(()) => self.look(scrutiny).await.map_err(|why| {
                tracing::warn!(server = %self.name, "no line of sight: {why}");
            }),
            Err(_) => Err(()),
        };
        let sight = Sight {
            server: self.name.clone(),
            longest_silence: self.client.longest_silence_since(since),
            silence_limit: SILENCE_LIMIT,
            round_trip: round_trip.ok(),
        };
        Sighting { sight, uncertainty: self.uncertainty(since) }
    }

    /// Why something that happened since `since` may not have been told, if so. Any event that could not be read, or was
    /// kept back, may have been the one that is missing.
    fn uncertainty(&self, since: Instant) -> Option<Trouble> {
        let server = || self.name.clone();
        let changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, change)) = changed.filter(|(at, _)| *at >= since) {
            return Some(Trouble::EventsChanged { server: server(), change });
        }
        let unreadable = *self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        unreadable.filter(|at| *at >= since).map(|_| Trouble::Unreadable { server: server() })
    }

    /// Sends a message to ourselves, and for a whole look first sees to it that we are told what happens. Of those that ask at
    /// the same time, one asks for all: what was begun after a run asked proves to it as much as its own look would.
    async fn look(&self, scrutiny: Scrutiny) -> Result<Duration, String> {
        let asked = Instant::now();
        let mut latest = self.latest_look.lock().await;
        if let Some(Look { begun, scrutiny: seen_with, round_trip }) = &*latest
            && *begun >= asked
            && *seen_with >= scrutiny
        {
            return round_trip.clone();
        }
        let begun = Instant::now();
        if scrutiny == Scrutiny::Whole {
            self.restore_events().await;
        }
        let round_trip = self.client.round_trip().await.map_err(|error: RoundTripError| error.to_string());
        *latest = Some(Look { begun, scrutiny, round_trip: round_trip.clone() });
        round_trip
    }

    async fn restore_events(&self) {
        let channels: Vec<_> = {
            let channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
            channels.iter().filter_map(Weak::upgrade).collect()
        };
        let Some(change) = told_events::restore(&self.client, &channels).await else { return };
        tracing::warn!(server = %self.name, "{change}");
        // Calls may have come in that we were not told of.
        self.leftovers.suspect();
        *self.changed.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), change));
    }
}

/// Why no more events come.
pub(crate) fn trouble_of(server: &ServerName, why: &Lost) -> Trouble {
    let server = server.clone();
    match why {
        Lost::OwnedByOther { owner } => Trouble::AppTaken { server, owner: owner.clone() },
        Lost::Replaced => Trouble::AppTaken { server, owner: "it does not say who it is".into() },
        why => Trouble::ConnectionLost { server, why: why.to_string() },
    }
}
