//! DTMF, playbacks and recordings: commands of one channel queue up and are carried out one after the other.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::channels::Key;
use crate::events::{Event, PlaybackObject, PlaybackState, RecordingObject};
use crate::state::State;
use crate::timers::Timer;

/// The quiet before the first digit of a command, the shortest tone, and the gap unless another is asked for.
const DTMF_UNIT: Duration = Duration::from_millis(100);

/// What a channel plays and sends.
#[derive(Debug, Default)]
pub(crate) struct Media {
    queue: VecDeque<Job>,
    /// What is being carried out.
    current: Option<Job>,
    /// Counts media that were played, so that the end of one is not taken for the end of another.
    turn: u64,
}

impl Media {
    /// What is being carried out.
    pub(crate) fn current(&self) -> Option<&Job> {
        self.current.as_ref()
    }

    /// As [`current`](Self::current), to change it.
    pub(crate) fn current_mut(&mut self) -> Option<&mut Job> {
        self.current.as_mut()
    }

    /// What waits, which is forgotten.
    pub(crate) fn take_queue(&mut self) -> VecDeque<Job> {
        std::mem::take(&mut self.queue)
    }

    /// The recording of this name, under way or queued.
    pub(crate) fn recording(&self, name: &str) -> Option<&RecordingObject> {
        self.current.iter().chain(&self.queue).find_map(|job| match job {
            Job::Record { recording, .. } if recording.name == name => Some(recording),
            _ => None,
        })
    }

    /// Takes a recording that has not begun out of the queue.
    pub(crate) fn forget_recording(&mut self, name: &str) {
        self.queue.retain(|job| !matches!(job, Job::Record { recording, .. } if recording.name == name));
    }
}

/// A queued command.
#[derive(Debug)]
pub(crate) enum Job {
    Dtmf {
        digits: String,
        timing: DtmfTiming,
    },
    Play {
        playback: PlaybackObject,
        remaining: VecDeque<String>,
    },
    /// `since` counts once it has begun.
    Record {
        recording: RecordingObject,
        since: Instant,
    },
}

/// The times of a DTMF command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DtmfTiming {
    pub(crate) before: Duration,
    pub(crate) between: Duration,
    pub(crate) duration: Duration,
    pub(crate) after: Duration,
}

impl Default for DtmfTiming {
    fn default() -> Self {
        Self { before: Duration::ZERO, between: DTMF_UNIT, duration: DTMF_UNIT, after: Duration::ZERO }
    }
}

impl DtmfTiming {
    /// The times as Asterisk corrects them: tones are at least 100 ms, a gap of 0 means 100 ms.
    pub(crate) fn corrected(self) -> Self {
        let between = if self.between.is_zero() { DTMF_UNIT } else { self.between };
        Self { between, duration: self.duration.max(DTMF_UNIT), ..self }
    }
}

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
