//! One leg on a scripted server.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use calltest_core::evidence::{Observation, Side};
use calltest_core::verdict::Trouble;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::scripted::agenda::Deed;
use crate::scripted::calls::{Call, CallId, Given, Phase};
use crate::scripted::state::{Shared, State};
use crate::scripted::{CommandKind, Recorded, wav};
use crate::{BoxFuture, Command, Left, Leg, NotHeard, Pace, Refused, Seen};

/// How long a leg that is hung up may take to go.
const HANGUP_GRACE: Duration = Duration::from_secs(2);

/// A leg of a call.
pub(super) struct ScriptedLeg {
    world: Arc<Shared>,
    call: CallId,
    side: Side,
    label: String,
}

impl ScriptedLeg {
    pub(super) fn new(world: Arc<Shared>, call: CallId, side: Side) -> Self {
        let label = world.with(|state| state.calls[call].leg(side).map(|leg| leg.label.clone()));
        Self { world, call, side, label: label.unwrap_or_default() }
    }

    fn phase(&self) -> watch::Receiver<Phase> {
        let leg = |state: &mut State| state.calls[self.call].leg(self.side).map(|leg| leg.phase.subscribe());
        self.world.with(leg).expect("a call keeps its legs for as long as the world lasts")
    }

    fn is_lost(&self) -> bool {
        self.world.with(|state| {
            let leg = state.calls[self.call].leg(self.side);
            leg.is_none_or(|leg| state.is_lost(&leg.server))
        })
    }
}

impl Leg for ScriptedLeg {
    fn label(&self) -> &str {
        &self.label
    }

    fn command(&mut self, command: Command) -> BoxFuture<'static, Result<(), Refused>> {
        let (world, call, side) = (Arc::clone(&self.world), self.call, self.side);
        let mut phase = self.phase();
        Box::pin(async move {
            loop {
                if let Some(outcome) = world.with(|state| state.command(call, side, &command)) {
                    let (outcome, time) = outcome;
                    let unanswered = Unanswered { world: &world, call, side, is_answered: time.is_zero() };
                    if !time.is_zero() {
                        sleep(time).await;
                    }
                    unanswered.settle();
                    return outcome;
                }
                if phase.changed().await.is_err() {
                    return Err(Refused::Over);
                }
            }
        })
    }

    fn sending_time(&self, digits: usize, pace: Pace) -> Duration {
        (pace.tone + pace.gap) * digits.try_into().unwrap_or(u32::MAX)
    }

    fn identify(&mut self) -> BoxFuture<'static, Result<Vec<Observation>, Refused>> {
        let identified = self.world.with(|state| state.calls[self.call].story.identified.clone());
        Box::pin(std::future::ready(identified.unwrap_or_else(|| Ok(Vec::new()))))
    }

    fn measure(&mut self) -> BoxFuture<'static, Vec<Observation>> {
        let measured = |state: &mut State| state.calls[self.call].story.measured.get(&self.side).cloned();
        let measured = self.world.with(measured).unwrap_or_default();
        Box::pin(std::future::ready(measured))
    }

    fn fetch(&mut self) -> BoxFuture<'_, Option<Result<Bytes, NotHeard>>> {
        let (recorded, time) = self.world.with(|state| {
            let call = &mut state.calls[self.call];
            let time = call.story.fetch_times.get(&self.side).copied().unwrap_or_default();
            (call.fetch(self.side), time)
        });
        Box::pin(async move {
            if recorded.is_some() && !time.is_zero() {
                sleep(time).await;
            }
            recorded
        })
    }

    fn end(&mut self) -> BoxFuture<'_, Result<(), Left>> {
        Box::pin(async move {
            let mut phase = self.phase();
            if *phase.borrow_and_update() == Phase::Gone {
                return Ok(());
            }
            if self.is_lost() {
                self.world.with(|state| state.abandon(self.call, self.side));
                return Err(Left { why: "the connection is lost".into() });
            }
            self.world.with(|state| state.agenda.plan(Duration::ZERO, Deed::HangUp(self.call, self.side)));
            let gone = timeout(HANGUP_GRACE, phase.wait_for(|phase| *phase == Phase::Gone)).await;
            if matches!(gone, Ok(Ok(_))) {
                return Ok(());
            }
            self.world.with(|state| state.make_sure_gone(self.call, self.side))
        })
    }
}

impl Call {
    /// Hands over what a side has heard.
    fn fetch(&mut self, side: Side) -> Option<Result<Bytes, NotHeard>> {
        let recorded = self.story.recorded.get(&side).cloned().unwrap_or_default();
        let is_forgetful = self.story.forgetful.contains(&side);
        let leg = self.leg_mut(side)?;
        if recorded == Recorded::Unasked {
            return Some(Ok(wav(Duration::ZERO)));
        }
        let since = leg.recording_since.take().filter(|_| leg.is_up() || !is_forgetful)?;
        Some(match recorded {
            Recorded::WholeTime | Recorded::Unasked => Ok(wav(leg.ended_at.unwrap_or_else(Instant::now) - since)),
            Recorded::Wav(bytes) => Ok(bytes),
            Recorded::Missing { why } => Err(NotHeard::Missing { why }),
            Recorded::Failed { why } => Err(NotHeard::Failed { why }),
        })
    }
}

impl State {
    /// Gives a leg a command: how that comes out, and how long it takes to know. `None` as long as it takes none.
    fn command(&mut self, call: CallId, side: Side, command: &Command) -> Option<(Result<(), Refused>, Duration)> {
        let leg = self.calls[call].leg(side)?;
        let (run, server, kind) = (leg.run, leg.server.clone(), CommandKind::of(command));
        match leg.phase() {
            _ if self.is_lost(&server) => {
                return Some((Err(Refused::Unclear { why: "the connection was lost".into() }), Duration::ZERO));
            }
            Phase::Outside => return None,
            Phase::Open => {}
            Phase::Ending | Phase::GoneUntold | Phase::Gone => return Some((Err(Refused::Over), Duration::ZERO)),
        }
        if let Some(run) = run {
            self.given.push(Given { at: Instant::now(), run, side, command: command.clone() });
        }
        let story = Arc::clone(&self.calls[call].story);
        let time = story.answer_times.get(&(side, kind)).copied().unwrap_or_default();
        let outcome = match story.refusals.get(&(side, kind)) {
            Some(refused) => Err(refused.clone()),
            None => {
                self.obey(call, side, command);
                Ok(())
            }
        };
        Some((outcome, time))
    }

    /// There may be a leg that nobody holds.
    fn abandon(&mut self, call: CallId, side: Side) {
        let Some(leg) = self.calls[call].leg_mut(side) else { return };
        leg.is_abandoned = true;
        let server = leg.server.clone();
        self.suspect(&server);
    }

    fn suspect(&mut self, server: &str) {
        if let Some(server) = self.servers.get_mut(server) {
            server.is_suspect = true;
        }
    }

    /// Looks at a leg whose end was not told in time.
    fn make_sure_gone(&mut self, call: CallId, side: Side) -> Result<(), Left> {
        let Some(leg) = self.calls[call].leg_mut(side) else { return Ok(()) };
        match leg.phase() {
            Phase::Gone => Ok(()),
            Phase::GoneUntold => {
                let (server, channel) = (leg.server.as_str().into(), leg.label.clone());
                let untold = Trouble::EndUntold { server, channel };
                for what in [Observation::Gone { end: None }, Observation::Troubled(untold)] {
                    leg.tell(Seen { side, at: Instant::now(), stamp: None, what });
                }
                leg.come_to(Phase::Gone);
                Ok(())
            }
            Phase::Outside | Phase::Open | Phase::Ending => {
                self.abandon(call, side);
                Err(Left { why: "the story has it stay".into() })
            }
        }
    }
}

impl Drop for ScriptedLeg {
    fn drop(&mut self) {
        self.world.with(|state| {
            let Some(leg) = state.calls[self.call].leg_mut(self.side) else { return };
            leg.is_abandoned = true;
            if leg.is_up() && !leg.is_being_ended {
                state.dropped += 1;
                state.agenda.plan(Duration::ZERO, Deed::HangUp(self.call, self.side));
            }
        });
    }
}

/// A command that was taken, and whose answer is awaited.
struct Unanswered<'w> {
    world: &'w Arc<Shared>,
    call: CallId,
    side: Side,
    is_answered: bool,
}

impl Unanswered<'_> {
    fn settle(mut self) {
        self.is_answered = true;
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.world.with(|state| {
                let server = state.calls[self.call].leg(self.side).map(|leg| leg.server.clone());
                state.suspect(&server.unwrap_or_default());
            });
        }
    }
}
