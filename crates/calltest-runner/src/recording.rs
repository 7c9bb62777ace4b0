//! Recordings of what comes in on a leg.
//!
//! A snoop channel listens in on the incoming direction alone, so that what the leg plays itself is not in the recording
//! (a recording of the channel would wait for the end of that sound, one of a bridge would mix it in). The recording lies
//! on the server under a name with the run's id until the end of the call; then it is fetched, and deleted there.

use std::sync::Arc;
use std::time::Duration;

use calltest_ari::requests::channels::{IfExists, Record, SnoopChannelWithId, SnoopDirection};
use calltest_ari::requests::{channels, recordings};
use calltest_ari::{Client, Event, RequestFailure, Subscription};
use calltest_core::evidence::{Awaiting, Observation, Side, Stop};
use calltest_core::verdict::Trouble;
use tokio::time::Instant;

use crate::archive::Archive;
use crate::call::Call;
use crate::channel_id::{Part, channel_id};
use crate::wav;

/// How long the server may take to tell that a recording which was stopped has ended.
const ENDING: Duration = Duration::from_secs(2);

/// A recording under way.
pub(crate) struct Tape {
    pub(crate) channel: Arc<str>,
    side: Side,
    /// Its name in the configuration.
    name: String,
    /// Its name on the server.
    stored: String,
    state: TapeState,
    /// Whether the server was asked to record, so that there may be a recording whatever it answered.
    is_asked: bool,
    _subscription: Subscription,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TapeState {
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

impl Tape {
    /// Moves on by what an event of its snoop channel told.
    pub(crate) fn advance(&mut self, event: &Event) {
        let next = match event {
            Event::StasisStart(_) if self.state == TapeState::Opening => TapeState::Open,
            Event::RecordingStarted(_) if self.state == TapeState::Open => TapeState::Recording,
            Event::RecordingFinished(_) => TapeState::Ended,
            Event::RecordingFailed(failed) => {
                let cause = failed.recording.cause.clone();
                TapeState::Failed { why: cause.map_or_else(|| "Asterisk gives no reason".into(), String::from) }
            }
            // The channel that it listens to is gone. A recording tells its own end.
            Event::StasisEnd(_) | Event::ChannelDestroyed(_)
                if matches!(self.state, TapeState::Opening | TapeState::Open) =>
            {
                TapeState::Failed { why: "the call ended before it began".into() }
            }
            _ => return,
        };
        self.state = next;
    }

    fn is_over(&self) -> bool {
        matches!(self.state, TapeState::Ended | TapeState::Failed { .. })
    }
}

impl Call<'_> {
    /// Records what comes in on a side from now on until the end of the call, if it is to be recorded at all.
    pub(crate) async fn record(&mut self, side: Side, name: Option<&str>) -> Result<(), Stop> {
        let Some(name) = name else { return Ok(()) };
        let server = self.end(side).server.plan.clone();
        let snoop_id = channel_id(&server.app, self.run, Part::Snoop(side));
        let stored = format!("{}{name}-{snoop_id}", server.record_base);
        let client = self.connection(side)?.client.clone();
        let subscription = client.subscribe(snoop_id.as_str(), &self.sender);
        self.tapes.push(Tape {
            channel: snoop_id.as_str().into(),
            side,
            name: name.to_owned(),
            stored: stored.clone(),
            state: TapeState::Opening,
            is_asked: false,
            _subscription: subscription,
        });
        let snoop = SnoopChannelWithId {
            channel_id: self.channel(side),
            snoop_id: snoop_id.clone(),
            spy: Some(SnoopDirection::In),
            app: server.app.clone(),
            ..Default::default()
        };
        self.ask(side, "listen in on the call", snoop).await?;
        self.until(Awaiting::Recording, |call| call.tape(side).state != TapeState::Opening).await?;
        if self.tape(side).state == TapeState::Open {
            let record = Record {
                channel_id: snoop_id,
                name: stored,
                format: "wav".into(),
                if_exists: Some(IfExists::Overwrite),
                ..Default::default()
            };
            if let Some(tape) = self.tapes.iter_mut().find(|tape| tape.side == side) {
                tape.is_asked = true;
            }
            let asked = self.ask(side, "record the call", record).await;
            asked.map_err(|stop| self.recording_failed(side, stop))?;
            self.until(Awaiting::Recording, |call| call.tape(side).state != TapeState::Open).await?;
        }
        if let TapeState::Failed { why } = self.tape(side).state.clone() {
            return Err(Stop::Trouble(self.recording_trouble(side, why)));
        }
        self.recorder.note(Some(side), Observation::RecordingStarted { name: name.to_owned() });
        Ok(())
    }

    /// Ends all recordings, and brings them home. What goes wrong is noted.
    pub(crate) async fn end_recordings(&mut self, archive: &Archive) {
        for index in 0..self.tapes.len() {
            let side = self.tapes[index].side;
            let line = self.end(side).server.line();
            let Some(client) = line.map(|connection| connection.client.clone()) else { continue };
            let has_begun = self.tapes[index].state == TapeState::Recording;
            let recording_name = self.tapes[index].stored.clone();
            if self.tapes[index].is_asked && !self.tapes[index].is_over() {
                // A recording that has ended meanwhile is none any more.
                forgive(client.request(recordings::Stop { recording_name: recording_name.clone() }).await);
                let limit = Instant::now() + ENDING;
                if let Err(trouble) = self.linger(limit, |call| call.tapes[index].is_over()).await {
                    self.recorder.note(None, Observation::Troubled(trouble));
                }
            }
            if has_begun || self.tapes[index].state == TapeState::Ended {
                self.bring_home(index, &client, archive).await;
            }
            if self.tapes[index].is_asked {
                forgive(client.request(recordings::DeleteStored { recording_name }).await);
            }
            let channel_id = self.tapes[index].channel.to_string();
            let hangup = client.request(channels::Hangup { channel_id, ..Default::default() }).await;
            if hangup.as_ref().is_err_and(|error| !error.is_not_found()) {
                self.suspect_leavings(side);
            }
            forgive(hangup);
        }
    }

    async fn bring_home(&mut self, index: usize, client: &Client, archive: &Archive) {
        let Tape { side, name, stored, .. } = &self.tapes[index];
        let (side, name, stored) = (*side, name.clone(), stored.clone());
        let what = match client.request(recordings::GetStoredFile { recording_name: stored }).await {
            Ok(bytes) => self.keep(side, name, bytes, archive).await,
            Err(error) if error.is_not_found() && self.tapes[index].state == TapeState::Ended => {
                Observation::RecordingMissing { name, why: error.to_string() }
            }
            // A recording that the server does not say has ended may lie there later.
            Err(error) => Observation::Troubled(self.recording_trouble(side, error.to_string())),
        };
        self.recorder.note(Some(side), what);
    }

    async fn keep(&self, side: Side, name: String, bytes: bytes::Bytes, archive: &Archive) -> Observation {
        let duration = match wav::duration(&bytes) {
            Ok(duration) => duration,
            Err(error) => {
                return Observation::Troubled(self.recording_trouble(side, format!("it is no WAV file: {error}")));
            }
        };
        let (archive, run, size) = (archive.clone(), self.run, bytes.len() as u64);
        let kept = tokio::task::spawn_blocking(move || archive.keep(run, side, &bytes)).await;
        match kept.map_err(std::io::Error::other).and_then(|kept| kept) {
            Ok(path) => Observation::RecordingFetched { name, path, bytes: size, duration },
            Err(error) => Observation::Troubled(self.recording_trouble(side, format!("it could not be kept: {error}"))),
        }
    }

    fn tape(&self, side: Side) -> &Tape {
        let tape = self.tapes.iter().find(|tape| tape.side == side);
        tape.expect("a recording is waited for only after it was begun")
    }

    fn recording_trouble(&self, side: Side, why: String) -> Trouble {
        Trouble::RecordingFailed { link: self.link(side), name: self.tape(side).name.clone(), why }
    }

    /// A request that could not be fulfilled, told as what it was for.
    fn recording_failed(&self, side: Side, stop: Stop) -> Stop {
        match stop {
            Stop::Trouble(Trouble::RequestFailed { why, .. }) => Stop::Trouble(self.recording_trouble(side, why)),
            stop => stop,
        }
    }
}

/// Lets go of something that may be gone already; anything else is worth a line in the log.
fn forgive<T>(reply: Result<T, calltest_ari::RequestError>) {
    if let Err(error) = reply
        && !error.is_not_found()
        && !matches!(error.failure, RequestFailure::Closed)
    {
        tracing::warn!("could not clean up after a recording: {error}");
    }
}
