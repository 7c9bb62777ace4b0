//! Could we see? What is not seen, what is late or spoilt, and what looks like somebody's doing, proves something only while every
//! server involved answers and goes on working, and our own loop is not held up.

use std::time::Duration;

use super::Case;
use crate::cause::HangupCause;
use crate::evidence::{Ending, Observation, Stop};
use crate::expectation::RejectionWindow;
use crate::verdict::{Failure, SoundFault, Trouble, Verdict};

/// From this delay of our own event loop on, absence proves nothing.
pub const MAX_LOOP_DELAY: Duration = Duration::from_secs(1);

/// From this silence of a server on, what is late, spoilt or missing proves nothing: it answers two pings a second, so
/// it has stood still meanwhile, or its connection has, and may have held up the call as well.
pub const MAX_SILENCE: Duration = Duration::from_secs(1);

/// What a soft request to hang up has in the place of its cause when Asterisk is being stopped: a flag rather than a cause
/// (`AST_SOFTHANGUP_SHUTDOWN` in Asterisk's `channel.h`).
const SHUTDOWN: HangupCause = HangupCause(4);

impl Case<'_> {
    /// A server that is being stopped hangs all its calls up, and says so in a soft request.
    pub(super) fn shutdown(&self) -> Option<Trouble> {
        let is_shutdown = |what: &Observation| matches!(what, Observation::HangupRequest { end, is_soft: true } if end.cause == SHUTDOWN);
        let fact = self.evidence.facts.iter().find(|fact| is_shutdown(&fact.what))?;
        Some(Trouble::ServerStopped { link: self.link(fact.side?) })
    }

    /// A leg that ended on a server that has been silent ever since: a server that ends takes its channels along, and what
    /// they tell then looks like somebody's hanging up.
    pub(super) fn unseen_end(&self) -> Option<Verdict> {
        let is_ended = match &self.evidence.ending {
            Ending::Completed => self.expectation.rejection.is_some() && self.evidence.answered().is_none(),
            Ending::Stopped(stop) => matches!(stop, Stop::LegEnded { .. }),
        };
        self.blindness().filter(|_| is_ended).map(Verdict::Error)
    }

    /// That we stood still ourselves, if so.
    fn delay(&self) -> Option<Trouble> {
        let by = self.evidence.loop_delay;
        (by > MAX_LOOP_DELAY).then_some(Trouble::LoopDelayed { by })
    }

    /// Why what we did not see proves nothing, if so.
    pub(super) fn blindness(&self) -> Option<Trouble> {
        self.delay().or_else(|| self.lost_sight())
    }

    fn lost_sight(&self) -> Option<Trouble> {
        let unseen = self.evidence.sight.iter().find(|sight| sight.round_trip.is_none())?;
        let why = format!("nothing heard for {:.1} s", unseen.longest_silence.as_secs_f64());
        Some(Trouble::OutOfSight { server: unseen.server.clone(), why })
    }

    /// Why events may have been lost though the server is in sight, if so.
    pub(super) fn doubt(&self) -> Option<Trouble> {
        self.evidence.facts.iter().find_map(|fact| match &fact.what {
            Observation::Troubled(trouble) if trouble.is_doubt() => Some(trouble.clone()),
            _ => None,
        })
    }

    /// Who stood still for so long that what is late, spoilt or missing may be of their making, if somebody did: we, or a
    /// server, which seems silent too while we do not listen.
    pub(super) fn standstill(&self) -> Option<Trouble> {
        self.delay().or_else(|| self.silence())
    }

    fn silence(&self) -> Option<Trouble> {
        let still = self.evidence.sight.iter().find(|sight| sight.longest_silence > MAX_SILENCE)?;
        Some(Trouble::StoodStill { server: still.server.clone(), by: still.longest_silence })
    }

    /// What a failure comes to: what somebody who stood still may have delayed or spoilt is none.
    pub(super) fn weigh(&self, failure: Failure) -> Verdict {
        let may_be_ours = match &failure {
            Failure::AnsweredLate { .. } | Failure::Digits { .. } => true,
            Failure::Sound { fault, .. } => matches!(fault, SoundFault::Short { .. }),
            Failure::RejectedOutOfTime { after, window, .. } => match window {
                RejectionWindow::AfterDialling { within } => after > within,
                RejectionWindow::AfterRinging { to, .. } => after > to,
            },
            _ => false,
        };
        match self.standstill().filter(|_| may_be_ours) {
            Some(trouble) => Verdict::Error(trouble),
            None => Verdict::Fail(failure),
        }
    }
}
