//! The last questions to a script that went through: is everything there that was expected, and could we have seen what must
//! not be there?

use std::time::Duration;

use super::{Answer, Case};
use crate::cause::{ExpectedCause, Hangup};
use crate::evidence::{Awaiting, Evidence, Observation, ScriptEnd, Side};
use crate::expectation::{Expectation, ExpectedSound, Milestone};
use crate::plan::Presence;
use crate::verdict::{Failure, Trouble};

impl Case<'_> {
    /// Something, if the script went through, or the call ended as it may.
    fn is_through(&self) -> Option<()> {
        (self.evidence.script_end == ScriptEnd::Completed || self.ended_by_right()).then_some(())
    }

    /// A call that has to be rejected, or may end, looks as if it had when its server takes its channels along.
    pub(super) fn end_unseen(&self) -> Option<Trouble> {
        let is_rejected = self.expectation.rejection.is_some() && self.evidence.answered().is_none();
        self.not_visible().filter(|_| is_rejected || self.ended_by_right())
    }

    /// Whether the cause of the call's end is none of those expected.
    pub(super) fn wrong_cause(&self) -> Option<Answer> {
        self.is_through()?;
        let expected = &self.expectation.causes;
        let is_due = self.ended_by_right() || !self.expectation.may_end_early;
        if expected.is_empty() || !is_due || !self.has_ended(Side::Src) {
            return None;
        }
        let end = self.evidence.hangup_of(Side::Src);
        if end.is_some_and(|end| expected.iter().any(|cause| cause.fits(&end))) {
            return None;
        }
        let link = self.link(Side::Src);
        let (answered, ended) = (self.evidence.answered(), self.evidence.ended(Side::Src));
        let sip = expected.iter().copied().find(|cause| matches!(cause, ExpectedCause::Sip(_)));
        // Only a rejection has a status; a call that was answered is ended by a request.
        if let (Some(end @ Hangup { tech_cause: None, .. }), Some(wanted), None) = (end, sip, answered) {
            let trouble = match self.evidence.abilities.sip_codes {
                true => Trouble::SipCodeUntold { link, end, wanted },
                false => Trouble::CannotShow { link, what: "SIP codes" },
            };
            return Some(trouble.into());
        }
        let after = match (answered.or(self.evidence.dialled()), ended) {
            (Some(start), Some(ended)) => Evidence::span(start, ended),
            _ => Duration::ZERO,
        };
        let (was_answered, expected) = (answered.is_some(), expected.clone());
        Some(Failure::WrongCause { link, after, was_answered, end, expected }.into())
    }

    /// That early media is of interest and cannot be shown, if so.
    pub(super) fn unshown(&self) -> Option<Trouble> {
        let Expectation { early_media, ringing, .. } = self.expectation;
        let is_of_interest = *early_media != Presence::Allowed || ringing.early_media_counts;
        (is_of_interest && !self.evidence.abilities.early_media)
            .then(|| Trouble::CannotShow { link: self.link(Side::Src), what: "early media" })
    }

    /// A recording that somebody wants to have, though nothing is judged by it.
    pub(super) fn recording_lost(&self) -> Option<Trouble> {
        self.evidence.facts.iter().find_map(|fact| match (&fact.what, fact.side) {
            (Observation::RecordingMissing { name, why }, Some(side)) => {
                Some(Trouble::RecordingFailed { link: self.link(side), name: name.clone(), why: why.clone() })
            }
            _ => None,
        })
    }

    /// That there was no ringing, no early media or no answer is known only if we could have seen it. A call that has ended
    /// unanswered shows that there was no answer. Digits too many are looked for beside those that have to come, so a pass does
    /// not rest on them.
    pub(super) fn absence_unseen(&self) -> Option<Trouble> {
        let Expectation { ringing, early_media, may_be_answered, .. } = self.expectation;
        let is_forbidden = [ringing.presence, *early_media].contains(&Presence::Forbidden);
        let rests_on_absence = is_forbidden || !(*may_be_answered || self.has_ended(Side::Src));
        // A call that was turned away hides nothing of the one that came.
        let lost = || self.uncertainty().filter(|trouble| !matches!(trouble, Trouble::PerhapsLate { .. }));
        self.not_visible().or_else(lost).filter(|_| rests_on_absence)
    }

    pub(super) fn milestone_missed(&self) -> Option<Trouble> {
        let awaiting = match self.expectation.milestone {
            Milestone::Arrival => Awaiting::Arrival,
            Milestone::Rejection => Awaiting::Rejection,
            Milestone::Ringing => Awaiting::Ringing,
            Milestone::EarlyMedia => Awaiting::EarlyMedia,
            Milestone::Answer => Awaiting::Answer(Side::Src),
            Milestone::Online => Awaiting::Endpoint,
        };
        (!self.has_reached_milestone()).then(|| self.unexplained(awaiting))
    }

    pub(super) fn arrival_missed(&self) -> Option<Trouble> {
        (self.expectation.arrives && self.evidence.arrived().is_none()).then(|| self.unexplained(Awaiting::Arrival))
    }

    pub(super) fn sound_unheard(&self) -> Option<Trouble> {
        let is_there = |what: &Observation| matches!(what, Observation::RecordingFetched { .. });
        let is_unheard = |expected: &ExpectedSound| self.evidence.first(expected.to, is_there).is_none();
        self.expectation.sounds.iter().any(is_unheard).then(|| self.unexplained(Awaiting::Recording))
    }

    pub(super) fn digits_missed(&self) -> Option<Trouble> {
        let is_incomplete = |to| !self.read_digits_in_time(to).is_complete();
        let missing = self.expectation.digits.iter().find(|expected| is_incomplete(expected.to))?;
        Some(self.unexplained(Awaiting::Digits(missing.to)))
    }
}
