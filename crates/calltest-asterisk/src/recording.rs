//! Recordings of what comes in on a leg.
//!
//! A snoop channel listens in on the incoming direction alone, so that what the leg plays itself is not in the recording
//! (a recording of the channel would wait for the end of that sound, one of a bridge would mix it in). The recording lies
//! on the server under a name with the run's id until the end of the call; then it is fetched, and deleted there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use calltest_ari::requests::channels::{IfExists, Record, SnoopChannelWithId, SnoopDirection};
use calltest_ari::requests::recordings;
use calltest_ari::{Delivery, Event, Lost, RequestError, RequestFailure, Subscriber, Subscription};
use calltest_core::evidence::Observation;
use calltest_core::plan;
use calltest_core::run::RunId;
use calltest_engine::{BoxFuture, NotHeard, Refused};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::channel::Channel;
use crate::channel_id::{Part, channel_id};
use crate::hang_up::hang_up;
use crate::server::Server;
use crate::unfinished::Unfinished;

/// How long the server may take to tell that a recording which was stopped has ended.
const ENDING: Duration = Duration::from_secs(2);

/// A recording under way.
pub(crate) struct Recording {
    server: Arc<Server>,
    snoop: Arc<Snoop>,
    /// The name of the recording on the server.
    stored: String,
    _subscription: Subscription,
}

/// The snoop channel of a recording, as far as events have told of it.
struct Snoop {
    id: String,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    phase: Phase,
    /// Whether the server was asked to record, so that there may be a recording whatever it answered.
    is_asked: bool,
    /// No more events come.
    is_lost: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    /// The snoop channel is on its way.
    Opening,
    /// It is there, and records nothing yet.
    Open,
    Recording,
    Ended,
    Failed {
        why: String,
    },
}

impl Recording {
    /// Records what comes in on a channel from now on; the future says whether it has begun.
    pub(crate) fn begin(
        server: Arc<Server>,
        plan: &plan::Asterisk,
        run: RunId,
        channel: Arc<Channel>,
        name: &str,
    ) -> (Self, BoxFuture<'static, Result<(), Refused>>) {
        let id = channel_id(&plan.app, run, Part::Snoop(channel.side));
        let stored = format!("{}{name}-{id}", plan.record_base);
        let snoop = Arc::new(Snoop::new(id));
        let subscription = server.client.subscribe(snoop.id.as_str(), &snoop);
        let listen_in = SnoopChannelWithId {
            channel_id: channel.id.to_string(),
            snoop_id: snoop.id.clone(),
            spy: Some(SnoopDirection::In),
            app: plan.app.clone(),
            ..Default::default()
        };
        let record = Record {
            channel_id: snoop.id.clone(),
            name: stored.clone(),
            format: "wav".into(),
            if_exists: Some(IfExists::Overwrite),
            ..Default::default()
        };
        let begun = Begun { server: Arc::clone(&server), channel, snoop: Arc::clone(&snoop), name: name.to_owned() };
        (Self { server, snoop, stored, _subscription: subscription }, Box::pin(begun.begin(listen_in, record)))
    }

    /// Ends it, and hands it over; `None` if it has not begun.
    pub(crate) async fn fetch(self) -> Option<Result<Bytes, NotHeard>> {
        let Self { server, snoop, stored, .. } = &self;
        let State { phase, is_asked, .. } = snoop.state().clone();
        let has_begun = phase == Phase::Recording;
        if is_asked && !phase.is_over() {
            // A recording that has ended meanwhile is none any more.
            warn_unless_gone(server.client.request(recordings::Stop { recording_name: stored.clone() }).await);
            // What is not told in that time is known by what the server has.
            let _ = timeout(ENDING, snoop.wait_for(Phase::is_over)).await;
        }
        let has_ended = snoop.state().phase == Phase::Ended;
        let heard = if has_begun || has_ended { Some(self.download(has_ended).await) } else { None };
        if is_asked {
            warn_unless_gone(server.client.request(recordings::DeleteStored { recording_name: stored.clone() }).await);
        }
        hang_up(server, &snoop.id, None).await;
        heard
    }

    async fn download(&self, has_ended: bool) -> Result<Bytes, NotHeard> {
        let get = recordings::GetStoredFile { recording_name: self.stored.clone() };
        self.server.client.request(get).await.map_err(|error| match error.is_gone() && has_ended {
            true => NotHeard::Missing { why: error.to_string() },
            // A recording that the server does not say has ended may lie there later.
            false => NotHeard::Failed { why: error.to_string() },
        })
    }
}

/// A recording that is about to begin.
struct Begun {
    server: Arc<Server>,
    channel: Arc<Channel>,
    snoop: Arc<Snoop>,
    name: String,
}

impl Begun {
    async fn begin(self, listen_in: SnoopChannelWithId, record: Record) -> Result<(), Refused> {
        self.channel.in_app().await?;
        let unfinished = Unfinished::on(&self.server);
        let opened = self.server.client.request(listen_in).await;
        unfinished.finish();
        if let Err(error) = opened {
            return Err(self.channel.explain(error).await);
        }
        if self.snoop.wait_for(|phase| *phase != Phase::Opening).await? == Phase::Open {
            self.snoop.state().is_asked = true;
            let unfinished = Unfinished::on(&self.server);
            let asked = self.server.client.request(record).await;
            unfinished.finish();
            if let Err(error) = asked {
                return Err(self.channel.explain(error).await);
            }
        }
        match self.snoop.wait_for(|phase| *phase == Phase::Recording || phase.is_over()).await? {
            // It may be over already; that it has begun is what was asked for.
            Phase::Recording | Phase::Ended => {
                self.channel.tell(Observation::RecordingStarted { name: self.name });
                Ok(())
            }
            Phase::Failed { why } => Err(self.channel.over_or(why).await),
            Phase::Opening | Phase::Open => Err(Refused::No { why: "it did not begin".into() }),
        }
    }
}

impl Phase {
    fn is_over(&self) -> bool {
        matches!(self, Self::Ended | Self::Failed { .. })
    }
}

impl Snoop {
    fn new(id: String) -> Self {
        let state = State { phase: Phase::Opening, is_asked: false, is_lost: false };
        Self { id, state: Mutex::new(state), changed: Notify::new() }
    }

    /// Waits until it has come to such a phase.
    async fn wait_for(&self, is_it: impl Fn(&Phase) -> bool) -> Result<Phase, Refused> {
        loop {
            let State { phase, is_lost, .. } = self.state().clone();
            match is_it(&phase) {
                true => return Ok(phase),
                false if is_lost => return Err(Refused::Unclear { why: "the connection was lost".into() }),
                // Only one waits at a time.
                false => self.changed.notified().await,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscriber for Snoop {
    fn deliver(&self, delivery: Delivery) {
        let mut state = self.state();
        let next = match &*delivery.event {
            Event::StasisStart(_) if state.phase == Phase::Opening => Phase::Open,
            Event::RecordingStarted(_) if state.phase == Phase::Open => Phase::Recording,
            Event::RecordingFinished(_) => Phase::Ended,
            Event::RecordingFailed(failed) => {
                let cause = failed.recording.cause.clone();
                Phase::Failed { why: cause.map_or_else(|| "Asterisk gives no reason".into(), String::from) }
            }
            // The channel that it listens to is gone. A recording tells its own end.
            Event::StasisEnd(_) | Event::ChannelDestroyed(_) if matches!(state.phase, Phase::Opening | Phase::Open) => {
                Phase::Failed { why: "the call ended before it began".into() }
            }
            _ => return,
        };
        state.phase = next;
        drop(state);
        self.changed.notify_one();
    }

    fn lose(&self, _server: &Arc<str>, _why: &Lost) {
        self.state().is_lost = true;
        self.changed.notify_one();
    }
}

/// Lets go of something that may be gone already; anything else is worth a line in the log.
fn warn_unless_gone<T>(reply: Result<T, RequestError>) {
    if let Err(error) = reply
        && !error.is_gone()
        && !matches!(error.failure, RequestFailure::Closed)
    {
        tracing::warn!("could not clean up after a recording: {error}");
    }
}
