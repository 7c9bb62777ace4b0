//! Somebody at our own server did something to a channel of ours: by its command line, by ARI or AMI, or from the dialplan.

use std::time::Duration;

use super::Case;
use crate::cause::HangupCause;
use crate::evidence::{Fact, Observation, Side};
use crate::verdict::Trouble;

/// What a soft request has in the place of its cause is a flag that says where in the server it comes from (`AST_SOFTHANGUP_…`
/// in Asterisk's `channel.h`). None of these comes from a far end:
const FROM_INSIDE: [(HangupCause, &str); 3] = [
    // EXPLICIT: the command line, ARI or AMI.
    (HangupCause(32), "hung it up"),
    // APPUNLOAD: the dialplan has come to its end with a channel that nobody has hung up.
    (HangupCause(16), "sent it back into the dialplan, which ended it"),
    // TIMEOUT: the limit that we have set ourselves, as a last net.
    (HangupCause(8), "let it run into its limit (TIMEOUT(absolute)), as a clock does that steps"),
];

/// How far apart events of one moment are told.
const AT_ONCE: Duration = Duration::from_millis(100);

impl Case<'_> {
    /// What was done to our channels that neither we nor the network did.
    pub(super) fn interference(&self) -> Option<Trouble> {
        let (side, what) =
            self.hung_up_by_server().or_else(|| self.gone_without_request()).or_else(|| self.answered_by_other())?;
        Some(Trouble::Interference { link: self.link(side), what })
    }

    /// A request to hang up from inside the server, where we have not hung up ourselves by then, is somebody else's.
    fn hung_up_by_server(&self) -> Option<(Side, &'static str)> {
        let is_end = |fact: &&Fact| {
            matches!(fact.what, Observation::HangupRequest { .. } | Observation::HangupSent | Observation::Gone { .. })
        };
        let hung_up = self.evidence.facts.iter().find(|fact| fact.what == Observation::HangupSent);
        // Of two servers, either may tell first what came of it on its own leg.
        [Side::Src, Side::Dst].into_iter().find_map(|side| {
            let first = self.evidence.of(side).find(is_end)?;
            let (_, deed) = FROM_INSIDE
                .iter()
                .find(|(flag, _)| first.what == Observation::HangupRequest { end: (*flag).into(), is_soft: true })?;
            let is_foreign = self.has_ended(side) && hung_up.is_none_or(|hung_up| first.at < hung_up.at);
            is_foreign.then_some((side, *deed))
        })
    }

    /// Whoever hangs up a call that is up, or gives it up before we have answered it, asks for its end. The server's own limit
    /// on a channel does not, nor does who moves a channel out of our hands, so that it lives on.
    fn gone_without_request(&self) -> Option<(Side, &'static str)> {
        let is_request = |fact: &&Fact| matches!(fact.what, Observation::HangupRequest { .. });
        let (up, arrived) = (self.evidence.answered(), self.evidence.arrived());
        [(Side::Src, up), (Side::Dst, arrived)].into_iter().find_map(|(side, is_ours)| {
            is_ours?;
            let gone = self.evidence.of(side).find(|fact| matches!(fact.what, Observation::Gone { .. }))?;
            // What is told at the same moment comes in any order.
            let is_asked = self.evidence.of(side).filter(is_request).any(|fact| fact.at <= gone.at + AT_ONCE);
            (self.has_ended(side) && !is_asked).then_some((side, "took it out of our hands, or ended it by a limit"))
        })
    }

    /// Where a call must not be answered, our own end does not answer either.
    fn answered_by_other(&self) -> Option<(Side, &'static str)> {
        if self.expectation.may_be_answered {
            return None;
        }
        let answered = self.evidence.first(Side::Dst, |what| *what == Observation::Answered)?;
        let by_us = self.evidence.first(Side::Dst, |what| *what == Observation::AnswerSent);
        by_us.is_none_or(|by_us| by_us.at > answered.at).then_some((Side::Dst, "answered it"))
    }
}
