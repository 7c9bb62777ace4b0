//! How a server is connected to: ours, its events filtered, and cleaned up before the first call goes out.

use std::sync::Arc;

use calltest_ari::{ClientCertificate, ConnectError, Settings, Tls};
use calltest_core::event::{ServerEvent, ServerProgress};
use calltest_core::plan;
use calltest_engine::{BoxFuture, Connector, Engine, Host, Unready};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::advice::advice;
use crate::cleanup::clean_up;
use crate::engine::AsteriskEngine;
use crate::follower::{Follower, Readiness};
use crate::incoming;
use crate::leftovers::Leftovers;
use crate::server::Server;

/// The events that runs are made of; the rest stays on the server, most of all variables and dialplan steps.
const EVENTS: [&str; 15] = [
    "StasisStart",
    "StasisEnd",
    "ChannelStateChange",
    "ChannelHangupRequest",
    "ChannelDestroyed",
    "ChannelDtmfReceived",
    "ChannelHold",
    "ChannelUnhold",
    "ChannelConnectedLine",
    "Dial",
    "PlaybackStarted",
    "PlaybackFinished",
    "RecordingStarted",
    "RecordingFinished",
    "RecordingFailed",
];

/// How this process presents itself to others that want the same app.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Names this process, without white space: host, process id and the like.
    pub instance: String,
    /// Take the app over even from an owner that is alive.
    pub take_over: bool,
}

/// Connects to Asterisk servers.
pub struct AsteriskConnector {
    identity: Identity,
}

impl AsteriskConnector {
    /// A connector that presents itself so.
    pub fn new(identity: Identity) -> Self {
        Self { identity }
    }
}

impl Connector for AsteriskConnector {
    fn connect<'a>(
        &'a self,
        server: &'a Arc<plan::Server>,
        host: Arc<dyn Host>,
    ) -> BoxFuture<'a, Result<Arc<dyn Engine>, Unready>> {
        Box::pin(async move {
            let engine = connect(server, &self.identity, host).await?;
            Ok(Arc::new(engine) as Arc<dyn Engine>)
        })
    }
}

async fn connect(plan: &plan::Server, identity: &Identity, host: Arc<dyn Host>) -> Result<AsteriskEngine, Unready> {
    let connected = calltest_ari::connect(settings(plan, identity)).await;
    let (client, incoming) = connected.map_err(|error| unready(&error, plan.asterisk()))?;
    let cleaned = match clean_up(&client).await {
        Ok(cleaned) => cleaned,
        Err(error) => {
            client.close().await;
            return Err(Unready::Down { why: format!("could not clean up what an earlier run left: {error}") });
        }
    };
    // Not before: whoever gives the attempt up during the cleanup must not leave a task behind that holds the client.
    let (name, tasks) = (plan.name.clone(), TaskTracker::new());
    let leftovers = Arc::new(Leftovers::default());
    tasks.spawn(Arc::clone(&leftovers).watch(client.clone()));
    let (ready, readiness) = watch::channel(Readiness::Ready { epoch: client.epoch().unwrap_or(0) });
    let server = Arc::new(Server::new(plan, client.clone(), leftovers, readiness));
    tasks.spawn(incoming::serve(Arc::clone(&server), incoming, Arc::clone(&host)));
    host.server_event(ServerEvent { server: name.clone(), what: ServerProgress::Up { cleaned } });
    tasks.spawn(Follower { server: name, asterisk: plan.asterisk().clone(), client, host, ready }.follow());
    Ok(AsteriskEngine { server, tasks })
}

fn unready(error: &ConnectError, asterisk: &plan::Asterisk) -> Unready {
    let why = error.to_string();
    match (error, advice(error, asterisk)) {
        (ConnectError::Owned { owner, .. }, _) => Unready::OwnedByOther { owner: owner.clone(), why },
        (_, Some(fix)) => Unready::Down { why: format!("{why}; fix: {fix}") },
        (_, None) => Unready::Down { why },
    }
}

/// How a server of a plan is connected to.
pub(crate) fn settings(server: &plan::Server, identity: &Identity) -> Settings {
    let plan = server.asterisk();
    let mut settings =
        Settings::new(plan.host.as_str(), plan.port, plan.username.as_str(), plan.password.reveal(), plan.app.as_str());
    settings.name = server.name.as_str().into();
    settings.tls = plan.tls.as_ref().map(|tls| Tls {
        ca_file: tls.ca.clone(),
        client: tls
            .cert
            .clone()
            .zip(tls.key.clone())
            .map(|(certificate_file, key_file)| ClientCertificate { certificate_file, key_file }),
    });
    settings.path.clone_from(&plan.path);
    settings.connect_timeout = plan.timeout;
    settings.request_timeout = plan.timeout;
    settings.instance = identity.instance.clone();
    settings.take_over = identity.take_over;
    settings.owner_variable = Some(format!("CALLTEST_OWNER_{}", variable_name(&plan.app)));
    settings.allowed_events = Some(EVENTS.iter().map(ToString::to_string).collect());
    settings
}

/// An app's name as part of a variable's name: Asterisk takes brackets and braces there for something else.
fn variable_name(app: &str) -> String {
    app.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::tests::asterisk;

    #[test]
    fn a_system_that_trusts_nobody_is_an_error_that_says_what_to_do() {
        let error = ConnectError::NoAuthorities { source: rustls::Error::General("none".into()) };
        let sentence = "this system trusts no certificate authority, and TLS needs one; fix: install ca-certificates or \
                        set ssl.ca";
        assert_eq!(unready(&error, &asterisk(true, "")), Unready::Down { why: sentence.into() });
    }
}
