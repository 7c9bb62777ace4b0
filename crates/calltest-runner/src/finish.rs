//! The end of a call, however its script came out: look whether we could see, hang up, and be sure that all is gone.

use std::sync::Arc;
use std::time::Duration;

use calltest_core::evidence::{Evidence, Observation, ScriptEnd, Side, Sight, Stop};
use calltest_core::judge::passes_whatever_was_lost;
use calltest_core::verdict::Trouble;
use calltest_engine::{Arriving, Engine, Scrutiny, Sighting};
use futures_util::future::join_all;
use tokio::time::{Instant, sleep_until, timeout};

use crate::archive::{Archive, DISK_LIMIT};
use crate::call::{Call, Party};
use crate::inbox::{Notice, Rest};
use crate::late_calls::may_arrive_until;
use crate::legs::{CallLeg, LegState};
use crate::loop_watch::LoopWatch;

/// How long the second leg may take to follow the first one's end before we hang up ourselves: by then it knows the cause.
const CAUSE_GRACE: Duration = Duration::from_millis(300);
/// How long a rejection may take through the network to the caller.
const REJECTION_TO_SOURCE: Duration = Duration::from_secs(5);
/// How long it may take to learn how the legs were carried.
const MEASURE_LIMIT: Duration = Duration::from_secs(1);
/// How long the inbound leg may take to follow the outbound one once that is hung up, before we hang up both.
const OTHER_LEG_GRACE: Duration = Duration::from_secs(2);
/// How long a run that has ended before its call arrived waits for it: the next one might take it for its own.
const LATE_CALL_GRACE: Duration = Duration::from_secs(2);
/// How long a trigger may take to end once its call has.
const TRIGGER_GRACE: Duration = Duration::from_secs(2);

impl Call<'_> {
    /// Ends the call and closes its evidence.
    pub(crate) async fn finish(
        mut self,
        outcome: Result<(), Stop>,
        loop_watch: &LoopWatch,
        archive: &Archive,
    ) -> Evidence {
        let script_end = match outcome {
            Ok(()) => ScriptEnd::Completed,
            Err(stop) => ScriptEnd::Stopped(self.unless_doubted(stop)),
        };
        let started = self.recorder.started();
        let script_ended_at = started.elapsed();
        if matches!(script_end, ScriptEnd::Stopped(Stop::LegEnded { .. }))
            || self.legs.iter().any(|leg| leg.is_dismissed)
        {
            let all_over = |call: &Self| call.legs.iter().all(CallLeg::is_over);
            // A loss at this point shows itself again below.
            let _ = self.linger(Instant::now() + CAUSE_GRACE, all_over).await;
        }
        self.see_ends_meet().await;
        self.settle().await;
        self.see_whether_calls_are_taken().await;
        let sight = self.look_around(&script_end, script_ended_at).await;
        let is_settled = self.is_settled_by_network();
        self.measure().await;
        self.hang_up().await;
        // Nobody pays for a call that stays up while a server or a disk is slow.
        self.fetch_recordings(archive).await;
        self.count_forwarded().await;
        if let Some(counted) = self.departure.counted.take()
            && timeout(DISK_LIMIT, counted.end()).await.is_err()
        {
            let limit = DISK_LIMIT.as_secs();
            tracing::warn!(run_id = %self.run, "the end of a call could not be counted: no answer from the disk within {limit} s");
        }
        self.see_late_call(is_settled).await;
        self.turn_away_latecomers().await;
        self.finish_trigger(&script_end).await;
        let mut evidence = self.evidence(script_end, script_ended_at);
        evidence.sight = sight;
        evidence.loop_delay = loop_watch.longest_since(started);
        evidence
    }

    /// What is known so far, but for how well we could see. It holds all facts: the recorder has none of them any more.
    fn evidence(&mut self, script_end: ScriptEnd, script_ended_at: Duration) -> Evidence {
        let link = |party: &Option<Party>| party.as_ref().map(|party| party.link.name.clone());
        let server = |party: &Option<Party>| party.as_ref().map(|party| party.server.name.clone());
        Evidence {
            src: link(&self.parties.src),
            dst: link(&self.parties.dst),
            src_server: server(&self.parties.src),
            dst_server: server(&self.parties.dst),
            abilities: self.abilities,
            sight: Vec::new(),
            loop_delay: Duration::ZERO,
            facts: self.recorder.lend_facts(),
            script_end,
            script_ended_at,
        }
    }

    /// How closely to look whether we could see. A call that passes whatever else may have happened needs a sign of life only.
    fn scrutiny(&mut self, script_end: &ScriptEnd, script_ended_at: Duration) -> Scrutiny {
        if *script_end != ScriptEnd::Completed {
            return Scrutiny::Whole;
        }
        let mut evidence = self.evidence(ScriptEnd::Completed, script_ended_at);
        let is_proven = passes_whatever_was_lost(self.expectation, &mut evidence);
        self.recorder.take_back(evidence.facts);
        if is_proven { Scrutiny::SignOfLife } else { Scrutiny::Whole }
    }

    /// Where nothing else ties the call that we rejected to the one that went out, waits until its caller shows that it was
    /// rejected. One that never does is for the judge to see.
    async fn see_ends_meet(&mut self) {
        let is_rejected = self.legs.get(Side::Dst).is_some_and(|leg| leg.is_dismissed);
        let first = |side, what| self.recorder.facts_of(side).find(|fact| fact.what == what).map(|fact| fact.at);
        let is_caused_by_us = first(Side::Src, Observation::Ringing) >= first(Side::Dst, Observation::RingingSent);
        if is_rejected && self.legs.get(Side::Src).is_some() && !(self.expectation.caller.is_some() && is_caused_by_us)
        {
            let is_moved = |call: &Self| call.saw(Side::Src, Observation::answers_rejection);
            // A loss at this point shows itself again below.
            let _ = self.linger(Instant::now() + REJECTION_TO_SOURCE, is_moved).await;
        }
    }

    /// Lets engines come to an end with legs that are gone: where one ended without a word, they look into it first.
    async fn settle(&mut self) {
        for side in [Side::Src, Side::Dst] {
            if let Some(leg) = self.legs.get_mut(side).filter(|leg| leg.is_gone()) {
                // A leg that is gone leaves nothing.
                let _ = leg.leg.end().await;
            }
        }
    }

    /// A call that ended before it came in may have been turned away by the server on which it should have.
    async fn see_whether_calls_are_taken(&mut self) {
        let has_come = self.arrivals.arrived.is_some() || self.legs.get(Side::Dst).is_some();
        let is_over = self.legs.get(Side::Src).is_some_and(CallLeg::is_over);
        let has_rung = self.saw(Side::Src, |what| *what == Observation::Ringing);
        if has_come || has_rung || !is_over || self.parties.dst.is_none() {
            return;
        }
        if let Some(trouble) = self.party(Side::Dst).open.engine.turns_calls_away(self.run).await {
            self.recorder.note(Some(Side::Dst), Observation::Troubled(trouble));
        }
    }

    /// Has each server show that it can be seen, after all that was waited for: only then what was missing would have been seen
    /// as well. What was still on its way comes in meanwhile.
    async fn look_around(&mut self, script_end: &ScriptEnd, script_ended_at: Duration) -> Vec<Sight> {
        let (engines, since) = (self.engines(), self.recorder.started());
        let look = |scrutiny| join_all(engines.iter().map(move |engine| engine.sight(since, scrutiny)));
        let mut scrutiny = self.scrutiny(script_end, script_ended_at);
        let sightings = loop {
            let known = self.recorder.count();
            let sightings = look(scrutiny).await;
            let _ = self.catch_up();
            let is_seen = sightings.iter().all(|sighting| sighting.sight.round_trip.is_some());
            // The sign of life itself may be what somebody keeps from us.
            let needed = match is_seen {
                true if self.recorder.count() == known => scrutiny,
                true => self.scrutiny(script_end, script_ended_at),
                false => Scrutiny::Whole,
            };
            if needed <= scrutiny {
                break sightings;
            }
            scrutiny = needed;
        };
        let mut all = Vec::new();
        for Sighting { sight, uncertainty } in sightings {
            if let Some(uncertainty) = uncertainty {
                self.recorder.note(None, Observation::Troubled(uncertainty));
            }
            all.push(sight);
        }
        all
    }

    /// Has each leg that is up told how it was carried, which its engine forgets with it.
    async fn measure(&mut self) {
        let mut measuring = Vec::new();
        for side in [Side::Src, Side::Dst] {
            if self.legs.has_come_to(side, LegState::Answered)
                && let Some(leg) = self.legs.get_mut(side)
            {
                let measured = leg.leg.measure();
                measuring.push(async move { (side, measured.await) });
            }
        }
        // A call is not kept up for figures.
        let Ok(measured) = timeout(MEASURE_LIMIT, join_all(measuring)).await else { return };
        for (side, told) in measured {
            told.into_iter().for_each(|what| self.recorder.note(Some(side), what));
        }
    }

    /// Hangs up whatever is up, and returns once nothing is, or what is left has been named.
    async fn hang_up(&mut self) {
        for side in [Side::Src, Side::Dst] {
            // Once the connection is lost, nothing more comes in. Then the server is out of sight as well.
            let _ = self.catch_up();
            if side == Side::Dst && self.legs.get(Side::Src).is_some() {
                // The inbound leg follows the outbound one, unless the network in between is at fault.
                let is_gone = |call: &Self| call.legs.get(Side::Dst).is_none_or(CallLeg::is_gone);
                let _ = self.linger(Instant::now() + OTHER_LEG_GRACE, is_gone).await;
            }
            if let Err(trouble) = self.end_leg(side).await {
                self.recorder.note(None, Observation::Troubled(trouble));
            }
        }
        // What was lost may have been the cause of the end.
        if let Err(overflow @ Trouble::Overflow) = self.catch_up() {
            self.recorder.note(None, Observation::Troubled(overflow));
        }
    }

    async fn end_leg(&mut self, side: Side) -> Result<(), Trouble> {
        let server = |call: &Self| call.party(side).server.name.clone();
        let Some(leg) = self.legs.get_mut(side) else { return Ok(()) };
        if !leg.is_over() {
            self.recorder.note(Some(side), Observation::HangupSent);
        }
        match leg.leg.end().await {
            Ok(()) => {
                leg.state = LegState::Gone;
                Ok(())
            }
            Err(left) => {
                let channel = leg.leg.label().to_owned();
                Err(Trouble::ChannelLeft { server: server(self), channel, why: left.why })
            }
        }
    }

    /// What a stop comes to once a call was turned away that may have been the run's own: what followed may be our own doing.
    fn unless_doubted(&self, stop: Stop) -> Stop {
        match (&stop, &self.arrivals.doubt) {
            (Stop::Cancelled | Stop::FailedByOperator | Stop::Offline | Stop::CameBack | Stop::Trouble(_), _)
            | (_, None) => stop,
            (_, Some(doubt)) => Stop::Trouble(doubt.clone()),
        }
    }

    /// Whether somebody has answered the call out, or the network has ended it: then it is on its way to nobody any more. A
    /// soft request is the server's own, of which the network learns no sooner than of ours.
    fn is_settled_by_network(&self) -> bool {
        let Some(leg) = self.legs.get(Side::Src) else { return false };
        let is_soft = |what: &Observation| matches!(what, Observation::HangupRequest { is_soft: true, .. });
        let is_answered = self.saw(Side::Src, |what| *what == Observation::Answered);
        is_answered || (leg.is_over() && !self.saw(Side::Src, is_soft))
    }

    /// Waits a while for a call that is still on its way to us. If it does not come, the switchboard is told to expect it, unless
    /// the network has settled what becomes of it.
    async fn see_late_call(&mut self, is_settled: bool) {
        let has_come = self.arrivals.arrived.is_some()
            || self.legs.get(Side::Dst).is_some()
            || self.saw(Side::Dst, |what| matches!(what, Observation::CameBack { .. }));
        let Some(since) = self.departure.out_since.filter(|_| !has_come && self.arrivals.registration.is_some()) else {
            return;
        };
        // It must not cause another call meanwhile.
        self.trigger = None;
        let until = Instant::now() + LATE_CALL_GRACE;
        while self.arrivals.arrived.is_none() && self.ready(Side::Dst).is_ok() {
            tokio::select! {
                biased;
                notice = self.arrivals.inbox.next() => if let Notice::Arrived(arriving) = notice {
                    self.note_latecomer(&arriving);
                    self.arrivals.arrived = Some(arriving);
                },
                () = sleep_until(until) => break,
            }
        }
        if !is_settled && let Some(registration) = self.arrivals.registration.take() {
            registration.leave_late_call(may_arrive_until(since, self.expectation.deadline));
        }
    }

    fn note_latecomer(&mut self, arriving: &Arriving) {
        let (caller, dialled) = (arriving.caller.clone(), arriving.dialled.clone());
        self.recorder.note(Some(Side::Dst), Observation::Arrived { caller, dialled });
    }

    /// A call of ours that arrived after the script had stopped must not stay.
    async fn turn_away_latecomers(&mut self) {
        let mut latecomers: Vec<_> = self.arrivals.arrived.take().into_iter().collect();
        let Rest { notices, more_calls } = self.stop_waiting_for_calls();
        if more_calls > 0 {
            self.recorder.note(Some(Side::Dst), Observation::MoreCalls { count: more_calls });
        }
        for notice in notices {
            match notice {
                Notice::Arrived(arriving) => {
                    self.note_latecomer(&arriving);
                    latecomers.push(arriving);
                }
                Notice::Duplicate { caller, dialled } => {
                    self.recorder.note(Some(Side::Dst), Observation::Duplicate { caller, dialled });
                }
                _ => {}
            }
        }
        join_all(latecomers.into_iter().map(|arriving| arriving.call.reject())).await;
    }

    /// A trigger often ends with the call that it made. One that does not is ended by us, which says nothing against it;
    /// but if it complains, the run did not go as configured.
    async fn finish_trigger(&mut self, script_end: &ScriptEnd) {
        let Some(mut trigger) = self.trigger.take().filter(|_| *script_end == ScriptEnd::Completed) else { return };
        match timeout(TRIGGER_GRACE, trigger.outcome()).await {
            Ok(Ok(result)) => self.recorder.note(None, Observation::TriggerDone { result }),
            Ok(Err(why)) => self.recorder.note(None, Observation::Troubled(Trouble::TriggerFailed { why })),
            Err(_) => {}
        }
    }

    /// The engines involved, each once.
    fn engines(&self) -> Vec<Arc<dyn Engine>> {
        let mut engines: Vec<(&str, Arc<dyn Engine>)> = Vec::new();
        for Party { server, open, .. } in [&self.parties.src, &self.parties.dst].into_iter().flatten() {
            if !engines.iter().any(|(known, _)| *known == server.name.as_str()) {
                engines.push((server.name.as_str(), Arc::clone(&open.engine)));
            }
        }
        engines.into_iter().map(|(_, engine)| engine).collect()
    }
}
