//! Clocks: times by a server's clock leave out our own delays, but that clock may step. Where a verdict hangs on a time, and
//! the server's clock and ours lead to two verdicts, neither is given.

use std::time::Duration;

use super::Case;
use crate::evidence::{Evidence, Fact, Observation, Side};
use crate::expectation::RejectionWindow;
use crate::verdict::Trouble;

impl Case<'_> {
    /// A time that is right by one clock and wrong by the other.
    pub(super) fn clock_stepped(&self) -> Option<Trouble> {
        self.answer_by_clocks().or_else(|| self.rejection_by_clocks()).or_else(|| self.sound_by_clocks())
    }

    fn answer_by_clocks(&self) -> Option<Trouble> {
        let (within, answered) = (self.expectation.answer_within?, self.evidence.answered()?);
        contradiction(self.evidence.dialled()?, answered, |after| after <= within)
    }

    fn rejection_by_clocks(&self) -> Option<Trouble> {
        let (window, ended) = (self.expectation.rejection?, self.evidence.ended(Side::Src)?);
        let start = match window {
            RejectionWindow::AfterDialling { .. } => self.evidence.dialled()?,
            RejectionWindow::AfterRinging { .. } => self.ringing()?,
        };
        self.has_ended(Side::Src).then(|| contradiction(start, ended, |after| window.contains(after)))?
    }

    fn sound_by_clocks(&self) -> Option<Trouble> {
        self.expectation.sounds.iter().filter(|expected| expected.is_played).find_map(|expected| {
            let recorded = self.evidence.recorded(expected.to)?;
            let by = expected.to.other();
            let started = self.evidence.first(by, |what| matches!(what, Observation::PlaybackStarted { .. }))?;
            let finished = self.evidence.first(by, |what| matches!(what, Observation::PlaybackFinished { .. }))?;
            contradiction(started, finished, |played| recorded >= played)
        })
    }
}

fn contradiction(from: &Fact, to: &Fact, is_right: impl Fn(Duration) -> bool) -> Option<Trouble> {
    let span = Evidence::spans(from, to);
    let (by_server, stamp) = (span.by_server?, from.stamp.as_ref()?);
    let is_told_two_ways = span.is_contradicted() && is_right(by_server) != is_right(span.ours);
    let server = stamp.clock.clone();
    is_told_two_ways.then_some(Trouble::ClockStepped { server, by_server, ours: span.ours })
}
