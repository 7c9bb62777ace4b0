//! The commands of one channel (digits, playbacks, recordings), which queue up and are carried out one after the other.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::events::{PlaybackObject, RecordingObject};

/// The quiet before the first digit of a command, the shortest tone, and the gap unless another is asked for.
pub(crate) const DTMF_UNIT: Duration = Duration::from_millis(100);

/// What a channel plays and sends.
#[derive(Debug, Default)]
pub(crate) struct Media {
    pub(crate) queue: VecDeque<Job>,
    /// What is being carried out.
    pub(crate) current: Option<Job>,
    /// Counts media that were played, so that the end of one is not taken for the end of another.
    pub(crate) turn: u64,
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
