//! Connecting: applications that never register, filters, other owners, and the end.

use super::*;

#[tokio::test]
async fn an_application_that_is_never_registered_is_reported() {
    let fake = FakeAsterisk::start().await;
    fake.faults().never_register();
    let started = Instant::now();
    let error = connect(settings(&fake)).await.unwrap_err();
    assert!(matches!(&error, ConnectError::NeverRegistered { app, .. } if app == "calltest"), "{error}");
    assert!(started.elapsed() < 2 * Duration::from_secs(2), "twice the connect timeout");
    fake.faults().register();
    connect(settings(&fake)).await.unwrap();
}

/// The WebSocket is open meanwhile, so the queue is not told at once that there is no connection.
#[tokio::test]
async fn a_queue_that_an_attempt_to_connect_takes_along_says_why_that_failed() {
    let (fake, client, _incoming) = started().await;
    fake.faults().never_register();
    fake.faults().close_websockets();
    timeout(SOON, async {
        while client.epoch().is_some() || fake.websockets().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .expect("it tries again");
    let (sender, mut queue) = event_queue(10);
    let _channel = client.subscribe("call-1", &sender);
    let why = why(&mut queue).await;
    assert!(matches!(&why, Lost::NotConnected { error } if error.contains("did not register")), "{why}");
    client.close().await;
}

#[tokio::test]
async fn events_that_do_not_come_back_are_no_connection() {
    let fake = FakeAsterisk::start().await;
    fake.faults().events("ChannelUserevent").drops();
    let error = connect(settings(&fake)).await.unwrap_err();
    assert!(matches!(error, ConnectError::NotHeard { .. }), "{error}");
    fake.faults().heal();
    let (client, _incoming) = connect(settings(&fake)).await.unwrap();
    fake.faults().events("ChannelUserevent").drops();
    let error = client.round_trip().await.unwrap_err();
    assert!(matches!(error, RoundTripError::NotHeard { .. }), "{error}");
    client.close().await;
}

#[tokio::test]
async fn a_server_without_event_filter_will_do() {
    let fake = FakeAsterisk::start().await;
    fake.faults().on("PUT", "/applications/*/eventFilter").answers(404, r#"{"message":"Resource not found"}"#);
    let (client, _incoming) = connect(settings(&fake)).await.unwrap();
    client.close().await;
}

#[tokio::test]
async fn a_foreign_heartbeat_takes_the_application_away() {
    let fake = FakeAsterisk::start().await;
    let ours = Settings { instance: "ours".into(), owner_variable: Some("OWNER".into()), ..settings(&fake) };
    let (client, _incoming) = connect(ours).await.unwrap();
    let (sender, mut queue) = event_queue(10);
    let _channel = client.subscribe("call-1", &sender);
    assert!(fake.global_variable("OWNER").unwrap().starts_with("ours "));
    fake.set_global_variable("OWNER", "theirs 1");
    assert_eq!(why(&mut queue).await, Lost::OwnedByOther { owner: "theirs".into() });
    // Theirs stands still, so the application is taken back after a while.
    up_again(&client).await;
    assert!(fake.global_variable("OWNER").unwrap().starts_with("ours "));
    client.close().await;
    assert!(fake.global_variable("OWNER").unwrap_or_default().is_empty());
}

/// It would be an event that the other program does not know, again and again.
#[tokio::test]
async fn a_client_that_stands_by_sends_nothing_to_the_program_that_has_its_application() {
    let (fake, client, _incoming) = started().await;
    let (other, mut theirs) = connect(settings(&fake)).await.unwrap();
    let is_other = |state: &State| matches!(state, State::OwnedByOther { owner: None, .. });
    timeout(SOON, client.state().wait_for(is_other)).await.expect("it stands by").unwrap();
    let looks =
        |fake: &FakeAsterisk| fake.requests().iter().filter(|asked| asked.path == "/applications/calltest").count();
    let before = looks(&fake);
    timeout(SOON, async {
        while looks(&fake) < before + 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("it looks whether the application is free");
    other.round_trip().await.unwrap();
    other.close().await;
    let heard = theirs.next().await;
    assert!(heard.is_none(), "{heard:?}");
    up_again(&client).await;
    client.close().await;
}

#[tokio::test]
async fn closing_does_not_wait_for_a_server_that_is_gone() {
    let fake = FakeAsterisk::start().await;
    let ours = Settings { owner_variable: Some("OWNER".into()), ..settings(&fake) };
    let (client, _incoming) = connect(ours).await.unwrap();
    fake.faults().freeze();
    // A third of a second for the application to settle, and two for the owner's variable.
    timeout(Duration::from_secs(4), client.close()).await.expect("closing ends");
}
