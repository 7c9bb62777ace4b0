//! From ARI events to facts: what an event about one of our channels tells.
//!
//! Asterisk says some things twice and in no fixed order (a state change and a Dial for the same ringing), so what is made
//! here are observations for a set, of which the run keeps the first of each.

use std::time::{Duration, UNIX_EPOCH};

use calltest_ari::models::{Channel, ChannelState};
use calltest_ari::{Date, Event};
use calltest_core::cause::{Hangup, HangupCause, TechCause};
use calltest_core::evidence::{Observation, Stamp};
use calltest_core::plan::ServerName;

/// Whether a channel's state follows what was signalled on the wire. For SIP it is `Ringing` after a 180, also where that comes
/// with a voice, which the status of the dial does not show. Other drivers (chan_iax2, sig_analog) set it by themselves as soon as
/// the call is out; there only the status of the dial tells.
fn speaks_sip(channel_name: &str) -> bool {
    channel_name.starts_with("PJSIP/") || channel_name.starts_with("SIP/")
}

/// What an event tells about the channel that it was routed for; `None` if nothing that a verdict could need.
pub(crate) fn observe(event: &Event) -> Option<Observation> {
    Some(match event {
        Event::ChannelStateChange(change) => match change.channel.state {
            ChannelState::Ringing if speaks_sip(&change.channel.name) => Observation::Ringing,
            ChannelState::Up => Observation::Answered,
            _ => return None,
        },
        Event::Dial(dial) => match dial.dialstatus.as_str() {
            "RINGING" => Observation::Ringing,
            "PROGRESS" => Observation::EarlyMedia,
            "ANSWER" => Observation::Answered,
            "PROCEEDING" => Observation::Proceeding,
            // The dial begins.
            "" => return None,
            status => Observation::DialEnded { status: status.into() },
        },
        Event::ChannelHangupRequest(request) => Observation::HangupRequest {
            end: call_end(&request.channel, request.cause.unwrap_or(0), request.tech_cause),
            is_soft: request.soft.unwrap_or(false),
        },
        Event::ChannelDestroyed(destroyed) => {
            Observation::Gone { end: Some(call_end(&destroyed.channel, destroyed.cause, destroyed.tech_cause)) }
        }
        // Channels that came in from outside tell their end only by leaving the app.
        Event::StasisEnd(_) => Observation::Gone { end: None },
        Event::ChannelDtmfReceived(dtmf) => Observation::DigitReceived {
            digit: dtmf.digit.chars().next()?,
            duration: Duration::from_millis(dtmf.duration_ms.try_into().unwrap_or(0)),
        },
        Event::ChannelHold(_) => Observation::Held,
        Event::ChannelUnhold(_) => Observation::Resumed,
        Event::ChannelConnectedLine(line) => connected_to(&line.channel)?,
        Event::PlaybackStarted(started) => {
            Observation::PlaybackStarted { media: started.playback.media_uri.to_string() }
        }
        Event::PlaybackFinished(finished) => {
            Observation::PlaybackFinished { media: finished.playback.media_uri.to_string() }
        }
        _ => return None,
    })
}

/// To whom a channel is connected, if its network says so.
fn connected_to(channel: &Channel) -> Option<Observation> {
    let (number, name) = (channel.connected.number.to_string(), channel.connected.name.to_string());
    (!number.is_empty() || !name.is_empty()).then_some(Observation::ConnectedTo { number, name })
}

fn call_end(channel: &Channel, cause: i64, tech: Option<i64>) -> Hangup {
    let technology = channel.name.split('/').next().unwrap_or_default();
    // A call that is up is ended by a request, which has no status: what Asterisk tells there is made of the cause.
    let was_rejected = channel.state != ChannelState::Up;
    Hangup {
        cause: HangupCause(cause.try_into().unwrap_or(0)),
        tech_cause: tech.filter(|code| *code != 0 && was_rejected).map(|code| tech_cause(technology, code)),
    }
}

/// The technology's code for a channel of that technology.
fn tech_cause(technology: &str, code: i64) -> TechCause {
    match u16::try_from(code) {
        Ok(status) if technology.eq_ignore_ascii_case("pjsip") || technology.eq_ignore_ascii_case("sip") => {
            TechCause::Sip(status)
        }
        _ => TechCause::Other(code),
    }
}

/// A server's time stamp as the evidence keeps it.
pub(crate) fn stamp(server: &ServerName, date: &Date) -> Option<Stamp> {
    let since_epoch = date.to_system_time()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Stamp { clock: server.clone(), micros: since_epoch.as_micros().try_into().ok()? })
}
