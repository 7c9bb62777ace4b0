//! What the loop works on: the dispatcher with all tests, and what carries out its decisions.

pub(crate) mod queries;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use calltest_core::plan::{CallTest, Plan, TestName};
use calltest_core::run::{FinishedRun, RunId};
use calltest_core::verdict::{Trouble, Verdict};
use calltest_report::run::Report;
use calltest_runner::{Control, Runner};
use jiff::tz::TimeZone;
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::digest::digest;
use crate::dispatcher::{Action, Dispatcher, InternalEvent};
use crate::history::{History, Seq};
use crate::now::Now;
use crate::plan_changes::Changes;
use crate::reload::{Load, Rejection, Reloading};
use crate::restore::{self, Known};
use crate::silence::Silence;
use crate::spending;

/// How many changes a listener may be behind before it is dropped.
const CHANGES: usize = 4096;

/// What the loop works on.
pub(crate) struct Board {
    pub(crate) dispatcher: Dispatcher,
    pub(crate) runner: Arc<Runner>,
    pub(crate) history: History,
    pub(crate) reloading: Reloading,
    pub(crate) runs: JoinSet<(FinishedRun, Seq)>,
    controls: HashMap<TestName, Control>,
    changes: broadcast::Sender<Arc<str>>,
    pub(crate) epoch: Instant,
    started: SystemTime,
    zone: TimeZone,
    instance: String,
    /// What the plan in force is known by.
    plan: String,
    conditions: Vec<String>,
}

/// What a board is made of, besides a plan and its runner.
pub(crate) struct Parts {
    pub(crate) history: History,
    /// What an earlier process has left.
    pub(crate) known: Vec<Known>,
    pub(crate) silences: Vec<Arc<Silence>>,
    pub(crate) load: Load,
    pub(crate) zone: TimeZone,
    pub(crate) instance: String,
    pub(crate) conditions: Vec<String>,
}

impl Board {
    /// A board with the tests of this plan, on the servers that the runner has opened.
    pub(crate) fn new(plan: Arc<Plan>, runner: Runner, parts: Parts) -> Self {
        let Parts { history, known, silences, load, zone, instance, conditions } = parts;
        let now = Now::new(Duration::ZERO, SystemTime::now(), &zone);
        spending::announce(&plan);
        Self {
            plan: digest(&plan),
            dispatcher: Dispatcher::new(plan, known, silences, now, rand::random::<u64>),
            runner: Arc::new(runner),
            history,
            reloading: Reloading::new(load),
            runs: JoinSet::new(),
            controls: HashMap::new(),
            changes: broadcast::channel(CHANGES).0,
            epoch: Instant::now(),
            started: now.wall,
            zone,
            instance,
            conditions,
        }
    }

    pub(crate) fn now(&self) -> Now {
        Now::new(self.epoch.elapsed(), SystemTime::now(), &self.zone)
    }

    /// Lets the dispatcher take in what happened, and does what it decides. Tells whether a command did something.
    pub(crate) fn handle(&mut self, event: InternalEvent) -> bool {
        let now = self.now();
        if let InternalEvent::Reload(plan) = &event {
            self.plan = digest(plan);
        }
        let decision = self.dispatcher.handle_event(event, now);
        for action in decision.actions {
            match action {
                Action::Run(test, id) => self.start(test, id),
                Action::Stop(name) => self.controls.get(&name).into_iter().for_each(Control::stop),
                Action::Fail(name) => self.controls.get(&name).into_iter().for_each(Control::fail),
                Action::Publish(name) if self.changes.receiver_count() > 0 => {
                    // The last listener may have gone just now.
                    let _ = self.changes.send(self.change(&name));
                }
                Action::Publish(_) => {}
            }
        }
        decision.has_effect
    }

    fn start(&mut self, test: Arc<CallTest>, id: RunId) {
        let control = Control::default();
        self.controls.insert(test.name.clone(), control.clone());
        let run = self.runner.start(id, test, control);
        let history = self.history.clone();
        self.runs.spawn(async move {
            let run = run.await;
            // Before anybody hears of it: what was told once is known for good.
            let seq = history.commit(restore::record(&run)).await;
            (run, seq)
        });
    }

    /// Takes in that a run is over, and keeps what is known of its test for the next process.
    pub(crate) fn finished(&mut self, run: FinishedRun, seq: Seq) {
        let name = run.test.name.clone();
        self.controls.remove(&name);
        log(&run);
        self.handle(InternalEvent::Finished(Arc::new(run)));
        if let Some(entry) = self.dispatcher.entry(name.as_str()) {
            let next_run = self.dispatcher.next_run(name.as_str(), self.now());
            self.history.save_test(name.as_str(), restore::saved(entry, next_run, seq));
        }
    }

    /// Goes over to a plan that was loaded, if it is in order.
    pub(crate) fn reload(&mut self, loaded: Result<Plan, Rejection>) {
        let reloaded = loaded.map(|plan| {
            let plan = Arc::new(plan);
            let changes = Changes::between(self.dispatcher.plan(), &plan);
            self.runner = Arc::new(self.runner.reload(Arc::clone(&plan)));
            self.handle(InternalEvent::Reload(plan));
            changes
        });
        self.reloading.finish(&reloaded);
        if reloaded.is_ok() {
            spending::announce(self.dispatcher.plan());
        }
    }

    /// The tests of which runs are under way.
    pub(crate) fn under_way(&self) -> Vec<TestName> {
        self.controls.keys().cloned().collect()
    }

    /// Silences what the silence covers, and keeps that for the next process.
    pub(crate) fn silence(&mut self, silence: Arc<Silence>) -> Result<(), String> {
        silence.check(self.dispatcher.plan())?;
        self.history.save_silence(Arc::clone(&silence));
        self.handle(InternalEvent::Silence(silence));
        Ok(())
    }

    pub(crate) fn end_silence(&mut self, id: String) -> bool {
        self.history.remove_silence(&id);
        self.handle(InternalEvent::EndSilence(id))
    }
}

fn log(run: &FinishedRun) {
    let line = calltest_report::text::line(&Report::without_timeline(run));
    match &run.verdict {
        Verdict::Pass => tracing::info!("pass {line}"),
        // The server's own line tells why, once and not for each test.
        Verdict::Error(Trouble::ServerUnavailable { .. } | Trouble::ConnectionLost { .. }) => {
            tracing::info!("error {line}");
        }
        verdict => tracing::warn!("{} {line}", verdict.word()),
    }
}
