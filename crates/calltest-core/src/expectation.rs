//! What a test expects of its call, in the form that the judge compares with the evidence.

use std::time::Duration;

use crate::cause::ExpectedCause;
use crate::evidence::Side;
use crate::plan::{CallTest, Mode, Presence, Ringing};
use crate::verdict::Milestone;

/// How long a call of a `timeout` test may take until it rings; its own `timeout` counts from there.
pub const TIME_TO_RING: Duration = Duration::from_secs(30);

/// How long a call may wait for its server before it goes out, where its time counts from something later.
const TIME_TO_SET_UP: Duration = Duration::from_secs(15);

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
    /// Whether the far end may end the call once the milestone is reached. It may where the causes for that are given.
    pub may_end_early: bool,
    /// What ringing has to look like.
    pub ringing: Ringing,
    /// Whether there has to be early media.
    pub early_media: Presence,
    /// The call has to be answered within this time after it went out.
    pub answer_within: Option<Duration>,
    /// When the call has to be rejected, where it has to be.
    pub rejection: Option<RejectionWindow>,
    /// The causes with which the far end may end the call; any if there are none.
    pub causes: Vec<ExpectedCause>,
    /// The digits that have to arrive, in the order in which they are sent.
    pub digits: Vec<ExpectedDigits>,
    /// The sounds that have to arrive, in the order in which they are played.
    pub sounds: Vec<ExpectedSound>,
}

/// When a call has to be rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionWindow {
    /// Within this time after it went out.
    AfterDialling {
        /// At the latest.
        within: Duration,
    },
    /// Between these times after the first ringing.
    AfterRinging {
        /// Not before.
        from: Duration,
        /// At the latest.
        to: Duration,
    },
}

/// A sound that one side plays and the other records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpectedSound {
    /// The side that records.
    pub to: Side,
    /// Whether the other side plays something.
    pub is_played: bool,
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
            Mode::Fail { .. } | Mode::Timeout { .. } => (false, Milestone::Rejection, false),
            Mode::Wait { .. } | Mode::Answer { .. } | Mode::Record { .. } => (true, Milestone::Arrival, true),
        };
        let rejection = match &test.mode {
            Mode::Fail { within, .. } => Some(RejectionWindow::AfterDialling { within: *within }),
            Mode::Timeout { ringtime, .. } => Some(RejectionWindow::AfterRinging { from: *ringtime, to: test.timeout }),
            _ => None,
        };
        let before_it_counts = match &test.mode {
            Mode::Timeout { .. } => TIME_TO_RING + TIME_TO_SET_UP,
            _ => Duration::ZERO,
        };
        let can_end_early = matches!(test.mode, Mode::Ring { .. } | Mode::Play { .. });
        let demands = &test.demands;
        Self {
            deadline: test.timeout + before_it_counts,
            arrives,
            milestone,
            may_be_answered,
            may_end_early: can_end_early && !demands.causes.is_empty(),
            ringing: demands.ringing.clone(),
            early_media: demands.early_media,
            answer_within: demands.answer_within,
            rejection,
            causes: demands.causes.clone(),
            digits: digits(&test.mode, &mut draw),
            sounds: sounds(&test.mode),
        }
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

/// The callee sends first, once the caller listens.
fn digits(mode: &Mode, draw: &mut impl FnMut(usize) -> String) -> Vec<ExpectedDigits> {
    let Mode::Dtmf { dtmf, .. } = mode else { return Vec::new() };
    let (len, may_repeat) = (dtmf.len.get().try_into().unwrap_or(usize::MAX), dtmf.may_repeat);
    [Side::Src, Side::Dst].map(|to| ExpectedDigits { to, digits: draw(len), may_repeat }).into()
}

/// As with digits, the callee's sound comes first. Only what is recorded can be judged.
fn sounds(mode: &Mode) -> Vec<ExpectedSound> {
    let Mode::Audio { audio, .. } = mode else { return Vec::new() };
    let to_src = audio.src_in.is_some().then_some(ExpectedSound { to: Side::Src, is_played: audio.dst_out.is_some() });
    let to_dst = audio.dst_in.is_some().then_some(ExpectedSound { to: Side::Dst, is_played: audio.src_out.is_some() });
    to_src.into_iter().chain(to_dst).collect()
}
