//! Turns: how many requests are under way at a time, and who comes first. Hang-ups do not wait for what else is to be done,
//! and the client's own requests do not wait at all: an owner whose heartbeat stood still behind others would look dead.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Method;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::transport::RawRequest;

/// How many of the client's own requests may be under way besides the others: a heartbeat, and one that belongs to
/// connecting or closing.
const OWN_REQUESTS: usize = 2;

/// Whose turn is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// The client's own: heartbeat, connecting, closing.
    Own,
    /// What must not wait behind everything else: hang-ups, and proofs that events arrive.
    First,
    /// Everything else, first come, first served.
    Ordinary,
}

impl Lane {
    /// The lane of a request that somebody asks for.
    pub(crate) fn of(request: &RawRequest) -> Self {
        let channel = request.target.strip_prefix("/channels/").map(|rest| rest.split('?').next().unwrap_or(rest));
        match channel {
            Some(id) if request.method == Method::DELETE && !id.contains('/') => Self::First,
            _ => Self::Ordinary,
        }
    }
}

/// The turns of one server.
#[derive(Debug)]
pub(crate) struct Turns {
    own: Arc<Semaphore>,
    shared: Arc<Shared>,
}

/// The right to have a request under way, until it is dropped.
#[derive(Debug)]
#[expect(dead_code, reason = "it is held, and never looked at")]
pub(crate) enum Turn {
    Own(OwnedSemaphorePermit),
    Shared(SharedTurn),
}

#[derive(Debug)]
struct Shared(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Turns that nobody has. While there are any, nobody waits.
    free: usize,
    first: VecDeque<oneshot::Sender<SharedTurn>>,
    ordinary: VecDeque<oneshot::Sender<SharedTurn>>,
    is_closed: bool,
}

/// One of the turns that everybody shares.
#[derive(Debug)]
pub(crate) struct SharedTurn(Option<Arc<Shared>>);

impl Turns {
    /// So many turns, and those of the client itself.
    pub(crate) fn new(requests: usize) -> Self {
        let state = State { free: requests, first: VecDeque::new(), ordinary: VecDeque::new(), is_closed: false };
        Self { own: Arc::new(Semaphore::new(OWN_REQUESTS)), shared: Arc::new(Shared(Mutex::new(state))) }
    }

    /// Waits for a turn; `None` once they are closed. Whoever gives the wait up keeps nobody back.
    pub(crate) async fn wait(&self, lane: Lane) -> Option<Turn> {
        let turn = match lane {
            Lane::Own => return Arc::clone(&self.own).acquire_owned().await.ok().map(Turn::Own),
            Lane::First | Lane::Ordinary => self.shared.ask(lane),
        };
        // A sender that is dropped without a turn belongs to turns that are closed.
        turn.await.ok().map(Turn::Shared)
    }

    /// Gives no turns any more, and turns away whoever waits.
    pub(crate) fn close(&self) {
        self.own.close();
        let mut state = self.shared.state();
        state.is_closed = true;
        (state.first, state.ordinary) = Default::default();
    }
}

impl Shared {
    fn ask(self: &Arc<Self>, lane: Lane) -> oneshot::Receiver<SharedTurn> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state();
        if state.is_closed {
            return receiver;
        }
        if state.free > 0 {
            state.free -= 1;
            // The receiver is right here.
            let _ = sender.send(SharedTurn(Some(Arc::clone(self))));
            return receiver;
        }
        match lane {
            Lane::First => state.first.push_back(sender),
            Lane::Own | Lane::Ordinary => state.ordinary.push_back(sender),
        }
        receiver
    }

    /// Hands a turn that was given back to the next that waits.
    fn pass_on(self: &Arc<Self>) {
        let mut state = self.state();
        loop {
            let Some(next) = state.first.pop_front().or_else(|| state.ordinary.pop_front()) else {
                state.free += 1;
                return;
            };
            match next.send(SharedTurn(Some(Arc::clone(self)))) {
                Ok(()) => return,
                // It was given up. What comes back must not pass itself on while the state is locked.
                Err(mut given_up) => given_up.0 = None,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SharedTurn {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take() {
            shared.pass_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn request(method: Method, target: &str) -> RawRequest {
        RawRequest { method, target: target.into(), body: None }
    }

    #[test]
    fn only_the_end_of_a_channel_comes_first() {
        for target in ["/channels/ct-1", "/channels/ct-1%3B2?reason=busy", "/channels/a%2Fb?reason=a/b"] {
            assert_eq!(Lane::of(&request(Method::DELETE, target)), Lane::First, "{target}");
            assert_eq!(Lane::of(&request(Method::GET, target)), Lane::Ordinary, "{target}");
        }
        for target in ["/channels/ct-1/ring", "/recordings/stored/a", "/bridges/b"] {
            assert_eq!(Lane::of(&request(Method::DELETE, target)), Lane::Ordinary, "{target}");
        }
    }

    #[tokio::test]
    async fn hang_ups_come_first_and_the_client_itself_does_not_wait() {
        let turns = Turns::new(1);
        let taken = turns.wait(Lane::Ordinary).await.unwrap();
        let (mut second, mut third) = (Box::pin(turns.wait(Lane::Ordinary)), Box::pin(turns.wait(Lane::Ordinary)));
        let mut hang_up = Box::pin(turns.wait(Lane::First));
        let mut given_up = Box::pin(turns.wait(Lane::First));
        assert!((&mut second).now_or_never().is_none() && (&mut third).now_or_never().is_none());
        assert!((&mut given_up).now_or_never().is_none() && (&mut hang_up).now_or_never().is_none());
        assert!(turns.wait(Lane::Own).now_or_never().flatten().is_some());
        drop(given_up);
        drop(taken);
        assert!((&mut second).now_or_never().is_none(), "the hang-up is first");
        drop(hang_up.now_or_never().flatten().expect("its turn"));
        let turn = second.now_or_never().flatten().expect("its turn");
        turns.close();
        assert!(third.now_or_never().expect("nobody waits for what does not come").is_none());
        drop(turn);
        assert!(turns.wait(Lane::First).await.is_none() && turns.wait(Lane::Own).await.is_none());
    }

    /// A turn that was handed over, and whose receiver had just given up, is not lost.
    #[tokio::test]
    async fn a_turn_that_nobody_takes_goes_to_the_next() {
        let turns = Turns::new(1);
        let taken = turns.wait(Lane::Ordinary).await.unwrap();
        let mut second = Box::pin(turns.wait(Lane::Ordinary));
        assert!((&mut second).now_or_never().is_none());
        drop(taken);
        drop(second);
        assert!(turns.wait(Lane::Ordinary).now_or_never().flatten().is_some());
    }
}
