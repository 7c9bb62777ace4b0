//! Requests: answers that are lost or too long, pacing, and what passes what.

use super::*;

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
async fn a_lost_answer_is_asked_for_again_only_where_that_is_harmless() {
    let (fake, client, _incoming) = started().await;
    fake.faults().on("POST", "/channels/call-1").times(1).resets();
    let channel = client.request(originate("call-1")).await.unwrap();
    assert_eq!(channel.id, "call-1");
    let originates = fake.requests().iter().filter(|request| request.path == "/channels/call-1").count();
    assert_eq!(originates, 2, "lost, and asked for");
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
    assert_eq!(error.to_string(), "GET /channels/call-1: 503 an HTML page");
    fake.faults().on("GET", "/channels/*").times(1).answers(200, "fine");
    let error = client.request(channels::Get { channel_id: "call-1".into() }).await.unwrap_err();
    assert!(matches!(error.failure, RequestFailure::Unreadable { .. }), "{error}");
    client.close().await;
}

/// Requests about `call-1`, by their method.
fn asked_about_the_call(fake: &FakeAsterisk) -> Vec<String> {
    let about = fake.requests().into_iter().filter(|request| request.path == "/channels/call-1");
    about.map(|request| request.method).collect()
}

/// A call that is over leaves nothing that a second one would be in conflict with.
// field reading 1 | An originate whose answer is lost, and its far end is over already | never dialled again | 408, 502 and 504 of a proxy; a call that cannot be asked for
#[tokio::test]
async fn a_call_whose_answer_is_lost_is_not_dialled_again_though_it_is_over() {
    let (fake, client, _incoming) = started().await;
    fake.set_far_end("*", FarEnd::is_busy());
    fake.faults().on("POST", "/channels/call-1").times(1).resets();
    let error = client.request(originate("call-1")).await.unwrap_err();
    assert!(matches!(error.failure, RequestFailure::NoReply { .. }), "{error}");
    assert_eq!(asked_about_the_call(&fake), ["POST", "GET"]);
    client.close().await;
}

/// Whether the first was carried out cannot be told then.
#[tokio::test]
async fn a_call_that_cannot_be_asked_for_is_not_dialled_again() {
    for (status, message) in [(404, "Resource not found"), (500, "Internal Server Error"), (409, "Conflict")] {
        let (fake, client, _incoming) = started().await;
        fake.faults().on("POST", "/channels/call-1").times(1).resets();
        fake.faults().on("GET", "/channels/call-1").answers(status, &format!(r#"{{"message":"{message}"}}"#));
        let error = client.request(originate("call-1")).await.unwrap_err();
        assert!(matches!(error.failure, RequestFailure::NoReply { .. }), "{error}");
        assert_eq!(asked_about_the_call(&fake), ["POST", "GET"]);
        client.close().await;
    }
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
    let under_way = || fake.requests().iter().filter(|request| request.path.starts_with("/channels/call-")).count();
    while under_way() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    client.round_trip().await.unwrap();
    assert_eq!(under_way(), 2);
    for call in calls {
        call.await.unwrap().unwrap();
    }
    client.close().await;
}

/// Many requests that a slow server answers one after the other.
fn slow_requests(fake: &FakeAsterisk, client: &Client) -> Vec<tokio::task::JoinHandle<()>> {
    fake.faults().on("GET", "/channels/*").delays(Duration::from_millis(200));
    let slow = (0..40).map(|number| {
        let (client, channel_id) = (client.clone(), format!("call-{number}"));
        tokio::spawn(async move { drop(client.request(channels::Get { channel_id }).await) })
    });
    slow.collect()
}

// field reading 6 | Heartbeats and hang-ups queue behind test traffic | they go first | a handshake; a slow server
#[tokio::test]
async fn an_owner_with_much_to_ask_stays_the_owner() {
    let fake = FakeAsterisk::start().await;
    let instance = |name: &str| Settings {
        instance: name.into(),
        owner_variable: Some("OWNER".into()),
        max_requests: 1,
        ..settings(&fake)
    };
    let (owner, _incoming) = connect(instance("owner")).await.unwrap();
    let asked = slow_requests(&fake, &owner);
    let error = connect(instance("other")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Owned { .. }), "{error}");
    asked.iter().for_each(tokio::task::JoinHandle::abort);
    owner.close().await;
}

/// The time-out of a round trip begins when it has its turn.
// field reading 6
#[tokio::test]
async fn hang_ups_and_round_trips_pass_what_else_is_asked() {
    let fake = FakeAsterisk::start().await;
    let (client, _incoming) = connect(Settings { max_requests: 1, ..settings(&fake) }).await.unwrap();
    client.request(originate("call-1")).await.unwrap();
    let asked = slow_requests(&fake, &client);
    tokio::task::yield_now().await;
    let hang_up = channels::Hangup { channel_id: "call-1".into(), ..Default::default() };
    let (hung_up, seen) = tokio::join!(client.request(hang_up), client.round_trip());
    hung_up.unwrap();
    assert!(seen.unwrap() < Duration::from_millis(150), "the wait for its turn is no part of it");
    let before = fake
        .requests()
        .iter()
        .filter(|request| request.path.starts_with("/channels/call-") && request.method == "GET")
        .count();
    assert!(before <= 3, "{before} of 40 requests came first");
    // A connection that breaks is made again at once, too.
    fake.faults().close_websockets();
    up_again(&client).await;
    assert!(!asked.iter().all(|asked| asked.is_finished()), "the others are still being answered");
    asked.iter().for_each(tokio::task::JoinHandle::abort);
    client.close().await;
}
