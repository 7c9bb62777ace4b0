//! A server, settings for it, and waits that end.

use std::time::Duration;

use asterisk_lab::{Lab, Server};
use calltest_ari::{Client, Delivery, Event, EventQueue, Incoming, Settings, State, Unclaimed, connect};
use tokio::time::timeout;

/// Longest wait for anything that is bound to happen.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// A lab with one server.
pub(crate) fn lab() -> Lab {
    Lab::builder(&asterisk_lab::for_tests()).server("a").start().unwrap()
}

/// Settings for a server, impatient enough for a test.
pub(crate) fn settings(server: &Server) -> Settings {
    let ari = server.ari();
    Settings {
        path: ari.path.clone(),
        connect_timeout: Duration::from_secs(5),
        ping_interval: Duration::from_millis(200),
        silence_limit: Duration::from_secs(1),
        heartbeat_interval: Duration::from_millis(200),
        backoff: Duration::from_millis(50)..=Duration::from_millis(200),
        ..Settings::new(&ari.host.to_string(), ari.port, &ari.username, ari.password.as_str(), "calltest")
    }
}

/// A client of the server's application.
pub(crate) async fn client(server: &Server) -> (Client, Incoming) {
    connect(settings(server)).await.unwrap()
}

pub(crate) async fn next(queue: &mut EventQueue) -> Delivery {
    timeout(SOON, queue.next()).await.expect("an event comes").expect("the queue has not ended")
}

/// The next delivery of an event that `wanted` says yes to.
pub(crate) async fn next_where(queue: &mut EventQueue, wanted: impl Fn(&Event) -> bool) -> Delivery {
    loop {
        let delivery = next(queue).await;
        if wanted(&delivery.event) {
            return delivery;
        }
    }
}

/// The next delivery of an event of a type.
pub(crate) async fn next_of(queue: &mut EventQueue, kind: &str) -> Delivery {
    next_where(queue, |event| event.kind() == kind).await
}

/// The next arrival.
pub(crate) async fn arrival(incoming: &mut Incoming) -> calltest_ari::Arrival {
    loop {
        match timeout(SOON, incoming.next()).await.expect("a channel arrives").expect("the client is open") {
            Unclaimed::Arrival(arrival) => return arrival,
            Unclaimed::Event(_) => {}
        }
    }
}

/// Waits until the client is in a state that `wanted` says yes to.
pub(crate) async fn state_where(client: &Client, wanted: impl FnMut(&State) -> bool) -> State {
    timeout(SOON, client.state().wait_for(wanted)).await.expect("that state comes").unwrap().clone()
}
