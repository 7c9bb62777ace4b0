//! Requests and events of calls.

use std::time::Duration;

use calltest_ari::models::ChannelState;
use calltest_ari::requests::{applications, asterisk, bridges, channels, endpoints, playbacks, recordings};
use calltest_ari::{Event, RequestFailure, Settings, State, VariableSet, connect, event_queue};

use super::setup::{arrival, client, lab, next, next_of, next_where, settings};

/// An originate of `Local/NAME@direct`, which arrives in the application.
fn originate(id: &str, name: &str) -> channels::OriginateWithId {
    channels::OriginateWithId {
        channel_id: id.into(),
        endpoint: format!("Local/{name}@direct"),
        app: Some("calltest".into()),
        caller_id: Some("Tester <+4912345>".into()),
        formats: Some("slin".into()),
        ..Default::default()
    }
}

#[tokio::test]
async fn both_ends_of_a_call_are_seen_from_beginning_to_end() {
    let lab = lab();
    let (client, mut incoming) = client(lab.server("a")).await;
    let (sender, mut queue) = event_queue(100);
    let outbound = client.subscribe("call-1", &sender);
    let variables = VariableSet::new().with("TIMEOUT(absolute)", "60").reported("RUN", "7");
    let call = channels::OriginateWithId { variables: Some(variables), ..originate("call-1", "fone1") };
    assert_eq!(client.request(call).await.unwrap().id, "call-1");

    let arrived = arrival(&mut incoming).await;
    assert_eq!(arrived.start().args, ["fone1", ""]);
    assert_eq!(arrived.channel().caller.number, "+4912345");
    let id = arrived.channel().id.to_string();
    // What happens before somebody claims it is not lost.
    client.request(channels::Ring { channel_id: id.clone() }).await.unwrap();
    let ringing = next_where(&mut queue, |event| matches!(event, Event::Dial(dial) if dial.dialstatus == "RINGING"));
    assert_eq!(&*ringing.await.subject, "call-1");
    let inbound = arrived.claim(&sender);
    let start = next_of(&mut queue, "StasisStart").await;
    assert_eq!((&start.subject, &start.server), (inbound.subject(), client.name()));

    client.request(channels::Answer { channel_id: id.clone() }).await.unwrap();
    let start = next_where(&mut queue, |event| matches!(event, Event::StasisStart(_))).await;
    let Event::StasisStart(start) = &*start.event else { unreachable!() };
    assert_eq!((start.channel.id.as_str(), &start.channel.state), ("call-1", &ChannelState::Up));
    assert_eq!(start.channel.channelvars.as_ref().unwrap()["RUN"], "7");

    let digits = channels::SendDtmf { channel_id: "call-1".into(), dtmf: Some("12#".into()), ..Default::default() };
    client.request(digits).await.unwrap();
    let mut received = String::new();
    while received.len() < 3 {
        let delivery = next_of(&mut queue, "ChannelDtmfReceived").await;
        let Event::ChannelDtmfReceived(dtmf) = &*delivery.event else { unreachable!() };
        assert_eq!(&delivery.subject, inbound.subject());
        received += &dtmf.digit;
    }
    assert_eq!(received, "12#");

    client.request(channels::Hangup { channel_id: id, reason_code: Some("17".into()), reason: None }).await.unwrap();
    // The other half of the Local channel ends too, before or after ours.
    let is_ours = |event: &Event| matches!(event, Event::ChannelDestroyed(end) if end.channel.id == "call-1");
    let end = next_where(&mut queue, is_ours).await;
    let Event::ChannelDestroyed(destroyed) = &*end.event else { unreachable!() };
    assert!(destroyed.timestamp.to_system_time().is_some());

    drop((outbound, inbound));
    client.close().await;
    assert!(
        client.request(asterisk::Ping {}).await.is_err_and(|error| matches!(error.failure, RequestFailure::Closed))
    );
}

#[tokio::test]
async fn hangup_causes_of_a_rejected_call_arrive() {
    let lab = lab();
    let (client, mut incoming) = client(lab.server("a")).await;
    let (sender, mut queue) = event_queue(100);
    let _outbound = client.subscribe("call-1", &sender);
    client.request(originate("call-1", "fone1")).await.unwrap();
    let channel_id = arrival(&mut incoming).await.channel().id.to_string();
    let reason = Some(channels::HangupReason::Busy);
    client.request(channels::Hangup { channel_id, reason, ..Default::default() }).await.unwrap();
    let request = next_of(&mut queue, "ChannelHangupRequest").await;
    let Event::ChannelHangupRequest(request) = &*request.event else { unreachable!() };
    assert_eq!((request.cause, request.soft), (Some(17), None));
    client.close().await;
}

#[tokio::test]
async fn refusals_keep_asterisks_own_words() {
    let lab = lab();
    let (client, _incoming) = client(lab.server("a")).await;
    let unknown = channels::OriginateWithId { endpoint: "Telex/1".into(), ..originate("call-1", "fone1") };
    let error = client.request(unknown).await.unwrap_err();
    assert_eq!(error.to_string(), "POST /channels/call-1: 500 Allocation failed");
    let error = client.request(channels::Get { channel_id: "nobody".into() }).await.unwrap_err();
    assert_eq!(error.to_string(), "GET /channels/nobody: 404 Channel not found");
    assert!(error.is_not_found());

    client.request(originate("call-2", "fone1")).await.unwrap();
    assert!(client.request(originate("call-2", "fone1")).await.unwrap_err().is_conflict());
    let early = channels::Answer { channel_id: "call-2".into() };
    assert!(client.request(early).await.unwrap_err().is_conflict());
    client.request(channels::Hangup { channel_id: "call-2".into(), ..Default::default() }).await.unwrap();
    client.close().await;
}

#[tokio::test]
async fn a_recording_is_fetched() {
    let lab = lab();
    let (client, mut incoming) = client(lab.server("a")).await;
    let (sender, mut queue) = event_queue(100);
    let _outbound = client.subscribe("call-1", &sender);
    let _snoop = client.subscribe("snoop-1", &sender);
    client.request(originate("call-1", "fone1")).await.unwrap();
    let inbound = arrival(&mut incoming).await;
    let channel_id = inbound.channel().id.to_string();
    client.request(channels::Answer { channel_id: channel_id.clone() }).await.unwrap();
    next_of(&mut queue, "StasisStart").await;

    let snoop = channels::SnoopChannelWithId {
        channel_id: "call-1".into(),
        snoop_id: "snoop-1".into(),
        spy: Some(channels::SnoopDirection::In),
        app: "calltest".into(),
        ..Default::default()
    };
    client.request(snoop).await.unwrap();
    assert_eq!(&*next_of(&mut queue, "StasisStart").await.subject, "snoop-1");
    let name = "runs/7 in".to_owned();
    let record = channels::Record {
        channel_id: "snoop-1".into(),
        name: name.clone(),
        format: "wav".into(),
        if_exists: Some(channels::IfExists::Overwrite),
        ..Default::default()
    };
    client.request(record).await.unwrap();
    // A recording tells of its channel by its target alone.
    assert_eq!(&*next_of(&mut queue, "RecordingStarted").await.subject, "snoop-1");

    let _inbound = inbound.claim(&sender);
    let media = vec!["sound:beep".to_owned()];
    client.request(channels::Play { channel_id, media, ..Default::default() }).await.unwrap();
    next_of(&mut queue, "PlaybackFinished").await;
    client.request(recordings::Stop { recording_name: name.clone() }).await.unwrap();
    next_of(&mut queue, "RecordingFinished").await;

    let file = client.request(recordings::GetStoredFile { recording_name: name.clone() }).await.unwrap();
    assert!(file.starts_with(b"RIFF") && file.len() > 1000, "{} bytes", file.len());
    let error = {
        let limited = Settings { max_reply_bytes: 1000, app: "other".into(), ..settings(lab.server("a")) };
        let (client, _incoming) = connect(limited).await.unwrap();
        client.request(recordings::GetStoredFile { recording_name: name.clone() }).await.unwrap_err()
    };
    assert!(matches!(error.failure, RequestFailure::TooLarge { limit: 1000 }), "{error}");
    client.request(recordings::DeleteStored { recording_name: name }).await.unwrap();
    client.close().await;
}

#[tokio::test]
async fn events_of_a_bridge_reach_those_who_named_it() {
    let lab = lab();
    let (client, _incoming) = client(lab.server("a")).await;
    let (sender, mut queue) = event_queue(100);
    let _channel = client.subscribe("call-1", &sender);
    let _bridge = client.subscribe("bridge-1", &sender);
    let bridge =
        bridges::CreateWithId { bridge_id: "bridge-1".into(), kind: Some("mixing".into()), ..Default::default() };
    client.request(bridge).await.unwrap();
    client.request(originate("call-1", "answer")).await.unwrap();
    next_of(&mut queue, "StasisStart").await;
    let add =
        bridges::AddChannel { bridge_id: "bridge-1".into(), channel: vec!["call-1".into()], ..Default::default() };
    client.request(add).await.unwrap();
    let mut subjects =
        [next_of(&mut queue, "ChannelEnteredBridge").await, next_of(&mut queue, "ChannelEnteredBridge").await]
            .map(|delivery| delivery.subject.to_string());
    subjects.sort();
    assert_eq!(subjects, ["bridge-1", "call-1"]);

    let play = bridges::PlayWithId {
        bridge_id: "bridge-1".into(),
        playback_id: "playback-1".into(),
        media: vec!["tone:425".into()],
        ..Default::default()
    };
    client.request(play).await.unwrap();
    assert_eq!(&*next_of(&mut queue, "PlaybackStarted").await.subject, "bridge-1");
    client.request(playbacks::Stop { playback_id: "playback-1".into() }).await.unwrap();
    next_of(&mut queue, "PlaybackFinished").await;
    client.request(bridges::Destroy { bridge_id: "bridge-1".into() }).await.unwrap();
    client.close().await;
}

#[tokio::test]
async fn the_filter_keeps_events_at_the_server() {
    let lab = lab();
    let filtered = Settings {
        allowed_events: Some(["StasisStart", "ChannelDestroyed"].map(String::from).into()),
        ..settings(lab.server("a"))
    };
    let (client, _incoming) = connect(filtered).await.unwrap();
    let application = client.request(applications::Get { application_name: "calltest".into() }).await.unwrap();
    assert_eq!(application.events_allowed.len(), 4);
    let (sender, mut queue) = event_queue(100);
    let _channel = client.subscribe("call-1", &sender);
    client.request(originate("call-1", "answer")).await.unwrap();
    assert_eq!(next(&mut queue).await.event.kind(), "StasisStart");
    client.request(channels::Hangup { channel_id: "call-1".into(), ..Default::default() }).await.unwrap();
    assert_eq!(next(&mut queue).await.event.kind(), "ChannelDestroyed");
    client.close().await;
}

#[tokio::test]
async fn many_calls_at_once_get_their_own_events() {
    let lab = lab();
    let (client, _incoming) = client(lab.server("a")).await;
    let calls: Vec<_> = (100..150)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move {
                let id = format!("call-{number}");
                let (sender, mut queue) = event_queue(100);
                let _channel = client.subscribe(id.as_str(), &sender);
                client.request(originate(&id, "answer")).await.unwrap();
                let start = next_of(&mut queue, "StasisStart").await;
                assert_eq!(*start.subject, id);
                client.request(channels::Hangup { channel_id: id, ..Default::default() }).await.unwrap();
                next_of(&mut queue, "ChannelDestroyed").await;
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    client.close().await;
}

#[tokio::test]
async fn a_round_trip_and_the_silence_are_measured() {
    let lab = lab();
    let (client, _incoming) = client(lab.server("a")).await;
    let start = tokio::time::Instant::now();
    assert!(client.round_trip().await.unwrap() > Duration::ZERO);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let silence = client.longest_silence_since(start);
    assert!(silence < Duration::from_millis(900), "pings every 200 ms are answered, but {silence:?} of silence");
    let state = client.state().borrow().clone();
    let State::Up { epoch: 1, version } = state else { panic!("{state:?}") };
    // Debian and Asterisk add different things to the same number.
    let number = |version: &str| {
        let end = version.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(version.len());
        version[..end].to_owned()
    };
    assert_eq!(number(&version), number(asterisk_lab::for_tests().version()));
    let endpoint = endpoints::Get { tech: "PJSIP".into(), resource: "nobody".into() };
    assert!(client.request(endpoint).await.unwrap_err().is_not_found());
    client.close().await;
}
