//! The engine of one scripted server.

use std::sync::Arc;

use calltest_core::abilities::Abilities;
use calltest_core::evidence::{Side, Sight, Stamp};
use calltest_core::plan::{Link, ServerName};
use calltest_core::run::RunId;
use tokio::time::{Instant, sleep};

use crate::scripted::act::end;
use crate::scripted::agenda::Deed;
use crate::scripted::calls::{Call, LegState, Phase, ToldTo};
use crate::scripted::leg::ScriptedLeg;
use crate::scripted::server::{Listener, ServerState};
use crate::scripted::state::{Shared, State};
use crate::scripted::story::Story;
use crate::scripted::{SightScript, When};
use crate::{
    BoxFuture, Dialling, EndpointStatus, Engine, Listening, Outgoing, Permit, Refused, Scrutiny, Sighting, Sink,
    Undialled, Unready,
};

/// What carries the calls of a scripted server.
pub(super) struct ScriptedEngine {
    world: Arc<Shared>,
    server: ServerName,
}

impl ScriptedEngine {
    pub(super) fn new(world: Arc<Shared>, server: ServerName) -> Self {
        Self { world, server }
    }

    fn with_server<R>(&self, what: impl FnOnce(&mut ServerState) -> R) -> R {
        self.world.with(|state| what(state.server_mut(&self.server)))
    }
}

impl State {
    /// Ends every leg on a server, those too that nothing else ends.
    fn end_all(&mut self, server: &str) -> usize {
        let is_up = |leg: &LegState| leg.is_up() && leg.server == server;
        let legs = self.calls.iter().enumerate().flat_map(|(call, legs)| legs.legs().map(move |leg| (call, leg)));
        let up: Vec<_> = legs.filter(|(_, (_, leg))| is_up(leg)).map(|(call, (side, _))| (call, side)).collect();
        for (call, side) in &up {
            match self.calls[*call].story.staying.contains(side) {
                true => self.come_to(*call, *side, Phase::Gone),
                false => self.hang_up(*call, *side, end(16, None), end(16, None)),
            }
        }
        up.len()
    }

    fn server_mut(&mut self, name: &ServerName) -> &mut ServerState {
        self.servers.get_mut(name.as_str()).expect("only a server of the world is connected to")
    }
}

impl Engine for ScriptedEngine {
    fn ready(&self) -> Result<(), Unready> {
        self.with_server(|server| server.ready.clone())
    }

    fn abilities(&self) -> Abilities {
        self.with_server(|server| server.script.abilities)
    }

    fn product(&self) -> String {
        self.with_server(|server| server.script.product.clone())
    }

    fn listen(&self, link: &Link, _run: RunId, seen: &Sink) -> BoxFuture<'_, Result<Listening, Refused>> {
        let listening = self.world.with(|state| {
            let ticket = state.ticket();
            let server = state.server_mut(&self.server);
            server.script.listen.clone()?;
            let link = link.arrives_as.as_str().to_owned();
            server.listeners.push(Listener { ticket, link: link.clone(), seen: seen.clone() });
            state.meet_all(&When::Listening(link));
            let place = Place { world: Arc::clone(&self.world), server: self.server.clone(), ticket };
            Ok(Listening(Box::new(place)))
        });
        Box::pin(std::future::ready(listening))
    }

    fn permit(&self) -> BoxFuture<'_, Result<Box<dyn Permit>, Refused>> {
        Box::pin(async {
            let takes = self.with_server(|server| server.script.permit_takes);
            if !takes.is_zero() {
                sleep(takes).await;
            }
            self.with_server(|server| server.script.permit.clone())?;
            let (world, server) = (Arc::clone(&self.world), self.server.clone());
            Ok(Box::new(ScriptedPermit { world, server }) as Box<dyn Permit>)
        })
    }

    fn endpoint(&self, link: &Link) -> BoxFuture<'_, Result<EndpointStatus, Refused>> {
        let told = self.with_server(|server| {
            server.asked_for_endpoint += 1;
            let scripts = &server.script.endpoint;
            let turn = scripts.len().min(server.asked_for_endpoint).checked_sub(1);
            turn.map(|turn| scripts[turn].clone())
        });
        let online = || Ok(EndpointStatus::Online { endpoint: link.name.to_string() });
        Box::pin(std::future::ready(told.unwrap_or_else(online)))
    }

    fn sight(&self, _since: Instant, scrutiny: Scrutiny) -> BoxFuture<'_, Sighting> {
        Box::pin(async move {
            let SightScript { round_trip, longest_silence, silence_limit, uncertainty } = self.world.with(|state| {
                state.meet_all(&When::SightAsked);
                let server = state.server_mut(&self.server);
                server.looks.push(scrutiny);
                server.script.sight.clone()
            });
            sleep(round_trip.unwrap_or(silence_limit)).await;
            let server = self.server.clone();
            // Only who looks closely learns what was kept from us.
            let uncertainty = uncertainty.filter(|_| scrutiny == Scrutiny::Whole);
            Sighting { sight: Sight { server, longest_silence, silence_limit, round_trip }, uncertainty }
        })
    }

    fn may_have_leftovers(&self) -> bool {
        self.world.with(|state| {
            let is_left = |leg: &LegState| leg.server == self.server.as_str() && leg.is_abandoned && leg.is_up();
            let is_suspect = state.server_mut(&self.server).is_suspect;
            is_suspect || state.calls.iter().flat_map(Call::legs).any(|(_, leg)| is_left(leg))
        })
    }

    fn clean_up(&self) -> BoxFuture<'_, Result<usize, Refused>> {
        let cleaned = self.world.with(|state| {
            let server = state.server_mut(&self.server);
            server.script.clean_up.clone()?;
            if server.is_lost {
                return Err(Refused::Unclear { why: "the connection is lost".into() });
            }
            server.is_suspect = false;
            Ok(state.end_all(self.server.as_str()))
        });
        Box::pin(std::future::ready(cleaned))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.with_server(|server| {
            (server.host, server.ready) = (None, Err(Unready::Down { why: "the connection is closed".into() }));
        });
        Box::pin(std::future::ready(()))
    }
}

/// Keeps a run among those that listen.
struct Place {
    world: Arc<Shared>,
    server: ServerName,
    ticket: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.world.with(|state| {
            let server = state.server_mut(&self.server);
            server.listeners.retain(|listener| listener.ticket != self.ticket);
        });
    }
}

/// The right to make one call.
struct ScriptedPermit {
    world: Arc<Shared>,
    server: ServerName,
}

impl Permit for ScriptedPermit {
    fn dial(self: Box<Self>, call: Outgoing) -> Dialling {
        let Self { world, server } = *self;
        let (id, stamp, story) = world.with(|state| {
            let known = state.story_of_link.get(call.link.name.as_str());
            let story = Arc::clone(known.unwrap_or(&state.story));
            let (id, limit) = (state.calls.len(), call.limit);
            let is_made = matches!(story.dial.refused, None | Some(Undialled::Unclear { .. }));
            let phase = if is_made { Phase::Outside } else { Phase::Gone };
            let told_to = ToldTo::Run(call.seen.clone());
            let src = LegState::new(server.as_str(), format!("{id}-src"), Some(call.run), told_to, phase);
            let (maker, out) = (Some(call.run), Some(call));
            let call = Call { story: Arc::clone(&story), maker, out, src: Some(src), dst: None, held_back: Vec::new() };
            state.calls.push(call);
            if is_made {
                if let Some(arrival) = &story.arrival {
                    state.agenda.plan(arrival.after, Deed::Arrive(id));
                }
                state.limit(id, Side::Src, limit);
                state.meet(id, &When::Dialled);
            }
            (id, state.stamp(server.as_str()), story)
        });
        let leg = ScriptedLeg::new(world, id, Side::Src);
        Dialling { leg: Box::new(leg), taken: Box::pin(taken(story, stamp)) }
    }
}

async fn taken(story: Arc<Story>, stamp: Option<Stamp>) -> Result<Option<Stamp>, Undialled> {
    if !story.dial.takes.is_zero() {
        sleep(story.dial.takes).await;
    }
    match &story.dial.refused {
        Some(why) => Err(why.clone()),
        None => Ok(stamp),
    }
}
