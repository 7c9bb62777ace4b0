//! What did not happen, where the script waited for it.

use std::time::Duration;

use super::{Answer, Case};
use crate::evidence::{Awaiting, Observation, ScriptEnd, Side, Stop};
use crate::expectation::Milestone;
use crate::verdict::{Failure, Origin, Progress, Trouble, Waited};

/// What comes in so soon after it was given up may have been late on our side.
const LATE: Duration = Duration::from_millis(300);

impl Case<'_> {
    /// Something that did not happen, or an error where we could not have seen it.
    pub(super) fn absence(&self) -> Option<Answer> {
        let missing = match &self.evidence.script_end {
            ScriptEnd::Completed => return None,
            _ if self.ended_by_right() => return None,
            ScriptEnd::Stopped(Stop::Deadline { awaiting } | Stop::Overdue { awaiting, .. })
                if self.came_late(*awaiting) =>
            {
                Err(Trouble::Late { what: awaiting.words() })
            }
            ScriptEnd::Stopped(Stop::DigitsOverdue { to, given_up_at, .. })
                if self.read_digits_by(*to, *given_up_at + LATE).is_complete() =>
            {
                Err(Trouble::Late { what: Awaiting::Digits(*to).words() })
            }
            ScriptEnd::Stopped(stop) => self.missing(stop),
        };
        Some(missing.map_or_else(Answer::from, Answer::from))
    }

    /// What is absent when a script stopped for want of it.
    fn missing(&self, stop: &Stop) -> Result<Failure, Trouble> {
        match *stop {
            Stop::Deadline { awaiting } => self.missing_after(awaiting, self.expectation.deadline),
            Stop::Overdue { awaiting, within } => self.missing_after(awaiting, within),
            Stop::DigitsOverdue { to, overdue, .. } => Ok(self.missing_digits(to, Waited::Overdue(overdue))),
            Stop::DigitsWrong { to } => Err(self.unexplained(Awaiting::Digits(to))),
            Stop::LegEnded { awaiting, .. } => Err(self.unexplained(awaiting)),
            Stop::CameBack | Stop::Offline => Err(self.unexplained(Awaiting::Originate)),
            Stop::Cancelled | Stop::FailedByOperator | Stop::Trouble(_) => Err(self.unexplained(Awaiting::Pause)),
        }
    }

    /// What is absent when it was awaited for that long.
    fn missing_after(&self, awaiting: Awaiting, within: Duration) -> Result<Failure, Trouble> {
        Ok(match awaiting {
            Awaiting::Arrival => self.wrong_call().unwrap_or_else(|| self.no_arrival(within)),
            Awaiting::Ringing => self.not_reached(Milestone::Ringing, within),
            Awaiting::EarlyMedia => {
                return self.unshown().map_or(Ok(self.not_reached(Milestone::EarlyMedia, within)), Err);
            }
            Awaiting::Answer(Side::Src) => self.not_reached(Milestone::Answer, within),
            Awaiting::Rejection => self.not_reached(Milestone::Rejection, within),
            Awaiting::CallerToEnd => Failure::NotEnded { link: self.link(Side::Dst), within },
            Awaiting::Digits(to) => self.missing_digits(to, Waited::Deadline(within)),
            // Our own party answers when we tell it to.
            Awaiting::Answer(Side::Dst)
            | Awaiting::Originate
            | Awaiting::Pause
            | Awaiting::Playback
            | Awaiting::Endpoint
            | Awaiting::Recording => {
                return Err(Trouble::OutOfTime { link: self.link(Side::Src), within, what: awaiting.words() });
            }
        })
    }

    /// Whether what a script stopped for want of has come in since. Then nobody can tell whose delay it was.
    fn came_late(&self, awaiting: Awaiting) -> bool {
        match awaiting {
            Awaiting::Arrival => self.evidence.arrived().is_some(),
            Awaiting::Ringing => self.ringing().is_some() || self.evidence.answered().is_some(),
            Awaiting::EarlyMedia => self.evidence.early_media().is_some(),
            Awaiting::Rejection => self.has_ended(Side::Src),
            Awaiting::CallerToEnd => {
                self.has_ended(Side::Dst) || self.evidence.digits_received(Side::Dst).any(|digit| digit == '#')
            }
            Awaiting::Answer(side) => self.evidence.first(side, |what| *what == Observation::Answered).is_some(),
            Awaiting::Digits(side) => self.read_digits(side).is_complete(),
            Awaiting::Originate | Awaiting::Pause | Awaiting::Playback | Awaiting::Recording | Awaiting::Endpoint => {
                false
            }
        }
    }

    fn progress(&self) -> Progress {
        if self.evidence.answered().is_some() {
            Progress::Answered
        } else if self.ringing().is_some() {
            Progress::Ringing
        } else if self.evidence.early_media().is_some() {
            Progress::EarlyMedia
        } else {
            Progress::Nothing
        }
    }

    fn not_reached(&self, milestone: Milestone, within: Duration) -> Failure {
        Failure::NotReached { link: self.link(Side::Src), milestone, within, progress: self.progress() }
    }

    fn no_arrival(&self, within: Duration) -> Failure {
        let triggered = self.evidence.facts.iter().find_map(|fact| match &fact.what {
            Observation::TriggerDone { result } => Some(result.clone()),
            _ => None,
        });
        let origin = match (self.evidence.dialled(), triggered) {
            (Some(_), _) => Origin::Link { src: self.link(Side::Src), progress: self.progress() },
            (None, Some(result)) => Origin::Trigger { result },
            (None, None) => Origin::Person,
        };
        Failure::NoArrival { link: self.link(Side::Dst), within, origin }
    }
}
