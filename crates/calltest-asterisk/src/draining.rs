//! A server that is to stop once its calls are over turns every new call away with SIP 503 (`core stop gracefully`), and
//! tells nobody why: neither its callers, nor ARI, where everything else is answered as ever. That it makes no channel any
//! more is all there is to see.

use std::sync::Arc;

use calltest_ari::requests::channels::Create;
use calltest_ari::{Delivery, Lost, Subscriber};
use calltest_core::run::RunId;
use calltest_core::verdict::Trouble;

use crate::channel_id::{Part, channel_id};
use crate::hang_up::hang_up;
use crate::server::Server;

/// Where a channel leads that is never dialled.
const NOWHERE: &str = "Local/calltest@calltest";

/// Whether the server turns calls away. A channel is made to see that, which is dialled nowhere and gone at once.
pub(crate) async fn turns_calls_away(server: &Server, run: RunId) -> Option<Trouble> {
    server.ready().ok()?;
    let id = channel_id(server.client.app(), run, Part::Trial);
    // What happens to it is of no interest, but nobody shall take it for a call that came in.
    let _deaf = server.client.subscribe(id.as_str(), &Arc::new(Deaf));
    let create = Create {
        endpoint: NOWHERE.into(),
        app: server.client.app().to_owned(),
        channel_id: Some(id.clone()),
        ..Default::default()
    };
    let answer = server.client.request(create).await;
    match &answer {
        Err(error) if error.status().is_some_and(|status| status.as_u16() == 500) => {
            return Some(Trouble::TakesNoCalls { server: server.name.clone(), why: error.to_string() });
        }
        Err(error) => tracing::warn!(server = %server.name, "could not see whether the server takes calls: {error}"),
        Ok(_) => {}
    }
    // Whoever has not clearly said no may have made it, such as a server behind a proxy that gave up.
    hang_up(server, &id, None).await;
    None
}

/// Hears nothing.
struct Deaf;

impl Subscriber for Deaf {
    fn deliver(&self, _delivery: Delivery) {}

    fn lose(&self, _server: &Arc<str>, _why: &Lost) {}
}
