//! Digits: are those that came in the ones that were sent?

use std::time::Duration;

use super::Case;
use crate::dtmf::{DigitFault, DigitPattern, DigitReader};
use crate::evidence::{Fact, Observation, ScriptEnd, Side, Stop};
use crate::verdict::{Failure, Waited, WrongDigits};

impl Case<'_> {
    /// Digits that are wrong, whatever may have been still to come.
    pub(super) fn digits_corrupted(&self) -> Option<Failure> {
        let is_corrupted = |to: &Side| self.fault_so_far(*to).is_some();
        [Side::Src, Side::Dst].into_iter().find(is_corrupted).map(|to| self.digits_failure(to, None))
    }

    /// Digits that did not come in at one side. Where not one packet did, they are the least of it.
    pub(super) fn missing_digits(&self, to: Side, waited: Waited) -> Failure {
        let received_none = self.evidence.digits_received(to).next().is_none();
        let expected = || format!("digits {}", self.digits_sent(to).unwrap_or_default());
        let no_rtp = received_none.then(|| self.no_rtp(to, expected())).flatten();
        no_rtp.unwrap_or_else(|| self.digits_failure(to, Some(waited)))
    }

    /// What is wrong with the digits of one side, and then of the other, where that was tried too.
    fn digits_failure(&self, to: Side, waited: Option<Waited>) -> Failure {
        let other = Some(to.other()).filter(|other| self.fault_of(*other).is_some());
        let wrong = [Some(to), other].into_iter().flatten().map(|side| self.wrong_digits(side, waited)).collect();
        Failure::Digits { wrong }
    }

    fn wrong_digits(&self, to: Side, waited: Option<Waited>) -> WrongDigits {
        let given_up_at = self.given_up_at(to);
        let received = self.evidence.of(to).filter(|fact| fact.at <= given_up_at).filter_map(|fact| match fact.what {
            Observation::DigitReceived { digit, .. } => Some(digit),
            _ => None,
        });
        let received: String = received.collect();
        let sent = self.digits_sent(to).unwrap_or_default();
        let fault = self.fault_of(to).unwrap_or(DigitFault::Missing);
        WrongDigits {
            link: self.link(to),
            side: to,
            pattern: DigitPattern::of(sent, &received, self.digits_sent(to.other())),
            expected: sent.to_owned(),
            waited: waited.filter(|_| fault == DigitFault::Missing),
            packets: self.evidence.media(to).map(|figures| figures.received).filter(|_| received.is_empty()),
            received,
            fault,
        }
    }

    /// What is wrong with the digits of a side. They are missing only where somebody has waited for them to the end.
    fn fault_of(&self, to: Side) -> Option<DigitFault> {
        let is_sent = |what: &Observation| matches!(what, Observation::DigitsSent { .. });
        let was_awaited = matches!(
            self.evidence.script_end,
            ScriptEnd::Stopped(Stop::DigitsOverdue { .. } | Stop::DigitsWrong { .. } | Stop::Deadline { .. })
        ) && self.evidence.first(to.other(), is_sent).is_some();
        let is_complete = || self.read_digits_by(to, self.given_up_at(to)).is_complete();
        let is_missing = || (was_awaited && !is_complete()).then_some(DigitFault::Missing);
        self.fault_so_far(to).or_else(is_missing)
    }

    fn fault_so_far(&self, to: Side) -> Option<DigitFault> {
        self.read_digits_in_time(to).fault_so_far()
    }

    /// The digits that the other side sends to this one.
    fn digits_sent(&self, to: Side) -> Option<&str> {
        self.expectation.digits_to(to).map(|expected| expected.digits.as_str())
    }

    /// The digits of one side, read to the end.
    pub(super) fn read_digits(&self, side: Side) -> DigitReader<'_> {
        self.read(side, |_| true)
    }

    /// When the digits of a side were given up.
    fn given_up_at(&self, side: Side) -> Duration {
        match self.evidence.script_end {
            ScriptEnd::Stopped(Stop::DigitsOverdue { to, given_up_at, .. }) if to == side => given_up_at,
            _ => Duration::MAX,
        }
    }

    /// The digits of one side that had come in by then.
    pub(super) fn read_digits_by(&self, side: Side, by: Duration) -> DigitReader<'_> {
        self.read(side, |fact| fact.at <= by)
    }

    /// The digits of one side that came in before the script ended.
    pub(super) fn read_digits_in_time(&self, side: Side) -> DigitReader<'_> {
        self.read(side, |fact| self.evidence.is_in_time(fact))
    }

    /// Tests that expect no digits take those of the network as they come.
    fn read(&self, side: Side, counts: impl Fn(&Fact) -> bool) -> DigitReader<'_> {
        match self.expectation.digits_to(side) {
            Some(expected) => {
                let is_digit = |fact: &&Fact| matches!(fact.what, Observation::DigitReceived { .. });
                let digits = self.evidence.of(side).filter(is_digit).filter(|fact| counts(fact));
                DigitReader::read_all(expected, digits)
            }
            None => DigitReader::new("", false),
        }
    }
}
