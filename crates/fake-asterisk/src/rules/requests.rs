//! What faults do to requests and to their answers.

use std::time::Duration;

use super::selection::Rules;
use crate::behaviour::matches;
use crate::message::{Answer, Received};

/// The requests that a fault could strike: patterns for method and path.
#[derive(Debug)]
pub struct RequestMatcher {
    pub(crate) method: String,
    pub(crate) path: String,
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
    AnswerAfterwards(Answer),
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
            Some(RequestAction::AnswerAfterwards(other)) => answer = other,
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
