//! Requests that have nothing to do with calls.

use std::time::Duration;

use fake_asterisk::{FakeAsterisk, FarEnd};
use serde_json::{Value, json};

use crate::client::{Client, Events};

#[tokio::test]
async fn only_the_right_password_is_let_in() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    assert_eq!(client.get("/asterisk/ping").await.1["ping"], "pong");
    for wrong in ["", "Basic Y2FsbHRlc3Q6d3Jvbmc=", "Bearer x"] {
        assert_eq!(client.clone().with_authorization(wrong).get("/asterisk/ping").await.0, 401, "{wrong}");
    }
    let stranger = client.with_authorization("");
    let key = format!("api_key={}:{}", fake.user(), fake.password());
    assert_eq!(stranger.get(&format!("/asterisk/ping?{key}")).await.0, 200);
    assert_eq!(stranger.get("/asterisk/ping?api_key=calltest:wrong").await.0, 401);
    let statuses: Vec<u16> = fake.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [200, 401, 401, 401, 200, 401]);
}

#[tokio::test]
async fn global_variables_are_kept() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let name = "CALLTEST_OWNER_calltest";
    assert_eq!(client.get(&format!("/asterisk/variable?variable={name}")).await, (200, json!({"value": ""})));
    assert_eq!(client.post(&format!("/asterisk/variable?variable={name}&value=me%201")).await, (204, Value::Null));
    assert_eq!(fake.global_variable(name).as_deref(), Some("me 1"));
    fake.set_global_variable(name, "somebody else");
    assert_eq!(client.get(&format!("/asterisk/variable?variable={name}")).await.1["value"], "somebody else");
    assert_eq!(client.get("/asterisk/variable").await.0, 400);
}

#[tokio::test]
async fn user_event_comes_back_only_to_a_registered_application() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    assert_eq!(
        client.post("/events/user/hello?application=calltest").await,
        (404, json!({"message": "Application not found"}))
    );
    let mut events = Events::of(&fake, "calltest").await;
    let body = json!({"variables": {"token": "t1"}});
    assert_eq!(client.send("POST", "/events/user/hello?application=calltest", &body).await.0, 204);
    let event = events.next().await;
    assert_eq!((&event["type"], &event["eventname"]), (&json!("ChannelUserevent"), &json!("hello")));
    assert_eq!((&event["userevent"]["token"], &event["application"]), (&json!("t1"), &json!("calltest")));
}

#[tokio::test]
async fn event_filter_outlives_the_websocket_and_is_reset_by_an_empty_object() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let events = Events::of(&fake, "calltest").await;
    let filter = json!({"allowed": [{"type": "StasisStart"}]});
    let (status, app) = client.send("PUT", "/applications/calltest/eventFilter", &filter).await;
    assert_eq!((status, &app["events_allowed"]), (200, &filter["allowed"]));
    drop(events);
    let no_websocket = fake.wait_until(|view| view.websockets().is_empty(), Duration::from_secs(5)).await;
    no_websocket.expect("the fake notices the closed connection");
    assert_eq!(client.send("PUT", "/applications/calltest/eventFilter", &filter).await.0, 404);

    let mut events = Events::of(&fake, "calltest").await;
    client.post("/events/user/filtered?application=calltest").await;
    client.post("/channels/ct-a?endpoint=Local/a@b&app=calltest").await;
    assert_eq!(events.next().await["type"], "StasisStart");
    client.send("PUT", "/applications/calltest/eventFilter", &json!({})).await;
    client.post("/events/user/unfiltered?application=calltest").await;
    assert_eq!(events.next().await["eventname"], "unfiltered");
}

#[tokio::test]
async fn each_list_of_an_event_filter_stays_until_it_is_given_again() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let _events = Events::of(&fake, "calltest").await;
    let list = |kind: &str| json!([{ "type": kind }]);
    let set = async |filter: Value| {
        let (status, app) = client.send("PUT", "/applications/calltest/eventFilter", &filter).await;
        (status, app["events_allowed"].clone(), app["events_disallowed"].clone())
    };
    assert_eq!(set(json!({ "disallowed": list("Dial") })).await, (200, json!([]), list("Dial")));
    assert_eq!(set(json!({ "allowed": list("StasisStart") })).await, (200, list("StasisStart"), list("Dial")));
    assert_eq!(set(json!({ "neither": [] })).await, (200, list("StasisStart"), list("Dial")));
    assert_eq!(set(json!({ "allowed": [{}] })).await.0, 400);
    assert_eq!(set(json!({ "allowed": [], "disallowed": [] })).await, (200, json!([]), json!([])));
}

#[tokio::test]
async fn what_an_application_is_not_subscribed_to_is_not_told() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    client.post("/channels/ct-a?endpoint=Local/a@b&app=calltest").await;
    events.next_of("StasisStart", "ct-a;2").await;
    let (status, app) = client.delete("/applications/calltest/subscription?eventSource=channel:ct-a").await;
    assert_eq!((status, &app["channel_ids"]), (200, &json!(["ct-a;2"])));
    let (status, app) = client.post("/applications/calltest/subscription?eventSource=channel:ct-a").await;
    assert_eq!((status, &app["channel_ids"]), (200, &json!(["ct-a", "ct-a;2"])));
    for (source, status) in [("channel:gone", 422), ("nothing", 400)] {
        let answer = client.post(&format!("/applications/calltest/subscription?eventSource={source}")).await;
        assert_eq!(answer.0, status, "{source}");
    }
}

#[tokio::test]
async fn applications_exist_while_they_have_a_websocket_or_a_channel() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    assert_eq!(client.get("/applications/calltest").await.0, 404);
    let mut events = Events::of(&fake, "calltest").await;
    client.post("/channels/ct-a?endpoint=Local/a@b&app=calltest").await;
    events.next_of("StasisStart", "ct-a;2").await;
    fake.faults().close_websockets();
    assert_eq!(client.get("/applications").await.1[0]["channel_ids"], json!(["ct-a", "ct-a;2"]));
    client.delete("/channels/ct-a").await;
    assert_eq!(client.get("/applications").await.1, json!([]));
}

#[tokio::test]
async fn endpoints_come_from_the_far_ends() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    fake.set_far_end("PJSIP/*@trunk", FarEnd::arrives());
    fake.set_far_end("PJSIP/*@dead", FarEnd::endpoint_offline());
    let trunk = json!({"technology": "PJSIP", "resource": "trunk", "state": "online", "channel_ids": []});
    assert_eq!(client.get("/endpoints/PJSIP/trunk").await, (200, trunk));
    assert_eq!(client.get("/endpoints/PJSIP/dead").await.1["state"], "offline");
    assert_eq!(client.get("/endpoints/PJSIP/nobody").await.0, 404);
    assert_eq!(client.get("/endpoints").await.1.as_array().map(Vec::len), Some(2));
    for endpoint in ["PJSIP/1@dead", "PJSIP/1@nobody", "SIP/1@trunk"] {
        let answer = client.post(&format!("/channels/ct-a?endpoint={endpoint}&app=calltest")).await;
        assert_eq!(answer, (500, json!({"error": "Allocation failed"})), "{endpoint}");
    }
}

#[tokio::test]
async fn commands_are_refused_when_their_time_has_not_come() {
    let fake = FakeAsterisk::start().await;
    let client = Client::of(&fake);
    let _events = Events::of(&fake, "calltest").await;
    client.post("/channels/ct-a?endpoint=Local/a@b&app=calltest").await;
    for command in ["dtmf?dtmf=1", "play?media=sound:beep", "answer", "ring", "continue", "variable?variable=A"] {
        let answer = client.post(&format!("/channels/ct-a/{command}")).await;
        assert_eq!(answer, (409, json!({"message": "Channel not in Stasis application"})), "{command}");
        let answer = client.post(&format!("/channels/gone/{command}")).await;
        assert_eq!(answer, (404, json!({"message": "Channel not found"})), "{command}");
    }
    assert_eq!(client.delete("/channels/ct-a?reason=nonsense").await.0, 400);
    assert_eq!(client.delete("/channels/ct-a?reason_code=nonsense").await.0, 400);
    assert_eq!(client.post("/channels/ct-a;2/dtmf").await.0, 400);
    assert_eq!(client.post("/channels/ct-a;2/play").await.0, 500);
}
