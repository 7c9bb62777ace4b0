//! Connections that break, stand still or bring too much: what the queues are told, and that all is well again.

use super::*;

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
async fn an_arrival_that_is_dropped_into_a_full_stream_loses_the_connection_rather_than_events() {
    let fake = FakeAsterisk::start().await;
    let (client, mut incoming) = connect(Settings { incoming_capacity: 3, ..settings(&fake) }).await.unwrap();
    let (sender, mut queue) = event_queue(10);
    let _channel = client.subscribe("call-1", &sender);
    let id = fake.call_in("link", "number", ("", "1"));
    let Some(Unclaimed::Arrival(arrival)) = incoming.next().await else { panic!("an arrival comes first") };
    fake.hang_up(&id, 16);
    for garbage in ["{1", "{2", "{3"] {
        fake.faults().sends_text(garbage);
    }
    client.round_trip().await.unwrap();
    drop(arrival);
    assert_eq!(why(&mut queue).await, Lost::IncomingFull { capacity: 3 });
    drop(incoming);
    up_again(&client).await;
    client.close().await;
}
