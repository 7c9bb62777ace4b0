//! Calls that no recording has, or that need looking at more closely: what each leg hears, and what is left.

use std::time::Duration;

use fake_asterisk::{Digits, FakeAsterisk, FarEnd, Way};
use serde_json::{Value, json};

use crate::client::{Client, Events, PATIENCE, about};

const SOON: Duration = Duration::from_millis(50);

/// An outbound leg `ct-a` that has been answered by its inbound leg, whose id is given back.
async fn answered_call(client: &Client, events: &mut Events, endpoint: &str) -> String {
    let (status, _) = client.post(&format!("/channels/ct-a?endpoint={endpoint}&app=calltest&appArgs=:dialed")).await;
    assert_eq!(status, 200);
    let start = events.until(|event| event["type"] == "StasisStart").await.pop().expect("a last one");
    let inbound = about(&start).to_owned();
    assert_eq!(client.post(&format!("/channels/{inbound}/answer")).await.0, 204);
    events.next_of("StasisStart", "ct-a").await;
    inbound
}

/// The digits heard by a channel, up to its end.
fn digits_heard(events: &[Value], id: &str) -> String {
    let digits = events.iter().filter(|event| event["type"] == "ChannelDtmfReceived" && about(event) == id);
    digits.map(|event| event["digit"].as_str().expect("a text")).collect()
}

async fn nothing_is_left(fake: &FakeAsterisk) {
    fake.wait_until(|view| view.channel_count() == 0, PATIENCE).await.expect("no channel is left");
}

#[tokio::test]
async fn digits_go_both_ways_and_are_altered_on_each() {
    for endpoint in ["Local/fone1@direct", "PJSIP/123@trunk"] {
        let fake = FakeAsterisk::start().await;
        let altered = FarEnd::arrives()
            .alters_digits(Way::ToInbound, Digits::Drop(2))
            .alters_digits(Way::ToOutbound, Digits::Double(1))
            .alters_digits(Way::ToOutbound, Digits::Append('#'));
        fake.set_far_end(if endpoint.starts_with("Local") { "Local/*" } else { "PJSIP/*@trunk" }, altered);
        let client = Client::of(&fake);
        let mut events = Events::of(&fake, "calltest").await;
        let inbound = answered_call(&client, &mut events, endpoint).await;

        assert_eq!(client.post("/channels/ct-a/dtmf?dtmf=1w23").await.0, 204);
        let heard = events.until(|event| event["digit"] == "3").await;
        assert_eq!(digits_heard(&heard, &inbound), "13");
        assert_eq!(client.post(&format!("/channels/{inbound}/dtmf?dtmf=45")).await.0, 204);
        let heard = events.until(|event| event["digit"] == "#").await;
        assert_eq!(digits_heard(&heard, "ct-a"), "445#");
        assert_eq!(digits_heard(&heard, &inbound), "");

        assert_eq!(client.delete(&format!("/channels/{inbound}")).await.0, 204);
        let end = events.next_of("ChannelDestroyed", "ct-a").await;
        assert_eq!(end["cause"], 16);
        nothing_is_left(&fake).await;
    }
}

#[tokio::test]
async fn commands_of_a_channel_wait_for_each_other() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    answered_call(&client, &mut events, "Local/fone1@direct").await;
    client.post("/channels/ct-a/play/p1?media=sound:beep").await;
    client.post("/channels/ct-a/dtmf?dtmf=1").await;
    client.post("/channels/ct-a/play/p2?media=tone:busy").await;
    let seen = events.until(|event| event["playback"]["id"] == "p2").await;
    let kinds: Vec<&str> = seen.iter().map(|event| event["type"].as_str().expect("a text")).collect();
    let commands: Vec<&str> =
        kinds.into_iter().filter(|kind| !kind.starts_with("Channel") || *kind == "ChannelDtmfReceived").collect();
    assert_eq!(commands, ["PlaybackStarted", "PlaybackFinished", "ChannelDtmfReceived", "PlaybackStarted"]);

    // A tone plays until it is stopped, or its channel ends.
    assert_eq!(client.get("/playbacks/p2").await.1["state"], "playing");
    assert_eq!(client.delete("/playbacks/p1").await.0, 404);
    client.delete("/channels/ct-a").await;
    let last = events.until(|event| event["type"] == "PlaybackFinished").await.pop().expect("a last one");
    assert_eq!(last["playback"]["state"], "failed");
    assert_eq!(client.delete("/playbacks/p2").await.0, 404);
}

#[tokio::test]
async fn several_sounds_in_one_playback_follow_each_other() {
    let fake = FakeAsterisk::start().await;
    fake.add_sound("calltest/hello", SOON);
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    answered_call(&client, &mut events, "Local/fone1@direct").await;
    let (status, playback) = client.post("/channels/ct-a/play/p1?media=sound:calltest/hello,sound:beep").await;
    assert_eq!((status, &playback["next_media_uri"]), (201, &json!("sound:beep")));
    let seen = events.until(|event| event["type"] == "PlaybackFinished").await;
    let states: Vec<Value> = seen
        .iter()
        .filter(|event| event.get("playback").is_some())
        .map(|event| json!([event["playback"]["media_uri"], event["playback"]["state"]]))
        .collect();
    assert_eq!(
        json!(states),
        json!([
            ["sound:calltest/hello", "playing"],
            ["sound:calltest/hello", "continuing"],
            ["sound:beep", "playing"],
            ["sound:beep", "done"],
        ])
    );
}

#[tokio::test]
async fn inbound_leg_gets_the_caller_id_of_its_far_end() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    fake.set_far_end("Local/*", FarEnd::arrives().after(SOON).shows_caller("Eve", "666"));
    client.post("/channels/ct-a?endpoint=Local/fone1@direct&app=calltest&callerId=src%20%3C123%3E").await;
    let start = events.next_of("StasisStart", "ct-a;2").await;
    assert_eq!(start["channel"]["caller"], json!({"name": "Eve", "number": "666"}));
}

#[tokio::test]
async fn caller_id_needs_more_than_the_variable() {
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("PJSIP/*@trunk", FarEnd::arrives());
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    let variables = json!({"variables": {"CALLERID(num)": "123"}});
    client.send("POST", "/channels/ct-a?endpoint=PJSIP/1@trunk&app=calltest", &variables).await;
    let start = events.until(|event| event["type"] == "StasisStart").await.pop().expect("a last one");
    assert_eq!(start["channel"]["caller"]["number"], "anonymous");
}

#[tokio::test]
async fn originate_takes_its_parameters_from_a_json_body() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    let body = json!({
        "endpoint": "Local/fone1@direct",
        "app": "calltest",
        "appArgs": ":dialed,x",
        "callerId": "src <123>",
        "timeout": 5,
        "variables": {"CT_RUN": "7", "__CT_INHERITED": "8"},
    });
    let (status, channel) = client.send("POST", "/channels/ct-a", &body).await;
    assert_eq!((status, &channel["caller"]["number"]), (200, &json!("123")));
    let start = events.next_of("StasisStart", "ct-a;2").await;
    assert_eq!(start["args"], json!(["fone1", ""]));
    assert_eq!(fake.open_channels()[0].variables["CT_INHERITED"], "8");
    assert_eq!(client.get("/channels/ct-a/variable?variable=CT_RUN").await, (200, json!({"value": "7"})));
}

#[tokio::test]
async fn stranger_calls_and_hangs_up() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    let id = fake.call_in("trunk", "4711", ("Stranger", "+4930555"));
    let start = events.next_of("StasisStart", &id).await;
    assert_eq!(start["args"], json!(["trunk", "4711"]));
    assert_eq!(start["channel"]["caller"]["number"], "+4930555");
    assert_eq!(client.post(&format!("/channels/{id}/answer")).await.0, 204);
    fake.send_digits(&id, "42");
    let heard = events.until(|event| event["digit"] == "2").await;
    assert_eq!(digits_heard(&heard, &id), "42");
    fake.hang_up(&id, 16);
    events.next_of("StasisEnd", &id).await;
    nothing_is_left(&fake).await;
    // An inbound channel's end is its StasisEnd; nothing is heard of it afterwards.
    let rest = events.next_within(SOON).await;
    assert!(rest.is_none(), "{rest:?}");
}

#[tokio::test]
async fn calls_are_refused_while_nobody_listens() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let _events = Events::of(&fake, "other").await;
    fake.call_in("trunk", "4711", ("Stranger", "1"));
    nothing_is_left(&fake).await;

    fake.set_far_end("Local/answer@t", FarEnd::answers_after(Duration::ZERO));
    assert_eq!(client.post("/channels/ct-a?endpoint=Local/answer@t&app=calltest").await.0, 200);
    nothing_is_left(&fake).await;
}

#[tokio::test]
async fn arriving_call_is_refused_with_congestion_while_nobody_listens() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "other").await;
    client.post("/channels/ct-a?endpoint=Local/fone1@direct&app=other").await;
    let destroyed = events.next_of("ChannelDestroyed", "ct-a").await;
    assert_eq!(destroyed["cause"], 34);
    nothing_is_left(&fake).await;
}

#[tokio::test]
async fn scripted_far_end_rings_answers_and_hangs_up() {
    let fake = FakeAsterisk::start().await;
    let far_end = FarEnd::rings_for(SOON).then_answers().then_hangs_up_after(Duration::from_millis(300), 16);
    fake.set_far_end("PJSIP/*@trunk", far_end);
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    client.post("/channels/ct-a?endpoint=PJSIP/1@trunk&app=calltest").await;
    let seen = events.until(|event| event["type"] == "ChannelDestroyed").await;
    let statuses: Vec<&str> = seen.iter().filter_map(|event| event["dialstatus"].as_str()).collect();
    assert_eq!(statuses, ["", "RINGING", "ANSWER"]);
    let last = seen.last().expect("a last one");
    assert_eq!((&last["cause"], last.get("tech_cause")), (&json!(16), None));
    nothing_is_left(&fake).await;
}

#[tokio::test]
async fn each_reason_of_hangup_reaches_the_caller_as_its_sip_code() {
    let fake = FakeAsterisk::start().await;
    fake.set_far_end("PJSIP/*@trunk", FarEnd::arrives());
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    for (query, cause, sip_code) in [
        ("", 21, 603),
        ("reason=normal", 21, 603),
        ("reason=busy", 17, 486),
        ("reason=congestion", 34, 503),
        ("reason=no_answer", 19, 480),
        ("reason=timeout", 18, 408),
        ("reason=rejected", 21, 403),
        ("reason=unallocated", 1, 404),
        ("reason=number_incomplete", 28, 484),
        ("reason=codec_mismatch", 58, 488),
        ("reason=failure", 38, 500),
        ("reason_code=22", 22, 410),
        ("reason_code=27", 27, 502),
        ("reason_code=404", 21, 603),
    ] {
        client.post("/channels/ct-a?endpoint=PJSIP/1@trunk&app=calltest").await;
        let start = events.until(|event| event["type"] == "StasisStart").await.pop().expect("a last one");
        assert_eq!(client.delete(&format!("/channels/{}?{query}", about(&start))).await.0, 204, "{query}");
        let request = events.next_of("ChannelHangupRequest", "ct-a").await;
        assert_eq!((&request["cause"], &request["tech_cause"]), (&json!(cause), &json!(sip_code)), "{query}");
        events.next_of("ChannelDestroyed", "ct-a").await;
    }
    nothing_is_left(&fake).await;
}

#[tokio::test]
async fn absolute_timeout_ends_a_call_without_a_hangup_request() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    let variables = json!({"variables": {"TIMEOUT(absolute)": "0.2"}});
    fake.set_far_end("Local/answer@t", FarEnd::answers_after(Duration::ZERO));
    client.send("POST", "/channels/ct-a?endpoint=Local/answer@t&app=calltest", &variables).await;
    let seen = events.until(|event| event["type"] == "ChannelDestroyed" && about(event) == "ct-a").await;
    assert!(!seen.iter().any(|event| event["type"] == "ChannelHangupRequest" && about(event) == "ct-a"));
    assert_eq!(seen.last().expect("a last one")["cause"], 0);
    nothing_is_left(&fake).await;

    // Set anew, the old setting does not count any more.
    let inbound = answered_call(&client, &mut events, "Local/fone1@direct").await;
    client.post("/channels/ct-a/variable?variable=TIMEOUT(absolute)&value=0.1").await;
    client.post("/channels/ct-a/variable?variable=TIMEOUT(absolute)&value=0").await;
    client.post(&format!("/channels/{inbound}/dtmf?dtmf=7")).await;
    events.next_of("ChannelDtmfReceived", "ct-a").await;
    assert_eq!(fake.look(|view| view.channel_count()), 2);
}

#[tokio::test]
async fn continue_in_the_dialplan_ends_both_legs() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    let inbound = answered_call(&client, &mut events, "Local/fone1@direct").await;
    assert_eq!(client.post(&format!("/channels/{inbound}/continue")).await.0, 204);
    let destroyed = events.next_of("ChannelDestroyed", "ct-a").await;
    assert_eq!(destroyed["cause"], 16);
    nothing_is_left(&fake).await;
}

#[tokio::test]
async fn a_thousand_calls_at_once() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    let allowed = json!({"allowed": [{"type": "StasisStart"}, {"type": "ChannelDestroyed"}]});
    client.send("PUT", "/applications/calltest/eventFilter", &allowed).await;
    let answered_at_once = FarEnd::answers_after(Duration::ZERO).then_hangs_up_after(Duration::from_millis(500), 16);
    fake.set_far_end("Local/*", answered_at_once);
    for number in 0..1000 {
        let status = client.post(&format!("/channels/ct-{number:04}?endpoint=Local/x@t&app=calltest")).await.0;
        assert_eq!(status, 200);
    }
    let mut destroyed = 0;
    while destroyed < 2000 {
        destroyed += usize::from(events.next().await["type"] == "ChannelDestroyed");
    }
    nothing_is_left(&fake).await;
}
