//! The loop: hands the dispatcher what happens, has its decisions carried out, and lets others ask and command.
//!
//! It is the only one that touches the board. Whoever else wants to know or change something sends a message.

use std::future::pending;
use std::io;
use std::sync::Arc;

use calltest_core::plan::{ServerName, TestName};
use calltest_runner::{RECORDINGS, Runner, Setup};
use jiff::tz::TimeZone;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::api::{self, Interface};
use crate::board::{Board, Parts};
use crate::dispatcher::InternalEvent;
use crate::handle::{Handle, Message};
use crate::loop_observer::LoopObserver;
use crate::reload::Load;
use crate::restore;

/// What a daemon works with.
pub struct Options {
    /// How this process names itself.
    pub instance: String,
    /// What its runner works with.
    pub setup: Setup,
    /// Where it answers.
    pub listener: TcpListener,
    /// Loads the configuration again.
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
    run_events: mpsc::UnboundedReceiver<InternalEvent>,
    reloads: mpsc::Receiver<()>,
    listener: TcpListener,
    context: api::Context,
    closed: CancellationToken,
}

impl Daemon {
    /// Connects to the servers that the plan's tests need. One that cannot be reached is tried again and again; one whose
    /// app another process owns ends the attempt.
    ///
    /// # Errors
    /// If another process owns an app.
    pub async fn open(options: Options) -> Result<Self, ServeError> {
        let Options { instance, setup, listener, load, reloads, zone, conditions, may_keep } = options;
        let (handle, messages) = Handle::new();
        let plan = Arc::clone(&setup.plan);
        let (tell, run_events) = mpsc::unbounded_channel();
        let observer = Arc::new(LoopObserver { tell, next: Arc::clone(&setup.observer) });
        let state_directory = setup.state_directory.clone();
        let recordings = state_directory.join(RECORDINGS);
        let runner = Runner::open(Setup { observer, ..setup }, &plan.tests).await;
        if let Some((server, sentence)) = runner.servers().owned_by_others().into_iter().next() {
            runner.close().await;
            return Err(ServeError::Owned { server, sentence });
        }
        runner.servers().keep_trying();
        let place = plan.history.filter(|_| may_keep).map(|retention| restore::place(&state_directory, retention));
        let (history, restored) = restore::open(place).await;
        let known = restore::restore(&plan, restored.tests);
        let silences = restored.silences.into_iter().map(Arc::new).collect();
        let parts = Parts { history: history.clone(), known, silences, load, zone, instance, conditions };
        let board = Board::new(plan, runner, parts);
        let closed = CancellationToken::new();
        let context = api::context(handle, history, recordings, closed.clone());
        Ok(Self { board, messages, run_events, reloads, listener, context, closed })
    }

    /// The HTTP interface without a network, as it is where the daemon listens on loopback. It answers while the daemon
    /// runs.
    pub fn interface(&self) -> Interface {
        Interface::new(self.context.clone())
    }

    /// Runs tests until `shutdown`. Then calls off what is under way, and returns the tests that would not end in time.
    ///
    /// # Errors
    /// If the HTTP interface breaks down.
    pub async fn run(self, shutdown: CancellationToken) -> Result<Vec<TestName>, ServeError> {
        let Self { mut board, mut messages, mut run_events, mut reloads, listener, context, closed } = self;
        let _close_on_return = closed.drop_guard();
        let mut http = tokio::spawn(api::serve(listener, context));
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
                        board.finished(run, seq);
                        if give_up.is_some() && board.dispatcher.is_idle() {
                            break;
                        }
                        continue;
                    }
                    Err(error) => std::panic::resume_unwind(error.into_panic()),
                },
                Some(event) = run_events.recv() => event,
                Some(message) = messages.recv() => {
                    message(&mut board);
                    continue;
                }
                Some(()) = reloads.recv() => {
                    // How it comes out is in the log and in `/healthz`.
                    drop(board.reloading.begin());
                    continue;
                }
                loaded = board.reloading.loaded() => {
                    board.reload(loaded);
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
        let left = board.under_way();
        board.runs.shutdown().await;
        board.runner.close().await;
        board.history.close().await;
        Ok(left)
    }
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}
