//! Faults in single answers, and what chooses the requests that they strike.

use std::time::{Duration, Instant};

use fake_asterisk::FakeAsterisk;
use serde_json::{Value, json};

use crate::client::{Client, Events, PATIENCE};

const LATE: Duration = Duration::from_millis(200);

#[tokio::test]
async fn replaced_answers_have_no_effect_and_are_counted() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let faults = fake.faults();
    faults.on("POST", "/channels/*").times(2).answers(503, r#"{"message":"try later"}"#);
    let originate = "/channels/ct-a?endpoint=Local/a@b&app=calltest";
    for _ in 0..2 {
        assert_eq!(client.post(originate).await, (503, json!({"message": "try later"})));
    }
    assert_eq!(fake.open_channels().len(), 0);
    assert_eq!(client.get("/channels").await.0, 200, "another method");
    assert_eq!(client.post(originate).await.0, 200);

    faults.on("GET", "/events").answers(404, "");
    let query = format!("app=calltest&api_key={}:{}", fake.user(), fake.password());
    assert!(Events::open(&fake, &query).await.is_err());
    faults.heal();
    assert!(Events::open(&fake, &query).await.is_ok());
}

#[tokio::test]
async fn late_lost_and_broken_answers_take_effect() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let _events = Events::of(&fake, "calltest").await;
    let faults = fake.faults();
    let set = |name: &str| format!("/asterisk/variable?variable={name}&value=1");

    faults.on("POST", "/asterisk/variable").times(1).delays(LATE);
    let start = Instant::now();
    assert_eq!(client.post(&set("LATE")).await.0, 204);
    assert!(start.elapsed() >= LATE);

    faults.on("POST", "/asterisk/variable").times(1).loses();
    let lost = tokio::time::timeout(LATE, client.post(&set("LOST"))).await;
    assert!(lost.is_err());

    faults.on("POST", "/asterisk/variable").times(1).resets();
    assert!(client.try_send("POST", &set("RESET"), &Value::Null).await.is_err());

    for name in ["LATE", "LOST", "RESET"] {
        assert_eq!(fake.global_variable(name).as_deref(), Some("1"), "{name}");
    }
    let logged = fake.requests();
    let last = logged.last().unwrap();
    assert_eq!((last.path.as_str(), last.query("variable"), last.status), ("/asterisk/variable", Some("RESET"), 204));
}

#[tokio::test]
async fn answers_are_refused_in_the_form_of_asterisk() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    fake.faults().on("*", "/channels/*").times(1).refuses(503);
    fake.faults().on("*", "/channels/*").refuses(418);
    assert_eq!(client.get("/channels/x").await, (503, json!({"message": "Service Unavailable"})));
    assert_eq!(client.get("/channels/x").await, (418, json!({"message": "I'm a teapot"})));
}

#[tokio::test]
async fn postponed_requests_take_effect_only_after_their_time() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    fake.faults().on("POST", "/asterisk/variable").acts_late(LATE);
    let start = Instant::now();
    let set = tokio::spawn({
        let client = client.clone();
        async move { client.post("/asterisk/variable?variable=A&value=1").await }
    });
    tokio::time::sleep(LATE / 2).await;
    assert_eq!(fake.global_variable("A"), None);
    assert_eq!(set.await.unwrap().0, 204);
    assert!(start.elapsed() >= LATE);
    assert_eq!(fake.global_variable("A").as_deref(), Some("1"));
    assert_eq!(fake.requests().len(), 1, "it counts once");

    // Whoever has stopped waiting is served nevertheless.
    let given_up = tokio::time::timeout(LATE / 2, client.post("/asterisk/variable?variable=B&value=2")).await;
    assert!(given_up.is_err());
}

#[tokio::test]
async fn bodies_dribble_break_off_or_are_spoilt() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let whole = client.get("/asterisk/info").await;
    let faults = fake.faults();

    faults.on("GET", "/asterisk/info").times(1).dribbles(LATE);
    let start = Instant::now();
    assert_eq!(client.get("/asterisk/info").await, whole);
    assert!(start.elapsed() >= LATE, "{:?}", start.elapsed());

    faults.on("GET", "/asterisk/info").times(1).breaks_off();
    let broken = client.try_send("GET", "/asterisk/info", &Value::Null).await;
    assert!(broken.as_ref().is_err_and(|error| error.is_body() || error.is_decode()), "{broken:?}");

    let half = whole.1.to_string().len() / 2;
    faults.on("GET", "/asterisk/info").times(1).truncates();
    assert_eq!(client.get("/asterisk/info").await, (200, json!(format!("<{half} bytes application/json>"))));

    faults.on("GET", "/asterisk/info").times(1).garbles();
    let garbled = format!("<{} bytes application/json>", whole.1.to_string().len());
    assert_eq!(client.get("/asterisk/info").await, (200, json!(garbled)));
    assert_eq!(client.get("/asterisk/info").await, whole);
}

/// Which of forty requests are refused by a fault that strikes by chance.
async fn refused_by_chance(seed: u64) -> Vec<usize> {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    fake.faults().seed(seed);
    // Another fault does not disturb the first one's chances.
    let fault = fake.faults().on("GET", "/channels").sometimes(0.3).refuses(500);
    fake.faults().on("GET", "/asterisk/*").sometimes(0.5).delays(Duration::from_millis(1));
    let mut refused = Vec::new();
    for number in 0..40 {
        client.get("/asterisk/ping").await;
        if client.get("/channels").await.0 == 500 {
            refused.push(number);
        }
    }
    assert_eq!(fault.strikes(), refused.len());
    refused
}

#[tokio::test]
async fn chance_is_the_same_for_the_same_seed() {
    let first = refused_by_chance(1).await;
    assert!(!first.is_empty() && first.len() < 40, "{first:?}");
    assert_eq!(refused_by_chance(1).await, first);
    assert_ne!(refused_by_chance(2).await, first);
}

#[tokio::test]
async fn a_fault_waits_for_its_turn_and_can_be_ended_alone() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let third = fake.faults().on("GET", "/channels").after(2).times(1).refuses(503);
    let others = fake.faults().on("GET", "/channels").refuses(500);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(client.get("/channels").await.0);
    }
    assert_eq!(statuses, [500, 500, 503, 500]);
    assert_eq!((third.strikes(), others.strikes()), (1, 3));
    others.end();
    assert_eq!(client.get("/channels").await.0, 200);
    assert_eq!(others.strikes(), 0);
}

#[tokio::test]
async fn recordings_fail_on_demand() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    fake.faults().fail_recordings("No space left on device");
    let channel = fake.call_in("trunk", "1", ("", "2"));
    assert_eq!(client.post(&format!("/channels/{channel}/record?name=tape&format=wav")).await.0, 201);
    let failed = events.until(|event| event.get("recording").is_some()).await.pop().expect("a last one");
    assert_eq!((&failed["type"], &failed["recording"]["state"]), (&json!("RecordingFailed"), &json!("failed")));
    assert_eq!(failed["recording"]["cause"], "No space left on device");
    assert_eq!(client.get("/recordings/live/tape").await.0, 404);
    fake.faults().heal();
    assert_eq!(client.post(&format!("/channels/{channel}/record?name=tape&format=wav")).await.0, 201);
    let started = events.until(|event| event.get("recording").is_some()).await.pop().expect("a last one");
    assert_eq!(started["type"], "RecordingStarted");
    fake.wait_until(|view| view.channel_count() == 1, PATIENCE).await.expect("the channel lives on");
}
