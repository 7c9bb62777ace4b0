//! WebSockets and TCP connections: who gets an application's events, and what breaks.

use std::time::Duration;

use fake_asterisk::FakeAsterisk;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::client::{Client, Events, PATIENCE};

const SOON: Duration = Duration::from_millis(100);

fn credentials(fake: &FakeAsterisk) -> String {
    format!("api_key={}:{}", fake.user(), fake.password())
}

async fn refusal(fake: &FakeAsterisk, query: &str) -> u16 {
    match Events::open(fake, query).await {
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("let in"),
    }
}

#[tokio::test]
async fn websocket_needs_a_password_and_an_application() {
    let fake = FakeAsterisk::start().await;
    assert_eq!(refusal(&fake, "app=calltest").await, 401);
    assert_eq!(refusal(&fake, "app=calltest&api_key=calltest:wrong").await, 401);
    assert_eq!(refusal(&fake, &credentials(&fake)).await, 400);
    assert!(fake.websockets().is_empty());
}

#[tokio::test]
async fn second_websocket_silences_the_first() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut first = Events::of(&fake, "calltest").await;
    let mut second = Events::of(&fake, "calltest").await;
    let replaced = first.next().await;
    let recorded = include_str!("recordings/06-app-replaced.jsonl").lines().find(|line| line.contains("Replaced"));
    let recorded: Value = serde_json::from_str(recorded.unwrap()).unwrap();
    let keys = |event: &Value| event.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(replaced["type"], "ApplicationReplaced");
    assert_eq!(keys(&replaced), keys(&recorded["event"]));

    client.post("/events/user/hello?application=calltest").await;
    assert_eq!(second.next().await["eventname"], "hello");
    assert!(first.next_within(SOON).await.is_none());
    assert!(first.ping(PATIENCE).await, "the first stays open");
    let currency: Vec<bool> = fake.websockets().iter().map(|socket| socket.is_current).collect();
    assert_eq!(currency, [false, true]);

    // The end of the second does not bring the first back.
    drop(second);
    let one_left = fake.wait_until(|view| view.websockets().len() == 1, PATIENCE).await;
    one_left.expect("the second is gone");
    assert_eq!(client.post("/events/user/hello?application=calltest").await.0, 404);
}

#[tokio::test]
async fn closed_websocket_says_so_and_channels_live_on() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    client.post("/channels/ct-a?endpoint=Local/a@b&app=calltest").await;
    events.next_of("StasisStart", "ct-a;2").await;
    fake.faults().close_websockets();
    let last = loop {
        match events.frame(PATIENCE).await.expect("the end in time") {
            Ok(Message::Text(_)) => {}
            other => break other,
        }
    };
    assert!(matches!(last, Ok(Message::Close(_))), "{last:?}");

    assert_eq!(client.get("/channels").await.1.as_array().map(Vec::len), Some(2));
    let mut events = Events::of(&fake, "calltest").await;
    assert_eq!(client.post("/channels/ct-a;2/answer").await.0, 204);
    events.next_of("StasisStart", "ct-a").await;
}

#[tokio::test]
async fn reset_websocket_breaks_without_a_word() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    fake.faults().reset_websockets();
    let end = events.frame(PATIENCE).await.expect("the end in time");
    let Err(Error::Io(error)) = end else { panic!("{end:?}") };
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert!(fake.websockets().is_empty());
    assert_eq!(client.get("/asterisk/ping").await.0, 200, "requests go on");
}

#[tokio::test]
async fn a_websocket_ends_without_a_close_frame() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    fake.faults().end_websockets();
    let end = events.frame(PATIENCE).await.expect("the end in time");
    assert!(matches!(end, Err(Error::Protocol(_))), "{end:?}");
    assert!(fake.websockets().is_empty());
    assert_eq!(client.get("/asterisk/ping").await.0, 200, "requests go on");
    let mut fresh = Events::of(&fake, "calltest").await;
    assert!(fresh.ping(PATIENCE).await);
}

#[tokio::test]
async fn refused_connections_leave_the_existing_ones_alone() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    assert_eq!(client.get("/asterisk/ping").await.0, 200);
    for _ in 0..3 {
        fake.faults().refuse_connections();
        let refused = Client::of(&fake).try_send("GET", "/asterisk/ping", &Value::Null).await;
        assert!(refused.is_err_and(|error| error.is_connect()));
        assert_eq!(client.post("/events/user/hello?application=calltest").await.0, 204);
        assert_eq!(events.next().await["eventname"], "hello");
        fake.faults().accept_connections();
        assert_eq!(Client::of(&fake).get("/asterisk/ping").await.0, 200);
    }
}

#[tokio::test]
async fn frozen_server_acts_but_says_nothing_until_it_thaws() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    client.get("/asterisk/ping").await;
    fake.faults().freeze();
    let originate = tokio::spawn({
        let client = client.clone();
        async move { client.post("/channels/ct-a?endpoint=Local/a@b&app=calltest").await }
    });
    let acted = fake.wait_until(|view| view.channel_count() == 2, PATIENCE).await;
    acted.expect("the request has taken effect");
    assert!(events.next_within(SOON).await.is_none());
    assert!(!events.ping(SOON).await);
    // A new connection is accepted and read, but not answered either.
    let other = Client::of(&fake);
    let unanswered = tokio::time::timeout(SOON, other.get("/asterisk/ping")).await;
    assert!(unanswered.is_err());
    assert!(!originate.is_finished());

    fake.faults().thaw();
    assert_eq!(originate.await.unwrap().0, 200);
    events.next_of("StasisStart", "ct-a;2").await;
    assert_eq!(other.get("/asterisk/ping").await.0, 200);
}

#[tokio::test]
async fn a_suspended_server_does_nothing_until_it_thaws() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    client.get("/asterisk/ping").await;
    fake.faults().suspend();
    let asked = [client.clone(), Client::of(&fake)]
        .map(|client| tokio::spawn(async move { client.post("/asterisk/variable?variable=A&value=1").await }));
    assert!(!events.ping(SOON).await);
    assert_eq!(fake.global_variable("A"), None, "nothing is acted upon");
    fake.faults().thaw();
    for asked in asked {
        assert_eq!(asked.await.unwrap().0, 204);
    }
    assert_eq!(fake.global_variable("A").as_deref(), Some("1"));
    assert!(events.ping(PATIENCE).await);
}

#[tokio::test]
async fn half_open_websocket_is_silent_while_everything_else_works() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    fake.faults().freeze_websockets();
    assert_eq!(client.post("/events/user/hello?application=calltest").await.0, 204);
    assert!(events.next_within(SOON).await.is_none());
    assert!(!events.ping(SOON).await);
    let mut fresh = Events::of(&fake, "calltest").await;
    assert!(fresh.ping(PATIENCE).await);
    client.post("/events/user/fresh?application=calltest").await;
    assert_eq!(fresh.next().await["eventname"], "fresh");
}

#[tokio::test]
async fn restart_forgets_everything_but_what_the_test_configured() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    client.post("/asterisk/variable?variable=A&value=1").await;
    client.post("/channels/ct-a?endpoint=Local/a@b&app=calltest").await;
    events.next_of("StasisStart", "ct-a;2").await;
    let before = client.get("/asterisk/info").await.1["status"]["startup_time"].clone();
    tokio::time::sleep(Duration::from_millis(2)).await;
    fake.faults().restart();
    while let Ok(frame) = events.frame(PATIENCE).await.expect("the end in time") {
        assert!(frame.is_text(), "{frame:?}");
    }
    assert_eq!(fake.open_channels().len(), 0);
    let client = Client::of(&fake);
    assert_eq!(client.get("/channels").await, (200, json!([])));
    assert_eq!(client.get("/asterisk/variable?variable=A").await.1["value"], "");
    assert_ne!(client.get("/asterisk/info").await.1["status"]["startup_time"], before);
    assert_eq!(client.get("/applications").await.1, json!([]));
}

#[tokio::test]
async fn a_crashed_server_is_gone_until_connections_are_accepted() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    client.post("/channels/ct-a?endpoint=Local/a@b&app=calltest").await;
    events.next_of("StasisStart", "ct-a;2").await;
    fake.faults().crash();
    while let Ok(frame) = events.frame(PATIENCE).await.expect("the end in time") {
        assert!(frame.is_text(), "{frame:?}");
    }
    let client = Client::of(&fake);
    let refused = client.try_send("GET", "/asterisk/ping", &Value::Null).await;
    assert!(refused.is_err_and(|error| error.is_connect()));
    fake.faults().accept_connections();
    assert_eq!(client.get("/channels").await, (200, json!([])));
}

#[tokio::test]
async fn forgotten_channels_are_gone_without_a_word() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    client.post("/channels/ct-a?endpoint=Local/a@b&app=calltest").await;
    events.next_of("StasisStart", "ct-a;2").await;
    fake.faults().forget_channels();
    assert_eq!(client.get("/channels/ct-a").await.0, 404);
    assert_eq!(client.delete("/channels/ct-a").await.0, 404);
    assert!(events.next_within(SOON).await.is_none());
    assert!(events.ping(PATIENCE).await, "the connection lives on");
}

#[tokio::test]
async fn unregistered_application_hears_nothing_although_its_websocket_is_open() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    fake.faults().never_register();
    let mut events = Events::of(&fake, "calltest").await;
    assert!(events.ping(PATIENCE).await);
    assert_eq!(client.post("/events/user/hello?application=calltest").await.0, 404);
    assert!(events.next_within(SOON).await.is_none());
    fake.faults().register();
    assert_eq!(client.post("/events/user/hello?application=calltest").await.0, 204);
    assert_eq!(events.next().await["eventname"], "hello");
}

#[tokio::test]
async fn dropping_the_server_closes_everything_at_once() {
    let fake = FakeAsterisk::start().await;
    let mut events = Events::of(&fake, "calltest").await;
    let (port, faults) = (fake.port(), fake.faults());
    drop(fake);
    let end = events.frame(PATIENCE).await.expect("the end in time");
    assert!(end.is_err(), "{end:?}");
    let refused = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
    assert!(refused.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused));
    // A handle that has outlived its server does no harm.
    faults.freeze();
    faults.refuse_connections();
    faults.heal();
}

#[tokio::test]
async fn what_is_waited_for_in_vain_is_told_with_the_state() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let _events = Events::of(&fake, "calltest").await;
    client.post("/channels/ct-a?endpoint=Local/a@b&app=calltest").await;
    let error = fake.wait_until(|view| view.channel_count() == 0, SOON).await.unwrap_err().to_string();
    for part in ["ct-a;2 Ring in calltest", "calltest current", "200 POST /channels/ct-a"] {
        assert!(error.contains(part), "{part} in {error}");
    }
}
