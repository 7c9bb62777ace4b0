//! Could we see? What is missing, late or corrupted, and what looks like a hang-up by the far end, proves something only while
//! every server involved answers and goes on working, and our own loop is not held up.

use std::time::Duration;

use super::Case;
use crate::caller::CallerMismatch;
use crate::dtmf::DigitFault;
use crate::evidence::{Evidence, Observation, Side, Sight};
use crate::expectation::Milestone;
use crate::name::ServerName;
use crate::verdict::{Failure, Trouble};

/// From this delay of our own event loop on, absence proves nothing.
pub const MAX_LOOP_DELAY: Duration = Duration::from_secs(1);

impl Case<'_> {
    /// That we stalled ourselves, if so.
    fn delay(&self) -> Option<Trouble> {
        let by = self.evidence.loop_delay;
        (by > MAX_LOOP_DELAY).then_some(Trouble::LoopDelayed { by })
    }

    /// Why what we did not see proves nothing, if so.
    pub(super) fn not_visible(&self) -> Option<Trouble> {
        self.delay().or_else(|| self.lost_sight())
    }

    fn lost_sight(&self) -> Option<Trouble> {
        let unseen = self.evidence.sight.iter().find(|sight| sight.round_trip.is_none())?;
        let why = format!("nothing heard for {:.1} s", unseen.longest_silence.as_secs_f64());
        Some(Trouble::NotVisible { server: unseen.server.clone(), why })
    }

    /// Why events may have been lost though the server is in sight, if so.
    pub(super) fn uncertainty(&self) -> Option<Trouble> {
        self.evidence.facts.iter().find_map(|fact| match &fact.what {
            Observation::Troubled(trouble) if trouble.is_uncertainty() => Some(trouble.clone()),
            _ => None,
        })
    }

    /// Who stood still for so long that it may explain what is late, corrupted or missing: we or one of these servers. We come
    /// first, since every server seems silent while we do not listen.
    fn stalled(&self, servers: Servers) -> Option<Trouble> {
        if servers == Servers::None {
            return None;
        }
        self.delay().or_else(|| {
            let stalled =
                |sight: &&Sight| sight.longest_silence > sight.silence_limit && self.counts(servers, &sight.server);
            let sight = self.evidence.sight.iter().find(stalled)?;
            Some(Trouble::ServerStalled { server: sight.server.clone(), by: sight.longest_silence })
        })
    }

    fn counts(&self, servers: Servers, server: &ServerName) -> bool {
        let Evidence { src_server, dst_server, .. } = self.evidence;
        match servers {
            Servers::None => false,
            Servers::OfSrc => src_server.as_ref() == Some(server),
            Servers::OfDst => dst_server.as_ref() == Some(server),
            Servers::Either => true,
        }
    }

    /// Which of these servers had its clock stepped: what it waits for, it waits for by that clock.
    fn stepped(&self, servers: Servers) -> Option<Trouble> {
        [Side::Src, Side::Dst].into_iter().find_map(|side| {
            let (server, by_server, ours) = self.evidence.clock_step(side)?;
            let is_of_interest = self.counts(servers, &server);
            is_of_interest.then_some(Trouble::ClockStepped { server, by_server, ours })
        })
    }

    /// Who has spoilt the look at what seems to be a fault of the network, if somebody has.
    pub(super) fn spoiler(&self, failure: &Failure) -> Option<Trouble> {
        let SpoiltBy { stalled, out_of_sight, lost_events, timers } = spoilt_by(failure);
        self.not_visible()
            .filter(|_| out_of_sight)
            .or_else(|| self.stalled(stalled))
            .or_else(|| self.stepped(stalled).filter(|_| timers))
            .or_else(|| self.uncertainty().filter(|_| lost_events))
    }
}

/// Servers whose standing still may have done it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Servers {
    None,
    OfSrc,
    OfDst,
    Either,
}

/// What may have spoilt the look at a fault of the network.
struct SpoiltBy {
    /// A server stood still, or this process.
    stalled: Servers,
    /// A server does not show that it still tells us things.
    out_of_sight: bool,
    /// Events were lost or could not be read.
    lost_events: bool,
    /// One of the servers waits by a clock that stepped. Times that are told by both clocks are compared elsewhere.
    timers: bool,
}

/// What did not happen: anything that keeps us from seeing it spoils that.
const MISSING: SpoiltBy = SpoiltBy { stalled: Servers::Either, out_of_sight: true, lost_events: true, timers: true };
/// What happened, and was seen: nobody spoils that.
const SEEN: SpoiltBy = SpoiltBy { stalled: Servers::None, out_of_sight: false, lost_events: false, timers: false };

/// What may have spoilt the look at each fault. A new one has to say it.
fn spoilt_by(failure: &Failure) -> SpoiltBy {
    match failure {
        // The server's own look at the endpoint may have failed since it stood still.
        Failure::Offline { .. } => SpoiltBy { stalled: Servers::OfSrc, ..SEEN },
        // That it did not ring before is known only if no event was lost.
        Failure::Rejected { expected: Milestone::Ringing | Milestone::EarlyMedia, .. } => {
            SpoiltBy { stalled: Servers::OfDst, ..MISSING }
        }
        // The far end gives up a call that our other end does not answer. A server that ends takes its channels along, which
        // then look as if somebody had hung up.
        Failure::Rejected { .. } | Failure::WrongCause { .. } => {
            SpoiltBy { stalled: Servers::OfDst, lost_events: false, ..MISSING }
        }
        Failure::HungUpEarly { .. } => SpoiltBy { lost_events: false, ..MISSING },
        // A span gets longer by a late end, and shorter by a late beginning.
        Failure::RejectedOutOfTime { .. } => SpoiltBy { stalled: Servers::Either, out_of_sight: true, ..SEEN },
        Failure::AnsweredLate { .. } | Failure::Sound { .. } => SpoiltBy { stalled: Servers::Either, ..SEEN },
        // Voicemail takes a call that our other end does not.
        Failure::Answered { .. } | Failure::EarlyMedia { .. } => SpoiltBy { stalled: Servers::OfDst, ..SEEN },
        Failure::Skipped { .. } => SpoiltBy { stalled: Servers::OfDst, lost_events: true, ..SEEN },
        Failure::NoRtp { .. } => MISSING,
        Failure::Digits { wrong } if wrong.iter().all(|wrong| wrong.fault == DigitFault::Missing) => MISSING,
        Failure::Digits { .. } => SpoiltBy { out_of_sight: false, ..MISSING },
        Failure::CallerId { mismatch: CallerMismatch::Hidden { .. } | CallerMismatch::Shown { .. }, .. } => SEEN,
        // Of the last two, the right call is missing.
        Failure::NotReached { .. }
        | Failure::NotEnded { .. }
        | Failure::NoArrival { .. }
        | Failure::CallerId { .. }
        | Failure::DialledNumber { .. } => MISSING,
        // That it was not is known only if no event was lost.
        Failure::NotForwarded { .. } => SpoiltBy { stalled: Servers::None, lost_events: true, ..SEEN },
        Failure::Rang { .. }
        | Failure::CameBack { .. }
        | Failure::Forwarded { .. }
        | Failure::DeliveredTwice { .. }
        | Failure::NotDiverted { .. }
        | Failure::ByOperator => SEEN,
    }
}
