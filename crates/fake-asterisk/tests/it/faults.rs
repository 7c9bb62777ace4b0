//! Faults in single answers and events.

use std::time::{Duration, Instant};

use fake_asterisk::FakeAsterisk;
use serde_json::{Value, json};

use crate::client::{Client, Events, PATIENCE, about};

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

/// Sends user events of these names; gives the names of those that come.
async fn user_events(client: &Client, events: &mut Events, names: &[&str]) -> Vec<String> {
    for name in names {
        assert_eq!(client.post(&format!("/events/user/{name}?application=calltest")).await.0, 204);
    }
    let mut heard = Vec::new();
    while let Some(event) = events.next_within(2 * LATE).await {
        heard.push(event["eventname"].as_str().unwrap_or("?").to_owned());
    }
    heard
}

#[tokio::test]
async fn events_are_dropped_duplicated_and_delayed_by_type() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    let faults = fake.faults();
    faults.events("ChannelUserevent").times(1).drops();
    faults.events("ChannelUserevent").times(1).duplicates();
    faults.events("*").times(1).delays(LATE);
    let heard = user_events(&client, &mut events, &["dropped", "twice", "late", "usual"]).await;
    assert_eq!(heard, ["twice", "twice", "usual", "late"]);

    faults.events("*").drops();
    assert_eq!(user_events(&client, &mut events, &["a", "b"]).await.len(), 0);
    faults.heal();
    assert_eq!(user_events(&client, &mut events, &["c"]).await, ["c"]);
}

#[tokio::test]
async fn all_events_late_keep_their_order() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    fake.faults().events("*").delays(LATE);
    client.post("/channels/ct-a?endpoint=Local/fone1@direct&app=calltest").await;
    client.delete("/channels/ct-a").await;
    let seen = events.until(|event| event["type"] == "ChannelDestroyed" && about(event) == "ct-a;2").await;
    let place = |kind: &str| seen.iter().position(|event| event["type"] == kind).unwrap();
    assert!(place("Dial") < place("StasisStart"));
    assert!(place("StasisStart") < place("StasisEnd"));
}

#[tokio::test]
async fn nonsense_is_sent_on_demand() {
    let fake = FakeAsterisk::start().await;
    let mut events = Events::of(&fake, "calltest").await;
    let faults = fake.faults();
    faults.sends_text("{not json");
    faults.sends_truncated_event();
    faults.sends_unknown_event();
    let mut texts = Vec::new();
    for _ in 0..3 {
        let frame = events.frame(PATIENCE).await.expect("a frame in time").unwrap();
        texts.push(frame.into_text().unwrap().to_string());
    }
    assert_eq!(texts[0], "{not json");
    assert!(serde_json::from_str::<Value>(&texts[1]).is_err_and(|error| error.is_eof()));
    assert_eq!(serde_json::from_str::<Value>(&texts[2]).unwrap()["type"], "ChannelTeleported");
}
