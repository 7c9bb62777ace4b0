//! The loop: hands the dispatcher what happens, carries out what it decides, and answers for the board.
//!
//! It is the only one that touches the board. Whoever else wants to know or change something sends a message.

use std::collections::{BTreeMap, HashMap};
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use calltest_core::event::{RunEvent, RunProgress, ServerEvent, ServerProgress};
use calltest_core::plan::{LinkName, ServerName, TestName};
use calltest_core::run::FinishedRun;
use calltest_core::verdict::{Trouble, Verdict};
use calltest_report::run::Report;
use calltest_runner::{Control, Observer, RECORDINGS, Runner, Setup};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::api::{self, Interface};
use crate::board::{Lists, TestState};
use crate::digest::digest;
use crate::dispatcher::{Action, Dispatcher, InternalEvent, Now};
use crate::entry::Phase;
use crate::handle::{Following, Handle, Health, LinkState, Message};
use crate::history::{History, Seq};
use crate::memory;
use crate::mute::Silence;
use crate::reload::{Load, Reloading};

/// How many changes a listener may be behind before it is dropped.
pub(crate) const CHANGES: usize = 4096;

/// What a daemon works with.
pub struct Options {
    /// What its runner works with.
    pub setup: Setup,
    /// Where it answers.
    pub listener: TcpListener,
    /// Loads the configuration anew.
    pub load: Load,
    /// Whenever something comes in here, that is to be done.
    pub reloads: mpsc::Receiver<()>,
    /// By which clock quiet times are meant.
    pub zone: TimeZone,
    /// What is wrong from the start, a sentence each.
    pub conditions: Vec<String>,
    /// Whether anything may be kept in the state directory.
    pub may_keep: bool,
}

/// Why a daemon could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another process owns the app on a server.
    #[error("{sentence}")]
    Owned {
        /// Which server.
        server: ServerName,
        /// A whole sentence that names the owner.
        sentence: String,
    },
    /// The HTTP interface broke down.
    #[error("the HTTP interface has failed: {0}")]
    Http(#[from] io::Error),
}

/// Runs tests on their schedule.
pub struct Daemon {
    board: Board,
    messages: mpsc::Receiver<Message>,
    told: mpsc::UnboundedReceiver<InternalEvent>,
    reloads: mpsc::Receiver<()>,
    listener: TcpListener,
    shared: api::Shared,
    closed: CancellationToken,
}

/// What the loop works on.
pub(crate) struct Board {
    pub(crate) dispatcher: Dispatcher,
    pub(crate) runner: Arc<Runner>,
    pub(crate) history: History,
    pub(crate) reloading: Reloading,
    runs: JoinSet<(FinishedRun, Seq)>,
    controls: HashMap<TestName, Control>,
    changes: broadcast::Sender<Arc<str>>,
    epoch: Instant,
    started: SystemTime,
    zone: TimeZone,
    instance: String,
    /// What the plan in force is known by.
    plan: String,
    conditions: Vec<String>,
}

impl Daemon {
    /// Connects to the servers that the plan's tests need. One that cannot be reached is tried again and again; one whose
    /// app another process owns ends the attempt.
    ///
    /// # Errors
    /// If another process owns an app.
    pub async fn open(options: Options) -> Result<Self, ServeError> {
        let Options { setup, listener, load, reloads, zone, conditions, may_keep } = options;
        let (handle, messages) = Handle::new();
        let plan = Arc::clone(&setup.plan);
        let (tell, told) = mpsc::unbounded_channel();
        let observer = Arc::new(Forwarding { tell, next: Arc::clone(&setup.observer) });
        let (instance, state_directory) = (setup.identity.instance.clone(), setup.state_directory.clone());
        let recordings = state_directory.join(RECORDINGS);
        let runner = Runner::open(Setup { observer, ..setup }, &plan.tests).await;
        if let Some((server, sentence)) = runner.servers().owned_by_others().into_iter().next() {
            runner.close().await;
            return Err(ServeError::Owned { server, sentence });
        }
        runner.servers().keep_trying();
        let place = plan.history.filter(|_| may_keep).map(|retention| memory::place(&state_directory, retention));
        let (history, restored) = memory::open(place).await;
        let now = Now::new(std::time::Duration::ZERO, SystemTime::now(), &zone);
        let (known, silences) = memory::recall(&plan, restored);
        let board = Board {
            dispatcher: Dispatcher::new(Arc::clone(&plan), known, silences, now, rand::random::<u64>),
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
            plan: digest(&plan),
            conditions,
        };
        let closed = CancellationToken::new();
        let shared = api::Shared::new(handle, board.history.clone(), recordings, closed.clone());
        Ok(Self { board, messages, told, reloads, listener, shared, closed })
    }

    /// The HTTP interface without a network, as it is where the daemon listens on loopback. It answers while the daemon
    /// runs.
    pub fn interface(&self) -> Interface {
        Interface::new(self.shared.clone())
    }

    /// Runs tests until `shutdown`. Then calls off what is under way, and returns the tests that would not end in time.
    ///
    /// # Errors
    /// If the HTTP interface breaks down.
    pub async fn run(self, shutdown: CancellationToken) -> Result<Vec<TestName>, ServeError> {
        let Self { mut board, mut messages, mut told, mut reloads, listener, shared, closed } = self;
        let _close_on_return = closed.drop_guard();
        let mut http = tokio::spawn(api::serve(listener, shared));
        let mut give_up = None;
        loop {
            let due = board.dispatcher.next_due().map(|due| board.epoch + due);
            let event = tokio::select! {
                biased;
                () = shutdown.cancelled(), if give_up.is_none() => {
                    give_up = Some(Instant::now() + board.dispatcher.plan().grace);
                    InternalEvent::ShutDown
                }
                ended = &mut http => return Err(ended.unwrap_or_else(|error| Err(io::Error::other(error))).map_or_else(
                    ServeError::Http,
                    |()| ServeError::Http(io::Error::other("it ended by itself")),
                )),
                Some(run) = board.runs.join_next() => match run {
                    Ok((run, seq)) => {
                        board.finished(Arc::new(run), seq);
                        if give_up.is_some() && board.dispatcher.is_idle() {
                            break;
                        }
                        continue;
                    }
                    Err(error) => std::panic::resume_unwind(error.into_panic()),
                },
                Some(event) = told.recv() => event,
                Some(message) = messages.recv() => {
                    message(&mut board);
                    continue;
                }
                Some(()) = reloads.recv() => {
                    // How it comes out is in the log and in `/healthz`.
                    drop(Reloading::begin(&mut board));
                    continue;
                }
                loaded = board.reloading.loaded() => {
                    Reloading::finish(&mut board, loaded);
                    continue;
                }
                () = until(due) => InternalEvent::Tick,
                () = until(give_up) => break,
            };
            board.handle(event);
            if give_up.is_some() && board.dispatcher.is_idle() {
                break;
            }
        }
        let left = board.controls.keys().cloned().collect();
        board.runs.shutdown().await;
        board.runner.close().await;
        board.history.close().await;
        Ok(left)
    }
}

impl Board {
    pub(crate) fn now(&self) -> Now {
        Now::new(self.epoch.elapsed(), SystemTime::now(), &self.zone)
    }

    /// Lets the dispatcher take in what happened, and does what it decides. Tells whether a command did something.
    pub(crate) fn handle(&mut self, event: InternalEvent) -> bool {
        let now = self.now();
        if let InternalEvent::Reload(plan) = &event {
            self.plan = digest(plan);
        }
        let outcome = self.dispatcher.handle_event(event, now);
        for action in outcome.actions {
            match action {
                Action::Run(test, id) => {
                    let control = Control::default();
                    self.controls.insert(test.name.clone(), control.clone());
                    let run = self.runner.start(id, test, control);
                    let history = self.history.clone();
                    self.runs.spawn(async move {
                        let run = run.await;
                        // Before anybody hears of it: what was told once is known for good.
                        let seq = history.commit(memory::record(&run)).await;
                        (run, seq)
                    });
                }
                Action::Stop(name) => self.controls.get(&name).into_iter().for_each(Control::stop),
                Action::Fail(name) => self.controls.get(&name).into_iter().for_each(Control::fail),
                Action::Publish(name) if self.changes.receiver_count() > 0 => {
                    // The last listener may have gone just now.
                    let _ = self.changes.send(self.change(&name));
                }
                Action::Publish(_) => {}
            }
        }
        outcome.has_effect
    }

    /// Takes in that a run is over, and keeps what is known of its test for the next process.
    fn finished(&mut self, run: Arc<FinishedRun>, seq: Seq) {
        let name = run.test.name.clone();
        self.controls.remove(&name);
        log(&run);
        self.handle(InternalEvent::Finished(run));
        if let Some(entry) = self.dispatcher.entry(name.as_str()) {
            let next_run = self.dispatcher.next_run(name.as_str(), self.now());
            self.history.save_test(name.as_str(), memory::saved(entry, next_run, seq));
        }
    }

    pub(crate) fn state(&self, name: &str) -> Option<TestState> {
        let next_run = self.dispatcher.next_run(name, self.now());
        self.dispatcher.entry(name).map(|entry| TestState::of(entry, next_run))
    }

    pub(crate) fn follow(&self) -> Following {
        let all = self.dispatcher.entries().map(|entry| self.change(&entry.test.name)).collect();
        (all, self.changes.subscribe())
    }

    /// The message about a test that listeners get.
    fn change(&self, name: &TestName) -> Arc<str> {
        match self.state(name.as_str()) {
            Some(state) => json!({ "action": "update", "name": name.as_str(), "state": state }),
            None => json!({ "action": "remove", "name": name.as_str(), "state": Value::Null }),
        }
        .to_string()
        .into()
    }

    pub(crate) fn links(&self) -> BTreeMap<LinkName, LinkState> {
        let plan = self.dispatcher.plan();
        let mut over: BTreeMap<&LinkName, Vec<_>> = BTreeMap::new();
        for entry in self.dispatcher.entries() {
            let mut links = entry.test.links();
            links.dedup();
            links.into_iter().for_each(|link| over.entry(link).or_default().push(entry));
        }
        let state = |(name, link): (&LinkName, &Arc<calltest_core::plan::Link>)| {
            let entries = over.get(name).map(Vec::as_slice).unwrap_or_default();
            let running = entries.iter().filter(|entry| entry.phase == Phase::Running);
            let in_use = running.map(|entry| entry.test.links().iter().filter(|link| **link == name).count()).sum();
            let state = LinkState {
                server: link.server.to_string(),
                channel: link.channel.as_ref().map(|channel| channel.template().to_owned()),
                number: link.number.as_ref().map(ToString::to_string),
                max_calls: link.max_calls.get(),
                in_use,
                tests: entries.iter().map(|entry| entry.test.name.to_string()).collect(),
                lists: Lists::of(entries.iter().copied()),
            };
            (name.clone(), state)
        };
        plan.links.iter().map(state).collect()
    }

    pub(crate) fn health(&self) -> Health {
        let conditions = self.conditions.iter().cloned();
        let conditions = conditions.chain(self.history.condition()).chain(self.reloading.condition());
        Health {
            conditions: conditions.collect(),
            started: self.started,
            plan: self.plan.clone(),
            instance: self.instance.clone(),
            reload: self.reloading.last.clone(),
        }
    }

    /// Silences what the silence covers, and keeps that for the next process.
    pub(crate) fn silence(&mut self, silence: Arc<Silence>) -> Result<(), String> {
        silence.scope.check(self.dispatcher.plan())?;
        self.history.save_silence(memory::saved_silence(&silence));
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

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}

/// Tells the loop what concerns it, and passes everything on.
struct Forwarding {
    /// A few messages a run: it needs no bound, and a run must not wait for the loop.
    tell: mpsc::UnboundedSender<InternalEvent>,
    next: Arc<dyn Observer>,
}

impl Observer for Forwarding {
    fn run_event(&self, event: RunEvent) {
        if let RunProgress::Started = event.what {
            // Nobody listens any more once the daemon has ended.
            let _ = self.tell.send(InternalEvent::Started(event.test.clone(), event.run));
        }
        self.next.run_event(event);
    }

    fn server_event(&self, event: ServerEvent) {
        if let ServerProgress::Up { .. } = event.what {
            let _ = self.tell.send(InternalEvent::ServerUp(event.server.clone()));
        }
        self.next.server_event(event);
    }
}
