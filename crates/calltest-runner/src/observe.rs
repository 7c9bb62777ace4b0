//! From ARI events to facts: what an event about one of our channels tells.
//!
//! Asterisk says some things twice and in no fixed order (a state change and a Dial for the same ringing), so what is
//! made here are observations for a set, of which the [`Recorder`] keeps the first of each.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use calltest_ari::models::{Channel, ChannelState};
use calltest_ari::{Date, Event};
use calltest_core::cause::{CallEnd, HangupCause};
use calltest_core::event::{RunEvent, RunProgress};
use calltest_core::evidence::{Fact, Observation, ServerTime, Side, tech_cause};
use calltest_core::plan::TestName;
use calltest_core::run::RunId;
use tokio::time::Instant;

use crate::Observer;

/// What an event tells about the channel that it was routed for; `None` if nothing that a verdict could need.
pub(crate) fn observe(event: &Event) -> Option<Observation> {
    Some(match event {
        Event::ChannelStateChange(change) => match change.channel.state {
            ChannelState::Ringing => Observation::Ringing,
            ChannelState::Up => Observation::Answered,
            _ => return None,
        },
        Event::Dial(dial) => match dial.dialstatus.as_str() {
            "RINGING" => Observation::Ringing,
            "PROGRESS" => Observation::EarlyMedia,
            "ANSWER" => Observation::Answered,
            "PROCEEDING" => Observation::Proceeding,
            // The dial begins.
            "" => return None,
            status => Observation::DialEnded { status: status.into() },
        },
        Event::ChannelHangupRequest(request) => Observation::HangupRequest {
            end: call_end(&request.channel, request.cause.unwrap_or(0), request.tech_cause),
            is_soft: request.soft.unwrap_or(false),
        },
        Event::ChannelDestroyed(destroyed) => {
            Observation::Gone { end: Some(call_end(&destroyed.channel, destroyed.cause, destroyed.tech_cause)) }
        }
        // Channels that came in from outside tell their end only by leaving the app.
        Event::StasisEnd(_) => Observation::Gone { end: None },
        Event::ChannelDtmfReceived(dtmf) => Observation::DigitReceived {
            digit: dtmf.digit.chars().next()?,
            duration: Duration::from_millis(dtmf.duration_ms.try_into().unwrap_or(0)),
        },
        _ => return None,
    })
}

fn call_end(channel: &Channel, cause: i64, tech: Option<i64>) -> CallEnd {
    let technology = channel.name.split('/').next().unwrap_or_default();
    CallEnd {
        cause: HangupCause(cause.try_into().unwrap_or(0)),
        tech_cause: tech.filter(|code| *code != 0).map(|code| tech_cause(technology, code)),
    }
}

/// A server's time stamp as the evidence keeps it.
pub(crate) fn server_time(date: &Date) -> Option<ServerTime> {
    let since_epoch = date.to_system_time()?.duration_since(UNIX_EPOCH).ok()?;
    since_epoch.as_micros().try_into().ok().map(ServerTime)
}

/// How many facts a run of most modes has.
const USUAL: usize = 32;

/// Keeps the facts of one run as they come in, and tells the observer.
pub(crate) struct Recorder {
    run: RunId,
    test: TestName,
    observer: Arc<dyn Observer>,
    start: Instant,
    facts: Vec<Fact>,
}

impl Recorder {
    /// Starts the clock of the run's evidence.
    pub(crate) fn start(run: RunId, test: TestName, observer: Arc<dyn Observer>) -> Self {
        Self { run, test, observer, start: Instant::now(), facts: Vec::with_capacity(USUAL) }
    }

    /// When the run began.
    pub(crate) fn started(&self) -> Instant {
        self.start
    }

    /// What is known so far.
    pub(crate) fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// All facts, at the end.
    pub(crate) fn into_facts(self) -> Vec<Fact> {
        self.facts
    }

    /// Notes something that we did, or that concerns no single event.
    pub(crate) fn note(&mut self, side: Option<Side>, what: Observation) {
        self.keep(Fact { at: self.start.elapsed(), server_time: None, side, what });
    }

    /// Notes something that an event told.
    pub(crate) fn note_event(&mut self, side: Side, received: Instant, stamp: Option<ServerTime>, what: Observation) {
        let at = received.saturating_duration_since(self.start);
        self.keep(Fact { at, server_time: stamp, side: Some(side), what });
    }

    /// Gives the latest fact of a side the server's own time stamp, where it is learnt only afterwards.
    pub(crate) fn stamp_latest(&mut self, side: Side, stamp: Option<ServerTime>) {
        if let Some(fact) = self.facts.iter_mut().rev().find(|fact| fact.side == Some(side)) {
            fact.server_time = fact.server_time.or(stamp);
        }
    }

    fn keep(&mut self, fact: Fact) {
        let is_said_twice =
            matches!(fact.what, Observation::Ringing | Observation::Answered | Observation::Gone { .. })
                || matches!(fact.what, Observation::EarlyMedia | Observation::Proceeding);
        let same = |known: &&mut Fact| {
            known.side == fact.side && std::mem::discriminant(&known.what) == std::mem::discriminant(&fact.what)
        };
        if let Some(known) = self.facts.iter_mut().find(|known| is_said_twice && same(known)) {
            // The end is told without a cause at times, and with one later.
            if let (Observation::Gone { end: end @ None }, Observation::Gone { end: Some(told) }) =
                (&mut known.what, &fact.what)
            {
                *end = Some(*told);
            }
            return;
        }
        tracing::debug!(run_id = %self.run, test = %self.test, at = ?fact.at, side = ?fact.side, "{:?}", fact.what);
        let what = RunProgress::Observed(fact.clone());
        self.observer.run_event(RunEvent { run: self.run, test: self.test.clone(), what });
        self.facts.push(fact);
    }
}
