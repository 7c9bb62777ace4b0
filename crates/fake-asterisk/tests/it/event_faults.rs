//! Faults in the delivery of events.

use std::time::Duration;

use fake_asterisk::FakeAsterisk;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Error;

use crate::client::{Client, Events, PATIENCE, about};

const LATE: Duration = Duration::from_millis(200);

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

#[tokio::test]
async fn swapped_events_come_after_the_next_one_and_the_last_of_all_in_the_end() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    fake.faults().events("ChannelUserevent").times(1).swaps();
    fake.faults().events("ChannelUserevent").after(2).swaps();
    let heard = user_events(&client, &mut events, &["a", "b", "c", "d", "e"]).await;
    // `d` and `e` wait for a next one, which does not come.
    assert_eq!(heard, ["b", "a", "c"]);
    let mut late = Vec::new();
    while let Some(event) = events.next_within(4 * LATE).await {
        late.push(event["eventname"].as_str().unwrap_or("?").to_owned());
    }
    assert_eq!(late, ["d", "e"]);
}

/// The order in which ten events come that are late by chance.
async fn shuffled() -> Vec<String> {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    // Much longer than the requests take, so that these do not decide.
    fake.faults().events("*").delays_up_to(10 * LATE);
    let names: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut heard = Vec::new();
    for name in &names {
        assert_eq!(client.post(&format!("/events/user/{name}?application=calltest")).await.0, 204);
    }
    while heard.len() < names.len() {
        heard.push(events.next().await["eventname"].as_str().unwrap_or("?").to_owned());
    }
    heard
}

#[tokio::test]
async fn events_that_are_late_by_chance_come_in_another_order() {
    let mut in_order = shuffled().await;
    let is_sorted = in_order.is_sorted();
    in_order.sort();
    assert!(!is_sorted && in_order.len() == 10, "{in_order:?}");
}

#[tokio::test]
async fn faults_can_be_for_the_events_of_one_channel() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    let fault = fake.faults().events("StasisStart").of_channel("ct-a*").drops();
    for id in ["ct-a", "ct-b"] {
        client.post(&format!("/channels/{id}?endpoint=Local/fone1@direct&app=calltest")).await;
        client.post(&format!("/channels/{id};2/answer")).await;
    }
    let seen = events.until(|event| event["type"] == "StasisStart" && about(event) == "ct-b").await;
    let started: Vec<&str> = seen.iter().filter(|event| event["type"] == "StasisStart").map(about).collect();
    assert_eq!(started, ["ct-b;2", "ct-b"]);
    assert!(seen.iter().any(|event| event["type"] == "Dial" && about(event) == "ct-a"), "other events come");
    assert_eq!(fault.strikes(), 2);
}

#[tokio::test]
async fn events_are_spoilt_in_their_form() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    fake.faults().events("*").times(1).truncates();
    fake.faults().events("*").times(1).garbles();
    for name in ["half", "garbled", "usual"] {
        client.post(&format!("/events/user/{name}?application=calltest")).await;
    }
    let mut texts = Vec::new();
    for _ in 0..3 {
        let frame = events.frame(PATIENCE).await.expect("a frame in time").unwrap();
        texts.push(frame.into_text().unwrap().to_string());
    }
    let parsed: Vec<Result<Value, _>> = texts.iter().map(|text| serde_json::from_str::<Value>(text)).collect();
    assert!(parsed[0].as_ref().is_err_and(serde_json::Error::is_eof), "{}", texts[0]);
    assert!(parsed[1].as_ref().is_err_and(serde_json::Error::is_syntax), "{}", texts[1]);
    assert_eq!(parsed[2].as_ref().unwrap()["eventname"], "usual");
}

#[tokio::test]
async fn events_are_repeated_for_a_channel_that_is_nobodys() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    fake.faults().events("ChannelDestroyed").of_channel("ct-a").repeats_for_stranger();
    client.post("/channels/ct-a?endpoint=Local/fone1@direct&app=calltest").await;
    client.delete("/channels/ct-a").await;
    events.next_of("ChannelDestroyed", "ct-a").await;
    let foreign = events.next().await;
    assert_eq!(foreign["type"], "ChannelDestroyed");
    assert!(!about(&foreign).starts_with("ct-a") && !about(&foreign).is_empty(), "{foreign}");

    fake.faults().sends_foreign_events();
    let seen = events.until(|event| event["type"] == "ChannelDestroyed" && about(event) == about(&foreign)).await;
    assert!(seen.iter().any(|event| event["type"] == "ChannelDtmfReceived" && about(event) == about(&foreign)));
}

#[tokio::test]
async fn a_websocket_is_cut_at_the_event_that_was_named() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    fake.faults().events("ChannelUserevent").after(1).times(1).cuts();
    for name in ["first", "second"] {
        client.post(&format!("/events/user/{name}?application=calltest")).await;
    }
    assert_eq!(events.next().await["eventname"], "first");
    let end = events.frame(PATIENCE).await.expect("the end in time");
    let Err(Error::Io(error)) = end else { panic!("{end:?}") };
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert!(fake.websockets().is_empty());
    assert_eq!(client.post("/events/user/third?application=calltest").await.0, 404);
    let mut fresh = Events::of(&fake, "calltest").await;
    assert_eq!(client.post("/events/user/fourth?application=calltest").await.0, 204);
    assert_eq!(fresh.next().await["eventname"], "fourth");
}
