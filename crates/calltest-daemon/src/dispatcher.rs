//! The dispatcher: decides what runs when, and keeps the board.
//!
//! One synchronous machine, without clock, task or socket. The loop around it hands it what happened and the time, and does
//! what it answers. So every rule of the schedule is a test in virtual time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use calltest_core::plan::{CallTest, TestName};
use calltest_core::run::FinishedRun;

use crate::entry::{Entry, Phase};
use crate::schedule;

/// The time, as the daemon measures it and as people tell it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// Since the daemon started.
    pub(crate) clock: Duration,
    pub(crate) wall: SystemTime,
}

/// What happened.
#[derive(Debug)]
pub(crate) enum InternalEvent {
    /// Time went by.
    Tick,
    /// A run holds its links.
    Started(TestName),
    /// A run is over.
    Finished(Arc<FinishedRun>),
    /// Somebody wants a run at once.
    Start(TestName),
    /// Somebody wants a run to end.
    Stop(TestName),
    /// Somebody wants a run to end, and to count as a failure.
    Fail(TestName),
    /// The daemon is to end: nothing new is started, and what is under way is called off.
    ShutDown,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// Start a run of this test.
    Run(Arc<CallTest>),
    /// Call the run of this test off.
    Stop(TestName),
    /// Call the run of this test off as a failure.
    Fail(TestName),
    /// Tell whoever listens that this test's state has changed.
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
    entries: BTreeMap<TestName, Entry>,
    random: Box<dyn FnMut() -> f64 + Send>,
    heard_of: u64,
    is_shutting_down: bool,
}

impl Dispatcher {
    /// A board with these tests, none of which has run yet. `random` draws numbers between 0 and 1.
    pub(crate) fn new(tests: &[Arc<CallTest>], now: Now, mut random: impl FnMut() -> f64 + Send + 'static) -> Self {
        let scheduled = tests.iter().filter(|test| !test.schedule.is_manual).count();
        let mut entry = |test: &Arc<CallTest>| {
            let first = || now.clock + schedule::first_start(scheduled, random());
            let due = (!test.schedule.is_manual).then(first);
            (test.name.clone(), Entry::new(Arc::clone(test), now.wall, due))
        };
        let entries = tests.iter().map(&mut entry).collect();
        Self { entries, random: Box::new(random), heard_of: 0, is_shutting_down: false }
    }

    /// The test of that name.
    pub(crate) fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// Every test, by name.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// When something is due next; never if `None`.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.entries.values().filter_map(|entry| entry.due).min().filter(|_| !self.is_shutting_down)
    }

    /// Whether no run is asked for or under way.
    pub(crate) fn is_idle(&self) -> bool {
        !self.entries.values().any(Entry::is_active)
    }

    /// Takes in what happened, and says what is to be done.
    pub(crate) fn handle_event(&mut self, event: InternalEvent, now: Now) -> Outcome {
        match event {
            InternalEvent::Tick => self.start_what_is_due(now),
            InternalEvent::Start(name) => self.start(&name, now),
            InternalEvent::Started(name) => self.started(&name, now),
            InternalEvent::Finished(run) => self.finished(&run, now),
            InternalEvent::Stop(name) => self.end(&name, Action::Stop),
            InternalEvent::Fail(name) => self.end(&name, Action::Fail),
            InternalEvent::ShutDown => self.shut_down(),
        }
    }

    fn start_what_is_due(&mut self, now: Now) -> Outcome {
        let mut outcome = Outcome::default();
        if self.is_shutting_down {
            return outcome;
        }
        let is_due = |entry: &&mut Entry| entry.due.is_some_and(|due| due <= now.clock);
        let mut due: Vec<&mut Entry> = self.entries.values_mut().filter(is_due).collect();
        due.sort_by_key(|entry| entry.due);
        for entry in due {
            outcome.ask(entry, now);
        }
        outcome
    }

    fn start(&mut self, name: &TestName, now: Now) -> Outcome {
        let mut outcome = Outcome::default();
        if let Some(entry) = self.entries.get_mut(name).filter(|entry| !entry.is_active())
            && !self.is_shutting_down
        {
            outcome.ask(entry, now);
            outcome.has_effect = true;
        }
        outcome
    }

    fn started(&mut self, name: &TestName, now: Now) -> Outcome {
        // A run that was called off at once may have ended before this was heard.
        let is_waiting = self.entries.get(name).is_some_and(|entry| entry.phase == Phase::Waiting);
        if is_waiting { self.change(name, |entry| entry.start(now.wall)) } else { Outcome::default() }
    }

    fn finished(&mut self, run: &FinishedRun, now: Now) -> Outcome {
        let random = (self.random)();
        let heard_of = &mut self.heard_of;
        let Some(entry) = self.entries.get_mut(run.test.name.as_str()) else { return Outcome::default() };
        entry.finish(&run.verdict, run.waited, run.duration, now.wall);
        entry.rank.get_or_insert_with(|| {
            *heard_of += 1;
            *heard_of
        });
        let pause = || now.clock + schedule::pause(&entry.test.schedule, &entry.streak, random);
        entry.due = (!entry.test.schedule.is_manual).then(pause);
        Outcome { actions: vec![Action::Publish(run.test.name.clone())], has_effect: true }
    }

    fn end(&mut self, name: &TestName, action: fn(TestName) -> Action) -> Outcome {
        let active = self.entries.get(name).filter(|entry| entry.is_active());
        let actions: Vec<Action> = active.map(|entry| action(entry.test.name.clone())).into_iter().collect();
        Outcome { has_effect: !actions.is_empty(), actions }
    }

    fn shut_down(&mut self) -> Outcome {
        self.is_shutting_down = true;
        let active = self.entries.values().filter(|entry| entry.is_active());
        Outcome { actions: active.map(|entry| Action::Stop(entry.test.name.clone())).collect(), has_effect: true }
    }

    fn change(&mut self, name: &TestName, change: impl FnOnce(&mut Entry)) -> Outcome {
        let Some(entry) = self.entries.get_mut(name) else { return Outcome::default() };
        change(entry);
        Outcome { actions: vec![Action::Publish(entry.test.name.clone())], has_effect: true }
    }
}

impl Outcome {
    fn ask(&mut self, entry: &mut Entry, now: Now) {
        entry.ask(now.wall);
        self.actions.push(Action::Run(Arc::clone(&entry.test)));
        self.actions.push(Action::Publish(entry.test.name.clone()));
    }
}

#[cfg(test)]
mod tests;
