//! The doctor: looks at the servers of a plan, one thing after the other, and says what is wrong and how to fix it.
//!
//! It makes no call that leaves a server, takes no app away from anybody, and leaves nothing behind: no channel, bridge,
//! playback or recording. What it cannot prove so, it says it has not proven. What is wrong with the configuration by
//! itself, the configuration check has said before.

mod app;
mod dialplan;
mod endpoints;
mod media;
mod modules;
mod probe;
mod reach;
mod version;

use std::sync::Arc;
use std::time::Duration;

use calltest_ari::RestClient;
use calltest_core::event::{Check, Finding, Outcome};
use calltest_core::plan::{Link, LinkName, Plan, Server, ServerName};
use calltest_core::verdict::Trouble;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::Identity;
use crate::connector::settings;

/// Counts the doctor's test calls where the calls of tests are counted.
pub trait CallCounter: Sync {
    /// A call over this link is about to be made, and takes so much time at most.
    ///
    /// # Errors
    /// If it may not be made, as where a budget has no room for it.
    fn count<'c>(&'c self, link: &'c Arc<Link>, at_most: Duration) -> BoxFuture<'c, Result<(), Trouble>>;
}

/// Looks at every server of the plan, and tells each finding as it is made. Once `interrupted`, it finishes the look that
/// it is at, and returns.
///
/// The server under `asterisk` is there even if the file does not name it. Where no link lies on it, and there are others,
/// it is left alone.
pub async fn doctor(
    plan: &Plan,
    identity: &Identity,
    counter: &dyn CallCounter,
    interrupted: &CancellationToken,
    tell: &mut (impl FnMut(Finding) + Send),
) {
    let has_links = |server: &Server| plan.links.values().any(|link| link.server == server.name);
    let is_wanted =
        |server: &&Arc<Server>| plan.servers.len() == 1 || server.name != ServerName::default() || has_links(server);
    for server in plan.servers.values().filter(is_wanted) {
        let findings = Findings { server: server.name.clone(), tell };
        examine(plan, server, identity, counter, interrupted, findings).await;
    }
}

async fn examine<'p>(
    plan: &'p Plan,
    server: &'p Arc<Server>,
    identity: &Identity,
    counter: &'p dyn CallCounter,
    interrupted: &CancellationToken,
    mut findings: Findings<'_>,
) {
    if interrupted.is_cancelled() {
        return;
    }
    let client = match RestClient::new(settings(server, identity)) {
        Ok(client) => client,
        Err(error) => return reach::explain(error, server.asterisk(), &mut findings),
    };
    let examined = Examined { plan, server, client, counter };
    let Some(version) = reach::look(&examined, &mut findings).await else { return };
    if !reach::look_at_rights(&examined, &mut findings).await {
        return;
    }
    version::look(&examined, &version, &mut findings);
    let Some(modules) = modules::look(&examined, &mut findings).await else { return };
    for link in examined.links() {
        if interrupted.is_cancelled() {
            return;
        }
        endpoints::look(&examined, &modules, link, &mut findings).await;
    }
    if interrupted.is_cancelled() {
        return;
    }
    media::look(&examined, &modules, &mut findings).await;
    if interrupted.is_cancelled() {
        return;
    }
    dialplan::look(&examined, &modules, identity, interrupted, &mut findings).await;
}

/// A server under examination.
struct Examined<'p> {
    plan: &'p Plan,
    server: &'p Arc<Server>,
    client: RestClient,
    counter: &'p dyn CallCounter,
}

impl<'p> Examined<'p> {
    /// The links on the server.
    fn links(&self) -> impl Iterator<Item = &'p Arc<Link>> + use<'p> {
        let name = &self.server.name;
        self.plan.links.values().filter(move |link| link.server == *name)
    }

    /// The server's address as people write it.
    fn address(&self) -> String {
        let asterisk = self.server.asterisk();
        format!("{}:{}", asterisk.host, asterisk.port)
    }
}

/// What is wrong, and what to do about it.
#[derive(Debug, Clone)]
struct Problem {
    what: String,
    fix: String,
}

impl Problem {
    fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), fix: fix.into() }
    }
}

/// Takes down what is found on one server.
struct Findings<'t> {
    server: ServerName,
    tell: &'t mut (dyn FnMut(Finding) + Send),
}

impl Findings<'_> {
    /// All is well.
    fn ok(&mut self, check: Check, link: Option<&LinkName>, what: impl Into<String>) {
        let finding = Finding {
            server: self.server.clone(),
            link: link.cloned(),
            check,
            outcome: Outcome::Ok,
            what: what.into(),
            fix: None,
        };
        (self.tell)(finding);
    }

    /// Something is to be said about the whole server.
    fn about_server(&mut self, check: Check, outcome: Outcome, problem: Problem) {
        self.add(check, None, outcome, problem);
    }

    /// Something is to be said about a link.
    fn about_link(&mut self, check: Check, link: &Link, outcome: Outcome, problem: Problem) {
        self.add(check, Some(link.name.clone()), outcome, problem);
    }

    fn add(&mut self, check: Check, link: Option<LinkName>, outcome: Outcome, problem: Problem) {
        let Problem { what, fix } = problem;
        (self.tell)(Finding { server: self.server.clone(), link, check, outcome, what, fix: Some(fix) });
    }
}
