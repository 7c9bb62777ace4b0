//! The doctor: looks at the servers of a plan, one thing after the other, and says what is wrong and how to mend it.
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

use calltest_ari::RestClient;
use calltest_core::event::{Check, Finding, Outcome};
use calltest_core::plan::{Link, LinkName, Plan, Server, ServerName};
use tokio_util::sync::CancellationToken;

use crate::Identity;
use crate::wire::settings;

/// Looks at every server of the plan, and tells each finding as it is made. Once `interrupted`, it finishes the look that
/// it is at, and returns.
///
/// The server under `asterisk` is there even if the file does not name it. Where no link lies on it, and there are others,
/// it is left alone.
pub async fn doctor(
    plan: &Plan,
    identity: &Identity,
    interrupted: &CancellationToken,
    tell: &mut (impl FnMut(Finding) + Send),
) {
    let has_links = |server: &Server| plan.links.values().any(|link| link.server == server.name);
    let is_wanted =
        |server: &&Arc<Server>| plan.servers.len() == 1 || server.name != ServerName::default() || has_links(server);
    for server in plan.servers.values().filter(is_wanted) {
        let notes = Notes { server: server.name.clone(), tell };
        examine(plan, server, identity, interrupted, notes).await;
    }
}

async fn examine(
    plan: &Plan,
    server: &Arc<Server>,
    identity: &Identity,
    interrupted: &CancellationToken,
    mut notes: Notes<'_>,
) {
    if interrupted.is_cancelled() {
        return;
    }
    let client = match RestClient::new(settings(server, identity)) {
        Ok(client) => client,
        Err(error) => return reach::explain(error, &mut notes),
    };
    let patient = Patient { plan, server, client };
    let Some(version) = reach::look(&patient, &mut notes).await else { return };
    if !reach::look_at_rights(&patient, &mut notes).await {
        return;
    }
    version::look(&patient, &version, &mut notes);
    let Some(modules) = modules::look(&patient, &mut notes).await else { return };
    for link in patient.links() {
        if interrupted.is_cancelled() {
            return;
        }
        endpoints::look(&patient, &modules, link, &mut notes).await;
    }
    if interrupted.is_cancelled() {
        return;
    }
    media::look(&patient, &modules, &mut notes).await;
    if interrupted.is_cancelled() {
        return;
    }
    dialplan::look(&patient, &modules, identity, interrupted, &mut notes).await;
}

/// A server under examination.
struct Patient<'p> {
    plan: &'p Plan,
    server: &'p Arc<Server>,
    client: RestClient,
}

impl<'p> Patient<'p> {
    /// The links on the server.
    fn links(&self) -> impl Iterator<Item = &'p Arc<Link>> + use<'p> {
        let name = &self.server.name;
        self.plan.links.values().filter(move |link| link.server == *name)
    }

    /// The server's address as people write it.
    fn address(&self) -> String {
        format!("{}:{}", self.server.host, self.server.port)
    }
}

/// What is wrong, and what to do about it.
#[derive(Debug, Clone)]
struct Complaint {
    what: String,
    fix: String,
}

impl Complaint {
    fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), fix: fix.into() }
    }
}

/// Takes down what is found on one server.
struct Notes<'t> {
    server: ServerName,
    tell: &'t mut (dyn FnMut(Finding) + Send),
}

impl Notes<'_> {
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
    fn about_server(&mut self, check: Check, outcome: Outcome, complaint: Complaint) {
        self.add(check, None, outcome, complaint);
    }

    /// Something is to be said about a link.
    fn about_link(&mut self, check: Check, link: &Link, outcome: Outcome, complaint: Complaint) {
        self.add(check, Some(link.name.clone()), outcome, complaint);
    }

    fn add(&mut self, check: Check, link: Option<LinkName>, outcome: Outcome, complaint: Complaint) {
        let Complaint { what, fix } = complaint;
        (self.tell)(Finding { server: self.server.clone(), link, check, outcome, what, fix: Some(fix) });
    }
}
