//! `calltest run` beside a daemon of the same configuration: the tests are handed to the daemon, which owns the app and the
//! links, and their results are shown as if they had been run here.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use calltest_core::plan::{CallTest, Plan};
use calltest_daemon::Seat;
use calltest_report::run::Report;
use calltest_report::text::Tally;
use futures_util::StreamExt as _;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::CancellationToken;

use super::{Outcome, Trouble};
use crate::display::Display;
use crate::output;

/// How long a daemon may take to say who it is. One on this machine needs a millisecond.
const INTRODUCTION: Duration = Duration::from_secs(2);
/// How long it may take for an answer.
const ANSWER: Duration = Duration::from_secs(20);

/// A daemon that answers.
pub(super) struct Daemon {
    client: reqwest::Client,
    address: SocketAddr,
    instance: String,
    /// Whether it would make the same calls as we.
    pub(super) is_like_us: bool,
}

/// What a daemon says of itself.
#[derive(Deserialize)]
struct Health {
    instance: String,
    plan: String,
}

/// What came of a command.
#[derive(Deserialize)]
struct Commanded {
    success: bool,
    run: Option<String>,
}

/// A message about a test.
#[derive(Deserialize)]
struct Update {
    name: String,
    /// None if the test is gone.
    state: Option<State>,
}

#[derive(Deserialize)]
struct State {
    status: String,
    run: Option<String>,
}

impl State {
    fn is_active(&self) -> bool {
        matches!(&*self.status, "waiting" | "running")
    }
}

impl Daemon {
    /// The daemon of this state directory, or the one that answers where the configuration says; the one that is like us, if
    /// there are two.
    pub(super) async fn find(plan: &Plan, state_directory: &Path) -> Option<Self> {
        let mut addresses: Vec<SocketAddr> =
            Seat::holder(state_directory).map(|holder| reachable(holder.address)).into_iter().collect();
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
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .timeout(ANSWER)
            .connect_timeout(INTRODUCTION)
            .build()
            .ok()?;
        let answer = client.get(format!("http://{address}/healthz")).timeout(INTRODUCTION).send().await.ok()?;
        let health: Health = answer.json().await.ok()?;
        Some(Self {
            client,
            address,
            is_like_us: health.plan == calltest_daemon::digest(plan),
            instance: health.instance,
        })
    }

    /// What to do about a daemon that owns the app, but has another configuration; nothing if somebody else owns it.
    pub(super) fn advice(&self, owner: &str) -> Option<String> {
        owner.contains(&self.instance).then(|| {
            format!(
                "that is the daemon at http://{}/, which has another configuration than this: have it reload (SIGHUP, or POST \
                 /reload) to test with it, or take the app from it with --take-over",
                self.address
            )
        })
    }

    /// Has the daemon run these tests, and shows what comes of them.
    pub(super) async fn carry_out(
        &self,
        tests: &[Arc<CallTest>],
        interrupted: &CancellationToken,
        display: &Display,
    ) -> Outcome {
        let mut handed = Handed {
            daemon: self,
            display,
            to_start: tests.iter().map(|test| test.name.to_string()).collect(),
            under_way: HashMap::new(),
            states: HashMap::new(),
            tally: Tally::default(),
        };
        let trouble = match handed.carry_out(interrupted).await {
            Ok(()) => None,
            Err(Ended::Unprinted(error)) => {
                // Calls whose results nobody gets are not worth their money.
                handed.stop_all().await;
                Some(Trouble::Unprinted(error))
            }
            Err(Ended::Unanswered(error)) => Some(Trouble::Unanswered(error)),
        };
        Outcome { tally: handed.tally, trouble }
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str) -> anyhow::Result<(StatusCode, T)> {
        let url = format!("http://{}{path}", self.address);
        let answer = self.client.request(method, url).send().await.with_context(|| self.silent())?;
        let status = answer.status();
        if !status.is_success() {
            let why = answer.text().await.unwrap_or_default();
            bail!("the daemon at http://{}/ refuses {path}: {status} {why}", self.address);
        }
        let body =
            answer.json().await.with_context(|| format!("{} in a way that this version understands", self.silent()))?;
        Ok((status, body))
    }

    async fn follow(&self) -> anyhow::Result<WebSocketStream<MaybeTlsStream<TcpStream>>> {
        let (socket, _) = connect_async(format!("ws://{}/ws", self.address)).await.with_context(|| self.silent())?;
        Ok(socket)
    }

    fn silent(&self) -> String {
        format!("the daemon at http://{}/ does not answer", self.address)
    }
}

/// Why tests that were handed over do not come to an end.
enum Ended {
    /// A result could not be printed.
    Unprinted(std::io::Error),
    /// The daemon does not do what it should.
    Unanswered(anyhow::Error),
}

impl From<anyhow::Error> for Ended {
    fn from(error: anyhow::Error) -> Self {
        Self::Unanswered(error)
    }
}

/// Tests in the hands of a daemon.
struct Handed<'a> {
    daemon: &'a Daemon,
    display: &'a Display,
    to_start: VecDeque<String>,
    /// The run of each test that was started.
    under_way: HashMap<String, String>,
    /// What the daemon has told of each test.
    states: HashMap<String, State>,
    tally: Tally,
}

impl Handed<'_> {
    async fn carry_out(&mut self, interrupted: &CancellationToken) -> Result<(), Ended> {
        // Listen first: nothing that happens from now on is missed.
        let mut socket = self.daemon.follow().await?;
        let mut is_stopping = false;
        self.start_what_can().await?;
        while !(self.under_way.is_empty() && self.to_start.is_empty()) {
            let message = tokio::select! {
                biased;
                () = interrupted.cancelled(), if !is_stopping => {
                    is_stopping = true;
                    self.to_start.clear();
                    self.stop_all().await;
                    continue;
                }
                message = socket.next() => message,
            };
            let text = match message {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Close(_)) | Err(_)) | None => {
                    return Err(anyhow!("{} any more, with tests under way", self.daemon.silent()).into());
                }
                Some(Ok(_)) => continue,
            };
            let update: Update = serde_json::from_str(&text)
                .with_context(|| format!("{} in a way that this version understands", self.daemon.silent()))?;
            let name = update.name;
            match update.state {
                Some(state) => drop(self.states.insert(name.clone(), state)),
                None => drop(self.states.remove(&name)),
            }
            self.finish_if_over(&name).await?;
            self.start_what_can().await?;
        }
        Ok(())
    }

    /// Starts every test that is not under way for somebody else.
    async fn start_what_can(&mut self) -> anyhow::Result<()> {
        for _ in 0..self.to_start.len() {
            let Some(name) = self.to_start.pop_front() else { break };
            if self.states.get(&name).is_some_and(State::is_active) {
                self.to_start.push_back(name);
                continue;
            }
            let (_, started): (_, Commanded) =
                self.daemon.ask(Method::PUT, &format!("/test/{}/start", in_path(&name))).await?;
            match started.run.filter(|_| started.success) {
                Some(run) => drop(self.under_way.insert(name, run)),
                // It has begun by itself just now; a message about that is on its way.
                None => {
                    let state = State { status: "waiting".into(), run: None };
                    self.states.insert(name.clone(), state);
                    self.to_start.push_back(name);
                }
            }
        }
        Ok(())
    }

    /// Shows the run of a test if it is over.
    async fn finish_if_over(&mut self, name: &str) -> Result<(), Ended> {
        let Some(run) = self.under_way.get(name) else { return Ok(()) };
        let is_under_way = |state: &State| state.is_active() && state.run.as_ref() == Some(run);
        // What was told before it was started says nothing about it.
        let is_earlier = |state: &State| !state.is_active() && state.run.as_ref() != Some(run);
        if self.states.get(name).is_some_and(|state| is_under_way(state) || is_earlier(state)) {
            return Ok(());
        }
        let path = format!("/test/{}/runs/{run}", in_path(name));
        let (status, report) = self.daemon.ask::<serde_json::Value>(Method::GET, &path).await?;
        if status == StatusCode::ACCEPTED {
            return Ok(());
        }
        let report: Report = serde_json::from_value(report)
            .with_context(|| format!("{} in a way that this version understands", self.daemon.silent()))?;
        self.under_way.remove(name);
        if let Some(verdict) = report.verdict_kind() {
            self.tally.add(verdict);
        }
        self.display.finished(&[report]).map_err(Ended::Unprinted)
    }

    /// Has all runs that were started for us called off. What cannot be stopped ends by itself.
    async fn stop_all(&self) {
        for name in self.under_way.keys() {
            let stopped: anyhow::Result<(_, Commanded)> =
                self.daemon.ask(Method::PUT, &format!("/test/{}/stop", in_path(name))).await;
            if let Err(error) = stopped {
                output::complain(&format!("could not stop {name}: {error:#}"));
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

/// A name as a part of a path.
fn in_path(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}
