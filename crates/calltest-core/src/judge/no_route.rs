//! Calls that never got out: the endpoint is offline, or the dial string leads nowhere, or back to us.

use super::Case;
use crate::dial_string::DialString;
use crate::evidence::{Observation, Side};
use crate::verdict::{Failure, Trouble};

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
    pub(super) fn no_extension(&self) -> Option<Trouble> {
        let dial_string = self.dial_string();
        let mut seen = self.evidence.of(Side::Src);
        let is_local = DialString::new(dial_string.as_str()).is_ok_and(|dial_string| dial_string.is_local());
        let leads_nowhere = is_local && self.evidence.ended(Side::Src).is_some();
        (leads_nowhere && seen.all(|fact| fact.what.says_nothing())).then(|| {
            // A server that ends takes its channels along, which then are gone without a cause as well.
            self.not_visible().unwrap_or_else(|| Trouble::NoExtension { link: self.link(Side::Src), dial_string })
        })
    }
}
