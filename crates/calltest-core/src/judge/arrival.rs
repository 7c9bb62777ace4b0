//! The call as it arrived at our own end: what it shows of its caller, how often it came, and which way.

use super::Case;
use crate::caller::{CallerMismatch, ExpectedCaller, is_withheld};
use crate::evidence::{Observation, Side};
use crate::verdict::Failure;

impl Case<'_> {
    /// A number that is withheld where it has to be shown, or the other way round. Which number it is, whoever took the call has
    /// compared.
    pub(super) fn caller_shown_otherwise(&self) -> Option<Failure> {
        let expected = self.expectation.caller.as_ref()?;
        let Observation::Arrived { caller, .. } = &self.evidence.arrived()?.what else { return None };
        let is_hidden = self.evidence.first(Side::Dst, |what| *what == Observation::NumberWithheld).is_some();
        let received = caller.clone();
        let mismatch = match expected {
            ExpectedCaller::Withheld if is_hidden || is_withheld(caller) => return None,
            ExpectedCaller::Withheld => CallerMismatch::Shown { received },
            ExpectedCaller::Number(_) | ExpectedCaller::Pattern(_) if !is_hidden => return None,
            ExpectedCaller::Number(_) | ExpectedCaller::Pattern(_) => {
                CallerMismatch::Hidden { expected: expected.clone(), received }
            }
        };
        Some(Failure::CallerId { link: self.link(Side::Dst), mismatch })
    }

    pub(super) fn delivered_twice(&self) -> Option<Failure> {
        let again = self.duplicates();
        (self.expectation.is_single && again > 0).then(|| Failure::DeliveredTwice { link: self.link(Side::Dst), again })
    }

    /// How often the call came besides the one that was taken.
    pub(super) fn duplicates(&self) -> usize {
        let is_duplicate = |what: &Observation| matches!(what, Observation::Duplicate { .. });
        self.evidence.of(Side::Dst).filter(|fact| is_duplicate(&fact.what)).count()
    }

    pub(super) fn not_diverted(&self) -> Option<Failure> {
        let expected = &self.expectation.diverted_from;
        // Without its arrival, or the look at it, nobody knows.
        self.evidence.first(Side::Dst, |what| *what == Observation::RingingSent)?;
        let from = self.evidence.of(Side::Dst).find_map(|fact| match &fact.what {
            Observation::Diverted { from, .. } => Some(from),
            _ => None,
        });
        let is_right =
            expected.is_empty() || from.is_some_and(|from| expected.iter().any(|pattern| pattern.matches(from)));
        let expected: Vec<&str> = expected.iter().map(|pattern| pattern.as_str()).collect();
        (!is_right).then(|| Failure::NotDiverted {
            link: self.link(Side::Dst),
            expected: expected.join(" or "),
            from: from.cloned(),
        })
    }
}
