//! Calls that the far end forwards to another number (SIP 3xx, and what other technologies have for it).
//!
//! Asterisk goes on by itself: it drops our channel and dials anew, as `Local/NUMBER@CONTEXT`, or by the technology that the
//! far end named (`handle_call_forward` in its `main/dial.c`). The context is the one in the channel's variable
//! `FORWARD_CONTEXT`, or else that of the channel. So a call that must not be forwarded gets a context that no dialplan has,
//! and nothing rings. What goes on all the same is hung up as soon as an event tells of it.
//!
//! The far end's answer is told before it is known whether Asterisk goes on, so the end of the first channel is held back
//! until then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use calltest_ari::{Event, Subscription};
use calltest_core::cause::TechCause;
use calltest_core::evidence::Observation;
use calltest_engine::Seen;

use crate::hang_up::hang_up;
use crate::server::Server;

/// The variable in which Asterisk looks for the context of a forwarded call.
pub(crate) const FORWARD_CONTEXT: &str = "FORWARD_CONTEXT";
/// A context that no dialplan has.
pub(crate) const NOWHERE: &str = "calltest-forwards-nothing";

/// What is known of the forwarding of one channel, which is a `C`.
pub(crate) struct Forwarding<C> {
    /// Whether the run goes on with the forwarded call.
    is_followed: bool,
    state: Mutex<State<C>>,
}

struct State<C> {
    /// The far end's answer, until it is known whether Asterisk goes on.
    held: Option<Seen>,
    next: Option<Next<C>>,
}

/// The channel in place of the one that was forwarded.
enum Next<C> {
    /// The run goes on with it.
    Followed { channel: Arc<C>, _subscription: Arc<Mutex<Option<Subscription>>> },
    /// It is hung up.
    CutOff(Arc<str>),
}

/// What an event means for a channel that may be forwarded.
pub(crate) enum Meaning {
    /// What it says, after what was held back, if anything.
    AsTold(Option<Seen>),
    /// It is held back.
    Held,
    /// Nothing: the run goes on with another channel.
    Past,
}

impl<C> Forwarding<C> {
    pub(crate) fn new(is_followed: bool) -> Self {
        Self { is_followed, state: Mutex::new(State { held: None, next: None }) }
    }

    pub(crate) fn is_followed(&self) -> bool {
        self.is_followed
    }

    fn state(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What something seen of the channel means.
    pub(crate) fn meaning(&self, seen: &Seen) -> Meaning {
        let mut state = self.state();
        if let Some(Next::Followed { .. }) = state.next {
            return Meaning::Past;
        }
        if is_redirection(&seen.what) {
            state.held = Some(seen.clone());
            return Meaning::Held;
        }
        Meaning::AsTold(state.held.take())
    }

    /// The far end's answer, which is held back.
    pub(crate) fn release(&self) -> Option<Seen> {
        self.state().held.take()
    }

    /// Whether Asterisk was seen to go on. A channel is forwarded once.
    pub(crate) fn is_known(&self) -> bool {
        self.state().next.is_some()
    }

    /// The channel that the run goes on with, if it does.
    pub(crate) fn followed(&self) -> Option<Arc<C>> {
        match &self.state().next {
            Some(Next::Followed { channel, .. }) => Some(Arc::clone(channel)),
            _ => None,
        }
    }

    /// The channel that had to be hung up, if there was one.
    pub(crate) fn cut_off(&self) -> Option<Arc<str>> {
        match &self.state().next {
            Some(Next::CutOff(id)) => Some(Arc::clone(id)),
            _ => None,
        }
    }

    /// Hangs the forwarded channel up, beside everything else.
    pub(crate) fn cut(&self, server: &Arc<Server>, id: &str) {
        let id: Arc<str> = id.into();
        self.state().next = Some(Next::CutOff(Arc::clone(&id)));
        let server = Arc::clone(server);
        server.errands.clone().spawn(async move { hang_up(&server, &id, None).await });
    }

    /// The run goes on with the forwarded channel. Returns the place for its subscription, which the leg takes along when it
    /// is given up.
    pub(crate) fn follow(&self, channel: Arc<C>) -> Arc<Mutex<Option<Subscription>>> {
        let subscription = Arc::new(Mutex::new(None));
        let _subscription = Arc::clone(&subscription);
        self.state().next = Some(Next::Followed { channel, _subscription });
        subscription
    }

    /// Ends the subscription of the forwarded channel, which would keep it alive.
    pub(crate) fn forget(&self) {
        let next = self.state().next.take();
        drop(next);
    }
}

/// Whether the far end has answered with another address.
fn is_redirection(what: &Observation) -> bool {
    let Observation::HangupRequest { end, is_soft: false } = what else { return false };
    matches!(end.tech_cause, Some(TechCause::Sip(300..=399)))
}

/// Where an event says that the far end has forwarded the call, and the channel by which Asterisk goes on, if it does.
pub(crate) fn forwarded_to(event: &Event) -> Option<(String, Option<Arc<str>>)> {
    let Event::Dial(dial) = event else { return None };
    let to = dial.forward.as_deref().filter(|to| !to.is_empty())?;
    let next = dial.forwarded.as_ref().map(|channel| channel.id.as_str()).filter(|id| !id.is_empty());
    Some((to.to_owned(), next.map(Into::into)))
}
