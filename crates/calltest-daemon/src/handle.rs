//! How everything else speaks to the loop: it sends what is to be done with the board, and the loop does it in its turn.

use std::collections::BTreeMap;
use std::sync::Arc;

use calltest_core::plan::{ServerName, TestName};
use tokio::sync::{mpsc, oneshot};

use crate::board::Board;
use crate::board::queries::{DaemonHealth, Following};
use crate::commanded::Commanded;
use crate::dispatcher::InternalEvent;
use crate::entry::Phase;
use crate::link_state::LinkState;
use crate::lists::Lists;
use crate::reload::ReloadResult;
use crate::silence::Silence;
use crate::test_state::TestState;

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
pub(crate) struct DaemonEnded;

impl Handle {
    /// A handle, and where the loop hears what is said through it.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Message>) {
        let (messages, inbox) = mpsc::channel(MESSAGES);
        (Self { messages }, inbox)
    }

    pub(crate) async fn lists(&self) -> Result<Lists, DaemonEnded> {
        self.ask(|board| Lists::of(board.dispatcher.entries())).await
    }

    /// The state of a test; `None` if there is no such test.
    pub(crate) async fn test(&self, name: String) -> Result<Option<TestState>, DaemonEnded> {
        self.ask(move |board| board.state(&name)).await
    }

    /// Gives a command to a test; `None` if there is no such test.
    pub(crate) async fn command(
        &self,
        event: fn(TestName) -> InternalEvent,
        name: &str,
    ) -> Result<Option<Commanded>, DaemonEnded> {
        let name = TestName::from(name);
        self.ask(move |board| {
            board.dispatcher.entry(name.as_str())?;
            let has_effect = board.handle(event(name.clone()));
            let run = board.dispatcher.entry(name.as_str()).filter(|_| has_effect).and_then(|entry| entry.record().run);
            Some(Commanded { success: has_effect, run: run.map(|run| run.to_string()) })
        })
        .await
    }

    /// What a run that is asked for or under way is doing, in a word; `None` inside if it is neither. `None` if there is no
    /// such test.
    pub(crate) async fn active(&self, test: String, id: String) -> Result<Option<Option<&'static str>>, DaemonEnded> {
        self.ask(move |board| {
            let entry = board.dispatcher.entry(&test)?;
            let is_it = entry.is_active() && entry.record().run.is_some_and(|run| run.to_string() == id);
            Some(is_it.then(|| if entry.phase() == Phase::Waiting { "waiting" } else { "running" }))
        })
        .await
    }

    /// Every server, with the reason why runs cannot use it now, where they cannot.
    pub(crate) async fn servers(&self) -> Result<Vec<(ServerName, Option<String>)>, DaemonEnded> {
        self.ask(|board| board.runner.servers().readiness()).await
    }

    pub(crate) async fn links(&self) -> Result<BTreeMap<String, LinkState>, DaemonEnded> {
        self.ask(|board| LinkState::all(&board.dispatcher)).await
    }

    pub(crate) async fn health(&self) -> Result<DaemonHealth, DaemonEnded> {
        self.ask(|board| board.health()).await
    }

    /// The states of all tests, and every change from then on.
    pub(crate) async fn follow(&self) -> Result<Following, DaemonEnded> {
        self.ask(|board| board.follow()).await
    }

    pub(crate) async fn silences(&self) -> Result<Vec<Arc<Silence>>, DaemonEnded> {
        self.ask(|board| board.dispatcher.silences().to_vec()).await
    }

    /// Silences what the silence covers. If that names something that there is not, says what, and does nothing.
    pub(crate) async fn silence(&self, silence: Arc<Silence>) -> Result<Result<(), String>, DaemonEnded> {
        self.ask(move |board| board.silence(silence)).await
    }

    /// Ends a silence; tells whether there was one.
    pub(crate) async fn end_silence(&self, id: String) -> Result<bool, DaemonEnded> {
        self.ask(move |board| board.end_silence(id)).await
    }

    /// Loads the configuration again, and goes over to it if it is in order.
    pub(crate) async fn reload(&self) -> Result<ReloadResult, DaemonEnded> {
        let answer = self.ask(|board| board.reloading.begin()).await?;
        answer.await.map_err(|_| DaemonEnded)
    }

    async fn ask<T: Send + 'static>(
        &self,
        what: impl FnOnce(&mut Board) -> T + Send + 'static,
    ) -> Result<T, DaemonEnded> {
        let (reply, answer) = oneshot::channel();
        let message: Message = Box::new(move |board| {
            // Whoever asked may have gone.
            let _ = reply.send(what(board));
        });
        self.messages.send(message).await.map_err(|_| DaemonEnded)?;
        answer.await.map_err(|_| DaemonEnded)
    }
}
