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

use crate::due_queue::DueQueue;
use crate::entry::{EndedRun, Entry, Phase};
use crate::mute::{Muting, has_quiet_times};
use crate::now::Now;
use crate::schedule;
use crate::silence::Silence;

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

/// What the dispatcher decides upon an event.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Decision {
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
    due_queue: DueQueue,
    silences: Vec<Arc<Silence>>,
    /// When to look again at what is muted; never if nothing can be.
    next_mute_check: Option<Duration>,
    random: Box<dyn FnMut() -> u64 + Send>,
    last_order: u64,
    is_shutting_down: bool,
}

impl Dispatcher {
    /// A board with the tests of this plan. `known` are those of them that are known from earlier, each with the time at which
    /// it was to run next. `random` draws numbers.
    pub(crate) fn new(
        plan: Arc<Plan>,
        known: Vec<(Entry, Option<SystemTime>)>,
        silences: Vec<Arc<Silence>>,
        now: Now,
        random: impl FnMut() -> u64 + Send + 'static,
    ) -> Self {
        let mut dispatcher = Self {
            last_order: known.iter().filter_map(|(entry, _)| entry.record().list_order).max().unwrap_or(0),
            plan: Arc::clone(&plan),
            entries: BTreeMap::new(),
            retired: BTreeMap::new(),
            due_queue: DueQueue::default(),
            silences,
            next_mute_check: None,
            random: Box::new(random),
            is_shutting_down: false,
        };
        let mut due: BTreeMap<TestName, SystemTime> = BTreeMap::new();
        for (entry, next) in known {
            due.extend(next.map(|next| (entry.test().name.clone(), next)));
            dispatcher.retired.insert(entry.test().name.clone(), entry);
        }
        dispatcher.add_tests(&plan, &due, now);
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
        [self.due_queue.next(), self.next_mute_check].into_iter().flatten().min().filter(|_| !self.is_shutting_down)
    }

    /// When a test runs next by itself, by the wall clock.
    pub(crate) fn next_run(&self, name: &str, now: Now) -> Option<SystemTime> {
        let due = self.due_queue.due(name)?;
        Some(now.wall + due.saturating_sub(now.clock))
    }

    /// Whether no run is asked for or under way.
    pub(crate) fn is_idle(&self) -> bool {
        !self.entries.values().chain(self.retired.values()).any(Entry::is_active)
    }

    /// Takes in what happened, and says what is to be done.
    pub(crate) fn handle_event(&mut self, event: InternalEvent, now: Now) -> Decision {
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

    fn tick(&mut self, now: Now) -> Decision {
        let mut decision = Decision::default();
        if self.is_shutting_down {
            return decision;
        }
        if self.next_mute_check.is_some_and(|check| check <= now.clock) {
            decision = self.update_mutes(now);
        }
        for name in self.due_queue.take_due(now.clock) {
            let Some(entry) = self.entries.get_mut(&name) else { continue };
            if entry.muting().is_quiet() {
                entry.hold();
            } else {
                decision.ask(entry, RunId((self.random)()), now);
            }
        }
        decision
    }

    fn start(&mut self, name: &TestName, now: Now) -> Decision {
        let mut decision = Decision::default();
        if let Some(entry) = self.entries.get_mut(name).filter(|entry| !entry.is_active())
            && !self.is_shutting_down
        {
            self.due_queue.set(name, None);
            decision.ask(entry, RunId((self.random)()), now);
            decision.has_effect = true;
        }
        decision
    }

    fn started(&mut self, name: &TestName, run: RunId, now: Now) -> Decision {
        // A run that was called off at once may have ended before this was heard.
        let is_it = |entry: &&mut Entry| entry.phase() == Phase::Waiting && entry.record().run == Some(run);
        if let Some(entry) = self.retired.get_mut(name).filter(is_it) {
            entry.start(now.wall);
        }
        let Some(entry) = self.entries.get_mut(name).filter(is_it) else { return Decision::default() };
        entry.start(now.wall);
        Decision { actions: vec![Action::Publish(name.clone())], has_effect: true }
    }

    fn finished(&mut self, run: &FinishedRun, now: Now) -> Decision {
        let fraction = self.draw();
        let name = &run.test.name;
        let ended = EndedRun {
            run: run.id,
            verdict: run.verdict.kind(),
            reason: run.verdict.why(),
            waited: run.waited,
            ran: run.duration,
            ended: now.wall,
        };
        let Some(entry) = self.entries.get_mut(name) else {
            // Its test was taken away meanwhile; that it ran is remembered in case that it comes back.
            self.retired.entry(name.clone()).and_modify(|entry| entry.finish(ended));
            return Decision::default();
        };
        entry.finish(ended);
        entry.list_as(|| {
            self.last_order += 1;
            self.last_order
        });
        let schedule = &entry.test().schedule;
        let pause = || now.clock + schedule::pause(schedule, &entry.record().streak, fraction);
        self.due_queue.set(name, (!schedule.is_manual).then(pause));
        Decision { actions: vec![Action::Publish(name.clone())], has_effect: true }
    }

    fn end(&mut self, name: &TestName, action: fn(TestName) -> Action) -> Decision {
        let active = self.entries.get(name).filter(|entry| entry.is_active());
        let actions: Vec<Action> = active.map(|entry| action(entry.test().name.clone())).into_iter().collect();
        Decision { has_effect: !actions.is_empty(), actions }
    }

    /// What could not be tested for want of this server is tested again soon, not only after its pause.
    fn server_up(&mut self, server: &ServerName, now: Now) -> Decision {
        let lies_on =
            |entry: &&Entry| entry.test().links().into_iter().any(|link| self.plan.server_of(link).name == *server);
        let is_to_run = |entry: &&Entry| {
            let is_unknown = entry.record().streak.is_unknown();
            is_unknown && !entry.is_active() && !entry.is_held() && !entry.test().schedule.is_manual
        };
        let names: Vec<TestName> =
            self.entries.values().filter(is_to_run).filter(lies_on).map(|entry| entry.test().name.clone()).collect();
        self.spread(&names, now);
        Decision { has_effect: !names.is_empty(), actions: Vec::new() }
    }

    fn silence(&mut self, silence: Arc<Silence>, now: Now) -> Decision {
        self.silences.push(silence);
        Decision { has_effect: true, ..self.update_mutes(now) }
    }

    fn end_silence(&mut self, id: &str, now: Now) -> Decision {
        let before = self.silences.len();
        self.silences.retain(|silence| silence.id != id);
        let has_effect = self.silences.len() < before;
        Decision { has_effect, ..self.update_mutes(now) }
    }

    fn shut_down(&mut self) -> Decision {
        self.is_shutting_down = true;
        let active = self.entries.values().chain(self.retired.values()).filter(|entry| entry.is_active());
        Decision { actions: active.map(|entry| Action::Stop(entry.test().name.clone())).collect(), has_effect: true }
    }

    /// Finds out what is muted now, tells of what has changed, and lets run what was held back.
    fn update_mutes(&mut self, now: Now) -> Decision {
        self.silences.retain(|silence| silence.until > now.wall);
        let mut decision = Decision::default();
        let mut released = Vec::new();
        for (name, entry) in &mut self.entries {
            if entry.mute(Muting::of(&self.plan, entry.test(), &self.silences, now)) {
                decision.actions.push(Action::Publish(name.clone()));
            }
            if !entry.muting().is_quiet() && entry.release() {
                released.push(name.clone());
            }
        }
        self.spread(&released, now);
        let next_minute = has_quiet_times(&self.plan).then(|| now.until_next_minute());
        let next_end = self.silences.iter().filter_map(|silence| silence.until.duration_since(now.wall).ok()).min();
        self.next_mute_check = [next_minute, next_end].into_iter().flatten().min().map(|pause| now.clock + pause);
        decision
    }

    /// Makes these tests due soon, but not all in the same second, and none later than it was due before.
    fn spread(&mut self, names: &[TestName], now: Now) {
        for name in names {
            let soon = now.clock + schedule::first_start(names.len(), self.draw());
            let due = self.due_queue.due(name.as_str()).map_or(soon, |due| due.min(soon));
            self.due_queue.set(name, Some(due));
        }
    }

    /// A random number from 0 to 1.
    fn draw(&mut self) -> f64 {
        (self.random)() as f64 / u64::MAX as f64
    }
}

impl Decision {
    fn ask(&mut self, entry: &mut Entry, run: RunId, now: Now) {
        entry.ask(run, now.wall);
        self.actions.push(Action::Run(Arc::clone(entry.test()), run));
        self.actions.push(Action::Publish(entry.test().name.clone()));
    }
}

#[cfg(test)]
pub(crate) mod tests;
