//! Recording: a command of a channel like any other while it is under way, and in the archive afterwards.

use crate::archive::{Stored, silence};
use crate::channels::Key;
use crate::events::{Event, RecordingObject, RecordingState};
use crate::jobs::Job;
use crate::message::{Answer, Outcome, Params};
use crate::state::State;

/// The formats in which a channel can be recorded. Others are refused, as mp3 and ogg are.
const FORMATS: [&str; 11] = ["wav", "wav16", "WAV", "sln", "slin", "raw", "sln16", "ulaw", "alaw", "gsm", "g722"];
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
        let stored = self.stored_recording(name)?;
        Ok(Answer::object(200, &stored_object(name, &stored.format)))
    }

    pub(crate) fn get_stored_file(&self, name: &str) -> Outcome {
        let stored = self.stored_recording(name)?;
        Ok(Answer::wave(silence(stored.duration)))
    }

    pub(crate) fn delete_stored_recording(&mut self, name: &str) -> Outcome {
        self.recordings.stored.remove(name).map(|_| Answer::no_content()).ok_or_else(recording_not_found)
    }

    // ---- what happens

    /// It is the turn of a recording that waited for its channel.
    pub(crate) fn start_recording(&mut self, key: Key) {
        let now = self.now;
        let Some(Job::Record { recording, since }) =
            self.channels.get_mut(key).and_then(|channel| channel.media.current_mut())
        else {
            return;
        };
        *since = now;
        recording.state = RecordingState::Recording;
        self.tell_recording(key, |recording| Event::RecordingStarted { recording });
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

    fn stored_recording(&self, name: &str) -> Result<&Stored, Answer> {
        self.recordings.stored.get(name).ok_or_else(recording_not_found)
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
