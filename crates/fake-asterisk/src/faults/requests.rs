//! Faults in the answering of requests.

use std::time::Duration;

use axum::http::StatusCode;

use super::selection::{Rules, Selection};
use super::{Fault, Faults};
use crate::behaviour::matches;
use crate::message::{Answer, Content};
use crate::state::Received;

/// A fault in the answering of requests, begun with [`Faults::on`]. It takes effect when its ending is named.
#[derive(Debug)]
#[must_use = "a fault takes effect when `answers`, `delays`, `loses` or another ending is called"]
pub struct RequestFault<'a> {
    faults: &'a Faults,
    matcher: RequestMatcher,
    selection: Selection,
}

/// The requests that a fault could strike: patterns for method and path.
#[derive(Debug)]
pub(crate) struct RequestMatcher {
    method: String,
    path: String,
}

impl<'a> RequestFault<'a> {
    pub(super) fn new(faults: &'a Faults, method: &str, path: &str) -> Self {
        let matcher = RequestMatcher { method: method.to_owned(), path: path.to_owned() };
        Self { faults, matcher, selection: Selection::default() }
    }

    /// Only for the next `times` requests that match.
    pub fn times(mut self, times: usize) -> Self {
        self.selection.remaining = Some(times);
        self
    }

    /// Only after that many requests that match were answered as usual.
    pub fn after(mut self, passes: usize) -> Self {
        self.selection.passes = passes;
        self
    }

    /// Strikes each request that matches only with this likelihood, from 0 to 1. See [`Faults::seed`].
    pub fn sometimes(mut self, likelihood: f64) -> Self {
        self.selection.likelihood = Some(likelihood);
        self
    }

    /// Answers with this status and body (JSON text, or empty); the request has no effect.
    pub fn answers(self, status: u16, body: &str) -> Fault {
        let body = (!body.is_empty()).then(|| Content::json(body.to_owned()));
        self.add(RequestAction::Answer(Answer { status, body }))
    }

    /// Refuses with this status and the usual words for it, in Asterisk's form; the request has no effect.
    pub fn refuses(self, status: u16) -> Fault {
        let words = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        self.add(RequestAction::Answer(Answer::message(status, words.unwrap_or("Refused"))))
    }

    /// The request takes effect at once; its answer comes `time` later, which may be after its sender's deadline.
    pub fn delays(self, time: Duration) -> Fault {
        self.add(RequestAction::Delay(time))
    }

    /// As [`delays`](Self::delays), by a time of its own for each, from zero up to `longest`.
    pub fn delays_up_to(self, longest: Duration) -> Fault {
        self.add(RequestAction::DelayUpTo(longest))
    }

    /// The request waits for `time` before it takes effect and is answered, which may be after its sender's deadline.
    pub fn acts_late(self, time: Duration) -> Fault {
        self.add(RequestAction::Postpone(time))
    }

    /// The answer's head comes at once, its body in ten pieces over `time`.
    pub fn dribbles(self, time: Duration) -> Fault {
        self.add(RequestAction::Dribble(time))
    }

    /// The request takes effect; the answer has only the first half of its body, as if that were the whole.
    pub fn truncates(self) -> Fault {
        self.add(RequestAction::Truncate)
    }

    /// The request takes effect; the answer's body is as long as it should be, but no JSON.
    pub fn garbles(self) -> Fault {
        self.add(RequestAction::Garble)
    }

    /// The request takes effect; the connection breaks in the middle of the answer's body.
    pub fn breaks_off(self) -> Fault {
        self.add(RequestAction::BreakOff)
    }

    /// The request takes effect, but no answer ever comes.
    pub fn loses(self) -> Fault {
        self.add(RequestAction::Lose)
    }

    /// The request takes effect, and the connection breaks instead of an answer.
    pub fn resets(self) -> Fault {
        self.add(RequestAction::Reset)
    }

    fn add(self, action: RequestAction) -> Fault {
        let Self { faults, matcher, selection } = self;
        faults.add(move |state| {
            let draw = state.fault_draws.draw();
            let number = draw.0;
            state.request_rules.add(draw, matcher, selection, action);
            number
        })
    }
}

/// What becomes of an answer.
#[derive(Debug)]
pub(crate) enum Fate {
    /// It is sent, `after` this time.
    Answered { answer: Answer, after: Duration, delivery: Delivery },
    /// It is to be asked again after this time, and nothing has happened yet.
    Postponed { request: Received, time: Duration },
    /// It is never sent.
    Lost,
    /// The connection breaks.
    Reset,
}

/// How an answer's body goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    Whole,
    /// In pieces, over this time.
    Dribbled(Duration),
    /// Half of it; then the connection breaks.
    BrokenOff,
}

#[derive(Debug, Clone)]
pub(crate) enum RequestAction {
    Answer(Answer),
    Delay(Duration),
    DelayUpTo(Duration),
    Postpone(Duration),
    Dribble(Duration),
    Truncate,
    Garble,
    BreakOff,
    Lose,
    Reset,
}

/// The request faults in force.
pub(crate) type RequestRules = Rules<RequestMatcher, RequestAction>;

/// What the faults do to one request.
#[derive(Debug)]
pub(crate) struct Treatment(Option<RequestAction>);

impl RequestRules {
    /// Finds what is to be done to a request, and counts it.
    pub(crate) fn treat(&mut self, method: &str, path: &str) -> Treatment {
        let is_match = |matcher: &RequestMatcher| matches(&matcher.method, method) && matches(&matcher.path, path);
        Treatment(self.strike(is_match).map(|(action, chance)| match action {
            RequestAction::DelayUpTo(longest) => RequestAction::Delay(chance.time_up_to(longest)),
            other => other,
        }))
    }
}

impl Treatment {
    /// Nothing is done to it.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// The answer that is given without doing what was asked for.
    pub(crate) fn replacement(&self) -> Option<Answer> {
        match &self.0 {
            Some(RequestAction::Answer(answer)) => Some(answer.clone()),
            _ => None,
        }
    }

    /// The time that is to pass before anything is done.
    pub(crate) fn postponement(&self) -> Option<Duration> {
        match &self.0 {
            Some(RequestAction::Postpone(time)) => Some(*time),
            _ => None,
        }
    }

    pub(crate) fn fate(self, mut answer: Answer) -> Fate {
        let (mut after, mut delivery) = (Duration::ZERO, Delivery::Whole);
        match self.0 {
            None | Some(RequestAction::Answer(_) | RequestAction::Postpone(_)) => {}
            Some(RequestAction::Delay(time) | RequestAction::DelayUpTo(time)) => after = time,
            Some(RequestAction::Dribble(time)) => delivery = Delivery::Dribbled(time),
            Some(RequestAction::BreakOff) => delivery = Delivery::BrokenOff,
            Some(RequestAction::Truncate) => {
                if let Some(content) = &mut answer.body {
                    content.bytes.truncate(content.bytes.len() / 2);
                }
            }
            Some(RequestAction::Garble) => {
                if let Some(content) = &mut answer.body {
                    // Single quotes are no JSON.
                    content.bytes.iter_mut().filter(|byte| **byte == b'"').for_each(|byte| *byte = b'\'');
                }
            }
            Some(RequestAction::Lose) => return Fate::Lost,
            Some(RequestAction::Reset) => return Fate::Reset,
        }
        Fate::Answered { answer, after, delivery }
    }
}
