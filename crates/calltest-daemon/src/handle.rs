//! How everything else speaks to the loop: it sends what is to be done with the board, and the loop does it in its turn.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use calltest_core::plan::{LinkName, ServerName, TestName};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::board::{Lists, TestState};
use crate::daemon::Board;
use crate::dispatcher::InternalEvent;
use crate::entry::Phase;
use crate::mute::Silence;
use crate::reload::{Reloaded, Reloading};

/// How many messages may wait for the loop. Whoever sends more waits; nothing is lost.
const MESSAGES: usize = 1024;

/// What the loop is to do with the board.
pub(crate) type Message = Box<dyn FnOnce(&mut Board) + Send>;

/// Speaks to the loop.
#[derive(Clone)]
pub(crate) struct Handle {
    messages: mpsc::Sender<Message>,
}

/// The daemon has ended, so nobody answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended;

/// The states of all tests, and every change from then on.
pub(crate) type Following = (Vec<Arc<str>>, broadcast::Receiver<Arc<str>>);

/// What came of a command to a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Commanded {
    /// Whether there was something to do.
    pub(crate) has_effect: bool,
    /// The run that it is about: the one that was started, or is ended.
    pub(crate) run: Option<String>,
}

/// A link, and how the tests over it fare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinkState {
    pub(crate) server: String,
    pub(crate) channel: Option<String>,
    pub(crate) number: Option<String>,
    pub(crate) max_calls: u32,
    /// How many runs hold it now.
    pub(crate) in_use: usize,
    pub(crate) tests: Vec<String>,
    /// The tests over it, sorted as on the board.
    pub(crate) lists: Lists,
}

/// How the daemon itself is.
#[derive(Debug, Clone)]
pub(crate) struct Health {
    /// What is wrong, a sentence each.
    pub(crate) conditions: Vec<String>,
    pub(crate) started: SystemTime,
    pub(crate) plan: String,
    pub(crate) instance: String,
    /// How the last reload came out, if there was one.
    pub(crate) reload: Option<(SystemTime, Result<(), String>)>,
}

impl Handle {
    /// A handle, and where the loop hears what is said through it.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Message>) {
        let (messages, inbox) = mpsc::channel(MESSAGES);
        (Self { messages }, inbox)
    }

    pub(crate) async fn lists(&self) -> Result<Lists, Ended> {
        self.ask(|board| Lists::of(board.dispatcher.entries())).await
    }

    /// The state of a test; `None` if there is no such test.
    pub(crate) async fn test(&self, name: String) -> Result<Option<TestState>, Ended> {
        self.ask(move |board| board.state(&name)).await
    }

    /// Gives a command to a test; `None` if there is no such test.
    pub(crate) async fn command(
        &self,
        event: fn(TestName) -> InternalEvent,
        name: &str,
    ) -> Result<Option<Commanded>, Ended> {
        let name = TestName::from(name);
        self.ask(move |board| {
            board.dispatcher.entry(name.as_str())?;
            let has_effect = board.handle(event(name.clone()));
            let run = board.dispatcher.entry(name.as_str()).filter(|_| has_effect).and_then(|entry| entry.run);
            Some(Commanded { has_effect, run: run.map(|run| run.to_string()) })
        })
        .await
    }

    /// What a run that is asked for or under way is doing, in a word; `None` inside if it is neither. `None` if there is no
    /// such test.
    pub(crate) async fn active(&self, test: String, id: String) -> Result<Option<Option<&'static str>>, Ended> {
        self.ask(move |board| {
            let entry = board.dispatcher.entry(&test)?;
            let is_it = entry.is_active() && entry.run.is_some_and(|run| run.to_string() == id);
            Some(is_it.then(|| if entry.phase == Phase::Waiting { "waiting" } else { "running" }))
        })
        .await
    }

    /// Every server, with the reason why runs cannot use it now, where they cannot.
    pub(crate) async fn servers(&self) -> Result<Vec<(ServerName, Option<String>)>, Ended> {
        self.ask(|board| board.runner.servers().readiness()).await
    }

    pub(crate) async fn links(&self) -> Result<BTreeMap<LinkName, LinkState>, Ended> {
        self.ask(|board| board.links()).await
    }

    pub(crate) async fn health(&self) -> Result<Health, Ended> {
        self.ask(|board| board.health()).await
    }

    /// The states of all tests, and every change from then on.
    pub(crate) async fn follow(&self) -> Result<Following, Ended> {
        self.ask(|board| board.follow()).await
    }

    pub(crate) async fn silences(&self) -> Result<Vec<Arc<Silence>>, Ended> {
        self.ask(|board| board.dispatcher.silences().to_vec()).await
    }

    /// Silences what the silence covers. If that names something that there is not, says what, and does nothing.
    pub(crate) async fn silence(&self, silence: Arc<Silence>) -> Result<Result<(), String>, Ended> {
        self.ask(move |board| board.silence(silence)).await
    }

    /// Ends a silence; tells whether there was one.
    pub(crate) async fn end_silence(&self, id: String) -> Result<bool, Ended> {
        self.ask(move |board| board.end_silence(id)).await
    }

    /// Loads the configuration anew, and goes over to it if it is in order.
    pub(crate) async fn reload(&self) -> Result<Reloaded, Ended> {
        let answer = self.ask(Reloading::begin).await?;
        answer.await.map_err(|_| Ended)
    }

    async fn ask<T: Send + 'static>(&self, what: impl FnOnce(&mut Board) -> T + Send + 'static) -> Result<T, Ended> {
        let (reply, answer) = oneshot::channel();
        let message: Message = Box::new(move |board| {
            // Whoever asked may have gone.
            let _ = reply.send(what(board));
        });
        self.messages.send(message).await.map_err(|_| Ended)?;
        answer.await.map_err(|_| Ended)
    }
}
