//! One run on a bench: its queue, and waits that end with a sentence where nothing comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use calltest_core::evidence::{Observation, Side};
use calltest_core::run::RunId;
use tokio::time::{Instant, sleep, timeout};

use crate::contract::{Bench, Target};
use crate::{Arriving, Claim, Command, Dialling, Leg, Listening, Observations, Outgoing, Refused, Seen, Sink, queue};

/// How long anything that has to come may take.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait before looking again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How long a call may last, where its end is not what is looked at.
const LIMIT: Duration = Duration::from_secs(60);

/// One run on a bench.
pub(super) struct Trial<'b, B> {
    bench: &'b B,
    pub(super) run: RunId,
    sink: Sink,
    observations: Observations,
    /// What was told so far, in order.
    pub(super) told: Vec<Seen>,
}

/// Both legs of a call that is up.
pub(super) struct Up {
    pub(super) src: Box<dyn Leg>,
    pub(super) dst: Box<dyn Leg>,
    pub(super) _listening: Listening,
}

impl<'b, B: Bench> Trial<'b, B> {
    pub(super) fn on(bench: &'b B) -> Self {
        static RUNS: AtomicU64 = AtomicU64::new(0);
        let (sink, observations) = queue(1024);
        // Far from the small numbers of other tests on the same server.
        let run = RunId(0xc0_0000 + RUNS.fetch_add(1, Ordering::Relaxed));
        Self { bench, run, sink, observations, told: Vec::new() }
    }

    pub(super) async fn listen(&self) -> Listening {
        let listening = self.bench.engine().listen(&self.bench.door(), self.run, &self.sink);
        within("listening", listening).await.expect("whoever asks may listen")
    }

    pub(super) async fn start(&self, target: Target, limit: Duration) -> Dialling {
        let permit = within("a turn to dial", self.bench.engine().permit()).await;
        let Target { link, number } = target;
        let server = Arc::clone(self.bench.server());
        let call = Outgoing {
            run: self.run,
            link,
            server,
            number,
            withholds_number: false,
            follows_forwarding: false,
            limit,
            seen: self.sink.clone(),
        };
        permit.expect("a connected engine lets calls out").dial(call)
    }

    pub(super) async fn dial_for(&self, target: Target, limit: Duration) -> Box<dyn Leg> {
        let Dialling { leg, taken } = self.start(target, limit).await;
        within("an answer to the wish to dial", taken).await.expect("the far ends of a bench can be dialled");
        leg
    }

    pub(super) async fn dial(&self, target: Target) -> Box<dyn Leg> {
        self.dial_for(target, LIMIT).await
    }

    /// The call of this run that comes in.
    pub(super) async fn arrival(&self) -> Arriving {
        let door = self.bench.door();
        let give_up = Instant::now() + PATIENCE;
        loop {
            let is_ours = |call: &Arriving| {
                call.link == door.arrives_as.as_str() && call.of_run.is_none_or(|run| run == self.run)
            };
            let ours = self.bench.guests().take(is_ours);
            if let Some(call) = ours {
                return call;
            }
            assert!(Instant::now() < give_up, "no call came in at {} although one was dialled", door.name);
            sleep(LOOK_AGAIN).await;
        }
    }

    pub(super) fn claim(&self, call: Arriving) -> Box<dyn Leg> {
        let (server, link) = (Arc::clone(self.bench.server()), self.bench.door().name.clone());
        call.call.claim(Claim { run: self.run, server, link, seen: self.sink.clone() })
    }

    /// A call from end to end, answered.
    pub(super) async fn up(&mut self) -> Up {
        let _listening = self.listen().await;
        let src = self.dial(self.bench.target_at_door()).await;
        let mut dst = self.claim(self.arrival().await);
        obeys(&mut *dst, Command::Answer).await;
        self.see(Side::Dst, "the answer", |what| *what == Observation::Answered).await;
        self.see(Side::Src, "the answer", |what| *what == Observation::Answered).await;
        Up { src, dst, _listening }
    }

    /// Waits until such a thing has been told of a side.
    pub(super) async fn see(&mut self, side: Side, name: &str, is_it: impl Fn(&Observation) -> bool) {
        let give_up = Instant::now() + PATIENCE;
        while !self.has_seen(side, &is_it) {
            let next = timeout(give_up.saturating_duration_since(Instant::now()), self.observations.next()).await;
            match next {
                Ok(Ok(seen)) => self.told.push(seen),
                Ok(Err(trouble)) => panic!("the queue ended before {name} was told of {side:?}: {trouble}"),
                Err(_) => panic!("{name} was never told of {side:?}, but only {:#?}", self.told),
            }
        }
    }

    pub(super) fn has_seen(&self, side: Side, is_it: impl Fn(&Observation) -> bool) -> bool {
        self.told.iter().any(|seen| seen.side == side && is_it(&seen.what))
    }

    /// Waits until the end of a side was told.
    pub(super) async fn see_end(&mut self, side: Side) {
        self.see(side, "the end", |what| matches!(what, Observation::Gone { .. })).await;
    }

    /// Takes in what is told during a while.
    pub(super) async fn linger(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while let Ok(next) = timeout(until.saturating_duration_since(Instant::now()), self.observations.next()).await {
            self.told.push(next.unwrap_or_else(|trouble| panic!("the queue ended: {trouble}")));
        }
    }

    /// Takes in what is told already, without waiting.
    pub(super) fn catch_up(&mut self) {
        while let Ok(Some(seen)) = self.observations.try_next() {
            self.told.push(seen);
        }
    }

    /// Waits until nothing is up any more.
    pub(super) async fn nothing_is_up(&self) {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let up = self.bench.up().await;
            if up == 0 {
                return;
            }
            assert!(Instant::now() < give_up, "{up} still up {} s after all was ended", PATIENCE.as_secs());
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until something is up.
    pub(super) async fn something_is_up(&self) {
        let give_up = Instant::now() + PATIENCE;
        while self.bench.up().await == 0 {
            assert!(Instant::now() < give_up, "a call was dialled, and nothing is up");
            sleep(LOOK_AGAIN).await;
        }
    }
}

impl Up {
    /// Ends both legs.
    pub(super) async fn end(mut self) {
        ends(&mut *self.src).await;
        ends(&mut *self.dst).await;
    }
}

/// Waits for something that an engine has to give.
pub(super) async fn within<T>(name: &str, what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.unwrap_or_else(|_| panic!("{name} did not come within {} s", PATIENCE.as_secs()))
}

pub(super) async fn obeys(leg: &mut dyn Leg, command: Command) {
    let outcome = tell(leg, command.clone()).await;
    assert_eq!(outcome, Ok(()), "{} refused {command:?}", leg.label());
}

pub(super) async fn tell(leg: &mut dyn Leg, command: Command) -> Result<(), Refused> {
    let name = format!("an answer to {command:?}");
    within(&name, leg.command(command)).await
}

pub(super) async fn ends(leg: &mut dyn Leg) {
    let label = leg.label().to_owned();
    let ended = within("the end of a leg", leg.end()).await;
    assert_eq!(ended, Ok(()), "{label} was hung up, and stays");
}
