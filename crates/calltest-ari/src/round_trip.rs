//! The proof that we see our events: one that we post comes back on our own WebSocket.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::error::{RequestError, RoundTripError};
use crate::generated::requests::events::UserEvent;
use crate::rest::Rest;
use crate::router::{ROUND_TRIP, Router};

/// Posts an event to `app` and waits for it, both within `limit`; how long it took.
pub(crate) async fn round_trip(
    rest: &Rest,
    router: &Arc<Router>,
    app: &str,
    limit: Duration,
) -> Result<Duration, RoundTripError> {
    let started = Instant::now();
    let mut echo = router.expect_echo()?;
    let event = event(router, app, echo.number());
    let trip = async {
        rest.request(&event).await?;
        Ok(echo.heard().await?)
    };
    match timeout(limit, trip).await {
        Ok(heard) => heard.map(|heard| heard.saturating_duration_since(started)),
        Err(_) => Err(RoundTripError::NotHeard { after: limit }),
    }
}

/// Whether Asterisk has a WebSocket for `app`, ours or another. Posts an event that nobody waits for.
pub(crate) async fn is_registered(rest: &Rest, router: &Router, app: &str) -> Result<bool, RequestError> {
    match rest.request(&event(router, app, 0)).await {
        Ok(()) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

fn event(router: &Router, app: &str, number: u64) -> UserEvent {
    UserEvent {
        event_name: ROUND_TRIP.to_owned(),
        application: app.to_owned(),
        variables: Some(json!({ "client": router.client(), "number": number.to_string() })),
        ..Default::default()
    }
}
