//! What the router does with each kind of event, loss and arrival.

use tokio::sync::mpsc::Receiver;

use super::*;
use crate::delivery::queue::{EventQueue, QueueError, event_queue};

fn router(capacity: usize) -> (Arc<Router>, Receiver<Unclaimed>) {
    let (sender, receiver) = mpsc::channel(capacity);
    (Router::new("server".into(), sender), receiver)
}

fn route(router: &Arc<Router>, text: &str) -> Result<(), Lost> {
    router.route(Event::parse(text), Instant::now())
}

fn start(channel: &str) -> String {
    format!(r#"{{"type":"StasisStart","channel":{{"id":"{channel}"}}}}"#)
}

fn digit(channel: &str, digit: &str) -> String {
    format!(r#"{{"type":"ChannelDtmfReceived","digit":"{digit}","channel":{{"id":"{channel}"}}}}"#)
}

/// What is in a queue: subject and type, or subject and digit; at last why it ended, if it did.
fn contents(queue: &mut EventQueue) -> Vec<String> {
    let mut contents = Vec::new();
    loop {
        match queue.try_next() {
            Ok(Some(Delivery { subject, event, .. })) => contents.push(match &*event {
                Event::ChannelDtmfReceived(dtmf) => format!("{subject} {}", dtmf.digit),
                other => format!("{subject} {}", other.kind()),
            }),
            Ok(None) => return contents,
            Err(QueueError::Lost { why, .. }) => {
                contents.push(format!("{why:?}"));
                return contents;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn arrival(incoming: &mut Receiver<Unclaimed>) -> Arrival {
    match incoming.try_recv() {
        Ok(Unclaimed::Arrival(arrival)) => arrival,
        other => panic!("no arrival but {other:?}"),
    }
}

fn unclaimed(incoming: &mut Receiver<Unclaimed>) -> Vec<String> {
    std::iter::from_fn(|| incoming.try_recv().ok())
        .map(|unclaimed| match unclaimed {
            Unclaimed::Event(event) => event.kind().to_owned(),
            Unclaimed::Arrival(arrival) => panic!("{arrival:?}"),
        })
        .collect()
}

#[test]
fn a_channel_is_known_from_its_arrival_to_the_end_of_its_subscription() {
    let (router, mut incoming) = router(8);
    let (sender, _queue) = event_queue(8);
    assert!(!router.knows("a"));
    route(&router, &start("a")).unwrap();
    assert!(router.knows("a"));
    let subscription = arrival(&mut incoming).claim(&sender);
    assert!(router.knows("a"));
    drop(subscription);
    assert!(!router.knows("a"));
}

#[test]
fn events_go_to_those_whom_their_kind_concerns() {
    for (concerned, text) in [
        ("a", r#"{"type":"ChannelStateChange","channel":{"id":"a"}}"#),
        ("a b", r#"{"type":"Dial","caller":{"id":"b"},"peer":{"id":"a"}}"#),
        ("a", r#"{"type":"Dial","peer":{"id":"a"},"forwarded":{"id":"x"}}"#),
        ("a", r#"{"type":"PlaybackStarted","playback":{"id":"b","target_uri":"channel:a"}}"#),
        ("b", r#"{"type":"RecordingFailed","recording":{"name":"a","target_uri":"bridge:b"}}"#),
        ("a b", r#"{"type":"ChannelLeftBridge","bridge":{"id":"b","channels":["x"]},"channel":{"id":"a"}}"#),
        ("a b", r#"{"type":"BridgeMerged","bridge":{"id":"a"},"bridge_from":{"id":"b"}}"#),
        ("a", r#"{"type":"ChannelTransfer","refer_to":{"destination_channel":{"id":"a"}}}"#),
        ("b", r#"{"type":"ChannelTransfer","referred_by":{"source_channel":{"id":"b"}}}"#),
        ("a b", r#"{"type":"Newfangled","channel":{"id":"a"},"thing":{"target_uri":"bridge:b"}}"#),
        ("a", r#"{"type":"StasisEnd","channel":{"id":"a"},"timestamp":7}"#),
        ("", r#"{"type":"EndpointStateChange","endpoint":{"resource":"a"}}"#),
        ("", r#"{"type":"ChannelVarset","variable":"a"}"#),
        ("", "garbage"),
    ] {
        let (router, mut incoming) = router(10);
        let (sender, mut queue) = event_queue(10);
        let _subscriptions = ["a", "b"].map(|id| router.subscribe(id.into(), &sender));
        route(&router, text).unwrap();
        let mut subjects: Vec<String> =
            contents(&mut queue).iter().map(|delivered| delivered[..1].to_owned()).collect();
        subjects.sort();
        assert_eq!(subjects.join(" "), concerned, "{text}");
        assert_eq!(unclaimed(&mut incoming).len(), usize::from(concerned.is_empty()), "{text}");
    }
}

#[test]
fn several_queues_may_want_the_same_channel_and_each_may_stop() {
    let (router, mut incoming) = router(10);
    let (first, mut first_queue) = event_queue(10);
    let (second, mut second_queue) = event_queue(10);
    let first = router.subscribe("a".into(), &first);
    let second = router.subscribe("a".into(), &second);
    route(&router, &digit("a", "1")).unwrap();
    drop(first);
    route(&router, &digit("a", "2")).unwrap();
    drop(second);
    route(&router, &digit("a", "3")).unwrap();
    assert_eq!(contents(&mut first_queue), ["a 1"]);
    assert_eq!(contents(&mut second_queue), ["a 1", "a 2"]);
    assert_eq!(unclaimed(&mut incoming), ["ChannelDtmfReceived"]);
    assert!(router.state().table.subscribers.is_empty());
}

#[test]
fn an_arrival_brings_everything_that_happened_since() {
    let (router, mut incoming) = router(10);
    route(&router, &start("a")).unwrap();
    route(&router, &digit("a", "1")).unwrap();
    route(&router, &start("a")).unwrap();
    let (sender, mut queue) = event_queue(10);
    let arrival = arrival(&mut incoming);
    route(&router, &digit("a", "2")).unwrap();
    let _subscription = arrival.claim(&sender);
    route(&router, &digit("a", "3")).unwrap();
    assert_eq!(contents(&mut queue), ["a StasisStart", "a 1", "a StasisStart", "a 2", "a 3"]);
    assert!(unclaimed(&mut incoming).is_empty());
    assert_eq!(router.state().table.held_events, 0);
}

#[test]
fn a_dropped_arrival_gives_its_events_back() {
    let (router, mut incoming) = router(10);
    route(&router, &start("a")).unwrap();
    route(&router, &digit("a", "1")).unwrap();
    drop(arrival(&mut incoming));
    route(&router, r#"{"type":"StasisEnd","channel":{"id":"a"}}"#).unwrap();
    assert_eq!(unclaimed(&mut incoming), ["ChannelDtmfReceived", "StasisEnd"]);
    assert!(router.state().table.holding.is_empty());
}

#[test]
fn an_arrival_whose_events_find_no_room_when_it_is_dropped_ends_its_connection() {
    let (router, mut incoming) = router(3);
    let (_, mut end) = router.open();
    let (sender, mut queue) = event_queue(10);
    let _subscription = router.subscribe("b".into(), &sender);
    route(&router, &start("a")).unwrap();
    route(&router, &digit("a", "1")).unwrap();
    route(&router, &digit("a", "2")).unwrap();
    let arrival = self::arrival(&mut incoming);
    for garbage in ["1", "2"] {
        route(&router, garbage).unwrap();
    }
    drop(arrival);
    let full = Lost::IncomingFull { capacity: 3 };
    assert_eq!(end.try_recv(), Ok(full.clone()));
    assert_eq!(contents(&mut queue), [format!("{full:?}")]);
    assert_eq!(router.down(), Some(full));
    assert_eq!(unclaimed(&mut incoming).len(), 3, "what there was room for has come");
}

/// Its connection has said already that events are missing, and the next one misses none.
#[test]
fn an_arrival_of_a_lost_connection_does_not_end_the_next() {
    let (router, mut incoming) = router(2);
    let (connection, _end) = router.open();
    route(&router, &start("a")).unwrap();
    route(&router, &digit("a", "1")).unwrap();
    let arrival = self::arrival(&mut incoming);
    router.lose(connection, &Lost::Replaced);
    let (_, mut end) = router.open();
    for garbage in ["1", "2"] {
        route(&router, garbage).unwrap();
    }
    drop(arrival);
    assert!(end.try_recv().is_err());
    assert_eq!(router.down(), None);
}

#[test]
fn what_nobody_takes_is_lost_loudly() {
    let full = Lost::IncomingFull { capacity: 2 };
    let (router, _incoming) = router(2);
    route(&router, "1").unwrap();
    route(&router, "2").unwrap();
    assert_eq!(route(&router, "3"), Err(full.clone()));

    let (router, mut incoming) = self::router(2);
    route(&router, &start("a")).unwrap();
    let _arrival = arrival(&mut incoming);
    route(&router, &digit("a", "1")).unwrap();
    assert_eq!(route(&router, &digit("a", "2")), Err(full));

    let (router, incoming) = self::router(2);
    route(&router, &start("a")).unwrap();
    drop(incoming);
    for _ in 0..5 {
        route(&router, &start("b")).unwrap();
    }
    assert!(router.state().table.arrivals.is_empty());
}

#[test]
fn a_loss_reaches_every_queue_that_the_connection_fed() {
    let (router, mut incoming) = router(10);
    let (connection, _end) = router.open();
    let (fed, mut fed_queue) = event_queue(1);
    let (not_fed, mut other_queue) = event_queue(1);
    let _subscription = router.subscribe("a".into(), &fed);
    drop(router.subscribe("b".into(), &not_fed));
    route(&router, &digit("a", "1")).unwrap();
    route(&router, &start("c")).unwrap();
    router.lose(connection, &Lost::Replaced);
    assert_eq!(contents(&mut fed_queue), ["a 1", "Replaced"]);
    assert!(contents(&mut other_queue).is_empty());

    let late_arrival = arrival(&mut incoming);
    let (sender, mut queue) = event_queue(10);
    let _late = router.subscribe("d".into(), &sender);
    assert_eq!(contents(&mut queue), ["Replaced"]);
    let (next, _end) = router.open();
    let (sender, mut queue) = event_queue(10);
    let _claimed = late_arrival.claim(&sender);
    assert_eq!(contents(&mut queue), ["c StasisStart", "Replaced"]);

    let (sender, mut queue) = event_queue(10);
    let _new = router.subscribe("e".into(), &sender);
    router.lose(connection, &Lost::ClosedByUs);
    assert!(contents(&mut queue).is_empty(), "the old connection feeds nothing any more");
    router.lose(next, &Lost::ClosedByUs);
    assert_eq!(contents(&mut queue), ["ClosedByUs"]);
}

#[test]
fn an_id_may_arrive_again_after_a_reconnect() {
    let (router, mut incoming) = router(10);
    let (connection, _end) = router.open();
    route(&router, &start("a")).unwrap();
    let before = arrival(&mut incoming);
    router.lose(connection, &Lost::Replaced);
    let _next = router.open();
    route(&router, &start("a")).unwrap();
    route(&router, &digit("a", "1")).unwrap();
    drop(before);
    let (sender, mut queue) = event_queue(10);
    let _subscription = arrival(&mut incoming).claim(&sender);
    assert_eq!(contents(&mut queue), ["a StasisStart", "a 1"]);
}

#[tokio::test]
async fn a_round_trip_is_heard_by_who_waits_and_by_nobody_else() {
    let (router, mut incoming) = router(10);
    let _connection = router.open();
    let event = |client: &str, number: u64| {
        format!(
            r#"{{"type":"ChannelUserevent","eventname":"RoundTrip","userevent":{{"client":"{client}","number":"{number}"}}}}"#
        )
    };
    let mut echo = router.expect_echo().unwrap();
    let abandoned = router.expect_echo().unwrap().number();
    route(&router, &event(router.client(), abandoned)).unwrap();
    route(&router, &event("somebody else", echo.number())).unwrap();
    assert_eq!(unclaimed(&mut incoming), ["ChannelUserevent"]);
    assert!(echo.heard.try_recv().is_err());
    route(&router, &event(router.client(), echo.number())).unwrap();
    echo.heard().await.unwrap();
    assert!(unclaimed(&mut incoming).is_empty());

    let mut echo = router.expect_echo().unwrap();
    let (connection, _end) = router.open();
    router.lose(connection, &Lost::Replaced);
    let _next = router.open();
    assert_eq!(echo.heard().await, Err(Lost::Replaced), "that of its own connection");
    let mut echo = router.expect_echo().unwrap();
    router.close();
    assert_eq!(echo.heard().await, Err(Lost::ClosedByUs));
    assert_eq!(router.expect_echo().unwrap_err(), Lost::ClosedByUs);
    drop(echo);
    assert!(router.state().table.echoes.is_empty());
    assert!(incoming.recv().await.is_none());
}

/// A subscriber that holds a subscription, as a call does that goes on by another channel.
struct Holder(#[expect(dead_code, reason = "it is held")] Subscription);

impl Subscriber for Holder {
    fn deliver(&self, _delivery: Delivery) {}

    fn lose(&self, _server: &Arc<str>, _why: &Lost) {}
}

#[test]
fn a_subscriber_may_hold_subscriptions_that_end_with_it() {
    let (router, _incoming) = router(10);
    let (sender, _queue) = event_queue(10);
    let holder = Arc::new(Holder(router.subscribe("next".into(), &sender)));
    let subscription = router.subscribe("first".into(), &holder);
    drop(holder);
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        drop(subscription);
        // Nobody listens any more if that took too long.
        let _ = done.send(());
    });
    is_done.recv_timeout(std::time::Duration::from_secs(10)).expect("it does not wait for itself");
    assert!(router.state().table.subscribers.is_empty());
}
