//! The loop: hands the dispatcher what happens, carries out what it decides, and answers for the board.
//!
//! It is the only one that touches the dispatcher. Whoever else wants to know or change something sends a message.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use calltest_core::event::{RunEvent, RunProgress, ServerEvent};
use calltest_core::plan::{ServerName, TestName};
use calltest_core::run::FinishedRun;
use calltest_report::run::Report;
use calltest_runner::{Control, Observer, Runner, Setup};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::api;
use crate::board::{Lists, TestState};
use crate::dispatcher::{Action, Dispatcher, InternalEvent, Now};

/// How many messages may wait for the loop. Whoever sends more waits; nothing is lost.
const MESSAGES: usize = 1024;
/// How many changes a listener may be behind before it is dropped.
pub(crate) const CHANGES: usize = 4096;
/// How long runs may take to end once the daemon is to.
const GRACE: Duration = Duration::from_secs(20);

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
    runner: Arc<Runner>,
    board: Board,
    messages: mpsc::Receiver<Message>,
    started: mpsc::UnboundedReceiver<TestName>,
    handle: Handle,
    listener: TcpListener,
}

/// What the loop works on.
struct Board {
    dispatcher: Dispatcher,
    epoch: Instant,
    controls: HashMap<TestName, Control>,
    changes: broadcast::Sender<Arc<str>>,
}

/// How the rest of the program speaks to the loop.
#[derive(Clone)]
pub(crate) struct Handle {
    messages: mpsc::Sender<Message>,
}

/// What somebody wants of the loop.
enum Message {
    Command(InternalEvent, TestName, oneshot::Sender<Option<bool>>),
    Question(Question),
}

/// What somebody wants to know.
enum Question {
    Lists(oneshot::Sender<Lists>),
    Test(String, oneshot::Sender<Option<TestState>>),
    Follow(oneshot::Sender<Following>),
    Servers(oneshot::Sender<Readiness>),
}

/// Every server, with the reason why runs cannot use it now, where they cannot.
pub(crate) type Readiness = Vec<(ServerName, Option<String>)>;

/// The states of all tests, and every change from then on.
pub(crate) type Following = (Vec<Arc<str>>, broadcast::Receiver<Arc<str>>);

impl Daemon {
    /// Connects to the servers that the plan's tests need. One that cannot be reached is tried again and again; one whose
    /// app another process owns ends the attempt.
    ///
    /// # Errors
    /// If another process owns an app.
    pub async fn open(setup: Setup, listener: TcpListener) -> Result<Self, ServeError> {
        let (messages, inbox) = mpsc::channel(MESSAGES);
        let handle = Handle { messages };
        let tests = setup.plan.tests.clone();
        let (tell, started) = mpsc::unbounded_channel();
        let observer = Arc::new(Forwarding { started: tell, next: Arc::clone(&setup.observer) });
        let runner = Runner::open(Setup { observer, ..setup }, &tests).await;
        if let Some((server, sentence)) = runner.servers().owned_by_others().into_iter().next() {
            runner.close().await;
            return Err(ServeError::Owned { server, sentence });
        }
        runner.servers().keep_trying();
        let now = Now { clock: Duration::ZERO, wall: SystemTime::now() };
        let board = Board {
            dispatcher: Dispatcher::new(&tests, now, rand::random::<f64>),
            epoch: Instant::now(),
            controls: HashMap::new(),
            changes: broadcast::channel(CHANGES).0,
        };
        Ok(Self { runner: Arc::new(runner), board, messages: inbox, started, handle, listener })
    }

    /// Runs tests until `shutdown`. Then calls off what is under way, and returns the tests that would not end in time.
    ///
    /// # Errors
    /// If the HTTP interface breaks down.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<Vec<TestName>, ServeError> {
        let closed = CancellationToken::new();
        let _close_on_return = closed.clone().drop_guard();
        let mut http = tokio::spawn(api::serve(self.listener, self.handle, closed));
        let mut runs: JoinSet<FinishedRun> = JoinSet::new();
        let board = &mut self.board;
        let mut give_up = None;
        loop {
            let due = board.dispatcher.next_due().map(|due| board.epoch + due);
            let event = tokio::select! {
                biased;
                () = shutdown.cancelled(), if give_up.is_none() => {
                    give_up = Some(Instant::now() + GRACE);
                    InternalEvent::ShutDown
                }
                ended = &mut http => return Err(ended.unwrap_or_else(|error| Err(io::Error::other(error))).map_or_else(
                    ServeError::Http,
                    |()| ServeError::Http(io::Error::other("it ended by itself")),
                )),
                Some(run) = runs.join_next() => match run {
                    Ok(run) => InternalEvent::Finished(Arc::new(run)),
                    Err(error) => std::panic::resume_unwind(error.into_panic()),
                },
                Some(name) = self.started.recv() => InternalEvent::Started(name),
                Some(message) = self.messages.recv() => match message {
                    Message::Command(event, name, reply) => {
                        let is_known = board.dispatcher.entry(name.as_str()).is_some();
                        let effect = is_known.then(|| board.handle(event, &self.runner, &mut runs));
                        // Whoever asked may have gone.
                        let _ = reply.send(effect);
                        continue;
                    }
                    Message::Question(question) => {
                        board.answer(question, &self.runner);
                        continue;
                    }
                },
                () = until(due) => InternalEvent::Tick,
                () = until(give_up) => break,
            };
            board.handle(event, &self.runner, &mut runs);
            if give_up.is_some() && board.dispatcher.is_idle() {
                break;
            }
        }
        let left = board.controls.keys().cloned().collect();
        runs.shutdown().await;
        self.runner.close().await;
        Ok(left)
    }
}

impl Board {
    fn now(&self) -> Now {
        Now { clock: self.epoch.elapsed(), wall: SystemTime::now() }
    }

    fn handle(&mut self, event: InternalEvent, runner: &Arc<Runner>, runs: &mut JoinSet<FinishedRun>) -> bool {
        if let InternalEvent::Finished(run) = &event {
            self.controls.remove(run.test.name.as_str());
            log(run);
        }
        let outcome = self.dispatcher.handle_event(event, self.now());
        for action in outcome.actions {
            match action {
                Action::Run(test) => {
                    let control = Control::default();
                    self.controls.insert(test.name.clone(), control.clone());
                    let runner = Arc::clone(runner);
                    runs.spawn(async move { runner.run(&test, &control).await });
                }
                Action::Stop(name) => self.controls.get(&name).into_iter().for_each(Control::stop),
                Action::Fail(name) => self.controls.get(&name).into_iter().for_each(Control::fail),
                // Nobody listens if it cannot be sent.
                Action::Publish(name) => drop(self.changes.send(self.change(&name))),
            }
        }
        outcome.has_effect
    }

    /// Answers a question. Whoever asked may have gone.
    fn answer(&self, question: Question, runner: &Runner) {
        match question {
            Question::Lists(reply) => drop(reply.send(Lists::of(self.dispatcher.entries()))),
            Question::Test(name, reply) => drop(reply.send(self.dispatcher.entry(&name).map(TestState::from))),
            Question::Servers(reply) => drop(reply.send(runner.servers().readiness())),
            Question::Follow(reply) => {
                let all = self.dispatcher.entries().map(|entry| self.change(&entry.test.name)).collect();
                drop(reply.send((all, self.changes.subscribe())));
            }
        }
    }

    /// The message about a test's state that listeners get.
    fn change(&self, name: &TestName) -> Arc<str> {
        let state = self.dispatcher.entry(name.as_str()).map(TestState::from);
        json!({ "action": "update", "name": name.as_str(), "state": state.map_or(Value::Null, |state| json!(state)) })
            .to_string()
            .into()
    }
}

fn log(run: &FinishedRun) {
    let line = calltest_report::text::line(&Report::from(run));
    match run.verdict.word() {
        "pass" => tracing::info!("pass {line}"),
        word => tracing::warn!("{word} {line}"),
    }
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

impl Handle {
    /// The lists of the board; `None` if the daemon has ended.
    pub(crate) async fn lists(&self) -> Option<Lists> {
        self.ask(|reply| Message::Question(Question::Lists(reply))).await
    }

    /// The state of a test; `None` inside if there is no such test.
    pub(crate) async fn test(&self, name: String) -> Option<Option<TestState>> {
        self.ask(|reply| Message::Question(Question::Test(name, reply))).await
    }

    /// Gives a command; tells whether it did something, and `None` inside if there is no such test.
    pub(crate) async fn command(&self, event: fn(TestName) -> InternalEvent, name: &str) -> Option<Option<bool>> {
        let name = TestName::from(name);
        self.ask(|reply| Message::Command(event(name.clone()), name, reply)).await
    }

    /// How the servers are; `None` if the daemon has ended.
    pub(crate) async fn servers(&self) -> Option<Readiness> {
        self.ask(|reply| Message::Question(Question::Servers(reply))).await
    }

    /// The states of all tests, and every change from then on.
    pub(crate) async fn follow(&self) -> Option<Following> {
        self.ask(|reply| Message::Question(Question::Follow(reply))).await
    }

    async fn ask<T>(&self, message: impl FnOnce(oneshot::Sender<T>) -> Message) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.messages.send(message(reply)).await.ok()?;
        answer.await.ok()
    }
}

/// Tells the loop when runs start, and passes everything on.
struct Forwarding {
    /// One message a run: it needs no bound, and a run must not wait for the loop.
    started: mpsc::UnboundedSender<TestName>,
    next: Arc<dyn Observer>,
}

impl Observer for Forwarding {
    fn run_event(&self, event: RunEvent) {
        if let RunProgress::Started = event.what {
            // Nobody listens any more once the daemon has ended.
            let _ = self.started.send(event.test.clone());
        }
        self.next.run_event(event);
    }

    fn server_event(&self, event: ServerEvent) {
        self.next.server_event(event);
    }
}
