//! Calls that the dialplan hands to our app: `Stasis(APP,LINK,NUMBER)`.

use std::sync::Arc;

use calltest_ari::models::ChannelState;
use calltest_ari::requests::channels::HangupReason;
use calltest_ari::{Arrival, Event, Incoming, Unclaimed};
use calltest_core::evidence::Observation;
use calltest_engine::{Arriving, BoxFuture, Claim, Host, IncomingCall, Leg};

use crate::channel::Channel;
use crate::channel_id::run_of_far_half;
use crate::hang_up::{hang_up, hang_up_in_background};
use crate::leg::AsteriskLeg;
use crate::server::Server;

/// The extension that Asterisk runs after each hang-up. A pattern that takes everything takes it, too.
const HANGUP_EXTENSION: &str = "h";

/// Takes calls in until the connection is closed for good.
pub(crate) async fn serve(server: Arc<Server>, mut incoming: Incoming, host: Arc<dyn Host>) {
    while let Some(unclaimed) = incoming.next().await {
        match unclaimed {
            Unclaimed::Arrival(arrival) => take_in(&server, arrival, &*host),
            Unclaimed::Event(event) if matches!(*event, Event::Unreadable { .. }) => server.has_sent_rubbish(),
            // Events of channels whose run is over, or of the far halves of Local channels.
            Unclaimed::Event(event) => tracing::trace!(server = %server.name, "unclaimed {}", event.kind()),
        }
    }
}

fn take_in(server: &Arc<Server>, arrival: Arrival, host: &dyn Host) {
    let mut arguments = arrival.start().args.iter().map(|argument| trimmed(argument).to_owned());
    let link = arguments.next().unwrap_or_default();
    let dialled = arguments.next().unwrap_or_default();
    let caller = arrival.channel().caller.number.trim().to_owned();
    let of_run = run_of_far_half(server.client.app(), &arrival.channel().id);
    let call = AsteriskCall { server: Arc::clone(server), arrival: Some(arrival) };
    if dialled == HANGUP_EXTENSION {
        // No call, but the tail of one that is over. It ends by itself, unless somebody has really dialled that.
        return;
    }
    let may_be_tail = link == HANGUP_EXTENSION;
    host.arrived(Arriving { link, caller, dialled, of_run, may_be_tail, call: Box::new(call) });
}

/// A channel in the app that nobody has claimed yet. Dropping it turns it away.
struct AsteriskCall {
    server: Arc<Server>,
    /// Empty once it has been claimed or turned away.
    arrival: Option<Arrival>,
}

impl IncomingCall for AsteriskCall {
    fn claim(mut self: Box<Self>, claim: Claim) -> Box<dyn Leg> {
        let arrival = self.arrival.take().expect("a call is claimed or turned away once, since that consumes it");
        let Claim { run, server: plan, link, seen } = claim;
        let id: Arc<str> = arrival.channel().id.as_str().into();
        let is_own_half = run_of_far_half(self.server.client.app(), &id) == Some(run);
        let is_up = arrival.channel().state == ChannelState::Up;
        let channel = Channel::inbound(Arc::clone(&self.server), arrival.channel(), link, seen, is_own_half);
        let channel = Arc::new(channel);
        if is_up {
            // The dialplan has answered it before it came to us.
            channel.tell(Observation::Answered);
        }
        let subscription = arrival.claim(&channel);
        self.server.has(Arc::downgrade(&channel) as _);
        Box::new(AsteriskLeg::new(Arc::clone(&self.server), &plan, run, channel, subscription))
    }

    fn reject(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        let (server, arrival) = (Arc::clone(&self.server), self.arrival.take());
        Box::pin(async move {
            if let Some(arrival) = arrival {
                hang_up(&server, &arrival.channel().id, Some(HangupReason::Busy)).await;
            }
        })
    }
}

impl Drop for AsteriskCall {
    fn drop(&mut self) {
        if let Some(arrival) = &self.arrival {
            hang_up_in_background(&self.server, arrival.channel().id.to_string(), Some(HangupReason::Busy));
        }
    }
}

/// A Stasis argument without the white space and quotes that dialplans leave around it.
fn trimmed(argument: &str) -> &str {
    argument.trim().trim_matches('"').trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_trimmed() {
        for argument in ["foo", " foo", "\"foo\"", " \" foo \" "] {
            assert_eq!(trimmed(argument), "foo");
        }
    }
}
