//! What happens in a world: calls go from one end to the other, and stories interfere.

use std::sync::Arc;
use std::time::Duration;

use calltest_core::cause::{Hangup, HangupCause};
use calltest_core::event::{ServerEvent, ServerProgress};
use calltest_core::evidence::{Observation, Side};
use calltest_core::plan::Rejection;
use calltest_core::run::RunId;
use calltest_core::verdict::Trouble;
use tokio::time::Instant;

use crate::scripted::act::end;
use crate::scripted::agenda::Deed;
use crate::scripted::calls::{Call, CallId, LegState, Phase, ToldTo};
use crate::scripted::digits::{DigitTwist, HOP, arriving};
use crate::scripted::state::{ArrivedCall, Outside, State};
use crate::scripted::story::Twist;
use crate::scripted::{Act, CommandKind, Incoming, Sign, Story, When, Whose};
use crate::{Command, Seen, Sound, Unready};

/// How long after its answer a call out takes commands.
const OPENS_AFTER_ANSWER: Duration = Duration::from_millis(10);
/// How long a leg takes to go once it is asked to end.
const TIME_TO_GO: Duration = Duration::from_millis(5);

impl State {
    /// Does what was planned.
    pub(super) fn perform(&mut self, deed: Deed) {
        match deed {
            Deed::Act(call, act) => self.act(call, act),
            Deed::Happen(call, side, what) => self.happen_now(call, side, what),
            Deed::Tell(call, side, seen) => self.tell(call, side, seen),
            Deed::Open(call, side) => {
                if let Some(leg) = self.calls[call].leg(side) {
                    leg.come_to(Phase::Open);
                }
            }
            Deed::Arrive(call) => self.arrive(call),
            Deed::End(call, side, end) => self.end_by_network(call, side, end),
            Deed::HangUp(call, side) => self.hang_up(call, side, end(16, None), end(16, None)),
            Deed::LimitReached(call, side, limit) => {
                if self.calls[call].leg(side).is_some_and(|leg| leg.limits == limit) {
                    self.hang_up(call, side, end(16, None), end(16, None));
                }
            }
            Deed::Restore(server) => self.restore(&server),
        }
    }

    fn act(&mut self, call: Option<CallId>, act: Act) {
        // What was planned before there was a call is about the one that came since.
        let call = call.or_else(|| self.calls.len().checked_sub(1));
        match (act, call) {
            (Act::Tell(side, what), Some(call)) => self.happen(call, side, what),
            (Act::Flood(side, times), Some(call)) => {
                (0..times).for_each(|_| self.happen(call, side, Observation::Proceeding));
            }
            (Act::End(side, end), Some(call)) => self.end_by_network(call, side, end),
            // A story that has no call yet can do nothing to it.
            (Act::Tell(..) | Act::Flood(..) | Act::End(..), None) => {}
            (Act::Arrive(incoming), call) => self.come_in(call, incoming),
            (Act::Lose { server, why, back_after }, _) => self.lose(&server, &why, back_after),
            (Act::Sight(server, sight), _) => {
                if let Some(server) = self.servers.get_mut(&server) {
                    server.script.sight = sight;
                }
            }
            (Act::Ready(server, ready), _) => {
                if let Some(server) = self.servers.get_mut(&server) {
                    server.ready = ready;
                }
            }
            (Act::Do(what), _) => self.outside.push(Outside::Do(what)),
        }
    }

    /// Something of the world has come about that is no single call's.
    pub(super) fn meet_all(&mut self, when: &When) {
        let stories: Vec<Arc<Story>> =
            [&self.story].into_iter().chain(self.story_of_link.values()).map(Arc::clone).collect();
        for story in stories {
            let latest = self.calls.iter().rposition(|call| Arc::ptr_eq(&call.story, &story));
            self.meet_rules(&story, None, latest, when);
        }
    }

    /// Something has come about in a call.
    pub(super) fn meet(&mut self, call: CallId, when: &When) {
        let story = Arc::clone(&self.calls[call].story);
        self.meet_rules(&story, Some(call), Some(call), when);
    }

    fn meet_rules(&mut self, story: &Arc<Story>, counted_in: Option<CallId>, about: Option<CallId>, when: &When) {
        for (place, rule) in story.rules.iter().enumerate().filter(|(_, rule)| rule.when == *when) {
            let met = self.met.entry((counted_in, Arc::as_ptr(story).addr(), place)).or_default();
            *met += 1;
            if rule.nth.is_none_or(|nth| nth == *met) {
                self.agenda.plan(rule.after, Deed::Act(about, rule.then.clone()));
            }
        }
    }

    /// Something happens to a leg, unless the story has it happen later.
    pub(super) fn happen(&mut self, call: CallId, side: Side, what: Observation) {
        match self.calls[call].story.twists.get(&(side, Sign::of(&what))) {
            Some(Twist::Late(by)) => self.agenda.plan(*by, Deed::Happen(call, side, what)),
            Some(_) | None => self.happen_now(call, side, what),
        }
    }

    fn happen_now(&mut self, call: CallId, side: Side, what: Observation) {
        let sign = Sign::of(&what);
        let Some(leg) = self.calls[call].leg(side) else { return };
        let is_of_a_call_that_goes_on = !matches!(sign, Sign::Gone | Sign::DialEnded | Sign::Other);
        if !leg.is_up() || (leg.phase() == Phase::Ending && is_of_a_call_that_goes_on) {
            return;
        }
        let (twist, stamp) = (self.calls[call].story.twists.get(&(side, sign)).cloned(), self.stamp(&leg.server));
        let is_lost_on_the_way = matches!(twist, Some(Twist::Lost)) || self.is_lost(&leg.server);
        self.move_on(call, side, &what, is_lost_on_the_way);
        self.meet(call, &When::Happens(side, sign));
        let seen = |what, stamp| Seen { side, at: Instant::now(), stamp, what };
        match twist {
            _ if is_lost_on_the_way => {}
            Some(Twist::Twice) => {
                self.tell(call, side, seen(what.clone(), stamp.clone()));
                self.tell(call, side, seen(what, stamp));
            }
            Some(Twist::ToldLate(by)) => self.agenda.plan(by, Deed::Tell(call, side, seen(what, stamp))),
            Some(Twist::Unstamped) => self.tell(call, side, seen(what, None)),
            Some(Twist::Instead(what)) => self.tell(call, side, seen(what, stamp)),
            Some(Twist::Lost | Twist::Late(_)) | None => self.tell(call, side, seen(what, stamp)),
        }
    }

    fn tell(&mut self, call: CallId, side: Side, seen: Seen) {
        if let Some(leg) = self.calls[call].leg_mut(side) {
            leg.tell(Seen { at: Instant::now(), ..seen });
        }
    }

    /// What something that happens to a leg makes of it.
    fn move_on(&mut self, call: CallId, side: Side, what: &Observation, is_untold: bool) {
        match what {
            Observation::Answered if side == Side::Src => {
                self.agenda.plan(OPENS_AFTER_ANSWER, Deed::Open(call, side));
            }
            Observation::HangupRequest { is_soft: false, .. } if !is_untold => self.come_to(call, side, Phase::Ending),
            Observation::Gone { .. } if is_untold => self.come_to(call, side, Phase::GoneUntold),
            Observation::Gone { .. } => self.come_to(call, side, Phase::Gone),
            _ => {}
        }
    }

    pub(super) fn come_to(&mut self, call: CallId, side: Side, phase: Phase) {
        if let Some(leg) = self.calls[call].leg_mut(side) {
            leg.ended_at.get_or_insert_with(Instant::now);
            leg.come_to(phase);
        }
    }

    /// The far end or the network ends a leg, and the other one follows.
    fn end_by_network(&mut self, call: CallId, side: Side, end: Hangup) {
        if !self.may_end(call, side) {
            return;
        }
        self.happen(call, side, Observation::HangupRequest { end, is_soft: false });
        self.go(call, side, end, end);
    }

    /// We end a leg; the other one is told why.
    pub(super) fn hang_up(&mut self, call: CallId, side: Side, own: Hangup, other: Hangup) {
        if !self.may_end(call, side) {
            return;
        }
        self.meet(call, &When::HungUp(side));
        self.happen(call, side, Observation::HangupRequest { end: own, is_soft: true });
        self.go(call, side, own, other);
    }

    /// A leg that was asked to end goes, and the other one follows.
    fn go(&mut self, call: CallId, side: Side, own: Hangup, others: Hangup) {
        let gone = Act::Tell(side, Observation::Gone { end: Some(own) });
        self.agenda.plan(TIME_TO_GO, Deed::Act(Some(call), gone));
        if !self.calls[call].story.unconcerned.contains(&side.other()) {
            self.agenda.plan(HOP, Deed::End(call, side.other(), others));
        }
    }

    /// Whether a leg can be ended; only the first who does decides on the cause.
    fn may_end(&mut self, call: CallId, side: Side) -> bool {
        let stays = self.calls[call].story.staying.contains(&side);
        let Some(leg) = self.calls[call].leg_mut(side) else { return false };
        let is_first = leg.is_up() && !leg.is_being_ended;
        if is_first && !stays {
            leg.is_being_ended = true;
        }
        is_first && !stays
    }

    /// A call that was dialled arrives.
    fn arrive(&mut self, call: CallId) {
        let Call { story, maker, src: Some(src), out: Some(out), .. } = &self.calls[call] else { return };
        let Some(arrival) = &story.arrival else { return };
        let end_after = arrival.outruns_its_end_by.filter(|_| src.phase() >= Phase::Ending);
        if src.phase() >= Phase::Ending && end_after.is_none() {
            return;
        }
        let server = arrival.server.clone().unwrap_or_else(|| src.server.clone());
        let own_number = || out.link.number.as_ref().map_or_else(|| out.link.name.to_string(), ToString::to_string);
        let dialled = || out.number.clone().unwrap_or_default();
        let arrived = ArrivedCall {
            id: call,
            link: arrival.link.clone().unwrap_or_else(dialled),
            caller: arrival.caller.clone().unwrap_or_else(own_number),
            dialled: arrival.dialled.clone().unwrap_or_else(dialled),
            of_run: self.run_of(arrival.whose, *maker),
            may_be_tail: false,
        };
        let label = format!("{}-dst", src.label.trim_end_matches("-src"));
        self.come_to_host(&server, label, arrived);
        self.meet(call, &When::Arrived);
        if let Some(after) = end_after {
            self.agenda.plan(after, Deed::End(call, Side::Dst, end(16, None)));
        }
    }

    /// A call comes in from somewhere else.
    fn come_in(&mut self, about: Option<CallId>, incoming: Incoming) {
        let Incoming { server, link, caller, dialled, whose, may_be_tail } = incoming;
        let (maker, of_call) = match about {
            Some(call) => {
                let call = &self.calls[call];
                (call.maker, call.legs().next().map(|(_, leg)| leg.server.clone()))
            }
            None => (None, None),
        };
        let is_awaited_at = || {
            let listens = |server: &&crate::scripted::server::ServerState| {
                server.listeners.iter().any(|listener| listener.link == link)
            };
            self.servers.values().find(listens).map(|server| server.script.name.clone())
        };
        let server = server.or_else(is_awaited_at).or(of_call).or_else(|| self.servers.keys().next().cloned());
        let Some(server) = server else { return };
        let story = about.map_or(&self.story, |call| &self.calls[call].story);
        let call =
            Call { story: Arc::clone(story), maker: None, out: None, src: None, dst: None, held_back: Vec::new() };
        let id = self.calls.len();
        self.calls.push(call);
        let of_run = self.run_of(whose, maker);
        let arrived = ArrivedCall { id, link, caller, dialled, of_run, may_be_tail };
        self.come_to_host(&server, format!("{id}-dst"), arrived);
    }

    fn run_of(&self, whose: Whose, maker: Option<RunId>) -> Option<RunId> {
        match whose {
            Whose::Unknown => None,
            Whose::TheRuns => maker,
            Whose::Of(run) => Some(run),
        }
    }

    fn come_to_host(&mut self, server: &str, label: String, arrived: ArrivedCall) {
        let is_lost = self.is_lost(server);
        let host = self.servers.get(server).and_then(|server| server.host.clone()).filter(|_| !is_lost);
        let Some(host) = host else {
            // Nobody is there to take it.
            return self.end_by_network(arrived.id, Side::Src, end(27, Some(503)));
        };
        let leg = LegState::new(server, label, None, ToldTo::Nobody(Vec::new()), Phase::Open);
        self.calls[arrived.id].dst = Some(leg);
        self.outside.push(Outside::Arrived(host, arrived));
    }

    /// What a leg does when it is told to.
    pub(super) fn obey(&mut self, call: CallId, side: Side, command: &Command) {
        let other = side.other();
        let has_other = self.calls[call].leg(other).is_some();
        match command {
            Command::Limit(limit) => self.limit(call, side, *limit),
            Command::Progress => {
                self.agenda.plan(HOP, Deed::Act(Some(call), Act::Tell(other, Observation::EarlyMedia)));
            }
            Command::Ring => self.agenda.plan(HOP, Deed::Act(Some(call), Act::Tell(other, Observation::Ringing))),
            Command::Answer => {
                self.happen(call, side, Observation::Answered);
                self.agenda.plan(HOP, Deed::Act(Some(call), Act::Tell(other, Observation::Answered)));
            }
            Command::Reject(rejection) => {
                let (own, told) = told_of(*rejection);
                self.hang_up(call, side, own, told);
            }
            Command::SendDigits { digits, pace } if has_other => {
                let of_side = |(to, twist): &(Side, DigitTwist)| (*to == other).then_some(*twist);
                let twists: Vec<DigitTwist> = self.calls[call].story.digits.iter().filter_map(of_side).collect();
                for coming in arriving(digits, *pace, &twists) {
                    match coming.after {
                        Some(after) => self.agenda.plan(after, Deed::Act(Some(call), Act::digit(other, coming.digit))),
                        None => self.calls[call].held_back.push((other, coming.digit)),
                    }
                }
            }
            Command::SendDigits { .. } => {}
            Command::FlushDigits => {
                self.happen(call, side, Observation::SilenceSent);
                for (to, digit) in std::mem::take(&mut self.calls[call].held_back) {
                    match to == other {
                        true => self.agenda.plan(HOP, Deed::Act(Some(call), Act::digit(to, digit))),
                        false => self.calls[call].held_back.push((to, digit)),
                    }
                }
            }
            Command::Say(Sound::Stored(name)) => {
                let media = format!("sound:{name}");
                self.happen(call, side, Observation::PlaybackStarted { media: media.clone() });
                let finished = Act::Tell(side, Observation::PlaybackFinished { media });
                self.agenda.plan(self.sound(name), Deed::Act(Some(call), finished));
            }
            Command::Hear { .. } => {
                if let Some(leg) = self.calls[call].leg_mut(side) {
                    leg.recording_since = Some(Instant::now());
                }
            }
        }
        self.meet(call, &When::Commanded(side, CommandKind::of(command)));
    }

    /// Limits how long a leg may be up, whatever limit it had before.
    pub(super) fn limit(&mut self, call: CallId, side: Side, limit: Duration) {
        let Some(leg) = self.calls[call].leg_mut(side) else { return };
        leg.limits += 1;
        let deed = Deed::LimitReached(call, side, leg.limits);
        self.agenda.plan(limit, deed);
    }

    fn lose(&mut self, server: &str, why: &Trouble, back_after: Option<Duration>) {
        let Some(lost) = self.servers.get_mut(server) else { return };
        (lost.is_lost, lost.ready) = (true, Err(Unready::Down { why: format!("server {server} is lost") }));
        lost.listeners.iter().for_each(|listener| listener.seen.end(why.clone()));
        let what = ServerProgress::Down { why: why.to_string() };
        self.tell_host(server, what);
        for leg in self.calls.iter_mut().flat_map(|call| [&mut call.src, &mut call.dst]).flatten() {
            if leg.server == server {
                if let ToldTo::Run(sink) = &leg.told_to {
                    sink.end(why.clone());
                }
                // Whoever waits for the leg has to see that no more comes.
                leg.phase.send_modify(|_| ());
            }
        }
        if let Some(after) = back_after {
            self.agenda.plan(after, Deed::Restore(server.into()));
        }
    }

    /// The connection is back, and what nobody holds any more is hung up.
    fn restore(&mut self, server: &str) {
        let Some(back) = self.servers.get_mut(server) else { return };
        (back.is_lost, back.is_suspect, back.ready) = (false, false, Ok(()));
        let mut cleaned = 0;
        for call in 0..self.calls.len() {
            for side in [Side::Src, Side::Dst] {
                let leg = self.calls[call].leg(side);
                if leg.is_some_and(|leg| leg.server == server && leg.is_up() && leg.is_abandoned) {
                    cleaned += 1;
                    self.hang_up(call, side, end(16, None), end(16, None));
                }
            }
        }
        self.tell_host(server, ServerProgress::Up { cleaned });
    }

    fn tell_host(&mut self, server: &str, what: ServerProgress) {
        if let Some(host) = self.servers.get(server).and_then(|server| server.host.clone()) {
            self.outside.push(Outside::Server(host, ServerEvent { server: server.into(), what }));
        }
    }
}

/// What a rejection is to the leg that is rejected, and what its caller is told.
fn told_of(rejection: Rejection) -> (Hangup, Hangup) {
    let (cause, status) = match rejection {
        Rejection::Busy => (17, 486),
        Rejection::Congestion => (34, 503),
        Rejection::NoAnswer => (19, 480),
        Rejection::Rejected => (21, 403),
        Rejection::Unallocated => (1, 404),
        Rejection::Normal => (16, 603),
    };
    (Hangup { cause: HangupCause(cause), tech_cause: None }, end(cause, Some(status)))
}
