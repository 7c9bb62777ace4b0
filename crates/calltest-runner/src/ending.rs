//! The end of a call, however its script came out: look whether we could see, hang up, and be sure that all is gone.

use std::time::Duration;

use calltest_ari::models::ConfigInfo;
use calltest_ari::requests::asterisk::{self, InfoSection};
use calltest_ari::requests::channels;
use calltest_core::evidence::{Ending, Evidence, Observation, Side, Sight, Stop};
use calltest_core::verdict::Trouble;
use tokio::time::Instant;

use crate::archive::Archive;
use crate::call::Call;
use crate::leg::{Leg, LegState};
use crate::loop_watch::LoopWatch;
use crate::reception::Called;
use crate::servers::Server;

/// How long the second leg may take to follow the first one's end before we hang up ourselves: by then it knows the cause.
const FOLLOW: Duration = Duration::from_millis(300);
/// How long a trigger may take to end once its call has.
const HEAR_OUT: Duration = Duration::from_secs(2);
/// How long a server that is being stopped may still answer.
const LAST_BREATH: Duration = Duration::from_secs(1);
/// How long a channel may take to go once it is hung up, before we ask for it.
const GO: Duration = Duration::from_secs(2);

impl Call<'_> {
    /// Ends the call and closes its evidence.
    pub(crate) async fn finish(
        mut self,
        outcome: Result<(), Stop>,
        loop_watch: &LoopWatch,
        archive: &Archive,
    ) -> Evidence {
        let ending = match outcome {
            Ok(()) => Ending::Completed,
            Err(stop) => Ending::Stopped(stop),
        };
        let round_trips = self.prove_sight(&ending).await;
        if round_trips.iter().all(Option::is_some) {
            self.doubt_room().await;
        }
        self.doubt_unreadable();
        let is_ending = matches!(ending, Ending::Stopped(Stop::LegEnded { .. }));
        if is_ending || self.legs().any(|leg| leg.is_dismissed) {
            let limit = Instant::now() + FOLLOW;
            let all_over = |call: &Self| call.legs().all(Leg::is_over);
            // A loss at this point shows itself again below.
            let _ = self.linger(limit, all_over).await;
        }
        self.end_recordings(archive).await;
        if let Err(trouble) = self.hang_up().await {
            self.recorder.note(None, Observation::Troubled(trouble));
        }
        self.doubt_untold();
        if let Some(counted) = self.counted.take() {
            counted.end().await;
        }
        self.turn_away_latecomers().await;
        self.hear_out_trigger(&ending).await;
        let started = self.recorder.started();
        let sight = self.servers().into_iter().zip(round_trips).map(|(server, round_trip)| {
            let silence = server.line().map(|connection| connection.client.longest_silence_since(started));
            let longest_silence = silence.unwrap_or_else(|| started.elapsed());
            Sight { server: server.plan.name.clone(), longest_silence, round_trip }
        });
        let sight = sight.collect();
        Evidence {
            src: self.src.as_ref().map(|end| end.link.name.clone()),
            dst: self.dst.as_ref().map(|end| end.link.name.clone()),
            sight,
            loop_delay: loop_watch.longest_since(started),
            facts: self.recorder.into_facts(),
            ending,
        }
    }

    /// Where the script stopped for want of something, sends each server a message to ourselves: only if it comes back
    /// would we have seen what was missing. What was still on its way is taken in first.
    async fn prove_sight(&mut self, ending: &Ending) -> Vec<Option<Duration>> {
        // A rejection that is wanted may be the server's own end, too.
        let is_rejected = *ending == Ending::Completed && self.expectation.rejection.is_some();
        let is_absence = is_rejected
            || matches!(
                ending,
                Ending::Stopped(
                    Stop::Deadline { .. }
                    | Stop::Overdue { .. }
                    | Stop::DigitsOverdue { .. }
                    | Stop::AnsweredElsewhere { .. }
                    // An end may be the server's own, just before it is gone itself.
                    | Stop::LegEnded { .. }
                )
            );
        if self.is_refused_without_a_word() {
            tokio::time::sleep(LAST_BREATH).await;
        }
        let mut round_trips = Vec::new();
        for server in self.servers() {
            let round_trip = match server.connection() {
                Ok(connection) if is_absence => match connection.client.round_trip().await {
                    Ok(time) => Some(time),
                    Err(error) => {
                        tracing::warn!(run_id = %self.run, server = %server.plan.name, "no line of sight: {error}");
                        None
                    }
                },
                _ => None,
            };
            round_trips.push(round_trip);
        }
        round_trips
    }

    /// Whether all that is known of the call is that its channel is gone, for no cause: so it ends where the dial string leads
    /// nowhere, but also on a server that is being stopped, and takes no call any more while it still answers.
    fn is_refused_without_a_word(&self) -> bool {
        self.outbound.as_ref().is_some_and(Leg::is_gone) && self.recorder.facts().iter().all(|fact| fact.what.is_mute())
    }

    /// A server that has as many calls as it may have drops another Local channel without a word as well.
    async fn doubt_room(&mut self) {
        let dialled = self.recorder.facts().iter().find_map(|fact| match &fact.what {
            Observation::Dialled { dial_string } if dial_string.starts_with("Local/") => Some(dial_string.clone()),
            _ => None,
        });
        let Some(dial_string) = dialled.filter(|_| self.is_refused_without_a_word()) else { return };
        let end = self.end(Side::Src).clone();
        let client = match end.server.connection() {
            Ok(connection) => connection.client.clone(),
            // It has been lost since it was looked whether we can see.
            Err(trouble) => return self.recorder.note(None, Observation::Troubled(trouble)),
        };
        let server = end.server.plan.name.clone();
        let trouble = match client.request(asterisk::GetInfo { only: vec![InfoSection::Config] }).await {
            Ok(info) => match info.config.as_deref().and_then(limit_of_calls) {
                Some(limit) => Trouble::NoRoom { dial_string, server, limit },
                None => return,
            },
            Err(error) => {
                let action = format!("ask server {server} whether it limits its calls");
                Trouble::RequestFailed { action, why: error.to_string() }
            }
        };
        self.recorder.note(None, Observation::Troubled(trouble));
    }

    /// A channel whose end no event has told shows that events get lost.
    fn doubt_untold(&mut self) {
        let Some(leg) = self.legs().find(|leg| leg.has_untold_end) else { return };
        let (server, channel) = (leg.server.plan.name.clone(), leg.channel.to_string());
        self.recorder.note(None, Observation::Troubled(Trouble::EndUntold { server, channel }));
    }

    /// An event that could not be read may have been the one that is missing.
    fn doubt_unreadable(&mut self) {
        let started = self.recorder.started();
        let has_unreadable = |server: &std::sync::Arc<Server>| {
            server.line().is_some_and(|connection| connection.reception.has_unreadable_since(started))
        };
        if let Some(server) = self.servers().into_iter().find(has_unreadable) {
            let server = server.plan.name.clone();
            self.recorder.note(None, Observation::Troubled(Trouble::Unreadable { server }));
        }
    }

    /// Hangs up whatever is up, and returns once nothing is.
    async fn hang_up(&mut self) -> Result<(), Trouble> {
        // Hanging up the outbound leg ends the inbound one too, unless the network in between is at fault.
        for side in [Side::Src, Side::Dst] {
            if self.leg(side).is_none_or(Leg::is_gone) {
                continue;
            }
            let patience = self.hang_up_leg(side).await;
            if self.linger(Instant::now() + patience, |call| call.legs().all(Leg::is_gone)).await.is_err() {
                break;
            }
        }
        let mut left = Ok(());
        for side in [Side::Src, Side::Dst] {
            if self.leg(side).is_some_and(|leg| !leg.is_gone()) {
                left = left.and(self.make_sure_gone(side).await);
            }
        }
        if left.is_err() {
            [Side::Src, Side::Dst].into_iter().filter(|side| self.leg(*side).is_some()).for_each(|side| {
                self.suspect_leavings(side);
            });
        }
        left
    }

    /// Asks for a leg's end; returns how long to wait for the event that tells of it.
    async fn hang_up_leg(&mut self, side: Side) -> Duration {
        let Some(leg) = self.leg(side) else { return Duration::ZERO };
        let (server, channel_id) = (leg.server.clone(), leg.channel.to_string());
        if !leg.is_over() {
            self.recorder.note(Some(side), Observation::HangupSent);
        }
        let Some(connection) = server.line() else { return GO };
        let hangup = channels::Hangup { channel_id, ..Default::default() };
        match connection.client.request(hangup).await {
            // It is gone, or there never was one; all that can still come is an event on its way.
            Err(error) if error.is_not_found() => return FOLLOW,
            Err(error) => tracing::warn!(run_id = %self.run, "could not hang up: {error}"),
            Ok(_) => {}
        }
        GO
    }

    /// Asks for a channel whose end no event told. Only what is still up after a second hang-up is trouble.
    async fn make_sure_gone(&mut self, side: Side) -> Result<(), Trouble> {
        let Some(leg) = self.leg(side) else { return Ok(()) };
        let (server, channel) = (leg.server.clone(), leg.channel.to_string());
        let left =
            |why: String| Trouble::ChannelLeft { server: server.plan.name.clone(), channel: channel.clone(), why };
        let Some(connection) = server.line() else { return Err(left("there is no connection".into())) };
        let give_up = Instant::now() + GO;
        loop {
            match connection.client.request(channels::Get { channel_id: channel.clone() }).await {
                Err(error) if error.is_not_found() => break,
                Err(error) => return Err(left(error.to_string())),
                Ok(_) if Instant::now() >= give_up => {
                    let limit = "Asterisk's own limit on the channel will end it";
                    return Err(left(format!("asked {} s after the second request; {limit}", GO.as_secs())));
                }
                Ok(_) => {
                    self.hang_up_leg(side).await;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        self.recorder.note(Some(side), Observation::Gone { end: None });
        if let Some(leg) = self.leg_mut(side) {
            leg.state = LegState::Gone;
            leg.has_untold_end = true;
        }
        Ok(())
    }

    /// A call of ours that arrived after the script had stopped must not stay in the app.
    async fn turn_away_latecomers(&mut self) {
        self.places.clear();
        self.calls.close();
        let mut latecomers: Vec<_> = self.arrival.take().into_iter().collect();
        while let Ok(called) = self.calls.try_recv() {
            if let Called::Arrived { arrival, caller, dialled } = called {
                self.recorder.note(Some(Side::Dst), Observation::Arrived { caller, dialled });
                latecomers.push(arrival);
            }
        }
        for arrival in latecomers {
            let Some(connection) = self.end(Side::Dst).server.line() else { continue };
            let reason = Some(channels::HangupReason::Busy);
            let hangup =
                channels::Hangup { channel_id: arrival.channel().id.to_string(), reason, ..Default::default() };
            match connection.client.request(hangup).await {
                Err(error) if !error.is_not_found() => {
                    tracing::warn!(run_id = %self.run, "could not turn away a call that came too late: {error}");
                    connection.leavings.suspect();
                }
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// A trigger often ends with the call that it made. One that does not is ended by us, which says nothing against it;
    /// but if it complains, the run did not go as configured.
    async fn hear_out_trigger(&mut self, ending: &Ending) {
        let Some(mut trigger) = self.trigger.take().filter(|_| *ending == Ending::Completed) else { return };
        match tokio::time::timeout(HEAR_OUT, trigger.outcome()).await {
            Ok(Ok(result)) => self.recorder.note(None, Observation::TriggerDone { result }),
            Ok(Err(why)) => self.recorder.note(None, Observation::Troubled(Trouble::TriggerFailed { why })),
            Err(_) => {}
        }
    }

    fn legs(&self) -> impl Iterator<Item = &Leg> {
        [&self.outbound, &self.inbound].into_iter().flatten()
    }

    fn leg_mut(&mut self, side: Side) -> Option<&mut Leg> {
        match side {
            Side::Src => self.outbound.as_mut(),
            Side::Dst => self.inbound.as_mut(),
        }
    }

    /// The servers involved, each once.
    fn servers(&self) -> Vec<std::sync::Arc<Server>> {
        let mut servers: Vec<std::sync::Arc<Server>> = Vec::new();
        for end in [&self.src, &self.dst].into_iter().flatten() {
            if !servers.iter().any(|known| known.plan.name == end.server.plan.name) {
                servers.push(end.server.clone());
            }
        }
        servers
    }
}

/// What limits the calls of a server, as its `asterisk.conf` says it; nothing if there is no limit.
fn limit_of_calls(config: &ConfigInfo) -> Option<String> {
    let calls = config.max_channels.filter(|most| *most > 0).map(|most| format!("maxcalls = {most}"));
    let load = config.max_load.filter(|most| *most > 0.0).map(|most| format!("maxload = {most}"));
    let limits: Vec<String> = calls.into_iter().chain(load).collect();
    (!limits.is_empty()).then(|| limits.join(", "))
}
