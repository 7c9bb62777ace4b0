//! One channel of a leg, as far as events have told of it.
//!
//! The client hands each event over as it comes in. What a run could need is told at once. What only the engine needs, such
//! as the moment from which on the channel takes commands, stays here, and commands wait for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Duration;

use calltest_ari::models::{ChannelState, PlaybackState};
use calltest_ari::requests::{applications, channels};
use calltest_ari::{Delivery, Event, Lost, RequestError, Subscriber};
use calltest_core::cause::HangupCause;
use calltest_core::evidence::{Observation, Side};
use calltest_core::plan::LinkName;
use calltest_core::verdict::Trouble;
use calltest_engine::{Refused, Seen, Sink};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::channel_state::{Phase, State};
use crate::forwarding::{Forwarding, Meaning, forwarded_to};
use crate::observe::{observe, stamp};
use crate::server::{Server, trouble_of};
use crate::told_events::Watched;
use crate::without_a_word::{Examination, SHUTDOWN_GRACE};

/// What a soft request to hang up has in the place of its cause when Asterisk is being stopped: a flag rather than a cause
/// (`AST_SOFTHANGUP_SHUTDOWN` in Asterisk's `channel.h`).
const SHUTDOWN: HangupCause = HangupCause(4);
/// How long to wait for the event that explains why a channel refused a command.
const EXPLANATION: Duration = Duration::from_millis(500);

/// A channel on one side of a run.
pub(crate) struct Channel {
    pub(crate) id: Arc<str>,
    pub(crate) side: Side,
    server: Arc<Server>,
    link: LinkName,
    seen: Sink,
    /// Whether its end is told by ChannelDestroyed, as that of the channels that we originate is; then the app's own end of
    /// it, which comes before, is none.
    tells_its_end: bool,
    /// What to do if it vanishes without a word.
    examination: Option<Examination>,
    /// Whether any event has come about it.
    is_heard_of: AtomicBool,
    /// Its name, as `PJSIP/carrier-0000002a`, once it is in the app.
    name: OnceLock<String>,
    pub(crate) forwarding: Forwarding<Self>,
    state: Arc<watch::Sender<State>>,
}

impl Channel {
    /// A channel that is about to be originated. `follows` says that the run goes on where the far end forwards it.
    pub(crate) fn outbound(
        server: Arc<Server>,
        id: Arc<str>,
        link: LinkName,
        seen: Sink,
        examination: Examination,
        follows: bool,
    ) -> Self {
        let (examination, is_heard_of) = (Some(examination), AtomicBool::new(false));
        let (side, tells_its_end, state) = (Side::Src, true, state(Phase::Outside));
        let (forwarding, name) = (Forwarding::new(follows), OnceLock::new());
        Self { id, side, server, link, seen, tells_its_end, examination, is_heard_of, name, forwarding, state }
    }

    /// The channel by which Asterisk goes on with this one, which the far end has forwarded.
    fn forwarded(&self, id: Arc<str>) -> Self {
        let (server, link, seen) = (Arc::clone(&self.server), self.link.clone(), self.seen.clone());
        let (is_heard_of, forwarding) = (AtomicBool::new(true), Forwarding::new(true));
        let (side, tells_its_end, state, name) = (Side::Src, true, state(Phase::Outside), OnceLock::new());
        Self { id, side, server, link, seen, tells_its_end, examination: None, is_heard_of, name, forwarding, state }
    }

    /// A channel that has come into the app. `is_own_half` says that it is the far half of the run's own Local channel.
    pub(crate) fn inbound(
        server: Arc<Server>,
        arrived: &calltest_ari::models::Channel,
        link: LinkName,
        seen: Sink,
        is_own_half: bool,
    ) -> Self {
        let id: Arc<str> = arrived.id.as_str().into();
        let (side, tells_its_end, state) = (Side::Dst, is_own_half, state(Phase::InApp));
        let (examination, is_heard_of) = (None, AtomicBool::new(true));
        let (forwarding, name) = (Forwarding::new(false), OnceLock::from(arrived.name.to_string()));
        Self { id, side, server, link, seen, tells_its_end, examination, is_heard_of, name, forwarding, state }
    }

    /// Its name, as `PJSIP/carrier-0000002a`, once it is in the app.
    pub(crate) fn name(&self) -> Option<String> {
        self.name.get().cloned()
    }

    /// What is known of it now.
    pub(crate) fn state(&self) -> State {
        *self.state.borrow()
    }

    /// Whether any event has come about it, so that it is there, or was.
    pub(crate) fn is_heard_of(&self) -> bool {
        self.is_heard_of.load(Ordering::Relaxed)
    }

    /// Waits until it takes commands.
    pub(crate) async fn in_app(&self) -> Result<(), Refused> {
        let state = self.wait_for(|state| state.phase >= Phase::InApp).await;
        match state.phase {
            Phase::InApp => Ok(()),
            Phase::Ending | Phase::Vanished | Phase::Gone => Err(Refused::Over),
            Phase::Outside => Err(Refused::Unclear { why: "the connection was lost".into() }),
        }
    }

    /// Waits until it is gone, for so long.
    pub(crate) async fn gone_within(&self, patience: Duration) -> bool {
        let state = timeout(patience, self.wait_for(|state| state.phase == Phase::Gone)).await;
        state.is_ok_and(|state| state.phase == Phase::Gone)
    }

    /// What it means that a command to it was refused. A channel that refuses since it is ending is no trouble.
    pub(crate) async fn explain(&self, error: RequestError) -> Refused {
        match error.status() {
            Some(_) if error.is_not_found() || error.is_conflict() => self.over_or(error.to_string()).await,
            Some(_) => Refused::No { why: error.to_string() },
            None => {
                // It may be done later.
                self.server.leftovers.suspect();
                Refused::Unclear { why: error.to_string() }
            }
        }
    }

    /// What it means that something else failed for this reason: the leg is over, if it is ending, and that otherwise.
    pub(crate) async fn over_or(&self, why: String) -> Refused {
        let ending = self.wait_for(|state| state.phase >= Phase::Ending);
        match timeout(EXPLANATION, ending).await {
            Ok(state) if state.phase >= Phase::Ending => Refused::Over,
            Ok(_) | Err(_) => Refused::No { why },
        }
    }

    /// Tells something that no event told.
    pub(crate) fn tell(&self, what: Observation) {
        self.seen.tell(Seen { side: self.side, at: Instant::now(), stamp: None, what });
    }

    /// We are about to hang it up ourselves.
    pub(crate) fn is_being_hung_up(&self) {
        self.state.send_modify(|state| {
            state.is_ended_by_us |= state.phase < Phase::Ending;
            state.phase = state.phase.max(Phase::Ending);
        });
    }

    /// There is no channel, and nothing to be told of it: it was never made.
    pub(crate) fn was_never_there(&self) {
        self.state.send_modify(|state| state.phase = Phase::Gone);
    }

    /// It is gone, and no event has told of that, so other events may be lost as well.
    pub(crate) fn is_gone_untold(&self) {
        self.tell(Observation::Gone { end: None });
        let (server, channel) = (self.server.name.clone(), self.id.to_string());
        self.tell(Observation::Troubled(Trouble::EndUntold { server, channel }));
        self.state.send_modify(|state| state.phase = Phase::Gone);
    }

    /// The app could not be subscribed to it, so nothing of what it does is told.
    pub(crate) fn is_untold_of(&self, error: &RequestError) {
        let action = format!("follow the call to where {} was forwarded", self.link);
        self.tell(Observation::Troubled(Trouble::RequestFailed { action, why: error.to_string() }));
    }

    /// The far end has forwarded the call, and Asterisk goes on by the channel `next`, if it does.
    fn is_forwarded(&self, to: String, next: Option<Arc<str>>, delivery: &Delivery) {
        if self.forwarding.is_known() {
            return;
        }
        let is_dialled = next.is_some();
        let stamp = self.stamp(delivery);
        let what = Observation::Forwarded { to, is_dialled };
        self.seen.tell(Seen { side: self.side, at: delivery.received, stamp, what });
        match next {
            Some(id) if self.forwarding.is_followed() => {
                self.follow(Arc::new(self.forwarded(id)));
            }
            Some(id) => self.forwarding.cut(&self.server, &id),
            None => {}
        }
        if let Some(held) = self.forwarding.release().filter(|_| self.forwarding.followed().is_none()) {
            self.take_in(held);
        }
    }

    /// Goes on with the channel in place of this one. The app has to be told of it, and what it did before is asked for.
    fn follow(&self, next: Arc<Self>) {
        let place = self.forwarding.follow(Arc::clone(&next));
        let server = Arc::clone(&self.server);
        server.errands.clone().spawn(async move {
            let subscribed = server.client.subscribe(Arc::clone(&next.id), &next);
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(subscribed);
            server.has(Arc::downgrade(&next) as _);
            match next.catch_up().await {
                Ok(()) => {}
                // It ended before anybody could be told.
                Err(error) if error.is_gone() => next.is_gone_untold(),
                Err(error) => {
                    server.leftovers.suspect();
                    next.is_untold_of(&error);
                }
            }
        });
    }

    /// Has the app told of the channel, and tells how far it has come by now.
    async fn catch_up(&self) -> Result<(), RequestError> {
        let (client, event_source) = (&self.server.client, vec![format!("channel:{}", self.id)]);
        client.request(applications::Subscribe { application_name: client.app().to_owned(), event_source }).await?;
        let now = client.request(channels::Get { channel_id: self.id.to_string() }).await?;
        match now.state {
            ChannelState::Ringing => self.tell(Observation::Ringing),
            ChannelState::Up => self.tell(Observation::Answered),
            _ => {}
        }
        Ok(())
    }

    fn stamp(&self, delivery: &Delivery) -> Option<calltest_core::evidence::Stamp> {
        delivery.event.timestamp().and_then(|date| stamp(&self.server.name, date))
    }

    /// Waits for something, or until no more events come.
    async fn wait_for(&self, is_it: impl Fn(&State) -> bool) -> State {
        let mut states = self.state.subscribe();
        let state = states.wait_for(|state| is_it(state) || state.is_lost).await;
        *state.expect("the sender is part of what is borrowed here")
    }

    /// Tells that a sound could not be played, unless the channel is ending: a sound that the end of the call cuts short
    /// fails too, and may be told before that end. What failed before we hung up ourselves has failed. A server that is
    /// being stopped breaks its sounds off as well, and then the connection: that loss is the reason, and tells itself.
    fn tell_of_failed_playback(&self, media: String) {
        let (link, side, seen) = (self.link.clone(), self.side, self.seen.clone());
        let mut states = self.state.subscribe();
        self.server.errands.spawn(async move {
            let is_explained = |state: &State| state.phase >= Phase::Ending || state.is_lost;
            let ending = timeout(EXPLANATION, states.wait_for(is_explained)).await;
            let is_cut_short = match ending.map(|ending| ending.map(|state| *state)) {
                Ok(Ok(state)) => state.is_lost || !state.is_ended_by_us,
                Ok(Err(_)) => false,
                Err(_) => {
                    let is_lost_or_over = |state: &State| state.is_lost || state.is_ended_by_us;
                    let lost = timeout(SHUTDOWN_GRACE, states.wait_for(is_lost_or_over)).await;
                    lost.is_ok_and(|lost| lost.is_ok_and(|state| state.is_lost))
                }
            };
            if !is_cut_short {
                let what = Observation::Troubled(Trouble::PlaybackFailed { link, media });
                seen.tell(Seen { side, at: Instant::now(), stamp: None, what });
            }
        });
    }

    /// What an event tells a run, if anything.
    fn told_by(&self, event: &Event) -> Option<Observation> {
        match (event, observe(event)?) {
            (Event::PlaybackFinished(finished), Observation::PlaybackFinished { media })
                if finished.playback.state == PlaybackState::Failed =>
            {
                if self.state().phase < Phase::Ending {
                    self.tell_of_failed_playback(media);
                }
                None
            }
            (_, Observation::Gone { end: None }) if self.tells_its_end => None,
            (_, told) => Some(told),
        }
    }
}

impl Watched for Channel {
    fn id(&self) -> &str {
        &self.id
    }

    fn is_up(&self) -> bool {
        match self.state().phase {
            Phase::Outside => self.is_heard_of(),
            Phase::InApp => true,
            Phase::Ending | Phase::Vanished | Phase::Gone => false,
        }
    }
}

impl Subscriber for Channel {
    fn deliver(&self, delivery: Delivery) {
        self.is_heard_of.store(true, Ordering::Relaxed);
        if self.side == Side::Src
            && let Event::StasisStart(start) = &*delivery.event
        {
            let _ = self.name.set(start.channel.name.to_string());
            self.state.send_modify(|state| state.phase = state.phase.max(Phase::InApp));
        }
        if let Some((to, next)) = forwarded_to(&delivery.event).filter(|_| *delivery.subject == *self.id) {
            return self.is_forwarded(to, next, &delivery);
        }
        let Some(what) = self.told_by(&delivery.event) else { return };
        let seen = Seen { side: self.side, at: delivery.received, stamp: self.stamp(&delivery), what };
        match self.forwarding.meaning(&seen) {
            Meaning::AsTold(held) => held.into_iter().chain([seen]).for_each(|seen| self.take_in(seen)),
            Meaning::Held | Meaning::Past => {}
        }
    }

    fn lose(&self, _server: &Arc<str>, why: &Lost) {
        self.seen.end(trouble_of(&self.server.name, why));
        self.state.send_modify(|state| state.is_lost = true);
    }
}

impl Channel {
    /// Tells what was seen, and moves on by it.
    fn take_in(&self, seen: Seen) {
        let before = self.state();
        let what = &seen.what;
        let next = match *what {
            Observation::HangupRequest { is_soft: false, .. } => Phase::Ending,
            Observation::Gone { .. } => Phase::Gone,
            _ => before.phase,
        };
        let is_shutdown = matches!(*what, Observation::HangupRequest { end, is_soft: true } if end.cause == SHUTDOWN);
        let examination =
            self.examination.as_ref().filter(|_| next == Phase::Gone && before.says_nothing && what.says_nothing());
        if examination.is_some() {
            // Whoever hears of its end and ends the leg must find that there is something to wait for.
            self.state.send_modify(|state| state.phase = state.phase.max(Phase::Vanished));
        }
        self.seen.tell(seen);
        if is_shutdown {
            self.tell(Observation::Troubled(Trouble::ServerStopped { link: self.link.clone() }));
        }
        if let Some(examination) = examination {
            examination.begin(&self.server, &self.seen, &self.state);
        } else if next > before.phase || before.says_nothing {
            // After it was told: what is known to be gone has told its end.
            self.state.send_modify(|state| (state.phase, state.says_nothing) = (state.phase.max(next), false));
        }
    }
}

fn state(phase: Phase) -> Arc<watch::Sender<State>> {
    Arc::new(watch::Sender::new(State { phase, says_nothing: true, is_ended_by_us: false, is_lost: false }))
}
