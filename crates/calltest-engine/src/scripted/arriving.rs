//! A call that has come in at a scripted server.

use std::sync::Arc;

use calltest_core::evidence::Side;
use tokio::time::Instant;

use crate::scripted::act::end;
use crate::scripted::calls::{CallId, ToldTo};
use crate::scripted::leg::ScriptedLeg;
use crate::scripted::state::Shared;
use crate::{BoxFuture, Claim, IncomingCall, Leg, Seen};

/// A call that nobody has claimed yet.
pub(super) struct ScriptedCall {
    world: Arc<Shared>,
    call: CallId,
    /// It has been claimed or turned away.
    is_settled: bool,
}

impl ScriptedCall {
    /// The call with that number, as a run gets it.
    pub(super) fn boxed(world: Arc<Shared>, call: CallId) -> Box<dyn IncomingCall> {
        Box::new(Self { world, call, is_settled: false })
    }

    fn turn_away(&mut self) {
        if !std::mem::replace(&mut self.is_settled, true) {
            self.world.with(|state| state.hang_up(self.call, Side::Dst, end(17, None), end(17, Some(486))));
        }
    }
}

impl IncomingCall for ScriptedCall {
    fn claim(mut self: Box<Self>, claim: Claim) -> Box<dyn Leg> {
        self.is_settled = true;
        self.world.with(|state| {
            let leg = state.calls[self.call].dst.as_mut().expect("a call has this leg since it has come in");
            leg.run = Some(claim.run);
            if let ToldTo::Nobody(waiting) = std::mem::replace(&mut leg.told_to, ToldTo::Run(claim.seen)) {
                waiting.into_iter().for_each(|seen| leg.tell(Seen { at: Instant::now(), ..seen }));
            }
        });
        Box::new(ScriptedLeg::new(Arc::clone(&self.world), self.call, Side::Dst))
    }

    fn reject(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        self.turn_away();
        Box::pin(std::future::ready(()))
    }
}

impl Drop for ScriptedCall {
    fn drop(&mut self) {
        if !self.is_settled {
            self.world.with(|state| state.dropped += 1);
            self.turn_away();
        }
    }
}
