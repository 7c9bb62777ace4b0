//! One owner an application: Asterisk gives an application's events to whoever connected last, so the owner keeps a
//! heartbeat in a global variable of the server, and others look at it before they connect.
//!
//! The value is `INSTANCE COUNTER INTERVAL`, the last in milliseconds; older versions wrote none. It says nothing of clocks: an
//! owner is alive as long as the value moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use crate::error::RequestError;
use crate::generated::requests::asterisk::{GetGlobalVar, SetGlobalVar};
use crate::rest::Rest;
use crate::settings::Settings;

/// The longest interval between heartbeats that others are believed to keep, so that nobody can make us wait for ever.
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);

/// The heartbeat of this instance, and the view of others'.
pub(crate) struct Ownership {
    rest: Arc<Rest>,
    variable: String,
    instance: String,
    interval: Duration,
    beats: AtomicU64,
}

/// A value of the variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OwnerSeen {
    /// Nobody says that the application is theirs.
    Nobody,
    /// We do.
    Ours,
    /// Another instance does.
    Other {
        owner: String,
        /// The whole value, which moves as long as that instance lives.
        value: String,
        /// How often it moves, as far as the owner says so.
        interval: Option<Duration>,
    },
}

impl Ownership {
    /// The ownership that the settings ask for, if they do.
    pub(crate) fn new(rest: &Arc<Rest>, settings: &Settings) -> Option<Self> {
        Some(Ownership {
            rest: Arc::clone(rest),
            variable: settings.owner_variable.clone()?,
            instance: settings.instance.clone(),
            interval: settings.heartbeat_interval,
            beats: AtomicU64::new(0),
        })
    }

    /// What the variable says.
    pub(crate) async fn look(&self) -> Result<OwnerSeen, RequestError> {
        let value = match self.rest.own_request(&GetGlobalVar { variable: self.variable.clone() }).await {
            Ok(variable) => variable.value.into(),
            Err(error) if error.is_not_found() => String::new(),
            Err(error) => return Err(error),
        };
        let mut words = value.split_whitespace();
        Ok(match words.next() {
            None => OwnerSeen::Nobody,
            Some(owner) if owner == self.instance => OwnerSeen::Ours,
            Some(owner) => {
                let interval = words.nth(1).and_then(|interval| interval.parse().ok()).map(Duration::from_millis);
                OwnerSeen::Other { owner: owner.to_owned(), interval, value }
            }
        })
    }

    /// The owner seen in `first`, if it lives: if the value moves while we watch it for 2.5 of its heartbeats.
    pub(crate) async fn active_owner(&self, first: OwnerSeen) -> Result<Option<String>, RequestError> {
        let OwnerSeen::Other { interval, .. } = &first else { return Ok(None) };
        sleep(self.patience(*interval)).await;
        match self.look().await? {
            second if second == first => Ok(None),
            OwnerSeen::Other { owner, .. } => Ok(Some(owner)),
            OwnerSeen::Nobody | OwnerSeen::Ours => Ok(None),
        }
    }

    /// How long a value may stay the same before an owner counts as gone that keeps to this interval, or to ours.
    fn patience(&self, interval: Option<Duration>) -> Duration {
        let interval = interval.map_or(self.interval, |theirs| theirs.min(LONGEST_INTERVAL).max(self.interval));
        interval * 5 / 2
    }

    /// Says that the application is ours.
    pub(crate) async fn claim(&self) -> Result<(), RequestError> {
        let beat = self.beats.fetch_add(1, Ordering::Relaxed);
        self.write(Some(format!("{} {beat} {}", self.instance, self.interval.as_millis()))).await
    }

    /// Says so again and again, until another instance does; which that is.
    pub(crate) async fn beat(&self) -> String {
        let mut beats = interval_at(Instant::now() + self.interval, self.interval);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beats.tick().await;
            match self.look().await {
                Ok(OwnerSeen::Other { owner, .. }) => return owner,
                Ok(OwnerSeen::Ours | OwnerSeen::Nobody) => {
                    if let Err(error) = self.claim().await {
                        tracing::debug!(%error, "heartbeat not written");
                    }
                }
                // The connection finds out itself whether the server is gone.
                Err(error) => tracing::debug!(%error, "heartbeat not read"),
            }
        }
    }

    /// Says that the application is nobody's, if it is ours.
    pub(crate) async fn release(&self) -> Result<(), RequestError> {
        match self.look().await? {
            OwnerSeen::Ours => self.write(None).await,
            OwnerSeen::Nobody | OwnerSeen::Other { .. } => Ok(()),
        }
    }

    async fn write(&self, value: Option<String>) -> Result<(), RequestError> {
        self.rest.own_request(&SetGlobalVar { variable: self.variable.clone(), value }).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use bytes::Bytes;
    use futures_util::future::{BoxFuture, FutureExt};
    use http::{Method, StatusCode};
    use serde_json::json;
    use tokio::time::timeout;

    use super::*;
    use crate::error::RequestFailure;
    use crate::transport::{RawReply, RawRequest, Transport};

    /// A server that knows one global variable.
    #[derive(Default)]
    struct Server {
        value: Mutex<String>,
        requests: AtomicU64,
    }

    impl Server {
        fn set(&self, value: &str) {
            value.clone_into(&mut self.value.lock().unwrap());
        }

        fn get(&self) -> String {
            self.value.lock().unwrap().clone()
        }
    }

    impl Transport for Server {
        fn call<'a>(&'a self, request: &'a RawRequest) -> BoxFuture<'a, Result<RawReply, RequestFailure>> {
            self.requests.fetch_add(1, Ordering::Relaxed);
            let (status, body) = if request.method == Method::GET {
                (StatusCode::OK, Bytes::from(json!({ "value": self.get() }).to_string()))
            } else {
                let value = request.target.split_once("&value=").map_or("", |(_, value)| value);
                self.set(&value.replace("%20", " "));
                (StatusCode::NO_CONTENT, Bytes::new())
            };
            async move { Ok(RawReply { status, body, fields: None }) }.boxed()
        }
    }

    fn ownership(server: &Arc<Server>, instance: &str) -> Ownership {
        ownership_with(server, instance, Duration::from_secs(2))
    }

    fn ownership_with(server: &Arc<Server>, instance: &str, heartbeat_interval: Duration) -> Ownership {
        let settings = Settings {
            instance: instance.into(),
            heartbeat_interval,
            owner_variable: Some("OWNER".into()),
            ..Settings::new("host", 1, "user", "password", "app")
        };
        let rest = Arc::new(Rest::new(Arc::clone(server) as Arc<dyn Transport>, &settings));
        Ownership::new(&rest, &settings).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_that_moves_has_a_living_owner() {
        let server = Arc::new(Server::default());
        let (first, second) = (ownership(&server, "first"), ownership(&server, "second"));
        assert_eq!(second.look().await.unwrap(), OwnerSeen::Nobody);
        first.claim().await.unwrap();
        let beats = tokio::spawn(async move { first.beat().await });
        for _ in 0..20 {
            let seen = second.look().await.unwrap();
            assert_eq!(second.active_owner(seen).await.unwrap(), Some("first".to_owned()));
        }
        // The second one insists; the first notices and stops.
        second.claim().await.unwrap();
        assert_eq!(timeout(Duration::from_secs(10), beats).await.unwrap().unwrap(), "second");
        assert_eq!(second.look().await.unwrap(), OwnerSeen::Ours);
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_that_stands_still_has_none() {
        let server = Arc::new(Server::default());
        let heir = ownership(&server, "heir");
        server.set("crashed 7");
        let seen = heir.look().await.unwrap();
        assert_eq!(seen, OwnerSeen::Other { owner: "crashed".into(), value: "crashed 7".into(), interval: None });
        let started = Instant::now();
        assert_eq!(heir.active_owner(seen).await.unwrap(), None);
        assert_eq!(started.elapsed(), Duration::from_secs(5));
        assert_eq!(heir.active_owner(OwnerSeen::Nobody).await.unwrap(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_owner_with_a_slow_heartbeat_lives_too() {
        let server = Arc::new(Server::default());
        let slow = ownership_with(&server, "slow", Duration::from_secs(20));
        let second = ownership(&server, "second");
        slow.claim().await.unwrap();
        assert_eq!(server.get(), "slow 0 20000");
        let beats = tokio::spawn(async move { slow.beat().await });
        for _ in 0..3 {
            let seen = second.look().await.unwrap();
            assert_eq!(second.active_owner(seen).await.unwrap(), Some("slow".to_owned()));
        }
        beats.abort();
        // Nobody makes us wait for ever.
        for value in ["crashed 7 18446744073709551615", "crashed 7 soon"] {
            server.set(value);
            let seen = second.look().await.unwrap();
            assert_eq!(second.active_owner(seen).await.unwrap(), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_owner_that_leaves_in_the_meantime_is_no_obstacle() {
        let server = Arc::new(Server::default());
        let (first, second) = (ownership(&server, "first"), ownership(&server, "second"));
        first.claim().await.unwrap();
        let seen = second.look().await.unwrap();
        let (obstacle, ()) = tokio::join!(second.active_owner(seen), async {
            sleep(Duration::from_secs(1)).await;
            first.release().await.unwrap();
        });
        assert_eq!((obstacle.unwrap(), server.get().as_str()), (None, ""));
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_owner_clears_the_variable_and_a_heartbeat_costs_one_request_a_second() {
        let server = Arc::new(Server::default());
        let owner = ownership(&server, "owner");
        server.set("other 1");
        owner.release().await.unwrap();
        assert_eq!(server.get(), "other 1");
        owner.claim().await.unwrap();
        let before = server.requests.load(Ordering::Relaxed);
        let _ = timeout(Duration::from_secs(101), owner.beat()).await;
        assert_eq!(server.requests.load(Ordering::Relaxed) - before, 100);
        assert_eq!(server.get(), "owner 50 2000");
    }
}
