//! A fact of the evidence, in words and as fields.

use std::time::Duration;

use calltest_core::evidence::{Fact, Observation};
use calltest_core::media::MediaFigures;
use calltest_core::number::shown;
use calltest_core::verdict::seconds;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// A fact on the wire: when, where, what; the fields that belong to its kind; and the same in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Entry)]
pub struct TimelineEntry {
    /// Milliseconds since the run held its links.
    pub at_ms: f64,
    /// The server's time stamp, in seconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_time: Option<f64>,
    /// Which leg.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<String>,
    /// What kind of fact.
    pub fact: String,
    /// The fields that belong to the kind.
    #[serde(flatten)]
    pub details: Map<String, Value>,
    /// The same in words.
    pub text: String,
}

impl From<&Fact> for TimelineEntry {
    fn from(fact: &Fact) -> Self {
        let (kind, details) = fields(&fact.what);
        let details = match details {
            Value::Object(details) => details,
            _ => Map::new(),
        };
        Self {
            at_ms: milliseconds(fact.at),
            server_time: fact.stamp.as_ref().map(|stamp| stamp.micros as f64 / 1e6),
            side: fact.side.map(|side| side.word().into()),
            fact: kind.into(),
            details,
            text: words(&fact.what),
        }
    }
}

/// The kind of an observation and the fields that belong to it.
fn fields(what: &Observation) -> (&'static str, Value) {
    match what {
        Observation::Dialled { dial_string } => ("dialled", json!({ "dial_string": dial_string })),
        Observation::EndpointOnline { endpoint } => ("endpoint_online", json!({ "endpoint": endpoint })),
        Observation::EndpointOffline { endpoint } => ("endpoint_offline", json!({ "endpoint": endpoint })),
        Observation::Forwarded { to, is_dialled } => ("forwarded", json!({ "to": to, "dialled": is_dialled })),
        Observation::Proceeding => ("proceeding", Value::Null),
        Observation::Ringing => ("ringing", Value::Null),
        Observation::EarlyMedia => ("early_media", Value::Null),
        Observation::Answered => ("answered", Value::Null),
        Observation::Arrived { caller, dialled } => ("arrived", json!({ "caller": caller, "dialled": dialled })),
        Observation::NumberWithheld => ("number_withheld", Value::Null),
        Observation::Diverted { from, reason } => ("diverted", json!({ "from": from, "reason": reason })),
        Observation::Duplicate { caller, dialled } => ("duplicate", json!({ "caller": caller, "dialled": dialled })),
        Observation::Held => ("held", Value::Null),
        Observation::Resumed => ("resumed", Value::Null),
        Observation::ConnectedTo { number, name } => ("connected_to", json!({ "number": number, "name": name })),
        Observation::DialledOn { digits } => ("dialled_on", json!({ "digits": digits })),
        Observation::WrongCall { caller, dialled, .. } => ("misfit", json!({ "caller": caller, "dialled": dialled })),
        Observation::Stranger { caller } => ("stranger", json!({ "caller": caller })),
        Observation::TurnedAway { link, caller, dialled } => {
            ("turned_away", json!({ "link": link, "caller": caller, "dialled": dialled }))
        }
        Observation::MoreCalls { count } => ("more_calls", json!({ "count": count })),
        Observation::CameBack { link } => ("came_back", json!({ "link": link })),
        Observation::RingingSent => ("ringing_sent", Value::Null),
        Observation::AnswerSent => ("answer_sent", Value::Null),
        Observation::DigitsSent { digits } => ("digits_sent", json!({ "digits": digits })),
        Observation::SilenceSent => ("silence_sent", Value::Null),
        Observation::DigitReceived { digit, duration } => {
            let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
            ("digit_received", json!({ "digit": digit, "duration_ms": duration_ms }))
        }
        Observation::MediaCounted(figures) => ("media", media_fields(figures)),
        Observation::SipCallId { id } => ("sip_call_id", json!({ "id": id })),
        Observation::MayFallSilent { endpoint } => ("may_fall_silent", json!({ "endpoint": endpoint })),
        Observation::PlaybackStarted { media } => ("playback_started", json!({ "media": media })),
        Observation::PlaybackFinished { media } => ("playback_finished", json!({ "media": media })),
        Observation::RecordingStarted { name } => ("recording_started", json!({ "name": name })),
        Observation::RecordingFetched { name, path, bytes, duration } => {
            let duration_ms = milliseconds(*duration);
            let recording = json!({ "name": name, "path": path, "bytes": bytes, "duration_ms": duration_ms });
            ("recording_fetched", recording)
        }
        Observation::RecordingMissing { name, why } => ("recording_missing", json!({ "name": name, "why": why })),
        Observation::TriggerStarted { what } => ("trigger_started", json!({ "what": what })),
        Observation::TriggerDone { result } => ("trigger_done", json!({ "result": result })),
        Observation::HangupSent => ("hangup_sent", Value::Null),
        Observation::HangupRequest { end, is_soft } => {
            let tech_cause = end.tech_cause.map(|code| code.number());
            ("hangup_request", json!({ "cause": end.cause.0, "tech_cause": tech_cause, "soft": is_soft }))
        }
        Observation::DialEnded { status } => ("dial_ended", json!({ "status": status })),
        Observation::Gone { end } => {
            let tech_cause = end.and_then(|end| end.tech_cause).map(|code| code.number());
            ("gone", json!({ "cause": end.map(|end| end.cause.0), "tech_cause": tech_cause }))
        }
        Observation::Troubled(trouble) => {
            ("trouble", json!({ "reason": trouble.to_string(), "code": trouble.code().word() }))
        }
    }
}

/// An observation in words.
pub fn words(what: &Observation) -> String {
    match what {
        Observation::Dialled { dial_string } => format!("dialled {dial_string}"),
        Observation::EndpointOnline { endpoint } => format!("endpoint {endpoint} is online"),
        Observation::EndpointOffline { endpoint } => format!("endpoint {endpoint} is offline"),
        Observation::Forwarded { to, is_dialled: true } => format!("forwarded to {}, which was dialled", shown(to)),
        Observation::Forwarded { to, is_dialled: false } => {
            format!("forwarded to {}, which was not dialled", shown(to))
        }
        Observation::Proceeding => "proceeding".into(),
        Observation::Ringing => "ringing".into(),
        Observation::EarlyMedia => "early media".into(),
        Observation::Answered => "answered".into(),
        Observation::Arrived { caller, dialled } => {
            format!("call arrived from {}, dialled {}", shown(caller), shown(dialled))
        }
        Observation::WrongCall { caller, dialled, .. } => {
            format!("rejected a call that is not this test's, from {}, dialled {}", shown(caller), shown(dialled))
        }
        Observation::NumberWithheld => "the caller's number is withheld: it came along, but is not to be shown".into(),
        Observation::Diverted { from, reason } if reason.is_empty() => format!("diverted from {}", shown(from)),
        Observation::Diverted { from, reason } => format!("diverted from {} ({reason})", shown(from)),
        Observation::Duplicate { caller, dialled } => {
            format!("rejected a second delivery of the call, from {}, dialled {}", shown(caller), shown(dialled))
        }
        Observation::Held => "put on hold by the far end".into(),
        Observation::Resumed => "taken back from hold".into(),
        Observation::ConnectedTo { number, name } if name.is_empty() => format!("connected to {}", shown(number)),
        Observation::ConnectedTo { number, name } => format!("connected to {} ({name})", shown(number)),
        Observation::DialledOn { digits } => format!("dials on with {digits}"),
        Observation::Stranger { caller } => format!("rejected another call, from {}", shown(caller)),
        Observation::TurnedAway { link, caller, dialled } => format!(
            "rejected a call on link {link} that no test waits for and that may be this one, from {}, dialled {}",
            shown(caller),
            shown(dialled)
        ),
        Observation::MoreCalls { count } => format!("more calls rejected: {count}"),
        Observation::CameBack { link } => format!("the call came back into the app as {link}"),
        Observation::RingingSent => "signals ringing".into(),
        Observation::AnswerSent => "answers".into(),
        Observation::DigitsSent { digits } => format!("sends digits {digits}"),
        Observation::SilenceSent => "sends silence, since digits are overdue".into(),
        Observation::DigitReceived { digit, duration } => {
            format!("received digit {digit} ({} ms)", duration.as_millis())
        }
        Observation::MediaCounted(figures) => media_words(figures),
        Observation::SipCallId { id } => format!("SIP Call-ID {id}"),
        Observation::MayFallSilent { endpoint } => format!("{endpoint} sends nothing while nothing is said"),
        Observation::PlaybackStarted { media } => format!("plays {media}"),
        Observation::PlaybackFinished { media } => format!("played {media} to its end"),
        Observation::RecordingStarted { name } => format!("records {name}"),
        Observation::RecordingFetched { name, path, bytes, duration } => {
            format!("recorded {name}: {} of sound, {bytes} bytes, in {}", seconds(*duration), path.display())
        }
        Observation::RecordingMissing { name, why } => format!("the recording {name} is missing: {why}"),
        Observation::TriggerStarted { what } => format!("triggers the call by {what}"),
        Observation::TriggerDone { result } => result.clone(),
        Observation::HangupSent => "hangs up".into(),
        Observation::HangupRequest { end, is_soft: false } => format!("hung up by the far end with {end}"),
        Observation::HangupRequest { is_soft: true, .. } => "asked to hang up by the server".into(),
        Observation::DialEnded { status } => format!("dial status {status}"),
        Observation::Gone { end: Some(end) } => format!("gone with {end}"),
        Observation::Gone { end: None } => "gone".into(),
        Observation::Troubled(trouble) => trouble.to_string(),
    }
}

/// Figures of media as fields. Those that nobody told are null.
fn media_fields(figures: &MediaFigures) -> Value {
    json!({
        "packets_sent": figures.sent,
        "packets_received": figures.received,
        "packets_lost": figures.lost,
        "packets_lost_by_far_end": figures.lost_by_far_end,
        "jitter_ms": milliseconds(figures.jitter),
        "rtp_round_trip_ms": figures.round_trip.map(milliseconds),
        "codec": figures.codec,
    })
}

fn media_words(figures: &MediaFigures) -> String {
    let MediaFigures { sent, received, lost, lost_by_far_end, jitter, round_trip, codec } = figures;
    let mut words = format!("RTP: {sent} packets sent, {received} received");
    if *received > 0 {
        let percent = 100.0 * figures.loss();
        words += &format!(", {lost} lost ({percent:.1} %), jitter {:.1} ms", milliseconds(*jitter));
    }
    if *lost_by_far_end > 0 {
        words += &format!(", {lost_by_far_end} lost on the way to the far end");
    }
    if let Some(round_trip) = round_trip {
        words += &format!(", round trip {:.1} ms", milliseconds(*round_trip));
    }
    if let Some(codec) = codec {
        words += &format!(", codec {codec}");
    }
    words
}

/// Whole microseconds, so that no digits are shown that nobody measured.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}
