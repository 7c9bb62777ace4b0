//! The client against faults that a real Asterisk does not produce on demand.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

mod connecting;
mod connections;
mod requests;
mod strangers;

use std::time::Duration;

use calltest_ari::requests::{channels, playbacks, recordings};
use calltest_ari::{
    Client, ConnectError, Event, EventQueue, Incoming, Lost, QueueError, RequestFailure, RestClient, RoundTripError,
    Settings, State, Unclaimed, connect, event_queue,
};
use fake_asterisk::{FakeAsterisk, FarEnd};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};

/// Longest wait for anything that is bound to happen.
pub(crate) const SOON: Duration = Duration::from_secs(10);

pub(crate) fn settings(fake: &FakeAsterisk) -> Settings {
    Settings {
        connect_timeout: Duration::from_secs(2),
        request_timeout: Duration::from_millis(500),
        ping_interval: Duration::from_millis(50),
        silence_limit: Duration::from_millis(300),
        heartbeat_interval: Duration::from_millis(50),
        backoff: Duration::from_millis(20)..=Duration::from_millis(100),
        ..Settings::new("127.0.0.1", fake.port(), fake.user(), fake.password(), "calltest")
    }
}

pub(crate) async fn started() -> (FakeAsterisk, Client, Incoming) {
    let fake = FakeAsterisk::start().await;
    let (client, incoming) = connect(settings(&fake)).await.unwrap();
    (fake, client, incoming)
}

pub(crate) async fn end(queue: &mut EventQueue) -> QueueError {
    loop {
        if let Err(error) = timeout(SOON, queue.next()).await.expect("the queue ends") {
            return error;
        }
    }
}

pub(crate) async fn why(queue: &mut EventQueue) -> Lost {
    match end(queue).await {
        QueueError::Lost { why, .. } => why,
        overflow @ QueueError::Overflow { .. } => panic!("{overflow}"),
    }
}

pub(crate) async fn up_again(client: &Client) {
    let is_second = |state: &State| matches!(state, State::Up { epoch: 2, .. });
    timeout(SOON, client.state().wait_for(is_second)).await.expect("connected again").unwrap();
    client.round_trip().await.unwrap();
}

pub(crate) fn originate(id: &str) -> channels::OriginateWithId {
    channels::OriginateWithId {
        channel_id: id.into(),
        endpoint: "Local/fone1@direct".into(),
        app: Some("calltest".into()),
        ..Default::default()
    }
}
