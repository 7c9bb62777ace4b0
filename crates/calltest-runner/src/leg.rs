//! One leg of a call: a channel, and how far it has come.

use std::sync::Arc;

use calltest_ari::{Event, Subscription};
use calltest_core::evidence::{Observation, Side};

use crate::servers::Server;

/// A channel on one side of a run.
pub(crate) struct Leg {
    pub(crate) side: Side,
    pub(crate) server: Arc<Server>,
    pub(crate) channel: Arc<str>,
    pub(crate) state: LegState,
    /// Whether the script has done with it, so that its end is no surprise.
    pub(crate) is_dismissed: bool,
    /// Whether the server had to be asked to learn that the channel is gone.
    pub(crate) has_untold_end: bool,
    /// Whether the far end of a Local channel pair of our own: then its end is told by ChannelDestroyed, like that of the
    /// channels that we originate.
    tells_its_end: bool,
    /// Keeps the channel's events coming to this run.
    _subscription: Subscription,
}

/// How far a channel has come. It only ever moves down this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LegState {
    /// On its way to the far end, or arrived here, without ringing.
    Trying,
    /// Ringing.
    Ringing,
    /// Answered. An outbound channel does not take commands yet: the app gets it only a moment later.
    Answered,
    /// Answered, and in the app: it takes commands.
    Ready,
    /// Asked to end by the far end or the network.
    Ending,
    /// Gone.
    Gone,
}

impl Leg {
    /// The leg that a run is about to originate.
    pub(crate) fn outbound(server: Arc<Server>, channel: Arc<str>, subscription: Subscription) -> Self {
        let (side, state) = (Side::Src, LegState::Trying);
        Self {
            side,
            server,
            channel,
            state,
            is_dismissed: false,
            has_untold_end: false,
            tells_its_end: true,
            _subscription: subscription,
        }
    }

    /// The leg that arrived for a run. `is_own_half` says that it is the far half of the run's own Local channel.
    pub(crate) fn inbound(
        server: Arc<Server>,
        channel: Arc<str>,
        is_own_half: bool,
        subscription: Subscription,
    ) -> Self {
        let (side, state) = (Side::Dst, LegState::Trying);
        Self {
            side,
            server,
            channel,
            state,
            is_dismissed: false,
            has_untold_end: false,
            tells_its_end: is_own_half,
            _subscription: subscription,
        }
    }

    /// Whether the channel is answered and takes commands.
    pub(crate) fn is_ready(&self) -> bool {
        self.state == LegState::Ready
    }

    /// Whether the channel is ending or has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.state >= LegState::Ending
    }

    /// Whether the channel is gone.
    pub(crate) fn is_gone(&self) -> bool {
        self.state == LegState::Gone
    }

    /// Moves on by what an event told. Returns whether the observation counts: the app's own end of a channel that goes on
    /// to tell of its destruction does not.
    pub(crate) fn advance(&mut self, event: &Event, observation: Option<&Observation>) -> bool {
        let next = match observation {
            Some(Observation::Ringing) => LegState::Ringing,
            // An inbound channel is in the app already when it is answered.
            Some(Observation::Answered) if self.side == Side::Dst => LegState::Ready,
            Some(Observation::Answered) => LegState::Answered,
            Some(Observation::HangupRequest { is_soft: false, .. }) => LegState::Ending,
            Some(Observation::Gone { end: None }) if self.tells_its_end => return false,
            Some(Observation::Gone { .. }) => LegState::Gone,
            None if self.side == Side::Src && matches!(event, Event::StasisStart(_)) => LegState::Ready,
            _ => return true,
        };
        self.state = self.state.max(next);
        true
    }
}
