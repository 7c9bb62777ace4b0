//! A configured test: the route of its call, what the call has to look like, and when it runs.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::cause::ExpectedCause;
use crate::name::{LinkName, TestName};
use crate::number_rule::Pattern;
use crate::plan::Route;
use crate::quiet::QuietTimes;

/// A configured test.
#[derive(Debug, Clone, PartialEq)]
pub struct CallTest {
    /// Its name.
    pub name: TestName,
    /// What it is for, in the operator's words.
    pub info: String,
    /// Which parties of the call are ours, and how it goes.
    pub route: Route,
    /// Hard limit of a run, from the moment its links are held.
    pub timeout: Duration,
    /// Pauses on the way.
    pub delay: Delay,
    /// What the call has to look like to the caller.
    pub requirements: Requirements,
    /// How it has to arrive at our own end.
    pub arrival: Arrival,
    /// Whether it goes out with its caller's number withheld (RFC 3323).
    pub withholds_number: bool,
    /// When it runs, and when its failures count.
    pub schedule: Schedule,
    /// While it is quiet, the daemon starts no run of this test by itself, and a failure does not count.
    pub quiet: QuietTimes,
}

impl CallTest {
    /// The links that a run of this test has to hold while it lasts, source first.
    pub fn links(&self) -> Vec<&LinkName> {
        self.route.links()
    }
}

/// Pauses in the course of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delay {
    /// At the callee, after the caller-ID check and before ringing.
    pub pre: Duration,
    /// After ringing was sent (or, for `ring`, seen).
    pub ring: Duration,
    /// On each side, after the channel is up.
    pub answer: Duration,
}

/// What the call has to look like to the caller, beside what the mode asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirements {
    /// Whether it rings.
    pub ringing: Ringing,
    /// Whether there is early media (SIP 183 with a voice before the answer).
    pub early_media: Presence,
    /// The call has to be answered within this time after it went out; of interest where it has to be answered at all.
    pub answer_within: Option<Duration>,
    /// The causes with which the far end may end the call; any if there are none.
    pub causes: Vec<ExpectedCause>,
    /// Whether the far end may divert the call to another number.
    pub forwarding: Forwarding,
}

/// What is expected of a far end that may divert the call to another number (SIP 3xx, call forwarding).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarding {
    /// Whether it must, may or must not divert the call.
    pub presence: Presence,
    /// The numbers to which it may be diverted; any if there are none.
    pub to: Vec<Pattern>,
}

impl Forwarding {
    /// No call may be diverted.
    pub const FORBIDDEN: Self = Self { presence: Presence::Forbidden, to: Vec::new() };

    /// Whether the call may go on to that number.
    pub fn permits(&self, number: &str) -> bool {
        self.presence != Presence::Forbidden
            && (self.to.is_empty() || self.to.iter().any(|pattern| pattern.matches(number)))
    }

    /// The numbers to which it may be diverted, in words.
    pub fn destinations(&self) -> String {
        let patterns: Vec<&str> = self.to.iter().map(Pattern::as_str).collect();
        if patterns.is_empty() { "another number".into() } else { patterns.join(" or ") }
    }
}

/// How a call has to arrive at our own end, beside what it has to show there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Arrival {
    /// How long it may take after it went out. Where nothing is given, that depends on how far the call got.
    pub within: Option<Duration>,
    /// Whether it is a fault if it is delivered more than once, as forks and ring groups do.
    pub is_single: bool,
    /// It has to have been diverted before, from one of these numbers; not asked for if there are none.
    pub diverted_from: Vec<Pattern>,
}

/// What ringing has to look like to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ringing {
    /// Whether the caller must, may or must not see ringing.
    pub presence: Presence,
    /// Whether early media without ringing (183) counts as ringing.
    pub early_media_counts: bool,
}

/// Whether something must, may or must not be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Either is fine.
    Allowed,
    /// It has to be seen.
    Required,
    /// It must not be seen.
    Forbidden,
}

/// When a test runs by itself, and how many failures in a row change its condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Delay to the next run after a failure.
    pub retry: Duration,
    /// Delay to the next run after a success.
    pub repeat: Duration,
    /// Consecutive failures from which the test is in `warn`; never above `fail`.
    pub warn: NonZeroU32,
    /// Consecutive failures from which the test is in `fail`.
    pub fail: NonZeroU32,
    /// Only started by hand.
    pub is_manual: bool,
}
