//! Digits: are those that came in the ones that were sent?

use super::Case;
use crate::dtmf::{DigitFault, DigitReader};
use crate::evidence::{Fact, Side};
use crate::verdict::{Failure, Waited};

impl Case<'_> {
    /// Digits that are wrong, whatever may have been still to come.
    pub(super) fn digits_corrupted(&self) -> Option<Failure> {
        [Side::Src, Side::Dst].into_iter().find_map(|to| {
            let fault = self.read_digits_in_time(to).fault_so_far()?;
            Some(self.digits_failure(to, fault, None))
        })
    }

    pub(super) fn digits_failure(&self, to: Side, fault: DigitFault, waited: Option<Waited>) -> Failure {
        Failure::Digits {
            link: self.link(to),
            expected: self.expectation.digits_to(to).map_or_else(String::new, |expected| expected.digits.clone()),
            received: self.evidence.digits_received(to).collect(),
            fault,
            waited,
        }
    }

    /// The digits of one side, read to the end.
    pub(super) fn read_digits(&self, side: Side) -> DigitReader<'_> {
        self.read(side, |_| true)
    }

    /// The digits of one side that came in before the script ended.
    pub(super) fn read_digits_in_time(&self, side: Side) -> DigitReader<'_> {
        self.read(side, |fact| self.evidence.is_in_time(fact))
    }

    /// Tests that expect no digits take those of the network as they come.
    fn read(&self, side: Side, counts: impl Fn(&Fact) -> bool) -> DigitReader<'_> {
        match self.expectation.digits_to(side) {
            Some(expected) => DigitReader::read_all(expected, self.evidence.of(side).filter(|fact| counts(fact))),
            None => DigitReader::new("", false),
        }
    }
}
