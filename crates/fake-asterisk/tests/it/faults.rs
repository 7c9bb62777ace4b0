//! Faults in single answers, and what chooses the requests that they strike.

use std::time::{Duration, Instant};

use fake_asterisk::FakeAsterisk;
use serde_json::{Value, json};

use crate::client::{Client, Events};

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

    faults.on("POST", "/asterisk/variable").times(1).acts_but_refuses(504);
    assert_eq!(client.post(&set("PROXIED")).await, (504, json!({"message": "Gateway Timeout"})));

    for name in ["LATE", "LOST", "RESET", "PROXIED"] {
        assert_eq!(fake.global_variable(name).as_deref(), Some("1"), "{name}");
    }
    let logged = fake.requests();
    let last = logged.last().unwrap();
    assert_eq!((last.path.as_str(), last.query("variable"), last.status), ("/asterisk/variable", Some("PROXIED"), 204));
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
