//! The judge: compares what a run saw with what its test expects.
//!
//! A pure function, the only place where verdicts are made. It asks in a fixed order of weight: could we see at all; was
//! the run called off; did the network do something wrong; is something absent that should have been there, and could we
//! have seen it. What is absent proves something only if every server involved has answered after the script had ended
//! and our own loop was not held up meanwhile.

use std::time::Duration;

use crate::dtmf::{DigitFault, DigitReader};
use crate::evidence::{Awaiting, Ending, Evidence, Fact, Observation, Side, Stop};
use crate::expectation::{Expectation, ExpectedDigits};
use crate::plan::{LinkName, Presence};
use crate::verdict::{Failure, Milestone, Note, Progress, Trouble, Verdict, Waited};

/// From this delay of our own event loop on, absence proves nothing.
pub const MAX_LOOP_DELAY: Duration = Duration::from_secs(1);

/// A verdict with its remarks.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// How the run came out.
    pub verdict: Verdict,
    /// Remarks on it.
    pub notes: Vec<Note>,
}

/// Compares evidence with expectation.
pub fn judge(expectation: &Expectation, evidence: &Evidence) -> Judgement {
    let case = Case { expectation, evidence };
    let verdict = case
        .trouble()
        .or_else(|| case.called_off())
        .or_else(|| case.misdeed().map(Verdict::Fail))
        .or_else(|| case.absence())
        .unwrap_or_else(|| case.passed());
    Judgement { verdict, notes: case.notes() }
}

/// One case before the judge.
struct Case<'a> {
    expectation: &'a Expectation,
    evidence: &'a Evidence,
}

impl Case<'_> {
    /// Whatever kept us from finding out.
    fn trouble(&self) -> Option<Verdict> {
        let stop = match &self.evidence.ending {
            Ending::Stopped(Stop::Trouble(trouble)) => Some(trouble),
            _ => None,
        };
        let met = self.evidence.facts.iter().find_map(|fact| match &fact.what {
            Observation::Troubled(trouble) => Some(trouble),
            _ => None,
        });
        stop.or(met).cloned().map(Verdict::Error)
    }

    fn called_off(&self) -> Option<Verdict> {
        match &self.evidence.ending {
            Ending::Stopped(Stop::Cancelled) => Some(Verdict::Cancelled),
            Ending::Stopped(Stop::FailedByOperator) => Some(Verdict::Fail(Failure::ByOperator)),
            _ => None,
        }
    }

    /// Something that the network did and should not have done.
    fn misdeed(&self) -> Option<Failure> {
        self.offline()
            .or_else(|| self.came_back())
            .or_else(|| self.digits_spoilt())
            .or_else(|| self.wrong_call().filter(|_| self.leg_ended().is_some()))
            .or_else(|| self.rang_forbidden())
            .or_else(|| self.answered_forbidden())
            .or_else(|| self.leg_ended())
    }

    fn offline(&self) -> Option<Failure> {
        self.evidence.facts.iter().find_map(|fact| match &fact.what {
            Observation::EndpointOffline { endpoint } => {
                Some(Failure::Offline { link: self.link(Side::Src), endpoint: endpoint.clone() })
            }
            _ => None,
        })
    }

    fn came_back(&self) -> Option<Failure> {
        let came_back = |what: &Observation| matches!(what, Observation::CameBack { .. });
        self.evidence.facts.iter().find(|fact| came_back(&fact.what))?;
        Some(Failure::CameBack { link: self.link(Side::Src), dial_string: self.dial_string() })
    }

    /// Digits that are wrong, whatever may have been still to come.
    fn digits_spoilt(&self) -> Option<Failure> {
        [Side::Src, Side::Dst].into_iter().find_map(|to| {
            let fault = self.read_digits(to).fault_so_far()?;
            Some(self.digits_failure(to, fault, None))
        })
    }

    /// A call that arrived in place of ours.
    fn wrong_call(&self) -> Option<Failure> {
        if self.evidence.arrived().is_some() {
            return None;
        }
        self.evidence.facts.iter().find_map(|fact| match &fact.what {
            Observation::Misfit { mismatch: Some(mismatch), .. } => {
                Some(Failure::CallerId { link: self.link(Side::Dst), mismatch: mismatch.clone() })
            }
            Observation::Misfit { mismatch: None, dialled, .. } => {
                Some(Failure::DialledNumber { link: self.link(Side::Dst), received: dialled.clone() })
            }
            _ => None,
        })
    }

    fn rang_forbidden(&self) -> Option<Failure> {
        if self.expectation.ringing.presence != Presence::Forbidden {
            return None;
        }
        let after = self.since_dialled(self.ringing()?);
        Some(Failure::Rang { link: self.link(Side::Src), after })
    }

    fn answered_forbidden(&self) -> Option<Failure> {
        if self.expectation.may_be_answered {
            return None;
        }
        let after = self.since_dialled(self.evidence.answered()?);
        Some(Failure::Answered { link: self.link(Side::Src), after })
    }

    /// A leg that ended while the script still needed it.
    fn leg_ended(&self) -> Option<Failure> {
        let Ending::Stopped(Stop::LegEnded { side, awaiting }) = self.evidence.ending else { return None };
        // The outbound leg knows the cause; the inbound one only that it ended.
        let told_by = if self.evidence.end_of(Side::Src).is_some() { Side::Src } else { side };
        let end = self.evidence.end_of(told_by);
        let link = self.link(told_by);
        let ended = self.evidence.ended(told_by).or_else(|| self.evidence.of(told_by).last());
        let since = |start: Option<_>| match (start, ended) {
            (Some(start), Some(ended)) => Evidence::span(start, ended),
            _ => Duration::ZERO,
        };
        if told_by == Side::Src && !self.has_reached_milestone() {
            let after = since(self.evidence.dialled());
            let expected = self.expectation.milestone;
            return Some(Failure::Rejected { link, after, end, expected, has_rung: self.ringing().is_some() });
        }
        let answered = self.evidence.answered();
        let after = since(answered.or(self.evidence.dialled()));
        Some(Failure::HungUpEarly { link, after, was_answered: answered.is_some(), end, awaiting })
    }

    /// Something that did not happen, or an error where we could not have seen it.
    fn absence(&self) -> Option<Verdict> {
        let missing = match &self.evidence.ending {
            Ending::Completed => return None,
            Ending::Stopped(Stop::Deadline { awaiting }) if self.came_late(*awaiting) => {
                Err(Trouble::Late { what: awaiting.words() })
            }
            Ending::Stopped(stop) => self.missing(stop),
        };
        Some(match (missing, self.blindness()) {
            (Ok(_), Some(trouble)) | (Err(trouble), _) => Verdict::Error(trouble),
            (Ok(failure), None) => Verdict::Fail(failure),
        })
    }

    /// What is absent when a script stopped for want of it.
    fn missing(&self, stop: &Stop) -> Result<Failure, Trouble> {
        let within = self.expectation.deadline;
        match *stop {
            Stop::Deadline { awaiting } => match awaiting {
                Awaiting::Arrival => Ok(self.wrong_call().unwrap_or_else(|| self.no_arrival(within))),
                Awaiting::Ringing => Ok(self.not_reached(Milestone::Ringing)),
                Awaiting::Answer(_) => Ok(self.not_reached(Milestone::Answer)),
                Awaiting::Digits(to) => {
                    Ok(self.digits_failure(to, DigitFault::Missing, Some(Waited::Deadline(within))))
                }
                Awaiting::Originate | Awaiting::Pause | Awaiting::Playback | Awaiting::Recording => {
                    Err(Trouble::OutOfTime { link: self.link(Side::Src), within, what: awaiting.words() })
                }
            },
            Stop::DigitsOverdue { to, overdue } => {
                Ok(self.digits_failure(to, DigitFault::Missing, Some(Waited::Overdue(overdue))))
            }
            Stop::AnsweredElsewhere { after } => Ok(self.wrong_call().unwrap_or_else(|| self.no_arrival(after))),
            Stop::DigitsWrong { to } => Err(self.unexplained(Awaiting::Digits(to))),
            Stop::LegEnded { awaiting, .. } => Err(self.unexplained(awaiting)),
            Stop::CameBack | Stop::Offline => Err(self.unexplained(Awaiting::Originate)),
            Stop::Cancelled | Stop::FailedByOperator | Stop::Trouble(_) => Err(self.unexplained(Awaiting::Pause)),
        }
    }

    /// Whether what a script stopped for want of has come in since. Then nobody can tell whose delay it was.
    fn came_late(&self, awaiting: Awaiting) -> bool {
        match awaiting {
            Awaiting::Arrival => self.evidence.arrived().is_some(),
            Awaiting::Ringing => self.has_reached_milestone(),
            Awaiting::Answer(side) => self.evidence.first(side, |what| *what == Observation::Answered).is_some(),
            Awaiting::Digits(side) => self.read_digits(side).is_complete(),
            Awaiting::Originate | Awaiting::Pause | Awaiting::Playback | Awaiting::Recording => false,
        }
    }

    /// Why what we did not see proves nothing, if so.
    fn blindness(&self) -> Option<Trouble> {
        if self.evidence.loop_delay > MAX_LOOP_DELAY {
            return Some(Trouble::LoopDelayed { by: self.evidence.loop_delay });
        }
        let unseen = self.evidence.sight.iter().find(|sight| sight.round_trip.is_none())?;
        let why = format!("nothing heard for {:.1} s", unseen.longest_silence.as_secs_f64());
        Some(Trouble::OutOfSight { server: unseen.server.clone(), why })
    }

    /// The last question to a script that went through: is everything there that was expected?
    fn passed(&self) -> Verdict {
        let answered = self.evidence.answered().is_some();
        if self.expectation.needs_ringing() && self.ringing().is_none() && answered {
            return Verdict::Fail(Failure::NoRinging { link: self.link(Side::Src) });
        }
        if !self.has_reached_milestone() {
            return Verdict::Error(self.unexplained(Awaiting::Answer(Side::Src)));
        }
        if self.expectation.arrives && self.evidence.arrived().is_none() {
            return Verdict::Error(self.unexplained(Awaiting::Arrival));
        }
        match self.expectation.digits.iter().find(|expected| !self.read_digits(expected.to).is_complete()) {
            Some(expected) => Verdict::Error(self.unexplained(Awaiting::Digits(expected.to))),
            None => Verdict::Pass,
        }
    }

    fn notes(&self) -> Vec<Note> {
        let unannounced = self.expectation.milestone == Milestone::Ringing
            && self.expectation.may_be_answered
            && self.evidence.answered().is_some()
            && self.ringing().is_none();
        let strangers = self.evidence.facts.iter().filter_map(|fact| match &fact.what {
            Observation::Stranger { caller } => {
                Some(Note::Stranger { link: self.link(Side::Dst), caller: caller.clone() })
            }
            _ => None,
        });
        unannounced.then_some(Note::AnsweredWithoutRinging).into_iter().chain(strangers).collect()
    }

    fn has_reached_milestone(&self) -> bool {
        let answered = self.evidence.answered().is_some();
        match self.expectation.milestone {
            Milestone::Answer => answered,
            Milestone::Ringing if self.expectation.needs_ringing() => self.ringing().is_some(),
            Milestone::Ringing => answered || self.ringing().is_some(),
        }
    }

    /// The first thing that counts as ringing.
    fn ringing(&self) -> Option<&Fact> {
        let early_media = || self.evidence.early_media().filter(|_| self.expectation.ringing.early_media_counts);
        self.evidence.ringing().or_else(early_media)
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

    fn not_reached(&self, milestone: Milestone) -> Failure {
        let within = self.expectation.deadline;
        Failure::NotReached { link: self.link(Side::Src), milestone, within, progress: self.progress() }
    }

    fn no_arrival(&self, within: Duration) -> Failure {
        let (link, src) = (self.link(Side::Dst), self.link(Side::Src));
        Failure::NoArrival { link, within, src, progress: self.progress() }
    }

    fn digits_failure(&self, to: Side, fault: DigitFault, waited: Option<Waited>) -> Failure {
        Failure::Digits {
            link: self.link(to),
            expected: self.expected_at(to).map_or_else(String::new, |expected| expected.digits.clone()),
            received: self.evidence.digits_received(to).collect(),
            fault,
            waited,
        }
    }

    fn expected_at(&self, side: Side) -> Option<&ExpectedDigits> {
        self.expectation.digits_to(side)
    }

    /// The digits of one side, read to the end. Tests that expect no digits take those of the network as they come.
    fn read_digits(&self, side: Side) -> DigitReader<'_> {
        let Some(expected) = self.expected_at(side) else { return DigitReader::new("", false) };
        let mut reader = DigitReader::new(&expected.digits, expected.may_repeat);
        self.evidence.digits_received(side).for_each(|digit| reader.read(digit));
        reader
    }

    fn since_dialled(&self, fact: &Fact) -> Duration {
        self.evidence.dialled().map_or(Duration::ZERO, |dialled| Evidence::span(dialled, fact))
    }

    fn dial_string(&self) -> String {
        let dialled = self.evidence.facts.iter().find_map(|fact| match &fact.what {
            Observation::Dialled { dial_string } => Some(dial_string.clone()),
            _ => None,
        });
        dialled.unwrap_or_default()
    }

    fn unexplained(&self, awaiting: Awaiting) -> Trouble {
        Trouble::Unexplained { link: self.link(Side::Src), awaiting: awaiting.words() }
    }

    /// The link of a side, or the other one where the call has only that.
    fn link(&self, side: Side) -> LinkName {
        let (src, dst) = (self.evidence.src.as_ref(), self.evidence.dst.as_ref());
        let link = match side {
            Side::Src => src.or(dst),
            Side::Dst => dst.or(src),
        };
        link.cloned().unwrap_or_else(|| "call".into())
    }
}

#[cfg(test)]
mod tests;
