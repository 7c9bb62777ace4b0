//! What a test expects of its call, in the form that the judge compares with the evidence.

use std::time::Duration;

use crate::evidence::Side;
use crate::plan::{CallTest, Mode, Presence, Ringing};
use crate::verdict::Milestone;

/// What has to be seen for a pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// The run's limit, from the moment its links are held.
    pub deadline: Duration,
    /// Whether the call has to arrive at a link of ours.
    pub arrives: bool,
    /// How far the call has to get, as its source sees it. An answer without ringing before reaches
    /// [`Milestone::Ringing`] too, unless ringing is required.
    pub milestone: Milestone,
    /// Whether the call may be answered.
    pub may_be_answered: bool,
    /// What ringing has to look like.
    pub ringing: Ringing,
    /// The digits that have to arrive, in the order in which they are sent.
    pub digits: Vec<ExpectedDigits>,
}

/// Digits that have to arrive at one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedDigits {
    /// The side that receives them.
    pub to: Side,
    /// The digits.
    pub digits: String,
    /// Whether digits may be received more than once.
    pub may_repeat: bool,
}

impl Expectation {
    /// What a test expects. For `dtmf`, `draw` is asked for the digits of one direction, given how many.
    pub fn of(test: &CallTest, mut draw: impl FnMut(usize) -> String) -> Self {
        let (arrives, milestone, may_be_answered) = match &test.mode {
            Mode::Dtmf { .. } | Mode::Audio { .. } => (true, Milestone::Answer, true),
            Mode::Call { .. } => (true, Milestone::Ringing, false),
            Mode::Ring { .. } => (false, Milestone::Ringing, true),
            Mode::Play { .. } => (false, Milestone::Answer, true),
            Mode::Fail { .. } | Mode::Timeout { .. } => (false, Milestone::Ringing, false),
            Mode::Wait { .. } => (true, Milestone::Ringing, false),
            Mode::Answer { .. } | Mode::Record { .. } => (true, Milestone::Answer, true),
        };
        let digits = match &test.mode {
            // The callee sends first, once the caller listens.
            Mode::Dtmf { dtmf, .. } => [Side::Src, Side::Dst]
                .into_iter()
                .map(|to| ExpectedDigits {
                    to,
                    digits: draw(dtmf.len.get().try_into().unwrap_or(usize::MAX)),
                    may_repeat: dtmf.may_repeat,
                })
                .collect(),
            _ => Vec::new(),
        };
        let ringing = test.ringing.clone();
        Self { deadline: test.timeout, arrives, milestone, may_be_answered, ringing, digits }
    }

    /// The digits expected at a side.
    pub fn digits_to(&self, side: Side) -> Option<&ExpectedDigits> {
        self.digits.iter().find(|digits| digits.to == side)
    }

    /// Whether ringing has to be seen, whatever else is.
    pub fn needs_ringing(&self) -> bool {
        self.ringing.presence == Presence::Required
    }
}
