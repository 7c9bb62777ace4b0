//! The client against faults that a real Asterisk does not produce on demand.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, in its helping functions too")]

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
const SOON: Duration = Duration::from_secs(10);

fn settings(fake: &FakeAsterisk) -> Settings {
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

async fn started() -> (FakeAsterisk, Client, Incoming) {
    let fake = FakeAsterisk::start().await;
    let (client, incoming) = connect(settings(&fake)).await.unwrap();
    (fake, client, incoming)
}

async fn end(queue: &mut EventQueue) -> QueueError {
    loop {
        if let Err(error) = timeout(SOON, queue.next()).await.expect("the queue ends") {
            return error;
        }
    }
}

async fn why(queue: &mut EventQueue) -> Lost {
    match end(queue).await {
        QueueError::Lost { why, .. } => why,
        overflow @ QueueError::Overflow { .. } => panic!("{overflow}"),
    }
}

async fn up_again(client: &Client) {
    let is_second = |state: &State| matches!(state, State::Up { epoch: 2, .. });
    timeout(SOON, client.state().wait_for(is_second)).await.expect("connected again").unwrap();
    client.round_trip().await.unwrap();
}

fn originate(id: &str) -> channels::OriginateWithId {
    channels::OriginateWithId {
        channel_id: id.into(),
        endpoint: "Local/fone1@direct".into(),
        app: Some("calltest".into()),
        ..Default::default()
    }
}

#[tokio::test]
async fn every_kind_of_broken_connection_ends_the_queues_and_is_mended() {
    let (fake, client, _incoming) = started().await;
    let faults = fake.faults();

    type Breaks<'a> = (&'a dyn Fn(), fn(&Lost) -> bool);
    let breaks: [Breaks<'_>; 3] = [
        (&|| faults.close_websockets(), |why| matches!(why, Lost::Closed { .. } | Lost::Cut { .. })),
        (&|| faults.reset_websockets(), |why| matches!(why, Lost::Cut { .. })),
        (&|| faults.freeze_websockets(), |why| *why == Lost::Silent { limit: Duration::from_millis(300) }),
    ];
    for (epoch, (break_it, is_right)) in (2..).zip(breaks) {
        let (sender, mut queue) = event_queue(10);
        let _channel = client.subscribe("call-1", &sender);
        break_it();
        let why = why(&mut queue).await;
        assert!(is_right(&why), "{why}");
        let mut state = client.state();
        let is_up = |state: &State| matches!(state, State::Up { epoch: now, .. } if *now == epoch);
        timeout(SOON, state.wait_for(is_up)).await.expect("connected again").unwrap();
    }
    client.round_trip().await.unwrap();
    client.close().await;
}

/// As when the machine sleeps, or somebody stops the process.
#[tokio::test]
async fn a_standstill_of_our_own_is_no_silence_of_the_server() {
    let (fake, client, _incoming) = started().await;
    fake.set_far_end("Local/fone1@direct", FarEnd::answers_after(Duration::ZERO));
    let (sender, mut queue) = event_queue(100);
    let _channel = client.subscribe("call-1", &sender);
    for _ in 0..8 {
        // All has come in that is under way.
        tokio::time::sleep(Duration::from_millis(70)).await;
        // Longer than the limit, and the fake, on the same thread, stands still too: nothing comes in meanwhile.
        std::thread::sleep(Duration::from_millis(400));
        client.round_trip().await.unwrap();
    }
    client.request(originate("call-1")).await.unwrap();
    timeout(SOON, queue.next()).await.expect("an event comes").unwrap();
    assert!(matches!(*client.state().borrow(), State::Up { epoch: 1, .. }), "the connection was given up");
    // A server that is silent while we listen is lost as ever.
    fake.faults().freeze_websockets();
    assert_eq!(why(&mut queue).await, Lost::Silent { limit: Duration::from_millis(300) });
    client.close().await;
}

#[tokio::test]
async fn a_queue_fed_by_two_servers_ends_with_either() {
    let (_one, first, _incoming) = started().await;
    let (two, second, _incoming) = started().await;
    let (sender, mut queue) = event_queue(10);
    let _a = first.subscribe("call-1", &sender);
    let _b = second.subscribe("call-2", &sender);
    two.faults().reset_websockets();
    assert!(matches!(end(&mut queue).await, QueueError::Lost { server, .. } if server == *second.name()));
    first.close().await;
    second.close().await;
}

#[tokio::test]
async fn what_came_before_the_loss_is_delivered_first() {
    let (fake, client, _incoming) = started().await;
    fake.set_far_end("Local/fone1@direct", FarEnd::answers_after(Duration::ZERO));
    let (sender, mut queue) = event_queue(100);
    let _channel = client.subscribe("call-1", &sender);
    client.request(originate("call-1")).await.unwrap();
    // The answer to a round trip comes after the events that were sent before it.
    tokio::time::sleep(Duration::from_millis(100)).await;
    client.round_trip().await.unwrap();
    fake.faults().reset_websockets();
    timeout(SOON, client.state().changed()).await.expect("the loss is noticed").unwrap();
    let mut kinds = Vec::new();
    let error = loop {
        match timeout(SOON, queue.next()).await.expect("the queue ends") {
            Ok(delivery) => kinds.push(delivery.event.kind().to_owned()),
            Err(error) => break error,
        }
    };
    assert!(kinds.iter().any(|kind| kind == "StasisStart"), "{kinds:?}");
    assert!(matches!(error, QueueError::Lost { .. }));
    client.close().await;
}

/// Asterisk keeps an application for good whose WebSocket closes while one of its channels still is watched.
#[tokio::test]
async fn a_connection_is_closed_after_its_last_channel_and_not_before() {
    let (fake, client, _incoming) = started().await;
    client.request(originate("call-1")).await.unwrap();
    let asks = |fake: &FakeAsterisk| {
        fake.requests().iter().filter(|request| request.path.ends_with("/applications/calltest")).count()
    };
    let closing = tokio::spawn(async move { client.close().await });
    timeout(SOON, async {
        while asks(&fake) < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .expect("the client asks what is watched until nothing is");
    fake.hang_up("call-1", 16);
    timeout(SOON, closing).await.expect("closed").unwrap();
    assert!(fake.websockets().is_empty());
}

#[tokio::test]
async fn garbage_on_the_websocket_is_passed_on_and_does_no_harm() {
    let (fake, client, mut incoming) = started().await;
    let (sender, mut queue) = event_queue(10);
    let _channel = client.subscribe("call-1", &sender);
    fake.faults().sends_text("{not json");
    fake.faults().sends_text(r#"{"type":"ChannelHangupRequest","channel":7}"#);
    fake.faults().sends_text(r#"{"type":"ChannelTeleported","channel":{"id":"call-1"}}"#);
    fake.faults().sends_text(r#"{"type":"Dial","dialstatus":7,"peer":{"id":"call-1"}}"#);
    fake.faults().sends_unknown_event();
    fake.faults().sends_truncated_event();

    for kind in ["ChannelTeleported", "Dial"] {
        let delivery = timeout(SOON, queue.next()).await.expect("an event comes").unwrap();
        assert_eq!((delivery.event.kind(), &*delivery.subject), (kind, "call-1"));
    }
    let mut unclaimed = Vec::new();
    while unclaimed.len() < 4 {
        match timeout(SOON, incoming.next()).await.expect("an event comes").unwrap() {
            Unclaimed::Event(event) => unclaimed.push(event),
            Unclaimed::Arrival(arrival) => panic!("{arrival:?}"),
        }
    }
    let raw =
        |event: &Event| matches!(event, Event::Unknown { raw, .. } | Event::Unreadable { raw, .. } if !raw.is_empty());
    assert!(unclaimed.iter().all(|event| raw(event)), "{unclaimed:?}");
    client.round_trip().await.unwrap();
    assert!(matches!(*client.state().borrow(), State::Up { epoch: 1, .. }));
    client.close().await;
}

/// The largest message is far longer than any event; a larger one is not read, and what comes after it would be lost.
#[tokio::test]
async fn a_message_that_is_too_long_ends_the_connection_which_is_mended() {
    let (fake, client, _incoming) = started().await;
    let (sender, mut queue) = event_queue(10);
    let _channel = client.subscribe("call-1", &sender);
    let event = |size| format!(r#"{{"type":"Dial","peer":{{"id":"call-1","name":"{}"}}}}"#, "x".repeat(size));
    fake.faults().sends_text(&event(1_000_000));
    let delivery = timeout(SOON, queue.next()).await.expect("an event comes").unwrap();
    assert_eq!((delivery.event.kind(), &*delivery.subject), ("Dial", "call-1"));
    fake.faults().sends_text(&event(2 << 20));
    let lost = why(&mut queue).await;
    assert!(matches!(&lost, Lost::Cut { reason } if reason.contains("too long: 2097200 > 1048576")), "{lost:?}");
    up_again(&client).await;
    client.round_trip().await.unwrap();
    client.close().await;
}

/// A server that answers every request with a head, and then with sound for as long as somebody listens.
async fn endless(head: &'static str) -> Settings {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _request = socket.read(&mut [0; 4096]).await;
                let piece = [&b"1000\r\n"[..], &[0; 0x1000], b"\r\n"].concat();
                let mut sent = socket.write_all(head.as_bytes()).await;
                while sent.is_ok() {
                    sent = socket.write_all(&piece).await;
                }
            });
        }
    });
    Settings::new("127.0.0.1", port, "user", "password", "app")
}

#[tokio::test]
async fn a_recording_without_end_is_refused() {
    for head in [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n",
        "HTTP/1.1 500 Internal Server Error\r\n\r\n",
    ] {
        let client = RestClient::new(endless(head).await).unwrap();
        let fetch = client.request(recordings::GetStoredFile { recording_name: "endless".to_owned() });
        let error = timeout(SOON, fetch).await.expect("it does not go on listening").unwrap_err();
        assert!(matches!(error.failure, RequestFailure::TooLarge { limit: 0x400_0000 }), "{head}: {error}");
    }
}

/// It is the connection that ends too soon, so nothing is known of the recording.
#[tokio::test]
async fn a_recording_that_is_shorter_than_was_said_is_not_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _request = socket.read(&mut [0; 4096]).await;
            let _sent = socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nRIFF").await;
        }
    });
    let client = RestClient::new(Settings::new("127.0.0.1", port, "user", "password", "app")).unwrap();
    let fetch = client.request(recordings::GetStoredFile { recording_name: "short".to_owned() });
    let error = timeout(SOON, fetch).await.expect("it does not wait for more").unwrap_err();
    assert!(matches!(error.failure, RequestFailure::NoReply { .. }), "{error}");
}

#[tokio::test]
async fn a_consumer_that_falls_behind_loses_the_connection_rather_than_events() {
    let fake = FakeAsterisk::start().await;
    let (client, mut incoming) = connect(Settings { incoming_capacity: 3, ..settings(&fake) }).await.unwrap();
    let (sender, mut queue) = event_queue(10);
    let _channel = client.subscribe("call-1", &sender);
    for caller in ["1", "2", "3", "4"] {
        fake.call_in("link", "number", ("", caller));
    }
    assert_eq!(why(&mut queue).await, Lost::IncomingFull { capacity: 3 });
    // An arrival of the lost connection can be claimed, and says that it is lost.
    let Some(Unclaimed::Arrival(arrival)) = incoming.next().await else { panic!("an arrival comes first") };
    assert_eq!(arrival.start().args, ["link", "number"]);
    let (sender, mut queue) = event_queue(10);
    let _subscription = arrival.claim(&sender);
    assert_eq!(queue.next().await.unwrap().event.kind(), "StasisStart");
    assert_eq!(why(&mut queue).await, Lost::IncomingFull { capacity: 3 });
    drop(incoming);
    up_again(&client).await;
    client.close().await;
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_only_where_that_is_harmless() {
    let (fake, client, _incoming) = started().await;
    fake.faults().on("POST", "/channels/call-1").times(1).resets();
    let channel = client.request(originate("call-1")).await.unwrap();
    assert_eq!(channel.id, "call-1");
    let originates = fake.requests().iter().filter(|request| request.path == "/channels/call-1").count();
    assert_eq!(originates, 3, "lost, refused because it exists, and asked for");
    assert_eq!(fake.open_channels().iter().filter(|channel| channel.id == "call-1").count(), 1);

    fake.faults().on("GET", "/channels/*").times(1).resets();
    client.request(channels::Get { channel_id: "call-1".into() }).await.unwrap();
    fake.faults().on("POST", "/channels/*/play").times(1).resets();
    let play = channels::Play { channel_id: "call-1".into(), media: vec!["sound:x".into()], ..Default::default() };
    let error = client.request(play).await.unwrap_err();
    assert!(matches!(error.failure, RequestFailure::NoReply { .. }), "{error}");

    fake.faults().on("DELETE", "/playbacks/*").loses();
    let error = client.request(playbacks::Stop { playback_id: "p".into() }).await.unwrap_err();
    assert_eq!(error.to_string(), "DELETE /playbacks/p: no answer within 500ms");
    fake.faults().on("GET", "/channels/*").times(1).answers(503, "<html>busy</html>");
    let error = client.request(channels::Get { channel_id: "call-1".into() }).await.unwrap_err();
    assert_eq!(error.to_string(), "GET /channels/call-1: 503 <html>busy</html>");
    fake.faults().on("GET", "/channels/*").times(1).answers(200, "<html>fine</html>");
    let error = client.request(channels::Get { channel_id: "call-1".into() }).await.unwrap_err();
    assert!(matches!(error.failure, RequestFailure::Unreadable { .. }), "{error}");
    client.close().await;
}

#[tokio::test]
async fn originates_are_paced_and_other_requests_pass_them() {
    let fake = FakeAsterisk::start().await;
    let (client, _incoming) = connect(Settings { max_originates: 2, ..settings(&fake) }).await.unwrap();
    fake.faults().on("POST", "/channels/*").delays(Duration::from_millis(100));
    let calls: Vec<_> = (10..16)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move { client.request(originate(&format!("call-{number}"))).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    client.round_trip().await.unwrap();
    let under_way = fake.requests().iter().filter(|request| request.path.starts_with("/channels/call-")).count();
    assert_eq!(under_way, 2);
    for call in calls {
        call.await.unwrap().unwrap();
    }
    client.close().await;
}

#[tokio::test]
async fn an_application_that_is_never_registered_is_reported() {
    let fake = FakeAsterisk::start().await;
    fake.faults().never_register();
    let started = Instant::now();
    let error = connect(settings(&fake)).await.unwrap_err();
    assert!(matches!(&error, ConnectError::NeverRegistered { app, .. } if app == "calltest"), "{error}");
    assert!(started.elapsed() < SOON);
    fake.faults().register();
    connect(settings(&fake)).await.unwrap();
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

#[tokio::test]
async fn closing_does_not_wait_for_a_server_that_is_gone() {
    let fake = FakeAsterisk::start().await;
    let ours = Settings { owner_variable: Some("OWNER".into()), ..settings(&fake) };
    let (client, _incoming) = connect(ours).await.unwrap();
    fake.faults().freeze();
    timeout(SOON, client.close()).await.expect("closing ends");
}
