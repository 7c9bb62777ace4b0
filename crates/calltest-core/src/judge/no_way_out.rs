//! Calls that never got out: the endpoint is offline, or the dial string leads nowhere, or back to us.

use super::Case;
use crate::cause::HangupCause;
use crate::evidence::{Observation, Side};
use crate::verdict::Failure;

impl Case<'_> {
    /// The endpoint is offline.
    pub(super) fn offline(&self) -> Option<Failure> {
        self.evidence.facts.iter().find_map(|fact| match &fact.what {
            Observation::EndpointOffline { endpoint } => {
                Some(Failure::Offline { link: self.link(Side::Src), endpoint: endpoint.clone() })
            }
            _ => None,
        })
    }

    /// The dial string leads back to us.
    pub(super) fn came_back(&self) -> Option<Failure> {
        let came_back = |what: &Observation| matches!(what, Observation::CameBack { .. });
        self.evidence.facts.iter().find(|fact| came_back(&fact.what))?;
        Some(Failure::CameBack { link: self.link(Side::Src), dial_string: self.dial_string() })
    }

    /// A Local channel that is destroyed without a cause, and without anything before: there is nothing in the dialplan
    /// that it leads to.
    pub(super) fn no_extension(&self) -> Option<Failure> {
        let dial_string = self.dial_string();
        let mut seen = self.evidence.of(Side::Src).map(|fact| &fact.what);
        let is_silent_end = |what: &Observation| match what {
            Observation::Dialled { .. } => true,
            Observation::Gone { end } => end.is_none_or(|end| end.cause == HangupCause::NOT_TOLD),
            _ => false,
        };
        let leads_nowhere = dial_string.starts_with("Local/") && self.evidence.ended(Side::Src).is_some();
        (leads_nowhere && seen.all(is_silent_end))
            .then(|| Failure::NoExtension { link: self.link(Side::Src), dial_string })
    }
}
