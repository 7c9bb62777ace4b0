//! What a test expects of its call, in the form that the judge compares with the evidence. What each mode expects is in
//! `of_test`.

mod of_test;

use std::fmt;
use std::time::Duration;

use crate::caller::ExpectedCaller;
use crate::cause::ExpectedCause;
use crate::evidence::{Fact, Observation};
use crate::number_rule::Pattern;
use crate::plan::{Forwarding, Presence, Ringing};
use crate::side::Side;

pub use of_test::{TIME_TO_ARRIVE, TIME_TO_RING};

/// What has to be seen for a pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// The run's limit, from the moment its links are held.
    pub deadline: Duration,
    /// Whether the call has to arrive at a link of ours.
    pub arrives: bool,
    /// How long it may take to arrive after it went out.
    pub arrive_within: ArrivalLimit,
    /// What the call has to show of its caller, which tells that it is the test's own; not checked if `None`.
    pub caller: Option<ExpectedCaller>,
    /// Whether it is a fault if the call is delivered more than once.
    pub is_single: bool,
    /// The numbers from one of which it has to have been diverted; not asked for if there are none.
    pub diverted_from: Vec<Pattern>,
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
    /// Whether the far end may divert the call.
    pub forwarding: Forwarding,
    /// The digits that have to arrive, in the order in which they are sent.
    pub digits: Vec<ExpectedDigits>,
    /// The sounds that have to arrive, in the order in which they are played.
    pub sounds: Vec<ExpectedSound>,
}

/// How long a call may take to arrive after it went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArrivalLimit {
    /// So long.
    After(Duration),
    /// So long while nothing has answered; and once something has, such as an announcement, a queue or an attendant, until the
    /// run's deadline.
    AfterUnlessAnswered(Duration),
    /// Until the run's deadline.
    Deadline,
}

/// A point that a call has to reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Milestone {
    /// It arrives at a link of ours.
    Arrival,
    /// The caller sees early media.
    EarlyMedia,
    /// The far end rejects it.
    Rejection,
    /// The caller sees ringing.
    Ringing,
    /// The caller sees the answer.
    Answer,
    /// The endpoint is online, and nobody calls.
    Online,
}

impl fmt::Display for Milestone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arrival => "a call",
            Self::EarlyMedia => "early media",
            Self::Ringing => "ringing",
            Self::Answer => "an answer",
            Self::Rejection => "a rejection",
            Self::Online => "the endpoint to be online",
        })
    }
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

impl RejectionWindow {
    /// Whether a rejection at that time is in it: since the call went out, or since it first rang.
    pub fn contains(self, after: Duration) -> bool {
        match self {
            Self::AfterDialling { within } => after <= within,
            Self::AfterRinging { from, to } => from <= after && after <= to,
        }
    }
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

impl Ringing {
    /// The first sign of ringing among facts about the source.
    pub fn first_sign<'f>(&self, facts: impl Iterator<Item = &'f Fact>) -> Option<&'f Fact> {
        facts.filter(|fact| self.is_seen_in(&fact.what)).min_by_key(|fact| fact.at)
    }

    fn is_seen_in(&self, what: &Observation) -> bool {
        match what {
            Observation::Ringing => true,
            Observation::EarlyMedia => self.early_media_counts,
            _ => false,
        }
    }
}

impl Expectation {
    /// The digits expected at a side.
    pub fn digits_to(&self, side: Side) -> Option<&ExpectedDigits> {
        self.digits.iter().find(|digits| digits.to == side)
    }

    /// Whether ringing has to be seen, whatever else is.
    pub fn needs_ringing(&self) -> bool {
        self.ringing.presence == Presence::Required
    }
}
