//! Carrying out the commands of channels: DTMF and playbacks here, recordings in `recording`.

use std::time::{Duration, Instant};

use crate::channels::Key;
use crate::events::{Event, PlaybackObject, PlaybackState};
use crate::jobs::{DTMF_UNIT, DtmfTiming, Job};
use crate::state::State;
use crate::timers::Timer;

/// How a medium ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Ends(Duration),
    /// Plays until it is stopped.
    Endless,
    /// The file is missing.
    Missing,
    /// Asterisk starts it and never speaks of it again; the playback cannot be found either.
    NeverHeardOf,
}

impl State {
    /// Queues a command on a channel.
    pub(crate) fn queue_job(&mut self, key: Key, job: Job) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        channel.media.queue.push_back(job);
        if channel.media.current.is_none() {
            self.start_next_job(key);
        }
    }

    pub(crate) fn start_next_job(&mut self, key: Key) {
        let Some(channel) = self.channels.get_mut(key) else { return };
        channel.media.current = channel.media.queue.pop_front();
        match &channel.media.current {
            Some(Job::Dtmf { digits, timing }) => {
                let (digits, timing, other) = (digits.clone(), *timing, channel.other);
                self.send_early_media(key);
                let end = match other {
                    Some(heard_by) => self.schedule_digits(heard_by, &digits, timing),
                    None => self.now + DTMF_UNIT + timing.before + total_time(&digits, timing),
                };
                self.timers.add(end + timing.after, Timer::DigitsEnd(key));
            }
            Some(Job::Play { playback, .. }) => {
                self.playbacks.insert(playback.id.clone(), key);
                self.start_medium(key);
            }
            Some(Job::Record { .. }) => self.start_recording(key),
            None => {}
        }
    }

    // ---- digits

    /// Digits come from the far end of this channel, whatever that is.
    pub(crate) fn hear_digits(&mut self, heard_by: Key, digits: &str, timing: DtmfTiming) {
        self.schedule_digits(heard_by, digits, timing);
    }

    /// Lets `heard_by` hear the digits as the way alters them; gives the time at which the last one has been sent.
    fn schedule_digits(&mut self, heard_by: Key, digits: &str, timing: DtmfTiming) -> Instant {
        let mut at = self.now + DTMF_UNIT + timing.before;
        let mut pauses = Vec::new();
        let mut tones = Vec::new();
        for character in digits.chars() {
            match pause(character) {
                Some(pause) => pauses.push((tones.len(), pause)),
                None => tones.push(character),
            }
        }
        let Some(channel) = self.channels.get_mut(heard_by) else { return at };
        for (place, heard) in channel.hearing.hear(&tones).into_iter().enumerate() {
            at += pauses.iter().filter(|(before, _)| *before == place).map(|(_, pause)| *pause).sum::<Duration>();
            at += timing.duration;
            for digit in heard {
                self.timers.add(at, Timer::Digit { heard_by, digit, duration: timing.duration });
            }
            at += timing.between;
        }
        at
    }

    pub(crate) fn digit_heard(&mut self, heard_by: Key, digit: char, duration: Duration) {
        self.tell(heard_by, |channel| Event::ChannelDtmfReceived {
            digit,
            duration_ms: duration.as_millis(),
            channel: &channel.object,
        });
    }

    /// The far end of this channel hears silence, and with it what was held back.
    pub(crate) fn send_silence(&mut self, key: Key) {
        let Some(heard_by) = self.channels.get(key).and_then(|channel| channel.other) else { return };
        let Some(hearer) = self.channels.get_mut(heard_by) else { return };
        for digit in hearer.hearing.let_go() {
            self.timers.add(self.now, Timer::Digit { heard_by, digit, duration: DTMF_UNIT });
        }
    }

    pub(crate) fn digits_sent(&mut self, key: Key) {
        self.start_next_job(key);
    }

    // ---- playbacks

    fn start_medium(&mut self, key: Key) {
        let Some(playback) = self.current_playback(key) else { return };
        playback.state = PlaybackState::Playing;
        let uri = playback.media_uri.clone();
        self.tell_playback(key, |playback| Event::PlaybackStarted { playback });
        self.send_early_media(key);
        let Some(channel) = self.channels.get_mut(key) else { return };
        channel.media.turn += 1;
        let turn = channel.media.turn;
        match self.length_of(&uri) {
            Length::Ends(time) => self.timers.add(self.now + time, Timer::MediaEnd { channel: key, turn }),
            Length::Missing => self.finish_playback(key, PlaybackState::Failed),
            Length::Endless => {}
            Length::NeverHeardOf => {
                self.take_current(key);
                self.start_next_job(key);
            }
        }
    }

    pub(crate) fn medium_ended(&mut self, key: Key, turn: u64) {
        let Some(channel) = self.channels.get_mut(key).filter(|channel| channel.media.turn == turn) else { return };
        let Some(Job::Play { playback, remaining }) = &mut channel.media.current else { return };
        match remaining.pop_front() {
            None => self.finish_playback(key, PlaybackState::Done),
            Some(next) => {
                playback.state = PlaybackState::Continuing;
                self.tell_playback(key, |playback| Event::PlaybackContinuing { playback });
                if let Some(channel) = self.channels.get_mut(key)
                    && let Some(Job::Play { playback, remaining }) = &mut channel.media.current
                {
                    playback.media_uri = next;
                    playback.next_media_uri = remaining.front().cloned();
                }
                self.start_medium(key);
            }
        }
    }

    /// The playback is over; the next command of its channel begins.
    fn finish_playback(&mut self, key: Key, state: PlaybackState) {
        if let Some(playback) = self.current_playback(key) {
            playback.state = state;
            self.tell_playback(key, |playback| Event::PlaybackFinished { playback });
            self.take_current(key);
            self.start_next_job(key);
        }
    }

    /// Stops a playback that is playing. Whether there was one of this id.
    pub(crate) fn stop_playback(&mut self, id: &str) -> bool {
        let Some(key) = self.playback(id).and_then(|_| self.playbacks.get(id)).copied() else { return false };
        if let Some(channel) = self.channels.get_mut(key) {
            channel.media.turn += 1;
        }
        self.finish_playback(key, PlaybackState::Done);
        true
    }

    /// The playback of this id that is playing.
    pub(crate) fn playback(&self, id: &str) -> Option<&PlaybackObject> {
        let channel = self.channels.get(*self.playbacks.get(id)?)?;
        match channel.media.current() {
            Some(Job::Play { playback, .. }) if playback.id == id => Some(playback),
            _ => None,
        }
    }

    /// The channel is about to leave: what it plays fails, what it records is stored, what it has queued is forgotten.
    pub(crate) fn end_media(&mut self, key: Key) {
        self.forget_queued_recordings(key);
        self.finish_playback(key, PlaybackState::Failed);
        self.finish_recording(key);
    }

    fn current_playback(&mut self, key: Key) -> Option<&mut PlaybackObject> {
        match &mut self.channels.get_mut(key)?.media.current {
            Some(Job::Play { playback, .. }) => Some(playback),
            _ => None,
        }
    }

    /// What is being carried out is over.
    pub(crate) fn take_current(&mut self, key: Key) {
        let current = self.channels.get_mut(key).and_then(|channel| channel.media.current.take());
        if let Some(Job::Play { playback, .. }) = current {
            self.playbacks.remove(&playback.id);
        }
    }

    fn tell_playback(&mut self, key: Key, event: impl for<'a> FnOnce(&'a PlaybackObject) -> Event<'a>) {
        self.tell_maybe(key, |channel| match &channel.media.current {
            Some(Job::Play { playback, .. }) => Some(event(playback)),
            _ => None,
        });
    }

    fn length_of(&self, uri: &str) -> Length {
        match uri.split_once(':') {
            Some(("sound", name)) => match name.strip_prefix("silence/").and_then(|seconds| seconds.parse().ok()) {
                Some(seconds) => Length::Ends(Duration::from_secs(seconds)),
                None => self.sounds.get(name).map_or(Length::Missing, |time| Length::Ends(*time)),
            },
            Some(("tone", _)) => Length::Endless,
            Some(("number" | "digits" | "characters", spoken)) => {
                Length::Ends(Duration::from_millis(800) * u32::try_from(spoken.len()).unwrap_or(u32::MAX))
            }
            _ => Length::NeverHeardOf,
        }
    }
}

/// The pause that a character of a DTMF command stands for, if it is no digit.
fn pause(character: char) -> Option<Duration> {
    match character {
        'w' => Some(Duration::from_millis(500)),
        'W' => Some(Duration::from_secs(1)),
        _ => None,
    }
}

/// How long the digits take after the quiet at their beginning.
fn total_time(digits: &str, timing: DtmfTiming) -> Duration {
    digits.chars().map(|digit| pause(digit).unwrap_or(timing.duration + timing.between)).sum()
}
