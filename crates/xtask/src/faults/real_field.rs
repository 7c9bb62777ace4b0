//! Real servers for trials: a few labs, each for one trial at a time, which are made whole again before the next.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use asterisk_lab::{Lab, Server, ServerOptions};
use calltest_ari::requests::channels;
use calltest_ari::{RestClient, Settings};
use futures_util::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

use super::field::{Field, admit_stranger, is_strangers};
use super::plan::Address;

/// The far ends, as `plan` and `field` have them, and a caller who listens for a while.
const DIALPLAN: &str = "\
[far]
exten => rings,1,Ringing()
 same => n,Wait(86400)
exten => answers,1,Ringing()
 same => n,Wait(0.2)
 same => n,Answer()
 same => n,Wait(30)
exten => rejects,1,Ringing()
 same => n,Wait(0.4)
 same => n,Hangup(21)
exten => rings-out,1,Ringing()
 same => n,Wait(0.9)
 same => n,Hangup(19)
exten => busy,1,Hangup(17)
exten => silent,1,Wait(60)
exten => hangs-up,1,Answer()
 same => n,Wait(0.5)
 same => n,Hangup(16)
exten => listens,1,Wait(2)
 same => n,Hangup(16)
[masked]
exten => _[a-z]!,1,Set(CALLERID(num)=999)
 same => n,Goto(direct,${EXTEN},1)
";

/// How long what earlier trials left of strangers' calls may take to end.
const CLEAN_WITHIN: Duration = Duration::from_secs(20);

/// One server of a lab of its own.
pub(crate) struct RealField {
    lab: Lab,
    rest: RestClient,
}

impl RealField {
    fn start() -> anyhow::Result<Self> {
        let options = ServerOptions::named("a").dialplan(DIALPLAN);
        let lab = Lab::builder(&asterisk_lab::for_tests()).server(options).start()?;
        let rest = RestClient::new(settings(&address_of(lab.server("a"))))?;
        Ok(Self { lab, rest })
    }

    pub(crate) fn server(&self) -> &Server {
        self.lab.server("a")
    }

    pub(crate) fn socket(&self) -> SocketAddr {
        let ari = self.server().ari();
        SocketAddr::new(IpAddr::V4(ari.host), ari.port)
    }

    /// The channels of others than the stranger, each with its state.
    pub(crate) async fn channels(&self) -> anyhow::Result<Vec<(String, String)>> {
        let channels = self.rest.request(channels::List::default()).await?;
        let ours = channels.into_iter().filter(|channel| !is_strangers(&channel.id));
        Ok(ours.map(|channel| (channel.id.to_string(), channel.state.to_string())).collect())
    }

    /// Makes the server whole: running, with the stranger's call and no other.
    async fn make_whole(self: &Arc<Self>) -> anyhow::Result<()> {
        let field = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            // One that runs does not mind.
            let _ = field.server().thaw();
            if field.server().is_running() { Ok(()) } else { field.server().restart() }
        })
        .await??;
        let give_up = Instant::now() + CLEAN_WITHIN;
        while !self.channels_left().await?.is_empty() {
            anyhow::ensure!(Instant::now() < give_up, "the server did not come to rest: {:?}", self.channels().await?);
            sleep(Duration::from_millis(50)).await;
        }
        if !self.has_stranger().await? {
            admit_stranger(&self.address(), "Local/rings@far").await?;
        }
        Ok(())
    }
}

fn address_of(server: &Server) -> Address {
    let ari = server.ari();
    Address {
        host: ari.host.to_string(),
        port: ari.port,
        username: ari.username.clone(),
        password: ari.password.clone(),
    }
}

fn settings(address: &Address) -> Settings {
    let Address { host, port, username, password } = address;
    Settings::new(host, *port, username, password.as_str(), "matrix")
}

impl Field for RealField {
    fn address(&self) -> Address {
        address_of(self.server())
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

    fn has_stranger(&self) -> BoxFuture<'_, anyhow::Result<bool>> {
        Box::pin(async {
            let channels = self.rest.request(channels::List::default()).await?;
            Ok(channels.iter().any(|channel| is_strangers(&channel.id)))
        })
    }
}

/// Servers that trials borrow. They start when they are first needed.
pub(crate) struct Pool {
    idle: Mutex<Vec<Arc<RealField>>>,
    places: Arc<Semaphore>,
}

/// A server that is borrowed. It goes back when this is dropped.
pub(crate) struct Borrowed {
    pub(crate) field: Arc<RealField>,
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
        let field = match idle {
            Some(field) => field,
            None => Arc::new(tokio::task::spawn_blocking(RealField::start).await??),
        };
        // One that cannot be made whole is given up, and the next trial gets a new one.
        field.make_whole().await?;
        Ok(Borrowed { field, pool: Arc::clone(self), _place: place })
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&self.field));
    }
}
