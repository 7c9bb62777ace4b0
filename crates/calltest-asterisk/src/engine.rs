//! The engine on one Asterisk server, as the seam wants it.

use std::sync::Arc;

use calltest_ari::{Delivery, Lost, State, Subscriber};
use calltest_core::abilities::Abilities;
use calltest_core::plan::{DialString, Link, ServerName};
use calltest_core::run::RunId;
use calltest_core::verdict::Trouble;
use calltest_engine::{
    BoxFuture, EndpointStatus, Engine, Listening, Permit, Refused, Scrutiny, Sighting, Sink, Unready,
};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::cleanup::clean_up;
use crate::draining::turns_calls_away;
use crate::endpoint_status::endpoint_status;
use crate::originate::AsteriskPermit;
use crate::server::{Server, trouble_of};
use crate::version::Version;

/// The calls of one Asterisk server.
pub(crate) struct AsteriskEngine {
    pub(crate) server: Arc<Server>,
    /// What goes on as long as the connection does.
    pub(crate) tasks: TaskTracker,
}

impl Engine for AsteriskEngine {
    fn ready(&self) -> Result<(), Unready> {
        self.server.ready()
    }

    fn abilities(&self) -> Abilities {
        let sip_codes = Version::parse(&self.version()).is_some_and(Version::tells_sip_codes);
        Abilities { sip_codes, ..self.server.abilities_of_kind }
    }

    fn product(&self) -> String {
        format!("Asterisk {}", self.version())
    }

    fn listen(&self, _link: &Link, run: RunId, seen: &Sink) -> BoxFuture<'_, Result<Listening, Refused>> {
        // Calls on every link come to the app in any case. Nothing is ever told of a channel with this name, but until the
        // call is there, this is what a lost connection ends.
        let watch = LossWatch { server: self.server.name.clone(), seen: seen.clone() };
        let subscription = self.server.client.subscribe(format!("{run}-arrival"), &Arc::new(watch));
        Box::pin(std::future::ready(Ok(Listening(Box::new(subscription)))))
    }

    fn permit(&self) -> BoxFuture<'_, Result<Box<dyn Permit>, Refused>> {
        Box::pin(async {
            let permit = self.server.client.originate_permit().await;
            let permit = permit.ok_or_else(|| Refused::No { why: "the connection is being closed".into() })?;
            Ok(Box::new(AsteriskPermit { server: Arc::clone(&self.server), permit }) as Box<dyn Permit>)
        })
    }

    fn endpoint(&self, link: &Link) -> BoxFuture<'_, Result<EndpointStatus, Refused>> {
        let dial_string = link.address.as_ref().map(|address| address.dial_string().clone());
        Box::pin(async move {
            let Some((tech, resource)) = dial_string.as_ref().and_then(DialString::endpoint) else {
                let channel = dial_string.map(|dial_string| dial_string.to_string()).unwrap_or_default();
                let why =
                    format!("`{channel}` names no endpoint that could be looked at; give a link that dials by one");
                return Ok(EndpointStatus::Unknown { why });
            };
            endpoint_status(&self.server, tech, resource)
                .await
                .map_err(|error| Refused::Unclear { why: error.to_string() })
        })
    }

    fn sight(&self, since: Instant, scrutiny: Scrutiny) -> BoxFuture<'_, Sighting> {
        Box::pin(self.server.sight(since, scrutiny))
    }

    fn turns_calls_away(&self, run: RunId) -> BoxFuture<'_, Option<Trouble>> {
        Box::pin(turns_calls_away(&self.server, run))
    }

    fn may_have_leftovers(&self) -> bool {
        self.server.leftovers.may_be_there()
    }

    fn clean_up(&self) -> BoxFuture<'_, Result<usize, Refused>> {
        Box::pin(async {
            clean_up(&self.server.client).await.map_err(|error| Refused::Unclear { why: error.to_string() })
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.server.errands.close();
            self.server.errands.wait().await;
            self.server.client.close().await;
            self.tasks.close();
            self.tasks.wait().await;
        })
    }
}

impl AsteriskEngine {
    /// The server's version as it told it when we connected; empty while there is no connection.
    fn version(&self) -> String {
        match &*self.server.client.state().borrow() {
            State::Up { version, .. } => version.to_string(),
            State::Down { .. } | State::OwnedByOther { .. } | State::Closed => String::new(),
        }
    }
}

/// Tells a run that waits for a call when the server is lost on which it should come.
struct LossWatch {
    server: ServerName,
    seen: Sink,
}

impl Subscriber for LossWatch {
    fn deliver(&self, _delivery: Delivery) {}

    fn lose(&self, _server: &Arc<str>, why: &Lost) {
        self.seen.end(trouble_of(&self.server, why));
    }
}
