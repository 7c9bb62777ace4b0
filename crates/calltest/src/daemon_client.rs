//! A client of a daemon on this machine: finds it, gives it commands, and hears how its tests fare.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use calltest_core::plan::Plan;
use calltest_daemon::{Commanded, InstanceLock, path_segment};
use calltest_report::run::Report;
use futures_util::StreamExt as _;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// How long a daemon may take to say who it is. One on this machine needs a millisecond.
const INTRODUCTION: Duration = Duration::from_secs(2);
/// How long it may take for an answer.
const ANSWER: Duration = Duration::from_secs(20);

/// A daemon that answers.
pub(crate) struct DaemonClient {
    http: reqwest::Client,
    address: SocketAddr,
    instance: String,
    /// Whether it would make the same calls as we.
    pub(crate) is_like_us: bool,
}

/// What a daemon says of itself.
#[derive(Deserialize)]
struct Health {
    instance: String,
    plan: String,
}

/// What a daemon tells of a test.
#[derive(Deserialize)]
pub(crate) struct Update {
    pub(crate) name: String,
    /// None if the test is gone.
    pub(crate) state: Option<State>,
}

/// What a test is doing.
#[derive(Deserialize)]
pub(crate) struct State {
    status: String,
    pub(crate) run: Option<String>,
}

/// What a daemon tells of its tests, as it happens.
pub(crate) struct Updates {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    unreadable: String,
}

impl State {
    /// That of a test that has just been found active.
    pub(crate) fn waiting() -> Self {
        Self { status: "waiting".into(), run: None }
    }

    /// Whether a run is asked for or under way.
    pub(crate) fn is_active(&self) -> bool {
        matches!(&*self.status, "waiting" | "running")
    }
}

impl DaemonClient {
    /// The daemon of this state directory, or the one that answers where the configuration says; the one that is like us, if
    /// there are two.
    pub(crate) async fn find(plan: &Plan, state_directory: &Path) -> Option<Self> {
        let of_directory = InstanceLock::instance(state_directory).map(|instance| reachable(instance.address));
        let mut addresses: Vec<SocketAddr> = of_directory.into_iter().collect();
        if plan.listen.port != 0
            && let Ok(found) = lookup_host((plan.listen.host.as_str(), plan.listen.port)).await
        {
            addresses.extend(found.map(reachable));
        }
        addresses.sort_unstable();
        addresses.dedup();
        let mut other = None;
        for address in addresses {
            match Self::at(address, plan).await {
                Some(daemon) if daemon.is_like_us => return Some(daemon),
                Some(daemon) => other = Some(daemon),
                None => {}
            }
        }
        other
    }

    async fn at(address: SocketAddr, plan: &Plan) -> Option<Self> {
        // Mostly nobody is there, and a client costs far more than to find that out.
        timeout(INTRODUCTION, TcpStream::connect(address)).await.ok()?.ok()?;
        // The environment's proxies lead away from this machine, and the system's certificates, which take most of the
        // time, are not asked for by anything that is said here.
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .timeout(ANSWER)
            .connect_timeout(INTRODUCTION)
            .build()
            .ok()?;
        let answer = http.get(format!("http://{address}/healthz")).timeout(INTRODUCTION).send().await.ok()?;
        let health: Health = answer.json().await.ok()?;
        Some(Self {
            http,
            address,
            is_like_us: health.plan == calltest_daemon::digest(plan),
            instance: health.instance,
        })
    }

    /// What to do about a daemon that owns the app, but has another configuration; nothing if somebody else owns it.
    pub(crate) fn advice(&self, owner: &str) -> Option<String> {
        owner.contains(&self.instance).then(|| {
            format!(
                "that is the daemon at http://{}/, which has another configuration than this: have it reload (SIGHUP, or POST \
                 /reload) to test with it, or take the app from it with --take-over",
                self.address
            )
        })
    }

    /// Has it run a test at once.
    pub(crate) async fn start(&self, test: &str) -> anyhow::Result<Commanded> {
        Ok(self.ask(Method::PUT, &format!("/test/{}/start", path_segment(test))).await?.1)
    }

    /// Has it end the run of a test.
    pub(crate) async fn stop(&self, test: &str) -> anyhow::Result<Commanded> {
        Ok(self.ask(Method::PUT, &format!("/test/{}/stop", path_segment(test))).await?.1)
    }

    /// A run of a test; nothing while it is not over.
    pub(crate) async fn report(&self, test: &str, run: &str) -> anyhow::Result<Option<Report>> {
        let path = format!("/test/{}/runs/{run}", path_segment(test));
        let (status, report) = self.ask::<serde_json::Value>(Method::GET, &path).await?;
        if status == StatusCode::ACCEPTED {
            return Ok(None);
        }
        serde_json::from_value(report).map(Some).with_context(|| self.unreadable())
    }

    /// All tests, and every change from now on.
    pub(crate) async fn follow(&self) -> anyhow::Result<Updates> {
        let (socket, _) = connect_async(format!("ws://{}/ws", self.address)).await.with_context(|| self.silent())?;
        Ok(Updates { socket, unreadable: self.unreadable() })
    }

    /// What is wrong with a daemon that says nothing.
    pub(crate) fn silent(&self) -> String {
        format!("the daemon at http://{}/ does not answer", self.address)
    }

    fn unreadable(&self) -> String {
        format!("{} in a way that this version understands", self.silent())
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str) -> anyhow::Result<(StatusCode, T)> {
        let url = format!("http://{}{path}", self.address);
        let answer = self.http.request(method, url).send().await.with_context(|| self.silent())?;
        let status = answer.status();
        if !status.is_success() {
            let why = answer.text().await.unwrap_or_default();
            bail!("the daemon at http://{}/ refuses {path}: {status} {why}", self.address);
        }
        let body = answer.json().await.with_context(|| self.unreadable())?;
        Ok((status, body))
    }
}

impl Updates {
    /// The next change; none any more if the daemon is gone.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Update>> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    return serde_json::from_str(&text).map(Some).with_context(|| self.unreadable.clone());
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(None),
                Some(Ok(_)) => {}
            }
        }
    }
}

/// An address that leads to a daemon which listens on all of them.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}
