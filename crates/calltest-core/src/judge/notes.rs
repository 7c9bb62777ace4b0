//! Remarks on a run, whatever its verdict.

use super::Case;
use crate::evidence::{Observation, Side};
use crate::expectation::Milestone;
use crate::verdict::Note;

/// How many of the other calls that came in have a remark of their own.
const MOST_STRANGERS: usize = 5;

impl Case<'_> {
    /// The remarks, each kind a few times at most.
    pub(super) fn notes(&self) -> Vec<Note> {
        let unannounced = self.expectation.milestone == Milestone::Ringing
            && self.expectation.may_be_answered
            && self.evidence.answered().is_some()
            && self.ringing().is_none();
        let rests_on_early_media = self.expectation.ringing.early_media_counts
            && (self.expectation.milestone == Milestone::Ringing || self.expectation.needs_ringing())
            && self.evidence.ringing().is_none()
            && self.evidence.early_media().is_some();
        let is_held = |side: &Side| self.evidence.first(*side, |what| *what == Observation::Held).is_some();
        let again = u64::try_from(self.duplicates()).unwrap_or(u64::MAX);
        let link = || self.link(Side::Dst);
        let mut callers = self.evidence.facts.iter().filter_map(|fact| match &fact.what {
            Observation::Stranger { caller } => Some(caller.clone()),
            _ => None,
        });
        let mut notes: Vec<Note> = unannounced.then_some(Note::AnsweredWithoutRinging).into_iter().collect();
        notes.extend(rests_on_early_media.then_some(Note::RingingByEarlyMedia));
        let held = [Side::Src, Side::Dst].into_iter().filter(is_held);
        notes.extend(held.map(|side| Note::Held { link: self.link(side) }));
        notes.extend((again > 0).then(|| Note::Duplicates { link: link(), count: again }));
        let mut silent: Vec<&String> = self
            .evidence
            .facts
            .iter()
            .filter_map(|fact| match &fact.what {
                Observation::MayFallSilent { endpoint } => Some(endpoint),
                _ => None,
            })
            .collect();
        silent.dedup();
        notes.extend(silent.into_iter().map(|endpoint| Note::MayFallSilent { endpoint: endpoint.clone() }));
        // Anybody may call, and as often as he likes.
        notes.extend(callers.by_ref().take(MOST_STRANGERS).map(|caller| Note::Stranger { link: link(), caller }));
        let counted = self.evidence.facts.iter().map(|fact| match fact.what {
            Observation::MoreCalls { count } => u64::try_from(count).unwrap_or(u64::MAX),
            _ => 0,
        });
        let count = callers.map(|_| 1).chain(counted).sum();
        notes.extend((count > 0).then(|| Note::MoreStrangers { link: link(), count }));
        notes
    }
}
