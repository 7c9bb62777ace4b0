//! What the network did and should not have done, as it was seen.

use std::time::Duration;

use super::Case;
use crate::cause::{Hangup, HangupCause, TechCause};
use crate::evidence::{Awaiting, Evidence, Fact, Observation, ScriptEnd, Side, Stop};
use crate::expectation::{Milestone, RejectionWindow};
use crate::plan::Presence;
use crate::verdict::{Failure, Since, SoundFault, Trouble};

/// Two legs of a call end within this time of each other where neither has ended first: events of one moment come in any
/// order.
const SIMULTANEOUS: Duration = Duration::from_millis(100);

impl Case<'_> {
    /// A call that arrived in place of ours.
    pub(super) fn wrong_call(&self) -> Option<Failure> {
        if self.evidence.arrived().is_some() {
            return None;
        }
        self.evidence.facts.iter().find_map(|fact| match &fact.what {
            Observation::WrongCall { mismatch: Some(mismatch), .. } => {
                Some(Failure::CallerId { link: self.link(Side::Dst), mismatch: (**mismatch).clone() })
            }
            Observation::WrongCall { mismatch: None, dialled, .. } => {
                Some(Failure::DialledNumber { link: self.link(Side::Dst), received: dialled.clone() })
            }
            _ => None,
        })
    }

    /// The same where our call may have ended because we turned away a wrong one as busy: then that was ours. A network that
    /// gives a reason of its own has rejected ours, and the wrong call was a stranger's.
    pub(super) fn wrong_call_in_place(&self) -> Option<Failure> {
        self.leg_ended()?;
        self.wrong_call().filter(|_| !self.has_reason_of_its_own())
    }

    /// A rejection for want of a login (SIP 401, 407), which is our own server's to give, unless the test expects it.
    pub(super) fn login_wanted(&self) -> Option<Trouble> {
        let end = self.evidence.hangup_of(Side::Src).filter(|_| self.has_ended(Side::Src))?;
        let wants_login = matches!(end.tech_cause, Some(TechCause::Sip(401 | 407)));
        let is_expected = self.expectation.causes.iter().any(|cause| cause.fits(&end));
        (wants_login && !is_expected).then(|| Trouble::LoginWanted { link: self.link(Side::Src), end })
    }

    /// Whether the network rejected our call for a reason that cannot be ours. Busy is what we say to calls of others; the other
    /// causes here are what networks make of a reason that they do not pass on.
    pub(super) fn has_reason_of_its_own(&self) -> bool {
        let is_own = |end: Hangup| !matches!(end.cause.0, 16 | 17 | 31 | 127);
        self.evidence.hangup_of(Side::Src).is_some_and(is_own)
    }

    /// Ringing where there must be none.
    pub(super) fn forbidden_ringing(&self) -> Option<Failure> {
        let rang = self.ringing().filter(|_| self.expectation.ringing.presence == Presence::Forbidden)?;
        self.since_dialled_in_time(rang).map(|after| Failure::Rang { link: self.link(Side::Src), after })
    }

    /// Early media where there must be none.
    pub(super) fn forbidden_early_media(&self) -> Option<Failure> {
        let heard = self.evidence.early_media().filter(|_| self.expectation.early_media == Presence::Forbidden)?;
        self.since_dialled_in_time(heard).map(|after| Failure::EarlyMedia { link: self.link(Side::Src), after })
    }

    /// An answer where there must be none.
    pub(super) fn forbidden_answer(&self) -> Option<Failure> {
        let answered = self.evidence.answered().filter(|_| !self.expectation.may_be_answered)?;
        self.since_dialled_in_time(answered).map(|after| Failure::Answered { link: self.link(Side::Src), after })
    }

    /// An answer that came too late.
    pub(super) fn answered_late(&self) -> Option<Failure> {
        let within = self.expectation.answer_within?;
        let after = self.since_dialled_in_time(self.evidence.answered()?)?;
        (after > within).then(|| Failure::AnsweredLate { link: self.link(Side::Src), after, within })
    }

    fn since_dialled_in_time(&self, fact: &Fact) -> Option<Duration> {
        self.evidence.is_in_time(fact).then(|| self.since_dialled(fact))
    }

    /// A leg that ended while the script still needed it.
    pub(super) fn leg_ended(&self) -> Option<Failure> {
        let ScriptEnd::Stopped(Stop::LegEnded { side, awaiting }) = self.evidence.script_end else { return None };
        if self.ended_by_right() {
            return None;
        }
        let told_by = self.ended_first(side);
        if !self.has_ended(told_by) {
            return None;
        }
        let end = self.evidence.hangup_of(told_by);
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
        let (since_what, start) = match (answered, told_by) {
            (Some(answered), _) => (Since::Answer, Some(answered)),
            (None, Side::Src) => (Since::Dialling, self.evidence.dialled()),
            (None, Side::Dst) if self.evidence.dialled().is_some() => (Since::OwnArrival, self.evidence.arrived()),
            (None, Side::Dst) => (Since::Arrival, self.evidence.arrived()),
        };
        Some(Failure::HungUpEarly { link, after: since(start), since: since_what, end, awaiting })
    }

    /// The side that tells why the call ended. What follows from our own hanging up says nothing. The outbound leg usually
    /// knows the cause, and the inbound one only that it ended; but of a call that was up, the reason is that of the leg that
    /// ended first, if it tells one, and one that was taken back ends at our own end.
    fn ended_first(&self, stopped_by: Side) -> Side {
        let end = |side| {
            self.evidence.ended(side).filter(|_| self.has_ended(side) && self.evidence.hangup_of(side).is_some())
        };
        if self.is_taken_back() {
            return Side::Dst;
        }
        let is_up = self.evidence.answered().is_some();
        match (end(Side::Src), end(Side::Dst)) {
            (Some(src), Some(dst)) if is_up && dst.at + SIMULTANEOUS < src.at => Side::Dst,
            (Some(_), _) => Side::Src,
            (None, _) => stopped_by,
        }
    }

    /// Whether a call that nobody answered or rejected was taken back at our own end, as by a queue: the caller then hears of a
    /// normal end.
    fn is_taken_back(&self) -> bool {
        let is_unrejected =
            self.evidence.hangup_of(Side::Src).is_none_or(|end| end.cause == HangupCause::NORMAL_CLEARING);
        let (src, dst) = (self.evidence.ended(Side::Src), self.evidence.ended(Side::Dst));
        let is_first = dst.is_some_and(|dst| src.is_none_or(|src| dst.at < src.at + SIMULTANEOUS));
        is_unrejected && is_first && self.has_ended(Side::Dst) && self.evidence.answered().is_none()
    }

    /// Whether the far end ended a call that had got as far as it should, and may.
    pub(super) fn ended_by_right(&self) -> bool {
        let is_ended = matches!(self.evidence.script_end, ScriptEnd::Stopped(Stop::LegEnded { side: Side::Src, .. }));
        is_ended && self.expectation.may_end_early && self.has_reached_milestone() && self.has_seen_early_media()
    }

    /// Whether early media was seen that has to be, as far as it can be shown.
    fn has_seen_early_media(&self) -> bool {
        let is_missing = self.expectation.early_media == Presence::Required && self.evidence.early_media().is_none();
        !is_missing || !self.evidence.abilities.early_media
    }

    /// Ringing or early media that had to come before the answer or the end of the call. What came after it has been seen,
    /// so nothing can have escaped us.
    pub(super) fn skipped(&self) -> Option<Failure> {
        let was_answered = self.evidence.answered().is_some();
        let is_past = was_answered || (self.expectation.rejection.is_some() && self.has_ended(Side::Src));
        let milestone = match self.expectation.needs_ringing() && self.ringing().is_none() {
            true => Milestone::Ringing,
            false if !self.has_seen_early_media() => Milestone::EarlyMedia,
            false => return None,
        };
        is_past.then(|| Failure::Skipped { link: self.link(Side::Src), milestone, was_answered })
    }

    /// A rejection that had to come, at another time.
    pub(super) fn rejected_out_of_time(&self) -> Option<Failure> {
        if !self.has_ended(Side::Src) {
            return None;
        }
        let (window, ended) = (self.expectation.rejection?, self.evidence.ended(Side::Src)?);
        let after = match window {
            RejectionWindow::AfterDialling { .. } => self.since_dialled(ended),
            RejectionWindow::AfterRinging { .. } => Evidence::span(self.ringing()?, ended),
        };
        let end = self.evidence.hangup_of(Side::Src);
        (!window.contains(after)).then(|| Failure::RejectedOutOfTime { link: self.link(Side::Src), after, end, window })
    }

    /// That not one packet of sound came in at a side, where that was counted.
    pub(super) fn no_rtp(&self, side: Side, expected: String) -> Option<Failure> {
        let figures = self.evidence.media(side).filter(|figures| figures.received == 0)?;
        Some(Failure::NoRtp { link: self.link(side), side, expected, sent: figures.sent })
    }

    /// A recording of what never came: Asterisk writes silence.
    pub(super) fn recorded_nothing(&self) -> Option<Failure> {
        let is_recorded = |what: &Observation| matches!(what, Observation::RecordingFetched { .. });
        let recorded =
            [Side::Src, Side::Dst].into_iter().filter(|side| self.evidence.first(*side, is_recorded).is_some());
        recorded.into_iter().find_map(|side| self.no_rtp(side, "sound".into()))
    }

    /// A sound that was not recorded in full.
    pub(super) fn sound_lost(&self) -> Option<Failure> {
        let is_through = self.evidence.script_end == ScriptEnd::Completed;
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
}
