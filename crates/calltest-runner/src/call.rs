//! The call of one run: its legs, what was seen of them, and the one wait that every step goes through.
//!
//! What the scripts say is in `verbs.rs`, how a call is brought to its end in `ending.rs`.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use calltest_ari::{
    Delivery, DiallingTurn, Event, EventQueue, EventSender, Lost, Operation, QueueError, RequestError, Subscription,
    event_queue,
};
use calltest_core::evidence::{Awaiting, Observation, Side, Stop};
use calltest_core::expectation::Expectation;
use calltest_core::plan::CallTest;
use calltest_core::run::RunId;
use calltest_core::verdict::Trouble;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::control::Control;
use crate::guard::{Budgets, CountedCall};
use crate::leg::{Leg, LegState};
use crate::observe::{Recorder, observe, server_time};
use crate::reception::{self, Called, Place};
use crate::recording::Tape;
use crate::servers::Server;
use crate::trigger;

/// How many events may wait for a run. A dtmf test of a hundred digits has some two hundred events in all.
const QUEUE: usize = 1024;
/// How long to wait for the event that explains why a channel refused a command.
const EXPLANATION: Duration = Duration::from_millis(500);

/// One call under way.
pub(crate) struct Call<'a> {
    pub(crate) run: RunId,
    pub(crate) test: &'a CallTest,
    pub(crate) expectation: &'a Expectation,
    pub(crate) src: Option<End>,
    pub(crate) dst: Option<End>,
    pub(crate) outbound: Option<Leg>,
    pub(crate) inbound: Option<Leg>,
    pub(crate) recorder: Recorder,
    pub(crate) deadline: Instant,
    pub(crate) arrival: Option<calltest_ari::Arrival>,
    pub(crate) sender: EventSender,
    pub(crate) to_reception: mpsc::Sender<Called>,
    pub(crate) places: Vec<Place>,
    pub(crate) calls: mpsc::Receiver<Called>,
    pub(crate) tapes: Vec<Tape>,
    /// When the server had taken the call that we send out.
    pub(crate) dialled: Option<Instant>,
    /// Notices the loss of the server on which a call is awaited.
    pub(crate) watch: Option<Subscription>,
    pub(crate) trigger: Option<trigger::Running>,
    /// The budgets that an outbound call has to fit, if there are any.
    pub(crate) budgets: Option<Arc<Budgets>>,
    /// The outbound call as the budgets count it.
    pub(crate) counted: Option<CountedCall>,
    events: EventQueue,
    control: &'a Control,
}

/// One end of a call: a link, and the server it lies on.
#[derive(Clone)]
pub(crate) struct End {
    pub(crate) link: Arc<calltest_core::plan::Link>,
    pub(crate) server: Arc<Server>,
    /// Whether calls of other links arrive under the same name.
    pub(crate) shares_trunk: bool,
}

/// How a wait with a limit of its own ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// What it waited for is there.
    Seen,
    /// Its limit came first.
    Elapsed,
}

/// What woke a wait.
enum Wake {
    Event(Result<Delivery, QueueError>),
    Called(Called),
    Triggered(trigger::Outcome),
    CalledOff(Stop),
    TimeIsUp,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        run: RunId,
        test: &'a CallTest,
        expectation: &'a Expectation,
        (src, dst): (Option<End>, Option<End>),
        recorder: Recorder,
        control: &'a Control,
    ) -> Self {
        let (sender, events) = event_queue(QUEUE);
        let (to_reception, calls) = reception::calls();
        let deadline = recorder.started() + expectation.deadline;
        Self {
            run,
            test,
            expectation,
            src,
            dst,
            outbound: None,
            inbound: None,
            recorder,
            deadline,
            arrival: None,
            sender,
            to_reception,
            places: Vec::new(),
            calls,
            tapes: Vec::new(),
            dialled: None,
            watch: None,
            trigger: None,
            budgets: None,
            counted: None,
            events,
            control,
        }
    }

    /// Waits until `is_there`, for as long as the run may last.
    pub(crate) async fn until(&mut self, awaiting: Awaiting, is_there: impl Fn(&Self) -> bool) -> Result<(), Stop> {
        self.wait(awaiting, None, is_there).await.map(drop)
    }

    /// Waits until `is_there`, or until a limit of the step's own.
    ///
    /// Every wait has these ways out, and no step waits otherwise: what it waits for; a leg that ends; the run called off;
    /// the run's deadline; the connection lost.
    pub(crate) async fn wait(
        &mut self,
        awaiting: Awaiting,
        limit: Option<Instant>,
        is_there: impl Fn(&Self) -> bool,
    ) -> Result<Waited, Stop> {
        let until = limit.map_or(self.deadline, |limit| limit.min(self.deadline));
        let mut alarm = pin!(sleep_until(until));
        let control = self.control.clone();
        let mut called_off = pin!(control.called_off());
        loop {
            if is_there(self) {
                return Ok(Waited::Seen);
            }
            if let Some(side) = self.leg_over() {
                return Err(Stop::LegEnded { side, awaiting });
            }
            match self.wake(called_off.as_mut(), alarm.as_mut()).await {
                Wake::Event(delivery) => self.take_in(delivery)?,
                Wake::Called(called) => self.hear_of(called)?,
                Wake::Triggered(outcome) => self.take_in_outcome(outcome)?,
                Wake::CalledOff(stop) => return Err(stop),
                Wake::TimeIsUp if Instant::now() >= self.deadline => return Err(self.out_of_time(awaiting)),
                Wake::TimeIsUp => return Ok(Waited::Elapsed),
            }
        }
    }

    async fn wake(&mut self, called_off: Pin<&mut impl Future<Output = Stop>>, alarm: Pin<&mut Sleep>) -> Wake {
        tokio::select! {
            biased;
            stop = called_off => Wake::CalledOff(stop),
            // Before the events: a call that was rejected is told of first, and ends the run for its own reason.
            Some(called) = self.calls.recv() => Wake::Called(called),
            delivery = self.events.next() => Wake::Event(delivery),
            outcome = outcome_of(&mut self.trigger) => Wake::Triggered(outcome),
            () = alarm => Wake::TimeIsUp,
        }
    }

    /// Takes in events for a while after the script is over, when only the channels' ends matter. Returns early once
    /// `is_enough`.
    pub(crate) async fn linger(&mut self, limit: Instant, is_enough: impl Fn(&Self) -> bool) -> Result<(), Trouble> {
        while !is_enough(self) {
            let delivery = tokio::select! {
                biased;
                delivery = self.events.next() => delivery,
                () = sleep_until(limit) => return Ok(()),
            };
            if let Err(Stop::Trouble(trouble)) = self.take_in(delivery) {
                return Err(trouble);
            }
        }
        Ok(())
    }

    /// Takes in one event: moves its leg on and notes what it tells.
    fn take_in(&mut self, delivery: Result<Delivery, QueueError>) -> Result<(), Stop> {
        let delivery = delivery.map_err(|error| Stop::Trouble(self.lost(error)))?;
        if let Some(tape) = self.tapes.iter_mut().find(|tape| tape.channel == delivery.subject) {
            tape.advance(&delivery.event);
            return Ok(());
        }
        let observation = observe(&delivery.event);
        let legs = [self.outbound.as_mut(), self.inbound.as_mut()];
        let Some(leg) = legs.into_iter().flatten().find(|leg| leg.channel == delivery.subject) else { return Ok(()) };
        let counts = leg.advance(&delivery.event, observation.as_ref());
        let side = leg.side;
        if let Some(observation) = observation.filter(|_| counts) {
            let stamp = delivery.event.timestamp().and_then(server_time);
            self.recorder.note_event(side, delivery.received, stamp, observation);
        }
        self.take_in_media(side, &delivery)
    }

    /// Takes in what happened to a sound.
    fn take_in_media(&mut self, side: Side, delivery: &Delivery) -> Result<(), Stop> {
        use calltest_ari::models::PlaybackState;
        let stamp = || delivery.event.timestamp().and_then(server_time);
        match &*delivery.event {
            Event::PlaybackStarted(started) => {
                let media = started.playback.media_uri.to_string();
                self.recorder.note_event(side, delivery.received, stamp(), Observation::PlaybackStarted { media });
            }
            Event::PlaybackFinished(finished) => {
                let media = finished.playback.media_uri.to_string();
                if finished.playback.state == PlaybackState::Failed {
                    // A sound that the end of the call cuts short is told as failed, too.
                    if self.leg(side).is_some_and(Leg::is_over) {
                        return Ok(());
                    }
                    return Err(Stop::Trouble(Trouble::PlaybackFailed { link: self.link(side), media }));
                }
                self.recorder.note_event(side, delivery.received, stamp(), Observation::PlaybackFinished { media });
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes in how the trigger came out.
    fn take_in_outcome(&mut self, outcome: trigger::Outcome) -> Result<(), Stop> {
        self.trigger = None;
        let result = outcome.map_err(|why| Stop::Trouble(Trouble::TriggerFailed { why }))?;
        self.recorder.note(None, Observation::TriggerDone { result });
        Ok(())
    }

    /// The run's own time is up. Where a trigger is still at work, nobody can tell whether the call would have come.
    fn out_of_time(&self, awaiting: Awaiting) -> Stop {
        match &self.trigger {
            Some(trigger) if awaiting == Awaiting::Arrival => Stop::Trouble(Trouble::TriggerUnfinished {
                link: self.link(Side::Dst),
                within: self.expectation.deadline,
                what: trigger.what().to_owned(),
            }),
            _ => Stop::Deadline { awaiting },
        }
    }

    /// Takes in what the reception has to say.
    fn hear_of(&mut self, called: Called) -> Result<(), Stop> {
        let what = match called {
            Called::Arrived { arrival, caller, dialled } => {
                self.arrival = Some(arrival);
                Observation::Arrived { caller, dialled }
            }
            Called::Misfit { caller, dialled, mismatch } => Observation::Misfit { caller, dialled, mismatch },
            Called::Stranger { caller } => Observation::Stranger { caller },
            Called::AnotherFits => {
                return Err(Stop::Trouble(Trouble::TwoCallsFit { link: self.link(Side::Dst) }));
            }
            Called::CameBack { link } => {
                self.recorder.note(Some(Side::Dst), Observation::CameBack { link });
                return Err(Stop::CameBack);
            }
        };
        self.recorder.note(Some(Side::Dst), what);
        Ok(())
    }

    /// Sends a request that the script needs. A channel that refuses since it is ending is no trouble but the end of that
    /// leg.
    ///
    /// `action` completes "could not …".
    pub(crate) async fn ask<Op: Operation>(
        &mut self,
        side: Side,
        action: &str,
        operation: Op,
    ) -> Result<Op::Reply, Stop> {
        let client = self.connection(side)?.client.clone();
        let reply = tokio::select! {
            biased;
            stop = self.control.called_off() => return Err(stop),
            reply = client.request(operation) => reply,
            () = sleep_until(self.deadline) => {
                self.suspect_leavings(side);
                let why = "the server did not answer before the time was up".into();
                return Err(Stop::Trouble(self.request_failed(side, action, why)));
            }
        };
        match reply {
            Ok(reply) => Ok(reply),
            Err(error) => Err(self.explain(side, action, error).await),
        }
    }

    /// Waits until the server has room for another call that is dialled.
    pub(crate) async fn dialling_turn(&self) -> Result<DiallingTurn, Stop> {
        let client = self.connection(Side::Src)?.client.clone();
        let link = self.link(Side::Src);
        tokio::select! {
            biased;
            stop = self.control.called_off() => Err(stop),
            turn = client.dialling_turn() => turn.ok_or_else(|| {
                let why = "the connection is being closed".into();
                Stop::Trouble(self.request_failed(Side::Src, "dial", why))
            }),
            () = sleep_until(self.deadline) => {
                let (within, what) = (self.expectation.deadline, "waiting for its turn to dial");
                Err(Stop::Trouble(Trouble::OutOfTime { link, within, what }))
            }
        }
    }

    async fn explain(&mut self, side: Side, action: &str, error: RequestError) -> Stop {
        if error.is_not_found() || error.is_conflict() {
            let limit = Instant::now() + EXPLANATION;
            match self.wait(Awaiting::Pause, Some(limit), |call| call.leg_over().is_some()).await {
                Ok(Waited::Seen) => {
                    let side = self.leg_over().unwrap_or(side);
                    return Stop::LegEnded { side, awaiting: Awaiting::Pause };
                }
                Ok(Waited::Elapsed) => {}
                Err(stop) => return stop,
            }
        }
        if error.status().is_none() {
            // Nobody knows whether it was done, or will be.
            self.suspect_leavings(side);
        }
        Stop::Trouble(self.request_failed(side, action, error.to_string()))
    }

    /// Something of this run may be left on a side's server, or be made there later.
    pub(crate) fn suspect_leavings(&self, side: Side) {
        if let Some(connection) = self.end(side).server.line() {
            connection.leavings.suspect();
        }
    }

    fn request_failed(&self, side: Side, action: &str, why: String) -> Trouble {
        Trouble::RequestFailed { action: format!("{action} on {}", self.link(side)), why }
    }

    /// Why no more events come.
    fn lost(&self, error: QueueError) -> Trouble {
        match error {
            QueueError::Overflow { .. } => Trouble::Overflow,
            QueueError::Lost { server, why } => {
                let server = (&*server).into();
                match why {
                    Lost::OwnedByOther { owner } => Trouble::AppTaken { server, owner },
                    Lost::Replaced => Trouble::AppTaken { server, owner: "it does not say who it is".into() },
                    why => Trouble::ConnectionLost { server, why: why.to_string() },
                }
            }
        }
    }

    /// A leg that is ending or gone although the script still needs it, the outbound one first since it knows the cause.
    pub(crate) fn leg_over(&self) -> Option<Side> {
        let mut legs = [&self.outbound, &self.inbound].into_iter().flatten();
        legs.find(|leg| leg.is_over() && !leg.is_dismissed).map(|leg| leg.side)
    }

    pub(crate) fn leg(&self, side: Side) -> Option<&Leg> {
        match side {
            Side::Src => self.outbound.as_ref(),
            Side::Dst => self.inbound.as_ref(),
        }
    }

    /// The channel of a leg that the script has seen already.
    pub(crate) fn channel(&self, side: Side) -> String {
        self.leg(side).map(|leg| leg.channel.to_string()).expect("a script speaks only to legs that it has seen")
    }

    pub(crate) fn has_come_to(&self, side: Side, state: LegState) -> bool {
        self.leg(side).is_some_and(|leg| leg.state >= state && !leg.is_over())
    }

    pub(crate) fn end(&self, side: Side) -> &End {
        let end = match side {
            Side::Src => self.src.as_ref(),
            Side::Dst => self.dst.as_ref(),
        };
        end.expect("a mode speaks only of the ends that its test has")
    }

    pub(crate) fn link(&self, side: Side) -> calltest_core::plan::LinkName {
        self.end(side).link.name.clone()
    }

    pub(crate) fn connection(&self, side: Side) -> Result<&crate::wire::Connection, Stop> {
        self.end(side).server.connection().map_err(Stop::Trouble)
    }
}

/// Waits for the outcome of a trigger, if there is one under way.
async fn outcome_of(trigger: &mut Option<trigger::Running>) -> trigger::Outcome {
    match trigger {
        Some(running) => running.outcome().await,
        None => std::future::pending().await,
    }
}
