//! The call of one run: what it knows so far, and the one wait that every step goes through.
//!
//! What the scripts do is in `verbs.rs`, what they wait for in `waits.rs`, how a call is brought to its end in `finish.rs`.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use calltest_core::abilities::Abilities;
use calltest_core::evidence::{Awaiting, Observation, Side, Stop};
use calltest_core::expectation::Expectation;
use calltest_core::plan::{self, CallTest, Link, LinkName};
use calltest_core::run::RunId;
use calltest_core::verdict::Trouble;
use calltest_engine::{Arriving, Command, Listening, Observations, Refused, Seen, Sink, queue};
use calltest_trigger as trigger;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::calls_out::ReturnWatch;
use crate::connection::Open;
use crate::control::Control;
use crate::guard::{Budgets, CountedCall};
use crate::inbox::{Inbox, Notice, Rest};
use crate::legs::{LegState, Legs};
use crate::recorder::Recorder;
use crate::servers::unavailable;
use crate::switchboard::Registration;

/// How many things seen may wait for a run. A dtmf test of a hundred digits has some two hundred in all.
const QUEUE: usize = 1024;
/// How long to wait for the leg's end that an engine says it has told.
const EXPLANATION: Duration = Duration::from_millis(500);

/// One call under way.
pub(crate) struct Call<'a> {
    pub(crate) run: RunId,
    pub(crate) test: &'a CallTest,
    pub(crate) expectation: &'a Expectation,
    pub(crate) deadline: Instant,
    control: &'a Control,
    pub(crate) parties: Parties,
    /// What the engine of the source can show, or that of the destination where there is no source.
    pub(crate) abilities: Abilities,
    pub(crate) legs: Legs,
    pub(crate) arrivals: Arrivals,
    pub(crate) departure: Departure,
    pub(crate) trigger: Option<trigger::Running>,
    pub(crate) recorder: Recorder,
    pub(crate) sink: Sink,
    observations: Observations,
}

/// The sides of a call that are ours.
#[derive(Default)]
pub(crate) struct Parties {
    pub(crate) src: Option<Party>,
    pub(crate) dst: Option<Party>,
}

/// One of them: a link, and what carries its calls.
#[derive(Clone)]
pub(crate) struct Party {
    pub(crate) link: Arc<Link>,
    pub(crate) server: Arc<plan::Server>,
    pub(crate) open: Open,
    /// Whether calls of other links arrive under the same name.
    pub(crate) shares_trunk: bool,
}

/// What a run knows of calls that come in.
#[derive(Default)]
pub(crate) struct Arrivals {
    pub(crate) inbox: Arc<Inbox>,
    /// Its own call, until it takes it.
    pub(crate) arrived: Option<Arriving>,
    pub(crate) registration: Option<Registration>,
    pub(crate) listening: Option<Listening>,
    /// A call was turned away that may have been its own.
    pub(crate) doubt: Option<Trouble>,
}

/// What a run knows of the call that it sends out.
#[derive(Default)]
pub(crate) struct Departure {
    /// When the engine had taken it.
    pub(crate) dialled: Option<Instant>,
    /// Since when it, or the call that a trigger causes, may be on its way.
    pub(crate) out_since: Option<Instant>,
    pub(crate) return_watch: Option<ReturnWatch>,
    /// What may be dialled.
    pub(crate) plan: Option<Arc<plan::Plan>>,
    /// The budgets that it has to fit, if there are any.
    pub(crate) budgets: Option<Arc<Budgets>>,
    /// The call as the budgets count it.
    pub(crate) counted: Option<CountedCall>,
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
    Seen(Result<Seen, Trouble>),
    Notice(Notice),
    Triggered(trigger::Outcome),
    CalledOff(Stop),
    TimeIsUp,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        run: RunId,
        test: &'a CallTest,
        expectation: &'a Expectation,
        parties: Parties,
        recorder: Recorder,
        control: &'a Control,
    ) -> Self {
        let (sink, observations) = queue(QUEUE);
        let deadline = recorder.started() + expectation.deadline;
        let abilities = parties.src.as_ref().or(parties.dst.as_ref()).map(|party| party.open.engine.abilities());
        Self {
            run,
            test,
            expectation,
            deadline,
            control,
            parties,
            abilities: abilities.unwrap_or(Abilities::ALL),
            legs: Legs::default(),
            arrivals: Arrivals::default(),
            departure: Departure::default(),
            trigger: None,
            recorder,
            sink,
            observations,
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
            if let Some(side) = self.legs.over() {
                return Err(Stop::LegEnded { side, awaiting });
            }
            match self.wake(called_off.as_mut(), alarm.as_mut()).await {
                Wake::Seen(seen) => self.take_in(seen)?,
                Wake::Notice(notice) => self.on_notice(notice)?,
                Wake::Triggered(outcome) => self.on_trigger_done(outcome)?,
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
            // Before what was seen: a call that was rejected is told of first, and ends the run for its own reason.
            notice = self.arrivals.inbox.next() => Wake::Notice(notice),
            seen = self.observations.next() => Wake::Seen(seen),
            outcome = outcome_of(&mut self.trigger) => Wake::Triggered(outcome),
            () = alarm => Wake::TimeIsUp,
        }
    }

    /// Takes in what is seen for a while after the script is over, when only the legs' ends matter. Returns early once
    /// `is_enough`.
    pub(crate) async fn linger(&mut self, limit: Instant, is_enough: impl Fn(&Self) -> bool) -> Result<(), Trouble> {
        while !is_enough(self) {
            let seen = tokio::select! {
                biased;
                seen = self.observations.next() => seen,
                () = sleep_until(limit) => return Ok(()),
            };
            self.note_seen(seen?);
        }
        Ok(())
    }

    /// Takes in what has been seen already.
    pub(crate) fn catch_up(&mut self) -> Result<(), Trouble> {
        while let Some(seen) = self.observations.try_next()? {
            self.note_seen(seen);
        }
        Ok(())
    }

    fn take_in(&mut self, seen: Result<Seen, Trouble>) -> Result<(), Stop> {
        match self.note_seen(seen.map_err(Stop::Trouble)?) {
            Some(trouble) => Err(Stop::Trouble(trouble)),
            None => Ok(()),
        }
    }

    /// Moves a leg on and notes what was seen of it. Returns the trouble, if it was one that leaves nothing to find out.
    fn note_seen(&mut self, seen: Seen) -> Option<Trouble> {
        // What is told of a call that was never made means nothing.
        self.legs.get_mut(seen.side)?.advance(&seen.what);
        let trouble = match &seen.what {
            Observation::Troubled(trouble) if !trouble.is_uncertainty() => Some(trouble.clone()),
            Observation::Forwarded { to, .. } => self.forbidden_by_guard(to),
            _ => None,
        };
        self.recorder.note_seen(seen);
        trouble
    }

    /// Takes in how the trigger came out.
    fn on_trigger_done(&mut self, outcome: trigger::Outcome) -> Result<(), Stop> {
        self.trigger = None;
        let result = outcome.map_err(|why| Stop::Trouble(Trouble::TriggerFailed { why }))?;
        self.recorder.note(None, Observation::TriggerDone { result });
        Ok(())
    }

    /// The run's own time is up. Where a trigger is still at work and nobody has called, nobody can tell whether the call would
    /// have come. A wrong call speaks for itself.
    fn out_of_time(&self, awaiting: Awaiting) -> Stop {
        let has_called = self.saw(Side::Dst, |what| matches!(what, Observation::WrongCall { .. }));
        match &self.trigger {
            Some(trigger) if awaiting == Awaiting::Arrival && !has_called => {
                Stop::Trouble(Trouble::TriggerUnfinished {
                    link: self.link(Side::Dst),
                    within: self.expectation.deadline,
                    what: trigger.what().to_owned(),
                })
            }
            Some(_) | None => Stop::Deadline { awaiting },
        }
    }

    /// Takes in what the switchboard has to say.
    fn on_notice(&mut self, notice: Notice) -> Result<(), Stop> {
        let what = match notice {
            Notice::Arrived(arriving) => {
                let (caller, dialled) = (arriving.caller.clone(), arriving.dialled.clone());
                self.arrivals.arrived = Some(arriving);
                Observation::Arrived { caller, dialled }
            }
            Notice::WrongCall { caller, dialled, mismatch } => {
                Observation::WrongCall { caller, dialled, mismatch: mismatch.map(Box::new) }
            }
            Notice::Stranger { caller } => Observation::Stranger { caller },
            Notice::TurnedAway { link, caller, dialled } => Observation::TurnedAway { link, caller, dialled },
            Notice::Duplicate { caller, dialled } => Observation::Duplicate { caller, dialled },
            Notice::AnotherFits => {
                return Err(Stop::Trouble(Trouble::TwoCallsFit { link: self.link(Side::Dst) }));
            }
            Notice::PerhapsLate { caller } => {
                let doubt = Trouble::PerhapsLate { link: self.link(Side::Dst), caller };
                self.arrivals.doubt = Some(doubt.clone());
                Observation::Troubled(doubt)
            }
            Notice::CameBack { link } => {
                self.recorder.note(Some(Side::Dst), Observation::CameBack { link });
                return Err(Stop::CameBack);
            }
        };
        self.recorder.note(Some(Side::Dst), what);
        Ok(())
    }

    /// Has a leg do something that the script needs. One that refuses since it is ending is no trouble but its end.
    pub(crate) async fn command(&mut self, side: Side, command: Command) -> Result<(), Stop> {
        self.ready(side)?;
        let action = action(&command);
        let leg = self.legs.get_mut(side).expect("a script speaks only to legs that it has seen");
        let done = leg.leg.command(command);
        let outcome = self.in_time(done).await?;
        match outcome {
            Some(Ok(())) => Ok(()),
            Some(Err(refused)) => Err(self.explain(side, action, refused).await),
            None => {
                let why = "the server did not answer before the time was up".into();
                Err(Stop::Trouble(self.request_failed(side, action, why)))
            }
        }
    }

    /// Waits for an engine; `None` if the time is up before.
    pub(crate) async fn in_time<T>(&self, done: impl Future<Output = T>) -> Result<Option<T>, Stop> {
        tokio::select! {
            biased;
            stop = self.control.called_off() => Err(stop),
            done = done => Ok(Some(done)),
            () = sleep_until(self.deadline) => Ok(None),
        }
    }

    /// What ends the script when a command was refused. `action` completes "could not …".
    pub(crate) async fn explain(&mut self, side: Side, action: &str, refused: Refused) -> Stop {
        match refused {
            Refused::Over => {
                let (awaiting, limit) = (Awaiting::Pause, Instant::now() + EXPLANATION);
                match self.wait(awaiting, Some(limit), |call| call.legs.over().is_some()).await {
                    Ok(_) => Stop::LegEnded { side: self.legs.over().unwrap_or(side), awaiting },
                    Err(stop) => stop,
                }
            }
            Refused::Unclear { why } | Refused::No { why } => Stop::Trouble(self.request_failed(side, action, why)),
        }
    }

    pub(crate) fn request_failed(&self, side: Side, action: &str, why: String) -> Trouble {
        Trouble::RequestFailed { action: format!("{action} on {}", self.link(side)), why }
    }

    /// Whether the script may go on with a side.
    pub(crate) fn ready(&self, side: Side) -> Result<(), Stop> {
        let Party { server, open, .. } = self.party(side);
        open.engine.ready().map_err(|why| Stop::Trouble(unavailable(&server.name, &why)))
    }

    pub(crate) fn has_come_to(&self, side: Side, state: LegState) -> bool {
        self.legs.has_come_to(side, state)
    }

    pub(crate) fn party(&self, side: Side) -> &Party {
        let party = match side {
            Side::Src => self.parties.src.as_ref(),
            Side::Dst => self.parties.dst.as_ref(),
        };
        party.expect("a mode speaks only of the sides that its test has")
    }

    pub(crate) fn link(&self, side: Side) -> LinkName {
        self.party(side).link.name.clone()
    }

    /// Ends the wait for calls. Returns what came in and was not looked at.
    pub(crate) fn stop_waiting_for_calls(&mut self) -> Rest {
        (self.arrivals.registration, self.arrivals.listening) = (None, None);
        self.departure.return_watch = None;
        self.arrivals.inbox.close()
    }
}

/// Waits for the outcome of a trigger, if there is one under way.
async fn outcome_of(trigger: &mut Option<trigger::Running>) -> trigger::Outcome {
    match trigger {
        Some(running) => running.outcome().await,
        None => std::future::pending().await,
    }
}

/// What a command does, as it completes "could not …".
fn action(command: &Command) -> &'static str {
    match command {
        Command::Limit(_) => "limit the duration of the call",
        Command::Progress => "signal early media",
        Command::Ring => "signal ringing",
        Command::Answer => "answer the call",
        Command::Reject(_) => "reject the call",
        Command::SendDigits { .. } => "send digits",
        Command::FlushDigits => "send silence",
        Command::Say(_) => "play a sound",
        Command::Hear { .. } => "record the call",
    }
}
