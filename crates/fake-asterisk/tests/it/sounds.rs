//! Listening in on a channel, recording it, and fetching what was recorded.

use std::time::Duration;

use fake_asterisk::{FakeAsterisk, FarEnd};
use serde_json::{Value, json};

use crate::client::{Client, Events, PATIENCE};

/// An answered outbound channel `ct-a` with a snoop channel `ct-s`.
async fn snooped_call() -> (FakeAsterisk, Client, Events) {
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("Local/*", FarEnd::answers_after(Duration::ZERO));
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    client.post("/channels/ct-a?endpoint=Local/x@t&app=calltest").await;
    events.next_of("StasisStart", "ct-a").await;
    assert_eq!(client.post("/channels/ct-a/snoop/ct-s?spy=in&app=calltest").await.0, 200);
    events.next_of("StasisStart", "ct-s").await;
    (fake, client, events)
}

/// The next event about a recording: its type and state.
async fn next_of_recording(events: &mut Events) -> (String, Value) {
    let last = events.until(|event| event.get("recording").is_some()).await.pop().expect("a last one");
    (last["type"].as_str().expect("a text").to_owned(), last["recording"].clone())
}

#[tokio::test]
async fn a_recording_is_as_long_as_it_lasted_and_can_be_fetched_until_it_is_deleted() {
    let (fake, client, mut events) = snooped_call().await;
    assert_eq!(client.post("/channels/ct-s/record?name=sub%2Ftape&format=wav").await.0, 201);
    assert_eq!(next_of_recording(&mut events).await.0, "RecordingStarted");
    assert_eq!(client.get("/recordings/live/sub%2Ftape").await.1["state"], "recording");
    assert_eq!(client.get("/recordings/stored").await, (200, json!([])), "it is not stored before its end");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(client.post("/recordings/live/sub%2Ftape/stop").await.0, 204);
    let (kind, recording) = next_of_recording(&mut events).await;
    assert_eq!(
        (kind.as_str(), &recording["state"], &recording["duration"]),
        ("RecordingFinished", &json!("done"), &json!(0))
    );

    let stored = json!({"name": "sub/tape", "format": "wav"});
    assert_eq!(client.get("/recordings/stored").await, (200, json!([stored])));
    assert_eq!(client.get("/recordings/stored/sub%2Ftape").await, (200, stored));
    let (status, file) = client.get("/recordings/stored/sub%2Ftape/file").await;
    let length: Vec<u32> = file.as_str().unwrap().split(['<', ' ']).filter_map(|word| word.parse().ok()).collect();
    assert_eq!(status, 200);
    // 16,000 bytes a second and the header.
    assert!((44 + 4800..44 + 32_000).contains(&length[0]) && file.as_str().unwrap().ends_with("audio/wav>"), "{file}");
    assert_eq!(fake.look(|view| view.stored_recordings().count()), 1);
    assert_eq!(client.delete("/recordings/stored/sub%2Ftape").await.0, 204);
    for request in [client.get("/recordings/stored/sub%2Ftape/file"), client.get("/recordings/live/sub%2Ftape")] {
        assert_eq!(request.await, (404, json!({"message": "Recording not found"})));
    }
}

#[tokio::test]
async fn recordings_that_cannot_be_are_refused() {
    let (_fake, client, _events) = snooped_call().await;
    assert_eq!(client.post("/channels/nobody/snoop/x?spy=in&app=calltest").await.0, 404);
    assert_eq!(client.post("/channels/ct-a/snoop/x?app=calltest").await.0, 400);
    assert_eq!(client.post("/channels/ct-a/snoop/ct-s?spy=in&app=calltest").await.0, 409);
    assert_eq!(client.post("/channels/nobody/record?name=x&format=wav").await.0, 404);
    let unknown = json!({"message": "specified format is unknown on this system"});
    assert_eq!(client.post("/channels/ct-s/record?name=x&format=mp3").await, (422, unknown));
    assert_eq!(client.post("/channels/ct-s/record?name=x&format=wav").await.0, 201);
    assert_eq!(client.post("/recordings/live/x/stop").await.0, 204);
    let exists = json!({"message": "Recording 'x' already exists and can not be overwritten"});
    assert_eq!(client.post("/channels/ct-s/record?name=x&format=wav").await, (409, exists));
    assert_eq!(client.post("/channels/ct-s/record?name=x&format=wav&ifExists=overwrite").await.0, 201);
    assert_eq!(client.post("/recordings/live/y/stop").await.0, 404);
}

#[tokio::test]
async fn the_end_of_a_call_ends_what_listens_in_and_stores_what_was_recorded() {
    let (fake, client, mut events) = snooped_call().await;
    client.post("/channels/ct-s/record?name=tape&format=wav").await;
    assert_eq!(client.delete("/channels/ct-a").await.0, 204);
    let seen = events.until(|event| event["type"] == "ChannelDestroyed" && event["channel"]["id"] == "ct-a").await;
    let told: Vec<&str> = seen
        .iter()
        .filter(|event| event["channel"]["id"] == "ct-s" || event.get("recording").is_some())
        .map(|event| event["type"].as_str().expect("a text"))
        .collect();
    assert_eq!(told, ["RecordingStarted", "RecordingFinished", "StasisEnd"]);
    fake.wait_until(|view| view.channel_count() == 0, PATIENCE).await.expect("no channel is left");
    assert_eq!(fake.look(|view| view.stored_recordings().map(str::to_owned).collect::<Vec<_>>()), ["tape"]);
}

#[tokio::test]
async fn a_recording_of_a_channel_waits_for_what_it_plays() {
    let (_fake, client, mut events) = snooped_call().await;
    client.post("/channels/ct-a/play/p1?media=tone:425").await;
    assert_eq!(client.post("/channels/ct-a/record?name=late&format=wav").await.0, 201);
    assert_eq!(client.post("/channels/ct-a/record?name=never&format=wav").await.0, 201);
    assert_eq!(client.get("/recordings/live/late").await.1["state"], "queued");
    assert_eq!(client.post("/recordings/live/never/stop").await.0, 204);
    client.delete("/playbacks/p1").await;
    let (kind, recording) = next_of_recording(&mut events).await;
    assert_eq!((kind.as_str(), &recording["name"]), ("RecordingStarted", &json!("late")));
}
