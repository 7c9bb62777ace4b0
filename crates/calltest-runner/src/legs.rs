//! The legs of a call, and how far each has come.

use calltest_core::evidence::{Observation, Side};
use calltest_engine::Leg;

/// The legs that a run has so far.
#[derive(Default)]
pub(crate) struct Legs {
    outbound: Option<CallLeg>,
    inbound: Option<CallLeg>,
}

/// A leg of a run's call.
pub(crate) struct CallLeg {
    pub(crate) leg: Box<dyn Leg>,
    pub(crate) state: LegState,
    /// Whether the script has done with it, so that its end is no surprise.
    pub(crate) is_dismissed: bool,
    /// What the recording of it is called, if it is recorded.
    pub(crate) recording: Option<String>,
}

/// How far a leg has come. It only ever moves down this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LegState {
    /// On its way to the far end, or arrived here, without ringing.
    Trying,
    Ringing,
    Answered,
    /// Asked to end by the far end or the network.
    Ending,
    Gone,
}

impl Legs {
    pub(crate) fn get(&self, side: Side) -> Option<&CallLeg> {
        match side {
            Side::Src => self.outbound.as_ref(),
            Side::Dst => self.inbound.as_ref(),
        }
    }

    pub(crate) fn get_mut(&mut self, side: Side) -> Option<&mut CallLeg> {
        match side {
            Side::Src => self.outbound.as_mut(),
            Side::Dst => self.inbound.as_mut(),
        }
    }

    /// The leg of a side, or that there is none.
    pub(crate) fn set(&mut self, side: Side, leg: Option<Box<dyn Leg>>) {
        let slot = match side {
            Side::Src => &mut self.outbound,
            Side::Dst => &mut self.inbound,
        };
        *slot = leg.map(|leg| CallLeg { leg, state: LegState::Trying, is_dismissed: false, recording: None });
    }

    /// The side of a leg that is ending or gone although the script still needs it, the outbound one first since it knows
    /// the cause.
    pub(crate) fn over(&self) -> Option<Side> {
        let is_over = |side: &Side| self.get(*side).is_some_and(|leg| leg.is_over() && !leg.is_dismissed);
        [Side::Src, Side::Dst].into_iter().find(is_over)
    }

    /// Whether a side has come so far, and is not ending.
    pub(crate) fn has_come_to(&self, side: Side, state: LegState) -> bool {
        self.get(side).is_some_and(|leg| leg.state >= state && !leg.is_over())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &CallLeg> {
        [&self.outbound, &self.inbound].into_iter().flatten()
    }
}

impl CallLeg {
    /// Whether it is ending or has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.state >= LegState::Ending
    }

    /// Whether it is gone.
    pub(crate) fn is_gone(&self) -> bool {
        self.state == LegState::Gone
    }

    /// Moves on by what was seen of it.
    pub(crate) fn advance(&mut self, what: &Observation) {
        self.state = self.state.max(LegState::of(what));
    }
}

impl LegState {
    /// How far a leg has come of which this was seen.
    fn of(what: &Observation) -> Self {
        match what {
            Observation::Ringing => Self::Ringing,
            Observation::Answered => Self::Answered,
            Observation::HangupRequest { is_soft: false, .. } => Self::Ending,
            Observation::Gone { .. } => Self::Gone,
            _ => Self::Trying,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calltest_core::cause::HangupCause;

    #[test]
    fn a_leg_only_ever_moves_on() {
        let end = HangupCause::NORMAL_CLEARING.into();
        let steps = [
            (Observation::Proceeding, LegState::Trying),
            (Observation::Answered, LegState::Answered),
            (Observation::Ringing, LegState::Answered),
            (Observation::HangupRequest { end, is_soft: true }, LegState::Answered),
            (Observation::HangupRequest { end, is_soft: false }, LegState::Ending),
            (Observation::Gone { end: None }, LegState::Gone),
            (Observation::Answered, LegState::Gone),
        ];
        let mut state = LegState::Trying;
        for (what, expected) in steps {
            state = state.max(LegState::of(&what));
            assert_eq!(state, expected, "{what:?}");
        }
    }
}
