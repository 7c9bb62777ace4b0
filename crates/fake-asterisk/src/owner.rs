//! The way to the task that owns the state, for whoever wants something of it.

use std::fmt;
use std::sync::mpsc as std_mpsc;

use tokio::sync::{mpsc, oneshot};

use crate::message::Received;
use crate::rules::Fate;
use crate::state::{Input, State};

/// The way to the task that owns the state. The queue has no bound: tests and handlers wait for their answers, so there
/// are never more inputs than of those.
#[derive(Clone)]
pub(crate) struct Owner(pub(crate) mpsc::UnboundedSender<Input>);

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owner")
    }
}

impl Owner {
    /// Does something with the state, after everything that was asked for before, and gives its result. Blocks for the
    /// moment that takes; the server is on a thread of its own. `None` when the server has gone.
    pub(crate) fn run<T: Send + 'static>(&self, act: impl FnOnce(&mut State) -> T + Send + 'static) -> Option<T> {
        let (result, results) = std_mpsc::sync_channel(1);
        let act = Box::new(move |state: &mut State| {
            // The receiver waits just below.
            let _ = result.send(act(state));
        });
        self.0.send(Input::Test(act)).ok()?;
        results.recv().ok()
    }

    /// What becomes of a request, once it is not postponed any more.
    pub(crate) async fn request(&self, mut request: Received) -> Option<Fate> {
        loop {
            let (reply, fate) = oneshot::channel();
            self.0.send(Input::Request { request, reply }).ok()?;
            match fate.await.ok()? {
                Fate::Postponed { request: postponed, time } => {
                    tokio::time::sleep(time).await;
                    request = Received { was_postponed: true, ..postponed };
                }
                fate => return Some(fate),
            }
        }
    }
}
