//! The fake against recordings of a real Asterisk 22.10.1: the recorded requests are sent to the fake at the recorded
//! times, and its answers and events are compared with the recorded ones.
//!
//! Compared are, for each request, status and form of the reply, and for each channel, which events came with which
//! deciding fields, and the keys and types of each. The order is not compared: the real server's own varies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fake_asterisk::{FakeAsterisk, FarEnd};
use serde_json::Value;
use tokio::time::Instant;

use crate::client::{Client, Events, about};

/// Events of which the fake sends fewer than a real server: those of every step in the dialplan.
const DIALPLAN_NOISE: [&str; 4] = ["ChannelVarset", "ChannelDialplan", "ChannelCallerId", "ChannelConnectedLine"];

/// The shapes of events by type.
type Shapes = BTreeMap<String, BTreeSet<String>>;

struct Recording {
    lines: Vec<Value>,
}

impl Recording {
    fn read(name: &str) -> Self {
        let path = format!("{}/tests/it/recordings/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("a recording");
        Self { lines: text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect() }
    }

    fn requests(&self) -> impl Iterator<Item = &Value> {
        self.lines.iter().filter(|line| line["k"] == "rest")
    }

    fn events(&self) -> Vec<Value> {
        self.lines.iter().filter(|line| line["k"] == "event").map(|line| line["event"].clone()).collect()
    }

    /// Whether it was made with a dialplan that enters Stasis a second time, in the extension `h`.
    fn catches_h(&self) -> bool {
        self.events().iter().any(|event| event["args"][0] == "h")
    }
}

/// Replays a recording against a fake with these far ends.
async fn check(name: &'static str, far_ends: Vec<(&'static str, FarEnd)>, shapes: Arc<Shapes>) {
    let recording = Recording::read(name);
    let fake = FakeAsterisk::start().await;
    if recording.catches_h() {
        fake.set_dialplan_catches_h();
    }
    for (pattern, far_end) in far_ends {
        fake.set_far_end(pattern, far_end);
    }
    let client = Client::of(&fake);
    let mut events = Events::of(&fake, "calltest").await;
    let mut ids = BTreeMap::new();
    let mut seen = Vec::new();
    let start = Instant::now();
    for line in recording.requests().filter(|line| is_played(line)) {
        let sent = line["t"].as_f64().expect("a time") - line["ms"].as_f64().expect("a duration") / 1000.0;
        let due = start + Duration::from_secs_f64(sent.max(0.0));
        gather(&mut events, &mut seen, &recording, &mut ids, due).await;
        let (status, reply) = client.send(method(line), &path(line, &ids), &line["body"]).await;
        assert_eq!(status, line["status"], "{name}: {} {}", line["method"], line["path"]);
        if line["path"] != "/asterisk/info" {
            assert_eq!(shape(&reply), shape(&line["reply"]), "{name}: reply of {} {}", line["method"], line["path"]);
        }
        if status >= 400 {
            assert_eq!(reply, line["reply"], "{name}: error of {} {}", line["method"], line["path"]);
        }
    }
    let last = recording.lines.last().and_then(|line| line["t"].as_f64()).expect("a last line");
    gather(&mut events, &mut seen, &recording, &mut ids, start + Duration::from_secs_f64(last.min(6.0) + 0.2)).await;

    let recorded = recording.events();
    let renamed = |event: &Value| ids.get(about(event)).cloned().unwrap_or_else(|| about(event).to_owned());
    let (seen_facts, recorded_facts) = (facts(&seen, |event| about(event).to_owned()), facts(&recorded, renamed));
    let surplus = without(&seen_facts, &recorded_facts);
    let missing = without(&recorded_facts, &seen_facts);
    assert!(surplus.is_empty() && missing.is_empty(), "{name}: not recorded: {surplus:#?}\nmissing: {missing:#?}");
    for event in &seen {
        let kind = event["type"].as_str().expect("a type");
        let known = shapes.get(kind).unwrap_or_else(|| panic!("{name}: {kind} does not occur in any recording"));
        assert!(known.contains(&shape(event)), "{name}: {kind} is {}, not one of {known:#?}", shape(event));
    }
}

/// Takes events until `due`. Ids that the server chose itself are paired with those recorded, in order of appearance.
async fn gather(
    events: &mut Events,
    seen: &mut Vec<Value>,
    recording: &Recording,
    ids: &mut BTreeMap<String, String>,
    due: Instant,
) {
    while let Some(event) = events.next_within(due.saturating_duration_since(Instant::now())).await {
        seen.push(event);
    }
    let own_ids = |events: &[Value]| {
        let mut own = Vec::new();
        for id in events.iter().map(about) {
            if id.contains('.') && !own.contains(&id.to_owned()) {
                own.push(id.to_owned());
            }
        }
        own
    };
    ids.extend(own_ids(&recording.events()).into_iter().zip(own_ids(seen)));
}

/// Whether the fake plays this operation at all.
fn is_played(line: &Value) -> bool {
    let path = line["path"].as_str().expect("a path");
    !path.contains("/subscription")
}

fn method(line: &Value) -> &str {
    line["method"].as_str().expect("a method")
}

/// The recorded path and query, with the fake's ids in place of the recorded ones.
fn path(line: &Value, ids: &BTreeMap<String, String>) -> String {
    let mut path = line["path"].as_str().expect("a path").to_owned();
    for (recorded, own) in ids {
        path = path.replace(recorded, own);
    }
    let params = line["params"].as_object().into_iter().flatten();
    let query: Vec<String> = params
        .map(|(name, value)| {
            let value = value.as_str().expect("parameters are texts");
            let value = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
            format!("{name}={value}")
        })
        .collect();
    format!("{path}?{}", query.join("&"))
}

/// What decides, of each event, with the id of its channel.
fn facts(events: &[Value], id: impl Fn(&Value) -> String) -> Vec<String> {
    let mut facts = Vec::new();
    for event in events {
        let kind = event["type"].as_str().expect("a type");
        if DIALPLAN_NOISE.contains(&kind) {
            continue;
        }
        let mut fact = format!("{} {kind}", id(event));
        let mut fields = vec!["dialstatus", "dialstring", "tech_cause", "soft", "digit", "args"];
        if kind != "ChannelDestroyed" || !about(event).ends_with(";2") {
            // The cause with which a far half ends was seen to vary between 0 and 16.
            fields.extend(["cause", "cause_txt"]);
        }
        for field in fields {
            if let Some(value) = event.get(field) {
                fact += &format!(" {field}={value}");
            }
        }
        if let Some(recording) = event.get("recording") {
            fact += &format!(" {} {} {}", recording["name"], recording["state"], recording["target_uri"]);
        }
        if let Some(playback) = event.get("playback") {
            fact += &format!(" {} {} {}", playback["id"], playback["media_uri"], playback["state"]);
        }
        let channel = event.get("channel").or_else(|| event.get("peer"));
        if let Some(channel) = channel {
            if kind != "Dial" {
                // A Dial may come before or after the change of state that goes with it.
                fact += &format!(" {}", channel["state"]);
            }
            fact += &format!(" caller={} connected={}", channel["caller"], channel["connected"]);
            fact += &format!(" channelvars={}", channel["channelvars"]);
            // How far the recorded dialplan had got is left out.
            fact += &format!(" is in Stasis: {}", channel["dialplan"]["app_name"] == "Stasis");
        }
        facts.push(fact);
    }
    facts
}

/// The facts in `these` that `those` does not have, counting each as often as it occurs.
fn without(these: &[String], those: &[String]) -> Vec<String> {
    let mut rest = those.to_vec();
    let is_surplus = |fact: &&String| match rest.iter().position(|other| other == *fact) {
        Some(place) => {
            rest.swap_remove(place);
            false
        }
        None => true,
    };
    these.iter().filter(is_surplus).cloned().collect()
}

/// The shapes that each type of event has in any of the recordings.
fn recorded_shapes() -> Shapes {
    let mut shapes = Shapes::new();
    for (name, _) in recordings() {
        for event in Recording::read(name).events() {
            let kind = event["type"].as_str().expect("a type").to_owned();
            shapes.entry(kind).or_default().insert(shape(&event));
        }
    }
    shapes
}

/// A JSON value's keys and kinds, without its contents and those of lists.
fn shape(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "text".to_owned(),
        Value::Array(_) => "list".to_owned(),
        Value::Object(object) => {
            // Any channel object may have reported variables.
            let fields = object.iter().filter(|(key, _)| *key != "channelvars");
            let mut fields: Vec<String> = fields.map(|(key, value)| format!("{key}: {}", shape(value))).collect();
            fields.sort();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

/// Each recording, and the far ends that it was made with.
fn recordings() -> Vec<(&'static str, Vec<(&'static str, FarEnd)>)> {
    let at_once = Duration::ZERO;
    let one_second = Duration::from_secs(1);
    // Two servers with a trunk between them; the far one told the called number.
    let trunk = || vec![("PJSIP/*@trunk", FarEnd::arrives().shows_called_number().into())];
    // One server that calls itself.
    let itself = || vec![("PJSIP/*@self", FarEnd::arrives().into())];
    let local = |far_end: FarEnd| vec![("Local/*@t", far_end)];
    let sipp = |far_end: FarEnd| vec![("PJSIP/*@sipp", far_end)];
    let arrives = Vec::new;
    vec![
        ("01-local-basic", arrives()),
        ("01-trunk-loop-answer", trunk()),
        ("02-bad-unknown-originate", arrives()),
        ("02-in-reject-reason-busy", trunk()),
        ("02-local-nosuchexten-originate", local(FarEnd::no_such_extension())),
        ("02-local-nothing-originate", local(FarEnd::is_silent().into())),
        ("02-local-ringanswer-originate", local(FarEnd::rings_for(one_second).then_answers().into())),
        ("02-local-ringbusy-originate", local(FarEnd::rings_for(one_second).then_is_busy().into())),
        ("02-local-ringhangup-originate", local(FarEnd::rings_for(one_second).then_rejects(21, None).into())),
        (
            "02-sipp-ring180then486-originate",
            sipp(FarEnd::rings_for(one_second * 3 / 2).then_rejects(17, Some(486)).into()),
        ),
        ("02-sipp-ringforever-originate", sipp(FarEnd::never_answers().into())),
        ("02-x-delete-while-ringing", vec![("PJSIP/*@trunk", FarEnd::never_answers().into())]),
        ("02-x-errors", arrives()),
        ("02-x-eventfilter", arrives()),
        ("02-x-report-events", local(FarEnd::rings_for(one_second).then_answers().into())),
        ("04-playback", vec![("PJSIP/*@trunk", FarEnd::answers_after(at_once).into())]),
        ("04-snoop", vec![("PJSIP/*@trunk", FarEnd::answers_after(at_once).into())]),
        ("06-id-prefix", local(FarEnd::answers_after(at_once).into())),
        ("11-ids", local(FarEnd::never_answers().into())),
        ("11-local-absolute-answered", arrives()),
        ("11-local-absolute-ringing", arrives()),
        ("11-local-absolute-unanswered", arrives()),
        ("11-local-answered-inbound-deleted", arrives()),
        ("11-local-cancelled-as-busy", arrives()),
        ("11-local-continue-inbound", arrives()),
        ("11-local-continue-outbound", arrives()),
        ("11-local-refused", arrives()),
        ("11-sip-absolute-answered", itself()),
        ("11-sip-absolute-outbound", itself()),
        ("11-sip-absolute-ringing", itself()),
        ("11-sip-absolute-unanswered", itself()),
        ("11-sip-answered-inbound-busy", itself()),
        ("11-sip-answered-inbound-deleted", itself()),
        ("11-sip-answered-outbound-busy", itself()),
        ("11-sip-cancelled", itself()),
        ("11-sip-cancelled-as-busy", itself()),
        ("11-sip-continue-outbound", itself()),
        ("11-sip-continue-unanswered", itself()),
        ("11-sip-early-media", itself()),
        ("11-sip-refused", itself()),
        ("11-sip-timeout", itself()),
        ("11-user-event", itself()),
    ]
}

/// They take their recorded times, so they run all at once.
#[tokio::test]
async fn answers_and_events_are_those_of_the_recordings() {
    let shapes = Arc::new(recorded_shapes());
    let checks: Vec<_> = recordings()
        .into_iter()
        .map(|(name, far_ends)| (name, tokio::spawn(check(name, far_ends, Arc::clone(&shapes)))))
        .collect();
    let mut failed = Vec::new();
    for (name, check) in checks {
        if check.await.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "the fake differs from {failed:?}; the differences are above");
}
