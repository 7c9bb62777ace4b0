//! Events as Asterisk 22.10.1 sent them, one of each shape, and what no Asterisk ever sent: nothing of them is lost.

use calltest_ari::{Event, models};
use proptest::prelude::*;
use serde_json::{Value, json};

const EVENTS: &str = include_str!("fixtures/events.jsonl");
const NOTHING: [&str; 0] = [];
const RTP_STATISTICS: &str = include_str!("fixtures/rtp_statistics.json");

/// What of `sent` is missing or different in `kept`. Fields that only `kept` has are Asterisk's absent ones.
fn lost(sent: &Value, kept: &Value, at: &str) -> Vec<String> {
    match (sent, kept) {
        (Value::Object(sent), Value::Object(kept)) => {
            let member = |(name, value): (&String, &Value)| match kept.get(name) {
                Some(kept) => lost(value, kept, &format!("{at}/{name}")),
                None => vec![format!("{at}/{name} is missing")],
            };
            sent.iter().flat_map(member).collect()
        }
        _ if sent == kept => Vec::new(),
        _ => vec![format!("{at}: {sent} became {kept}")],
    }
}

#[test]
fn recorded_events_parse_to_their_type_with_nothing_lost() {
    for line in EVENTS.lines() {
        let sent: Value = serde_json::from_str(line).unwrap();
        let event = Event::parse(line);
        assert!(!matches!(event, Event::Unknown { .. } | Event::Unreadable { .. }), "not understood: {line}");
        assert_eq!(event.kind(), sent["type"]);
        assert_eq!(lost(&sent, &serde_json::to_value(&event).unwrap(), ""), NOTHING, "{line}");
        let timestamp = event.timestamp().expect("every recorded event has a time");
        assert!(timestamp.to_string().is_empty() || timestamp.to_system_time().is_some(), "{timestamp}");
    }
}

#[test]
fn undescribed_statistics_are_kept() {
    let sent: Value = serde_json::from_str(RTP_STATISTICS).unwrap();
    let statistics: models::RtpStat = serde_json::from_value(sent.clone()).unwrap();
    assert!(statistics.undescribed.contains_key("txmes"));
    assert_eq!(lost(&sent, &serde_json::to_value(&statistics).unwrap(), ""), NOTHING);
}

#[test]
fn what_judges_a_call_is_there() {
    let text = r#"{"type":"ChannelHangupRequest","cause":21,"soft":true,"tech_cause":603,"channel":{"id":"c1",
        "state":"Ringing","channelvars":{"RUN":"7"}},"timestamp":"2026-11-22T09:49:11.997+0000"}"#;
    let Event::ChannelHangupRequest(request) = Event::parse(text) else { panic!("{text}") };
    assert_eq!((request.cause, request.soft, request.tech_cause), (Some(21), Some(true), Some(603)));
    assert_eq!(request.channel.state, models::ChannelState::Ringing);
    assert_eq!(request.channel.channelvars, Some(json!({"RUN": "7"})));
}

#[test]
fn another_version_may_add_and_leave_out() {
    let text = r#"{"type":"StasisStart","channel":{"id":"c1","state":"Levitating","aura":{"colour":"red"}},"new":1}"#;
    let Event::StasisStart(start) = Event::parse(text) else { panic!("{text}") };
    assert_eq!(start.channel.state, models::ChannelState::Other("Levitating".into()));
    assert_eq!(start.channel.protocol_id, None);
    assert!(start.args.is_empty());
}

#[test]
fn what_is_not_understood_is_kept_whole() {
    let unknown = r#"{"type":"ChannelTeleported","channel":{"id":"c1"}}"#;
    assert_eq!(Event::parse(unknown), Event::Unknown { kind: "ChannelTeleported".into(), raw: unknown.into() });
    let unreadable = [
        (r#"{"type":"Dial","peer":7}"#, "Dial"),
        ("{", ""),
        ("[]", ""),
        (r#"["Dial"]"#, ""),
        // Its first field would fit.
        (r#"["ChannelVarset"]"#, ""),
        (r#"{"type":1}"#, ""),
    ];
    for (text, expected) in unreadable {
        let Event::Unreadable { kind, raw, .. } = Event::parse(text) else { panic!("{text}") };
        assert_eq!((kind.as_str(), raw.as_str()), (expected, text));
    }
}

#[test]
fn the_first_of_two_types_counts() {
    assert_eq!(Event::parse(r#"{"type":"StasisEnd","type":"Dial"}"#).kind(), "StasisEnd");
    assert_eq!(Event::parse(r#"{"type":"StasisEnd","type":7}"#).kind(), "StasisEnd");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    let name = prop_oneof!["[a-z_]{1,6}", Just("id".into()), Just("channel".into()), Just("target_uri".into())];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The name of a field anywhere in `value`, chosen by `which`, gets another value.
fn replace_some_field(value: &mut Value, which: usize, with: &Value) {
    let Value::Object(members) = value else { return };
    let count = members.len();
    let Some(member) = members.values_mut().nth(which % count.max(1)) else { return };
    if member.is_object() && !which.is_multiple_of(3) {
        replace_some_field(member, which / count, with);
    } else {
        *member = with.clone();
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        let is_kept = matches!(Event::parse(&text), Event::Unreadable { raw, .. } if raw == text);
        prop_assert!(is_kept);
    }

    #[test]
    fn arbitrary_json_never_panics_and_is_never_lost(json in any_json()) {
        let event = Event::parse(&json.to_string());
        prop_assert_eq!(serde_json::to_value(event).unwrap(), serde_json::from_str::<Value>(&json.to_string()).unwrap());
    }

    /// Known events with a field of the wrong type: understood, or else kept whole.
    #[test]
    fn mutilated_events_never_panic(line in 0..EVENTS.lines().count(), which in 0_usize..1000, with in any_json()) {
        let line = EVENTS.lines().nth(line).expect("a line among those counted");
        let mut sent: Value = serde_json::from_str(line).unwrap();
        replace_some_field(&mut sent, which, &with);
        let text = sent.to_string();
        match Event::parse(&text) {
            Event::Unknown { raw, .. } | Event::Unreadable { raw, .. } => prop_assert_eq!(raw, text),
            event => prop_assert_eq!(event.kind(), sent["type"].as_str().unwrap()),
        }
    }
}
