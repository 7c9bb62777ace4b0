//! Recordings: live ones, which are commands of a channel like any other, and stored ones, which outlive their channel
//! and can be fetched as WAV files.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::channels::Key;
use crate::events::{Event, RecordingObject, RecordingState};
use crate::media::Job;
use crate::message::{Answer, Outcome, Params};
use crate::state::State;

/// The formats in which a channel can be recorded. Others are refused, as mp3 and ogg are.
const FORMATS: [&str; 11] = ["wav", "wav16", "WAV", "sln", "slin", "raw", "sln16", "ulaw", "alaw", "gsm", "g722"];
/// Samples a second in the files that are handed out, whatever the format; each sample has two bytes.
const SAMPLE_RATE: u32 = 8000;
/// The length of a WAV file's header in bytes.
const WAV_HEADER: u32 = 44;

/// The recordings of the server.
#[derive(Debug, Default)]
pub(crate) struct Recordings {
    /// The channels that have a recording under way or queued, by its name.
    live: BTreeMap<String, Key>,
    stored: BTreeMap<String, Stored>,
    /// Why recordings fail, if they do.
    pub(crate) failure: Option<String>,
}

/// A recording that is over.
#[derive(Debug, Clone)]
struct Stored {
    format: String,
    duration: Duration,
}

impl Recordings {
    /// The names of the stored ones.
    pub(crate) fn stored_names(&self) -> impl Iterator<Item = &str> {
        self.stored.keys().map(String::as_str)
    }

    /// Forgets what was under way, as a restart does. Files stay.
    pub(crate) fn forget_live(&mut self) {
        self.live.clear();
    }

    fn stored(&self, name: &str) -> Result<&Stored, Answer> {
        self.stored.get(name).ok_or_else(recording_not_found)
    }
}

impl State {
    // ---- requests

    /// `POST /channels/{id}/record`.
    pub(crate) fn record(&mut self, id: &str, params: &Params<'_>) -> Outcome {
        let key = self.in_stasis(id)?;
        let name = params.required("name", "Missing parameter name")?;
        let format = params.required("format", "Missing parameter format")?;
        if !FORMATS.contains(&format.as_str()) {
            return Err(Answer::message(422, "specified format is unknown on this system"));
        }
        let may_overwrite = params.get("ifExists").is_some_and(|what| what == "overwrite");
        if self.recordings.live.contains_key(&name) || (self.recordings.stored.contains_key(&name) && !may_overwrite) {
            let message = format!("Recording '{name}' already exists and can not be overwritten");
            return Err(Answer::message(409, &message));
        }
        let recording = RecordingObject {
            target_uri: format!("channel:{id}"),
            name: name.clone(),
            format,
            state: RecordingState::Queued,
            duration: None,
            cause: None,
        };
        let answer = Answer::object(201, &recording);
        self.recordings.live.insert(name, key);
        self.queue_job(key, Job::Record { recording, since: self.now });
        Ok(answer)
    }

    pub(crate) fn get_live_recording(&self, name: &str) -> Outcome {
        let key = self.recordings.live.get(name).ok_or_else(recording_not_found)?;
        let recording = self.channels.get(*key).and_then(|channel| channel.media.recording(name));
        recording.map(|recording| Answer::object(200, recording)).ok_or_else(recording_not_found)
    }

    /// `POST /recordings/live/{name}/stop`.
    pub(crate) fn stop_recording(&mut self, name: &str) -> Outcome {
        let key = *self.recordings.live.get(name).ok_or_else(recording_not_found)?;
        let is_current = |channel: &crate::channels::Channel| matches!(channel.media.current(), Some(Job::Record { recording, .. }) if recording.name == name);
        if self.channels.get(key).is_some_and(is_current) {
            self.finish_recording(key);
            self.start_next_job(key);
        } else if let Some(channel) = self.channels.get_mut(key) {
            // It has not begun, so there is nothing to keep.
            channel.media.forget_recording(name);
            self.recordings.live.remove(name);
        }
        Ok(Answer::no_content())
    }

    pub(crate) fn list_stored_recordings(&self) -> Answer {
        let objects: Vec<_> =
            self.recordings.stored.iter().map(|(name, stored)| stored_object(name, &stored.format)).collect();
        Answer::object(200, &objects)
    }

    pub(crate) fn get_stored_recording(&self, name: &str) -> Outcome {
        let stored = self.recordings.stored(name)?;
        Ok(Answer::object(200, &stored_object(name, &stored.format)))
    }

    pub(crate) fn get_stored_file(&self, name: &str) -> Outcome {
        let stored = self.recordings.stored(name)?;
        Ok(Answer::wave(silence(stored.duration)))
    }

    pub(crate) fn delete_stored_recording(&mut self, name: &str) -> Outcome {
        self.recordings.stored.remove(name).map(|_| Answer::no_content()).ok_or_else(recording_not_found)
    }

    // ---- what happens

    /// It is the turn of a recording that waited for its channel.
    pub(crate) fn start_recording(&mut self, key: Key) {
        let failure = self.recordings.failure.clone();
        let now = self.now;
        let Some(Job::Record { recording, since }) =
            self.channels.get_mut(key).and_then(|channel| channel.media.current_mut())
        else {
            return;
        };
        *since = now;
        if let Some(cause) = failure {
            recording.state = RecordingState::Failed;
            recording.cause = Some(cause);
            let name = recording.name.clone();
            self.tell_recording(key, |recording| Event::RecordingFailed { recording });
            self.recordings.live.remove(&name);
            self.take_current(key);
            self.start_next_job(key);
        } else {
            recording.state = RecordingState::Recording;
            self.tell_recording(key, |recording| Event::RecordingStarted { recording });
        }
    }

    /// The channel's recording, if one is under way, is over and stored.
    pub(crate) fn finish_recording(&mut self, key: Key) {
        let now = self.now;
        let Some(Job::Record { recording, since }) =
            self.channels.get_mut(key).and_then(|channel| channel.media.current_mut())
        else {
            return;
        };
        let duration = now.saturating_duration_since(*since);
        recording.state = RecordingState::Done;
        recording.duration = Some(duration.as_secs());
        let (name, format) = (recording.name.clone(), recording.format.clone());
        self.tell_recording(key, |recording| Event::RecordingFinished { recording });
        self.recordings.live.remove(&name);
        self.recordings.stored.insert(name, Stored { format, duration });
        self.take_current(key);
    }

    /// The channel is about to leave: recordings that have not begun never will.
    pub(crate) fn forget_queued_recordings(&mut self, key: Key) {
        let queued = self.channels.get_mut(key).map(|channel| channel.media.take_queue()).unwrap_or_default();
        for job in queued {
            if let Job::Record { recording, .. } = job {
                self.recordings.live.remove(&recording.name);
            }
        }
    }

    fn tell_recording(&mut self, key: Key, event: impl for<'a> FnOnce(&'a RecordingObject) -> Event<'a>) {
        self.tell_maybe(key, |channel| match channel.media.current() {
            Some(Job::Record { recording, .. }) => Some(event(recording)),
            _ => None,
        });
    }
}

fn stored_object(name: &str, format: &str) -> serde_json::Value {
    serde_json::json!({"name": name, "format": format})
}

fn recording_not_found() -> Answer {
    Answer::message(404, "Recording not found")
}

/// A WAV file of that much silence, one channel of 16-bit samples.
fn silence(duration: Duration) -> Vec<u8> {
    let samples = u32::try_from(duration.as_millis() * u128::from(SAMPLE_RATE) / 1000).unwrap_or(u32::MAX / 4);
    let length = samples * 2;
    let mut file = Vec::with_capacity((WAV_HEADER + length) as usize);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(WAV_HEADER - 8 + length).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    // PCM, one channel.
    file.extend_from_slice(&1_u16.to_le_bytes());
    file.extend_from_slice(&1_u16.to_le_bytes());
    file.extend_from_slice(&SAMPLE_RATE.to_le_bytes());
    file.extend_from_slice(&(SAMPLE_RATE * 2).to_le_bytes());
    // Bytes in a frame, bits in a sample.
    file.extend_from_slice(&2_u16.to_le_bytes());
    file.extend_from_slice(&16_u16.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&length.to_le_bytes());
    file.resize((WAV_HEADER + length) as usize, 0);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_as_long_as_their_header_says() {
        let file = silence(Duration::from_millis(1500));
        // A second and a half at 8000 samples of two bytes.
        assert_eq!(file.len(), 44 + 24_000);
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        assert_eq!((word(4), word(24), word(40)), (36 + 24_000, 8000, 24_000));
    }
}
