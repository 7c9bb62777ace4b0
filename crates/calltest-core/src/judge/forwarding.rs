//! Was the call diverted to another number, and may it be?

use super::Case;
use crate::evidence::{Fact, Observation, Side};
use crate::plan::Presence;
use crate::verdict::Failure;

impl Case<'_> {
    /// A diversion that must not be, or that leads to another number than it may.
    pub(super) fn forwarded(&self) -> Option<Failure> {
        let forwarding = &self.expectation.forwarding;
        let (fact, to) = self.diversions().find(|(_, to)| !forwarding.permits(to))?;
        Some(Failure::Forwarded {
            link: self.link(Side::Src),
            after: self.since_dialled(fact),
            to: to.to_owned(),
            expected: (forwarding.presence != Presence::Forbidden).then(|| forwarding.destinations()),
        })
    }

    /// No diversion although the call has come so far that there can be none any more.
    pub(super) fn not_forwarded(&self) -> Option<Failure> {
        let forwarding = &self.expectation.forwarding;
        let is_due = forwarding.presence == Presence::Required && self.diversions().next().is_none();
        let is_past = self.evidence.answered().is_some() || self.has_reached_milestone();
        (is_due && is_past)
            .then(|| Failure::NotForwarded { link: self.link(Side::Src), expected: forwarding.destinations() })
    }

    fn diversions(&self) -> impl Iterator<Item = (&Fact, &str)> {
        self.evidence.of(Side::Src).filter_map(|fact| match &fact.what {
            Observation::Forwarded { to, .. } => Some((fact, to.as_str())),
            _ => None,
        })
    }
}
