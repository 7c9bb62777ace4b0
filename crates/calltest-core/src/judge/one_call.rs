//! Whether what the two ends saw is one call: a stranger's call in place of ours proves nothing, and a rejection of our own is
//! not the network's.

use std::time::Duration;

use super::Case;
use crate::evidence::{Fact, Observation, Side};
use crate::verdict::Trouble;

/// A far end that shows nothing of a rejection for so long was not the one that was rejected. The runner waits longer than this.
const UNMOVED: Duration = Duration::from_secs(3);
/// Nor does one belong to the call that stays up for so long after the other end.
const STAYED: Duration = Duration::from_secs(1);

impl Case<'_> {
    /// A call that may be ours came in on a link where nobody waited for it, so that we rejected it before the far end of ours
    /// seemed to.
    pub(super) fn rejected_here(&self) -> Option<Trouble> {
        let may_be_ours = self.has_ended(Side::Src) && !self.has_reason_of_its_own();
        let ended = self.evidence.ended(Side::Src).filter(|_| may_be_ours)?;
        self.evidence.facts.iter().filter(|fact| fact.at <= ended.at).find_map(|fact| match &fact.what {
            Observation::TurnedAway { link, caller, dialled } => Some(Trouble::RejectedHere {
                src: self.link(Side::Src),
                link: link.clone(),
                caller: caller.clone(),
                dialled: dialled.clone(),
            }),
            _ => None,
        })
    }

    /// The call that came in went its way, and the one that went out another.
    pub(super) fn other_call(&self) -> Option<Trouble> {
        let (src, dst) = (self.evidence.src.as_ref()?, self.evidence.dst.as_ref()?);
        let why = self.rings_elsewhere().or_else(|| self.answered_elsewhere())?;
        Some(Trouble::OtherCall { src: src.clone(), dst: dst.clone(), why })
    }

    /// What we rejected at our end went on at the other, which either rang before we had signalled ringing, or is tied to our
    /// end by nothing, as no caller ID is checked. A network with early media may tell the rejection by a tone.
    fn rings_elsewhere(&self) -> Option<String> {
        let (rejected, hung_up) = (self.hung_up(Side::Dst)?, self.hung_up(Side::Src)?);
        let after = hung_up.at.checked_sub(rejected.at).filter(|after| *after >= UNMOVED)?;
        let mut meanwhile = self.evidence.of(Side::Src).filter(|fact| fact.at >= rejected.at && fact.at < hung_up.at);
        let is_heard = self.evidence.early_media().is_some();
        if self.expectation.may_be_answered || is_heard || meanwhile.any(|fact| fact.what.answers_rejection()) {
            return None;
        }
        let (src, dst, after) = (self.link(Side::Src), self.link(Side::Dst), after.as_secs_f64());
        let unmoved = format!("{src} rang on for {after:.1} s after {dst} had rejected it");
        match self.ahead(self.evidence.ringing()?, &Observation::RingingSent) {
            Some(ahead) => Some(format!("{src} rang {ahead:.1} s before {dst} did, and {unmoved}")),
            None if self.expectation.caller.is_some() => None,
            None => Some(format!("{unmoved}, and no caller ID is checked")),
        }
    }

    /// Our own end answered later than the other end was answered, and stayed up when that was hung up. Digits that got through
    /// prove more than this.
    fn answered_elsewhere(&self) -> Option<String> {
        let (hung_up, stayed) = (self.hung_up(Side::Src)?, self.hung_up(Side::Dst)?);
        stayed.at.checked_sub(hung_up.at).filter(|after| *after >= STAYED)?;
        let ahead = self.ahead(self.evidence.answered()?, &Observation::AnswerSent)?;
        let (src, dst) = (self.link(Side::Src), self.link(Side::Dst));
        self.expectation.digits.is_empty().then(|| {
            format!("{src} was answered {ahead:.1} s before {dst} answered, and {dst} stayed up when {src} hung up")
        })
    }

    /// How long the source saw something before the destination did what should have caused it, in seconds.
    fn ahead(&self, seen: &Fact, cause: &Observation) -> Option<f64> {
        let done = self.evidence.first(Side::Dst, |what| what == cause)?;
        done.at.checked_sub(seen.at).filter(|ahead| !ahead.is_zero()).map(|ahead| ahead.as_secs_f64())
    }

    fn hung_up(&self, side: Side) -> Option<&Fact> {
        self.evidence.first(side, |what| *what == Observation::HangupSent)
    }
}
