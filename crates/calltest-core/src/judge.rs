//! The judge: compares what a run saw with what its test expects.
//!
//! A pure function, the only place where verdicts are made. It asks in a fixed order of weight: could we see at all; was
//! the run called off; did the network do something wrong; is something absent that should have been there, and could we
//! have seen it. What is absent proves something only if every server involved has answered after the script had ended
//! and had not stood still before, and our own loop was not held up meanwhile.

mod no_way_out;
mod sight;

use std::time::Duration;

use crate::cause::{CallEnd, ExpectedCause};
use crate::dtmf::{DigitFault, DigitReader};
use crate::evidence::{Awaiting, Ending, Evidence, Fact, Observation, Side, Stop};
use crate::expectation::{Expectation, ExpectedDigits, ExpectedSound, RejectionWindow};
use crate::plan::{LinkName, Presence};
use crate::verdict::{Failure, Milestone, Note, Origin, Progress, Since, SoundFault, Trouble, Verdict, Waited};

pub use sight::{MAX_LOOP_DELAY, MAX_SILENCE};

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
        .or_else(|| case.unseen_end())
        .or_else(|| case.misdeed().map(|failure| case.weigh(failure)))
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
            Observation::Troubled(trouble) if !trouble.is_doubt() => Some(trouble),
            _ => None,
        });
        stop.or(met).cloned().or_else(|| self.shutdown()).map(Verdict::Error)
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
            .or_else(|| self.no_extension())
            .or_else(|| self.digits_spoilt().filter(|_| self.doubt().is_none()))
            .or_else(|| self.wrong_call().filter(|_| self.leg_ended().is_some()))
            .or_else(|| self.forbidden_sign())
            .or_else(|| self.answered_wrongly())
            .or_else(|| self.leg_ended())
            .or_else(|| self.skipped().filter(|_| self.doubt().is_none()))
            .or_else(|| self.rejected_out_of_time())
            .or_else(|| self.sound_lost())
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

    /// Ringing or early media where there must be none.
    fn forbidden_sign(&self) -> Option<Failure> {
        let link = self.link(Side::Src);
        let seen = |presence, fact: Option<&Fact>| match presence {
            Presence::Forbidden => fact.map(|fact| self.since_dialled(fact)),
            Presence::Allowed | Presence::Required => None,
        };
        if let Some(after) = seen(self.expectation.ringing.presence, self.ringing()) {
            return Some(Failure::Rang { link, after });
        }
        seen(self.expectation.early_media, self.evidence.early_media()).map(|after| Failure::EarlyMedia { link, after })
    }

    /// An answer where there must be none, or that came too late.
    fn answered_wrongly(&self) -> Option<Failure> {
        let after = self.since_dialled(self.evidence.answered()?);
        let link = self.link(Side::Src);
        match self.expectation.answer_within {
            _ if !self.expectation.may_be_answered => Some(Failure::Answered { link, after }),
            Some(within) if after > within => Some(Failure::AnsweredLate { link, after, within }),
            _ => None,
        }
    }

    /// A leg that ended while the script still needed it.
    fn leg_ended(&self) -> Option<Failure> {
        let Ending::Stopped(Stop::LegEnded { side, awaiting }) = self.evidence.ending else { return None };
        if self.ended_by_right() {
            return None;
        }
        // The outbound leg knows the cause; the inbound one only that it ended.
        let told_by = if self.evidence.end_of(Side::Src).is_some() { Side::Src } else { side };
        let end = self.evidence.end_of(told_by);
        let link = self.link(told_by);
        let ended = self.evidence.ended(told_by).or_else(|| self.evidence.of(told_by).last());
        let since = |start: Option<_>| match (start, ended) {
            (Some(start), Some(ended)) => Evidence::span(start, ended),
            _ => Duration::ZERO,
        };
        let missed = match awaiting {
            Awaiting::Ringing => Some(Milestone::Ringing),
            Awaiting::EarlyMedia => Some(Milestone::EarlyMedia),
            _ if !self.has_reached_milestone() => Some(self.expectation.milestone),
            _ => None,
        };
        if let (Side::Src, Some(expected)) = (told_by, missed) {
            let after = since(self.evidence.dialled());
            return Some(Failure::Rejected { link, after, end, expected, has_rung: self.ringing().is_some() });
        }
        let answered = self.evidence.first(told_by, |what| *what == Observation::Answered);
        let (since_what, start) = match (answered, self.evidence.dialled()) {
            (Some(answered), _) => (Since::Answer, Some(answered)),
            (None, Some(dialled)) => (Since::Dialling, Some(dialled)),
            (None, None) => (Since::Arrival, self.evidence.arrived()),
        };
        Some(Failure::HungUpEarly { link, after: since(start), since: since_what, end, awaiting })
    }

    /// Whether the far end ended a call that had got as far as it should, and may.
    fn ended_by_right(&self) -> bool {
        let is_ended = matches!(self.evidence.ending, Ending::Stopped(Stop::LegEnded { side: Side::Src, .. }));
        is_ended && self.expectation.may_end_early && self.has_reached_milestone()
    }

    /// Ringing or early media that had to come before the answer or the end of the call. What came after it has been seen,
    /// so nothing can have escaped us.
    fn skipped(&self) -> Option<Failure> {
        let was_answered = self.evidence.answered().is_some();
        let is_past = was_answered || (self.expectation.rejection.is_some() && self.has_ended(Side::Src));
        let lacks_early_media =
            self.expectation.early_media == Presence::Required && self.evidence.early_media().is_none();
        let milestone = match self.expectation.needs_ringing() && self.ringing().is_none() {
            true => Milestone::Ringing,
            false if lacks_early_media => Milestone::EarlyMedia,
            false => return None,
        };
        is_past.then(|| Failure::Skipped { link: self.link(Side::Src), milestone, was_answered })
    }

    /// A rejection that had to come, at another time.
    fn rejected_out_of_time(&self) -> Option<Failure> {
        if !self.has_ended(Side::Src) {
            return None;
        }
        let (window, ended) = (self.expectation.rejection?, self.evidence.ended(Side::Src)?);
        let (after, is_in_time) = match window {
            RejectionWindow::AfterDialling { within } => {
                let after = self.since_dialled(ended);
                (after, after <= within)
            }
            RejectionWindow::AfterRinging { from, to } => {
                let after = Evidence::span(self.ringing()?, ended);
                (after, from <= after && after <= to)
            }
        };
        let end = self.evidence.end_of(Side::Src);
        (!is_in_time).then(|| Failure::RejectedOutOfTime { link: self.link(Side::Src), after, end, window })
    }

    /// Whether the cause of the call's end is one of those expected.
    fn cause(&self) -> Option<Verdict> {
        let expected = &self.expectation.causes;
        let is_due = self.ended_by_right() || !self.expectation.may_end_early;
        if expected.is_empty() || !is_due || !self.has_ended(Side::Src) {
            return None;
        }
        let end = self.evidence.end_of(Side::Src);
        if end.is_some_and(|end| expected.iter().any(|cause| cause.fits(&end))) {
            return None;
        }
        let link = self.link(Side::Src);
        let (answered, ended) = (self.evidence.answered(), self.evidence.ended(Side::Src));
        let sip = expected.iter().copied().find(|cause| matches!(cause, ExpectedCause::Sip(_)));
        // Only a rejection has a status; a call that was answered is ended by a request.
        if let (Some(end @ CallEnd { tech_cause: None, .. }), Some(wanted), None) = (end, sip, answered) {
            return Some(Verdict::Error(Trouble::SipCodeUntold { link, end, wanted }));
        }
        let after = match (answered.or(self.evidence.dialled()), ended) {
            (Some(start), Some(ended)) => Evidence::span(start, ended),
            _ => Duration::ZERO,
        };
        let (was_answered, expected) = (answered.is_some(), expected.clone());
        Some(Verdict::Fail(Failure::WrongCause { link, after, was_answered, end, expected }))
    }

    /// A sound that was not recorded in full.
    fn sound_lost(&self) -> Option<Failure> {
        let is_through = self.evidence.ending == Ending::Completed;
        self.expectation.sounds.iter().filter(|_| is_through).find_map(|expected| {
            let recording = self.evidence.of(expected.to).find_map(|fact| match &fact.what {
                Observation::RecordingFetched { duration, .. } => Some(Ok(*duration)),
                Observation::RecordingMissing { why, .. } => Some(Err(why.clone())),
                _ => None,
            });
            let played = self.evidence.played(expected.to.other()).filter(|_| expected.is_played);
            let fault = match (recording?, played) {
                (Err(why), _) => SoundFault::Missing { why },
                (Ok(Duration::ZERO), _) => SoundFault::Empty,
                (Ok(recorded), Some(played)) if recorded < played => SoundFault::Short { recorded, played },
                _ => return None,
            };
            Some(Failure::Sound { link: self.link(expected.to), fault })
        })
    }

    /// Whether a leg ended by itself rather than because we hung it up.
    fn has_ended(&self, side: Side) -> bool {
        let Some(ended) = self.evidence.ended(side) else { return false };
        let hung_up = self.evidence.first(side, |what| *what == Observation::HangupSent);
        hung_up.is_none_or(|hung_up| ended.at < hung_up.at)
    }

    /// Something that did not happen, or an error where we could not have seen it.
    fn absence(&self) -> Option<Verdict> {
        let missing = match &self.evidence.ending {
            Ending::Completed => return None,
            _ if self.ended_by_right() => return None,
            Ending::Stopped(Stop::AnsweredElsewhere { .. }) if self.evidence.arrived().is_some() => {
                Err(Trouble::Late { what: Awaiting::Arrival.words() })
            }
            Ending::Stopped(Stop::Deadline { awaiting } | Stop::Overdue { awaiting, .. })
                if self.came_late(*awaiting) =>
            {
                Err(Trouble::Late { what: awaiting.words() })
            }
            Ending::Stopped(Stop::DigitsOverdue { to, .. }) if self.came_late(Awaiting::Digits(*to)) => {
                Err(Trouble::Late { what: Awaiting::Digits(*to).words() })
            }
            Ending::Stopped(stop @ Stop::DigitsWrong { .. }) => {
                self.missing(stop).map_err(|why| self.doubt().unwrap_or(why))
            }
            Ending::Stopped(stop) => self.missing(stop),
        };
        Some(match (missing, self.blindness().or_else(|| self.standstill()).or_else(|| self.doubt())) {
            (Ok(_), Some(trouble)) | (Err(trouble), _) => Verdict::Error(trouble),
            (Ok(failure), None) => Verdict::Fail(failure),
        })
    }

    /// What is absent when a script stopped for want of it.
    fn missing(&self, stop: &Stop) -> Result<Failure, Trouble> {
        match *stop {
            Stop::Deadline { awaiting } => self.missing_after(awaiting, self.expectation.deadline),
            Stop::Overdue { awaiting, within } => self.missing_after(awaiting, within),
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

    /// What is absent when it was awaited for that long.
    fn missing_after(&self, awaiting: Awaiting, within: Duration) -> Result<Failure, Trouble> {
        Ok(match awaiting {
            Awaiting::Arrival => self.wrong_call().unwrap_or_else(|| self.no_arrival(within)),
            Awaiting::Ringing => self.not_reached(Milestone::Ringing, within),
            Awaiting::EarlyMedia => self.not_reached(Milestone::EarlyMedia, within),
            Awaiting::Answer(Side::Src) => self.not_reached(Milestone::Answer, within),
            Awaiting::Rejection => self.not_reached(Milestone::Rejection, within),
            Awaiting::CallerToEnd => Failure::NotEnded { link: self.link(Side::Dst), within },
            Awaiting::Digits(to) => self.digits_failure(to, DigitFault::Missing, Some(Waited::Deadline(within))),
            // Our own end answers when we tell it to.
            Awaiting::Answer(Side::Dst)
            | Awaiting::Originate
            | Awaiting::Pause
            | Awaiting::Playback
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
            Awaiting::Originate | Awaiting::Pause | Awaiting::Playback | Awaiting::Recording => false,
        }
    }

    /// The last question to a script that went through: is everything there that was expected?
    fn passed(&self) -> Verdict {
        if let Some(verdict) = self.cause() {
            return verdict;
        }
        if !self.has_reached_milestone() {
            let awaiting = match self.expectation.milestone {
                Milestone::Arrival => Awaiting::Arrival,
                Milestone::Rejection => Awaiting::Rejection,
                Milestone::Ringing => Awaiting::Ringing,
                Milestone::EarlyMedia => Awaiting::EarlyMedia,
                Milestone::Answer => Awaiting::Answer(Side::Src),
            };
            return Verdict::Error(self.unexplained(awaiting));
        }
        if self.expectation.arrives && self.evidence.arrived().is_none() {
            return Verdict::Error(self.unexplained(Awaiting::Arrival));
        }
        let unheard = |expected: &&ExpectedSound| {
            let is_there = |what: &Observation| matches!(what, Observation::RecordingFetched { .. });
            self.evidence.first(expected.to, is_there).is_none()
        };
        if self.expectation.sounds.iter().any(|expected| unheard(&expected)) {
            return Verdict::Error(self.unexplained(Awaiting::Recording));
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
            Milestone::Arrival => self.evidence.arrived().is_some(),
            Milestone::EarlyMedia => self.evidence.early_media().is_some(),
            Milestone::Rejection => self.has_ended(Side::Src),
            Milestone::Answer => answered,
            Milestone::Ringing if self.expectation.needs_ringing() => self.ringing().is_some(),
            Milestone::Ringing => answered || self.ringing().is_some(),
        }
    }

    /// The first thing that counts as ringing.
    fn ringing(&self) -> Option<&Fact> {
        let early_media = self.evidence.early_media().filter(|_| self.expectation.ringing.early_media_counts);
        self.evidence.ringing().into_iter().chain(early_media).min_by_key(|fact| fact.at)
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
