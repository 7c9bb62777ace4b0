//! Could we see? What is not seen, and what looks like somebody's doing, proves something only while every server involved
//! answers and our own loop is not held up.

use std::time::Duration;

use super::Case;
use crate::cause::HangupCause;
use crate::evidence::{Ending, Observation, Sight, Stop};
use crate::verdict::{Failure, Trouble, Verdict};

/// From this delay of our own event loop on, absence proves nothing.
pub const MAX_LOOP_DELAY: Duration = Duration::from_secs(1);

/// From this silence of a server on, absence proves nothing. Something is heard every two seconds at the latest, where all
/// is well: the answer to our ping.
pub const MAX_SILENCE: Duration = Duration::from_secs(4);

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

    /// A rejection or an answer at the wrong time, of a server that was silent for long: where it was stopped meanwhile,
    /// all that it does and stamps is late.
    pub(super) fn untimely(&self) -> Option<Verdict> {
        let is_answered_late = || matches!(self.answered_wrongly(), Some(Failure::AnsweredLate { .. }));
        let is_untimely = self.rejected_out_of_time().is_some() || is_answered_late();
        let was_silent = |sight: &&Sight| sight.longest_silence > MAX_SILENCE;
        let silent = self.evidence.sight.iter().find(was_silent).filter(|_| is_untimely)?;
        let (server, silence) = (silent.server.clone(), silent.longest_silence);
        Some(Verdict::Error(Trouble::Silent { server, silence }))
    }

    /// Why what we did not see proves nothing, if so.
    pub(super) fn blindness(&self) -> Option<Trouble> {
        if self.evidence.loop_delay > MAX_LOOP_DELAY {
            return Some(Trouble::LoopDelayed { by: self.evidence.loop_delay });
        }
        self.blind_server()
    }

    /// Why events may have been lost though the server is in sight, if so.
    pub(super) fn doubt(&self) -> Option<Trouble> {
        self.evidence.facts.iter().find_map(|fact| match &fact.what {
            Observation::Troubled(trouble) if trouble.is_doubt() => Some(trouble.clone()),
            _ => None,
        })
    }

    fn blind_server(&self) -> Option<Trouble> {
        let is_blind = |sight: &&Sight| sight.round_trip.is_none() || sight.longest_silence > MAX_SILENCE;
        let unseen = self.evidence.sight.iter().find(is_blind)?;
        if unseen.round_trip.is_some() {
            return Some(Trouble::Silent { server: unseen.server.clone(), silence: unseen.longest_silence });
        }
        let why = format!("nothing heard for {:.1} s", unseen.longest_silence.as_secs_f64());
        Some(Trouble::OutOfSight { server: unseen.server.clone(), why })
    }
}
