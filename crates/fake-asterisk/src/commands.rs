//! Requests about channels and playbacks: their checks, and what they set going.

use std::collections::VecDeque;

use serde_json::json;

use crate::channels::{Channel, Key};
use crate::ends::Ending;
use crate::events::{ChannelState, PlaybackObject, PlaybackState};
use crate::hangup::cause_of_reason;
use crate::jobs::{DtmfTiming, Job};
use crate::message::{Answer, Outcome, Params};
use crate::state::State;

impl State {
    pub(crate) fn list_channels(&self) -> Answer {
        Answer::object(200, &self.channels.iter().map(|channel| &channel.object).collect::<Vec<_>>())
    }

    pub(crate) fn get_channel(&self, id: &str) -> Outcome {
        let channel = self.channels.find(id).and_then(|key| self.channels.get(key));
        channel.map(|channel| Answer::object(200, &channel.object)).ok_or_else(channel_not_found)
    }

    /// The channel of a command: it must be in an application, and in a state in which it can do something.
    pub(crate) fn in_stasis(&self, id: &str) -> Result<Key, Answer> {
        let key = self.channels.find(id).ok_or_else(channel_not_found)?;
        let channel = self.channels.get(key).ok_or_else(channel_not_found)?;
        if channel.app.is_none() {
            return Err(Answer::message(409, "Channel not in Stasis application"));
        }
        match channel.object.state {
            ChannelState::Up | ChannelState::Ring => Ok(key),
            _ => Err(Answer::message(412, "Channel in invalid state")),
        }
    }

    pub(crate) fn hang_up(&mut self, id: &str, params: &Params<'_>) -> Outcome {
        let key = self.channels.find(id).ok_or_else(channel_not_found)?;
        let cause = match (params.get("reason_code"), params.get("reason")) {
            (Some(_), Some(_)) => {
                return Err(Answer::message(400, "The reason and reason_code can't both be specified"));
            }
            (Some(code), None) => {
                code.parse().map_err(|_| Answer::message(400, "Invalid reason for hangup reason code provided"))?
            }
            (None, Some(reason)) => cause_of_reason(&reason)
                .ok_or_else(|| Answer::message(400, "Invalid reason for hangup reason provided"))?,
            (None, None) => 16,
        };
        self.end(key, Ending::Requested { cause });
        Ok(Answer::no_content())
    }

    pub(crate) fn send_dtmf(&mut self, id: &str, params: &Params<'_>) -> Outcome {
        let key = self.in_stasis(id)?;
        let digits = params.required("dtmf", "DTMF is required")?;
        let timing = DtmfTiming {
            before: params.milliseconds("before"),
            between: params.milliseconds("between"),
            duration: params.milliseconds("duration"),
            after: params.milliseconds("after"),
        };
        self.queue_job(key, Job::Dtmf { digits, timing: timing.corrected() });
        Ok(Answer::no_content())
    }

    pub(crate) fn play(&mut self, id: &str, playback: Option<&str>, params: &Params<'_>) -> Outcome {
        let key = self.in_stasis(id)?;
        let media = params.get("media").ok_or_else(|| Answer::message(500, "Failed to queue media for playback"))?;
        let mut uris = media.split(',').map(str::to_owned);
        let media_uri = uris.next().unwrap_or_default();
        let remaining: VecDeque<String> = uris.collect();
        let id = playback.map(str::to_owned).or_else(|| params.get("playbackId"));
        let id = id.unwrap_or_else(|| format!("playback-{:08x}", self.next_number()));
        let channel = self.channels.get(key).ok_or_else(channel_not_found)?;
        let playback = PlaybackObject {
            id,
            media_uri,
            next_media_uri: remaining.front().cloned(),
            target_uri: format!("channel:{}", channel.object.id),
            language: channel.object.language.clone(),
            state: PlaybackState::Queued,
        };
        let answer = Answer::object(201, &playback);
        self.queue_job(key, Job::Play { playback, remaining });
        Ok(answer)
    }

    pub(crate) fn get_playback(&self, id: &str) -> Outcome {
        let playback = self.playback(id).map(|playback| Answer::object(200, playback));
        playback.ok_or_else(|| Answer::message(404, "Playback not found"))
    }

    pub(crate) fn get_variable(&self, id: &str, params: &Params<'_>) -> Outcome {
        let name = params.required("variable", "Variable name is required")?;
        let channel = self.channels.find(id).and_then(|key| self.channels.get(key));
        let channel = channel.ok_or_else(|| Answer::message(404, "Provided channel was not found"))?;
        let value = match name.strip_prefix("EVAL(").and_then(|text| text.strip_suffix(')')) {
            Some(text) => Some(evaluated(channel, text)),
            None => value_of(channel, &name).map(str::to_owned),
        };
        let value = value.ok_or_else(|| Answer::message(404, "Provided variable was not found"))?;
        Ok(Answer::json(200, &json!({"value": value})))
    }

    pub(crate) fn set_variable(&mut self, id: &str, params: &Params<'_>) -> Outcome {
        let name = params.required("variable", "Variable name is required")?;
        let key = self.channels.find(id).ok_or_else(channel_not_found)?;
        if self.channels.get(key).is_none_or(|channel| channel.app.is_none()) {
            return Err(Answer::message(409, "Channel not in Stasis application"));
        }
        let value = params.get("value").unwrap_or_default();
        self.set_channel_variable(key, &name, &value);
        Ok(Answer::no_content())
    }
}

fn value_of<'c>(channel: &'c Channel, name: &str) -> Option<&'c str> {
    match name {
        "CHANNEL(name)" => Some(channel.object.name.as_str()),
        "CHANNEL(language)" => Some(channel.object.language.as_str()),
        "CALLERID(num)" => Some(channel.object.caller.number.as_str()),
        "CALLERID(name)" => Some(channel.object.caller.name.as_str()),
        "CALLERID(num-pres)" => Some("allowed_not_screened"),
        "CONNECTEDLINE(num)" => Some(channel.object.connected.number.as_str()),
        "CONNECTEDLINE(name)" => Some(channel.object.connected.name.as_str()),
        "REDIRECTING(reason)" => Some("unknown"),
        _ => channel.variables.get(name).map(String::as_str),
    }
}

/// A text with each `${NAME}` replaced by its value, or by nothing.
fn evaluated(channel: &Channel, text: &str) -> String {
    let mut parts = text.split("${");
    let mut said = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap_or((part, ""));
        said.push_str(value_of(channel, name).unwrap_or_default());
        said.push_str(rest);
    }
    said
}

fn channel_not_found() -> Answer {
    Answer::message(404, "Channel not found")
}
