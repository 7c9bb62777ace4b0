//! The dispatcher: decides what runs when, and keeps the board.
//!
//! One synchronous machine, without clock, task or socket. The loop around it hands it what happened and the time, and does
//! what it answers. So every rule of the schedule is a test in virtual time.

mod reload;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use calltest_core::plan::{CallTest, Plan, ServerName, TestName};
use calltest_core::run::{FinishedRun, RunId};
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;

use crate::agenda::Agenda;
use crate::entry::{self, Entry, Phase};
use crate::mute::{Muting, Silence, has_quiet_times};
use crate::schedule;

/// The time, as the daemon measures it and as people tell it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// Since the daemon started.
    pub(crate) clock: Duration,
    pub(crate) wall: SystemTime,
    /// What the clock on the wall of the daemon's place shows.
    pub(crate) local: civil::DateTime,
}

/// What happened.
#[derive(Debug)]
pub(crate) enum InternalEvent {
    /// Time went by.
    Tick,
    /// This run of the test holds its links.
    Started(TestName, RunId),
    /// A run is over.
    Finished(Arc<FinishedRun>),
    /// Somebody wants a run at once.
    Start(TestName),
    /// Somebody wants a run to end.
    Stop(TestName),
    /// Somebody wants a run to end, and to count as a failure.
    Fail(TestName),
    /// Runs can use a server again.
    ServerUp(ServerName),
    /// Somebody does not want to hear of some tests for a while.
    Silence(Arc<Silence>),
    /// The silence of that id is to end.
    EndSilence(String),
    /// Another plan is in force.
    Reload(Arc<Plan>),
    /// The daemon is to end: nothing new is started, and what is under way is called off.
    ShutDown,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// Start a run of this test under this id.
    Run(Arc<CallTest>, RunId),
    /// Call the run of this test off.
    Stop(TestName),
    /// Call the run of this test off as a failure.
    Fail(TestName),
    /// Tell whoever listens that this test's state has changed, or that there is no such test any more.
    Publish(TestName),
}

/// What comes of an event.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    /// In this order.
    pub(crate) actions: Vec<Action>,
    /// For a command, whether it did something.
    pub(crate) has_effect: bool,
}

/// Decides what runs when.
pub(crate) struct Dispatcher {
    plan: Arc<Plan>,
    entries: BTreeMap<TestName, Entry>,
    /// Tests that a reload took away: their last runs may still be under way, and they may come back.
    retired: BTreeMap<TestName, Entry>,
    agenda: Agenda,
    silences: Vec<Arc<Silence>>,
    /// When to look again at what is muted; never if nothing can be.
    next_look: Option<Duration>,
    random: Box<dyn FnMut() -> u64 + Send>,
    heard_of: u64,
    is_shutting_down: bool,
}

impl Dispatcher {
    /// A board with the tests of this plan. `entries` are those of them, and others, that are known from earlier, each with
    /// the time at which it was to run next. `random` draws numbers.
    pub(crate) fn new(
        plan: Arc<Plan>,
        known: Vec<(Entry, Option<SystemTime>)>,
        silences: Vec<Arc<Silence>>,
        now: Now,
        random: impl FnMut() -> u64 + Send + 'static,
    ) -> Self {
        let mut dispatcher = Self {
            heard_of: known.iter().filter_map(|(entry, _)| entry.rank).max().unwrap_or(0),
            plan: Arc::clone(&plan),
            entries: BTreeMap::new(),
            retired: BTreeMap::new(),
            agenda: Agenda::default(),
            silences,
            next_look: None,
            random: Box::new(random),
            is_shutting_down: false,
        };
        let mut due: BTreeMap<TestName, SystemTime> = BTreeMap::new();
        for (entry, next) in known {
            due.extend(next.map(|next| (entry.test.name.clone(), next)));
            dispatcher.retired.insert(entry.test.name.clone(), entry);
        }
        dispatcher.take_up(&plan, &due, now);
        dispatcher
    }

    /// The test of that name.
    pub(crate) fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// Every test, by name.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The plan in force.
    pub(crate) fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The silences that last.
    pub(crate) fn silences(&self) -> &[Arc<Silence>] {
        &self.silences
    }

    /// When something is due next; never if `None`.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        [self.agenda.next(), self.next_look].into_iter().flatten().min().filter(|_| !self.is_shutting_down)
    }

    /// When a test runs next by itself, by the wall clock.
    pub(crate) fn next_run(&self, name: &str, now: Now) -> Option<SystemTime> {
        let due = self.agenda.due(name)?;
        Some(now.wall + due.saturating_sub(now.clock))
    }

    /// Whether no run is asked for or under way.
    pub(crate) fn is_idle(&self) -> bool {
        !self.entries.values().chain(self.retired.values()).any(Entry::is_active)
    }

    /// Takes in what happened, and says what is to be done.
    pub(crate) fn handle_event(&mut self, event: InternalEvent, now: Now) -> Outcome {
        match event {
            InternalEvent::Tick => self.tick(now),
            InternalEvent::Start(name) => self.start(&name, now),
            InternalEvent::Started(name, run) => self.started(&name, run, now),
            InternalEvent::Finished(run) => self.finished(&run, now),
            InternalEvent::Stop(name) => self.end(&name, Action::Stop),
            InternalEvent::Fail(name) => self.end(&name, Action::Fail),
            InternalEvent::ServerUp(server) => self.server_up(&server, now),
            InternalEvent::Silence(silence) => self.silence(silence, now),
            InternalEvent::EndSilence(id) => self.end_silence(&id, now),
            InternalEvent::Reload(plan) => self.reload(plan, now),
            InternalEvent::ShutDown => self.shut_down(),
        }
    }

    fn tick(&mut self, now: Now) -> Outcome {
        let mut outcome = Outcome::default();
        if self.is_shutting_down {
            return outcome;
        }
        if self.next_look.is_some_and(|look| look <= now.clock) {
            outcome = self.look_at_mutings(now);
        }
        for name in self.agenda.take_due(now.clock) {
            let Some(entry) = self.entries.get_mut(&name) else { continue };
            if entry.muting.is_quiet() {
                entry.is_held = true;
            } else {
                outcome.ask(entry, RunId((self.random)()), now);
            }
        }
        outcome
    }

    fn start(&mut self, name: &TestName, now: Now) -> Outcome {
        let mut outcome = Outcome::default();
        if let Some(entry) = self.entries.get_mut(name).filter(|entry| !entry.is_active())
            && !self.is_shutting_down
        {
            self.agenda.set(name, None);
            outcome.ask(entry, RunId((self.random)()), now);
            outcome.has_effect = true;
        }
        outcome
    }

    fn started(&mut self, name: &TestName, run: RunId, now: Now) -> Outcome {
        // A run that was called off at once may have ended before this was heard.
        let is_it = |entry: &&mut Entry| entry.phase == Phase::Waiting && entry.run == Some(run);
        if let Some(entry) = self.retired.get_mut(name).filter(is_it) {
            entry.start(now.wall);
        }
        let Some(entry) = self.entries.get_mut(name).filter(is_it) else { return Outcome::default() };
        entry.start(now.wall);
        Outcome { actions: vec![Action::Publish(name.clone())], has_effect: true }
    }

    fn finished(&mut self, run: &FinishedRun, now: Now) -> Outcome {
        let fraction = self.draw();
        let name = &run.test.name;
        let outcome = entry::Outcome {
            run: run.id,
            verdict: run.verdict.kind(),
            reason: run.verdict.reason(),
            waited: run.waited,
            ran: run.duration,
            ended: now.wall,
        };
        let Some(entry) = self.entries.get_mut(name) else {
            // Its test was taken away meanwhile; that it ran is remembered in case that it comes back.
            self.retired.entry(name.clone()).and_modify(|entry| entry.finish(outcome));
            return Outcome::default();
        };
        entry.finish(outcome);
        entry.rank.get_or_insert_with(|| {
            self.heard_of += 1;
            self.heard_of
        });
        let schedule = &entry.test.schedule;
        let pause = || now.clock + schedule::pause(schedule, &entry.streak, fraction);
        self.agenda.set(name, (!schedule.is_manual).then(pause));
        Outcome { actions: vec![Action::Publish(name.clone())], has_effect: true }
    }

    fn end(&mut self, name: &TestName, action: fn(TestName) -> Action) -> Outcome {
        let active = self.entries.get(name).filter(|entry| entry.is_active());
        let actions: Vec<Action> = active.map(|entry| action(entry.test.name.clone())).into_iter().collect();
        Outcome { has_effect: !actions.is_empty(), actions }
    }

    /// What could not be tested for want of this server is tested again soon, not only after its pause.
    fn server_up(&mut self, server: &ServerName, now: Now) -> Outcome {
        let lies_on =
            |entry: &&Entry| entry.test.links().into_iter().any(|link| self.plan.server_of(link).name == *server);
        let is_to_run = |entry: &&Entry| {
            entry.streak.is_unknown() && !entry.is_active() && !entry.is_held && !entry.test.schedule.is_manual
        };
        let names: Vec<TestName> =
            self.entries.values().filter(is_to_run).filter(lies_on).map(|entry| entry.test.name.clone()).collect();
        self.spread(&names, now);
        Outcome { has_effect: !names.is_empty(), actions: Vec::new() }
    }

    fn silence(&mut self, silence: Arc<Silence>, now: Now) -> Outcome {
        self.silences.push(silence);
        Outcome { has_effect: true, ..self.look_at_mutings(now) }
    }

    fn end_silence(&mut self, id: &str, now: Now) -> Outcome {
        let before = self.silences.len();
        self.silences.retain(|silence| silence.id != id);
        let has_effect = self.silences.len() < before;
        Outcome { has_effect, ..self.look_at_mutings(now) }
    }

    fn shut_down(&mut self) -> Outcome {
        self.is_shutting_down = true;
        let active = self.entries.values().chain(self.retired.values()).filter(|entry| entry.is_active());
        Outcome { actions: active.map(|entry| Action::Stop(entry.test.name.clone())).collect(), has_effect: true }
    }

    /// Finds out what is muted now, tells of what has changed, and lets run what was held back.
    fn look_at_mutings(&mut self, now: Now) -> Outcome {
        self.silences.retain(|silence| silence.until > now.wall);
        let mut outcome = Outcome::default();
        let mut released = Vec::new();
        for (name, entry) in &mut self.entries {
            let muting = Muting::of(&self.plan, &entry.test, &self.silences, now);
            if muting != entry.muting {
                entry.muting = muting;
                outcome.actions.push(Action::Publish(name.clone()));
            }
            if entry.is_held && !entry.muting.is_quiet() {
                entry.is_held = false;
                released.push(name.clone());
            }
        }
        self.spread(&released, now);
        let next_minute = has_quiet_times(&self.plan).then(|| now.until_next_minute());
        let next_end = self.silences.iter().filter_map(|silence| silence.until.duration_since(now.wall).ok()).min();
        self.next_look = [next_minute, next_end].into_iter().flatten().min().map(|pause| now.clock + pause);
        outcome
    }

    /// Makes these tests due soon, but not all in the same second, and none later than it was due before.
    fn spread(&mut self, names: &[TestName], now: Now) {
        for name in names {
            let soon = now.clock + schedule::first_start(names.len(), self.draw());
            let due = self.agenda.due(name.as_str()).map_or(soon, |due| due.min(soon));
            self.agenda.set(name, Some(due));
        }
    }

    /// A random number from 0 to 1.
    fn draw(&mut self) -> f64 {
        (self.random)() as f64 / u64::MAX as f64
    }
}

impl Now {
    /// The present of a daemon that has been there for so long.
    pub(crate) fn new(clock: Duration, wall: SystemTime, zone: &TimeZone) -> Self {
        // A clock beyond the year 9999 is as wrong as one that stands at 1970.
        let local = Timestamp::try_from(wall).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone()).datetime();
        Self { clock, wall, local }
    }

    /// The moment at which the local clock shows this, if nobody turns it before then.
    pub(crate) fn at(&self, local: civil::DateTime) -> SystemTime {
        let ahead = Duration::try_from(self.local.duration_until(local)).unwrap_or_default();
        self.wall + ahead
    }

    fn until_next_minute(&self) -> Duration {
        let past = Duration::new(
            u64::try_from(self.local.second()).unwrap_or(0),
            u32::try_from(self.local.subsec_nanosecond()).unwrap_or(0),
        );
        Duration::from_secs(60).saturating_sub(past)
    }
}

impl Outcome {
    fn ask(&mut self, entry: &mut Entry, run: RunId, now: Now) {
        entry.ask(run, now.wall);
        self.actions.push(Action::Run(Arc::clone(&entry.test), run));
        self.actions.push(Action::Publish(entry.test.name.clone()));
    }
}

#[cfg(test)]
mod tests;
