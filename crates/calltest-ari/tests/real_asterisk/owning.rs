//! Several programs that want the same application.

use asterisk_lab::Server;
use calltest_ari::requests::asterisk::{GetGlobalVar, SetGlobalVar};
use calltest_ari::{Client, ConnectError, Lost, QueueError, Settings, State, connect, event_queue};
use tokio::time::timeout;

use super::setup::{SOON, lab, settings, state_where};

const VARIABLE: &str = "OWNER_calltest";

fn instance(server: &Server, name: &str) -> Settings {
    Settings { instance: name.into(), owner_variable: Some(VARIABLE.into()), ..settings(server) }
}

async fn variable(client: &Client) -> String {
    client.request(GetGlobalVar { variable: VARIABLE.into() }).await.unwrap().value.into()
}

/// A client that stands by tells at each look who has the application. It looks a few times, and does not fight for it.
async fn leaves_it_alone(client: &Client, stands_by: impl Fn(&State) -> bool) {
    let mut looks = client.state();
    looks.mark_unchanged();
    for _ in 0..4 {
        timeout(SOON, looks.changed()).await.expect("it looks again").unwrap();
        assert!(stands_by(&looks.borrow_and_update()), "{:?}", *client.state().borrow());
    }
}

#[tokio::test]
async fn a_second_owner_is_refused_until_the_first_is_gone() {
    let lab = lab();
    let a = lab.server("a");
    let (first, _incoming) = connect(instance(a, "first")).await.unwrap();
    let error = timeout(SOON, connect(instance(a, "second"))).await.unwrap().unwrap_err();
    assert!(matches!(&error, ConnectError::Owned { owner, .. } if owner == "first"), "{error}");
    first.round_trip().await.unwrap();
    assert!(variable(&first).await.starts_with("first "));
    first.close().await;

    let (second, _incoming) = connect(instance(a, "second")).await.unwrap();
    assert!(variable(&second).await.starts_with("second "));
    second.close().await;
    let (stranger, _incoming) = connect(settings(a)).await.unwrap();
    assert_eq!(variable(&stranger).await, "");
    stranger.close().await;
}

#[tokio::test]
async fn the_application_of_a_crashed_owner_is_taken() {
    let lab = lab();
    let a = lab.server("a");
    let (stranger, _incoming) = connect(Settings { app: "other".into(), ..settings(a) }).await.unwrap();
    let left = SetGlobalVar { variable: VARIABLE.into(), value: Some("crashed 17".into()) };
    stranger.request(left).await.unwrap();
    let (heir, _incoming) = timeout(SOON, connect(instance(a, "heir"))).await.unwrap().unwrap();
    assert!(variable(&heir).await.starts_with("heir "));
    heir.close().await;
    stranger.close().await;
}

#[tokio::test]
async fn an_owner_that_is_taken_over_stands_by_and_returns() {
    let lab = lab();
    let a = lab.server("a");
    let (first, _incoming) = connect(instance(a, "first")).await.unwrap();
    let (sender, mut queue) = event_queue(10);
    let _channel = first.subscribe("call-1", &sender);
    let (second, _incoming) = connect(Settings { take_over: true, ..instance(a, "second") }).await.unwrap();

    let error = timeout(SOON, queue.next()).await.expect("the queue ends").unwrap_err();
    let QueueError::Lost { why, .. } = error else { panic!("{error}") };
    assert!(why == Lost::Replaced || why == Lost::OwnedByOther { owner: "second".into() }, "{why}");
    let is_known = |state: &State| matches!(state, State::OwnedByOther { owner: Some(owner), .. } if owner == "second");
    state_where(&first, is_known).await;
    leaves_it_alone(&first, is_known).await;
    second.round_trip().await.unwrap();

    second.close().await;
    state_where(&first, |state| matches!(state, State::Up { epoch: 2, .. })).await;
    first.round_trip().await.unwrap();
    first.close().await;
}

#[tokio::test]
async fn a_client_that_stands_by_takes_over_when_told() {
    let lab = lab();
    let a = lab.server("a");
    let (first, _incoming) = connect(instance(a, "first")).await.unwrap();
    let (second, _incoming) = connect(Settings { take_over: true, ..instance(a, "second") }).await.unwrap();
    state_where(&first, |state| matches!(state, State::OwnedByOther { .. })).await;
    first.take_over();
    state_where(&first, |state| matches!(state, State::Up { .. })).await;
    state_where(&second, |state| matches!(state, State::OwnedByOther { .. })).await;
    first.close().await;
    second.close().await;
}

#[tokio::test]
async fn a_program_without_heartbeat_is_not_fought() {
    let lab = lab();
    let a = lab.server("a");
    let (first, _incoming) = connect(instance(a, "first")).await.unwrap();
    let (stranger, _incoming) = connect(settings(a)).await.unwrap();
    let is_unknown = |state: &State| matches!(state, State::OwnedByOther { owner: None, .. });
    state_where(&first, is_unknown).await;
    leaves_it_alone(&first, is_unknown).await;
    stranger.round_trip().await.unwrap();
    stranger.close().await;
    state_where(&first, |state| matches!(state, State::Up { epoch: 2, .. })).await;
    first.close().await;
}
