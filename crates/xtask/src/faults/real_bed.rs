//! Real servers for trials: a few labs, each for one trial at a time, which is reset before the next.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use asterisk_lab::{Ari, Lab, Server, ServerOptions};
use calltest_ari::RestClient;
use calltest_ari::requests::{applications, channels};
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

use super::test_bed::{TestBed, client, is_bystanders, start_bystander_call};
use crate::network::{self, FAR_ENDS};

/// The app that calltest uses unless told otherwise.
const APP: &str = "calltest";
/// How long what earlier trials left of bystanders' calls may take to end.
const CLEAN_WITHIN: Duration = Duration::from_secs(20);

/// The far ends, a caller who listens for a while, and a network that shows another caller ID.
fn dialplan() -> String {
    let far_ends: String = FAR_ENDS.iter().map(|far_end| far_end.extension(far_end.name)).collect();
    let listens = network::extension("listens", &["Wait(2)", "Hangup(16)"]);
    let (masked, hidden) = (network::masked("direct"), network::hidden("direct"));
    format!("[far]\n{far_ends}{listens}[masked]\n{masked}[hidden]\n{hidden}")
}

/// One server of a lab of its own.
pub(crate) struct RealBed {
    lab: Lab,
    rest: RestClient,
}

impl RealBed {
    fn start() -> anyhow::Result<Self> {
        let options = ServerOptions::named("a").dialplan(dialplan());
        let lab = Lab::builder(&asterisk_lab::for_tests()).server(options).start()?;
        let rest = client(lab.server("a").ari(), "matrix")?;
        Ok(Self { lab, rest })
    }

    pub(crate) fn server(&self) -> &Server {
        self.lab.server("a")
    }

    pub(crate) fn socket(&self) -> SocketAddr {
        let ari = self.server().ari();
        SocketAddr::from((ari.host, ari.port))
    }

    /// The channels of others than the bystander, each with its state.
    pub(crate) async fn channels(&self) -> anyhow::Result<Vec<(String, String)>> {
        let channels = self.rest.request(channels::List::default()).await?;
        let ours = channels.into_iter().filter(|channel| !is_bystanders(&channel.id));
        Ok(ours.map(|channel| (channel.id.to_string(), channel.state.to_string())).collect())
    }

    /// Sends the channels of others than the bystander back into the dialplan, as far as they are still there.
    pub(crate) async fn continue_all(&self) {
        for (channel_id, _) in self.channels().await.unwrap_or_default() {
            let _ = self.rest.request(channels::ContinueInDialplan { channel_id, ..Default::default() }).await;
        }
    }

    /// Has the server keep back some of the events that calltest lives on.
    pub(crate) async fn keep_back_events(&self) {
        let kinds = ["ChannelDtmfReceived", "ChannelDestroyed", "ChannelUserevent"];
        let disallowed: Vec<_> = kinds.iter().map(|kind| json!({ "type": kind })).collect();
        let filter = json!({ "disallowed": disallowed });
        let set = applications::Filter { application_name: APP.into(), filter: Some(filter) };
        // The app may not be there.
        let _ = self.rest.request(set).await;
    }

    /// Resets the server: running, with the bystander's call and no other.
    async fn reset(self: &Arc<Self>) -> anyhow::Result<()> {
        let bed = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            // One that runs does not mind.
            let _ = bed.server().thaw();
            if bed.server().is_running() { Ok(()) } else { bed.server().restart() }
        })
        .await??;
        let give_up = Instant::now() + CLEAN_WITHIN;
        while !self.channels_left().await?.is_empty() {
            anyhow::ensure!(Instant::now() < give_up, "the server did not come to rest: {:?}", self.channels().await?);
            sleep(Duration::from_millis(50)).await;
        }
        if !self.has_bystander().await? {
            start_bystander_call(&self.ari()).await?;
        }
        Ok(())
    }
}

impl TestBed for RealBed {
    fn ari(&self) -> Ari {
        self.server().ari().clone()
    }

    fn call_in(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(async {
            let originate = channels::Originate {
                endpoint: "Local/trunk@direct".into(),
                extension: Some("listens".into()),
                context: Some("far".into()),
                priority: Some(1),
                formats: Some("slin".into()),
                ..Default::default()
            };
            self.rest.request(originate).await.ok().map(|channel| channel.id.into())
        })
    }

    fn end_call(&self, _: &str) {
        // The caller hangs up by itself.
    }

    fn channels_left(&self) -> BoxFuture<'_, anyhow::Result<Vec<String>>> {
        Box::pin(async { Ok(self.channels().await?.into_iter().map(|(id, _)| id).collect()) })
    }

    fn has_bystander(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        Box::pin(async {
            let channels = self.rest.request(channels::List::default()).await?;
            Ok(channels.iter().any(|channel| is_bystanders(&channel.id)))
        })
    }
}

/// Servers that trials borrow. They start when they are first needed.
pub(crate) struct Pool {
    idle: Mutex<Vec<Arc<RealBed>>>,
    places: Arc<Semaphore>,
}

/// A server that is borrowed. It goes back when this is dropped.
pub(crate) struct Borrowed {
    pub(crate) bed: Arc<RealBed>,
    pool: Arc<Pool>,
    _place: OwnedSemaphorePermit,
}

impl Pool {
    pub(crate) fn of(servers: usize) -> Arc<Self> {
        Arc::new(Self { idle: Mutex::default(), places: Arc::new(Semaphore::new(servers.max(1))) })
    }

    pub(crate) async fn borrow(self: &Arc<Self>) -> anyhow::Result<Borrowed> {
        let place = Arc::clone(&self.places).acquire_owned().await.context("the pool is never closed")?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bed = match idle {
            Some(bed) => bed,
            None => Arc::new(tokio::task::spawn_blocking(RealBed::start).await??),
        };
        // One that cannot be reset is given up, and the next trial gets a new one.
        bed.reset().await?;
        Ok(Borrowed { bed, pool: Arc::clone(self), _place: place })
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&self.bed));
    }
}
