//! What Asterisk knows of how a leg was carried: its SIP Call-ID, its codec, and the packets of its sound.
//!
//! One request tells all of it, since `EVAL` replaces every expression in its argument. It is asked while the channel is up:
//! afterwards Asterisk knows nothing more.

use std::sync::Arc;
use std::time::Duration;

use calltest_ari::requests::channels;
use calltest_core::evidence::Observation;
use calltest_core::media::MediaFigures;

use crate::endpoint_settings::EndpointSettings;
use crate::server::Server;

/// Blanks part the answers: no Call-ID has one (RFC 3261 §25.1), nor has a list of codecs.
const QUESTION: &str = "EVAL(${CHANNEL(pjsip,call-id)} ${CHANNEL(audionativeformat)} ${CHANNEL(rtcp,all)})";

/// Asks for what there is to know of a channel that speaks SIP. Nothing that is missing is made up.
pub(crate) async fn measure(server: Arc<Server>, channel_id: String, channel_name: String) -> Vec<Observation> {
    let Some(endpoint) = sip_endpoint(&channel_name) else { return Vec::new() };
    let mut told = Vec::new();
    let get = channels::GetChannelVar { channel_id, variable: QUESTION.into() };
    match server.client.request(get).await {
        Ok(variable) => told.extend(read(&variable.value)),
        Err(error) => {
            tracing::debug!(server = %server.name, "what the packets of {channel_name} came to is not told: {error}");
        }
    }
    if !sends_always(&server, endpoint).await {
        told.push(Observation::MayFallSilent { endpoint: format!("PJSIP/{endpoint}") });
    }
    told
}

/// The endpoint of a channel that speaks SIP by PJSIP, from a name such as `PJSIP/carrier-0000002a`.
fn sip_endpoint(channel_name: &str) -> Option<&str> {
    let name = channel_name.strip_prefix("PJSIP/")?;
    Some(name.rsplit_once('-').map_or(name, |(endpoint, _)| endpoint))
}

/// What the answer to the question says.
fn read(answer: &str) -> Vec<Observation> {
    let mut parts = answer.splitn(3, ' ');
    let mut told = Vec::new();
    if let Some(id) = parts.next().filter(|id| !id.is_empty()) {
        told.push(Observation::SipCallId { id: id.to_owned() });
    }
    let codec =
        parts.next().map(|codecs| codecs.trim_matches(['(', ')'])).filter(|codec| !codec.is_empty()).map(str::to_owned);
    if let Some(figures) = parts.next().and_then(figures) {
        told.push(Observation::MediaCounted(MediaFigures { codec, ..figures }));
    }
    told
}

/// Reads `ssrc=…;themssrc=…;lp=…;rxjitter=…;rxcount=…;txjitter=…;txcount=…;rlp=…;rtt=…` (Asterisk's `res_rtp_asterisk.c`).
fn figures(text: &str) -> Option<MediaFigures> {
    let field = |name: &str| {
        let fields = text.split(';').filter_map(|field| field.split_once('='));
        fields.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    };
    let count = |name| field(name).and_then(|value| value.parse::<u64>().ok());
    let time = |name| field(name).and_then(|value| value.parse::<f64>().ok()).filter(|seconds| *seconds > 0.0);
    let time = |name| time(name).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    Some(MediaFigures {
        sent: count("txcount")?,
        received: count("rxcount")?,
        lost: count("lp").unwrap_or(0),
        lost_by_far_end: count("rlp").unwrap_or(0),
        jitter: time("rxjitter").unwrap_or_default(),
        round_trip: time("rtt"),
        codec: None,
    })
}

/// Whether an endpoint sends packets even while nothing is to be said, which border controllers, NAT and time-outs need. It is
/// asked once in the life of a connection. Where that cannot be told, nothing is said against it.
async fn sends_always(server: &Server, endpoint: &str) -> bool {
    let mut known = server.endpoints_that_send.lock().await;
    if let Some(sends) = known.get(endpoint) {
        return *sends;
    }
    let sends = match server.client.request(EndpointSettings::of(endpoint)).await {
        Ok(answer) => EndpointSettings::read(answer).sends_always(),
        Err(error) => {
            tracing::debug!(server = %server.name, "the settings of endpoint {endpoint} are not told: {error}");
            true
        }
    };
    known.insert(endpoint.to_owned(), sends);
    sends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_from_the_names_of_channels() {
        assert_eq!(sip_endpoint("PJSIP/carrier-0000002a"), Some("carrier"));
        assert_eq!(sip_endpoint("PJSIP/my-carrier-0000002a"), Some("my-carrier"));
        for other in ["Local/1@direct-00000001;1", "IAX2/peer-1234", "SIP/carrier-00000001", ""] {
            assert_eq!(sip_endpoint(other), None, "{other}");
        }
    }

    #[test]
    fn the_answer_is_read_as_far_as_it_goes() {
        let quality = "ssrc=1;themssrc=0;lp=3;rxjitter=0.001500;rxcount=250;txjitter=0.000000;txcount=248;rlp=2;rtt=0.020000;rxmes=0.0;txmes=0.0";
        let told = read(&format!("a-b@host (alaw) {quality}"));
        let figures = MediaFigures {
            sent: 248,
            received: 250,
            lost: 3,
            lost_by_far_end: 2,
            jitter: Duration::from_micros(1500),
            round_trip: Some(Duration::from_millis(20)),
            codec: Some("alaw".into()),
        };
        assert_eq!(told, [Observation::SipCallId { id: "a-b@host".into() }, Observation::MediaCounted(figures)]);
        assert_eq!(read("a@b  "), [Observation::SipCallId { id: "a@b".into() }]);
        assert_eq!(read("  rxcount=1;txcount=x"), []);
        assert_eq!(read(""), []);
    }
}
