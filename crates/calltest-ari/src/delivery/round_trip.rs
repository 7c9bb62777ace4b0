//! The proof that we see our events: one that we post comes back on our own WebSocket.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::delivery::router::{ROUND_TRIP, Router};
use crate::error::{RequestError, RoundTripError};
use crate::generated::requests::events::UserEvent;
use crate::rest::Rest;
use crate::turns::Lane;

/// Posts an event to `app` and waits for it, both within `limit` once it is its turn; how long it took.
pub(crate) async fn round_trip(
    rest: &Rest,
    router: &Arc<Router>,
    app: &str,
    lane: Lane,
    limit: Duration,
) -> Result<Duration, RoundTripError> {
    let mut echo = router.expect_echo()?;
    let event = event(router, app, echo.number());
    let (tell, told) = oneshot::channel();
    let begins = || {
        // Whoever waits for the turn is below, and as long as the request.
        let _ = tell.send(Instant::now());
    };
    let trip = async {
        rest.request_in(Some(lane), &event, begins).await?;
        Ok::<_, RoundTripError>(echo.heard().await?)
    };
    let mut trip = pin!(trip);
    let started = tokio::select! {
        // It never has its turn: there is none any more.
        ended = &mut trip => return ended.map(|_| Duration::ZERO),
        Ok(started) = told => started,
    };
    match timeout_at(started + limit, trip).await {
        Ok(heard) => heard.map(|heard| heard.saturating_duration_since(started)),
        Err(_) => Err(RoundTripError::NotHeard { after: limit }),
    }
}

/// Whether Asterisk has registered our WebSocket for `app`. Posts an event that nobody waits for, so the app has to be ours.
pub(crate) async fn is_registered(rest: &Rest, router: &Router, app: &str) -> Result<bool, RequestError> {
    match rest.own_request(&event(router, app, 0)).await {
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
